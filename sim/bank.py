"""A bank that pays out what it is told, with books of its own: slow, sometimes in vain, and some of it comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.kit import clock, outbound
from chalicelib.payouts import adapters

from .clockwork import Violation
from .cloud import Network

_COMES_BACK = (3600, 3 * clock.DAY)  # seconds after a payment


@dataclass
class Paid:
    """One payment; it has left for good unless it failed or comes back, from a time on."""

    order: adapters.Order
    state: str
    back_at: float = 0

    def now(self, now: float) -> str:
        """How it stands."""
        return "returned" if self.back_at and now >= self.back_at else self.state

    def out_fen(self, now: float) -> int:
        """What has left for it and did not come back."""
        return self.order.fen if self.now(now) == "success" else 0


class Bank:
    """The bank's side: one payment for each id, whatever is repeated."""

    def __init__(self, network: Network) -> None:
        self.payments: dict[str, Paid] = {}
        self._network = network

    def pay(self, order: adapters.Order, *, now: int) -> adapters.Result:  # noqa: ARG002  as the adapters
        """Pay, or find the payment of this id again. Raises Declined, Unknown."""
        paid = self._asked("pay", order.out_no, partial(self._pay, order))
        if paid is None:
            raise adapters.Declined("NOT_ENOUGH", "the account does not cover it")
        return self._told(paid)

    def query(self, out_no: str, *, now: int) -> adapters.Result | None:  # noqa: ARG002
        """How a payment stands. Raises Declined, Unknown."""
        paid = self._asked("query", out_no, partial(self._look, out_no))
        return self._told(paid) if paid else None

    def _pay(self, order: adapters.Order) -> Paid | None:
        faults, time = self._network.faults, self._network.time
        known = self.payments.get(order.out_no)
        if known is None and faults.strikes("bank_poor"):
            return None
        if known is None:
            fails, slow = faults.strikes("bank_fails"), faults.strikes("bank_slow")
            known = self.payments[order.out_no] = Paid(order, "processing" if slow else "success")
            known.state = "failed" if fails else known.state
            if not fails and faults.strikes("bank_returns"):
                known.back_at = time.now + time.random.uniform(*_COMES_BACK)
        if known.order != order:
            raise Violation(f"I15: {order.out_no} names two payments")
        return known

    def _look(self, out_no: str) -> Paid | None:
        paid = self.payments.get(out_no)
        if paid and paid.state == "processing":
            paid.state = "success"
        return paid

    def _told(self, paid: Paid) -> adapters.Result:
        return adapters.Result(paid.order.out_no, paid.order.fen, paid.now(self._network.time.now))

    def _asked(self, verb: str, subject: str, act: Callable[[], Any]) -> Any:
        fault, answer = self._network.travel(f"bank.{verb} {subject}", act)
        if fault == "throttle":
            raise adapters.Declined("SYSTEM_ERROR", "busy")
        if fault:
            raise outbound.Unknown("timeout")
        return answer
