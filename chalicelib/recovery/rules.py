"""What the log says of a lost span of time. Pure.

Whatever leaves the house stands in the log before it does: positions before an order holds them, codes before an order
shows them, refunds before a channel hears of them, payouts before a bank does. A line may tell of something that never
happened, since its process died right after; nothing that happened lacks its line.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chalicelib.kit import errors
from chalicelib.orders.service import Attempt, site_of, split_trade_no
from chalicelib.stock.service import Fold, Range, parse_range

Line = Mapping[str, Any]
Pool = tuple[str, str]  # owner and SKU


@dataclass
class Sale:
    """What left the house of one order. `refunds` has what each refund is, by its name: R1, R2, or D and a digest.

    `paid`: channels were thanked for telling of a payment, and will not tell again. `decided` has after-sales refunds
    that anybody was told of, by their place: "accepted", "rejected", or "" while they waited.
    """

    tries: dict[int, Attempt] = field(default_factory=dict)  # to be paid, by their index
    deliveries: list[tuple[Range, ...]] = field(
        default_factory=list
    )  # () where a person wrote what was delivered
    refunds: dict[str, Line] = field(default_factory=dict)
    paid: bool = False
    decided: dict[int, str] = field(default_factory=dict)


class Given(NamedTuple):
    """Positions that somebody at a site was given."""

    site: str
    range: Range


@dataclass
class Evidence:
    """All that a log says, in its order: what was given out and folded by pool, sales by site and number, payouts.

    `listed`: numbers of orders that the list of all orders was to name.
    """

    given: dict[Pool, list[Given]] = field(default_factory=dict)
    folds: dict[Pool, list[Fold]] = field(default_factory=dict)
    sales: dict[str, dict[str, Sale]] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    payouts: dict[tuple[str, str], Line] = field(default_factory=dict)
    cases: list[Line] = field(default_factory=list)

    def sale(self, line: Line) -> Sale:
        """The sale that a line is about."""
        return self.sales.setdefault(line["site"], {}).setdefault(line["order"], Sale())


def read(lines: Iterable[Line]) -> Evidence:
    """What lines of the log say; any others are left out."""
    found = Evidence()
    for line in lines:
        if take := _TAKES.get(str(line.get("message"))):
            take(found, line)
    return found


def ranges_of(text: str) -> tuple[Range, ...]:
    """Ranges as lines have them."""
    return tuple(parse_range(one) for one in text.split())


def folds(found: Evidence, pool: Pool) -> list[Fold]:
    """The folds that somebody was given something of, oldest first, with those that these are made of."""
    shown = [sale.deliveries for sales in found.sales.values() for sale in sales.values()]
    used = {one.range.seg for one in found.given.get(pool, ())}
    used |= {one.seg for each in shown for some in each for one in some}
    kept = []
    for fold in reversed(found.folds.get(pool, ())):
        if fold.seg in used:
            used |= {one.seg for _, one in fold.backs}
            kept.append(fold)
    return kept[::-1]


def _claimed(found: Evidence, line: Line) -> None:
    given = found.given.setdefault((line["owner"], line["sku"]), [])
    given.extend(Given(line["site"], one) for one in ranges_of(line["ranges"]))


def _folding(found: Evidence, line: Line) -> None:
    parts = [one.split("#") for one in line["backs"].split()]
    backs = tuple((int(at), Range(seg, int(start), int(size))) for at, seg, start, size in parts)
    fold = Fold(line["sku"], line["segment"], ranges_of(line["ranges"]), backs)
    found.folds.setdefault((line["owner"], line["sku"]), []).append(fold)


def _placed(found: Evidence, line: Line) -> None:
    found.sale(line).tries.setdefault(1, Attempt(1, line["channel"], line["merchant"], device=""))


def _listed(found: Evidence, line: Line) -> None:
    found.listed += line["numbers"].split()


def _opened(found: Evidence, line: Line) -> None:
    """A trade that a page has shown, be its order's own line lost or not."""
    with contextlib.suppress(errors.NotFound, KeyError):  # no order's, or of a release that did not name it
        number, index = split_trade_no(line["trade"])
        sale = found.sale({"site": site_of(number), "order": number})
        sale.tries[index] = Attempt(index, line["channel"], line["merchant"], line["device"], line["splits"])


def _paid(found: Evidence, line: Line) -> None:
    if line["message"] == "checkout.paid_twice" or line.get("to") == "paid":
        found.sale(line).paid = True


def _delivering(found: Evidence, line: Line) -> None:
    found.sale(line).deliveries.append(ranges_of(line["ranges"]))


def _refunding(found: Evidence, line: Line) -> None:
    found.sale(line).refunds[line["refund"]] = line


def _refund_known(found: Evidence, line: Line) -> None:
    word = str(line.get("message", "")).removeprefix("settlement.refund_")
    seq = int(line["refund"].removeprefix("R"))
    decided = found.sale(line).decided
    decided[seq] = word or decided.get(seq, "")


def _paying(found: Evidence, line: Line) -> None:
    key = line["party"], line["payout"]
    if line["message"] == "payouts.asking" or line.get("state") in ("sent", "success"):
        found.payouts[key] = line
    elif line.get("state") in ("failed", "returned"):
        found.payouts.pop(key, None)  # the money came back, as it now stands anyhow


def _case(found: Evidence, line: Line) -> None:
    found.cases.append(line)
    facts = line.get("facts", {})
    if facts.keys() >= {"site", "order", "refund"}:
        _refund_known(found, facts)


_TAKES = {
    "cases.opening": _case,
    "cases.settled": _case,
    "stock.claimed": _claimed,
    "stock.folding": _folding,
    "checkout.placed": _placed,
    "payments.opened": _opened,
    "orders.listed": _listed,
    "orders.moved": _paid,
    "checkout.paid_twice": _paid,
    "fulfilment.delivering": _delivering,
    "settlement.refund_asking": _refunding,
    "settlement.refund_accepted": _refund_known,
    "settlement.refund_rejected": _refund_known,
    "payouts.asking": _paying,
    "payouts.moved": _paying,
}
