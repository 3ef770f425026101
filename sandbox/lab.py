"""Where notifications are tampered with: genuine ones, the gateway they are meant for, and others who can sign."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.payments import gateways

from . import alipay, authority, ecny, keys, unionpay, wechat
from .books import Books, Refund, Trade
from .faults import Faults, Plan
from .notify import Dialect, Notice

NOW = 1_795_340_502  # the moment at which everything happens
_SUBJECTS = ("话费充值 50 元，100% 秒到", "Q币+a=b&c%41", 'a "quoted", \\ "name"', "卡")
_TRUE = Plan()
_SCHEME_HEADER = "wechatpay-signature-type"
_MERCHANTS = {
    "wechat": (keys.MCHID, keys.APPID),
    "alipay": (keys.SELLER_ID, keys.APP_ID),
    "unionpay": (keys.MER_ID, ""),
    "ecny": (keys.ECNY_MERCHANT, keys.ECNY_WALLET),
}


@dataclass(frozen=True)
class Origin:
    """A genuine notification and what it tells."""

    headers: Mapping[str, str]
    body: bytes
    told: gateways.Payment | gateways.RefundNotice


@dataclass(frozen=True)
class Mutant:
    """What is sent instead, and when. `signed`: by the channel's own key."""

    kind: str
    origin: Origin
    headers: Mapping[str, str]
    body: bytes
    now: int = NOW
    signed: bool = False


class Lab:
    """One channel: the shop's gateway, the channel's side, and a few genuine notifications."""

    def __init__(self, channel: str, folder: Path) -> None:
        self.channel = channel
        self.keys = keys.load(folder)
        self.gateway = gateways.GATEWAYS[channel](keys.settings(folder, "http://127.0.0.1:9")[channel])
        self.random = Random(0)  # noqa: S311
        self.dialect = speaker(channel, self.keys, self.random)
        others = keys.load(folder / "stranger"), _reflected(self.keys)
        self.strangers = [speaker(channel, each, self.random) for each in others]
        self.origins = [self._origin(Notice(trade_of(channel, each))) for each in range(len(_SUBJECTS))]
        if channel != "unionpay":  # which tells of no refunds
            trade = trade_of(channel, len(_SUBJECTS))
            trade.refunds.append(Refund("DEMO0FUZZR1", trade.amount_fen, "success", NOW))
            self.origins.append(self._origin(Notice(trade, trade.refunds[0])))

    def reading(self, headers: Mapping[str, str], body: bytes) -> object:
        """What is read of a notification, whatever its spelling: equal for two that say the same."""
        if self.channel != "wechat":
            return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1"))
        lower = {name.lower(): value for name, value in headers.items()}
        named = [lower.get(f"wechatpay-{name}") for name in ("timestamp", "nonce", "signature", "serial")]
        return body, named, lower.get(_SCHEME_HEADER) in {None, "WECHATPAY2-SHA256-RSA2048"}

    def is_genuine(self, mutant: Mutant) -> bool:
        """Whether it came out as a notification that there is."""
        sent = (mutant.headers, mutant.body, mutant.now)
        return any(sent == (each.headers, each.body, NOW) for each in self.origins)

    def told(self, trade: Trade, by: Dialect, plan: Plan = _TRUE) -> tuple[dict[str, str], bytes]:
        """A notification of a trade."""
        return by.compose(Notice(trade), plan, now=NOW)

    def resigned(self, body: bytes, by: Dialect) -> dict[str, str]:
        """WeChat's headers around another body."""
        if not isinstance(by, wechat.WeChat):
            raise TypeError("only WeChat signs headers")
        return by.signature(body, at=NOW)

    def _origin(self, notice: Notice) -> Origin:
        headers, body = self.dialect.compose(notice, _TRUE, now=NOW)
        told = self.gateway.parse_notify(headers, body, now=NOW)
        if told is None:
            raise AssertionError("the sandbox told of nothing")
        return Origin(headers, body, told)


def trade_of(channel: str, number: int) -> Trade:
    """A paid trade."""
    merchant, app = _MERCHANTS[channel]
    return Trade(
        channel=channel,
        merchant=merchant,
        app=app,
        out_trade_no=f"DEMO0FUZZ{number:020d}1",
        amount_fen=(4950, 1, 100_000, 1999)[number % 4],
        subject=_SUBJECTS[number % len(_SUBJECTS)],
        notify_url="http://main.localhost/hooks",
        return_url="",
        kind="NATIVE",
        created_at=NOW - 60,
        expires_at=NOW + 900,
        token="t",  # noqa: S106
        event_id=f"{number:032x}",
        state="paid",
        transaction_id=f"420000179534050200000000{number:04d}",
        paid_at=NOW - 5,
    )


def speaker(channel: str, own: keys.Keys, random: Random | None = None) -> Dialect:
    """The channel's side, which only composes."""
    books, faults = Books(), Faults()
    if channel == "wechat":
        draw = partial(_drawn, random or Random())  # noqa: S311
        return wechat.WeChat(own, books, faults, cashier=_no_cashier, draw=draw)
    if channel == "alipay":
        return alipay.Alipay(own, books, faults, cashier=_no_cashier, tell=lambda _: None)
    if channel == "ecny":
        return ecny.ECny(own, books, faults, cashier=_no_cashier)
    return unionpay.UnionPay(own, books, faults, cashier=_no_cashier)


class Shown(authority.Authority):
    """Signs with any key under any certificate."""

    def __init__(self, key: rsa.RSAPrivateKey, pem: str) -> None:
        self._shown = key, pem

    def presented(self, fault: str) -> tuple[rsa.RSAPrivateKey, str]:  # noqa: ARG002
        """What was given."""
        return self._shown


def _reflected(own: keys.Keys) -> keys.Keys:
    """The merchant's own signatures, sent back to it as the channel's."""
    return replace(
        own,
        wechat_platform=own.wechat_merchant,
        wechat_next=own.wechat_merchant,
        alipay_platform=own.alipay_app,
        ecny_platform=own.ecny_merchant,
        unionpay=Shown(own.unionpay_merchant, own.unionpay.signer_pem),
    )


def _drawn(random: Random, size: int) -> str:
    return random.randbytes(size).hex()


def _no_cashier(trade: Trade) -> str:
    return trade.token
