"""What moved a party's account, in the order in which it moved: the lines of its statement.

A flow is written in the transaction that changes the account, so the flows of all times add up to the account. What
a site gets when a window is closed is written into the window's own row.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib.kit import clock, tenant

from .accounts import change_account, change_deposit
from .model import FlowRow, StatementRow
from .postings import Leg, account_of

LATEST = 40 * clock.DAY  # no window is closed later than that after its day


@dataclass(frozen=True)
class Flow:
    """One change. `event` is "release", "recover", "payout-…", "deposit-…"; `ref` names the window or the payout."""

    at: int
    event: str
    ref: str
    available: int = 0
    held: int = 0
    transit: int = 0
    deposit: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)


def move(write: TransactWrite, party: str, flow: Flow, *, floor: bool = True, owing: bool = False) -> None:
    """Within a transaction of the main table, change a party's account and deposit, and say why.

    With `floor` the transaction is refused unless each amount that falls holds as much as is taken of it; with
    `owing`, unless what can be withdrawn lacks as much as is added.
    """
    if flow.available or flow.held or flow.transit:
        amounts = {"available": flow.available, "held": flow.held, "transit": flow.transit}
        change_account(write, party, floor=floor, owing=owing, **amounts)
    if flow.deposit:
        change_deposit(write, party, flow.deposit)
    kind = FlowRow.of(tenant.MAIN)
    row = kind(f"FLOW#{party}", f"{flow.at:010}#{flow.event}#{flow.ref}", parts=dict(flow.parts))
    row.available, row.held, row.transit, row.deposit = flow.available, flow.held, flow.transit, flow.deposit
    write.save(row, condition=kind.pk.does_not_exist())


def flows_since(party: str, at: int) -> list[Flow]:
    """A party's flows from a moment on, oldest first, strongly read."""
    rows = FlowRow.of(tenant.MAIN)
    found = [_flow(row) for row in rows.under(f"FLOW#{party}", where=rows.sk >= f"{at:010}", consistent=True)]
    found += [flow for flow in _releases(party, at) if flow.at >= at]
    return sorted(found, key=lambda flow: (flow.at, flow.event, flow.ref))


def added_to(log: list[Any], fen: int, parts: Mapping[str, int], now: int) -> list[Any]:
    """A window's log with what its site gets now, and what that is made of; as it is, where it gets nothing."""
    if not fen:
        return log
    before: dict[str, int] = {}
    for _, _, known in log:
        before = {kind: before.get(kind, 0) + int(known.get(kind, 0)) for kind in {*before, *known}}
    change = {kind: parts.get(kind, 0) - before.get(kind, 0) for kind in sorted({*parts, *before})}
    return [*log, [now, fen, {kind: each for kind, each in change.items() if each}]]


def sum_of(flows: Iterable[Flow]) -> Flow:
    """Flows as one."""
    found = list(flows)
    amounts = {
        name: sum(getattr(flow, name) for flow in found)
        for name in ("available", "held", "transit", "deposit")
    }
    return Flow(0, "", "", **amounts)


def parts_of(journals: Iterable[tuple[str, Iterable[Leg]]], party: str) -> dict[str, int]:
    """What a party gets of journals, each an event with its legs: of sales, less fees it bears, less refunds."""
    own, parts = account_of(party), {"sale": 0, "fee": 0, "refund": 0, "other": 0}
    for event, legs in journals:
        sums = dict(legs)
        fen, fee = -sums.get(own, 0), _fee_borne(sums, party)
        kind = "sale" if event == "sale" else "refund" if fen < 0 else "other"
        parts[kind] += fen - fee
        parts["fee"] += fee
    return {kind: fen for kind, fen in parts.items() if fen}


def _fee_borne(sums: Mapping[str, int], party: str) -> int:
    """The channel's fee as far as a site bears it: below zero, or above where it is given back."""
    if ":" in party or "channel_fee_expense" in sums or account_of(party) not in sums:
        return 0
    return sum(fen for account, fen in sums.items() if account.startswith("fee_accrued:"))


def _releases(site: str, at: int) -> Iterator[Flow]:
    """What a site got from windows, the late ones of long ago too."""
    rows = StatementRow.of(tenant.MAIN)
    oldest = rows.sk >= clock.day_of(max(at - LATEST, 0))
    for row in rows.under(f"STMT#{site}", where=oldest, consistent=True):
        for number, (when, fen, parts) in enumerate(row.log, 1):
            yield Flow(int(when), "release", f"{row.sk}#{number}", int(fen), parts=parts)


def _flow(row: FlowRow) -> Flow:
    at, event, ref = row.sk.split("#", 2)
    parts = {name: int(fen) for name, fen in row.parts.items()}
    return Flow(int(at), event, ref, row.available, row.held, row.transit, row.deposit, parts)
