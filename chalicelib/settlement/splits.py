"""The splits of orders at their channels as they are kept: planned, stepped from state to state, taken back from.

planned ─► submitted ─► finished ─► unfrozen
   └─► void: there was nothing to split

Submitted: the channel is asked under one number with these parts, whatever happens meanwhile. Finished: each part has
its own result. Unfrozen: what was not split is the merchant's, and nothing of the order is frozen any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from chalicelib.kit import errors, log, table
from chalicelib.orders import service as orders

from .model import SplitRow

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
    covered: tuple[str, ...]  # refunds that were over before: "R2"
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


def void(split: Split) -> Split:
    """There is nothing left to split. Raises Conflict."""
    return _step(split, "void")


def submit(split: Split, shares: Sequence[Share], covered: Iterable[str], *, now: int) -> Split:
    """Fix the parts. Raises Conflict."""
    return _step(split, "submitted", shares=_kept(shares), covered=" ".join(covered), submitted_at=now)


def finish(split: Split, shares: Sequence[Share], *, now: int) -> Split:
    """Keep each part's result. Raises Conflict."""
    return _step(split, "finished", shares=_kept(shares), finished_at=now)


def unfreeze(split: Split, *, now: int) -> Split:
    """The rest is the merchant's. Raises Conflict."""
    return _step(split, "unfrozen", unfrozen_at=now)


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
