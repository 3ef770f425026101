"""Zips that are the same for the same files, with bytecode that counts.

Lambda resets file times, which voids ordinary bytecode; the unchecked kind halves a cold start. Bytecode is the same
when one process writes it in the same order from the same sources: what is shared inside it depends on what the
process has seen before.
"""

import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .target import run

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_AT_ONCE = 2  # processes that compile; what each compiles does not depend on the machine
_FLAGS = ("-m", "compileall", "-qq", "-j", "1", "--invalidation-mode", "unchecked-hash")
_DENSE = 9  # packed once, loaded at every start
_UNREAD = "RECORD"  # lists what was installed before the SDK was thinned


def compile_all(folder: Path, interpreter: str) -> None:
    """Compile whatever is in a folder. Sources of another age of Python, which some packages carry, are left."""
    tops = sorted(path.name for path in folder.iterdir() if path.is_dir() or path.suffix == ".py")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(
            pool.map(
                partial(_compile, folder, interpreter),
                filter(None, (tops[n::_AT_ONCE] for n in range(_AT_ONCE))),
            )
        )


def below(folder: Path, tops: Iterable[str]) -> list[Path]:
    """The files of top-level folders and modules, relative to the folder; a module brings its bytecode."""
    found = [path for top in tops for path in _within(folder, folder / top)]
    return sorted(path.relative_to(folder) for path in found if path.name != _UNREAD)


def write(target: Path, parts: Iterable[tuple[Path, Iterable[Path]]], *, inside: str = "") -> None:
    """Zip files of folders, given relative to them, into a folder of the zip."""
    named = {
        str(Path(inside, file).as_posix()): Path(folder, file) for folder, files in parts for file in files
    }
    with zipfile.ZipFile(target, "w") as packed:
        for name, path in sorted(named.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, _DENSE)


def _compile(folder: Path, interpreter: str, tops: Sequence[str]) -> None:
    run(interpreter, *_FLAGS, "-s", str(folder), *tops, folder=folder, fails=False)


def _within(folder: Path, top: Path) -> Iterable[Path]:
    if top.is_dir():
        return [path for path in top.rglob("*") if path.is_file()]
    return [top, *folder.glob(f"__pycache__/{top.stem}.*.pyc")]
