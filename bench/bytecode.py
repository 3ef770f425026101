"""How much Python a piece of work is: bytecode instructions executed, the same on every machine.

What the simulation and the benchmarks do themselves is left out. Work inside C, like hashing or compiled parsers, is
not seen.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import bench
import sim

_SIM, _BENCH = (str(Path(package.__path__[0])) for package in (sim, bench))


@dataclass
class Count:
    """Instructions executed so far; those below `inside`, a function of the simulation, are not counted."""

    instructions: int = 0
    inside: FrameType | None = None

    def enter(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        """A function is called."""
        name = frame.f_code.co_filename
        if self.inside or name.startswith(_BENCH):
            return None
        frame.f_trace_lines = False
        if name.startswith(_SIM):
            self.inside = frame
        else:
            frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "opcode":
            self.instructions += 1
        elif event == "return" and frame is self.inside:
            self.inside = None
        return self._step


@contextlib.contextmanager
def counted() -> Iterator[Count]:
    """Count what is executed in the functions called in the block."""
    count, before = Count(), sys.gettrace()
    sys.settrace(count.enter)
    try:
        yield count
    finally:
        sys.settrace(before)
