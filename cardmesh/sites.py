"""`cardmesh sites`: the sub-sites of a deployment."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.kit import clock, tenant
from chalicelib.lifecycle import service as lifecycle
from chalicelib.tenancy import service as tenancy

from . import place, shown, stacks

app = typer.Typer(no_args_is_help=True, help="The sub-sites: list, show, create, upgrade, suspend, resume.")

Site = Annotated[str, typer.Argument(metavar="SITE", help="Its code of four characters, or its name.")]
Cell = Annotated[str, typer.Option(help="Only those of one cell.")]
_LOOK = 2  # seconds between two looks at a site that comes up
_BY = "cardmesh"  # who did it, in what owners and staff read
_PATIENCE = 600  # seconds for which one is waited for


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="Only those in a state.")] = "",
    cell: Cell = "",
    *,
    as_json: shown.AsJson = False,
) -> None:
    """All sub-sites."""
    every = (one for one in tenancy.each_site(fresh=True) if state in ("", one.state))
    found = [_line(site) for site in every if cell in ("", site.cell)]
    shown.rows(found, as_json=as_json, none="There are no such sites.")


@app.command()
def show(site: Site, *, as_json: shown.AsJson = False) -> None:
    """All about one sub-site."""
    shown.one(_facts(find(site)), as_json=as_json)


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="The shop answers at SLUG.{site domain}.")],
    name: Annotated[str, typer.Option(help="What the shop is called.")],
    login: Annotated[str, typer.Option(help="The owner's login.")],
    plan: Annotated[str, typer.Option(help="The split plan of its orders.")] = "standard",
    password: Annotated[
        str,
        typer.Option(envvar="CARDMESH_OWNER_PASSWORD", help="The owner's; asked for where it is missing."),
    ] = "",
    *,
    wait: Annotated[bool, typer.Option(help="Wait until it is open.")] = True,
    dry_run: shown.DryRun = False,
) -> None:
    """Open a sub-site; doing it again goes on with the same one."""
    shown.say(f"{slug} would answer at {tenancy.host_of(tenancy.check_slug(slug))} under the plan {plan}.")
    if not shown.agreed("", dry_run=dry_run, yes=True):
        return
    opened = tenancy.open_site(
        slug,
        brand=tenancy.Brand(name=name, logo=name[:1]),
        owner_login=login,
        owner_password=password or typer.prompt("Password of the owner", hide_input=True),
        plan=plan,
        now=clock.now(),
    )
    shown.say(f"Site {opened.site} is asked for.")
    if wait:
        _wait(opened.site)


@app.command()
def suspend(
    site: Site,
    why: Annotated[str, typer.Option(help="What its owner reads.")] = "主站值班人员停业，请联系主站",
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Have a sub-site sell nothing; who paid still gets what they paid for."""
    found = find(site)
    if _agreed(found, "suspended", dry_run=dry_run, yes=yes):
        tenancy.suspend(found.site, why, by=_BY, now=clock.now())
        shown.say(f"{found.site} is suspended.")


@app.command()
def resume(site: Site, *, dry_run: shown.DryRun = False, yes: shown.Yes = False) -> None:
    """Have a suspended sub-site sell again."""
    found = find(site)
    if _agreed(found, "active", dry_run=dry_run, yes=yes):
        tenancy.resume(found.site, by=_BY, now=clock.now())
        shown.say(f"{found.site} is active.")


@app.command()
def tidy(site: Site, *, dry_run: shown.DryRun = False, yes: shown.Yes = False) -> None:
    """Remove what an attempt to open a sub-site left, its empty table and its stack, and try once more."""
    found = reach(site)
    if found.state != "failed":
        raise shown.Stopped(
            f"{found.site} is {found.state}; only a site that could not be opened is tidied up."
        )
    with tenant.acting_for(found.site):
        left = tenancy.table_of(found.site, cell=found.cell)
        if left and stacks.holds_rows(found.site):
            raise shown.Stopped(f"{left[0]} holds rows; look into them before anything is removed.")
        shown.say(
            f"{left[0] if left else 'No table'} and the stack would be removed, and {found.host} tried again."
        )
        if shown.agreed("Go on?", dry_run=dry_run, yes=yes):
            tenancy.remove(found.site, cell=found.cell)
            tenancy.retry_site(found.site)
            shown.say(f"{found.site} is tried again.")


@app.command()
def tier(
    site: Site,
    tier: Annotated[str, typer.Argument(metavar="TIER", help=" or ".join(tenancy.TIERS))],
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Let a sub-site's table take more, or no more than others; its stack stays at the release it has."""
    chosen = reach(site)
    shown.say(f"{chosen.site} {chosen.host} is {chosen.tier} and would be {tier}.")
    if not shown.agreed("Go on?", dry_run=dry_run, yes=yes):
        return
    tenancy.set_tier(chosen.site, tier)
    if why := stacks.update(chosen.site, release=False):
        raise shown.Stopped(f"The registry says {tier}; the stack stays as it is until it is upgraded: {why}")
    shown.say(f"{chosen.site} is {tier}; its table follows, and until then `cardmesh drift` says so.")


@app.command()
def export(
    site: Site,
    what: Annotated[str, typer.Option(help=" or ".join(lifecycle.WHAT))] = "orders",
    since: Annotated[str, typer.Option(metavar="YYYYMMDD", help="The first Beijing day.")] = "",
    until: Annotated[str, typer.Option(metavar="YYYYMMDD", help="The last one; today if left out.")] = "",
    zipped: Annotated[str, typer.Option("--zip", metavar="FILE", help="Write every table into a ZIP.")] = "",
) -> None:
    """Print a table of a sub-site as CSV, or write all of them into one file: for its owner or for an authority."""
    found, now = reach(site), clock.now()
    if what not in lifecycle.WHAT:
        raise shown.Stopped(f"There are {' and '.join(lifecycle.WHAT)}.")
    try:
        first = clock.day_start(since or clock.day_of(found.opened_at))
        last = clock.day_start(until) if until else now
    except ValueError:
        raise shown.Stopped("A day is written as 20261123.") from None
    days = [clock.day_of(at) for at in range(first, last + 1, clock.DAY)]
    with tenant.acting_for(found.site):
        if not zipped:
            typer.echo(lifecycle.table(found.site, what, days), nl=False)
            return
        unfinished = Path(f"{zipped}.part")
        with unfinished.open("wb") as file:
            lifecycle.pack(found.site, days, file)
        unfinished.replace(zipped)
    shown.say(f"{zipped} has {', '.join(lifecycle.WHAT)} of {found.site}, {len(days)} days.")


@app.command()
def delete(site: Site, *, dry_run: shown.DryRun = False, yes: shown.Yes = False) -> None:
    """Delete the table of a sub-site that closed three years ago; its row stays as the proof."""
    found = reach(site)
    left = found.leaving
    if found.state != "closed" or left is None:
        raise shown.Stopped(
            f"{found.site} is {found.state}; only a site that has left and closed is deleted."
        )
    shown.say(
        f"{found.site} {found.host} closed at {shown.when(left.closed_at)}; its table would be deleted."
    )
    if shown.agreed("Delete it for good?", dry_run=dry_run, yes=yes):
        with tenant.acting_for(found.site):
            lifecycle.delete(found, by=_BY, now=clock.now())
        shown.say(f"{found.site} is gone.")


def find(named: str) -> tenancy.Site:
    """A site by its code or its name. Raises Stopped."""
    for site in tenancy.sites(fresh=True):
        if named in (site.site, site.slug):
            return site
    raise shown.Stopped(f"There is no site {named}.")


def chosen(named: str, cell: str = "") -> list[tenancy.Site]:
    """The site of this code or name, or all that have a table, in every cell or in one; all are in reach.

    Raises Stopped.
    """
    every = (one for one in tenancy.each_site(fresh=True) if one.stands and cell in ("", one.cell))
    found = [find(named)] if named else list(every)
    place.enter(one.cell for one in found)
    return found


def reach(named: str) -> tenancy.Site:
    """A site by its code or its name, whose table is in reach. Raises Stopped."""
    (found,) = chosen(named)
    return found


def _agreed(site: tenancy.Site, state: str, *, dry_run: bool, yes: bool) -> bool:
    """Whether a site is to come into another state."""
    if site.state == state:
        shown.say(f"{site.site} {site.host} is {state} already.")
        return False
    shown.say(f"{site.site} {site.host} is {site.state} and would be {state}.")
    return shown.agreed("Go on?", dry_run=dry_run, yes=yes)


def _wait(code: str) -> None:
    until = clock.now() + _PATIENCE
    with tenant.acting_for(code):
        while clock.now() < until:
            site = tenancy.site(code, fresh=True)
            if site.state in ("active", "failed"):
                break
            time.sleep(_LOOK)
    if site.state != "active":
        raise shown.Stopped(f"Site {code} is {site.state}. {site.note}".rstrip())
    shown.say(f"Site {code} is open at {site.host}.")


def _line(site: tenancy.Site) -> dict[str, Any]:
    return {
        "site": site.site,
        "name": site.slug,
        "state": site.state,
        "host": site.host,
        "plan": site.plan,
        "opened": shown.when(site.opened_at),
        "cell": site.cell,
        "release": site.release,
    }


def _facts(site: tenancy.Site) -> dict[str, Any]:
    return _line(site) | {
        "shop": site.brand.name,
        "tier": site.tier,
        "moving": site.moving,
        "domains": [f"{one.host} {one.state}" for one in site.domains],
        "channels": list(site.channels),
        "licensed": site.licence is not None,
        "merchants": [f"{channel}:{number}" for channel, number in site.merchants.items()],
        "distributors": list(site.agents),
        "note": site.note,
    }
