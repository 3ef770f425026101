"""What the rehearsed account is short of, and what breaks in it: written for strict.py, which reads it at each call."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from localcloud import cloud
from localcloud.place import ROOT, Place
from localcloud.processes import Child

_STRICT = ROOT / "infra/rehearsal/strict.py"


@dataclass(frozen=True)
class Limits:
    """Tables in the account at most; how the names begin of those that break while they are made or changed.

    The schedules are `ahead` by so many seconds.
    """

    tables: int = 2500  # DynamoDB developer guide, quotas
    broken: tuple[str, ...] = ()
    ahead: int = 0


def strict(place: Place) -> Child:
    """The emulator as strict.py has it, with an account as it comes; not yet started."""
    place.folder.mkdir(parents=True, exist_ok=True)
    _write(place, Limits())
    plain = cloud.child(place)
    command = [str(cloud.PROGRAM.with_name("python")), "-P", str(_STRICT)]
    return replace(plain, command=command, env={**plain.env, "CARDMESH_LIMITS": str(_file(place).resolve())})


def impose(place: Place, **changed: Any) -> None:
    """Have these from the next call on, and the others as they are."""
    _write(place, replace(read(place), **changed))


def read(place: Place) -> Limits:
    """Those that hold."""
    return Limits(**json.loads(_file(place).read_text()))


def _write(place: Place, limits: Limits) -> None:
    new = _file(place).with_suffix(".new")
    new.write_text(json.dumps(asdict(limits)))
    new.replace(_file(place))


def _file(place: Place) -> Path:
    return place.folder / "limits.json"
