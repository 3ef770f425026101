"""A template, a zip for each function, and one for each layer.

Chalice works in a clean copy of the project. What every function needs is a layer, which changes when a locked package
does, and so is cryptography, for its size; the zip of a function holds its own modules and what no layer brings it.
"""

import json
import shutil
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import layers, libraries, rest, template, zips
from .contents import Contents
from .libraries import Libraries
from .target import Target, run

TEMPLATE = "template.json"

_SOURCE = ("app.py", "chalicelib", ".chalice/config.json")
_SETTINGS = {"AWS_DEFAULT_REGION": "us-east-1", "FACES": ""}
_COMPILE = "import app; from chalicelib.web.pages import Pages; [each.compile() for each in Pages.all]"
_ROUTES = "import app, json; print(json.dumps(list(app.app.routes)))"
_FACES = "import app, json; print(json.dumps(app.FACES))"
_NO_FACE = "none"  # imports nothing
_CHALICE = "from chalice.cli import main; main()"


def package(project: Path, out: Path, target: Target | None = None) -> dict[str, int]:
    """Write template.json and the zips into a folder; their sizes in bytes. Needs PyPI, no AWS. Raises Failed."""
    chosen = target or Target()
    interpreter = chosen.interpreter()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as pool:
        copy, packaged, packages = (Path(scratch, name) for name in ("copy", "packaged", "packages"))
        installed = pool.submit(libraries.install, project, packages, chosen)
        prepare(project, copy)
        _run(copy, _CHALICE, "package", "--stage", "live", str(packaged))
        whole = _template(project, copy, packaged, chosen)
        zips.compile_all(copy, interpreter)
        known = installed.result()
        _add_chalice(packaged / "deployment.zip", packages)
        zips.compile_all(packages, interpreter)
        _clear(out)
        layers.attach(whole, _zip(whole, copy, known, out), chosen)
        (out / TEMPLATE).write_text(json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return {path.name: path.stat().st_size for path in sorted(out.glob("*.zip"))}


def prepare(project: Path, copy: Path) -> None:
    """Copy the code of the functions and compile its templates. Raises Failed."""
    for name in _SOURCE:
        source, target = project / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for name in template.CARRIED:
        (copy / f"{name}.json").write_text(template.carried(project / f"infra/{name}.yaml"))
    (copy / "requirements.txt").touch()  # Chalice is to add none itself
    _run(copy, _COMPILE)


def contents(copy: Path) -> Contents:
    """What each function needs of a prepared copy."""
    return Contents(copy, json.loads(_run(copy, _FACES, FACES=_NO_FACE)))


def _template(project: Path, copy: Path, packaged: Path, target: Target) -> template.Template:
    functions = json.loads((packaged / "sam.json").read_text())
    paths = {face: json.loads(_run(copy, _ROUTES, FACES=face)) for face in rest.FACES}
    return template.assemble(functions, paths, project=project, target=target)


def _add_chalice(packed: Path, packages: Path) -> None:
    """What functions need of Chalice itself, as Chalice packs it."""
    with zipfile.ZipFile(packed) as zipped:
        zipped.extractall(packages, [name for name in zipped.namelist() if name.startswith("chalice/")])


def _clear(out: Path) -> None:
    """A folder without zips of functions that are no more."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.zip"):
        old.unlink()


def _zip(whole: template.Template, copy: Path, known: Libraries, out: Path) -> dict[str, list[str]]:
    """Write every zip; the layers of each function by the name of its zip."""
    own = contents(copy)
    modules = {name: own.modules(*each) for name, each in _entries(whole).items()}
    needs = {name: known.needed(m for m in each if not own.owns(m)) for name, each in modules.items()}
    shared = layers.of(needs, known)
    for layer, packages in shared.items():
        zips.write(out / f"{layer}.zip", [(known.folder, known.files(packages))], inside="python")
    chosen = layers.carried(needs, shared)
    for name, each in modules.items():
        rest = needs[name].difference(*(shared[layer] for layer in chosen[name]))
        files = [*own.files(each), *_carried(whole, name)]
        zips.write(out / f"{name}.zip", [(copy, files), (known.folder, known.files(rest))])
    return chosen


def _carried(whole: template.Template, name: str) -> list[Path]:
    """Files of the copy that a function is told of."""
    known = {template.in_code(name): each for name, each in template.functions(whole["Resources"]).items()}
    told = known[name]["Environment"]["Variables"]
    return [Path(f"{each}.json") for each in template.CARRIED if f"{each.upper()}_TEMPLATE" in told]


def _entries(whole: template.Template) -> dict[str, tuple[str, str]]:
    """Handler and face of each function by the name of its zip."""
    return {
        template.in_code(name): (
            properties["Handler"],
            properties["Environment"]["Variables"].get("FACES", ""),
        )
        for name, properties in template.functions(whole["Resources"]).items()
    }


def _run(folder: Path, code: str, *arguments: str, **settings: Any) -> str:
    return run(sys.executable, "-c", code, *arguments, folder=folder, **{**_SETTINGS, **settings})
