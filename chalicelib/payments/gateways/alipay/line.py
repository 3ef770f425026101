"""The line to Alipay: forms signed by the application, answers signed as the exact text that came."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.kit import clock, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways import wire

TIME = "%Y-%m-%d %H:%M:%S"

_FORM = "application/x-www-form-urlencoded;charset=utf-8"
_LARGEST = 64 << 20  # bytes of a bill
_PATIENCE = 30.0  # seconds for one


@dataclass(frozen=True)
class Settings:
    """One application of one seller. Keys are PEM; the public key is Alipay's, not the application's."""

    app_id: str
    seller_id: str
    private_key_pem: str = field(repr=False)
    alipay_public_key_pem: str
    base_url: str = "https://openapi.alipay.com"
    bills_url: str = "https://dwbillcenter.alipay.com"  # where bills are, and nowhere else
    split_cap_bps: int = 3000  # more by agreement
    pc_page: bool = False  # a PC goes to Alipay's own page instead of being shown a code


class Line:
    """One application's line."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.merchant = settings.seller_id
        self.app = settings.app_id
        self.home = settings.base_url
        self.url = f"{settings.base_url}/gateway.do"

    def signed(
        self, method: str, ask: Mapping[str, object], *, now: int, extra: Mapping[str, str]
    ) -> dict[str, str]:
        fields = {
            "app_id": self.app,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": clock.beijing(now).strftime(TIME),
            "version": "1.0",
            "biz_content": json.dumps(ask, ensure_ascii=False),
        } | {name: value for name, value in extra.items() if value}
        return fields | {"sign": wire.sign(self._settings.private_key_pem, wire.joined(fields))}

    def call(
        self, method: str, ask: Mapping[str, object], *, now: int, extra: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        body = urlencode(self.signed(method, ask, now=now, extra=extra or {})).encode()
        headers = {"Content-Type": _FORM, "Accept": "application/json", "User-Agent": "cardmesh"}
        reply = outbound.call("POST", self.url, headers=headers, body=body)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        try:
            return _settle(self._believe(reply.body, f"{method.replace('.', '_')}_response"))
        except (ValueError, RecursionError) as error:
            raise outbound.Unknown(str(error)) from None

    def fetch(self, url: str) -> bytes:
        """A file behind an address that the channel gave and that serves whoever has it. Raises NotSent, Unknown."""
        home = self._settings.bills_url
        given = re.sub("^http:", "https:", url) if home.startswith("https:") else url
        if not given.startswith(f"{home}/"):
            raise outbound.Unknown("a file that is somewhere else")
        agent = {"User-Agent": "cardmesh"}
        reply = outbound.call("GET", given, headers=agent, seconds=_PATIENCE, largest=_LARGEST)
        if reply.status != 200:
            raise outbound.Unknown(f"status {reply.status}")
        return reply.body

    def _believe(self, body: bytes, name: str) -> dict[str, Any]:
        """The answer, parsed from the very text its signature covers. Raises Malformed."""
        signature = wire.take(wire.parse(body), "sign", kind=str)
        text = body.decode()
        start = re.search(rf'"(?:{name}|error_response)"\s*:\s*(?=\{{)', text)
        if not start:
            raise wire.Malformed("the answer is about another call")
        _, end = json.JSONDecoder().raw_decode(text, start.end())
        signed = text[start.end() : end]
        if not wire.is_signed(self._settings.alipay_public_key_pem, signature, signed.encode()):
            raise wire.Malformed("the signature does not fit")
        return wire.parse(signed.encode())

    def verify(self, fields: dict[str, str]) -> None:
        """Raises Malformed."""
        if fields.get("sign_type") != "RSA2":
            raise wire.Malformed("another kind of signature")
        content = wire.joined({k: v for k, v in fields.items() if k not in {"sign", "sign_type"}})
        if not wire.is_signed(self._settings.alipay_public_key_pem, fields.get("sign", ""), content):
            raise wire.Malformed("the signature does not fit")


def _settle(answer: dict[str, Any]) -> dict[str, Any]:
    """Success, or one of the two ways to fail. Raises Declined, Unknown."""
    code, reason = str(answer.get("code")), str(answer.get("sub_code", ""))
    if code == "10000":
        return answer
    if code not in {"20001", "40001", "40002", "40004", "40006"} or "SYSTEM_ERROR" in reason:
        raise outbound.Unknown(f"{code} {reason}".strip())
    raise gateways.Declined(reason or code, str(answer.get("sub_msg") or answer.get("msg") or ""))


def moment(text: str) -> int:
    """Seconds of a Beijing wall-clock time. Raises ValueError."""
    return int(datetime.strptime(text, TIME).replace(tzinfo=clock.BEIJING).timestamp())
