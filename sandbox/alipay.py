"""The channel's side of Alipay: one gateway for all methods, form in, signed JSON out; and its notifications."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from . import alipay_bill, keys
from . import alipay_words as words
from .alipay_bill import AlipayBills
from .alipay_splits import AlipaySplits
from .books import Books, Clash, Refund, Trade
from .exchange import Answer, Refused, Request
from .faults import Faults, Plan
from .notify import Notice

_NUMBER = re.compile(r"\w{1,64}", re.ASCII)
_BUYER = "2088000000000099"
_CLASHES = {
    "paid": ("ACQ.TRADE_HAS_SUCCESS", "交易已被支付"),
    "closed": ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
    "differs": ("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"),
    "not_paid": ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
    "too_much": ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"),
}


class Alipay:
    """One application's account at the channel. A Refused carries the gateway's code as its status."""

    schedule: tuple[int, ...] = (240, 600, 600, 3600, 7200, 21600, 54000)

    def __init__(
        self,
        own: keys.Keys,
        books: Books,
        faults: Faults,
        *,
        cashier: Callable[[Trade], str],
        tell: Callable[[Notice], None],
    ) -> None:
        self._keys = own
        self._books = books
        self._faults = faults
        self._cashier = cashier
        self._tell = tell
        self._splits = AlipaySplits(books, faults)
        self._bills = AlipayBills(books, faults)

    def answer(self, request: Request, *, now: int) -> Answer:
        """Serve one call of the merchant: pages redirect to the cashier, the rest answers in signed JSON."""
        if request.path == alipay_bill.PATH:
            return self._bills.file(request)
        given = request.query | dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        method = given.get("method", "")
        try:
            return (
                self._page(given, now=now)
                if method.endswith((".wap.pay", ".page.pay"))
                else self._reply(method, self._serve(given, host=request.headers.get("host", ""), now=now))
            )
        except Refused as error:
            return self._reply(method, _failure(error.status, error.code, error.sentence))
        except Clash as error:
            return self._reply(method, _failure(40004, *_CLASHES[error.why]))

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """A trade_status_sync form; a refund is told as a state of the trade, with the fee given back."""
        trade = notice.trade
        total = trade.amount_fen if plan.wrong_amount is None else plan.wrong_amount
        fields = _told(trade, total_fen=total, now=now)
        if notice.refund:
            whole = trade.refunded_fen == trade.amount_fen
            fields |= {
                "notify_id": f"{trade.event_id}{notice.refund.out_refund_no}",
                "trade_status": "TRADE_CLOSED" if whole else "TRADE_SUCCESS",
                "refund_fee": words.yuan(trade.refunded_fen),
                "gmt_refund": f"{words.clock(notice.refund.at)}.000",
                "out_biz_no": notice.refund.out_refund_no,
            }
        signed = b"something else" if plan.bad_signature else _joined(fields)
        form = fields | {"sign_type": "RSA2", "sign": self._sign(signed)}
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        return {"Content-Type": kind}, urlencode(form).encode()

    def is_ack(self, status: int, body: str) -> bool:
        """The word, and nothing but the word."""
        return status == 200 and body == "success"

    def _serve(self, given: dict[str, str], *, host: str, now: int) -> dict[str, Any]:
        self._authenticate(given)
        served: dict[str, Callable[..., dict[str, Any]]] = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._query_refund,
            "alipay.data.dataservice.bill.downloadurl.query": self._bills.address,
            **self._splits.verbs(),
        }
        if given.get("method") not in served:
            raise Refused(40002, "isv.invalid-method", "不存在的方法名")
        return {"code": "10000", "msg": "Success"} | served[given["method"]](
            given | {"host": host}, _biz(given), now=now
        )

    def _page(self, given: dict[str, str], *, now: int) -> Answer:
        self._authenticate(given)
        trade = self._open(given, _biz(given), now=now)
        return Answer(302, b"", {"Location": self._cashier(trade)})

    def _precreate(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:
        if self._faults.uncontracted("alipay"):
            raise Refused(40006, "isv.insufficient-isv-permissions", "ISV权限不足，建议在开发者中心检查签约")
        trade = self._open(given, ask, now=now)
        return {"out_trade_no": trade.out_trade_no, "qr_code": self._cashier(trade)}

    def _open(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> Trade:
        number, subject = ask.get("out_trade_no"), ask.get("subject")
        words.need(isinstance(number, str) and bool(_NUMBER.fullmatch(number)), "out_trade_no")
        words.need(isinstance(subject, str) and 0 < len(subject) <= 256, "subject")
        words.need(not re.search("[/=&]", str(subject)), "subject")
        expires = _expiry(ask, now=now)
        words.need(expires > now, "time_expire")
        trade = Trade(
            channel="alipay",
            merchant=keys.SELLER_ID,
            app=keys.APP_ID,
            out_trade_no=str(number),
            amount_fen=words.fen(ask.get("total_amount"), "total_amount"),
            subject=str(subject),
            notify_url=given.get("notify_url", ""),
            return_url=given.get("return_url", ""),
            kind=given["method"],
            created_at=now,
            expires_at=expires,
            splitting=_freezes(ask),
        )
        return self._books.open(trade, now=now)

    def _query(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        trade = self._trade(ask)
        view = {
            "trade_no": trade.transaction_id or f"2026{trade.created_at:024d}",
            "out_trade_no": trade.out_trade_no,
            "buyer_logon_id": "san***@sandbox.cn",
            "trade_status": _status(trade, now=now),
            "total_amount": words.yuan(trade.amount_fen),
            "buyer_user_id": _BUYER,
        }
        return view | ({"send_pay_date": words.clock(trade.paid_at)} if trade.paid_at else {})

    def _close(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        trade = self._trade(ask)
        if trade.state_at(now) != "open":
            raise Clash("not_paid")
        self._books.close(trade)
        return {"out_trade_no": trade.out_trade_no}

    def _refund(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        trade = self._trade(ask)
        planned = self._faults.peek(trade).refund
        if planned == "fail":
            raise Refused(40004, "ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")
        self._splits.check_taken_back(trade, ask)
        number = str(ask.get("out_request_no") or trade.out_trade_no)
        part = words.fen(ask.get("refund_amount"), "refund_amount")
        refund, new = self._books.refund(trade, Refund(number, part, planned or "success", now))
        moved = new and refund.state == "success"
        if new:
            self._splits.take_back(trade, ask, number, now=now)
        if moved:
            self._tell(Notice(trade, refund))
        return {
            "trade_no": trade.transaction_id,
            "out_trade_no": trade.out_trade_no,
            "buyer_logon_id": "san***@sandbox.cn",
            "fund_change": "Y" if moved else "N",
            "refund_fee": words.yuan(trade.refunded_fen),
        }

    def _query_refund(self, given: dict[str, str], ask: dict[str, Any], *, now: int) -> dict[str, Any]:  # noqa: ARG002
        trade = self._trade(ask)
        known = [refund for refund in trade.refunds if refund.out_refund_no == ask.get("out_request_no")]
        if known and self._faults.peek(trade).refund != "processing" and self._books.settle(known[0]):
            self._tell(Notice(trade, known[0]))
        if not known or known[0].state != "success":
            return {}
        return {
            "trade_no": trade.transaction_id,
            "out_trade_no": trade.out_trade_no,
            "out_request_no": known[0].out_refund_no,
            "total_amount": words.yuan(trade.amount_fen),
            "refund_amount": words.yuan(known[0].amount_fen),
            "refund_status": "REFUND_SUCCESS",
        }

    def _trade(self, ask: dict[str, Any]) -> Trade:
        """A trade begins to exist when its code is scanned."""
        trade = self._books.find("alipay", str(ask.get("out_trade_no")))
        if not trade or not trade.scanned:
            raise Refused(40004, "ACQ.TRADE_NOT_EXIST", "交易不存在")
        return trade

    def _authenticate(self, given: dict[str, str]) -> None:
        if given.get("app_id") != keys.APP_ID:
            raise Refused(40002, "isv.invalid-app-id", "无效的AppID参数")
        signed = _joined({name: value for name, value in given.items() if name != "sign" and value})
        try:
            signature = base64.b64decode(given.get("sign", ""), validate=True)
            self._keys.alipay_app.public_key().verify(signature, signed, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise Refused(40002, "isv.invalid-signature", "验签出错，请确认签名内容与密钥") from None

    def _reply(self, method: str, content: dict[str, Any]) -> Answer:
        """The signature covers the very text of the response, escaped slashes included."""
        text = json.dumps(content, ensure_ascii=False).replace("/", "\\/")
        name = (
            f"{method.replace('.', '_')}_response" if re.fullmatch(r"[a-z.]+", method) else "error_response"
        )
        body = f'{{"{name}":{text},"sign":"{self._sign(text.encode())}"}}'
        return Answer(200, body.encode(), {"Content-Type": "text/html;charset=utf-8"})

    def _sign(self, content: bytes) -> str:
        return base64.b64encode(self._keys.alipay_platform.sign(content, PKCS1v15(), SHA256())).decode()


def _told(trade: Trade, *, total_fen: int, now: int) -> dict[str, str]:
    total = words.yuan(total_fen)
    return {
        "notify_time": words.clock(now),
        "notify_type": "trade_status_sync",
        "notify_id": trade.event_id,
        "charset": "utf-8",
        "version": "1.0",
        "app_id": trade.app,
        "auth_app_id": trade.app,
        "seller_id": trade.merchant,
        "trade_no": trade.transaction_id or "",
        "out_trade_no": trade.out_trade_no,
        "buyer_id": _BUYER,
        "trade_status": "TRADE_SUCCESS",
        "total_amount": total,
        "receipt_amount": total,
        "buyer_pay_amount": total,
        "point_amount": "0.00",
        "subject": trade.subject,
        "gmt_create": words.clock(trade.created_at),
        "gmt_payment": words.clock(trade.paid_at or now),
        "fund_bill_list": json.dumps([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]),
    }


def _freezes(ask: dict[str, Any]) -> bool:
    extend = ask.get("extend_params")
    return isinstance(extend, dict) and extend.get("royalty_freeze") == "true"


def _biz(given: dict[str, str]) -> dict[str, Any]:
    try:
        ask = json.loads(given.get("biz_content", ""))
    except (ValueError, RecursionError):
        ask = None
    words.need(isinstance(ask, dict), "biz_content")
    return dict(ask or {})


def _expiry(ask: dict[str, Any], *, now: int) -> int:
    """Fifteen days unless asked otherwise."""
    if "time_expire" not in ask:
        return now + 15 * 86_400
    try:
        return int(
            datetime.strptime(ask["time_expire"], words.TIME).replace(tzinfo=words.BEIJING).timestamp()
        )
    except (TypeError, ValueError):
        words.need(holds=False, name="time_expire")
        raise


def _status(trade: Trade, *, now: int) -> str:
    if trade.state == "paid":
        return "TRADE_CLOSED" if trade.refunded_fen == trade.amount_fen else "TRADE_SUCCESS"
    return {"open": "WAIT_BUYER_PAY", "closed": "TRADE_CLOSED"}[trade.state_at(now)]


def _failure(code: int, sub_code: str, sentence: str) -> dict[str, Any]:
    msg = "Business Failed" if code == 40004 else "Invalid Arguments"
    return {"code": str(code), "msg": msg, "sub_code": sub_code, "sub_msg": sentence}


def _joined(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()
