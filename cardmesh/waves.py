"""`cardmesh sites upgrade`: a release reaches the sites' stacks wave by wave, and stops at the first that is unwell.

A site counts as reached once its stack is what the release wants and it is as well as before; the registry keeps that.
So whoever dies goes on where they were, and a wave that was halted begins again at the sites that are left.
"""

import getpass
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from chalicelib.kit import clock, shape
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
    at_once: Annotated[int, typer.Option(min=1, max=200, help="Stacks under way at a time.")] = 20,
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
    left = _left(wave, release)
    _announce(wave, release, left)
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


def _left(wave: str, release: str) -> list[str]:
    """The sites of a wave that the release has not reached yet."""
    live = {one.site: one for one in sites.chosen("")}
    return [code for code in tenancy.members(wave, live, release) if live[code].release != release]


def _announce(wave: str, release: str, left: list[str]) -> None:
    before = tenancy.wave_of(release)
    if before:
        shown.say(
            f"{release}: {before.wave} is {before.state} since {shown.when(before.at)}. {before.why}".rstrip()
        )
    more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    shown.say(f"{wave} of {release}: {len(left)} sites are left: {' '.join(left[:_LISTED])}{more}")


def _run(left: Iterable[str], release: str, at_once: int, watch: int) -> str:
    """Upgrade site after site; why it has to stop, or nothing."""
    rang, rest = health.ringing(), iter(left)
    while batch := list(islice(rest, at_once)):
        before = {code: health.ailments(code) for code in batch}
        wrong = dict(_upgraded(batch))
        if watch:
            time.sleep(watch)
        for code in set(batch) - wrong.keys():
            if new := health.ailments(code) - before[code]:
                wrong[code] = f"{' and '.join(sorted(new))} since"
            else:
                tenancy.reached(code, release)
                shown.say(f"{code} is upgraded.")
        wrong |= dict.fromkeys(health.ringing() - rang, "rings")
        if wrong:
            return "; ".join(f"{name} {why}" for name, why in sorted(wrong.items()))
    return ""


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
