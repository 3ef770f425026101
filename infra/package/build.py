"""Chalice at work in a clean copy of the project, and a zip that is the same for the same source."""

import compileall
import gzip
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from chalicelib.kit import aws

from . import rest, template

TEMPLATE = "template.json"
ZIP = "deployment.zip"

_SOURCE = ("app.py", "chalicelib", ".chalice/config.json", "requirements.txt")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "FACES": "",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}
_COMPILE = "import app; from chalicelib.web.pages import Pages; [each.compile() for each in Pages.all]"
_ROUTES = "import app, json; print(json.dumps(list(app.app.routes)))"


class Failed(RuntimeError):
    """The code cannot be packaged; the message carries what the tool said."""


def package(project: Path, out: Path) -> None:
    """Write template.json and deployment.zip into a folder. Needs PyPI, no AWS. Raises Failed."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, packaged = Path(scratch, "copy"), Path(scratch, "packaged")
        prepare(project, copy)
        _run(copy, "-c", "from chalice.cli import main; main()", "package", "--stage", "live", str(packaged))
        paths = {face: json.loads(_run(copy, "-c", _ROUTES, FACES=face)) for face in rest.FACES}
        out.mkdir(parents=True, exist_ok=True)
        functions = json.loads((packaged / "sam.json").read_text())
        whole = template.assemble(functions, paths, project=project)
        (out / TEMPLATE).write_text(json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        repack(packaged / ZIP, out / ZIP)


def prepare(project: Path, copy: Path) -> None:
    """Copy what a function consists of, packages apart, and compile its templates. Raises Failed."""
    for name in _SOURCE:
        source, target = project / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    _run(copy, "-c", _COMPILE)


def repack(source: Path, target: Path) -> None:
    """Zip again with bytecode, sorted names and fixed times.

    Lambda resets file times, which voids ordinary bytecode; the unchecked kind halves a cold start.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(source) as packed:
            packed.extractall(scratch)
        slim(Path(scratch))
        compileall.compile_dir(
            scratch,
            quiet=2,
            stripdir=scratch,
            workers=os.cpu_count() or 1,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        files = [path for path in Path(scratch).rglob("*") if path.is_file()]
        with zipfile.ZipFile(target, "w") as packed:
            for name in sorted(path.relative_to(scratch).as_posix() for path in files):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, Path(scratch, name).read_bytes(), zipfile.ZIP_DEFLATED)


def slim(packages: Path) -> None:
    """Leave of the SDK's descriptions those of the services that the shop calls, unpacked and without prose.

    All of them are most of the zip, and reading the shop's is most of what a first call costs.
    """
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


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")))


def _without_prose(node: Any) -> Any:
    """A description without what only people read; a member may well be called documentation, too."""
    if isinstance(node, dict):
        prose = [key for key, each in node.items() if key == "documentation" and isinstance(each, str)]
        return {key: _without_prose(each) for key, each in node.items() if key not in prose}
    return [_without_prose(each) for each in node] if isinstance(node, list) else node


def _run(folder: Path, *arguments: str, **settings: str) -> str:
    environment = {**os.environ, **_SETTINGS, **settings}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{done.stdout}\n{done.stderr}".strip())
    return done.stdout
