"""What only a real browser shows: legibility, width, keys, files, drawers."""

import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, tenant
from chalicelib.lifecycle import service as lifecycle
from chalicelib.settlement import service as settlement
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy
from tests import make
from tests.tenancy.test_admission import TERMS, apply

from .conftest import Person, buy, east_party, put_domains, sign_in

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "chalicelib/web/static"
VENDOR = {
    "vendor/tabler.min.css": ROOT / "node_modules/@tabler/core/dist/css/tabler.min.css",
    "vendor/echarts.min.js": ROOT / "node_modules/echarts/dist/echarts.min.js",
    "vendor/fflate.js": ROOT / "node_modules/fflate/umd/index.js",
}
MEASURE = (ROOT / "tests/web/storefront/measure.js").read_text("utf-8")
CRAMPED = """[...document.querySelectorAll('.btn, button, .menu a, select, textarea, input:not([type=hidden])')]
  .filter(e => !e.matches('[type=checkbox], .btn-sm') && e.offsetParent && e.getBoundingClientRect().height < 44)
  .map(e => e.outerHTML.slice(0, 80))"""
UNNAMED = """[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
  .filter(e => !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML.slice(0, 80))"""
WIDTH = "document.documentElement.scrollWidth"
PHONE, SCREEN = {"width": 360, "height": 780}, {"width": 1440, "height": 900}


class Applicant(Person):
    """Somebody who is nobody's yet."""

    home = "/apply"


@pytest.fixture
def sit(chromium):
    """Open a path as a person; the browser's console may not complain. Requests are answered in this thread."""
    contexts, complaints = [], []

    def open_page(person, path, *, viewport=SCREEN, **options):
        context = chromium.new_context(
            viewport=viewport, locale="zh-CN", base_url=f"https://{person.host}", **options
        )
        url = f"https://{person.host}"
        context.add_cookies([{"name": person.cookie, "value": person.token, "url": url}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.route("**/*", lambda route, request: answer(person, route, request))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    refused = ("status of 413", "status of 422")
    assert [one for one in complaints if not any(each in one for each in refused)] == []


def answer(person, route, request):
    place = urlsplit(request.url)
    name = place.path.removeprefix("/static/")
    if name != place.path:
        route.fulfill(path=VENDOR.get(name, STATIC / name))
        return
    headers = {key: text for key, text in request.all_headers().items() if key != "host"}
    path = f"{place.path}?{place.query}" if place.query else place.path
    body = request.post_data_buffer or b""
    got = person.client.http.request(
        request.method, path, headers={"Host": place.netloc, **headers}, body=body
    )
    plain = {key: text if isinstance(text, str) else "\n".join(text) for key, text in got.headers.items()}
    route.fulfill(status=got.status_code, headers=plain, body=got.body)


@pytest.fixture
def busy(world, shop, staff, owner, east, tenants):
    """A shop with sales, own goods and an order that waits for a person; every page of both consoles."""
    with tenant.acting_for(shop.site):
        by_hand = make.make_goods(name="JetBrains 全家桶授权（个人，一年）", way="manual", kind="licence")
        own = make.make_goods(shop.site, name="自制壁纸包", wholesale_fen=0, floor_fen=0)
        make.make_codes(shop.site, own.goods_id, 3)
        catalog.publish(shop.site, now=world.now)
        catalog.forget()
    since = {"since": world.now}
    waits, failed = (
        {"state": "dns", "looked": world.now},
        {"state": "failed", "why": "elsewhere", "told": "x"},
    )
    put_domains(shop, {"cards.example.org": waits | since, "www.example.org": failed | since})
    sold = buy(world, shop, quantity=2)
    with tenant.acting_for(shop.site):
        settlement.request(sold, settlement.Wish("卡密无效", pieces=1), now=world.now)
    waiting = buy(world, shop, goods_id=by_hand.goods_id)
    shared = ("", "/goods", "/goods/new", "/stock", "/orders", f"/orders/{waiting.number}")
    mains = ("/channels", "/channels/wechat/mwechat", "/channels/unionpay/new")
    mains += ("/payouts", f"/payouts/party/{shop.site}", f"/account?party={shop.site}")
    mains += ("/splits", "/agents", f"/receivers/{shop.site}", f"/account?party={east_party()}")
    mains += ("/cases", "/sites", "/sites/new", f"/sites/{shop.site}", "/plans", f"/stock/{shop.goods_id}")
    mains += ("/logs",)
    shared += ("/refunds", f"/orders/{sold.number}", f"/orders/{sold.number}/journey")
    reference = apply(world)
    proposed = apply(world, key="z" * 26, slug="other")[:8]
    tenancy.propose(proposed, **TERMS, by="anna", now=world.now)
    mains += ("/applications", f"/applications/{reference[:8]}", f"/applications/{proposed}")
    stranger = Applicant(staff.client, staff.host, "nobody")
    owners = ("/withdraw", "/account", "/splits", "/leave", "/domains")
    owners += ("/listing", "/statement", "/statement?day=2026-01-01", "/settings", f"/goods/{own.goods_id}")
    partners = ("", "/orders", "/account", "/withdraw")
    places = [(staff, shared + mains), (owner, shared + owners), (east, partners)]
    places += [(stranger, ("", f"/{reference}"))]
    return [(person, f"{person.home}{path}") for person, paths in places for path in paths]


def test_every_page_is_legible_light_and_dark_and_works_on_a_phone(sit, busy):
    pages = {}
    for person, path in busy:
        page = pages.setdefault(
            person.token, pages.get(person.token) or sit(person, person.home, color_scheme="light")
        )
        page.goto(path)
        assert page.evaluate(UNNAMED) == [], path
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(f"{MEASURE}; faint()") == [], (path, scheme)
        assert page.evaluate(WIDTH) <= SCREEN["width"], path
        page.set_viewport_size(PHONE)
        assert page.evaluate(WIDTH) <= PHONE["width"], path
        assert page.evaluate(CRAMPED) == [], path
        page.set_viewport_size(SCREEN)
        page.emulate_media(color_scheme="light")


def test_a_chart_drawn_for_a_wide_window_widens_no_narrow_page(sit, busy):
    person, path = busy[0]
    page = sit(person, path, viewport=PHONE)
    page.locator("[data-chart] > div").first.evaluate("drawn => { drawn.style.width = '1163px' }")
    assert page.evaluate(WIDTH) <= PHONE["width"]


def test_the_menu_opens_on_a_phone(sit, staff):
    page = sit(staff, "/console", viewport=PHONE)
    expect(page.locator("#menu")).to_be_hidden()
    page.get_by_label("打开导航").click()
    expect(page.locator("#menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()


def test_without_scripts_the_menu_is_there_and_forms_work(sit, shop, owner):
    page = sit(owner, "/console/settings", viewport=PHONE, java_script_enabled=False)
    page.get_by_label("店铺名称").fill("星河卡券")
    page.get_by_role("button", name="保存形象").click()
    expect(page.get_by_role("status")).to_contain_text("店铺形象已保存")
    expect(page.locator("#menu")).to_be_visible()


def test_the_keyboard_searches_goes_and_closes(sit, busy, staff):
    page = sit(staff, "/console/sites")
    page.keyboard.press("/")
    expect(page.get_by_label("按名称、域名或编号查找")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/console/orders")
    page.locator("a[data-drawer]").first.click()
    expect(page.locator("dialog[open]")).to_contain_text("进度")
    assert page.url.endswith("/console/orders")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_file_in_chinese_encoding_is_read_into_the_form(sit, staff):
    goods = make.make_goods()
    page = sit(staff, f"/console/stock/{goods.goods_id}")
    raw = "卡号甲一,密码一\r\n卡号乙二,密码二\r\n".encode("gbk")
    page.get_by_label("选择文件").set_input_files(
        {"name": "codes.csv", "mimeType": "text/csv", "buffer": raw}
    )
    expect(page.locator("[data-file-note]")).to_contain_text("GBK")
    page.get_by_role("button", name="导入", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("每一行都已入库")
    with tenant.acting_for(tenant.MAIN):
        stock.forget()
        assert stock.level(tenant.MAIN, goods.goods_id) == 2


def test_an_owner_packs_everything_into_one_file_even_a_month_too_large(
    world, shop, owner, sit, tmp_path, monkeypatch
):
    orders = [buy(world, shop)]
    world.now += clock.DAY
    orders.append(buy(world, shop))
    owner.token = sign_in(shop.site, "demo-owner")
    real = lifecycle.table

    def larger(site, what, days=()):
        if len(days) > 1:
            raise lifecycle.TooMuch
        return real(site, what, days)

    monkeypatch.setattr(lifecycle, "table", larger)
    page = sit(owner, "/console/leave")
    with page.expect_download() as told:
        page.get_by_role("button", name="打包全部数据").click()
    expect(page.locator("[data-pack-says]")).to_contain_text("已打包 5 张表，订单 2 笔")
    place = tmp_path / told.value.suggested_filename
    told.value.save_as(place)
    assert place.name == "demo-202611.zip"
    with zipfile.ZipFile(place) as whole:
        assert whole.testzip() is None
        assert whole.namelist() == [f"{name}.csv" for name in lifecycle.WHAT.values()]
        text = whole.read("订单.csv").decode("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()] == ["订单号", *(one.number for one in orders)]


def test_a_packing_that_breaks_off_says_so_and_may_begin_again(shop, owner, sit):
    page = sit(owner, "/console/leave")
    page.route("**/console/leave/export*", lambda route: route.fulfill(status=204))  # no table
    page.get_by_role("button", name="打包全部数据").click()
    expect(page.locator("[data-pack-says]")).to_contain_text("没有打包完：登录已过期")
    expect(page.get_by_role("button", name="重新打包")).to_be_enabled()


def test_the_example_follows_what_is_typed(sit, staff):
    page = sit(staff, "/console/plans")
    page.get_by_label("主站商品：主站取").fill("10")
    expect(page.locator("#example")).to_contain_text("0.80")
    page.get_by_label("主站商品：主站取").fill("99")
    expect(page.locator("#example")).to_contain_text("比例须在")


def test_a_new_site_is_watched_until_it_is_open(sit, world, staff):
    page = sit(staff, "/console/sites/new")
    page.get_by_label("站点名").fill("campus")
    page.get_by_label("店铺名称").fill("校园卡站")
    page.get_by_label("登录账号").fill("campus-owner")
    page.get_by_label("初始密码").fill("correct horse")
    page.get_by_role("button", name="创建分站").click()
    expect(page.get_by_role("heading", name="正在创建")).to_be_visible()
    world.run("provision")
    expect(page.get_by_role("link", name="打开店铺")).to_be_visible()


def test_prices_are_filled_from_wholesale_and_never_below_the_floor(sit, shop, owner):
    page = sit(owner, "/console/listing")
    page.get_by_label("加价百分比").fill("50")
    page.get_by_role("button", name="填入").click()
    price = page.get_by_label("Steam 充值卡 ¥50 的售价")
    expect(price).to_have_value("60.00")
    expect(page.locator("[data-margin]").first).to_have_text("20.00")
    page.get_by_label("加价百分比").fill("0")
    page.get_by_role("button", name="填入").click()
    expect(price).to_have_value("45.00")
    price.fill("12")
    page.get_by_role("button", name="保存并发布").click()
    expect(page.locator(".wrong")).to_contain_text("低于主站规定的最低售价")


def test_the_chart_is_drawn_and_follows_the_scheme(sit, busy):
    person, path = busy[0]
    page = sit(person, path)
    expect(page.locator("[data-chart] svg")).to_be_visible()
    before = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    page.get_by_role("button", name="明暗").click()
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") != before
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
