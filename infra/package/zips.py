"""Zips that are the same for the same files, with bytecode that counts.

Lambda resets file times, which voids ordinary bytecode; the unchecked kind halves a cold start. It stands in the place
of its source, which is not shipped, and has neither docstrings nor assertions; a traceback names file and line.
Bytecode is the same when one process writes it in the same order from the same sources: what is shared inside it
depends on what the process has seen before.
"""

import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .target import run

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_AT_ONCE = 2  # processes that compile; what each compiles does not depend on the machine
_COMPILE = ("-OO", "-m", "compileall", "-b", "-qq", "-j", "1", "--invalidation-mode", "unchecked-hash")
_DENSE = 9  # packed once, loaded at every start
_UNREAD = (".pyi", ".typed", ".c")  # type checkers and compilers do
_DESCRIBED, _SCANNED = ".dist-info", "METADATA"  # scanners for known holes read a package's version there


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
    """The files of top-level folders and modules that a function reads, relative to the folder."""
    found = [path for top in tops for path in _within(folder / top) if path.is_file() and _is_read(path)]
    return sorted(path.relative_to(folder) for path in found)


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


def bytecode(source: Path) -> Path:
    """Where the bytecode of a source is."""
    return source.with_suffix(".pyc")


def _compile(folder: Path, interpreter: str, tops: Sequence[str]) -> None:
    run(interpreter, *_COMPILE, "-s", str(folder), *tops, folder=folder, fails=False)


def _within(top: Path) -> Iterable[Path]:
    return top.rglob("*") if top.is_dir() else [top, bytecode(top)]


def _is_read(path: Path) -> bool:
    """Whether anything reads a file once it is deployed."""
    if _DESCRIBED in {each.suffix for each in path.parents}:
        return path.name == _SCANNED
    compiled = path.suffix == ".py" and bytecode(path).exists()
    return not compiled and path.suffix not in _UNREAD
