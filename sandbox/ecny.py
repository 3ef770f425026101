"""An operating institution's side of e-CNY: orders, sealed order information, refunds, bills, notifications."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from . import bills, ecny_bill, keys
from .books import Books, Clash, Refund, Trade
from .exchange import Answer, Refused, Request
from .faults import Faults, Plan
from .notify import Notice

GATEWAY, CASHIER = "/ecny/gateway", "/ecny/cashier"

_TIME = "%Y%m%d%H%M%S"
_NUMBER = re.compile(r"[0-9A-Za-z]{6,40}", re.ASCII)
_STALE = 600  # seconds, twice what a merchant may accept
_CLASHES = {
    "paid": "ORDER_PAID",
    "closed": "ORDER_CLOSED",
    "differs": "ORDER_DIFFERS",
    "not_paid": "ORDER_NOT_EXIST",
    "too_much": "BALANCE_SHORT",
}
_STATES = {"open": "NOTPAY", "closed": "CLOSED", "paid": "SUCCESS"}


class ECny:
    """One merchant's account at the institution. `draw`: random hexadecimal digits of so many bytes."""

    schedule: tuple[int, ...] = (15, 60, 300, 1800, 3600, 7200, 14400)

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
        self._keys = own
        self._books = books
        self._faults = faults
        self._cashier = cashier
        self._tell = tell
        self._draw = draw

    def answer(self, request: Request, *, now: int) -> Answer:
        """Serve one call of the merchant, or the wallet that brings sealed order information."""
        if request.path == CASHIER:
            return self._opened(request.query.get("order_info", ""))
        given = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        try:
            self._authenticate(given, now=now)
            content = {"result_code": "SUCCESS"} | self._serve(given, now=now)
        except Refused as error:
            content = {"result_code": error.code, "result_text": error.sentence}
        except Clash as error:
            content = {"result_code": _CLASHES[error.why]}
        told = self._signed(content | {"nonce": given.get("nonce", "")}, at=now)
        return Answer(200, urlencode(told).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """Signed fields that tell of a payment, or of what became of a refund."""
        trade = notice.trade
        told = _view(trade, now=now) | {
            "event": "payment",
            "event_id": trade.event_id,
            "trade_state": "SUCCESS",
        }
        if plan.wrong_amount is not None:
            told |= {"amount": str(plan.wrong_amount)}
        if plan.wrong_currency:
            told |= {"currency": "USD"}
        if notice.refund:
            number = notice.refund.out_refund_no
            told |= _refunded(notice.refund) | {"event": "refund", "event_id": f"{trade.event_id}{number}"}
        form = self._signed(told, at=now - _STALE if plan.stale_timestamp else now)
        if plan.bad_signature:
            form |= {"sign": self._signed({}, at=now)["sign"]}
        return {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}, urlencode(form).encode()

    def is_ack(self, status: int, body: str) -> bool:
        """The word counts."""
        return status == 200 and body.strip() == "SUCCESS"

    def _serve(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:
        served: dict[str, Callable[..., dict[str, str]]] = {
            "order.create": self._create,
            "order.query": self._query,
            "order.close": self._close,
            "refund.create": self._refund,
            "refund.query": self._query_refund,
            "bill.query": self._bill,
        }
        if given.get("service") not in served:
            raise Refused(200, "BAD_FIELD", "没有这个服务")
        return served[given["service"]](given, now=now)

    def _create(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:
        if self._faults.uncontracted("ecny"):
            raise Refused(200, "NO_CONTRACT", "商户未签约该产品")
        number, expires = given.get("out_trade_no", ""), _seconds(given.get("expire_time", ""))
        _need(bool(_NUMBER.fullmatch(number)) and given.get("currency") == "CNY" and expires > now)
        trade = Trade(
            channel="ecny",
            merchant=keys.ECNY_MERCHANT,
            app=keys.ECNY_WALLET,
            out_trade_no=number,
            amount_fen=_fen(given.get("amount", "")),
            subject=given.get("subject", ""),
            notify_url=given.get("notify_url", ""),
            return_url=given.get("return_url", ""),
            kind="ECNY",
            created_at=now,
            expires_at=expires,
        )
        opened = self._books.open(trade, now=now)
        page = self._cashier(opened)
        return {"order_info": self._seal(opened), "cashier_url": page.split("/cashier/")[0] + CASHIER}

    def _seal(self, trade: Trade) -> str:
        """What only the wallet opens; the same for the same order."""
        nonce = hashlib.sha256(trade.token.encode()).digest()[:12]
        plain = json.dumps({"page": self._cashier(trade)}).encode()
        return base64.b64encode(nonce + AESGCM(self._keys.ecny_wallet).encrypt(nonce, plain, b"")).decode()

    def _opened(self, order_info: str) -> Answer:
        try:
            sealed = base64.b64decode(order_info, validate=True)
            plain = AESGCM(self._keys.ecny_wallet).decrypt(sealed[:12], sealed[12:], b"")
        except (ValueError, InvalidTag):
            raise Refused(400, "invalid", "This order information was not sealed here.") from None
        return Answer(302, b"", {"Location": quote(json.loads(plain)["page"], safe=":/?=&%")})

    def _query(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:
        return _view(self._trade(given), now=now)

    def _close(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:  # noqa: ARG002
        self._books.close(self._trade(given))
        return {}

    def _refund(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:
        trade, plan = self._trade(given), self._faults.peek(self._trade(given))
        if plan.refund == "fail":
            raise Refused(200, "BALANCE_SHORT", "商户余额不足")
        _need(bool(_NUMBER.fullmatch(given.get("out_refund_no", ""))))
        asked = Refund(given["out_refund_no"], _fen(given.get("amount", "")), plan.refund or "success", now)
        refund, new = self._books.refund(trade, asked)
        if new and refund.state != "processing":
            self._tell(Notice(trade, refund))
        return _refunded(refund)

    def _query_refund(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:  # noqa: ARG002
        found = self._books.find_refund("ecny", given.get("out_refund_no", ""))
        if not found:
            raise Refused(200, "REFUND_NOT_EXIST", "退款单不存在")
        trade, refund = found
        if self._faults.peek(trade).refund != "processing" and self._books.settle(refund):
            self._tell(Notice(trade, refund))
        return _refunded(refund)

    def _bill(self, given: Mapping[str, str], *, now: int) -> dict[str, str]:
        day, differences = given.get("bill_date", ""), self._faults.bill("ecny")
        _need(bool(re.fullmatch(r"20\d{6}", day, re.ASCII)))
        if not bills.is_ready(day, differences, now=now):
            raise Refused(200, "NO_BILL", "账单未生成")
        content = ecny_bill.write(bills.entries(self._books, "ecny", day, differences))
        digest = hashlib.sha256(content).hexdigest()
        sent = base64.b64encode(bills.spoiled(content, differences)).decode()
        return {"bill_date": day, "digest": digest, "content": sent}

    def _trade(self, given: Mapping[str, str]) -> Trade:
        trade = self._books.find("ecny", given.get("out_trade_no", ""))
        if not trade:
            raise Refused(200, "ORDER_NOT_EXIST", "订单不存在")
        return trade

    def _authenticate(self, given: Mapping[str, str], *, now: int) -> None:
        if given.get("merchant_no") != keys.ECNY_MERCHANT:
            raise Refused(200, "NO_MERCHANT", "商户不存在")
        if given.get("wallet_id") != keys.ECNY_WALLET:
            raise Refused(200, "NO_WALLET", "钱包与商户不符")
        try:
            signature = base64.b64decode(given.get("sign", ""), validate=True)
            self._keys.ecny_merchant.public_key().verify(signature, _joined(given), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise Refused(200, "BAD_SIGN", "验签失败") from None
        if abs(now - _seconds(given.get("timestamp", ""))) > 300:
            raise Refused(200, "BAD_SIGN", "时间戳超出范围")

    def _signed(self, content: Mapping[str, str], *, at: int) -> dict[str, str]:
        fields = {**content, "sign_type": "RSA2", "timestamp": _clock(at)}
        signature = self._keys.ecny_platform.sign(_joined(fields), PKCS1v15(), SHA256())
        return fields | {"sign": base64.b64encode(signature).decode()}


def _view(trade: Trade, *, now: int) -> dict[str, str]:
    view = {
        "merchant_no": trade.merchant,
        "wallet_id": trade.app,
        "out_trade_no": trade.out_trade_no,
        "trade_state": "REFUND" if trade.refunds else _STATES[trade.state_at(now)],
        "amount": str(trade.amount_fen),
        "currency": "CNY",
    }
    if trade.paid_at is None:
        return view
    return view | {"transaction_no": trade.transaction_id or "", "paid_time": _clock(trade.paid_at)}


def _refunded(refund: Refund) -> dict[str, str]:
    return {
        "out_refund_no": refund.out_refund_no,
        "refund_state": refund.state.upper(),
        "refund_amount": str(refund.amount_fen),
    }


def _joined(fields: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign").encode()


def _need(holds: bool) -> None:  # noqa: FBT001
    if not holds:
        raise Refused(200, "BAD_FIELD", "字段缺失或格式不对")


def _fen(text: str) -> int:
    _need(text.isdecimal() and 0 < int(text) <= 10**10)
    return int(text)


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at, bills.BEIJING).strftime(_TIME)


def _seconds(text: str) -> int:
    try:
        return int(datetime.strptime(text, _TIME).replace(tzinfo=bills.BEIJING).timestamp())
    except ValueError:
        raise Refused(200, "BAD_FIELD", "时间格式不对") from None
