"""A small shop behind the faces: real goods and prices, orders that stay in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

import app
from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, config, errors
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.orders.rules import Step
from chalicelib.payments import service as payments
from chalicelib.pricing import service as pricing
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet

NOW = 1_795_600_000
HOST = "demo.localhost"
NUMBER = "DEM0A1PCZZZZ" + "0123456789ABCDEF"
FORM = "application/x-www-form-urlencoded"

SITE = tenancy.Site(
    site="dem0",
    slug="demo",
    host=HOST,
    state="active",
    brand=tenancy.Brand(
        name="青柚数卡",
        tagline="会员和充值，付款秒到",
        color="#0f766e",
        logo="柚",
        notice="周末客服 9:00–23:00，卡密全天自动发货。",
    ),
    plan="standard",
    channels=("wechat", "alipay", "unionpay"),
    blocks=frozenset({"members", "wholesale"}),
    follow=True,
    note="",
    opened_at=0,
)


def offer(
    goods_id: str, name: str, category: str, kind: str, face_value: str, price_fen: int, **other: Any
) -> catalog.Offer:
    given = {
        "owner": "main",
        "way": "pool",
        "notes": "",
        "floor_fen": price_fen // 2,
        "wholesale_fen": price_fen // 3,
        "most": 100,
        "tiers": (),
        "sale": None,
        "version": 1,
    }
    return catalog.Offer(
        goods_id=goods_id,
        name=name,
        category=category,
        kind=kind,
        face_value=face_value,
        price_fen=price_fen,
        **{**given, **other},
    )


NOTES = (
    "打开腾讯视频 App → 个人中心 → 兑换码。\n每个账号每月最多兑换 3 个，不支持退换。\n有效期至 2027-12-31。"
)

OFFERS = (
    offer(
        "tx-month",
        "腾讯视频 VIP 月卡",
        "视频会员",
        "membership",
        "1 个月",
        2500,
        sale=catalog.Sale(fen=2280, start=NOW - 3600, end=NOW + 86_400),
        tiers=(catalog.Tier(10, 2200), catalog.Tier(50, 2090)),
        notes=NOTES,
    ),
    offer(
        "bili-year",
        "哔哩哔哩大会员年卡（不含电视端，含 4K 与杜比）",
        "视频会员",
        "membership",
        "12 个月",
        14_800,
    ),
    offer("iqiyi", "爱奇艺白金季卡", "视频会员", "membership", "3 个月", 10_800),
    offer("netease", "网易云音乐黑胶季卡", "音乐会员", "membership", "3 个月", 4500),
    offer("qq-music", "QQ 音乐绿钻豪华版", "音乐会员", "membership", "1 个月", 1500),
    offer("steam-100", "Steam 充值卡 国区", "游戏点卡", "card", "¥100", 9850),
    offer("steam-50", "Steam 充值卡 国区", "游戏点卡", "card", "¥50", 4950),
    offer("xbox", "Xbox Game Pass Ultimate", "游戏点卡", "card", "1 个月", 5900),
    offer("mobile-50", "中国移动话费 全国通用", "话费流量", "topup", "¥50", 4980, way="manual"),
    offer("jetbrains", "JetBrains 全家桶 个人授权", "软件授权", "licence", "1 年", 128_000),
    offer("win11", "Windows 11 专业版 正版密钥", "软件授权", "licence", "永久", 16_800),
    offer("setup", "远程装机 一次", "上门与远程", "service", "", 6900, way="manual"),
    offer("course", "Python 数据分析 30 讲", "学习课程", "course", "", 9900),
)
LEVELS = {"tx-month": 240, "steam-50": 3, "xbox": 0}


@dataclass(frozen=True)
class Order:
    """What the faces read of an order."""

    number: str = NUMBER
    site: str = "dem0"
    status: str = "pending"
    goods_id: str = "tx-month"
    goods_name: str = "腾讯视频 VIP 月卡"
    quantity: int = 2
    amount_fen: int = 4560
    channel: str = "wechat"
    placed_at: int = NOW - 20
    expires_at: int = NOW + 880
    progress: tuple[Step, ...] = (Step(NOW - 20, "placed"),)
    member: str | None = None
    contact_masked: str = "138****21"
    way: str = "pool"
    balance_fen: int = 0
    refunds: int = 0
    refunded_fen: int = 0
    delivered_at: int | None = None
    waiver: int = 1

    @property
    def channel_fen(self) -> int:
        return self.amount_fen - self.balance_fen


LINK = payments.PayLink("qr", "http://127.0.0.1:8001/cashier/wxpay/bizpayurl?pr=p4lpSuKzz")


@dataclass
class Shop:
    """The state of the shop and what was asked of it. Patch it in with `open_shop`."""

    site: tenancy.Site = SITE
    offers: tuple[catalog.Offer, ...] = OFFERS
    order: Order = field(default_factory=Order)
    codes: list[str] = field(default_factory=list)
    link: payments.PayLink = LINK
    device: str = ""
    refusal: errors.ShopError | None = None
    member: membership.Member | None = None
    asks: list[checkout.Ask] = field(default_factory=list)
    purse: wallet.Entry = field(default_factory=wallet.Entry)
    terms: wallet.Terms = field(default_factory=wallet.Terms)
    names: list[wallet.Name] = field(default_factory=list)
    entries: list[wallet.Entry] = field(default_factory=list)

    def reach(self, status: str, *steps: str, codes: tuple[str, ...] = ()) -> None:
        """Let the order get as far as named."""
        told = tuple(Step(NOW - 20 + 3 * n, what) for n, what in enumerate(("placed", *steps)))
        self.order = replace(self.order, status=status, progress=told)
        self.codes = list(codes)

    def at(self, host: str) -> tenancy.Site | None:
        if host == "main.localhost":
            return None
        if host != self.site.host:
            raise errors.NotFound
        return self.site

    def place(
        self, _site: str, ask: checkout.Ask, *, member: str | None, device: str, **_edge: Any
    ) -> checkout.Placed:
        if self.refusal:
            raise self.refusal
        replayed = any(ask.key == known.key for known in self.asks)
        self.asks.append(ask)
        self.order = replace(self.order, quantity=ask.quantity, channel=ask.channel, member=member)
        self.device = device
        return checkout.Placed(self.order, replayed)  # type: ignore[arg-type]

    def pay_link(self, *_args: Any, now: int, address: str) -> payments.PayLink:
        if self.refusal:
            raise self.refusal
        return self.link

    def switch(self, _site: str, _number: str, channel: str, *, device: str) -> Order:
        self.order = replace(self.order, channel=channel)
        return self.order

    def find(self, _site: str, number: str) -> Order:
        if number != self.order.number:
            raise errors.NotFound
        return self.order

    def may_read(self, _site: str, number: str, contact: str, password: str, **_edge: Any) -> Order:
        if self.refusal:
            raise self.refusal
        if (number, contact, password) != (self.order.number, "13800138021", "4321"):
            raise errors.NotFound
        return self.order

    def log_in(self, _site: str, login: str, password: str, **_edge: Any) -> str:
        if password != "correct horse":
            raise membership.WrongLogin
        self.member = membership.Member(f"member-{login}", login)
        return "a-token"

    def log_out(self, _site: str, _token: str) -> None:
        self.member = None

    def check_form(self, _site: str, _token: str, given: str) -> None:
        if given != "a-form-token":
            raise membership.Forbidden


@contextmanager
def opened(shop: Shop, **environment: str) -> Iterator[Client]:
    """A client of the faces with the shop behind them; everything is as before afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        yield open_shop(patch, shop, **environment)
    config.load.cache_clear()


def open_shop(patch: pytest.MonkeyPatch, shop: Shop, **environment: str) -> Client:
    """Put the shop behind the faces; a client of them."""
    settings = {"KEY_ID": "key", "SITE_DOMAIN": "localhost", "PUBLIC_SCHEME": "http", **environment}
    for name, value in settings.items():
        patch.setenv(name, value)
    config.load.cache_clear()
    patch.setattr(clock, "source", lambda: NOW)
    _patch_browsing(patch, shop)
    _patch_buying(patch, shop)
    return Client(app.app)


def _patch_browsing(patch: pytest.MonkeyPatch, shop: Shop) -> None:
    patch.setattr(tenancy, "site_at", shop.at)
    patch.setattr(catalog, "shelf", lambda _site: catalog.Shelf(offers=shop.offers, version=1, at=NOW))
    patch.setattr(stock, "levels", lambda keys: {key: LEVELS.get(key[1], 60) for key in keys})
    patch.setattr(membership, "sign_up", shop.log_in)
    patch.setattr(membership, "log_in", shop.log_in)
    patch.setattr(membership, "log_out", shop.log_out)
    patch.setattr(membership, "member_of", lambda _site, _token, now: shop.member)
    patch.setattr(membership, "form_token", lambda _site, _token: "a-form-token")
    patch.setattr(membership, "check_form", shop.check_form)
    patch.setattr(wallet, "newest", lambda _site, _member: shop.purse)
    patch.setattr(wallet, "terms", lambda _site, _member: shop.terms)
    patch.setattr(wallet, "history", lambda _site, _member, before: shop.entries)
    patch.setattr(wallet, "names_of", lambda _site, _member: shop.names)
    patch.setattr(wallet, "consents", lambda _site, _member: [(NOW, wallet.CONSENT, 5000)])
    patch.setattr(wallet, "device_of", lambda _site, _member, cookie: cookie)


def _patch_buying(patch: pytest.MonkeyPatch, shop: Shop) -> None:
    shelf = catalog.Shelf(offers=shop.offers, version=1, at=NOW)
    patch.setattr(checkout, "quote", lambda _s, gid, n, now: pricing.quote(shelf.find(gid), n, now))
    patch.setattr(checkout, "new_key", lambda _site, now: "a-signed-key")
    patch.setattr(checkout, "read_key", lambda _site, key, now: (key, now))
    patch.setattr(checkout, "place", shop.place)
    patch.setattr(checkout, "pay_link", shop.pay_link)
    patch.setattr(checkout, "switch_channel", shop.switch)
    patch.setattr(checkout, "health", lambda _site: None)
    patch.setattr(orders, "order", shop.find)
    patch.setattr(
        orders, "orders", lambda _s, numbers: {n: shop.order for n in numbers if n == shop.order.number}
    )
    patch.setattr(
        orders, "of_member", lambda _s, member, before: [shop.order] if shop.order.member == member else []
    )
    patch.setattr(orders, "may_read", shop.may_read)
    patch.setattr(orders, "receipts", lambda _s, cookie, now: tuple(cookie.split("-")) if cookie else ())
    patch.setattr(orders, "receipt_cookie", lambda _s, _old, number, now: number)
    patch.setattr(fulfilment, "codes_of", lambda _order: shop.codes)


class Browser:
    """Keeps cookies and speaks as a browser does."""

    def __init__(self, client: Client, host: str = HOST, **headers: str) -> None:
        self.client = client
        self.headers = {"Host": host, **headers}
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> HTTPResponse:
        return self._send("GET", path, b"", headers)

    def post(self, path: str, body: bytes, **headers: str) -> HTTPResponse:
        return self._send("POST", path, body, {"Content-Type": FORM, **headers})

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        given = {**self.headers, **headers}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.client.http.request(method, path, headers=given, body=body)
        self._keep(answer.headers.get("Set-Cookie", []))
        return answer

    def _keep(self, given: list[str] | str) -> None:
        for one in [given] if isinstance(given, str) else given:
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies[name] = value
