"""A party's statement: what it had, what came and went and why, what it has; to the fen its account.

The lines are the flows that were written with every change of the account, so the closing balance of a statement up to
now is the account itself, and the opening one that of the day before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kit import clock, errors
from chalicelib.ledger import service as ledger

LONGEST = 92  # days
KINDS = ("sale", "fee", "refund", "other", "deferred", "recover", "payout", "returned", "deposit")
_LOOKS = 5


@dataclass(frozen=True)
class Line:
    """One change of what a party may withdraw; `fen` by kind, and what was there afterwards."""

    at: int
    event: str
    ref: str
    parts: dict[str, int]
    fen: int
    after_fen: int


@dataclass(frozen=True)
class Account:
    """A party's statement of some Beijing days. `on_way`, `held` and `deposit` are as they stood at the end."""

    party: str
    first: str
    last: str
    opening_fen: int
    lines: tuple[Line, ...]
    sums: dict[str, int]
    closing_fen: int
    on_way_fen: int
    held_fen: int
    deposit_fen: int


def statement(party: str, first: str, last: str) -> Account:
    """The statement of a party from one Beijing day to another (YYYYMMDD). Raises Invalid, NotReady."""
    start, end = clock.day_start(first), clock.day_start(last) + clock.DAY
    if not start < end <= start + LONGEST * clock.DAY:
        raise errors.Invalid("A statement covers 1 to 92 days.")
    held, flows = _together(party, start)
    later = ledger.sum_of(flow for flow in flows if flow.at >= end)
    within = [flow for flow in flows if flow.at < end]
    closing = held.available - later.available
    opening = closing - ledger.sum_of(within).available
    lines = _lines(within, opening)
    sums = {kind: sum(line.parts.get(kind, 0) for line in lines) for kind in KINDS}
    return Account(
        party,
        first,
        last,
        opening,
        lines,
        {kind: fen for kind, fen in sums.items() if fen},
        closing,
        held.transit - later.transit,
        held.held - later.held,
        held.deposit - later.deposit,
    )


def _together(party: str, start: int) -> tuple[ledger.Balances, list[ledger.Flow]]:
    """The account and its flows at one moment: nothing moved while they were read. Raises NotReady."""
    for _ in range(_LOOKS):
        before = ledger.balances(party)
        flows = ledger.flows_since(party, start)
        if ledger.balances(party) == before:
            return before, flows
    raise errors.NotReady


def _lines(flows: Sequence[ledger.Flow], opening: int) -> tuple[Line, ...]:
    lines, there = [], opening
    for flow in flows:
        there += flow.available
        if flow.available:
            lines.append(Line(flow.at, flow.event, flow.ref, _parts(flow), flow.available, there))
    return tuple(lines)


def _parts(flow: ledger.Flow) -> dict[str, int]:
    """What a change is made of; parts of a release that it does not hold, or holds more than, wait or were early."""
    kind = flow.event.partition("-")[0]
    if flow.event == "payout-returned":
        return {"returned": flow.available}
    if kind != "release":
        return {kind: flow.available}
    parts = {name: fen for name, fen in flow.parts.items() if name in KINDS}
    rest = flow.available - sum(parts.values())
    if not parts:
        return {"sale": rest}
    return parts | ({"deferred": rest} if rest else {})
