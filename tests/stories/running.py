"""Everything that `make run` starts, on ports and in a folder of its own, stopped gracefully afterwards."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud import checks
from localcloud.place import ROOT, Place
from localcloud.terminal import Stopped

START = 120  # seconds a busy machine may take until it says "ready"
STOP = 120  # seconds in which everything must be gone


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    """A deployment from nothing to ready. Raises AssertionError when it leaves something running."""
    place = Place(_free_ports(), folder / "cardmesh")
    log = folder / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud", "run", "--port", str(place.port), "--folder", place.folder],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, log)
        yield place
    finally:
        _stop(process)
    assert process.returncode == 0, log.read_text()
    assert _left(place) == []
    checks.ports_free((place.port, place.sandbox_port, place.cloud_port), asked=place.port)


def _free_ports() -> int:
    """The first of three free ports, an even one, anywhere but where a person would run it.

    Tests in several processes find different ones, since some time passes until they are used.
    """
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    every = range(9100, 9900, 4)[mine :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    for port in random.sample(every, 50):
        try:
            checks.ports_free(range(port, port + 3), asked=port)
        except Stopped:
            continue
        return port
    raise AssertionError("No three ports in a row are free.")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START
    while not any(line.startswith("ready") for line in log.read_text().splitlines()):
        assert process.poll() is None, f"It ended while starting:\n{log.read_text()}"
        assert time.monotonic() < end, f"It was not ready in {START} s:\n{log.read_text()}"
        time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _left(place: Place) -> list[str]:
    """Processes of this deployment that still run, where the system can tell."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(place.folder) in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found
