"""`cardmesh move`: a sub-site's table goes to another account. Functions do it; here it is begun, seen and ended."""

from typing import Annotated

import typer

from chalicelib.kit import clock
from chalicelib.tenancy import moving

from . import shown, sites

app = typer.Typer(no_args_is_help=True, help="Moves of sub-sites to other cells: start, show, stay, clear.")

_BY = "cardmesh"


@app.command()
def start(
    site: sites.Site,
    cell: Annotated[str, typer.Argument(metavar="CELL", help="Where it goes, a name of CELLS.")],
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Move a sub-site; doing it again goes on with the move. It takes no orders for a minute or more."""
    found = sites.find(site)
    moving.check(found.cell, cell)
    shown.say(f"{found.site} {found.host} is in {found.cell} and would go to {cell}.")
    if shown.agreed("Go on?", dry_run=dry_run, yes=yes):
        moving.start(found.site, cell, by=_BY, now=clock.now())
        shown.say(f"{found.site} moves to {cell}; `cardmesh move show {found.site}` says how far it is.")


@app.command()
def show(site: sites.Site, *, as_json: shown.AsJson = False) -> None:
    """How far the move of a sub-site is."""
    move = moving.move_of(sites.find(site).site)
    if move is None:
        raise shown.Stopped("It never moved.")
    told = {"from": move.source, "to": move.target, "state": move.state, "since": shown.when(move.since)}
    shown.one({"site": move.site, **told, "rows": move.rows, "by": move.by, "why": move.why}, as_json=as_json)


@app.command()
def stay(
    site: sites.Site,
    why: Annotated[str, typer.Option(help="Why it stays.")] = "called off by hand",
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Call a move off: the shop opens where it was, and what was carried is cleared."""
    found = sites.find(site)
    shown.say(f"{found.site} {found.host} would stay in {found.cell}.")
    if shown.agreed("Go on?", dry_run=dry_run, yes=yes):
        moving.call_off(found.site, why, now=clock.now())
        shown.say(f"{found.site} stays in {found.cell}.")


@app.command()
def clear(site: sites.Site, *, dry_run: shown.DryRun = False, yes: shown.Yes = False) -> None:
    """Let the table that a sub-site left behind go, a week after its move."""
    found = sites.find(site)
    shown.say(f"The old table of {found.site} {found.host} would be deleted; the shop is in {found.cell}.")
    if shown.agreed("Go on?", dry_run=dry_run, yes=yes):
        moving.clear(found.site, now=clock.now())
        shown.say(f"The old table of {found.site} goes.")
