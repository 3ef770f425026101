"""What must be true when the world has come to rest. What is not true raises Violation.

I1 an order ends delivered or refunded and every message is done, I2 codes, I3 positions, I4 journals, I5 splits, I6
statements, I7 refunds, I9 members' lists, I12 the channels' books, I13 balances. Bills, I14, stand in reconciled.py,
payouts, I15, in treasury.py, after-sales refunds, I16, in refunded.py, splits at a channel, I17, in divided.py; what
must be true after every write (I2, I3, I4, I8, I11, I16) in watch.py; I9, policies, in cloud.py; I10, secrets, in
ears.py.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction

from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.stock import claims, model
from chalicelib.stock import service as stock
from chalicelib.wallet import service as wallet

from . import divided, refunded, treasury
from .bills import Trade
from .channel import Channel
from .clockwork import Violation
from .dynamo.database import Database
from .queues import JUNK, Letter
from .stage import Goods
from .watch import Position, insist

_PACE = 120  # seconds within which the next thing happens
Codes = Mapping[str, Sequence[str]]  # that were imported, by goods


class Rest:
    """The world when nothing more happens. Orders in `gone` were lost with their table; their money is not."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        sites: tuple[str, ...],
        days: list[str],
        gone: Collection[str] = (),
    ) -> None:
        self._database = database
        self._channels = channels
        self._sites = sites
        self._days = days
        self._gone = frozenset(gone)

    def check_orders(self, but: Collection[str] = ()) -> None:
        """I1, I2, I12: every order is final and its money is where its state says. Raises Violation.

        Of some orders it is not known yet what was paid.
        """
        self._check_gone(but)
        paid, back = self._money()
        but = {*but, *self._gone}
        found = [order for order in self._orders() if order.number not in but]
        paid = Counter({number: fen for number, fen in paid.items() if number not in but})
        insist(set(paid) <= {order.number for order in found}, "I12: money for no order")
        lies = {f"{one.name}#{each}" for one in self._channels.values() for each in one.lies}
        insist(self._suspended() == lies, f"I12: in suspense, or not, is {self._suspended() ^ lies}")
        for order in found:
            insist(order.status in orders.FINAL, f"I1: {order.number} is still {order.status}")
            kept = _kept_fen(order)
            left = paid[order.number] - back[order.number]
            insist(left == kept, f"I1: {order.number} is {order.status}, {left} fen of it are with us")
            insist(
                bool(order.transaction) == bool(paid[order.number]), f"I12: {order.number} and its payment"
            )

    def _check_gone(self, but: Collection[str]) -> None:
        """I12: what was paid for an order that is gone has a case, or went back."""
        for channel in self._channels.values():
            trades = self._of_gone(channel).items()
            for trade_no, trade in ((no, one) for no, one in trades if no[:28] not in but):
                told = f"{channel.name}#{trade.payment.transaction_id}" if trade.payment else ""
                known = not told or trade.refunds or told in self._in_suspense()
                insist(bool(known), f"I12: {trade_no} was paid, its order is gone, and nobody is told")

    def _of_gone(self, channel: Channel) -> dict[str, Trade]:
        return {number: trade for number, trade in channel.trades.items() if number[:28] in self._gone}

    def check_list(self, now: float) -> None:
        """I1: the main site's list has every order. Raises Violation."""
        with tenant.acting_for(tenant.MAIN):
            listed = {number for _, number in orders.newest("", now=int(now))}
        missing = [order.number for order in self._orders() if order.number not in listed]
        insist(not missing, f"I1: {missing} are not in the main site's list")

    def check_pace(self) -> None:
        """I1, where nothing failed: no order had to wait for somebody who looks after those that got stuck."""
        for order in self._orders():
            for what, since, until in (
                ("expired", order.expires_at, order.closed_at),
                ("delivered", order.paid_at, order.delivered_at if order.way == "pool" else None),
                ("refunded", order.refunding_at, order.refunded_at),
            ):
                late = until - (since or 0) if until else 0
                insist(late < _PACE, f"I1: {order.number} was {what} {late} s late")

    def check_letters(self, dead: Sequence[tuple[str, Letter]]) -> None:
        """I1: only what nobody can read is dead. Raises Violation."""
        lost = [(queue, letter.body) for queue, letter in dead if letter.body not in JUNK]
        insist(not lost, f"I1: nobody could do {lost[:3]}")

    def check_members(self) -> None:
        """I9: a member's list has all their orders, and nobody else's. Raises Violation."""
        for site in self._sites:
            own: defaultdict[str, set[str]] = defaultdict(set)
            for order in self._orders(site):
                own[order.member or ""].add(order.number)
            own.pop("", None)
            with tenant.acting_for(site):
                for member, numbers in own.items():
                    listed = {order.number for order in orders.of_member(site, member)}
                    insist(listed == numbers, f"I9: {member} is shown {listed} of {numbers}")

    def check_codes(self, codes: Codes) -> None:
        """I2: each delivered order holds its own codes, as they were imported. Raises Violation."""
        imported = {code: goods_id for goods_id, texts in codes.items() for code in texts}
        seen: set[str] = set()
        for order in self._orders():
            with tenant.acting_for(order.site):
                held = fulfilment.codes_of(order) if order.way == "pool" else []
            due = order.quantity if order.way == "pool" and order.status == "delivered" else 0
            insist(len(held) == due, f"I2: {order.number} holds {len(held)} codes")
            insist(
                all(imported.get(c) == order.goods_id for c in held), f"I2: {order.number} has wrong codes"
            )
            insist(not seen & set(held), f"I2: {order.number} holds codes of another")
            seen |= set(held)

    def check_stock(self, goods: tuple[Goods, ...], codes: Codes) -> None:
        """I3: every imported position is on sale, waiting to be folded, or delivered. Raises Violation."""
        for one in goods:
            with tenant.acting_for(one.owner):
                on_sale = stock.level(one.owner, one.goods_id)
            free = sum(each.count for each in self._free(one))
            insist(on_sale == free, f"I3: {on_sale} of {one.goods_id} are on sale, {free} are free")
            places = list(self._places(one))
            insist(len(places) == len(set(places)), f"I3: a position of {one.goods_id} is in two places")
            insist(
                len(places) == len(codes[one.goods_id]),
                f"I3: {len(codes[one.goods_id]) - len(places)} positions of {one.goods_id} are lost",
            )

    def check_books(self) -> None:
        """I4, I5, I6, I12: journals, statements, accounts and the channels' books agree. Raises Violation."""
        for site in self._sites:
            with tenant.acting_for(site):
                self._check_site(site)
        for channel in self._channels.values():
            trades = [trade for number, trade in channel.trades.items() if number[:28] not in self._gone]
            taken = sum(trade.amount_fen for trade in trades if trade.payment)
            held = taken - sum(sum(trade.refunds.values()) for trade in trades)
            kept = sum(_kept_fen(order) for order in self._orders() if order.out_trade_no in channel.trades)
            insist(held == kept, f"I12: {channel.merchant} holds {held} fen, the orders {kept}")

    def check_refunds(self) -> int:
        """I16: after-sales refunds came right; the fen that people paid by hand. Raises Violation."""
        refunded.check(self._orders(), self._channels, self._days)
        return refunded.by_hand_fen(self._orders())

    def check_splits(self, own: Mapping[str, Channel]) -> int:
        """I17: what a site's own merchants collected was divided; the fen of it that main got. Raises Violation."""
        collected = (
            order for order in self._orders() if any(order.out_trade_no in one.trades for one in own.values())
        )
        return divided.check(collected, own)

    def check_wallets(self) -> None:
        """I13: a balance is what its member paid in less what it paid for, in entries and in the books alike."""
        for site in self._sites:
            due: Counter[str] = Counter()
            for order in self._orders(site):
                if refunded.was_sold(order) and order.member:
                    due[order.member] += refunded.balance_fen(refunded.of(order)) - order.balance_fen
                    due[order.member] += order.amount_fen if order.way == "wallet" else 0
            with tenant.acting_for(site):
                found = (one for day in self._days for one in ledger.journals(site, day))
                sums = ledger.totals(one.legs for one in found)
                for member, fen in due.items():
                    self._check_wallet(site, member, fen, -sums.get(f"user:{member}:balance", 0))

    def _check_wallet(self, site: str, member: str, due: int, owed: int) -> None:
        entries, last = wallet.all_entries(site, member), wallet.newest(site, member)
        insist(wallet.sound(entries), f"I13: the entries of {member} do not follow each other")
        insist(not last.reserved, f"I13: {last.reserved} fen of {member} are still reserved")
        insist(last.available == due == owed, f"I13: {member} has {last.available} fen, of {due} and {owed}")

    def _check_site(self, site: str) -> None:
        journals = {day: ledger.journals(site, day) for day in self._days}
        posted = [one for day in self._days for one in journals[day]]
        insist(
            all(sum(fen for _, fen in one.legs) == 0 for one in posted),
            f"I4: a journal of {site} is unbalanced",
        )
        sales = Counter(one.number for one in posted if one.event == "sale")
        delivered = {one.number: one for one in self._orders(site) if refunded.was_sold(one)}
        insist(sales == dict.fromkeys(delivered, 1), f"I4: sales of {site} are not its deliveries")
        for day in self._days:
            for one in (each for each in journals[day] if each.event == "sale"):
                order = delivered[one.number]
                insist(dict(one.legs) == _split(order), f"I5: the split of {one.number}")
                insist(clock.day_of(order.delivered_at or 0) == day, f"I4: {one.number} stands in {day}")
        sums = ledger.totals(one.legs for one in posted)
        open_ = sum(fen for account, fen in sums.items() if account.startswith("refund_clearing:"))
        insist(open_ == 0, f"I7: {open_} fen of refunds of {site} are open")
        for day in self._days:
            total = ledger.totals(one.legs for one in journals[day])
            insist((ledger.statement(site, day) or {}) == total, f"I6: the statement of {site} on {day}")
            closed = ledger.posted(site, day)
            had, due = closed.released.get(site, 0) if closed else 0, -total.get(f"subsite:{site}:pending", 0)
            insist(had == due, f"I6: {site} had {had} of {due} on {day}")
        held = ledger.balances(site)
        moved = ledger.sum_of(ledger.flows_since(site, 0))
        insist(
            moved.available == held.available, f"I6: what moved the account of {site} is not what is there"
        )
        owed = -sums.get(f"subsite:{site}:pending", 0) - treasury.gone_fen(site)
        insist(held.available == owed, f"I6: {site} may withdraw {held.available} of {owed}")

    def _money(self) -> tuple[Counter[str], Counter[str]]:
        """Fen paid and given back, by order."""
        paid: Counter[str] = Counter()
        back: Counter[str] = Counter()
        for channel in self._channels.values():
            for number, trade in channel.trades.items():
                paid[number[:28]] += trade.amount_fen if trade.payment else 0
                back[number[:28]] += sum(trade.refunds.values())
        return +paid, back

    def _suspended(self) -> set[str]:
        """The keys of money in suspense, but for that of orders that are gone."""
        ours = {
            f"{channel.name}#{trade.payment.transaction_id}"
            for channel in self._channels.values()
            for trade in self._of_gone(channel).values()
            if trade.payment
        }
        return self._in_suspense() - ours

    def _in_suspense(self) -> set[str]:
        rows = self._database.items("cardmesh-main")
        return {row["key"]["S"] for row in rows if row.get("kind") == {"S": "suspense"} and "key" in row}

    def _orders(self, only: str = "") -> Iterator[orders.Order]:
        for site in (only,) if only else self._sites:
            with tenant.acting_for(site):
                yield from [one for day in self._days for one in orders.on_day(site, day)]

    def _places(self, goods: Goods) -> Iterator[Position]:
        """Where the positions of goods are, each by the original name."""
        live = [
            one
            for order in self._orders()
            if refunded.was_sold(order) and order.goods_id == goods.goods_id
            for one in order.ranges
        ]
        with tenant.acting_for(goods.owner):
            rows = model.BackRow.of(goods.owner).under(f"BACK#{goods.goods_id}", consistent=True)
            held = [
                stock.Range(row.seg, int(row.start), int(row.size))
                for row in rows
                if row.folded in (None, stock.WITHHELD)
            ]
            try:
                found = claims.resolve(goods.owner, [*live, *held, *self._free(goods)])
            except LookupError as lost:
                raise Violation(f"I3: {lost}") from None
            for one in found:
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


def _kept_fen(order: orders.Order) -> int:
    """What of an order is still at its channel."""
    if not refunded.was_sold(order):
        return 0
    return order.channel_fen - refunded.channel_fen(refunded.of(order))


def _split(order: orders.Order) -> dict[str, int]:
    """The legs of a sale as agreed when the order was placed, reckoned in fractions."""
    if order.attempt.splits:
        return divided.sale_legs(order)
    plan = ledger.plan_of(order.plan)
    own = order.goods_owner == order.site
    cost = 0 if own else order.cost_fen
    if order.way == "wallet":
        fee = round(Fraction(order.amount_fen * plan.fee_bps, 10_000))
        owed = {
            f"clearing:{order.channel}": order.amount_fen,
            f"user:{order.member}:balance": -order.amount_fen,
        }
        fees = {"channel_fee_expense": fee, f"fee_accrued:{order.channel}": -fee}
        return {account: fen for account, fen in (owed | fees).items() if fen}
    base = order.amount_fen - cost
    part = round(Fraction(base * (plan.own_bps if own else plan.main_bps), 10_000))
    fee = round(Fraction(order.channel_fen * plan.fee_bps, 10_000))
    bears = plan.fee_bearer == "site"
    legs = {
        f"clearing:{order.channel}": order.channel_fen,
        f"user:{order.member}:balance": order.balance_fen,
        "main:sales": -cost,
        "main:commission": -part,
        f"subsite:{order.site}:pending": part - base + fee * bears,
        "channel_fee_expense": fee * (not bears),
        f"fee_accrued:{order.channel}": -fee,
    }
    return {account: fen for account, fen in legs.items() if fen}


def days_of(start: float, end: float) -> list[str]:
    """The Beijing days a world has seen, and the day before."""
    first = int(start) - clock.DAY
    return [clock.day_of(at) for at in range(first, int(end) + clock.DAY, clock.DAY)]
