"""A sub-site moves to another cell, and no order is lost.

```
preparing   a stack in the other account; the shop sells on
closing     no new orders, for as long as anybody may still believe that the shop is open
frozen      nobody writes to the table, once every write that began before has ended; then it is carried, page by page
carried     the other side comes to the same sums, page by page
moved       the registry says where it is, and the doors are open; the old table is kept, nobody may write to it
staying     the move was called off: the doors open where they were
clearing    the old table goes, when it was kept long enough; or the new one, where the move was called off
over
```
Each step reads the state it starts from and may be killed and repeated. Until `moved` the old table is the shop's, and
the move can be called off; the word in the registry changes in the same transaction as the state. What cannot write
while the table is frozen fails as it would without a network: the channel tells again of a payment, a message comes
back.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.expressions.update import Action

from chalicelib.kit import cells, clock, config, errors, log, queue, table, tenant

from . import carrying, registry, removal, rules, stacks
from . import cells as rooms
from .carrying import Progress
from .model import MOVES, SITES, MoveRow, SiteRow
from .record import Site, site_of
from .states import QUOTA

CLOSE = 2 * cells.FRESH  # seconds until nobody believes any more that the shop is open
FENCE = 30  # seconds: who looked before is over; then a call with all its tries, see kit/aws.py
KEPT = 7 * clock.DAY  # seconds for which the old table stays
_LASTING = clock.DAY  # rows that end within so many seconds are not compared
_BEFORE = ("preparing", "closing", "frozen", "carried")  # states in which a move can be called off
_DENIED = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")


@dataclass(frozen=True)
class Move:
    """How far a site's move is; `why` it was called off."""

    site: str
    source: str
    target: str
    state: str
    since: int
    by: str
    why: str = ""
    rows: int = 0


class Fixed(errors.Conflict):
    """The site cannot move there, or not now."""

    code = "cannot_move"
    sentence = "This site cannot move there now."


def start(code: str, target: str, *, by: str, now: int) -> Move:
    """Begin to move a site that stands; repeating it goes on with the move. Raises Fixed, NotFound."""
    source = _site(code).cell
    check(source, target)
    known = MoveRow.of(tenant.MAIN)
    place = known(MOVES, code, source=source, target=target, state="preparing", since=now, by=by)
    sites = SiteRow.of(tenant.MAIN)
    stands = sites.state.is_in(*rules.OPEN) & sites.moving.does_not_exist()
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.save(place, condition=known.pk.does_not_exist() | (known.state == "over"))
            write.update(sites(SITES, code), actions=[sites.cell.set(source)], condition=stands)
            rooms.take(write, target)
    except table.Refused:
        stood = move_of(code)
        if stood is None or stood.target != target or stood.state not in _BEFORE:
            raise Fixed("It does not stand, its old table was not cleared, or the cell is full.") from None
    _go_on(code)
    return _move(_row(code))


def call_off(code: str, why: str, *, now: int) -> None:
    """Stay: open the doors where they were, and clear what was carried. Raises Fixed where it moved already."""
    row = _row(code)
    if row.state in _BEFORE:
        _settle(row, "staying", now, why=why[:200], clears=row.target)
        log.event("tenancy.move_called_off", site=code, why=why)
    elif row.clears != row.target:
        raise Fixed("It moved already, or did not begin to.")
    _go_on(code)


def clear(code: str, *, now: int) -> None:
    """Let the old table go. Raises Fixed before it was kept long enough."""
    row = _row(code)
    if row.state == "moved" and now >= row.since + KEPT:
        _settle(row, "clearing", now, clears=row.source)
    elif (row.state, row.clears) != ("clearing", row.source):
        raise Fixed("The old table is kept for seven days after a move.")
    _go_on(code)


def move_of(code: str) -> Move | None:
    """The last move of a site; None where it never moved."""
    row = MoveRow.of(tenant.MAIN).read(MOVES, code)
    return _move(row) if row else None


def advance(code: str, *, now: int) -> None:
    """Take the next step of a move; sends itself another message while there is more to do."""
    row = _row(code)
    try:
        wait = _STEPS[row.state](row, now) if row.state in _STEPS else None
    except (ClientError, BotoCoreError) as error:
        wait = _in_trouble(row, error, now)
    except (errors.Conflict, table.Refused):
        wait = None  # another run was faster, and goes on
    if wait is not None:
        _go_on(code, wait)


def _in_trouble(row: Any, error: ClientError | BotoCoreError, now: int) -> int | None:
    """A shop is not left closed: whatever AWS refuses before the switch calls the move off."""
    why = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    if why in stacks.TOO_FAST:
        return CLOSE
    if row.state not in _BEFORE:
        raise error
    log.alarm("tenancy.move_failed", site=row.sk, state=row.state, why=why)
    call_off(row.sk, why, now=now)
    return None


def _prepare(row: Any, now: int) -> int | None:
    found = stacks.status(row.sk, row.target) or stacks.create(_site(row.sk), row.target)
    if found in stacks.DONE:
        _settle(row, "closing", now, SiteRow.moving.set("closing"))
        return CLOSE
    if found in stacks.FAILED or found == QUOTA:
        call_off(row.sk, f"The stack ended in {found}.", now=now)
        return None
    return rules.look_again(row.sk, now - int(row.since))


def _freeze(row: Any, now: int) -> int:
    if now < row.since + CLOSE:
        return CLOSE
    _settle(row, "frozen", now, SiteRow.moving.set("frozen"))
    return FENCE


def _carry(row: Any, now: int) -> int:
    if now < row.since + FENCE:
        return FENCE
    before, lasting = _progress(row.source_seen), int(row.since) + _LASTING
    if before == Progress():
        _deny_writes(row)
    after = carrying.carry(row.sk, row.source, row.target, before, lasting=lasting)
    if not after.done:
        _note(row, source_seen=after)
        return 0
    _settle(row, "carried", now, source_seen=json.dumps(asdict(after)), lasting=lasting)
    return 0


def _compare(row: Any, now: int) -> int | None:
    before, wanted = _progress(row.target_seen), _progress(row.source_seen)
    after = carrying.count(row.sk, row.target, before, lasting=int(row.lasting))
    if not after.done:
        _note(row, target_seen=after)
        return 0
    if (after.rows, after.digest) != (wanted.rows, wanted.digest):
        log.alarm("tenancy.move_differs", site=row.sk, rows=after.rows, wanted=wanted.rows)
        call_off(row.sk, f"{after.rows} rows came, not these {wanted.rows}.", now=now)
        return None
    _settle(
        row, "moved", now, SiteRow.cell.set(row.target), SiteRow.left.set(row.source), SiteRow.moving.remove()
    )
    log.event("tenancy.moved", site=row.sk, cell=row.target, rows=after.rows)
    return None


def _stay(row: Any, now: int) -> int:
    _allow_writes(row)
    _settle(row, "clearing", now, SiteRow.moving.remove())
    return 0


def _clear(row: Any, now: int) -> None:
    """The table that the shop does not use any more, its stack, and its place."""
    if row.clears == row.target:
        _allow_writes(row)  # a step that was slow may have denied them once more
    removal.remove(row.sk, cell=row.clears)
    rows, sites = MoveRow.of(tenant.MAIN), SiteRow.of(tenant.MAIN)
    with table.Together(tenant.MAIN, "") as write:
        over: list[Action] = [rows.state.set("over"), rows.since.set(now)]
        write.update(rows(MOVES, row.sk), actions=over, condition=rows.state == "clearing")
        write.update(sites(SITES, row.sk), actions=[sites.left.remove()], condition=sites.pk.exists())
        rooms.give(write, row.clears)


_STEPS: Mapping[str, Any] = {
    "preparing": _prepare,
    "closing": _freeze,
    "frozen": _carry,
    "carried": _compare,
    "staying": _stay,
    "clearing": _clear,
}


def _settle(row: Any, state: str, now: int, *site: Action, **told: object) -> None:
    """Take a move from the state it was read in to the next, together with what the registry says."""
    rows, sites = MoveRow.of(tenant.MAIN), SiteRow.of(tenant.MAIN)
    actions: list[Action] = [rows.state.set(state), rows.since.set(now)]
    actions += [getattr(rows, name).set(value) for name, value in told.items()]
    with table.Together(tenant.MAIN, "") as write:
        write.update(rows(MOVES, row.sk), actions=actions, condition=rows.state == row.state)
        if site:
            write.update(sites(SITES, row.sk), actions=list(site), condition=sites.cell == row.source)
    registry.forget()


def _note(row: Any, **seen: Progress) -> None:
    """Keep how far it is, unless another run came further."""
    ((name, after),) = seen.items()
    column = getattr(MoveRow, name)
    as_read = column == getattr(row, name) if getattr(row, name) else column.does_not_exist()
    told = [column.set(json.dumps(asdict(after)))]
    MoveRow.of(tenant.MAIN).change(MOVES, row.sk, told, (MoveRow.state == row.state) & as_read)


def _deny_writes(row: Any) -> None:
    """IAM refuses from now on what the shop's own code would not do any more."""
    arn = _arn(row)
    role = config.load().cells[row.source].tenant_role or config.load().tenant_role
    refusal = {
        "Sid": "MovesAway",
        "Effect": "Deny",
        "Principal": {"AWS": role},
        "Action": [f"dynamodb:{one}" for one in _DENIED],
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [refusal]})
    cells.operator("dynamodb", row.source).put_resource_policy(ResourceArn=arn, Policy=policy)


def _allow_writes(row: Any) -> None:
    try:
        cells.operator("dynamodb", row.source).delete_resource_policy(ResourceArn=_arn(row))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PolicyNotFoundException", "ResourceNotFoundException"):
            raise


def _arn(row: Any) -> str:
    _, partition, _, _, account, *_ = config.load().cells[row.source].operator_role.split(":")
    return f"arn:{partition}:dynamodb:{config.load().region}:{account}:table/{table.name_of(row.sk)}"


def check(source: str, target: str) -> None:
    """Raise Fixed where a site of one cell can never move to the other."""
    known = config.load().cells
    if target == source or target not in known:
        raise Fixed("The site is there already, or there is no such cell.")
    if not known[source].operator_role or not known[target].operator_role:
        raise Fixed("Both accounts need the roles of infra/cell.yaml.")


def _site(code: str) -> Site:
    row = SiteRow.of(tenant.MAIN).read(SITES, code)
    if row is None:
        raise errors.NotFound("No such site.")
    return site_of(row)


def _row(code: str) -> Any:
    row = MoveRow.of(tenant.MAIN).read(MOVES, code)
    if row is None:
        raise errors.NotFound("This site never moved.")
    return row


def _move(row: Any) -> Move:
    rows = _progress(row.source_seen).rows
    return Move(row.sk, row.source, row.target, row.state, int(row.since), row.by, row.why, rows)


def _progress(told: str | None) -> Progress:
    return Progress(**json.loads(told)) if told else Progress()


def _go_on(code: str, wait: int = 0) -> None:
    queue.send("provision", site=code, move=True, delay=wait)
