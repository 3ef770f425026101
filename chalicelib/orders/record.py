"""An order as everybody but the table sees it."""

from dataclasses import dataclass

from chalicelib.kit import errors, vault
from chalicelib.stock.service import Range, parse_range

from . import rules
from .model import OrderRow
from .rules import Attempt, Step

_TIMES = (
    ("placed", "placed_at"),
    ("expired", "closed_at"),
    ("paid", "paid_at"),
    ("review", "review_at"),
    ("delivered", "delivered_at"),
    ("refunding", "refunding_at"),
    ("refunded", "refunded_at"),
)


@dataclass(frozen=True)
class Order:
    """An order as stored. Amounts in fen, times in seconds UTC."""

    number: str
    site: str
    status: str
    fingerprint: bytes
    goods_id: str
    goods_owner: str
    goods_name: str
    kind: str
    way: str
    quantity: int
    amount_fen: int
    cost_fen: int
    plan: str
    goods_version: int
    ranges: tuple[Range, ...]
    attempts: tuple[Attempt, ...]
    agents: tuple[str, ...]
    paid_attempt: int
    transaction: str
    member: str | None
    placed_at: int
    expires_at: int
    paid_at: int | None
    review_at: int | None
    delivered_at: int | None
    closed_at: int | None
    refunding_at: int | None
    refunded_at: int | None
    late: bool
    why: str
    sealed_contact: bytes
    balance_fen: int = 0
    refunded_fen: int = 0  # of after-sales refunds, those asked for included
    refunds: int = 0  # after-sales refunds ever asked for
    waiver: int = (
        0  # the version of the words on the seven-day return confirmed when placing, 0 where it stays
    )

    @property
    def attempt(self) -> Attempt:
        """The try that was paid, or else the last one."""
        return self.attempts[min(self.paid_attempt or 99, len(self.attempts)) - 1]

    @property
    def channel(self) -> str:
        """The channel that was paid, or else the one tried last."""
        return self.attempt.channel

    @property
    def out_trade_no(self) -> str:
        """The number at the channel of what was paid."""
        return self.attempt.out_trade_no(self.number)

    @property
    def channel_fen(self) -> int:
        """What a channel is to collect: all that the member's balance does not pay."""
        return self.amount_fen - self.balance_fen

    @property
    def progress(self) -> tuple[Step, ...]:
        """What happened so far, oldest first, and that a paid order is on its way."""
        steps = [
            Step(at, "paid_late" if what == "paid" and self.late else what)
            for what, name in _TIMES
            if (at := getattr(self, name)) is not None
        ]
        if self.status == "paid":
            steps.append(Step(self.paid_at or 0, "delivering"))
        return tuple(sorted(steps, key=lambda step: step.at))

    @property
    def contact_masked(self) -> str:
        """The contact, recognisable for its owner only."""
        return rules.mask(open_contact(self.site, self.number, self.sealed_contact))


class WrongState(errors.Conflict):
    """The order is not where this move begins. `order` is how it stands."""

    code = "wrong_state"
    sentence = "The order has moved on meanwhile."

    def __init__(self, order: Order | None) -> None:
        super().__init__()
        self.order = order


class Exists(Exception):
    """The number was placed before. `order` is what stands."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


def read(site: str, number: str) -> Order:
    """An order by number, strongly read. Raises NotFound."""
    row = OrderRow.of(site).read(rules.partition(number), number)
    if row is None:
        raise errors.NotFound
    return order_of(site, row)


def seal_contact(site: str, number: str, contact: str) -> bytes:
    """A contact for storage."""
    return vault.seal(site, contact.encode(), f"contact|{number}")


def open_contact(site: str, number: str, sealed: bytes) -> str:
    """A stored contact."""
    return vault.unseal(site, sealed, f"contact|{number}").decode()


def order_of(site: str, row: OrderRow) -> Order:
    """The order in a row."""
    # PynamoDB thinks at each attribute, and whoever reads a day asks for twenty of each of thousands.
    kept = row.attribute_values
    return Order(
        number=kept["sk"],
        site=site,
        status=kept["status"],
        fingerprint=kept["fingerprint"],
        goods_id=kept["goods_id"],
        goods_owner=kept["goods_owner"],
        goods_name=kept["goods_name"],
        kind=kept["kind"],
        way=kept["way"],
        quantity=kept["quantity"],
        amount_fen=kept["amount"],
        cost_fen=kept["cost"],
        plan=kept["plan"],
        goods_version=kept["goods_version"],
        ranges=tuple(parse_range(text) for text in (kept.get("ranges") or "").split()),
        attempts=rules.parse_attempts(kept["attempts"]),
        agents=rules.parse_agents(kept.get("agents") or ""),
        paid_attempt=kept.get("paid_attempt") or 0,
        transaction=kept.get("transaction") or "",
        member=kept.get("member"),
        placed_at=kept["placed_at"],
        expires_at=kept["expires_at"],
        paid_at=kept.get("paid_at"),
        review_at=kept.get("review_at"),
        delivered_at=kept.get("delivered_at"),
        closed_at=kept.get("expired_at"),
        refunding_at=kept.get("refunding_at"),
        refunded_at=kept.get("refunded_at"),
        late=bool(kept.get("late")),
        why=kept.get("why") or "",
        sealed_contact=kept["contact"],
        balance_fen=kept.get("balance") or 0,
        refunded_fen=kept.get("refunded_fen") or 0,
        refunds=kept.get("refunds") or 0,
        waiver=kept.get("waiver") or 0,
    )
