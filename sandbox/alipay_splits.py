"""Alipay's royalties: relations, settling a paid order to others, and parts that come back with a refund."""

from collections.abc import Callable
from typing import Any

from . import alipay_words as words
from .books import Books, Clash, Return, Share, Split, Trade
from .exchange import Refused
from .faults import Faults
from .sharing import Sharing

_RECEIVERS = 50
_RESULTS = {"pending": "PROCESSING", "success": "SUCCESS", "closed": "FAIL"}
_CLASHES = {
    "differs": ("ACQ.SETTLE_AMT_NOT_EQUAL", "同一请求号的分账信息不一致"),
    "too_much": ("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "分账金额超过最大可分账金额"),
}


class AlipaySplits:
    """The verbs of splitting."""

    def __init__(self, books: Books, faults: Faults) -> None:
        self._books = books
        self._sharing = Sharing(books, faults)

    def verbs(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """By method."""
        return {
            "alipay.trade.royalty.relation.bind": self._bind,
            "alipay.trade.royalty.relation.unbind": self._unbind,
            "alipay.trade.royalty.relation.batchquery": self._bound,
            "alipay.trade.order.settle": self._settle,
            "alipay.trade.order.settle.query": self._query,
        }

    def check_taken_back(self, trade: Trade, ask: dict[str, Any]) -> None:
        """What a refund would take from receivers. Raises Refused."""
        for account, amount in _taken(ask):
            shares = [share for split in trade.splits for share in split.shares if share.account == account]
            left = sum(
                share.amount_fen - share.taken_back_fen for share in shares if share.state == "success"
            )
            if amount > left:
                raise Refused(40004, "ACQ.REFUND_ROYALTY_AMT_ERROR", "退分账金额超过已分账金额")

    def take_back(self, trade: Trade, ask: dict[str, Any], number: str, *, now: int) -> None:
        """Take it."""
        for account, amount in _taken(ask):
            split = next(s for s in trade.splits if account in {share.account for share in s.shares})
            asked = Return(f"{number}{account}", split.number, account, amount, "success", now)
            self._sharing.take_back(trade, split, asked, even_persons=True)

    def _bind(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        for each in _receivers(ask):
            self._sharing.add_receiver(each["account"], str(each.get("name", "")))
        return {"result_code": "SUCCESS"}

    def _unbind(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        for each in _receivers(ask):
            self._sharing.remove_receiver(each["account"])
        return {"result_code": "SUCCESS"}

    def _bound(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        page, size = ask.get("page_num"), ask.get("page_size")
        words.need(type(page) is int and type(size) is int and page > 0 and 0 < size <= 100, "page_num")
        known = self._sharing.receivers()
        start = (int(str(page)) - 1) * int(str(size))
        listed = [{"type": "userId", "account": each} for each in known[start : start + int(str(size))]]
        pages = -(-len(known) // int(str(size)))
        return {"result_code": "SUCCESS", "receiver_list": listed, "total_page_num": pages}

    def _settle(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        trade, number = self._trade(ask), str(ask.get("out_request_no") or "")
        parts, extend = ask.get("royalty_parameters"), ask.get("extend_params")
        finish = isinstance(extend, dict) and extend.get("royalty_finish") == "true"
        words.need(bool(number), "out_request_no")
        words.need(isinstance(parts, list) and (finish or 0 < len(parts) <= _RECEIVERS), "royalty_parameters")
        split = Split(number, [_share(each) for each in parts or ()], finish, now)
        try:
            self._sharing.split(trade, split)
        except Clash as clash:
            code, sentence = _CLASHES.get(clash.why, ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"))
            raise Refused(40004, code, sentence) from None
        return {"trade_no": trade.transaction_id, "settle_no": f"{now:020d}"}

    def _query(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        split = self._sharing.find(self._trade(ask), str(ask.get("out_request_no")))
        if not split:
            raise Refused(40004, "ACQ.TRADE_SETTLE_NOT_EXIST", "分账单不存在")
        return {
            "out_request_no": split.number,
            "operation_dt": words.clock(split.at),
            "royalty_detail_list": [_view(share) for share in split.shares],
        }

    def _trade(self, ask: dict[str, Any]) -> Trade:
        trade = self._books.by_transaction("alipay", str(ask.get("trade_no")))
        if not trade:
            raise Refused(40004, "ACQ.TRADE_NOT_EXIST", "交易不存在")
        return trade


def _receivers(ask: dict[str, Any]) -> list[dict[str, Any]]:
    """Raises Refused."""
    receivers = ask.get("receiver_list")
    words.need(isinstance(receivers, list) and 0 < len(receivers) <= 20, "receiver_list")
    for each in receivers or ():
        words.need(isinstance(each, dict) and each.get("type") == "userId", "type")
        words.need(isinstance(each.get("account"), str) and bool(each["account"]), "account")
    return list(receivers or ())


def _taken(ask: dict[str, Any]) -> list[tuple[str, int]]:
    parts = ask.get("refund_royalty_parameters", [])
    words.need(
        isinstance(parts, list) and all(isinstance(each, dict) for each in parts), "refund_royalty_parameters"
    )
    return [(str(each.get("trans_out")), words.fen(each.get("amount"), "amount")) for each in parts]


def _share(given: object) -> Share:
    ask = given if isinstance(given, dict) else {}
    words.need(ask.get("trans_in_type") == "userId" and bool(ask.get("trans_in")), "trans_in")
    return Share("person", str(ask["trans_in"]), words.fen(ask.get("amount"), "amount"))


def _view(share: Share) -> dict[str, Any]:
    told = {
        "operation_type": "transfer",
        "trans_in": share.account,
        "amount": words.yuan(share.amount_fen),
        "state": _RESULTS[share.state],
    }
    return told | ({"error_code": share.reason, "error_desc": "分账失败"} if share.reason else {})
