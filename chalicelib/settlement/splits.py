"""The splits of orders at their channels as they are kept: planned, stepped from state to state, taken back from.

planned ─► submitted ─► finished ─► unfrozen
   ├─► held ─┘ (once no refund is open)
   └─► void: there was nothing left to split

Submitted: the channel is asked under one number with these parts, whatever happens meanwhile. Finished: each part has
its own result. Unfrozen: what was not split is the merchant's, and nothing of the order is frozen any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from chalicelib.kit import errors, ids, log, table
from chalicelib.orders import service as orders

from .model import SplitRow, TakeBackRow

BEFORE = frozenset({"planned", "held", "void"})  # nothing went to others
OVER = frozenset({"unfrozen", "void"})
SPLIT, THAW = "S1", "U1"  # rows and events, and how the numbers at the channel end


@dataclass(frozen=True)
class Share:
    """A party's part. `result`: "" while it is under way, then "success" or "closed" with the channel's word."""

    party: str
    fen: int
    kind: str = ""  # of the account; empty where the party has none
    account: str = ""
    result: str = ""
    word: str = ""


@dataclass(frozen=True)
class Split:
    """An order's split. Amounts in fen, times in seconds UTC."""

    site: str
    number: str  # of the order
    state: str
    shares: tuple[Share, ...]
    covered: tuple[str, ...]  # refunds that were decided before, with which the parts were reckoned: "R2"
    due: int
    submitted_at: int | None
    finished_at: int | None
    unfrozen_at: int | None

    @property
    def times(self) -> tuple[int | None, ...]:
        """By which its journals stand."""
        return self.finished_at, self.unfrozen_at

    @property
    def paid(self) -> tuple[Share, ...]:
        """What the channel paid to others."""
        return tuple(share for share in self.shares if share.result == "success")

    @property
    def closed(self) -> tuple[Share, ...]:
        """What it did not."""
        return tuple(share for share in self.shares if share.result == "closed")


@dataclass(frozen=True)
class TakeBack:
    """What is taken back from receivers for a refund; `result` of a share: "" while it is under way."""

    number: str
    refund: str  # "R2"
    shares: tuple[Share, ...]
    at: int

    @property
    def over(self) -> bool:
        """Whether every receiver has answered."""
        return all(share.result for share in self.shares)


def plan(order: orders.Order, *, due: int) -> None:
    """Note that an order is to be split; again changes nothing."""
    row = SplitRow.of(order.site)(_key(order.number), SPLIT, state="planned", due=due)
    try:
        row.insert()
    except table.Refused as stood:
        if stood.row.state != "planned":
            return
    orders.add_todo(order.site, order.number, "split", due=due)


def find(site: str, number: str) -> Split | None:
    """An order's split, strongly read."""
    row = SplitRow.of(site).read(_key(number), SPLIT)
    return _split(site, row) if row else None


def of_day(site: str, day: str) -> list[tuple[orders.Order, Split]]:
    """The splits of the orders placed on a Beijing day, newest first."""
    placed = orders.on_day(site, day, states=("delivered", "refunding", "refunded"))
    return _beside(site, {one.number: one for one in placed if one.attempt.splits})


def unfinished(site: str) -> list[tuple[orders.Order, Split]]:
    """The splits that are not over, of all days, newest first."""
    numbers = {todo.number for todo in orders.todos_named(site, "split", closed=False)}
    return [each for each in _beside(site, orders.orders(site, numbers)) if each[1].state not in OVER]


def void(split: Split, covered: Iterable[str], *, now: int) -> Split:
    """There is nothing left to split, and nothing frozen: these refunds gave it back. Raises Conflict."""
    return _step(split, "void", covered=" ".join(covered), unfrozen_at=now)


def hold(split: Split) -> Split:
    """Wait for a refund to be over. Raises Conflict."""
    return split if split.state == "held" else _step(split, "held")


def submit(
    order: orders.Order, split: Split, shares: Sequence[Share], covered: Iterable[str], *, now: int
) -> Split:
    """Fix the parts, as long as the order's refunds are those they were reckoned with. Raises Conflict."""
    rows = SplitRow.of(split.site)
    fields = {"shares": _kept(shares), "covered": " ".join(covered), "submitted_at": now}
    actions = [rows.state.set("submitted"), *(getattr(rows, name).set(each) for name, each in fields.items())]
    try:
        with table.Together(split.site, ids.token()) as write:
            write.update(rows(_key(split.number), SPLIT), actions, condition=rows.state == split.state)
            orders.check_refunds(write, order)
    except table.Refused:
        raise errors.Conflict from None
    _tell(split, "submitted")
    return replace(split, state="submitted", shares=tuple(shares), covered=tuple(covered), submitted_at=now)


def finish(split: Split, shares: Sequence[Share], *, now: int) -> Split:
    """Keep each part's result. Raises Conflict."""
    return _step(split, "finished", shares=_kept(shares), finished_at=now)


def unfreeze(split: Split, *, now: int) -> Split:
    """The rest is the merchant's. Raises Conflict."""
    return _step(split, "unfrozen", unfrozen_at=now)


def take_back(split: Split, refund: str, shares: Sequence[Share], *, now: int) -> TakeBack:
    """Note what is taken back for a refund; the first note counts."""
    row = TakeBackRow.of(split.site)(_key(split.number), refund, shares=_kept(shares), at=now)
    try:
        return _take_back(row.insert())
    except table.Refused as stood:
        return _take_back(stood.row)


def taken_back(split: Split) -> dict[str, TakeBack]:
    """Everything taken back from an order's receivers, by refund."""
    rows = TakeBackRow.of(split.site)
    found = rows.under(_key(split.number), where=rows.sk.startswith("R"), consistent=True)
    return {row.sk: _take_back(row) for row in found}


def answer(split: Split, before: TakeBack, shares: Sequence[Share]) -> TakeBack:
    """Keep what receivers answered. Raises Conflict."""
    rows = TakeBackRow.of(split.site)
    try:
        row = rows.change(
            _key(split.number),
            before.refund,
            [rows.shares.set(_kept(shares))],
            rows.shares == _kept(before.shares),
        )
    except table.Refused:
        raise errors.Conflict from None
    return _take_back(row)


def _beside(site: str, found: Mapping[str, orders.Order]) -> list[tuple[orders.Order, Split]]:
    rows = SplitRow.of(site).read_many((_key(number), SPLIT) for number in found)
    pairs = [(found[split.number], split) for split in (_split(site, row) for row in rows)]
    return sorted(pairs, key=lambda pair: (pair[0].placed_at, pair[0].number), reverse=True)


def _step(split: Split, to: str, **fields: object) -> Split:
    rows = SplitRow.of(split.site)
    actions = [rows.state.set(to), *(getattr(rows, name).set(value) for name, value in fields.items())]
    try:
        row = rows.change(_key(split.number), SPLIT, actions, rows.state == split.state)
    except table.Refused:
        raise errors.Conflict from None
    _tell(split, to)
    return _split(split.site, row)


def _tell(split: Split, to: str) -> None:
    log.event("settlement.split_moved", site=split.site, order=split.number, to=to)


def _key(number: str) -> str:
    return f"SPLIT#{number}"


def _kept(shares: Iterable[Share]) -> list[dict[str, object]]:
    return [asdict(share) for share in shares]


def _split(site: str, row: SplitRow) -> Split:
    return Split(
        site=site,
        number=row.pk.removeprefix("SPLIT#"),
        state=row.state,
        shares=tuple(Share(**each) for each in row.shares),
        covered=tuple(row.covered.split()),
        due=row.due,
        submitted_at=row.submitted_at,
        finished_at=row.finished_at,
        unfrozen_at=row.unfrozen_at,
    )


def _take_back(row: TakeBackRow) -> TakeBack:
    return TakeBack(
        row.pk.removeprefix("SPLIT#"), row.sk, tuple(Share(**each) for each in row.shares), row.at
    )
