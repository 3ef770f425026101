"""WeChat's notifications and signatures: what it says of trades and refunds, sealed and signed."""

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from . import keys
from . import wechat_words as words
from .books import Refund, Trade
from .faults import Faults, Plan
from .notify import Notice

SCHEME = "WECHATPAY2-SHA256-RSA2048"

_FROM, _UNTIL = "2020-01-01T08:00:00+08:00", "2120-01-01T08:00:00+08:00"
_STALE = 600  # seconds, twice what a merchant may accept


class Notices:
    """One merchant's. `draw`: random hexadecimal digits of so many bytes."""

    def __init__(
        self, own: keys.Keys, faults: Faults, draw: Callable[[int], str] = secrets.token_hex
    ) -> None:
        self._keys = own
        self._faults = faults
        self._draw = draw

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """A sealed and signed TRANSACTION.SUCCESS, or what became of a refund."""
        trade = notice.trade
        if notice.refund:
            return self._refund_notice(trade, notice.refund, now=now)
        told = view(trade, now=now) | {"trade_state": "SUCCESS"}
        if plan.wrong_amount is not None:
            told["amount"] |= {"total": plan.wrong_amount, "payer_total": plan.wrong_amount}
        if plan.wrong_currency:
            told["amount"] |= {"currency": "USD"}
        envelope = {
            "id": f"EV-{trade.event_id}",
            "create_time": words.moment(trade.paid_at or now),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": self._sealed(json.dumps(told, ensure_ascii=False).encode(), "transaction"),
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        headers = self.signature(body, at=now - _STALE if plan.stale_timestamp else now)
        if plan.bad_signature:
            headers |= {"Wechatpay-Signature": self._sign(b"something else")}
        if plan.signtest:
            headers |= {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature']}"}
        return headers | {"Content-Type": "application/json"}, body

    def _refund_notice(self, trade: Trade, refund: Refund, *, now: int) -> tuple[dict[str, str], bytes]:
        state = refund.state.upper()
        view = refund_view(trade, refund) | {"mchid": trade.merchant, "refund_status": state}
        told = {
            name: value for name, value in view.items() if name not in {"status", "channel", "create_time"}
        }
        envelope = {
            "id": f"EV-{trade.event_id}{refund.out_refund_no}",
            "create_time": words.moment(now),
            "resource_type": "encrypt-resource",
            "event_type": f"REFUND.{state}",
            "summary": "退款通知",
            "resource": self._sealed(json.dumps(told, ensure_ascii=False).encode(), "refund"),
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        return self.signature(body, at=now) | {"Content-Type": "application/json"}, body

    def certificates(self) -> dict[str, Any]:
        """The certificate the channel changes to, known before it is in use."""
        sealed = self._sealed(self._keys.wechat_next_pem.encode(), "certificate")
        del sealed["original_type"]
        told = {"serial_no": keys.NEXT_SERIAL, "effective_time": _FROM, "expire_time": _UNTIL}
        return {"data": [told | {"encrypt_certificate": sealed}]}

    def signature(self, body: bytes, *, at: int) -> dict[str, str]:
        nonce = self._draw(16)
        return {
            "Wechatpay-Timestamp": str(at),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": keys.NEXT_SERIAL if self._faults.rotated() else keys.PUB_KEY_ID,
            "Wechatpay-Signature": self._sign(f"{at}\n{nonce}\n".encode() + body + b"\n"),
            "Wechatpay-Signature-Type": SCHEME,
            "Request-ID": self._draw(16).upper(),
        }

    def _sign(self, content: bytes) -> str:
        key = self._keys.wechat_next if self._faults.rotated() else self._keys.wechat_platform
        return base64.b64encode(key.sign(content, PKCS1v15(), SHA256())).decode()

    def _sealed(self, plain: bytes, kind: str = "transaction") -> dict[str, str]:
        nonce = self._draw(6)
        box = AESGCM(self._keys.wechat_api_v3).encrypt(nonce.encode(), plain, kind.encode())
        return {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(box).decode(),
            "associated_data": kind,
            "nonce": nonce,
        }


def view(trade: Trade, *, now: int) -> dict[str, Any]:
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
        "success_time": words.moment(trade.paid_at),
        "payer": {"openid": "oSandboxShopper000000000001"},
    }


def refund_view(trade: Trade, refund: Refund) -> dict[str, Any]:
    view: dict[str, Any] = {
        "refund_id": f"5030{refund.at:012d}{trade.out_trade_no[-12:]}",
        "out_refund_no": refund.out_refund_no,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": words.moment(refund.at),
        "status": refund.state.upper(),
        "amount": {"total": trade.amount_fen, "refund": refund.amount_fen, "currency": "CNY"},
    }
    return view | ({"success_time": words.moment(refund.at)} if refund.state == "success" else {})
