"""Functions as they are deployed: each unpacked from its zip, with its layers, in an environment of its own."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from infra.package import build, layers

from . import scene, shop

ROOT = Path(__file__).parents[1]
OWN, STANDARD = "own code", "standard library"
_OWN_TOPS = ("app", "chalicelib")


@dataclass(frozen=True)
class Function:
    """A function as it is deployed: the module that Lambda imports, its handler, and FACES of its environment."""

    name: str
    module: str
    handler: str
    faces: str = ""
    asked: str = ""  # what its calls are for; nothing comes to some functions
    orders: int = 1  # in one call


FUNCTIONS = (
    Function("storefront", "app", "app", "storefront", "the counter"),
    Function("checkout", "app", "app", "checkout", "place an order"),
    Function("receipts", "app", "app", "receipts", "a delivered order's page"),
    Function("hooks", "app", "app", "hooks", "WeChat Pay tells of a payment"),
    Function("console", "app", "app", "console", "the form to sign in"),
    Function("provision_sites", "chalicelib.tenancy.worker", "provision_sites"),
    Function("publish_catalogs", "chalicelib.catalog.worker", "publish_catalogs"),
    Function(
        "drive_orders",
        "chalicelib.checkout.worker",
        "drive_orders",
        asked="look at an order",
        orders=scene.BATCH,
    ),
    Function(
        "deliver_orders",
        "chalicelib.fulfilment.worker",
        "deliver_orders",
        asked="deliver an order",
        orders=scene.BATCH,
    ),
    Function(
        "settle_orders",
        "chalicelib.settlement.worker",
        "settle_orders",
        asked="settle an order",
        orders=scene.BATCH,
    ),
)


@dataclass(frozen=True)
class Place:
    """Where functions run as if deployed: a folder with their code, and their environment."""

    folder: Path
    env: Mapping[str, str]

    def code(self, function: Function) -> Path:
        """What the function's zip holds."""
        return self.folder / "unpacked" / function.name

    @property
    def path(self) -> list[Path]:
        """Where a function finds what its zip does not hold: the layers, and what counts here."""
        return [*(self.folder / "unpacked" / layer / "python" for layer in layers.DESCRIPTIONS), ROOT]

    def env_of(self, function: Function) -> dict[str, str]:
        """The environment of one function."""
        path = ":".join(map(str, self.path))
        return {**self.env, "PYTHONPATH": path, "FACES": function.faces, "PYTHONHASHSEED": "0"}


def prepare(folder: Path, package: Path | None = None) -> Place:
    """Unpack functions and their layers as Lambda does, from a package or one made now, and set a scene."""
    if package is None:
        package = folder / "package"
        build.package(ROOT, package)
    for name in (*layers.ZIPS, *(f"{function.name}.zip" for function in FUNCTIONS)):
        with zipfile.ZipFile(package / name) as packed:
            packed.extractall(folder / "unpacked" / Path(name).stem)
    with shop.opened() as stage:
        (folder / "scene").write_bytes(pickle.dumps(scene.make(stage)))
        return Place(folder, _settings())


def modules(function: Function, place: Place) -> list[str]:
    """What a function's import loads, in the order in which the imports end."""
    programme = f"import sys, {function.module}; print(*sys.modules)"
    command = [sys.executable, "-S", "-X", "importtime", "-c", programme]
    said = subprocess.run(  # noqa: S603  fixed arguments
        command,
        env=place.env_of(function),
        cwd=place.code(function),
        check=True,
        capture_output=True,
        text=True,
    )
    tried = [line.rpartition("|")[2].strip() for line in said.stderr.splitlines()]
    return [name for name in tried if name in said.stdout.split()]


def _settings() -> dict[str, str]:
    """The environment of functions in a scene: what the stage set, and this process's PATH."""
    names = ("AWS_", "STAGE", "SITE_DOMAIN", "KEY_ID", "TENANT_ROLE", "HASH_", "HOLDS_", "QUEUE_", "PATH")
    return {name: value for name, value in os.environ.items() if name.startswith(names)}


def plan(function: Function, place: Place, loaded: list[str]) -> Path:
    """Write what `bench.cold` is to do, into a folder of the function's own."""
    folder = place.folder / function.name
    folder.mkdir()
    asked = {
        "imports": _by_package(loaded),
        "module": function.module,
        "handler": function.handler,
        "function": function.name,
        "called": bool(function.asked),
        "scene": str(place.folder / "scene"),
    }
    (folder / "plan").write_text(json.dumps(asked))
    return folder / "plan"


def _by_package(loaded: list[str]) -> list[tuple[str, list[str]]]:
    """Modules by package, a package after those it needs."""
    last = {_package(name): index for index, name in enumerate(loaded)}
    order = sorted(loaded, key=lambda name: (_rank(_package(name)), last[_package(name)]))
    return [(package, list(names)) for package, names in groupby(order, _package)]


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return OWN if top in _OWN_TOPS else STANDARD if top in sys.stdlib_module_names else top


def _rank(package: str) -> int:
    return {STANDARD: 0, OWN: 2}.get(package, 1)
