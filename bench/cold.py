"""One function from its first import to its last warm call, in a process of its own that callgrind watches.

`python -S -m bench.cold <plan>` with the modules to import, the handler and the scene in the plan's file. Imports
come package by package, so that each has its own count; whatever the shop does not do itself is not counted.
"""

import gc
import importlib
import io
import json
import pickle  # the scene comes from the process that started this one
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import callgrind

Event = dict[str, Any]
WARM = 3  # calls that are counted, after the first and those that warm up


def main(plan: Path) -> None:
    """Play a plan."""
    asked = json.loads(plan.read_text())
    sys.stdout = io.StringIO()  # what a function logs
    gc.collect()  # its next run comes when it comes whatever this process has done so far
    callgrind.part("python")
    for package, modules in asked["imports"]:
        for module in modules:
            importlib.import_module(module)
        callgrind.part(package)
    _connect()
    callgrind.part("client")
    if asked["called"]:
        plan.with_name("told").write_text(json.dumps(_calls(asked)))


def _connect() -> None:
    """What each function does before its first call to the database, wherever it does it."""
    from chalicelib.kit import aws

    aws.client("dynamodb")


def _calls(asked: dict[str, Any]) -> dict[str, Any]:
    """The first call and warm ones; what a warm one asks of AWS and logs."""
    handler = getattr(sys.modules[asked["module"]], asked["handler"])
    with callgrind.uncounted(long=True):
        events, wire = _enter(asked)
    callgrind.part("scene")
    _call(handler, events[:1])
    callgrind.part("first call")
    _call(handler, events[1:-WARM])
    callgrind.part("warming up")
    before = _told(wire)
    _call(handler, events[-WARM:])
    callgrind.part("warm calls")
    return {name: (count - before.get(name, 0)) / WARM for name, count in _told(wire).items()}


def _call(handler: Callable[..., Any], events: list[Event]) -> None:
    for event in events:
        answer = handler(event, None)
        if answer.get("statusCode", 200) >= 400 or answer.get("batchItemFailures"):
            raise RuntimeError(f"a call failed: {answer}")


def _enter(asked: dict[str, Any]) -> tuple[list[Event], Any]:
    """Put the scene around this process; the events to come, and the wire that all calls go through."""
    from . import wire

    scene = pickle.loads(Path(asked["scene"]).read_bytes())  # noqa: S301  made by the starter
    return list(scene.events[asked["function"]]), wire.enter(scene)


def _told(wire: Any) -> dict[str, float]:
    logged = sys.stdout.getvalue() if isinstance(sys.stdout, io.StringIO) else ""
    return {**wire.tally(), "logged": len(logged)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
