"""What must be so before anything starts. Raises Stopped with the sentence that helps."""

import fcntl
import shutil
import socket
import sys
from collections.abc import Iterable
from typing import TextIO

from . import cloud
from .place import HOST, Place
from .terminal import Stopped


def all_of(place: Place) -> TextIO:
    """Check everything; the answer holds the folder until it is closed."""
    _python()
    _installed()
    lock = _alone(place)
    ports_free((place.port, place.sandbox_port, place.cloud_port), asked=place.port)
    return lock


def ports_free(ports: Iterable[int], *, asked: int) -> None:
    """Raise Stopped when one of the ports is taken or is none."""
    for port in ports:
        if not 1024 <= port <= 65535:
            raise Stopped(f"PORT={asked} does not work: choose one from 1024 to 65533.")
        if _taken(port):
            raise Stopped(
                f"Port {port} is in use: stop what runs there, or choose another, "
                f"for example `make run PORT={asked + 100}` (it needs {asked} to {asked + 2})."
            )


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return True
    return False


def _python() -> None:
    if sys.version_info[:2] != (3, 11):
        raise Stopped("Python 3.11 is needed: run `make run`, which makes an environment with it.")


def _installed() -> None:
    if not cloud.PROGRAM.exists():
        raise Stopped("The embedded cloud is not installed: run `make run`, which installs it.")
    if not shutil.which("node"):
        raise Stopped("Node 20 or newer is needed for the front-end packages: install it and start again.")


def _alone(place: Place) -> TextIO:
    place.folder.mkdir(parents=True, exist_ok=True)
    lock = (place.folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Stopped(f"Another run uses {place.folder}: stop it first.") from None
    return lock
