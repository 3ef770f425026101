"""The channel's side of WeChat Pay v3: orders, queries, refunds, notifications."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from . import bills, keys, wechat_bill, wechat_funds
from . import wechat_notices as notices
from . import wechat_words as words
from .books import Books, Clash, Refund, Trade
from .exchange import Answer, Refused, Request, as_json
from .faults import Faults
from .notify import Notice
from .wechat_splits import WeChatSplits

_FIELD = re.compile(r'(\w+)="([^"]*)"')
_FILE = "/v3/billdownload/file"
_BILLS = {  # how each is asked for, and who writes it
    "tradebill": ("bill_type", "ALL", wechat_bill.write),
    "fundflowbill": ("account_type", "BASIC", wechat_funds.write),
}
_PRODUCTS = {"native": ("NATIVE", "code_url"), "h5": ("MWEB", "h5_url"), "jsapi": ("JSAPI", "prepay_id")}
_CLASHES = {
    "paid": (400, "ORDERPAID", "该订单已支付"),
    "closed": (400, "ORDER_CLOSED", "该订单已关闭"),
    "differs": (400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"),
    "not_paid": (404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付"),
    "too_much": (400, "INVALID_REQUEST", "累计退款金额大于支付金额"),
}


class WeChat(notices.Notices):
    """One merchant's account at the channel."""

    schedule: tuple[int, ...] = (
        15,
        15,
        30,
        180,
        600,
        1200,
        1800,
        1800,
        1800,
        3600,
        10800,
        10800,
        10800,
        21600,
        21600,
    )

    def __init__(
        self,
        own: keys.Keys,
        books: Books,
        faults: Faults,
        *,
        cashier: Callable[[Trade], str],
        tell: Callable[[Notice], None] = lambda _: None,
        draw: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        super().__init__(own, faults, draw)
        self._books = books
        self._cashier = cashier
        self._tell = tell
        self._splits = WeChatSplits(own, books, faults)

    def answer(self, request: Request, *, now: int) -> Answer:
        """Serve one call of the merchant; every answer is signed."""
        try:
            self._authenticate(request, now=now)
            found = self._route(request, now=now)
        except Refused as error:
            found = as_json({"code": error.code, "message": error.sentence}, status=error.status)
        except Clash as error:
            status, code, sentence = _CLASHES[error.why]
            found = as_json({"code": code, "message": sentence}, status=status)
        if request.path == _FILE:
            return found  # known by its digest
        signature = self.signature(found.body, at=now)
        return Answer(found.status, found.body, found.headers | signature)

    def is_ack(self, status: int, body: str) -> bool:  # noqa: ARG002
        """The status alone counts."""
        return status in {200, 204}

    def _route(self, request: Request, *, now: int) -> Answer:
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("POST", "/v3/pay/transactions/(native|h5|jsapi)", self._create),
            ("GET", "/v3/pay/transactions/out-trade-no/([^/]+)", self._query),
            ("POST", "/v3/pay/transactions/out-trade-no/([^/]+)/close", self._close),
            ("POST", "/v3/refund/domestic/(refunds)", self._refund),
            ("GET", "/v3/refund/domestic/refunds/([^/]+)", self._query_refund),
            ("GET", "/v3/bill/(tradebill|fundflowbill)", self._bill),
            ("GET", _FILE, self._file),
            ("GET", "/v3/certificates", lambda *_, **__: as_json(self.certificates())),
            *self._splits.routes(),
        ]
        for method, pattern, serve in routes:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                return serve(request, *found.groups(), now=now)
        raise Refused(404, "RESOURCE_NOT_EXISTS", "接口不存在")

    def _create(self, request: Request, product: str, *, now: int) -> Answer:
        ask = words.content(request)
        kind, link = _PRODUCTS[product]
        total, expires = words.part(ask, "amount").get("total"), _expiry(ask, now=now)
        scene = words.part(ask, "scene_info")
        if ask.get("appid") != keys.APPID or ask.get("mchid") != keys.MCHID:
            raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
        if self._faults.uncontracted("wechat"):
            raise Refused(403, "NO_AUTH", "商户号未开通该产品权限")
        words.need(bool(words.NUMBER.fullmatch(str(ask.get("out_trade_no")))), "out_trade_no格式错误")
        words.need(type(total) is int and 0 < total <= 10**10, "amount.total应为正整数")
        words.need(0 < len(str(ask.get("description", "")).encode()) <= 127, "description长度错误")
        words.need("?" not in str(ask.get("notify_url", "?")), "notify_url不能携带参数")
        words.need(expires > now, "time_expire应晚于当前时间")
        words.need(
            product != "h5" or bool(scene.get("payer_client_ip") and scene.get("h5_info")), "缺少scene_info"
        )
        openid = words.part(ask, "payer").get("openid")
        words.need(product != "jsapi" or isinstance(openid, str), "缺少payer.openid")
        trade = Trade(
            channel="wechat",
            merchant=keys.MCHID,
            app=keys.APPID,
            out_trade_no=ask["out_trade_no"],
            amount_fen=int(str(total)),
            subject=ask["description"],
            notify_url=ask["notify_url"],
            return_url="",
            kind=kind,
            created_at=now,
            expires_at=expires,
            splitting=words.part(ask, "settle_info").get("profit_sharing") is True,
        )
        opened = self._books.open(trade, now=now)
        return as_json({link: f"wx{opened.token}" if product == "jsapi" else self._cashier(opened)})

    def _query(self, request: Request, out_trade_no: str, *, now: int) -> Answer:
        words.need(request.query.get("mchid") == keys.MCHID, "mchid错误")
        return as_json(notices.view(self._trade(out_trade_no), now=now))

    def _close(self, request: Request, out_trade_no: str, *, now: int) -> Answer:  # noqa: ARG002
        words.need(words.content(request).get("mchid") == keys.MCHID, "mchid错误")
        self._books.close(self._trade(out_trade_no))
        return Answer(204)

    def _refund(self, request: Request, _: str, *, now: int) -> Answer:
        ask = words.content(request)
        trade, amount = self._trade(str(ask.get("out_trade_no"))), words.part(ask, "amount")
        part = amount.get("refund")
        words.need(
            bool(words.REFUND_NUMBER.fullmatch(str(ask.get("out_refund_no")))), "out_refund_no格式错误"
        )
        words.need(type(part) is int and part > 0 and amount.get("currency") == "CNY", "amount错误")
        words.need(amount.get("total") == trade.amount_fen, "订单金额与之前请求不一致")
        planned = self._faults.peek(trade).refund
        if planned == "fail":
            raise Refused(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        told_at = str(ask.get("notify_url") or "")
        asked = Refund(ask["out_refund_no"], int(str(part)), planned or "success", now, told_at)
        refund, new = self._books.refund(trade, asked)
        if new and refund.state != "processing":
            self._told(trade, refund)
        return as_json(notices.refund_view(trade, refund))

    def _query_refund(self, request: Request, out_refund_no: str, *, now: int) -> Answer:  # noqa: ARG002
        found = self._books.find_refund("wechat", out_refund_no)
        if not found:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        trade, refund = found
        if self._faults.peek(trade).refund != "processing" and self._books.settle(refund):
            self._told(trade, refund)
        return as_json(notices.refund_view(trade, refund))

    def _told(self, trade: Trade, refund: Refund) -> None:
        """Refunds are told of only where the merchant said where."""
        if refund.notify_url:
            self._tell(Notice(trade, refund))

    def _bill(self, request: Request, kind: str, *, now: int) -> Answer:
        day = request.query.get("bill_date", "").replace("-", "")
        name, value, _ = _BILLS[kind]
        words.need(bool(re.fullmatch(r"\d{8}", day)) and request.query.get(name) == value, "bill_date错误")
        differences = self._faults.bill("wechat")
        if not bills.is_ready(day, differences, now=now):
            raise Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        digest = hashlib.sha1(self._written(kind, day), usedforsecurity=False).hexdigest()
        address = f"http://{request.headers.get('host', '')}{_FILE}?token={kind}{day}"
        return as_json({"hash_type": "SHA1", "hash_value": digest, "download_url": address})

    def _file(self, request: Request, *, now: int) -> Answer:  # noqa: ARG002
        token = request.query.get("token", "")
        kind, day = token[:-8], token[-8:]
        words.need(kind in _BILLS and bool(re.fullmatch(r"\d{8}", day)), "token错误")
        content = self._written(kind, day)
        return Answer(
            200, bills.spoiled(content, self._faults.bill("wechat")), {"Content-Type": "text/plain"}
        )

    def _written(self, kind: str, day: str) -> bytes:
        write = _BILLS[kind][2]
        return write(bills.entries(self._books, "wechat", day, self._faults.bill("wechat")))

    def _trade(self, out_trade_no: str) -> Trade:
        trade = self._books.find("wechat", out_trade_no)
        if not trade:
            raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
        return trade

    def _authenticate(self, request: Request, *, now: int) -> None:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = dict(_FIELD.findall(rest))
        at, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
        signed = f"{request.method}\n{request.target}\n{at}\n{nonce}\n".encode() + request.body + b"\n"
        fits = (
            scheme == notices.SCHEME
            and given.get("mchid") == keys.MCHID
            and given.get("serial_no") == keys.SERIAL
            and at.isdecimal()
            and abs(now - int(at)) <= 300
        )
        try:
            signature = base64.b64decode(given.get("signature", ""), validate=True)
            self._keys.wechat_merchant.public_key().verify(signature, signed, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            fits = False
        if not fits:
            raise Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误或签名验证失败")


def _expiry(ask: dict[str, Any], *, now: int) -> int:
    """Seven days unless asked otherwise."""
    try:
        return (
            int(datetime.fromisoformat(ask["time_expire"]).timestamp())
            if "time_expire" in ask
            else now + 604_800
        )
    except (TypeError, ValueError, OverflowError):
        raise Refused(400, "PARAM_ERROR", "time_expire格式错误") from None
