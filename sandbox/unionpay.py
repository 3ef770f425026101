"""The channel's side of UnionPay 5.1.0: the front page that takes a form, refunds, queries; and its notifications."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from . import bills, keys, unionpay_bill
from .books import Books, Clash, Refund, Trade
from .exchange import Answer, Refused, Request
from .faults import Faults, Plan
from .notify import Notice

_BEIJING = timezone(timedelta(hours=8))
_TIME = "%Y%m%d%H%M%S"
FILES = "/filedownload/"
_DAY = re.compile(r"\d{4}", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Za-z]{8,40}", re.ASCII)
_FEN = re.compile(r"[1-9]\d{0,11}", re.ASCII)
_MOMENT = re.compile(r"\d{14}", re.ASCII)
_CURRENT = 7200  # seconds by which the txnTime of something new may differ from now
_ECHOED = ("txnType", "txnSubType", "bizType", "accessType", "merId", "orderId", "txnTime")
_SENTENCES = {
    "01": "交易失败。详情请咨询95516",
    "10": "报文格式错误",
    "11": "验证签名失败",
    "12": "重复交易",
    "31": "商户状态不正确",
    "32": "无此交易权限",
    "33": "交易金额超限",
    "34": "查无此交易",
    "35": "原交易不存在或状态不正确",
    "39": "交易不在受理时间范围内",
    "98": "文件不存在",
}
_CLASHES = {"paid": "12", "differs": "12", "closed": "39", "not_paid": "35", "too_much": "33"}
_REFUND_STATES = {"success": "00", "processing": "05", "abnormal": "01", "closed": "01"}


class UnionPay:
    """One merchant's account at the channel."""

    schedule: tuple[int, ...] = (60, 120, 240, 480)

    def __init__(
        self, own: keys.Keys, books: Books, faults: Faults, *, cashier: Callable[[Trade], str]
    ) -> None:
        self._keys = own
        self._books = books
        self._faults = faults
        self._cashier = cashier

    def answer(self, request: Request, *, now: int) -> Answer:
        """Serve one call: the front page sends the shopper to the cashier, the rest answers in signed fields."""
        given = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        front = request.path == "/gateway/api/frontTransReq.do"
        try:
            self._authenticate(given)
            if front:
                return Answer(302, b"", {"Location": self._cashier(self._open(given, now=now))})
            content = self._serve(request.path, given, now=now)
        except (Refused, Clash) as error:
            code = error.code if isinstance(error, Refused) else _CLASHES[error.why]
            content = {"respCode": code, "respMsg": f"{_SENTENCES[code]}[91000{code}]"}
        if front:
            return Answer(400, content["respMsg"].encode(), {"Content-Type": "text/plain; charset=utf-8"})
        return self._reply(given, content)

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """A form that tells of a payment. Refunds are not announced: merchants here ask for no notice of them."""
        told = _told(notice.trade, now=now)
        if plan.wrong_amount is not None:
            told |= {"txnAmt": str(plan.wrong_amount), "settleAmt": str(plan.wrong_amount)}
        if plan.wrong_currency:
            told |= {"currencyCode": "840"}
        form = self._signed(told, plan.certificate)
        if plan.bad_signature:
            form |= {"signature": self._signed({}, "")["signature"]}
        return {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}, urlencode(form).encode()

    def told(self, trade: Trade, *, now: int) -> dict[str, str]:
        """What the browser takes back to the shop: the same fields as the notification's."""
        return self._signed(_told(trade, now=now), "")

    def is_ack(self, status: int, body: str) -> bool:  # noqa: ARG002
        """The status alone counts."""
        return status == 200

    def _serve(self, path: str, given: dict[str, str], *, now: int) -> dict[str, str]:
        if (path, given.get("txnType")) == ("/gateway/api/queryTrans.do", "00"):
            return self._query(given, now=now)
        if (path, given.get("txnType")) == ("/gateway/api/backTransReq.do", "04"):
            return self._refund(given, now=now)
        if (path, given.get("txnType")) == (FILES, "76"):
            return self._file(given, now=now)
        raise _refused("32")

    def _open(self, given: dict[str, str], *, now: int) -> Trade:
        _need(given.get("txnType") == "01" and given.get("currencyCode") == "156")
        _need(given.get("channelType") in {"07", "08"} and bool(given.get("backUrl")))
        number, opened = _number(given), _sent_at(given, now=now)
        expires = _seconds(given.get("payTimeout", ""))
        trade = Trade(
            channel="unionpay",
            merchant=keys.MER_ID,
            app="",
            out_trade_no=number,
            amount_fen=_fen(given),
            subject="",
            notify_url=given["backUrl"],
            return_url=given.get("frontUrl", ""),
            kind=given["channelType"],
            created_at=opened,
            expires_at=expires,
        )
        if expires <= now:
            raise _refused("39")
        return self._books.open(trade, now=now)

    def _query(self, given: dict[str, str], *, now: int) -> dict[str, str]:
        """Transactions are known by number and time together, and begin when somebody pays."""
        number, at = _number(given), _seconds(given.get("txnTime", ""))
        trade = self._books.find("unionpay", number)
        if trade and trade.state == "paid" and trade.created_at == at:
            return _told(trade, now=now) | {"origRespCode": "00", "origRespMsg": "成功[0000000]"}
        found = self._books.find_refund("unionpay", number)
        if not found or found[1].at != at:
            raise _refused("34")
        trade, refund = found
        if self._faults.peek(trade).refund != "processing":
            self._books.settle(refund)
        state = {"origRespCode": _REFUND_STATES[refund.state], "txnAmt": str(refund.amount_fen)}
        return (
            _told(trade, now=now)
            | state
            | {"queryId": f"{now:021d}", "origQryId": trade.transaction_id or ""}
        )

    def _refund(self, given: dict[str, str], *, now: int) -> dict[str, str]:
        number, at = _number(given), _seconds(given.get("txnTime", ""))
        trade = self._books.by_transaction("unionpay", given.get("origQryId", ""))
        if not trade:
            raise _refused("35")
        planned = self._faults.peek(trade).refund
        if planned == "fail":
            raise _refused("32")
        if not self._books.find_refund("unionpay", number):
            _sent_at(given, now=now)
        refund = Refund(number, _fen(given), planned or "success", at)
        if not self._books.refund(trade, refund)[1]:
            raise _refused("12")
        return {"respCode": "00", "respMsg": "成功[0000000]", "queryId": f"{now:021d}"}

    def _file(self, given: dict[str, str], *, now: int) -> dict[str, str]:
        """The day is of the last twelve months: the request names no year."""
        today, differences = _clock(now)[:8], self._faults.bill("unionpay")
        _need(bool(_DAY.fullmatch(given.get("settleDate", ""))))
        day = f"{int(today[:4]) - (given['settleDate'] > today[4:])}{given['settleDate']}"
        if not bills.is_ready(day, differences, now=now):
            raise _refused("98")
        packed = unionpay_bill.write(bills.entries(self._books, "unionpay", day, differences), day)
        file = unionpay_bill.content(bills.spoiled(packed, differences))
        told = {"respCode": "00", "respMsg": "成功[0000000]", "settleDate": given["settleDate"]}
        return told | {"fileContent": file, "fileName": f"{keys.MER_ID}_{day}.zip", "fileType": "00"}

    def _authenticate(self, given: dict[str, str]) -> None:
        _need(given.get("version") == "5.1.0" and given.get("signMethod") == "01")
        if given.get("merId") != keys.MER_ID:
            raise _refused("31")
        content = {name: value for name, value in given.items() if name != "signature"}
        try:
            _need(given.get("certId") == keys.CERT_ID)
            signature = base64.b64decode(given.get("signature", ""), validate=True)
            key = self._keys.unionpay_merchant.public_key()
            key.verify(signature, _digest(content), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise _refused("11") from None

    def _reply(self, given: dict[str, str], content: dict[str, str]) -> Answer:
        """Fields as they are, not encoded."""
        echoed = {name: given[name] for name in _ECHOED if given.get(name)}
        fields = self._signed(content | echoed, "")
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        return Answer(200, body.encode(), {"Content-Type": "text/html;charset=UTF-8"})

    def _signed(self, content: dict[str, str], fault: str) -> dict[str, str]:
        key, certificate = self._keys.unionpay.presented(fault)
        fixed = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "signPubKeyCert": certificate}
        fields = content | fixed
        signature = key.sign(_digest(fields), PKCS1v15(), SHA256())
        return fields | {"signature": base64.b64encode(signature).decode()}


def _told(trade: Trade, *, now: int) -> dict[str, str]:
    paid = _clock(trade.paid_at or now)
    return {
        "accessType": "0",
        "bizType": "000201",
        "currencyCode": "156",
        "merId": trade.merchant,
        "orderId": trade.out_trade_no,
        "queryId": trade.transaction_id or "",
        "respCode": "00",
        "respMsg": "成功[0000000]",
        "settleAmt": str(trade.amount_fen),
        "settleCurrencyCode": "156",
        "settleDate": paid[4:8],
        "traceNo": (trade.transaction_id or "")[-6:],
        "traceTime": paid[4:],
        "txnAmt": str(trade.amount_fen),
        "txnSubType": "01",
        "txnTime": _clock(trade.created_at),
        "txnType": "01",
    }


def _digest(fields: dict[str, str]) -> bytes:
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hashlib.sha256(joined.encode()).hexdigest().encode()


def _refused(code: str) -> Refused:
    return Refused(200, code, _SENTENCES[code])


def _need(holds: bool) -> None:  # noqa: FBT001
    if not holds:
        raise _refused("10")


def _number(given: dict[str, str]) -> str:
    number = given.get("orderId", "")
    _need(bool(_NUMBER.fullmatch(number)))
    return number


def _fen(given: dict[str, str]) -> int:
    amount = given.get("txnAmt", "")
    _need(bool(_FEN.fullmatch(amount)))
    return int(amount)


def _sent_at(given: dict[str, str], *, now: int) -> int:
    """The txnTime of something new, which must be now."""
    at = _seconds(given.get("txnTime", ""))
    _need(abs(now - at) <= _CURRENT)
    return at


def _seconds(text: str) -> int:
    _need(bool(_MOMENT.fullmatch(text)))
    try:
        return int(datetime.strptime(text, _TIME).replace(tzinfo=_BEIJING).timestamp())
    except ValueError:
        raise _refused("10") from None


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at, _BEIJING).strftime(_TIME)
