"""Instructions of a Python programme, counted by valgrind: the same each time, whatever else the machine does.

The programme says itself where a part ends and what does not count, through the few lines of callgrind.c.
"""

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")
_LIBRARY = "CALLGRIND_LIBRARY"  # environment variable: where the compiled callgrind.c is
_TITLE = re.compile(r"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)
_NEEDED = ("valgrind", "gcc")
_COMPILE = ("gcc", "-shared", "-fPIC", "-o")


class Missing(RuntimeError):
    """A programme that counts is not installed; the message says how to install it."""


def instructions(
    command: Sequence[str], env: Mapping[str, str], *, cwd: Path, folder: Path
) -> dict[str, int]:
    """Run a Python programme in `cwd`; its instructions by the name of the part, files in `folder`. Raises Missing."""
    missing = [name for name in _NEEDED if not shutil.which(name)]
    if missing:
        raise Missing(f"{' and '.join(missing)} not found: apt-get install {' '.join(missing)} libc6-dev")
    library, counts = folder / "callgrind.so", folder / "counts"
    subprocess.run([*_COMPILE, library, _SOURCE], check=True)  # noqa: S603  fixed arguments
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}", sys.executable]
    fixed = {**env, _LIBRARY: str(library), "PYTHONHASHSEED": "0"}
    subprocess.run(  # noqa: S603  the caller's own programme
        [*valgrind, *command], env=fixed, cwd=cwd, check=True, stdout=subprocess.DEVNULL
    )
    return _read(folder)


def part(name: str) -> None:
    """What ran since the last part is counted under this name."""
    if library := _library():
        library.part(name.encode())


@contextlib.contextmanager
def uncounted(*, long: bool = False) -> Iterator[None]:
    """What runs in the block is not counted. `long` is quicker from about a second on."""
    library = _library()
    if library is None:
        yield
        return
    leave, again = (library.stop, library.start) if long else (library.toggle, library.toggle)
    leave()
    try:
        yield
    finally:
        again()


def _library() -> ctypes.CDLL | None:
    return ctypes.CDLL(os.environ[_LIBRARY]) if _LIBRARY in os.environ else None


def _read(folder: Path) -> dict[str, int]:
    """What callgrind wrote, a file for each part."""
    found: Counter[str] = Counter()
    for path in folder.glob("counts.*"):
        text = path.read_text(errors="replace")
        title, total = _TITLE.search(text), _TOTAL.search(text)
        if title and total:
            found[title[1]] += int(total[1])
        path.unlink()
    return dict(found)
