"""Command line: `python -m localcloud run|gateway|triggers|seed --port PORT --folder FOLDER`."""

import argparse
import sys
from pathlib import Path

from .place import Place
from .terminal import PROGRESS, Stopped, say


def main() -> int:
    """Run one of the processes; `run` starts the others. The answer is the exit status."""
    parser = argparse.ArgumentParser(prog="localcloud", description="The deployment on one machine.")
    parser.add_argument("process", choices=sorted(_PROCESSES))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--folder", type=Path, default=Path(".cardmesh"))
    given = parser.parse_args()
    return _PROCESSES[given.process](Place(given.port, given.folder.resolve()))


def _run(place: Place) -> int:
    from . import run

    return run.run(place)


def _gateway(place: Place) -> int:
    from . import server

    return server.run(place.port)


def _triggers(_place: Place) -> int:
    from . import triggers

    return triggers.run()


def _seed(place: Place) -> int:
    from . import seed

    try:
        lines = seed.plant(place, say=lambda line: say(PROGRESS + line))
    except Stopped as reason:
        say(f"{PROGRESS}{reason}")
        return 1
    place.welcome.write_text("\n".join(lines) + "\n")
    return 0


_PROCESSES = {"run": _run, "gateway": _gateway, "triggers": _triggers, "seed": _seed}

if __name__ == "__main__":
    sys.exit(main())
