"""Payment channels with books of their own: trades, payments, refunds, bills, notifications that go astray or lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chalicelib.kit import outbound
from chalicelib.payments import gateways

from . import bills, lies
from .bills import Trade
from .clockwork import Process, Violation
from .cloud import Network
from .sharing import CAP_BPS, Shares, Sharing

_AGAIN = (15, 15, 30, 180, 1800, 1800, 1800, 1800, 3600)  # seconds between notifications (WeChat Pay API v2)
_OUTAGE = 7200  # seconds a channel may be out of reach
_LATE = 3600  # seconds by which a notification may come late
_MERCHANTS, _ALL = frozenset({"merchant"}), frozenset({"merchant", "person"})
_ABLE = {
    "wechat": gateways.Capabilities(
        CAP_BPS, 60, 365, _MERCHANTS, returns_with_refund=False, fee_returned=True
    ),
    "alipay": gateways.Capabilities(CAP_BPS, 0, 365, _ALL, returns_with_refund=True),
}
_NEVER = {"closed": "closed", "given up": "abnormal"}  # of refunds that will never be, what is said of them
_MUCH_LATER = 48 * 3600  # seconds after which it may come once more

Answer = tuple[int, Mapping[str, str], str]
Tell = Callable[[str, str, Mapping[str, str], bytes], Process]  # starts the function that takes notifications


class Channel(Sharing):
    """One channel with one merchant; `tell` brings its notifications to the shop.

    `lies` has the transactions it vouched for, and the shop took note of, although they are no payments. `untold` has
    the trades paid without a word to the shop, which asks about none of them: only a bill tells of these.
    """

    def __init__(self, name: str, network: Network, tell: Tell, *, merchant: str = "") -> None:
        super().__init__()
        self.name = name
        self.merchant = merchant or f"m{name}"
        self.app = "app1"
        self.capabilities = _ABLE[name]
        self.trades: dict[str, Trade] = {}
        self.lies: set[str] = set()
        self.untold: set[str] = set()
        self._network = network
        self._tell = tell
        self._outage = (0.0, 0.0)

    def expect_outage(self, when: float) -> None:
        """From then on the shop may not reach the channel for a while; payers do."""
        if self._network.faults.strikes("outage"):
            self._outage = when, when + self._network.time.random.uniform(300, _OUTAGE)

    # What the shop asks for: gateways.Gateway.

    def create(self, charge: gateways.Charge, *, now: int) -> gateways.PayLink:  # noqa: ARG002  as the gateways
        """Open a trade, or find it again."""
        self._asked("create", charge.out_trade_no, partial(self._open, charge))
        return gateways.PayLink("qr", f"https://pay.test/{charge.out_trade_no}")

    def query(self, out_trade_no: str, *, now: int) -> gateways.Payment | None:  # noqa: ARG002
        """The payment of a trade."""
        payment: gateways.Payment | None = self._asked(
            "query", out_trade_no, lambda: self._payment(out_trade_no)
        )
        return payment

    def close(self, out_trade_no: str, *, now: int) -> bool:  # noqa: ARG002
        """True: nobody can pay any more."""
        return bool(self._asked("close", out_trade_no, partial(self._close, out_trade_no)))

    def refund(self, payment_out_trade_no: str, *, out_refund_no: str, **asked: Any) -> gateways.Refund:
        """Give money back once per refund number; in vain where the merchant's balance or the payer's card fails."""
        back = asked.get("taken_back", ())
        act = partial(self._refund, payment_out_trade_no, out_refund_no, asked["amount_fen"], back)
        state = self._asked("refund", f"{payment_out_trade_no} {out_refund_no}", act)
        if state == "refused":
            raise gateways.Declined("NOT_ENOUGH", "balance")
        return gateways.Refund(out_refund_no, state)

    def query_refund(self, out_trade_no: str, out_refund_no: str, **_: Any) -> gateways.Refund:
        """How a refund stands."""
        act = partial(self._state_of, out_trade_no, out_refund_no)
        return gateways.Refund(out_refund_no, self._asked("query_refund", out_refund_no, act))

    def parse_notify(self, headers: Mapping[str, str], body: bytes, **_: Any) -> gateways.Payment:
        """The payment a notification tells of. Raises Forged."""
        return lies.opened(self.name, headers, body)

    def download_bill(self, day: str, *, now: int) -> gateways.Bill:  # noqa: ARG002
        """The bill of a day. Raises Unready, Damaged."""
        faults, time = self._network.faults, self._network.time
        written = partial(bills.written, day, self.trades.values(), faults, time.now)
        bill: gateways.Bill | None = self._asked("bill", day, written)
        if bill is None:
            raise gateways.Unready
        if faults.strikes("bill_damaged"):
            raise gateways.Damaged("it breaks off")
        return bill

    def ack(self) -> Answer:
        """What ends the repeats."""
        return 200, {}, "success"

    def nack(self, reason: str) -> Answer:
        """What asks for a repeat."""
        return 400, {}, reason

    # What its own customers do.

    def pay(self, out_trade_no: str, *, once: bool) -> bool:
        """Somebody pays a trade; whether the channel took the money.

        Every notification of it may be lost. Of who pays `once` and in time, while the shop can ask, it hears all the
        same; of the rest a bill tells.
        """
        trade, faults = self.trades.get(out_trade_no), self._network.faults
        if trade is None or not trade.amount_fen or trade.state == "paid":
            return False
        in_time = trade.state == "open"
        asked = once and in_time and not self._outage[1]
        if not in_time and not faults.strikes("paid_after_close"):
            return False
        now = self._network.time.now
        trade.state = "paid"
        trade.payment = self._vouch(out_trade_no, trade.amount_fen, int(now))
        self._network.trace.line(now, self.name, f"paid {out_trade_no}")
        if not faults.strikes("notice_lost"):
            self._send(trade.payment)
        elif not asked:
            self.untold.add(out_trade_no)
        return True

    def gives_up(self, number: str, event: str, *, for_good: bool) -> bool:
        """Whether a refund of an order will never be, as its own page says; one it could not do ends so `for_good`."""
        for trade_no, trade in self.trades.items():
            for name, state in trade.stuck.items():
                if trade_no.startswith(number) and name == f"{trade_no}{event}":
                    trade.stuck[name] = "given up" if for_good and state == "abnormal" else state
                    return trade.stuck[name] == "given up"
        return False

    def _send(self, payment: gateways.Payment) -> None:
        faults, time = self._network.faults, self._network.time
        notify = partial(self._notify, payment, lies.sealed(self.name, payment))
        for _ in range(2 if faults.strikes("notice_twice") else 1):
            late = time.random.uniform(0, _LATE) if faults.strikes("notice_late") else time.random.random()
            time.spawn(f"{self.name}.notify", notify, delay=late)
        if faults.strikes("notice_repeated"):
            time.spawn(f"{self.name}.notify", notify, delay=_MUCH_LATER)

    def _lie(self, kind: str, out_trade_no: str) -> None:
        """Tell of a payment that there is not."""
        time = self._network.time
        true = self._vouch(out_trade_no, self.trades[out_trade_no].amount_fen, int(time.now))
        another = next((number for number in self.trades if number[:4] != out_trade_no[:4]), "YYYY")
        told = replace(lies.LIES[kind](true, another), transaction_id=f"{kind}{out_trade_no}")
        if kind == "notice_forged":
            self._notify(told, lies.sealed("nobody", told))
        elif self._notify(told, lies.sealed(self.name, told)):
            self.lies.add(told.transaction_id)

    def _notify(self, payment: gateways.Payment, notice: tuple[Mapping[str, str], bytes]) -> bool:
        """Tell the shop until it answers well; whether it did."""
        time = self._network.time
        for again in _AGAIN:
            told = self._tell(payment.channel, self.merchant, *notice)
            if time.wait(told, 10) and told.error is None and told.answer == 200:
                return True
            time.pause(again)
        return False

    def _asked(self, verb: str, subject: str, act: Callable[[], Any]) -> Any:
        first, last = self._outage
        if first <= self._network.time.now < last:
            self._network.travel(f"{self.name} is out of reach", lambda: None)
            raise outbound.NotSent("out of reach")
        fault, answer = self._network.travel(f"{self.name}.{verb} {subject}", act)
        if fault == "throttle":
            raise gateways.Declined("SYSTEM_ERROR", "busy")
        if fault:
            raise outbound.Unknown("timeout")
        return answer

    def _open(self, charge: gateways.Charge) -> None:
        number, time = charge.out_trade_no, self._network.time
        if number in self.trades:
            return
        self.trades[number] = Trade(charge.amount_fen)
        if charge.splits:
            self.shares[f"t{number}"] = Shares(charge.amount_fen)
        for kind in lies.LIES:
            if self._network.faults.strikes(kind):
                time.spawn("liar", partial(self._lie, kind, number), delay=time.random.uniform(0, _LATE))

    def _payment(self, out_trade_no: str) -> gateways.Payment | None:
        """A trade with refunds is no payment any more."""
        trade = self.trades.get(out_trade_no)
        return trade.payment if trade and not trade.refunds else None

    def _close(self, out_trade_no: str) -> bool:
        trade = self.trades.setdefault(out_trade_no, Trade(0))
        if trade.state == "open":
            trade.state, trade.closed = "closed", True
        return trade.state == "closed"

    def _refund(self, out_trade_no: str, number: str, fen: int, back: Sequence[gateways.Part]) -> str:
        trade, faults = self.trades[out_trade_no], self._network.faults
        if number not in trade.refunds:
            if state := _NEVER.get(trade.stuck.get(number, "")):
                return state
            if faults.strikes("refund_refused"):
                return "refused"
            if faults.strikes("refund_abnormal"):
                return trade.stuck.setdefault(number, "abnormal")
            if _is_after_sales(number) and faults.strikes("refund_closed"):
                trade.stuck[number] = "closed"
                return "closed"
            trade.stuck.pop(number, None)
        self.taken_back(f"t{out_trade_no}", number, back)
        trade.refunds.setdefault(number, fen)
        trade.back_at.setdefault(number, int(self._network.time.now))
        if trade.payment is None or trade.back_fen > trade.amount_fen:
            raise Violation(f"I7: {out_trade_no} has {trade.refunds} back of {trade.amount_fen}")
        return "processing" if faults.strikes("refund_slow") else "success"

    def _state_of(self, out_trade_no: str, number: str) -> str:
        trade = self.trades[out_trade_no]
        if number not in trade.refunds:
            stuck = trade.stuck.get(number, "unknown")
            return _NEVER.get(stuck, stuck)
        return "processing" if self._network.faults.strikes("refund_slow") else "success"

    def _vouch(self, out_trade_no: str, amount_fen: int, at: int) -> gateways.Payment:
        transaction = f"t{out_trade_no}"
        return gateways.Payment(
            self.name, self.merchant, self.app, out_trade_no, transaction, amount_fen, "CNY", at, transaction
        )


def _is_after_sales(number: str) -> bool:
    """Whether a refund's number is one of R2 and on; what was never delivered goes back under R1 until it is back."""
    event = number[30:]
    return event.startswith("R") and event != "R1"
