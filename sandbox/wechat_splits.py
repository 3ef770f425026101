"""WeChat's profit sharing: receivers, orders, unfreezing, returns."""

import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1

from . import keys
from .books import Books, Clash, Return, Share, Split, Trade
from .exchange import Answer, Refused, Request, as_json
from .faults import Faults
from .sharing import Sharing
from .wechat_words import NUMBER, content, need

_KINDS = {"MERCHANT_ID": "merchant", "PERSONAL_OPENID": "person"}
_TYPES = {kind: name for name, kind in _KINDS.items()}
_RELATIONS = {
    "STORE",
    "STAFF",
    "STORE_OWNER",
    "PARTNER",
    "HEADQUARTER",
    "BRAND",
    "DISTRIBUTOR",
    "USER",
    "SUPPLIER",
}
_AT_ONCE = 60  # seconds after a payment in which it can't be split
_RECEIVERS = 50

Serve = Callable[..., Answer]


class WeChatSplits:
    """What `/v3/profitsharing/` serves."""

    def __init__(self, own: keys.Keys, books: Books, faults: Faults) -> None:
        self._key = own.wechat_platform
        self._books = books
        self._sharing = Sharing(books, faults)

    def routes(self) -> list[tuple[str, str, Serve]]:
        """Method, path, verb."""
        base = "/v3/profitsharing"
        return [
            ("POST", f"{base}/receivers/(add)", self._add_receiver),
            ("POST", f"{base}/receivers/(delete)", self._remove_receiver),
            ("POST", f"{base}/(orders)", self._split),
            ("POST", f"{base}/orders/(unfreeze)", self._unfreeze),
            ("GET", f"{base}/orders/([^/]+)", self._query),
            ("POST", f"{base}/(return-orders)", self._return),
            ("GET", f"{base}/return-orders/([^/]+)", self._query_return),
        ]

    def _add_receiver(self, request: Request, _: str, *, now: int) -> Answer:  # noqa: ARG002
        ask = content(request)
        need(ask.get("appid") == keys.APPID, "appid错误")
        need(ask.get("relation_type") in _RELATIONS, "relation_type错误")
        kind, account, name = self._receiver(request, ask)
        need(kind != "merchant" or bool(name), "分账接收方全称未设置")
        self._sharing.add_receiver(account, name)
        return as_json({field: ask[field] for field in ("type", "account", "relation_type")})

    def _remove_receiver(self, request: Request, _: str, *, now: int) -> Answer:  # noqa: ARG002
        ask = content(request)
        need(ask.get("appid") == keys.APPID, "appid错误")
        _, account, _ = self._receiver(request, ask)
        if not self._sharing.remove_receiver(account):
            raise Refused(404, "RESOURCE_NOT_EXISTS", "分账接收方不存在")
        return as_json({"type": ask["type"], "account": account})

    def _split(self, request: Request, _: str, *, now: int) -> Answer:
        ask = content(request)
        trade, number, given = self._trade(ask.get("transaction_id")), _number(ask), ask.get("receivers")
        need(ask.get("appid") == keys.APPID, "appid错误")
        need(isinstance(given, list) and 0 < len(given) <= _RECEIVERS, "分账接收方数量错误")
        if trade.paid_at is not None and now < trade.paid_at + _AT_ONCE:
            raise Refused(400, "INVALID_REQUEST", "订单处理中，暂时无法分账，请稍后再试")
        shares = [self._share(request, each) for each in given or ()]
        split = Split(number, shares, ask.get("unfreeze_unsplit") is True, now)
        return as_json(_view(trade, self._shared(trade, split)))

    def _unfreeze(self, request: Request, _: str, *, now: int) -> Answer:
        ask = content(request)
        trade = self._trade(ask.get("transaction_id"))
        return as_json(_view(trade, self._shared(trade, Split(_number(ask), [], finish=True, at=now))))

    def _query(self, request: Request, number: str, *, now: int) -> Answer:  # noqa: ARG002
        trade = self._trade(request.query.get("transaction_id"))
        split = self._sharing.find(trade, number)
        if not split:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
        return as_json(_view(trade, split))

    def _return(self, request: Request, _: str, *, now: int) -> Answer:
        ask = content(request)
        amount, split_no, account = (
            ask.get("amount"),
            str(ask.get("out_order_no")),
            str(ask.get("return_mchid")),
        )
        found = self._sharing.find_anywhere("wechat", split_no)
        need(type(amount) is int and amount > 0, "amount错误")
        need(bool(NUMBER.fullmatch(str(ask.get("out_return_no")))), "out_return_no格式错误")
        if not found:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
        asked = Return(ask["out_return_no"], split_no, account, int(str(amount)), "success", now)
        try:
            return as_json(_return_view(self._sharing.take_back(*found, asked)))
        except Clash as clash:
            sentence = {"personal": "个人接收方不支持回退", "not_paid": "接收方未分账成功"}.get(clash.why)
            raise Refused(400, "INVALID_REQUEST", sentence or "回退金额超过分账金额") from None

    def _query_return(self, request: Request, number: str, *, now: int) -> Answer:  # noqa: ARG002
        split_no = request.query.get("out_order_no")
        for trade in self._books.trades("wechat"):
            for each in trade.returns:
                if (each.number, each.split_no) == (number, split_no):
                    return as_json(_return_view(each))
        raise Refused(404, "RESOURCE_NOT_EXISTS", "回退单不存在")

    def _shared(self, trade: Trade, split: Split) -> Split:
        try:
            return self._sharing.split(trade, split)
        except Clash as clash:
            raise _refusal(clash.why) from None

    def _share(self, request: Request, given: object) -> Share:
        need(isinstance(given, dict), "receivers格式错误")
        ask: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
        kind, account, _ = self._receiver(request, ask)
        amount = ask.get("amount")
        need(type(amount) is int and amount > 0 and bool(ask.get("description")), "amount或description错误")
        return Share(kind, account, int(str(amount)))

    def _receiver(self, request: Request, ask: dict[str, Any]) -> tuple[str, str, str]:
        kind = _KINDS.get(str(ask.get("type")), "")
        account = ask.get("account")
        need(bool(kind) and isinstance(account, str) and bool(account), "接收方type或account错误")
        return kind, str(account), self._opened(request, str(ask.get("name") or ""))

    def _opened(self, request: Request, sealed: str) -> str:
        """Names are sealed under the channel's own key, which a header names."""
        if not sealed:
            return ""
        need(request.headers.get("wechatpay-serial") == keys.PUB_KEY_ID, "Wechatpay-Serial错误")
        try:
            box = base64.b64decode(sealed, validate=True)
            return self._key.decrypt(box, OAEP(MGF1(SHA1()), SHA1(), None)).decode()  # noqa: S303
        except ValueError:
            raise Refused(400, "PARAM_ERROR", "敏感字段解密失败") from None

    def _trade(self, transaction_id: object) -> Trade:
        trade = self._books.by_transaction("wechat", str(transaction_id))
        if not trade:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        return trade


def _number(ask: dict[str, Any]) -> str:
    number = ask.get("out_order_no")
    need(isinstance(number, str) and bool(NUMBER.fullmatch(number)), "out_order_no格式错误")
    return str(number)


def _refusal(why: str) -> Refused:
    sentences = {
        "differs": "请求重入时，参数与首次请求时不一致",
        "not_frozen": "非分账订单不支持分账",
        "too_much": "分账金额超过最大分账比例",
    }
    return Refused(
        400, "NOT_ENOUGH" if why == "too_much" else "INVALID_REQUEST", sentences.get(why, "订单状态错误")
    )


def _view(trade: Trade, split: Split) -> dict[str, Any]:
    under_way = any(share.state == "pending" for share in split.shares)
    return {
        "transaction_id": trade.transaction_id,
        "out_order_no": split.number,
        "order_id": f"3008{split.at:020d}",
        "state": "PROCESSING" if under_way else "FINISHED",
        "receivers": [_share_view(share) for share in split.shares],
    }


def _share_view(share: Share) -> dict[str, Any]:
    return {
        "type": _TYPES[share.kind],
        "account": share.account,
        "amount": share.amount_fen,
        "description": "分账",
        "result": share.state.upper(),
    } | ({"fail_reason": share.reason} if share.reason else {})


def _return_view(each: Return) -> dict[str, Any]:
    return {
        "out_order_no": each.split_no,
        "out_return_no": each.number,
        "return_id": f"3009{each.at:020d}",
        "return_mchid": each.account,
        "amount": each.amount_fen,
        "result": each.state.upper(),
    } | ({"fail_reason": "PAYER_ACCOUNT_ABNORMAL"} if each.state == "failed" else {})
