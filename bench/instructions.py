"""What it costs to start and to run each function, in instructions.

Counted by callgrind over bare Python, with what a function's zip and its layers hold and nothing else, unpacked as
Lambda does it. A *client* of DynamoDB is made before the first call, *first call* is what that one costs beyond a warm
one. A warm call ends where botocore hands its signed request to HTTP; what answers there is not counted, nor is
Argon2id, whose cost is a setting (`HASH_MEMORY_KIB`) and is told apart. Workers that share a module start alike:
`drive_orders` stands for `walk_sites` and `audit_pools`, `settle_orders` for `refund_orders` and `close_windows`.

What dominates: of imports, what the SDK, urllib3 and Chalice take from the standard library, then the SDK itself; half
of the own code's share is the compiling of its dataclasses. A client is mostly reading the SDK's descriptions of
endpoints and services; the first call makes those for the site, assumes its role and unwraps the data keys.

The floor is what the field's packages cost without a line of a shop, whole and with bytecode, in the same run. *lean*
is Chalice, PynamoDB, a client of DynamoDB, Logger and Metrics; *everything* is boto3, Chalice, PynamoDB, Logger,
batches, idempotency, Tracer with X-Ray, pydantic and cryptography. A start is a function's import and a client of
DynamoDB. Milliseconds are a processor's, the least of several runs that take turns: a start waits for nothing. *Without
any* is without that of the standard library, too.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import callgrind, cold, deployed, floor
from .deployed import FUNCTIONS, Function, Place
from .report import Figure, Finding, Table

KEPT = Path(__file__).with_suffix(".json")
_MILLION = 1e6
_DEAREST = 9  # packages with a column of their own
FIRST, WARM = "first call", "warm calls"
_CLIENT = "client"  # of DynamoDB
_NO_IMPORTS = {"python", _CLIENT, "scene", FIRST, "warming up", WARM}


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
    def start(self) -> int:
        """All imports and a client of DynamoDB, as the floor has them."""
        return sum(self.imports.values()) + self.parts[_CLIENT]

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
        place = deployed.prepare(Path(scratch))
        password = pool.submit(_password, place)
        floors = floor.starts(place.env, place.folder)
        least = {
            name: pool.submit(floor.instructions, floors[name], place.folder / name) for name in floor.COUNTED
        }
        counted = list(pool.map(partial(_counted, place=place), FUNCTIONS))
        yield from _told(counted, password.result())
        starts = {name: each.result() for name, each in least.items()}
        starts |= {one.function.name: one.start for one in counted}
        yield from floor.compare(starts, floor.times(floors | _starts(place)))
    KEPT.write_text(json.dumps(_kept(counted, password.result()), indent=1) + "\n")


def _counted(function: Function, place: Place) -> Counted:
    loaded = deployed.modules(function, place)
    path = deployed.plan(function, place, loaded)
    command = ["-S", "-m", "bench.cold", str(path)]
    parts = callgrind.instructions(
        command, place.env_of(function), cwd=place.code(function), folder=path.parent
    )
    told = json.loads(path.with_name("told").read_text()) if function.asked else {}
    return Counted(function, len(loaded), parts, told)


def _starts(place: Place) -> dict[str, floor.Start]:
    """Programmes that do of each function what the floor has."""
    client = "from chalicelib.kit import aws; aws.client('dynamodb')"
    return {
        one.name: floor.Start(f"import {one.module}; {client}", place.code(one), place.env_of(one))
        for one in FUNCTIONS
    }


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
            "start": one.start + round(one.first),
            "warm": round(one.warm / one.function.orders),
            **{name: count / one.function.orders for name, count in one.told.items()},
        }
        for one in counted
    }
    return {"password": password, "functions": functions}
