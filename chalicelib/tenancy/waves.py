"""A release reaches the sites' tables in waves: a few, a tenth, all. What a wave came to is kept in main's table.

A wave begins where the one before is done, so nobody goes to all sites at once; one that was halted begins again by
being asked for again. Which sites are in a wave hangs on the release, so that no site is always the first. Each wave
has some of every cell.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from chalicelib.kit import errors, table, tenant

from . import registry
from .model import WAVES, SiteRow, WaveRow

ORDER = ("canary", "10%", "all")
_ONE_IN = {"canary": 1000, "10%": 10, "all": 1}


class OutOfTurn(errors.Conflict):
    """A wave that comes later than the next one, or a release that another one came after."""

    code = "out_of_turn"
    sentence = "The wave before this one is not done."


@dataclass(frozen=True)
class Wave:
    """How far a release is: the wave that began last, "running", "halted" or "done", why it was halted, and by whom."""

    release: str
    wave: str
    state: str
    why: str
    by: str
    at: int


def members(wave: str, homes: Mapping[str, str], release: str) -> list[str]:
    """The sites of the waves up to one, in their turn, of sites and their cells: at least one of each cell. Pure."""
    turns = sorted(homes, key=lambda code: hashlib.sha256(f"{release}/{code}".encode()).digest())
    sizes, nth = Counter(homes.values()), defaultdict[str, Iterator[int]](count)
    places = {code: next(nth[homes[code]]) for code in turns}
    return list(
        dict.fromkeys(
            code
            for each in ORDER[: ORDER.index(wave) + 1]
            for code in turns
            if places[code] < -(-sizes[homes[code]] // _ONE_IN[each])
        )
    )


def wave_of(release: str) -> Wave | None:
    """How far a release is; None where it never began."""
    row = WaveRow.of(tenant.MAIN).read(WAVES, release)
    return _wave(row) if row else None


def begin_wave(release: str, wave: str, *, by: str, now: int) -> Wave:
    """Begin a wave, or go on with it. Raises OutOfTurn, and Conflict where somebody begins one at this moment."""
    before = wave_of(release)
    if wave not in _may_follow(before):
        raise OutOfTurn
    rows = WaveRow.of(tenant.MAIN)
    as_read = rows.pk.does_not_exist()
    if before:
        as_read = (rows.wave == before.wave) & (rows.state == before.state)
    actions = [
        rows.wave.set(wave),
        rows.state.set("running"),
        rows.why.set(""),
        rows.by.set(by),
        rows.at.set(now),
    ]
    try:
        return _wave(rows.change(WAVES, release, actions, as_read))
    except table.Refused:
        raise errors.Conflict from None


def end_wave(release: str, wave: str, *, why: str = "", now: int) -> None:
    """A wave is done, or was halted for a reason. Raises Conflict where it is no longer under way."""
    rows = WaveRow.of(tenant.MAIN)
    state = "halted" if why else "done"
    actions = [rows.state.set(state), rows.why.set(why[:300]), rows.at.set(now)]
    try:
        rows.change(WAVES, release, actions, (rows.wave == wave) & (rows.state == "running"))
    except table.Refused as stood:
        if stood.row is None or stood.row.state != state:
            raise errors.Conflict from None


def reached(code: str, release: str) -> None:
    """Have a site's rows written in the shape that a release brings, then note that it is there. Raises shape.Newer."""
    with tenant.acting_for(code):
        table.stamp(code)
    registry.change(code, [SiteRow.release.set(release)])


def _may_follow(before: Wave | None) -> tuple[str, ...]:
    if before is None:
        return ORDER[:1]
    turn = ORDER.index(before.wave)
    return ORDER[turn : turn + 2] if before.state == "done" else ORDER[turn : turn + 1]


def _wave(row: WaveRow) -> Wave:
    return Wave(row.sk, row.wave, row.state, row.why, row.by, row.at)
