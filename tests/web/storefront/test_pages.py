from dataclasses import replace
from urllib.parse import quote

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.web.storefront import pages
from tests.web.storefront import fake
from tests.web.storefront.markup import read


def test_the_counter_shows_every_offer_with_price_stock_and_delivery_in_words(browser):
    shown = read(browser.get("/"))
    assert len([link for link in shown.all("a") if "tile" in (link.get("class") or "")]) == len(fake.OFFERS)
    for words in ("腾讯视频 VIP 月卡", "1 个月", "充足", "秒到", "仅剩 3", "暂时售罄", "人工发货"):
        assert words in shown.text


def test_a_timed_price_is_shown_beside_the_price_it_replaces(browser):
    shown = read(browser.get("/goods/tx-month"))
    assert "¥ 22 .80 ¥25.00" in shown.text
    assert "限时价，到 11-26 17:46" in shown.text


@pytest.mark.parametrize("path", ["/", "/?q=steam", "/goods/tx-month"])
def test_an_edge_may_keep_what_every_guest_sees_for_some_seconds(browser, path):
    answer = browser.get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=30, stale-while-revalidate=30"
    assert answer.headers["Vary"] == "Accept-Language, Cookie"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/goods/tx-month"])
def test_no_edge_keeps_what_a_member_sees(browser, path):
    answer = browser.get(path, Cookie="member=abc")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body != browser.get(path).body


@pytest.mark.parametrize("path", ["/goods/unknown", "/buy/tx-month", "/orders", "/login"])
def test_no_edge_keeps_what_is_not_there_or_one_person_s(browser, path):
    assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_what_a_guest_sees_tells_guests_apart_by_their_language_alone(browser):
    guest = {"Cookie": "lang=zh-CN; order=abc; device=def", "User-Agent": "Android Mobile"}
    for path in ("/", "/goods/tx-month"):
        assert browser.get(path, **guest).body == browser.get(path).body
        assert browser.get(path, Cookie="lang=en").body != browser.get(path).body


def test_what_is_sold_out_stands_last(browser):
    links = [link["href"] for link in read(browser.get("/")).all("a") if "tile" in (link.get("class") or "")]
    assert links[-1] == "/goods/xbox"


def test_a_search_finds_by_name_and_says_how_many(browser):
    shown = read(browser.get("/?q=steam"))
    assert "“steam” 共 2 件" in shown.text
    assert shown.all("input", name="q")[0]["value"] == "steam"


def test_a_search_for_nothing_leads_on(browser):
    shown = read(browser.get("/?q=zzz"))
    assert "没有找到这样的商品" in shown.text
    assert shown.all("a", **{"class": "button", "href": "/"})


def test_a_category_shows_its_goods_only(browser):
    shown = read(browser.get(f"/?category={quote('软件授权')}"))
    assert "JetBrains" in shown.text
    assert "腾讯视频" not in shown.text
    assert shown.all("a", **{"aria-current": "page"})[0]["href"] == f"/?category={quote('软件授权')}"


def test_an_empty_counter_says_so(browser, store):
    store.offers = ()
    assert "柜台正在上货" in read(browser.get("/")).text


def test_a_long_counter_comes_in_pages(browser, store):
    count = pages.PER_PAGE + 3
    store.offers = tuple(fake.offer(f"g{n:03}", f"点卡 {n}", "游戏", "card", "¥1", 100) for n in range(count))
    first = read(browser.get("/"))
    more = next(link for link in first.all("a") if "from=" in (link["href"] or ""))
    rest = read(browser.get(str(more["href"])))
    assert len([link for link in rest.all("a") if "tile" in (link.get("class") or "")]) == 3


def test_the_goods_page_explains_and_leads_to_the_checkout(browser):
    shown = read(browser.get("/goods/tx-month"))
    assert "打开腾讯视频 App" in shown.text
    assert "10 件起，每件" in shown.text
    assert shown.all("form", action="/buy/tx-month", method="get")
    assert shown.all("meta", property="og:title")[0]["content"] == "腾讯视频 VIP 月卡 · 青柚数卡"
    assert shown.all("link", rel="canonical")[0]["href"] == "http://demo.localhost/goods/tx-month"


def test_sold_out_goods_offer_no_button_to_buy(browser):
    shown = read(browser.get("/goods/xbox"))
    assert not shown.all("button", **{"class": "button"})
    assert "刚好卖完了" in shown.text


def test_goods_unknown_here_are_a_warm_404(browser):
    answer = browser.get("/goods/none")
    assert answer.status_code == 404
    assert "已付的钱是安全的" in read(answer).text


@pytest.mark.parametrize(("lang", "words"), [("zh-CN", "请告诉他这个编号"), ("en", "give them this number")])
def test_a_failure_of_ours_has_a_number_to_tell_and_a_refusal_none(browser, monkeypatch, lang, words):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    browser.cookies["lang"] = lang
    given = {"traceparent": f"00-{trace}-00f067aa0ba902b7-00"}
    assert words not in read(browser.get("/goods/none", **given)).text
    monkeypatch.setattr(catalog, "shelf", lambda _site: 1 / 0)
    answer = browser.get("/", **given)
    assert answer.status_code == 500
    assert words in read(answer).text
    assert trace in read(answer).text


def test_the_main_site_has_no_counter_but_a_console(browser):
    answer = browser.get("/", Host="main.localhost")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")


def test_a_host_nobody_opened_a_shop_at_is_a_404_page(browser):
    answer = browser.get("/", Host="other.localhost")
    assert answer.status_code == 404
    assert "CardMesh" in read(answer).text


def test_a_closed_shop_sells_nothing_but_still_shows_receipts(browser, store):
    store.site = replace(store.site, state="suspended")
    closed = browser.get("/")
    assert closed.status_code == 503
    assert "本店暂停营业" in read(closed).text
    assert browser.get("/orders").status_code == 200


@pytest.mark.parametrize(
    ("referer", "place"),
    [
        ("http://demo.localhost/goods/tx-month?x=1", "/goods/tx-month?x=1"),
        ("http://demo.localhost//evil.example/", "/evil.example/"),
        ("http://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_choosing_a_language_returns_to_where_one_was_on_this_site_only(browser, referer, place):
    answer = browser.get("/lang/en", Referer=referer)
    assert (answer.status_code, answer.headers["Location"]) == (303, place)
    assert browser.cookies["lang"] == "en"
    assert "In stock" in read(browser.get("/")).text


def test_there_are_two_languages(browser):
    assert browser.get("/lang/fr").status_code == 404


def test_a_browser_that_prefers_english_gets_it(browser):
    answer = browser.get("/", **{"Accept-Language": "en-GB,en;q=0.9"})
    assert read(answer).all("html")[0]["lang"] == "en"


def test_robots_stay_out_of_what_belongs_to_one_person(browser):
    body = browser.get("/robots.txt").body.decode()
    assert "Disallow: /orders\n" in body
    assert "Disallow: /\n" not in body
