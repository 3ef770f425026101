"""`cardmesh sites upgrade`: a release reaches the sites' stacks wave by wave, and stops at the first that is unwell.

A site counts as reached once its stack is what the release wants and it is as well as before; the registry keeps that.
So whoever dies goes on where they were, and a wave that was halted begins again at the sites that are left.
"""

import getpass
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from chalicelib.kit import cells, clock, shape
from chalicelib.tenancy import service as tenancy

from . import health, place, shown, sites, stacks

_LOOK = 2.0  # seconds between two looks at stacks that are under way
_PATIENCE = 1800  # seconds after which one counts as failed
_LISTED = 20  # sites that a rehearsal names
_SETTLED = 2 * shape.KEEP  # seconds after a deployment when nobody goes by what they saw before it


def upgrade(
    wave: Annotated[
        str, typer.Option(help=f"{', '.join(tenancy.WAVES)}: each begins when the one before is done.")
    ],
    at_once: Annotated[
        int, typer.Option(min=1, max=200, help="Stacks under way at a time in each cell.")
    ] = 20,
    watch: Annotated[int, typer.Option(min=0, help="Seconds after which the upgraded are looked at.")] = 60,
    by: Annotated[str, typer.Option(help="Who does it; the registry keeps the name.")] = "",
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Bring the stacks of a wave's sites to this release; halt where a stack fails or a site is unwell."""
    if wave not in tenancy.WAVES:
        raise shown.Stopped(f"There is no wave {wave}; there are {', '.join(tenancy.WAVES)}.")
    _check_settled()
    release = stacks.release()
    left, moving = _left(wave, release)
    _announce(wave, release, left, moving)
    if not shown.agreed("Go on?", dry_run=dry_run, yes=yes):
        return
    tenancy.begin_wave(release, wave, by=by or getpass.getuser(), now=clock.now())
    why = _run(left, release, at_once, watch)
    tenancy.end_wave(release, wave, why=why, now=clock.now())
    if why:
        shown.say(f"Halted: {why}")
        raise typer.Exit(shown.FOUND)
    shown.say(f"The wave {wave} of {release} is done.")


def _check_settled() -> None:
    """Rows of a new shape are for a deployment that has settled: an instance of the release before would misread them.

    Raises Stopped.
    """
    at = place.deployed_at()
    if shape.KNOWN > 1 and at and clock.now() < at + _SETTLED:
        raise shown.Stopped(
            f"The deployment is too young for rows of a new shape; wait until {shown.when(at + _SETTLED)}."
        )


def _left(wave: str, release: str) -> tuple[list[tenancy.Site], int]:
    """The sites of a wave that the release has not reached yet, and how many more are on their way to another cell."""
    live = {one.site: one for one in sites.chosen("")}
    turns = tenancy.members(wave, {code: one.cell for code, one in live.items()}, release)
    left = [live[code] for code in turns if live[code].release != release]
    staying = [one for one in left if not one.moving]
    return staying, len(left) - len(staying)


def _announce(wave: str, release: str, left: list[tenancy.Site], moving: int) -> None:
    before = tenancy.wave_of(release)
    if before:
        shown.say(
            f"{release}: {before.wave} is {before.state} since {shown.when(before.at)}. {before.why}".rstrip()
        )
    shown.say(f"{wave} of {release}: {len(left)} sites are left{':' if left else '.'}")
    for cell, codes in sorted(_by_cell(left).items()):
        more = f" and {len(codes) - _LISTED} more" if len(codes) > _LISTED else ""
        shown.say(f"  cell {cell}: {' '.join(codes[:_LISTED])}{more}")
    if moving:
        shown.say(f"{moving} more move to another cell now; type this line again when they are there.")


def _by_cell(left: Iterable[tenancy.Site]) -> dict[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for one in left:
        found[one.cell].append(one.site)
    return found


def _batches(left: Iterable[tenancy.Site], at_once: int) -> Iterator[list[str]]:
    """So many sites of every cell at a time: what CloudFormation allows, it allows each account."""
    turns = [iter(codes) for codes in _by_cell(left).values()]
    while batch := [code for turn in turns for code in islice(turn, at_once)]:
        yield batch


def _run(left: Iterable[tenancy.Site], release: str, at_once: int, watch: int) -> str:
    """Upgrade batch after batch; why it has to stop, in whichever cell, or nothing."""
    rang = health.ringing()
    for batch in _batches(left, at_once):
        before = {code: health.ailments(code) for code in batch}
        wrong = dict(_upgraded(batch))
        if watch:
            time.sleep(watch)
        for code in set(batch) - wrong.keys():
            if new := health.ailments(code) - before[code]:
                wrong[code] = f"{' and '.join(sorted(new))} since"
            else:
                _reached(code, release)
        wrong |= dict.fromkeys(health.ringing() - rang, "rings")
        if wrong:
            return "; ".join(f"{name} {why}" for name, why in sorted(wrong.items()))
    return ""


def _reached(code: str, release: str) -> None:
    try:
        tenancy.reached(code, release)
    except cells.Moving:
        shown.say(f"{code} moves to another cell now; type this line again when it is there.")
    else:
        shown.say(f"{code} is upgraded.")


def _upgraded(batch: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Have these stacks updated and wait for all; those that failed, each with why."""
    until, open_, begun = clock.now() + _PATIENCE, list(batch), set[str]()
    while open_:
        for code in list(open_):
            why = _step(code, begun)
            if why is None:
                continue
            open_.remove(code)
            if why:
                yield code, why
        if open_ and clock.now() > until:
            yield from ((code, "takes too long") for code in open_)
            return
        if open_:
            time.sleep(_LOOK)


def _step(code: str, begun: set[str]) -> str | None:
    """One look at a stack: nothing where it is done, why it failed, None where it is under way."""
    stack = stacks.look(code)
    if stack is None:
        return "has no stack"
    if stack.busy:
        return None
    if stack.fits(code):
        return ""
    if code in begun:
        return f"ended in {stack.status}"
    begun.add(code)
    return stacks.update(code) or None
