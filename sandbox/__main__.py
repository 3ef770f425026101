"""`python -m sandbox --port 8001 --keys DIR --state FILE`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from .server import Sandbox

_ENDINGS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Payment channels to develop against.")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--keys", type=Path, required=True, help="folder of the keys of both sides")
    parser.add_argument("--state", type=Path, required=True, help="file of the channels' books")
    parser.add_argument("--retry-scale", type=float, default=1.0, help="0.1 makes repeats ten times quicker")
    asked = parser.parse_args()
    try:
        sandbox = Sandbox(asked.port, folder=asked.keys, state=asked.state, retry_scale=asked.retry_scale)
    except OSError as error:
        sys.exit(f"The sandbox can't start on port {asked.port}: {error.strerror or error}.")
    for ending in _ENDINGS:
        signal.signal(ending, _interrupt)
    print(f"sandbox channels at {sandbox.url}", flush=True)
    try:
        sandbox.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        sandbox.stop()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for ending in _ENDINGS:  # a terminal and a supervisor may both say it: the books are saved once, in peace
        signal.signal(ending, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
