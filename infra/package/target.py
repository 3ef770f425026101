"""What a package is made for: a Python and a processor, the two that wheels and bytecode depend on."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

PYTHONS = ("3.11", "3.12", "3.13")
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # as Lambda and as wheels call them
ARCHITECTURES = tuple(_MACHINES)
_OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
# The C library below: python3.11 runs on Amazon Linux 2, later ones on Amazon Linux 2023 (Lambda, "Runtimes").
_GLIBC_MINOR = {"3.11": 26, "3.12": 34, "3.13": 34}
_OLDEST_GLIBC_MINOR = 17  # what manylinux2014 stands for
_TELL = "import sys; print('%d.%d' % sys.version_info[:2])"
_SETTINGS = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


class Failed(RuntimeError):
    """The code cannot be packaged; the message carries what the tool said."""


@dataclass(frozen=True)
class Target:
    """A runtime of Lambda; by default the packaging interpreter's, on x86_64."""

    python: str = _OWN
    architecture: str = "x86_64"

    @property
    def runtime(self) -> str:
        """As Lambda calls it."""
        return f"python{self.python}"

    @property
    def wheels(self) -> list[str]:
        """What pip needs to be told to choose wheels for it."""
        abi = f"cp{self.python.replace('.', '')}"
        newest = _GLIBC_MINOR[self.python]
        names = [f"manylinux_2_{minor}" for minor in range(newest, _OLDEST_GLIBC_MINOR - 1, -1)]
        platforms = [f"{name}_{_MACHINES[self.architecture]}" for name in (*names, "manylinux2014")]
        chosen = ["--python-version", self.python, "--implementation", "cp"]
        chosen += [part for each in (abi, "abi3", "none") for part in ("--abi", each)]
        return chosen + [part for each in platforms for part in ("--platform", each)]

    def interpreter(self) -> str:
        """A Python that writes its bytecode. Raises Failed when the machine has none."""
        found = sys.executable if self.python == _OWN else shutil.which(self.runtime)
        if not found or run(found, "-c", _TELL, fails=False).strip() != self.python:
            raise Failed(f"Bytecode for {self.runtime} needs a {self.runtime} on the PATH.")
        return found


def run(*command: str, folder: str | os.PathLike[str] = ".", fails: bool = True, **settings: str) -> str:
    """What a command says; with `fails=False` also when it fails. Raises Failed."""
    environment = {**os.environ, **_SETTINGS, **settings}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and fails:
        raise Failed(f"{done.stdout}\n{done.stderr}".strip())
    return done.stdout
