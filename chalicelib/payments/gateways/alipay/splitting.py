"""Royalties: a payment is settled to others after it, each of them bound to the merchant before.

A part comes back in the call of the refund only. Sources: opendocs.alipay.com, alipay.trade.royalty.relation.bind,
alipay.trade.order.settle, alipay.trade.order.settle.query.
"""

from collections.abc import Mapping, Sequence

from chalicelib.kit import money, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

from . import line as lines

_RESULTS = {"SUCCESS": "success", "PROCESSING": "pending", "FAIL": "closed"}
_PAGE = 100  # accounts of one answer, the most there are
_NOT_THERE = {"ACQ.TRADE_SETTLE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"}


class Splitting(lines.Line):
    """The verbs of splitting."""

    def add_receiver(self, receiver: gateways.Receiver, *, now: int) -> None:
        """Accounts are Alipay's user ids."""
        told = {"type": "userId", "account": receiver.account, "memo": receiver.relation}
        self._relate("bind", told | ({"name": receiver.name} if receiver.name else {}), now=now)

    def remove_receiver(self, receiver: gateways.Receiver, *, now: int) -> None:
        """One that is not bound is unbound."""
        self._relate("unbind", {"type": "userId", "account": receiver.account}, now=now)

    def bound(self, *, now: int) -> frozenset[str]:
        """The accounts that may get parts, as Alipay keeps them. Raises Unknown."""
        found: set[str] = set()
        page, pages = 1, 1
        while page <= pages:
            ask = {"page_num": page, "page_size": _PAGE, "out_request_no": f"list{now}p{page}"}
            answer = self.call("alipay.trade.royalty.relation.batchquery", ask, now=now)
            try:
                listed = wire.take(answer, "receiver_list", kind=list)
                found |= {wire.take(each, "account", kind=str) for each in listed}
                pages = wire.take(answer, "total_page_num", kind=int)
            except wire.Malformed as error:
                raise outbound.Unknown(str(error)) from None
            page += 1
        return frozenset(found)

    def _relate(self, verb: str, told: dict[str, str], *, now: int) -> None:
        ask = {"receiver_list": [told], "out_request_no": f"{verb}{told['account']}"}
        answer = self.call(f"alipay.trade.royalty.relation.{verb}", ask, now=now)
        if answer.get("result_code") != "SUCCESS":
            raise gateways.Declined(str(answer.get("result_code")), "the relation did not change")

    def split(
        self,
        transaction_id: str,
        *,
        out_split_no: str,
        parts: Sequence[gateways.Part],
        finish: bool,
        now: int,
    ) -> gateways.Split:
        """Asynchronous, so that one receiver's failure does not stop the others; then ask how it stands."""
        ask = {
            "out_request_no": out_split_no,
            "trade_no": transaction_id,
            "royalty_parameters": [_royalty(part) for part in parts],
            "royalty_mode": "async",
            "extend_params": {"royalty_finish": "true" if finish else "false"},
        }
        answer = self.call("alipay.trade.order.settle", ask, now=now)
        if answer.get("trade_no") != transaction_id:
            raise outbound.Unknown("the answer is about another trade")
        return self.query_split(transaction_id, out_split_no, now=now)

    def query_split(self, transaction_id: str, out_split_no: str, *, now: int) -> gateways.Split:
        """Finished once no receiver's part is under way."""
        ask = {"out_request_no": out_split_no, "trade_no": transaction_id}
        try:
            answer = self.call("alipay.trade.order.settle.query", ask, now=now)
        except gateways.Declined as error:
            if error.code in _NOT_THERE:
                return gateways.Split(out_split_no, "unknown")
            raise
        try:
            if wire.take(answer, "out_request_no", kind=str) != out_split_no:
                raise wire.Malformed("the answer is about another split")
            parts = tuple(_result(each) for each in wire.take(answer, "royalty_detail_list", kind=list))
        except ValueError as error:
            raise outbound.Unknown(str(error)) from None
        under_way = any(part.state == "pending" for part in parts)
        return gateways.Split(out_split_no, "processing" if under_way else "finished", parts)

    def unfreeze(self, transaction_id: str, *, out_split_no: str, now: int) -> gateways.Split:
        """A split of nothing that is the last."""
        return self.split(transaction_id, out_split_no=out_split_no, parts=(), finish=True, now=now)

    def return_split(
        self,
        out_split_no: str,  # noqa: ARG002
        *,
        out_return_no: str,  # noqa: ARG002
        account: str,  # noqa: ARG002
        amount_fen: int,  # noqa: ARG002
        now: int,  # noqa: ARG002
    ) -> gateways.SplitReturn:
        """Raises Declined: here parts come back with the refund, as its `taken_back`."""
        raise gateways.Declined("unsupported", "Alipay takes parts back in the call of a refund only")

    def query_return(self, out_split_no: str, out_return_no: str, *, now: int) -> gateways.SplitReturn:  # noqa: ARG002
        """Unknown: there are none."""
        return gateways.SplitReturn(out_return_no, "unknown")


def taken_back(part: gateways.Part) -> dict[str, str]:
    """A part that a refund takes from its receiver."""
    out = {"royalty_type": "transfer", "trans_out_type": "userId", "trans_out": part.receiver.account}
    return out | {"amount": money.yuan(part.amount_fen), "desc": part.reason}


def _royalty(part: gateways.Part) -> dict[str, str]:
    to = {"royalty_type": "transfer", "trans_in_type": "userId", "trans_in": part.receiver.account}
    return to | {"amount": money.yuan(part.amount_fen), "desc": part.reason}


def _result(given: Mapping[str, object]) -> gateways.PartResult:
    """Raises ValueError."""
    said = wire.take(given, "state", kind=str)
    if said not in _RESULTS:
        raise wire.Malformed("another kind of result")
    amount = money.fen(wire.take(given, "amount", kind=str))
    reason = wire.take(given, "error_code", kind=str) if said == "FAIL" else ""
    return gateways.PartResult(wire.take(given, "trans_in", kind=str), amount, _RESULTS[said], reason)
