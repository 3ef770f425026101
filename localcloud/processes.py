"""Child processes: each in a session of its own, so that Ctrl-C reaches the parent alone and it decides the order.

A child is stopped by SIGTERM, and killed with everything it started when it does not go within its grace. On
Linux it also gets SIGTERM when the parent is killed.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .place import ROOT
from .terminal import Stopped

_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass
class Child:
    """One program with its log. `grace` is how many seconds it gets to stop."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    grace: float = 10.0
    restarts: int = 0
    _seen: int = field(default=0, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Run it; a new log begins, the one before stays beside it as .1."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        self._seen = 0
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 the parent has no other threads
            )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll() if self._process else None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Wait until it is ready. Raises Stopped when it ends before, or takes longer."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise Stopped(f"The {self.name} stopped while starting: {self.log} says why.")
            if time.monotonic() > end:
                raise Stopped(f"The {self.name} did not start within {seconds:.0f} s: {self.log} says why.")
            time.sleep(0.05)

    def said(self, word: str) -> bool:
        """Whether a line of its log is this word."""
        return f"{word}\n".encode() in self.log.read_bytes()

    def news(self) -> list[str]:
        """The whole lines of its log since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._seen)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._seen += len(whole)
        return whole.decode(errors="replace").splitlines()

    def stop(self) -> None:
        """End it and whatever it started."""
        if self._process is None:
            return
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.grace)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
