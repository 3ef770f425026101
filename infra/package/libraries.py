"""The packages that functions are made with: the pinned wheels for a target, and who needs whom.

The SDK is among them although Lambda brings one: a pinned one without the descriptions of services that the shop
never calls starts sooner (docs/decisions/0034-a-zip-for-each-function.md).
"""

import gzip
import json
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chalicelib.kit import aws

from . import zips
from .target import Failed, Target, run

_NOT_CODE = ("..", "bin", "__pycache__")
# What no function reaches. A test knows each import of it in what is left, and why that import is never made.
UNREACHED = (
    "aws_lambda_powertools/event_handler",  # routers of other kinds, with Swagger's pages
    "aws_lambda_powertools/utilities/[!_j]*",  # all but jmespath_utils, which the Logger loads
    "cffi",  # makes bindings; those made already need _cffi_backend alone
    "pycparser",
    "dateutil/zoneinfo/*.tar.gz",  # for systems without time zones
    "dateutil/rrule.py",  # calendars
    "dateutil/tz/win.py",
    "dateutil/tzwin.py",
    "urllib3/contrib/[!_]*",  # browsers, SOCKS, and an OpenSSL that is not ours
    "urllib3/http2/connection.py",
    "botocore/crt/auth.py",  # asks for awscrt
    "botocore/docs/translator.py",
)


class Libraries:
    """A folder of installed packages; each has top-level folders and files, and needs others.

    A folder that no package claims is a package of its own: what Chalice packs of itself.
    """

    def __init__(self, folder: Path, target: Target) -> None:
        self.folder = folder
        self._marked = {"python_version": target.python, "python_full_version": target.python + ".0"}
        self._known: dict[str, Distribution] = {
            canonicalize_name(each.name): each for each in _installed(folder)
        }
        self._owners = {top: name for name in self._known for top in self.tops([name])}

    def needed(self, modules: Iterable[str]) -> frozenset[str]:
        """The packages behind imported top-level modules, with all that these need. Raises Failed."""
        wanted = {self._owner(name) for name in modules}
        found: set[str] = set()
        while wanted:
            name = wanted.pop()
            found.add(name)
            wanted |= self._direct(name) - found
        return frozenset(found)

    def tops(self, names: Iterable[str]) -> set[str]:
        """Their folders and files directly in the folder."""
        return {top for name in names for top in self._tops(name)}

    def files(self, names: Iterable[str]) -> list[Path]:
        """What is deployed of packages, relative to the folder."""
        return zips.below(self.folder, self.tops(names))

    def _owner(self, module: str) -> str:
        found = self._owners.get(module) or self._owners.get(f"{module}.py")
        if not found and not (self.folder / module).is_dir():
            raise Failed(f"{module} is imported by a function and is not among the locked packages.")
        return found or module

    def _tops(self, name: str) -> set[str]:
        if name not in self._known:
            return {name}
        tops = {Path(file).parts[0] for file in self._known[name].files or ()}
        return tops - {*_NOT_CODE}

    def _direct(self, name: str) -> set[str]:
        if name not in self._known:
            return set()
        asked = map(Requirement, self._known[name].requires or ())
        needed = {
            each for each in asked if not each.marker or each.marker.evaluate({**self._marked, "extra": ""})
        }
        return {canonicalize_name(each.name) for each in needed}


def install(project: Path, folder: Path, target: Target) -> Libraries:
    """The locked packages, without bytecode. Needs PyPI. Raises Failed."""
    lock = str(project / "requirements.txt")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-compile"]
    run(*pip, "--only-binary=:all:", *target.wheels, "--target", str(folder), "--requirement", lock)
    slim(folder)
    return Libraries(folder, target)


def slim(packages: Path) -> None:
    """Leave what no function reaches, and of the SDK's descriptions those of the services that the shop calls.

    Descriptions of all services are most of the SDK, and reading the shop's is most of what a first call costs: they
    are unpacked, and without prose.
    """
    for path in [found for pattern in UNREACHED for found in packages.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    described = packages / "botocore/data"
    for folder in [each for each in described.glob("*/") if each.name not in aws.SERVICES]:
        shutil.rmtree(folder)
    for packed in [*described.rglob("*.json.gz")]:
        _write(packed.with_suffix(""), _without_prose(json.loads(gzip.decompress(packed.read_bytes()))))
        packed.unlink()
    for endpoints in described.glob("endpoints.json"):
        known = json.loads(endpoints.read_text())
        for partition in known["partitions"]:
            called = [each for each in partition["services"].items() if each[0] in aws.SERVICES]
            partition["services"] = dict(called)
        _write(endpoints, known)


def _installed(folder: Path) -> Iterable[Distribution]:
    return [Distribution.at(path) for path in sorted(folder.glob("*.dist-info"))]


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")))


def _without_prose(node: Any) -> Any:
    """A description without what only people read; a member may well be called documentation, too."""
    if isinstance(node, dict):
        prose = [key for key, each in node.items() if key == "documentation" and isinstance(each, str)]
        return {key: _without_prose(each) for key, each in node.items() if key not in prose}
    return [_without_prose(each) for each in node] if isinstance(node, list) else node
