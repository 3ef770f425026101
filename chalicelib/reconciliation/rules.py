"""How a bill and our books are compared, and how the balance of a channel is explained to the fen. Pure.

A claim is what our books say moved at the channel, a row what the bill says. They belong together by key: a payment's
is the channel's transaction, a refund's the number we gave it.

MATCHED    both say the same                     SHORT      only our books have it, and no bill of the days around
LONG       only the bill has it                  FEE        another fee: our books follow the bill
AMOUNT     another amount                        STATE      the channel is further than we are
DUPLICATE  a row again
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.kit import clock
from chalicelib.payments.service import BillRow

MATCHED, LONG, SHORT, AMOUNT, FEE, STATE, DUPLICATE = CLASSES = (
    "matched",
    "long",
    "short",
    "amount",
    "fee",
    "state",
    "duplicate",
)
HEALABLE = (MATCHED, FEE, LONG)  # a payment that was accepted stays healed while it is one of these
# What the channel says of a payment that is short: paid, not paid, another payment, or nothing that helps.
PAID, UNPAID, OTHER, UNSAID = "paid", "unpaid", "other", "unsaid"
FIRST = 10 * 3600 + 1800  # seconds after midnight in Beijing from which bills of the day before are asked for
MISSED = 20 * 3600  # from here on a bill that is not there is missed
DAYS_BACK = 3  # for which a merchant's bills are asked for the first time
GRACE = 2 * clock.DAY + FIRST  # seconds after a day's begin from which nothing else is waited for
PATIENCE = GRACE + 2 * clock.DAY  # from which not even the channel's answer is
RESTS = 3 * 3600 + 1800  # seconds for which a part that waits is left alone: till the fourth hour strikes
MOST_CASES = 20  # of one class, site and day; more of them are one case


@dataclass(frozen=True)
class Claim:
    """What our books say moved. `event` is the journal that carries it through the clearing account.

    `fee_fen` is what our journals have of the channel's fee for it, `settled` whether our state says that it moved.
    """

    key: str
    kind: str  # "payment" | "refund"
    channel: str
    number: str
    event: str
    out_trade_no: str
    fen: int
    fee_fen: int = 0
    fee_from: str = "channel_fee_expense"  # the account that bears the fee
    fee_to: str = ""  # the one that is owed it; the channel's, unless a site's own merchant has paid it
    settled: bool = True

    @property
    def fee_event(self) -> str:
        """What its adjusted fee stands by: a payment's is one, whether its order was delivered or not."""
        return "sale" if self.event == "taken" else self.event


@dataclass(frozen=True)
class Line:
    """One row or claim after comparing. Amounts in fen, without sign."""

    name: str  # of its class
    kind: str
    key: str
    number: str  # of our order, where there is one
    out_trade_no: str
    bill_fen: int
    our_fen: int
    fee_fen: int  # what the bill's fee has more than ours
    at: int
    healed: bool = False
    waits: bool = False
    answer: str = ""  # the channel's, where it was asked for what no bill has

    @property
    def story(self) -> str:
        """What is to be told of it: its class, and the channel's answer where there is one."""
        return f"{self.name}-{self.answer}" if self.answer else self.name


@dataclass(frozen=True)
class Clearing:
    """A channel's day: what the bill moved, what our journals moved, and why that differs."""

    bill_fen: int
    journal_fen: int
    ahead_fen: int  # in this bill, posted in another window or not yet: in transit
    behind_fen: int  # posted in this window, in another day's bill
    unmatched_fen: int  # in this bill, and not ours

    @property
    def unexplained_fen(self) -> int:
        """What must be zero."""
        ours = self.bill_fen - self.unmatched_fen - self.ahead_fen
        return ours - (self.journal_fen - self.behind_fen)


def key_of(row: BillRow) -> str:
    """What a row and its claim have in common."""
    return f"{row.kind}:{row.transaction_id if row.kind == 'payment' else row.out_refund_no}"


def signed(kind: str, fen: int) -> int:
    """Money that came is positive."""
    return fen if kind == "payment" else -fen


def compare(
    rows: Sequence[BillRow], claims: Mapping[str, Claim], expected: Iterable[str], elsewhere: Iterable[str]
) -> list[Line]:
    """Every row in its class, and the claims `expected` on this day that no bill has.

    `elsewhere` are keys that stand in the bills of the days around.
    """
    seen: Counter[str] = Counter()
    lines = []
    for row in rows:
        key = key_of(row)
        seen[key] += 1
        lines.append(_line(row, claims.get(key), again=seen[key] > 1))
    missing = set(expected) - set(seen) - set(elsewhere)
    return lines + [_short(claims[key]) for key in sorted(missing)]


def clearing(
    lines: Iterable[Line], claims: Mapping[str, Claim], posted: Mapping[tuple[str, str], int]
) -> Clearing:
    """Explain a day: `posted` is what the journals of its window moved, fen by (number, event)."""
    bill = ahead = unmatched = behind = 0
    open_ = dict(posted)
    for line in lines:
        if line.name == SHORT:
            continue
        moved = signed(line.kind, line.bill_fen)
        bill += moved
        claim = None if line.name in (LONG, DUPLICATE) else claims[line.key]
        ours = signed(claim.kind, claim.fen) if claim else 0
        unmatched += moved - ours
        if claim and open_.pop((claim.number, claim.event), None) is None:
            ahead += ours
    events = {(one.number, one.event): signed(one.kind, one.fen) for one in claims.values()}
    behind = sum(events.get(event, 0) for event in open_)
    return Clearing(bill, sum(posted.values()), ahead, behind, unmatched)


def counts(lines: Iterable[Line]) -> dict[str, list[int]]:
    """How many lines each class has, and their fen: the bill's, or ours where the bill has none."""
    found: dict[str, list[int]] = {}
    for line in lines:
        count = found.setdefault(line.name, [0, 0])
        count[0] += 1
        count[1] += signed(line.kind, line.bill_fen or line.our_fen)
    return found


def total(counted: Iterable[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """The counts of a day are the sum of its sites'."""
    found: dict[str, list[int]] = {}
    for counts_ in counted:
        for name, (count, fen) in counts_.items():
            have = found.setdefault(name, [0, 0])
            have[0], have[1] = have[0] + count, have[1] + fen
    return {name: found[name] for name in CLASSES if name in found}


def add(parts: Iterable[Clearing]) -> Clearing:
    """The clearing of a day is the sum of its sites'."""
    every = list(parts)
    return Clearing(
        sum(one.bill_fen for one in every),
        sum(one.journal_fen for one in every),
        sum(one.ahead_fen for one in every),
        sum(one.behind_fen for one in every),
        sum(one.unmatched_fen for one in every),
    )


def waiting(lines: Iterable[Line], *, last: bool) -> list[Line]:
    """The lines, those marked that the next bill or our own queues may still settle; at `last` none is."""
    return [
        replace(line, waits=not last) if line.name in (SHORT, STATE) and not line.healed else line
        for line in lines
    ]


def days_to_ask(now: int) -> list[str]:
    """The days whose bills should be there by now, newest first."""
    newest = 1 if now - clock.day_start(clock.day_of(now)) >= FIRST else 2
    return [clock.day_of(now - back * clock.DAY) for back in range(newest, DAYS_BACK + 1)]


def is_missed(day: str, now: int) -> bool:
    """Whether the bill of a day should long be there."""
    return now >= clock.day_start(day) + clock.DAY + MISSED


def is_last(day: str, now: int) -> bool:
    """Whether whatever is still open on a day is a difference for good."""
    return now >= clock.day_start(day) + GRACE


def is_patient(day: str, now: int) -> bool:
    """Whether an answer of the channel is still waited for."""
    return now < clock.day_start(day) + PATIENCE


def is_rested(day: str, compared_at: int, now: int) -> bool:
    """Whether a part that waits is to be compared again: every few hours, and each hour once the next bill is there."""
    return is_last(day, now) or now >= compared_at + RESTS


def neighbours(day: str) -> tuple[str, str]:
    """The days before and after."""
    start = clock.day_start(day)
    return clock.day_of(start - 1), clock.day_of(start + clock.DAY)


def _line(row: BillRow, claim: Claim | None, *, again: bool) -> Line:
    fee = row.fee_fen - claim.fee_fen if claim else row.fee_fen
    return Line(
        name=_class(row, claim, fee, again=again),
        kind=row.kind,
        key=key_of(row),
        number=claim.number if claim else "",
        out_trade_no=row.out_trade_no,
        bill_fen=row.amount_fen,
        our_fen=claim.fen if claim else 0,
        fee_fen=fee,
        at=row.at,
    )


def _class(row: BillRow, claim: Claim | None, fee: int, *, again: bool) -> str:
    if again:
        return DUPLICATE
    if claim is None:
        return LONG
    if claim.fen != row.amount_fen:
        return AMOUNT
    if not claim.settled:
        return STATE
    return FEE if fee else MATCHED


def _short(claim: Claim) -> Line:
    return Line(
        SHORT, claim.kind, claim.key, claim.number, claim.out_trade_no, 0, claim.fen, -claim.fee_fen, 0
    )
