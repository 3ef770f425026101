"""The channel's side of WeChat Pay v3: orders, queries, refunds, notifications."""

import base64
import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from . import keys
from .books import Books, Clash, Refund, Trade
from .exchange import Answer, Refused, Request, as_json
from .faults import Faults, Plan
from .notify import Notice

_BEIJING = timezone(timedelta(hours=8))
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}", re.ASCII)
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_STALE = 600  # seconds, twice what a merchant may accept
_PRODUCTS = {"native": ("NATIVE", "code_url"), "h5": ("MWEB", "h5_url")}
_CLASHES = {
    "paid": (400, "ORDERPAID", "该订单已支付"),
    "closed": (400, "ORDER_CLOSED", "该订单已关闭"),
    "differs": (400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"),
    "not_paid": (404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付"),
    "too_much": (400, "INVALID_REQUEST", "累计退款金额大于支付金额"),
}


class WeChat:
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
        draw: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._keys = own
        self._books = books
        self._faults = faults
        self._cashier = cashier
        self._draw = draw

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
        signature = self.signature(found.body, at=now)
        return Answer(found.status, found.body, found.headers | signature)

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """A sealed and signed TRANSACTION.SUCCESS."""
        trade = notice.trade
        told = _view(trade, now=now) | {"trade_state": "SUCCESS"}
        if plan.wrong_amount is not None:
            told["amount"] |= {"total": plan.wrong_amount, "payer_total": plan.wrong_amount}
        if plan.wrong_currency:
            told["amount"] |= {"currency": "USD"}
        envelope = {
            "id": f"EV-{trade.event_id}",
            "create_time": _moment(trade.paid_at or now),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": self._sealed(json.dumps(told, ensure_ascii=False).encode()),
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        headers = self.signature(body, at=now - _STALE if plan.stale_timestamp else now)
        if plan.bad_signature:
            headers |= {"Wechatpay-Signature": self._sign(b"something else")}
        if plan.signtest:
            headers |= {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature']}"}
        return headers | {"Content-Type": "application/json"}, body

    def is_ack(self, status: int, body: str) -> bool:  # noqa: ARG002
        """The status alone counts."""
        return status in {200, 204}

    def _route(self, request: Request, *, now: int) -> Answer:
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("POST", "/v3/pay/transactions/(native|h5)", self._create),
            ("GET", "/v3/pay/transactions/out-trade-no/([^/]+)", self._query),
            ("POST", "/v3/pay/transactions/out-trade-no/([^/]+)/close", self._close),
            ("POST", "/v3/refund/domestic/(refunds)", self._refund),
            ("GET", "/v3/refund/domestic/refunds/([^/]+)", self._query_refund),
        ]
        for method, pattern, serve in routes:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                return serve(request, found[1], now=now)
        raise Refused(404, "RESOURCE_NOT_EXISTS", "接口不存在")

    def _create(self, request: Request, product: str, *, now: int) -> Answer:
        ask = _content(request)
        kind, link = _PRODUCTS[product]
        total, expires = _sub(ask, "amount").get("total"), _expiry(ask, now=now)
        scene = _sub(ask, "scene_info")
        _need(ask.get("appid") == keys.APPID and ask.get("mchid") == keys.MCHID, "appid和mchid不匹配")
        _need(bool(_NUMBER.fullmatch(str(ask.get("out_trade_no")))), "out_trade_no格式错误")
        _need(type(total) is int and 0 < total <= 10**10, "amount.total应为正整数")
        _need(0 < len(str(ask.get("description", "")).encode()) <= 127, "description长度错误")
        _need("?" not in str(ask.get("notify_url", "?")), "notify_url不能携带参数")
        _need(expires > now, "time_expire应晚于当前时间")
        _need(
            product != "h5" or bool(scene.get("payer_client_ip") and scene.get("h5_info")), "缺少scene_info"
        )
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
        )
        return as_json({link: self._cashier(self._books.open(trade, now=now))})

    def _query(self, request: Request, out_trade_no: str, *, now: int) -> Answer:
        _need(request.query.get("mchid") == keys.MCHID, "mchid错误")
        return as_json(_view(self._trade(out_trade_no), now=now))

    def _close(self, request: Request, out_trade_no: str, *, now: int) -> Answer:  # noqa: ARG002
        _need(_content(request).get("mchid") == keys.MCHID, "mchid错误")
        self._books.close(self._trade(out_trade_no))
        return Answer(204)

    def _refund(self, request: Request, _: str, *, now: int) -> Answer:
        ask = _content(request)
        trade, amount = self._trade(str(ask.get("out_trade_no"))), _sub(ask, "amount")
        part = amount.get("refund")
        _need(bool(_NUMBER.fullmatch(str(ask.get("out_refund_no")))), "out_refund_no格式错误")
        _need(type(part) is int and part > 0 and amount.get("currency") == "CNY", "amount错误")
        _need(amount.get("total") == trade.amount_fen, "订单金额与之前请求不一致")
        planned = self._faults.peek(trade).refund
        if planned == "fail":
            raise Refused(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        refund = Refund(ask["out_refund_no"], int(str(part)), planned or "success", now)
        return as_json(_refund_view(trade, self._books.refund(trade, refund)[0]))

    def _query_refund(self, request: Request, out_refund_no: str, *, now: int) -> Answer:  # noqa: ARG002
        found = self._books.find_refund("wechat", out_refund_no)
        if not found:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        trade, refund = found
        if self._faults.peek(trade).refund != "processing":
            self._books.settle(refund)
        return as_json(_refund_view(trade, refund))

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
            scheme == _SCHEME
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

    def signature(self, body: bytes, *, at: int) -> dict[str, str]:
        nonce = self._draw(16)
        return {
            "Wechatpay-Timestamp": str(at),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": keys.PUB_KEY_ID,
            "Wechatpay-Signature": self._sign(f"{at}\n{nonce}\n".encode() + body + b"\n"),
            "Wechatpay-Signature-Type": _SCHEME,
            "Request-ID": self._draw(16).upper(),
        }

    def _sign(self, content: bytes) -> str:
        return base64.b64encode(self._keys.wechat_platform.sign(content, PKCS1v15(), SHA256())).decode()

    def _sealed(self, plain: bytes) -> dict[str, str]:
        nonce = self._draw(6)
        box = AESGCM(self._keys.wechat_api_v3).encrypt(nonce.encode(), plain, b"transaction")
        return {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(box).decode(),
            "associated_data": "transaction",
            "nonce": nonce,
        }


def _content(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except Refused:
        raise Refused(400, "PARAM_ERROR", "请求体不是JSON对象") from None


def _sub(ask: dict[str, Any], name: str) -> dict[str, Any]:
    part = ask.get(name)
    return part if isinstance(part, dict) else {}


def _need(holds: bool, sentence: str) -> None:  # noqa: FBT001
    if not holds:
        raise Refused(400, "PARAM_ERROR", sentence)


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


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, _BEIJING).isoformat()


def _view(trade: Trade, *, now: int) -> dict[str, Any]:
    state = {"open": "NOTPAY", "closed": "CLOSED", "paid": "SUCCESS"}[trade.state_at(now)]
    view: dict[str, Any] = {
        "appid": trade.app,
        "mchid": trade.merchant,
        "out_trade_no": trade.out_trade_no,
        "trade_state": "REFUND" if trade.refunds else state,
        "trade_state_desc": {"NOTPAY": "订单未支付", "CLOSED": "订单已关闭", "SUCCESS": "支付成功"}[state],
        "attach": "",
        "amount": {"total": trade.amount_fen, "currency": "CNY"},
    }
    if trade.paid_at is None:
        return view
    view["amount"] |= {"payer_total": trade.amount_fen, "payer_currency": "CNY"}
    return view | {
        "transaction_id": trade.transaction_id,
        "trade_type": trade.kind,
        "bank_type": "OTHERS",
        "success_time": _moment(trade.paid_at),
        "payer": {"openid": "oSandboxShopper000000000001"},
    }


def _refund_view(trade: Trade, refund: Refund) -> dict[str, Any]:
    view: dict[str, Any] = {
        "refund_id": f"5030{refund.at:012d}{trade.out_trade_no[-12:]}",
        "out_refund_no": refund.out_refund_no,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": _moment(refund.at),
        "status": refund.state.upper(),
        "amount": {"total": trade.amount_fen, "refund": refund.amount_fen, "currency": "CNY"},
    }
    return view | ({"success_time": _moment(refund.at)} if refund.state == "success" else {})
