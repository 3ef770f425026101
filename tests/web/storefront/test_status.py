"""The status page: honest, the same for everybody, and silent about how much is sold."""

from dataclasses import replace

import pytest
from chalice.test import Client

from chalicelib.checkout import service as checkout
from chalicelib.kit import errors
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.web.storefront import status
from tests.web.storefront.fake import Browser
from tests.web.storefront.markup import read

HOST = "demo.cardmesh.test"


@pytest.fixture
def guest(shop):
    from app import app

    status._seen.clear()
    with Client(app) as client:
        yield Browser(client, HOST)


def test_a_shop_that_runs_says_so_in_both_languages_and_has_nothing_to_hide(guest):
    shown = read(guest.get("/status"))
    assert shown.faults() == []
    for words in ("一切正常", "可以下单", "微信支付", "支付宝", "没有发现问题", "12:00:00 看过（北京时间）"):
        assert words in shown.text
    guest.cookies["lang"] = "en"
    assert "All is well" in read(guest.get("/status")).text


def test_every_page_leads_there(guest):
    assert read(guest.get("/")).all("a", href="/status")


def test_it_is_looked_at_once_in_half_a_minute_and_may_be_kept_as_long(guest, world, monkeypatch):
    asked = []
    calm = orders.Pulse(delivers=True, doubtful=frozenset())
    monkeypatch.setattr(orders, "pulse", lambda site, *, now: asked.append(now) or calm)
    for _ in range(3):
        answer = guest.get("/status")
    assert "s-maxage=30" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    world.now += 30
    guest.get("/status")
    assert asked == [world.now - 30, world.now]


def test_who_waits_for_codes_and_a_channel_in_doubt_are_told_without_a_number(guest, monkeypatch):
    found = orders.Pulse(delivers=False, doubtful=frozenset({"alipay", "ecny"}))
    monkeypatch.setattr(orders, "pulse", lambda *_site, **_now: found)
    shown = read(guest.get("/status")).text
    for words in (
        "有地方不太顺",
        "正在自动补发",
        "支付宝 最近用它下的单还没有人付成",
        "微信支付 没有发现问题",
    ):
        assert words in shown
    assert "数字人民币" not in shown  # this shop does not offer it


def test_a_shop_whose_tables_or_queue_do_not_answer_sells_nothing_and_says_so(guest, monkeypatch):
    def fails(_site):
        raise errors.NotReady

    monkeypatch.setattr(checkout, "health", fails)
    answer = guest.get("/status")
    assert answer.status_code == 200
    assert "暂时下不了单" in read(answer).text
    assert "微信支付" not in read(answer).text


def test_a_closed_shop_has_a_status(guest, monkeypatch):
    closed = replace(tenancy.site_at(HOST), state="suspended")
    monkeypatch.setattr(tenancy, "site_at", lambda _host: closed)
    assert "暂停营业" in read(guest.get("/status")).text
    assert guest.get("/").status_code == 503


def test_the_main_site_sells_nothing_and_has_none(guest):
    assert guest.get("/status", Host="main.cardmesh.test").status_code == 404
