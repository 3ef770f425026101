"""What must be true after every write, and what must be true when the world has come to rest.

I1 an order ends delivered or refunded, I2 codes, I3 positions, I4 journals, I5 splits, I6 statements, I7 refunds,
I8 moves, I12 the channels' books; I9, policies, stands in cloud.py, I10, secrets, in queues.py. What is not true
raises Violation.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.stock import claims, model
from chalicelib.stock import service as stock

from .channel import Channel
from .clockwork import Violation
from .dynamo.database import Database
from .stage import Goods

Position = tuple[str, int]
_HOLDING = {"pending", "paid", "review", "delivered"}


def insist(true: bool, what: str) -> None:  # noqa: FBT001  reads like assert
    """Raise Violation unless it is true."""
    if not true:
        raise Violation(what)


class Watch:
    """Looks at every row of an order, a pointer or a returned range when it was written."""

    def __init__(self, database: Database) -> None:
        self.states: dict[str, str] = {}
        self.holders: dict[Position, str] = {}
        self._returned: set[Position] = set()
        self._ranges: dict[str, str] = {}
        self._next: dict[tuple[str, str], int] = {}
        self._database = database

    def after(self, operation: str, given: Mapping[str, Any]) -> None:
        """Look at what a call has written. Raises Violation."""
        if operation in ("PutItem", "UpdateItem"):
            self._see(given)
        elif operation == "TransactWriteItems":
            for each in given["TransactItems"]:
                for write in each.values():
                    self._see(write)

    def _see(self, write: Mapping[str, Any]) -> None:
        key = write.get("Key") or write["Item"]
        place = key["pk"]["S"], key["sk"]["S"]
        row = self._database.tables[write["TableName"]].rows.get(place)
        if row and place[0].startswith("O#"):
            self._order(place[1], row[0])
        elif row and place[0].startswith("PTR#") and place[1] == ".":
            self._pointer(place[0], row[0])
        elif row and place[0].startswith("BACK#"):
            self._back(row[0])

    def _order(self, number: str, row: Mapping[str, Any]) -> None:
        before, after = self.states.get(number), row["st"]["S"]
        allowed = (
            (before, after) in order_rules.MOVES or before == after or (before, after) == (None, "pending")
        )
        insist(allowed, f"I8: {number} went from {before} to {after}")
        ranges = row["r"]["S"] if "r" in row else ""
        insist(
            before != "delivered" or ranges == self._ranges[number], f"I8: {number} was delivered other codes"
        )
        self.states[number], self._ranges[number] = after, ranges
        for position in _named(ranges):
            holder = self.holders.setdefault(position, number)
            insist(holder == number, f"I2: {position} is {holder}'s and {number}'s")
            back = after in _HOLDING and position in self._returned
            insist(not back, f"I3: {number} is {after} and holds {position}, which went back")

    def _pointer(self, pk: str, row: Mapping[str, Any]) -> None:
        at, free, length = (int(row[name]["N"]) for name in ("next", "free", "len"))
        insist(free >= 0 and at + free == length, f"I3: {pk} is at {at} of {length} with {free} free")
        insist(at >= self._next.get((pk, row["sku"]["S"]), 0), f"I3: {pk} went back")
        self._next[pk, row["sku"]["S"]] = at

    def _back(self, row: Mapping[str, Any]) -> None:
        for n in range(int(row["start"]["N"]), int(row["start"]["N"]) + int(row["size"]["N"])):
            position = row["seg"]["S"], n
            self._returned.add(position)
            number = self.holders.get(position, "")
            holds = self.states.get(number) in _HOLDING and position in set(_named(self._ranges[number]))
            insist(not holds, f"I3: {position} went back while {number} is {self.states.get(number)}")


class Rest:
    """The world when nothing more happens."""

    def __init__(
        self, database: Database, channels: Mapping[str, Channel], sites: tuple[str, ...], days: list[str]
    ) -> None:
        self._database = database
        self._channels = channels
        self._sites = sites
        self._days = days

    def check_orders(self) -> None:
        """I1, I2, I12: every order is final and its money is where its state says. Raises Violation."""
        paid, back = self._money()
        found = list(self._orders())
        insist(set(paid) <= {order.number for order in found}, "I12: money for no order")
        insist(not self._suspended(), "I12: money in suspense that fits an order")
        for order in found:
            insist(order.status in orders.FINAL, f"I1: {order.number} is still {order.status}")
            kept = order.amount_fen if order.status == "delivered" else 0
            left = paid[order.number] - back[order.number]
            insist(left == kept, f"I1: {order.number} is {order.status}, {left} fen of it are with us")
            insist(
                (order.paid_at is None) == (not paid[order.number]), f"I12: {order.number} and its payment"
            )

    def check_codes(self, goods: tuple[Goods, ...]) -> None:
        """I2: each delivered order holds its own codes, as they were imported. Raises Violation."""
        imported = {code: one.goods_id for one in goods for code in one.codes}
        seen: set[str] = set()
        for order in self._orders():
            with tenant.acting_for(order.site):
                codes = fulfilment.codes_of(order) if order.way == "pool" else []
            due = order.quantity if order.way == "pool" and order.status == "delivered" else 0
            insist(len(codes) == due, f"I2: {order.number} holds {len(codes)} codes")
            insist(
                all(imported.get(c) == order.goods_id for c in codes), f"I2: {order.number} has wrong codes"
            )
            insist(not seen & set(codes), f"I2: {order.number} holds codes of another")
            seen |= set(codes)

    def check_stock(self, goods: tuple[Goods, ...]) -> None:
        """I3: every imported position is free, waiting to be folded, or delivered; none is lost. Raises Violation."""
        for one in goods:
            places = list(self._places(one))
            insist(len(places) == len(set(places)), f"I3: a position of {one.goods_id} is in two places")
            insist(
                len(places) == len(one.codes),
                f"I3: {len(one.codes) - len(places)} positions of {one.goods_id} are lost",
            )

    def check_books(self) -> None:
        """I4, I5, I6, I12: journals, statements, accounts and the channels' books agree. Raises Violation."""
        for site in self._sites:
            with tenant.acting_for(site):
                self._check_site(site)
        taken = sum(trade.amount_fen for trade in self._trades() if trade.payment)
        given = sum(sum(trade.refunds.values()) for trade in self._trades())
        kept = sum(order.amount_fen for order in self._orders() if order.status == "delivered")
        insist(taken - given == kept, f"I12: the channels hold {taken - given} fen, the orders {kept}")

    def _check_site(self, site: str) -> None:
        journals = {day: ledger.journals(site, day) for day in self._days}
        posted = [one for day in self._days for one in journals[day]]
        insist(
            all(sum(fen for _, fen in one.legs) == 0 for one in posted),
            f"I4: a journal of {site} is unbalanced",
        )
        sales = Counter(one.number for one in posted if one.event == "sale")
        delivered = {one.number: one.amount_fen for one in self._orders(site) if one.status == "delivered"}
        insist(sales == dict.fromkeys(delivered, 1), f"I4: sales of {site} are not its deliveries")
        for one in posted:
            if one.event == "sale":
                clearing = sum(fen for account, fen in one.legs if account.startswith("clearing:"))
                insist(clearing == delivered[one.number], f"I5: {one.number} splits {clearing} fen")
        sums = ledger.totals(one.legs for one in posted)
        open_ = sum(fen for account, fen in sums.items() if account.startswith("refund_clearing:"))
        insist(open_ == 0, f"I7: {open_} fen of refunds of {site} are open")
        for day in self._days:
            total = ledger.totals(one.legs for one in journals[day])
            insist((ledger.statement(site, day) or {}) == total, f"I6: the statement of {site} on {day}")
        owed = -sums.get(f"subsite:{site}:pending", 0)
        insist(ledger.available(site) == owed, f"I6: {site} may withdraw {ledger.available(site)} of {owed}")

    def _money(self) -> tuple[Counter[str], Counter[str]]:
        """Fen paid and given back, by order."""
        paid: Counter[str] = Counter()
        back: Counter[str] = Counter()
        for channel in self._channels.values():
            for number, trade in channel.trades.items():
                paid[number[:28]] += trade.amount_fen if trade.payment else 0
                back[number[:28]] += sum(trade.refunds.values())
        return +paid, back

    def _trades(self) -> Iterator[Any]:
        for channel in self._channels.values():
            yield from channel.trades.values()

    def _suspended(self) -> bool:
        return any(row["pk"]["S"].startswith("SUSPENSE#") for row in self._database.items("cardmesh-main"))

    def _orders(self, only: str = "") -> Iterator[orders.Order]:
        for site in (only,) if only else self._sites:
            with tenant.acting_for(site):
                yield from [one for day in self._days for one in orders.on_day(site, day)]

    def _places(self, goods: Goods) -> Iterator[Position]:
        """Where the positions of goods are, each by the original name."""
        live = [
            one
            for order in self._orders()
            if order.status == "delivered" and order.goods_id == goods.goods_id
            for one in order.ranges
        ]
        with tenant.acting_for(goods.owner):
            rows = model.BackRow.of(goods.owner).under(f"BACK#{goods.goods_id}", consistent=True)
            held = [stock.Range(row.seg, int(row.start), int(row.size)) for row in rows if not row.folded]
            for one in claims.resolve(goods.owner, [*live, *held, *self._free(goods)]):
                yield from ((one.seg, n) for n in range(one.start, one.end))

    def _free(self, goods: Goods) -> Iterator[stock.Range]:
        name = "cardmesh-main" if goods.owner == tenant.MAIN else f"cardmesh-site-{goods.owner}"
        for row in self._database.items(name):
            if (
                row["pk"]["S"].startswith("PTR#")
                and row["sk"]["S"] == "."
                and row["sku"]["S"] == goods.goods_id
            ):
                yield stock.Range(row["pk"]["S"][4:], int(row["next"]["N"]), int(row["free"]["N"]))


def days_of(start: float, end: float) -> list[str]:
    """The Beijing days a world has seen, and the day before."""
    first = int(start) - clock.DAY
    return [clock.day_of(at) for at in range(first, int(end) + clock.DAY, clock.DAY)]


def _named(ranges: str) -> Iterator[Position]:
    for one in ranges.split():
        found = stock.parse_range(one)
        yield from ((found.seg, n) for n in range(found.start, found.end))
