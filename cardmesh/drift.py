"""`cardmesh drift`: where tables and stacks differ from what the registry and this release want.

What a table must be is read out of the template, so it is written down once. Tables are described one by one, as the
drift detection of CloudFormation would do, which some regions do not offer for all that a table has.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from chalicelib.kit import cells, config, table
from chalicelib.tenancy import moving
from chalicelib.tenancy import service as tenancy

from . import detection, place, shown, sites, stacks

Settings = dict[str, Any]


def drift(
    site: Annotated[
        str, typer.Option(help="One site by code or name; else all, and what belongs to none.")
    ] = "",
    cell: sites.Cell = "",
    *,
    detect: Annotated[
        bool,
        typer.Option(
            "--detect", help="Have CloudFormation look too, at the site's stack; else at the main one."
        ),
    ] = False,
    as_json: shown.AsJson = False,
) -> None:
    """Compare stacks and tables with what the registry wants; change nothing."""
    chosen = sites.chosen(site, cell)
    found = [line for one in chosen for line in of_site(one.site)]
    if not site:
        where = [cell] if cell else config.load().cells or [cells.HOME]
        place.enter(where)
        found += [line for name in where for line in _nobodys(name)]
    seen, unseen = _detected(chosen[0] if site else None) if detect else ([], None)
    found += seen
    shown.rows(found, as_json=as_json, none=f"{len(chosen)} sites are as they should be.")
    if unseen:
        raise unseen
    if found:
        raise typer.Exit(shown.FOUND)


def _detected(site: tenancy.Site | None) -> tuple[list[shown.Found], shown.Stopped | None]:
    """What CloudFormation sees, or why it cannot: what was compared without it is shown all the same."""
    try:
        return list(detection.of_stack(*_stack_of(site))), None
    except shown.Stopped as why:
        return [], why


def _stack_of(site: tenancy.Site | None) -> tuple[str, str]:
    """The name of a site's stack, or of the main one, and the cell it is in. Raises Stopped."""
    if site:
        return table.name_of(site.site), site.cell
    if not place.stack():
        raise shown.Stopped("Name a site, or the deployment's stack with --stack or CARDMESH_STACK.")
    return place.stack(), cells.HOME


def of_site(code: str) -> Iterator[shown.Found]:
    """How a site differs: its stack, then its table, setting by setting."""
    stack = stacks.look(code)
    if stack is None:
        yield shown.differing(code, "stack", "missing", "there")
    elif stack.status not in stacks.GOOD:
        yield shown.differing(code, "stack", stack.status, stacks.GOOD[-2])
    elif stack.template != stacks.wanted():
        yield shown.differing(code, "template", "another", stacks.release())
    elif stack.parameters != stacks.parameters(code):
        yield shown.differing(code, "parameters", stack.parameters, stacks.parameters(code))
    has = described(code)
    for name, wants in wanted(code).items():
        if has.get(name) != wants:
            yield shown.differing(code, name, has.get(name, "missing"), wants)


def wanted(code: str) -> Settings:
    """What the template makes of a site's table."""
    told = json.loads(place.template())["Resources"]["Table"]["Properties"]
    return {
        "billing": told["BillingMode"],
        "keys": told["KeySchema"],
        "indexes": [_index(each) for each in told["GlobalSecondaryIndexes"]],
        "protected": told["DeletionProtectionEnabled"],
        "encrypted": told["SSESpecification"]["SSEEnabled"],
        "ttl": told["TimeToLiveSpecification"]["AttributeName"],
        "recovery": told["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        "tag": code,
    }


def described(code: str) -> Settings:
    """The same of the table that is there; nothing where there is none."""
    name, client = table.name_of(code), place.client_for("dynamodb", code)
    try:
        told = client.describe_table(TableName=name)["Table"]
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        tags = client.list_tags_of_resource(ResourceArn=told["TableArn"])["Tags"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return {}
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return {
        "billing": told.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "keys": told["KeySchema"],
        "indexes": [_index(each) for each in told.get("GlobalSecondaryIndexes", [])],
        "protected": told.get("DeletionProtectionEnabled", False),
        "encrypted": told.get("SSEDescription", {}).get("Status") == "ENABLED",
        "ttl": ttl.get("AttributeName", "") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else "",
        "recovery": recovery == "ENABLED",
        "tag": next((each["Value"] for each in tags if each["Key"] == "site"), ""),
    }


def _nobodys(cell: str) -> Iterator[shown.Found]:
    """Stacks and tables in a cell of sites that the registry does not know, or knows elsewhere."""
    homes = {table.name_of(one.site): one for one in tenancy.each_site(fresh=True)}
    for what, there in (("stack", stacks.names(cell)), ("table", _tables(cell))):
        for name in sorted(there):
            found = homes.get(name)
            if found is None or not _is_at(found, cell):
                whose = f"in the cell {found.cell}" if found else "of no site"
                yield shown.differing(name, what, f"there, in the cell {cell}", whose)


def _is_at(site: tenancy.Site, cell: str) -> bool:
    """Whether a site is in a cell, left its old table there, or is on its way to it."""
    if cell in (site.cell, site.left):
        return True
    move = moving.move_of(site.site)
    return move is not None and move.state != "over" and cell in (move.source, move.target)


def _tables(cell: str) -> Iterator[str]:
    pages = place.client_in("dynamodb", cell).get_paginator("list_tables").paginate()
    prefix = table.name_of("")
    yield from (name for page in pages for name in page["TableNames"] if name.startswith(prefix))


def _index(told: Settings) -> Settings:
    return {name: told[name] for name in ("IndexName", "KeySchema", "Projection")}
