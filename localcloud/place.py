"""Where a run lives: its ports and the folder with its data and logs."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"  # nothing here is for the network


@dataclass(frozen=True)
class Place:
    """`port` serves the sites, the next one the sandbox channels, the one after it the embedded cloud."""

    port: int
    folder: Path

    @property
    def sandbox_port(self) -> int:
        return self.port + 1

    @property
    def cloud_port(self) -> int:
        return self.port + 2

    @property
    def cloud_url(self) -> str:
        return f"http://{HOST}:{self.cloud_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://localhost:{self.sandbox_port}"

    @property
    def site_domain(self) -> str:
        return f"localhost:{self.port}"

    @property
    def keys(self) -> Path:
        """The merchant keys the sandbox made."""
        return self.folder / "keys"

    @property
    def books(self) -> Path:
        """The sandbox's own books."""
        return self.folder / "books.json"

    @property
    def state(self) -> Path:
        """What the embedded cloud keeps between two runs."""
        return self.folder / "state"

    @property
    def environment(self) -> Path:
        """What a shell needs to operate it by `python -m cardmesh`."""
        return self.folder / "env"

    @property
    def welcome(self) -> Path:
        """The addresses and logins that the seed made known."""
        return self.folder / "welcome.txt"

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.folder / "logs" / f"{name}.log"
