"""Profit sharing: parts of a payment go to others, the rest is unfrozen, parts come back from merchants.

Source: pay.weixin.qq.com/doc/v3/merchant, product 分账.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

from . import line as lines

_SHARING = "/v3/profitsharing"
_TYPES = {"merchant": "MERCHANT_ID", "person": "PERSONAL_OPENID"}
_STATES = {"PROCESSING": "processing", "FINISHED": "finished"}
_RESULTS = {"PENDING": "pending", "SUCCESS": "success", "CLOSED": "closed"}
_RETURNS = {"PROCESSING": "processing", "SUCCESS": "success", "FAILED": "failed"}


class Splitting(lines.Line):
    """The verbs of splitting."""

    def add_receiver(self, receiver: gateways.Receiver, *, now: int) -> None:
        """Names travel sealed under the channel's key."""
        ask = {"appid": self.app, "relation_type": receiver.relation.upper()} | self._addressed(receiver)
        self.call("POST", f"{_SHARING}/receivers/add", ask, now=now)

    def remove_receiver(self, receiver: gateways.Receiver, *, now: int) -> None:
        """One that is not there is removed."""
        ask = {"appid": self.app, "type": _TYPES[receiver.kind], "account": receiver.account}
        try:
            self.call("POST", f"{_SHARING}/receivers/delete", ask, now=now)
        except gateways.Declined as error:
            if error.code not in lines.NOT_THERE:
                raise

    def split(
        self,
        transaction_id: str,
        *,
        out_split_no: str,
        parts: Sequence[gateways.Part],
        finish: bool,
        now: int,
    ) -> gateways.Split:
        """Asynchronous at the channel: expect "processing" first."""
        ask = {
            "appid": self.app,
            "transaction_id": transaction_id,
            "out_order_no": out_split_no,
            "receivers": [self._part(part) for part in parts],
            "unfreeze_unsplit": finish,
        }
        return _split(self.call("POST", f"{_SHARING}/orders", ask, now=now), out_split_no)

    def query_split(self, transaction_id: str, out_split_no: str, *, now: int) -> gateways.Split:
        """Unfreezing is found here as well: it is a split of nothing."""
        path = f"{_SHARING}/orders/{_quoted(out_split_no)}?transaction_id={_quoted(transaction_id)}"
        answer = self._ask(path, now=now)
        return _split(answer, out_split_no) if answer else gateways.Split(out_split_no, "unknown")

    def unfreeze(self, transaction_id: str, *, out_split_no: str, now: int) -> gateways.Split:
        """Until then, or for thirty days, the rest is not the merchant's to use."""
        ask = {
            "transaction_id": transaction_id,
            "out_order_no": out_split_no,
            "description": "解冻全部剩余资金",
        }
        return _split(self.call("POST", f"{_SHARING}/orders/unfreeze", ask, now=now), out_split_no)

    def return_split(
        self, out_split_no: str, *, out_return_no: str, account: str, amount_fen: int, now: int
    ) -> gateways.SplitReturn:
        """Only from merchants who agreed to it, within 180 days; from a person never."""
        ask = {
            "out_order_no": out_split_no,
            "out_return_no": out_return_no,
            "return_mchid": account,
            "amount": amount_fen,
            "description": "退款",
        }
        return _return(self.call("POST", f"{_SHARING}/return-orders", ask, now=now), out_return_no)

    def query_return(self, out_split_no: str, out_return_no: str, *, now: int) -> gateways.SplitReturn:
        """The channel finds returns by both numbers."""
        path = f"{_SHARING}/return-orders/{_quoted(out_return_no)}?out_order_no={_quoted(out_split_no)}"
        answer = self._ask(path, now=now)
        return _return(answer, out_return_no) if answer else gateways.SplitReturn(out_return_no, "unknown")

    def _ask(self, path: str, *, now: int) -> dict[str, Any]:
        """The answer, empty if the channel knows of nothing."""
        try:
            return self.call("GET", path, now=now)
        except gateways.Declined as error:
            if error.code in lines.NOT_THERE:
                return {}
            raise

    def _part(self, part: gateways.Part) -> dict[str, object]:
        what = {"amount": part.amount_fen, "description": part.reason[:80]}
        return {**self._addressed(part.receiver), **what}

    def _addressed(self, receiver: gateways.Receiver) -> dict[str, str]:
        told = {"type": _TYPES[receiver.kind], "account": receiver.account}
        return told | ({"name": self.sealed(receiver.name)} if receiver.name else {})


def _split(answer: Mapping[str, Any], out_split_no: str) -> gateways.Split:
    """Raises Unknown."""
    try:
        if wire.take(answer, "out_order_no", kind=str) != out_split_no:
            raise wire.Malformed("the answer is about another split")
        parts = tuple(_result(each) for each in answer.get("receivers") or ())
        return gateways.Split(out_split_no, _STATES.get(str(answer.get("state")), "unknown"), parts)
    except (wire.Malformed, TypeError) as error:
        raise outbound.Unknown(str(error)) from None


def _result(given: object) -> gateways.PartResult:
    """Raises Malformed."""
    said = wire.take(given, "result", kind=str)
    if said not in _RESULTS:
        raise wire.Malformed("another kind of result")
    reason = wire.take(given, "fail_reason", kind=str) if said == "CLOSED" else ""
    account, amount = wire.take(given, "account", kind=str), wire.take(given, "amount", kind=int)
    return gateways.PartResult(account, amount, _RESULTS[said], reason)


def _return(answer: Mapping[str, Any], out_return_no: str) -> gateways.SplitReturn:
    """Raises Unknown."""
    if answer.get("out_return_no") != out_return_no:
        raise outbound.Unknown("the answer is about another return")
    state = _RETURNS.get(str(answer.get("result")), "unknown")
    return gateways.SplitReturn(out_return_no, state, str(answer.get("fail_reason") or ""))


def _quoted(text: str) -> str:
    return quote(text, safe="")
