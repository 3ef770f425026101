"""What it costs to start and to run each function, in instructions.

Counted by callgrind over bare Python, with what a function's zip and its layers hold and nothing else, unpacked as
Lambda does it. *First call* is what the
first call costs beyond a warm one. A warm call ends where botocore hands its signed request to HTTP; what answers
there is not counted, nor is Argon2id, whose cost is a setting (`HASH_MEMORY_KIB`) and is told apart. Workers that
share a module start alike: `drive_orders` stands for `walk_sites` and `audit_pools`, `settle_orders` for
`refund_orders` and `close_windows`.

What dominates: of imports, what the SDK, urllib3 and Chalice take from the standard library, then the SDK itself; half
of the own code's share is the compiling of its dataclasses. The first call makes the clients, which is mostly reading
the SDK's descriptions of endpoints and services; then it assumes the site's role and unwraps the data keys.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from infra.package import build, layers

from . import callgrind, cold, scene, shop
from .report import Figure, Finding, Table

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
_MILLION = 1e6
_OWN = "own code"
_OWN_TOPS = ("app", "chalicelib")
_STANDARD = "standard library"
_DEAREST = 9  # packages with a column of their own
FIRST, WARM = "first call", "warm calls"
_NO_IMPORTS = {"python", "scene", FIRST, "warming up", WARM}


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
class Counted:
    """A function's instructions by part, and what a warm call asks of AWS and logs (bytes)."""

    function: Function
    modules: int
    parts: Mapping[str, int]
    told: Mapping[str, float]

    @property
    def imports(self) -> dict[str, int]:
        """By package."""
        return {name: count for name, count in self.parts.items() if name not in _NO_IMPORTS}

    @property
    def first(self) -> float:
        """The first call, beyond a warm one."""
        return self.parts.get(FIRST, 0) - self.warm

    @property
    def warm(self) -> float:
        """One warm call."""
        return self.parts.get(WARM, 0) / cold.WARM


def measure() -> Iterator[Finding]:
    """Instructions of each function's imports and calls, kept for the cost model. Raises callgrind.Missing."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        place = prepare(Path(scratch))
        password = pool.submit(_password, place)
        counted = list(pool.map(partial(_counted, place=place), FUNCTIONS))
        yield from _told(counted, password.result())
    KEPT.write_text(json.dumps(_kept(counted, password.result()), indent=1) + "\n")


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


def _counted(function: Function, place: Place) -> Counted:
    loaded = modules(function, place)
    path = plan(function, place, loaded)
    command = ["-S", "-m", "bench.cold", str(path)]
    parts = callgrind.instructions(
        command, place.env_of(function), cwd=place.code(function), folder=path.parent
    )
    told = json.loads(path.with_name("told").read_text()) if function.asked else {}
    return Counted(function, len(loaded), parts, told)


def _password(place: Place) -> int:
    """Instructions of one hash of a query password, at the strength a deployment has."""
    programme = (
        "from bench import callgrind; from chalicelib.kit import password; password.hashed('open sesame');"
        "callgrind.part('first'); password.hashed('open sesame'); callgrind.part('hash')"
    )
    function = FUNCTIONS[0]
    env = {name: value for name, value in place.env_of(function).items() if not name.startswith("HASH_")}
    folder = place.folder / "password"
    folder.mkdir()
    return callgrind.instructions(["-S", "-c", programme], env, cwd=place.code(function), folder=folder)[
        "hash"
    ]


def _by_package(loaded: list[str]) -> list[tuple[str, list[str]]]:
    """Modules by package, a package after those it needs."""
    last = {_package(name): index for index, name in enumerate(loaded)}
    order = sorted(loaded, key=lambda name: (_rank(_package(name)), last[_package(name)]))
    return [(package, list(names)) for package, names in groupby(order, _package)]


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return _OWN if top in _OWN_TOPS else _STANDARD if top in sys.stdlib_module_names else top


def _rank(package: str) -> int:
    return {_STANDARD: 0, _OWN: 2}.get(package, 1)


def _told(counted: Sequence[Counted], password: int) -> Iterator[Finding]:
    for one in counted:
        yield Figure(f"{one.function.name}: import", sum(one.imports.values()) / _MILLION, "M instructions")
    yield Figure("one hash of a query password", password / _MILLION, "M instructions")
    yield _imports(counted)
    yield _calls(counted)


def _imports(counted: Sequence[Counted]) -> Table:
    """The dearest packages, a column each."""
    sums: Counter[str] = Counter()
    for one in counted:
        sums.update(one.imports)
    dearest = [name for name, _ in sums.most_common(_DEAREST)]
    rows = [
        [one.function.name, str(one.modules), *(_millions(one.imports.get(name, 0)) for name in dearest)]
        for one in counted
    ]
    return Table(
        "Imports: modules, and M instructions of the dearest packages", ["", "modules", *dearest], rows
    )


def _calls(counted: Sequence[Counted]) -> Table:
    """What each function is asked for."""
    heads = ["", "asked for", "import", "first call beyond a warm one", "warm, per order or page", "requests"]
    rows = [
        [
            one.function.name,
            one.function.asked,
            *map(_millions, (sum(one.imports.values()), one.first, one.warm / one.function.orders)),
            f"{_asked(one) / one.function.orders:.1f}",
        ]
        for one in counted
        if one.function.asked
    ]
    return Table("Calls, M instructions, and requests to AWS of a warm one", heads, rows)


def _asked(one: Counted) -> float:
    return sum(one.told.get(name, 0) for name in ("dynamodb", "sqs", "kms", "sts"))


def _millions(count: float) -> str:
    return f"{count / _MILLION:,.1f}"


def _kept(counted: Sequence[Counted], password: int) -> dict[str, Any]:
    functions = {
        one.function.name: {
            "start": sum(one.imports.values()) + round(one.first),
            "warm": round(one.warm / one.function.orders),
            **{name: count / one.function.orders for name, count in one.told.items()},
        }
        for one in counted
    }
    return {"password": password, "functions": functions}
