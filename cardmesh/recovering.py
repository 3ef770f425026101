"""`cardmesh recover`: after tables were restored, take into account again what left the house since, by the log."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.kit import clock, tenant
from chalicelib.recovery import rules
from chalicelib.recovery import service as recovery
from chalicelib.tenancy import service as tenancy

from . import shown

_MARGIN = 900  # seconds before the restored moment from which on the log is to be there


def recover(
    restored: Annotated[list[str], typer.Argument(help='"main", and sites by code.')],
    to: Annotated[datetime, typer.Option(help="The moment restored, the earliest of them, in UTC.")],
    log: Annotated[Path, typer.Option(help="The log's lines from a quarter of an hour before, one a row.")],
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Recover from restored tables while nobody else reaches them; to be typed again until it ends well."""
    _check(restored)
    lines = list(_read(log))
    found = rules.read(lines)
    pieces = sum(one.range.count for each in found.given.values() for one in each)
    shown.say(f"{len(lines)} lines: {pieces} codes given out, {sum(map(len, found.sales.values()))} orders,")
    shown.say(f"{len(found.payouts)} payouts, {len(found.cases)} cases.")
    if shown.agreed(f"Recover {', '.join(restored)}?", dry_run=dry_run, yes=yes):
        since = int(to.replace(tzinfo=UTC).timestamp()) - _MARGIN
        with tenant.acting_for(tenant.MAIN):
            report = recovery.recover(restored, lines, since=since, now=clock.now())
        shown.one({**asdict(report), "gone": " ".join(report.gone)}, as_json=False)


def _check(restored: list[str]) -> None:
    known = {tenant.MAIN, *(site.site for site in tenancy.sites(fresh=True))}
    if strange := sorted(set(restored) - known):
        raise shown.Stopped(f"There is no {', '.join(strange)}.")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file that are JSON objects, oldest first; functions' logs have others too."""
    found = []
    for text in path.read_text().splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            found.append(line)
    yield from sorted(found, key=lambda line: str(line.get("timestamp", "")))
