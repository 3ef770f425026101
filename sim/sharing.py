"""How a channel divides a payment: parts to receivers it knows, the rest unfrozen, parts that come back; its faults.

A split's parts end well or are closed, at once or hours later; a part comes back, or its receiver has not got it any
more. Who asks again under a number finds what it began.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from chalicelib.payments import gateways

from .bills import Trade
from .clockwork import Violation
from .cloud import Network

CAP_BPS = 3000  # of a payment, all parts together
_SLOW = (60, 6 * 3600)  # seconds until a split is over
_FINISHED, _PROCESSING = "finished", "processing"


@dataclass
class Shares:
    """A payment that is divided. `returns` holds by number who gave back how much; `thaw` is what unfroze it."""

    amount_fen: int
    number: str = ""
    parts: list[gateways.PartResult] = field(default_factory=list)
    over_at: float = 0
    thaw: str = ""
    returns: dict[str, tuple[str, int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def paid_fen(self, account: str = "") -> int:
        """What receivers got, or one of them."""
        return sum(
            one.amount_fen for one in self.parts if one.state == "success" and account in ("", one.account)
        )

    def back_fen(self, account: str = "") -> int:
        """What they gave back."""
        return sum(fen for who, fen in self.returns.values() if account in ("", who))


class Sharing:
    """The verbs of splitting. `shares` has the payments that are kept frozen, by transaction."""

    name: str
    _network: Network
    _asked: Callable[[str, str, Callable[[], Any]], Any]
    trades: dict[str, Trade]

    def __init__(self) -> None:
        self.shares: dict[str, Shares] = {}
        self.receivers: set[str] = set()

    def add_receiver(self, receiver: gateways.Receiver, *, now: int) -> None:  # noqa: ARG002  as the gateways
        """Know a receiver, or say that there is none. Raises Declined."""
        strange = self._network.faults.strikes("receiver_unknown")
        know = partial(self.receivers.add, receiver.account) if not strange else lambda: None
        self._asked("add_receiver", receiver.account, know)
        if strange:
            raise gateways.Declined("RECEIVER_INVALID", "no such account")

    def split(
        self,
        transaction_id: str,
        *,
        out_split_no: str,
        parts: Sequence[gateways.Part],
        finish: bool,  # noqa: ARG002  as the gateways
        now: int,  # noqa: ARG002
    ) -> gateways.Split:
        """Divide a payment under one number."""
        return self._answered("split", transaction_id, out_split_no, partial(self._split, parts))

    def query_split(self, transaction_id: str, out_split_no: str, *, now: int) -> gateways.Split:  # noqa: ARG002
        """How a split stands, or the unfreezing."""
        return self._answered("query_split", transaction_id, out_split_no, self._stands)

    def unfreeze(self, transaction_id: str, *, out_split_no: str, now: int) -> gateways.Split:  # noqa: ARG002
        """Leave the rest to the merchant; it may get lost on the way."""
        return self._answered("unfreeze", transaction_id, out_split_no, self._unfreeze)

    def return_split(
        self,
        out_split_no: str,
        *,
        out_return_no: str,
        account: str,
        amount_fen: int,
        now: int,  # noqa: ARG002
    ) -> gateways.SplitReturn:
        """Take a part back once per number."""
        act = partial(self._return, out_split_no, out_return_no, account, amount_fen)
        state = self._asked("return", out_return_no, act)
        return gateways.SplitReturn(out_return_no, state)

    def query_return(self, out_split_no: str, out_return_no: str, *, now: int) -> gateways.SplitReturn:  # noqa: ARG002
        """How a return stands."""
        act = partial(self._returned, out_split_no, out_return_no)
        return gateways.SplitReturn(out_return_no, self._asked("query_return", out_return_no, act))

    def taken_back(self, transaction_id: str, number: str, parts: Sequence[gateways.Part]) -> None:
        """Parts that come back in the call of a refund."""
        for n, part in enumerate(parts):
            self._take(self.shares[transaction_id], f"{number}{n}", part.receiver.account, part.amount_fen)

    def _answered(
        self, verb: str, transaction: str, number: str, act: Callable[[Shares, str], gateways.Split | None]
    ) -> gateways.Split:
        shares = self.shares[transaction]
        found: gateways.Split | None = self._asked(verb, number, lambda: act(shares, number))
        if found is None:
            raise gateways.Declined("FREQUENCY_LIMITED", "not now")
        return found

    def _split(self, parts: Sequence[gateways.Part], shares: Shares, number: str) -> gateways.Split | None:
        faults, time = self._network.faults, self._network.time
        if not shares.number:
            if faults.strikes("split_refused"):
                return None
            shares.number = number
            shares.parts = [self._result(part) for part in parts]
            late = time.random.uniform(*_SLOW) if faults.strikes("split_slow") else 0
            shares.over_at = time.now + late
        asked = [(part.receiver.account, part.amount_fen) for part in parts]
        if (number, asked) != (shares.number, [(one.account, one.amount_fen) for one in shares.parts]):
            raise Violation(f"I17: {number} and {shares.number} divide one payment")
        if sum(fen for _, fen in asked) > shares.amount_fen * CAP_BPS // 10_000:
            raise Violation(f"I17: {asked} are too much of {shares.amount_fen}")
        return self._stands(shares, number)

    def _result(self, part: gateways.Part) -> gateways.PartResult:
        to = gateways.PartResult(part.receiver.account, part.amount_fen, "success")
        if part.receiver.account not in self.receivers:
            return replace(to, state="closed", reason="NO_RELATION")
        closed = self._network.faults.strikes("part_closed")
        return replace(to, state="closed", reason="ACCOUNT_ABNORMAL") if closed else to

    def _stands(self, shares: Shares, number: str) -> gateways.Split:
        if number == shares.thaw:
            return gateways.Split(number, _FINISHED)
        if number != shares.number:
            return gateways.Split(number, "unknown")
        if self._network.time.now < shares.over_at:
            return gateways.Split(
                number, _PROCESSING, tuple(replace(one, state="pending") for one in shares.parts)
            )
        return gateways.Split(number, _FINISHED, tuple(shares.parts))

    def _unfreeze(self, shares: Shares, number: str) -> gateways.Split | None:
        if self._network.time.now < shares.over_at:
            return None
        if self._network.faults.strikes("thaw_lost"):
            return gateways.Split(number, _PROCESSING)
        if shares.thaw not in ("", number):
            raise Violation(f"I17: {number} and {shares.thaw} unfreeze one payment")
        shares.thaw = number
        return gateways.Split(number, _FINISHED)

    def _return(self, split_no: str, number: str, account: str, fen: int) -> str:
        shares, faults = self._shares_of(split_no), self._network.faults
        if number not in shares.returns and (number in shares.refused or faults.strikes("return_refused")):
            shares.refused.add(number)
            return "failed"
        self._take(shares, number, account, fen)
        return _PROCESSING if faults.strikes("split_slow") else "success"

    def _take(self, shares: Shares, number: str, account: str, fen: int) -> None:
        if shares.returns.setdefault(number, (account, fen)) != (account, fen):
            raise Violation(f"I17: {number} names two returns")
        if shares.back_fen(account) > shares.paid_fen(account):
            raise Violation(
                f"I17: {account} gave back {shares.back_fen(account)} of {shares.paid_fen(account)}"
            )

    def _returned(self, split_no: str, number: str) -> str:
        shares = self._shares_of(split_no)
        if number in shares.refused:
            return "failed"
        return "success" if number in shares.returns else "unknown"

    def _shares_of(self, split_no: str) -> Shares:
        return next(one for one in self._every() if one.number == split_no)

    def _every(self) -> Iterator[Shares]:
        yield from self.shares.values()
