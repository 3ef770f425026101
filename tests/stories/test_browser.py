"""The whole shop in a real browser: shoppers, owners and staff, and what no page may do."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from localcloud import demo
from tests.stories.shopper import Shop

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 780}
SCREEN = {"width": 1280, "height": 900}
MOBILE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
LOOK = Path(__file__).with_name("look.js").read_text("utf-8")
MEASURE = (Path(__file__).parents[1] / "web/storefront/measure.js").read_text("utf-8")
LIGHTEST = 60 * 1024  # bytes of a first visit, compressed
TABS = 12  # elements that the Tab key visits on each page
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SECONDS = 60_000  # milliseconds until a busy machine has done what it shows
VIDEO = "腾讯视频 VIP 月卡"
PHONE_CARD = "移动话费充值卡"


@pytest.fixture
def visitor(chromium, place):
    """A browser of its own at a site; whatever goes wrong on any of its pages fails the test."""
    contexts, wrong = [], []

    def watch(page):
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda said: _complaint(page, said, wrong))
        page.on("requestfailed", lambda request: _failed(request, wrong))
        page.on("response", lambda response: _answered(response, place, wrong))

    def come(site, *, viewport=SCREEN, **options):
        options = {"viewport": viewport, "locale": "zh-CN"} | options
        context = chromium.new_context(base_url=f"http://{site}.{place.site_domain}", **options)
        context.set_default_timeout(SECONDS)
        context.set_default_navigation_timeout(SECONDS)
        context.on("page", watch)
        contexts.append(context)
        return context.new_page()

    expect.set_options(timeout=SECONDS)
    yield come
    for context in contexts:
        context.close()
    assert wrong == []


def _complaint(page, said, wrong):
    """What the browser's console calls an error: scripts, and what the security policy stopped."""
    refusal = re.search(r"status of 4\d\d", said.text)  # a refused form is shown again with its status
    if said.type in {"error", "warning"} and not refusal:
        wrong.append(f"{page.url}: {said.text}")


def _failed(request, wrong):
    if request.failure != "net::ERR_ABORTED":  # the page was left while it asked
        wrong.append(f"{request.url}: {request.failure}")


def _answered(response, place, wrong):
    host = urlsplit(response.url).netloc
    if response.url.startswith("http") and not host.endswith((place.site_domain, f":{place.sandbox_port}")):
        wrong.append(f"{response.url}: not of this deployment")
    is_page = response.request.resource_type in {"document", "fetch"}
    if response.status >= 500 or (response.status >= 400 and not is_page):
        wrong.append(f"{response.url}: {response.status}")


@pytest.fixture
def card(shops):
    """Goods of the main site that every shop sells."""
    return shops["demo"].named(PHONE_CARD)["goods_id"]


@pytest.fixture
def staff(visitor):
    return _signed_in(visitor("main"), *demo.STAFF)


@pytest.fixture
def owner(visitor):
    return _signed_in(visitor("demo"), "demo-owner", demo.OWNER_PASSWORD)


def _signed_in(page, login, password):
    page.goto("/console")
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="经营")).to_be_visible()
    return page


def inspect(page):
    """Hold a page against what every page must be: readable by day and night, labelled, no wider than the window."""
    page.evaluate(f"{MEASURE};{LOOK}")
    assert page.evaluate("[...unlabelled(), ...nameless()]") == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("[...faint(), ...pale()]") == [], f"{page.url} in the {scheme}"


def fill_in(page, contact, secret, channel="微信支付"):
    page.get_by_label("联系方式").fill(contact)
    page.get_by_label("查询密码").fill(secret)
    page.get_by_role("radio", name=channel).check()
    page.get_by_role("checkbox", name=re.compile("不适用七日无理由退货")).check()


def buy(page, name, *, contact, secret="4321", channel="微信支付"):
    """From the counter to the pay page; the order's number."""
    page.goto("/")
    page.get_by_role("link", name=re.compile(name)).first.click()
    page.get_by_role("button", name="立即购买").click()
    fill_in(page, contact, secret, channel)
    page.get_by_role("button", name=re.compile("^支付 ¥")).click()
    page.wait_for_url("**/pay/*")
    return page.url.rsplit("/", 1)[-1]


def pay_in_second_tab(page):
    """Pay as somebody whose phone scans the code."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="在沙箱中支付").click()
    opened.value.get_by_role("button", name="支付").click()
    expect(opened.value.get_by_text("支付成功")).to_be_visible()
    opened.value.close()


def test_a_shopper_with_a_phone_gets_from_the_counter_to_the_codes(visitor, tmp_path):
    rights = ["clipboard-read", "clipboard-write"]
    page = visitor("demo", viewport=PHONE, has_touch=True, permissions=rights, accept_downloads=True)
    page.goto("/")
    inspect(page)
    page.get_by_role("searchbox").fill("腾讯")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="共")).to_be_visible()
    inspect(page)
    page.get_by_role("link", name=re.compile(VIDEO)).click()
    expect(page.get_by_role("button", name="立即购买")).to_be_visible()
    inspect(page)
    page.get_by_role("button", name="立即购买").click()
    page.get_by_role("button", name="多一件").click()
    expect(page.get_by_role("button", name="支付 ¥37.60")).to_be_visible()
    fill_in(page, "13800138021", "4321", "支付宝")
    inspect(page)
    page.get_by_role("button", name="支付 ¥37.60").click()
    expect(page.get_by_role("img", name="支付宝付款二维码")).to_be_visible()
    inspect(page)

    pay_in_second_tab(page)
    page.wait_for_url("**/orders/*")  # the pay page moves on by itself
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()
    inspect(page)

    codes = [
        page.locator(".codes li").nth(i).locator("[data-copy]").get_attribute("data-copy") for i in (0, 1)
    ]
    page.get_by_text("显示卡密").click()
    shown = [text.replace("\n", "") for text in page.locator(".codes code").all_inner_texts()]
    page.get_by_role("button", name="复制第 2 个").click()
    expect(page.get_by_text("已复制", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == codes[1]
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    assert download.value.path().read_text().split() == codes == shown
    assert all(code.startswith("TX") for code in codes)
    assert codes[0] != codes[1]


def test_a_real_phone_goes_to_the_cashier_and_comes_back_by_itself(visitor):
    page = visitor("demo", viewport=PHONE, has_touch=True, user_agent=MOBILE)
    number = buy(page, PHONE_CARD, contact="13800138022")
    page.get_by_role("link", name="打开微信付款").click()
    page.get_by_role("button", name="支付").click()
    page.wait_for_url(f"**/orders/{number}")
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()


def test_a_shopper_pays_at_unionpay_and_comes_back_by_itself(visitor):
    page = visitor("demo")
    page.goto("/")
    page.get_by_role("link", name=re.compile(PHONE_CARD)).first.click()
    page.get_by_role("button", name="立即购买").click()
    fill_in(page, "13800138029", "4321", "银联在线支付")
    inspect(page)
    page.get_by_role("button", name=re.compile("^支付 ¥")).click()
    page.wait_for_url("**/cashier/unionpay/*")  # the pay page sends the browser on by itself
    page.go_back()
    page.wait_for_url("**/pay/*")
    expect(page.get_by_role("button", name="去银联付款")).to_be_visible()  # and only once
    inspect(page)
    page.get_by_role("button", name="去银联付款").click()
    page.get_by_role("button", name="支付").click()
    page.wait_for_url("**/orders/*")
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()


def test_without_scripts_a_shopper_pays_at_unionpay(visitor):
    page = visitor("demo", viewport=PHONE, user_agent=MOBILE, java_script_enabled=False)
    number = buy(page, PHONE_CARD, contact="13800138030", channel="银联在线支付")
    page.get_by_role("button", name="去银联付款").click()
    page.get_by_role("button", name="支付").click()
    page.get_by_role("button", name="返回商家").click()
    page.wait_for_url(f"**/orders/{number}")
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()


def test_without_scripts_a_shopper_gets_as_far_as_paying_and_to_the_codes(visitor):
    page = visitor("demo", viewport=PHONE, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("searchbox").fill("话费")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile(PHONE_CARD)).click()
    page.get_by_role("button", name="立即购买").click()
    page.get_by_label("数量").fill("2")
    page.get_by_role("button", name="更新价格").click()
    fill_in(page, "13800138023", "4321")
    page.get_by_role("button", name="支付 ¥99.60").click()
    expect(page.get_by_role("img", name="微信支付付款二维码")).to_be_visible()
    pay_in_second_tab(page)
    page.wait_for_url("**/orders/*")  # the page asks again by itself, without scripts too
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()
    assert page.locator(".codes code").count() == 2


def test_the_second_shop_has_its_own_name_colour_and_goods(visitor):
    shops = {}
    for site in demo.SHOPS:
        page = visitor(site)
        page.goto("/")
        shops[site] = {
            "title": page.title(),
            "name": page.locator("header .shop b").inner_text(),
            "colour": page.evaluate("getComputedStyle(document.querySelector('.logo')).backgroundColor"),
            "own": page.get_by_role("link", name=re.compile(demo.OWN.draft.name)).count(),
        }
    assert all(shops["demo"][what] != shops["campus"][what] for what in shops["demo"])
    assert (shops["demo"]["own"], shops["campus"]["own"]) == (0, 1)
    assert shops["campus"]["name"] == demo.SHOPS["campus"].name
    page = visitor("campus")
    buy(page, demo.OWN.draft.name, contact="13800138024", channel="支付宝")
    pay_in_second_tab(page)
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()
    assert page.locator("[data-copy^=LIB-]").count() > 0


def test_a_member_finds_their_orders_again_after_logging_in(visitor):
    page = visitor("demo")
    page.goto("/signup")
    inspect(page)
    page.get_by_label("用户名").fill("reader")
    page.get_by_label("密码").fill("a-long-password")
    page.get_by_role("button", name="注册").click()
    expect(page.get_by_role("heading", name="还没有订单")).to_be_visible()
    number = buy(page, PHONE_CARD, contact="13800138025")
    pay_in_second_tab(page)
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()

    elsewhere = visitor("demo")
    elsewhere.goto("/login")
    elsewhere.get_by_label("用户名").fill("reader")
    elsewhere.get_by_label("密码").fill("a-wrong-password")
    elsewhere.get_by_role("button", name="登录").click()
    expect(elsewhere.get_by_role("alert")).to_have_text("用户名或密码不对。")
    elsewhere.get_by_label("密码").fill("a-long-password")
    elsewhere.get_by_role("button", name="登录").click()
    expect(elsewhere.get_by_role("heading", name="我的订单")).to_be_visible()
    inspect(elsewhere)
    elsewhere.locator(f"a[href='/orders/{number}']").click()
    expect(elsewhere.locator(".codes code")).to_have_count(1)
    elsewhere.goto("/orders")
    elsewhere.get_by_role("button", name="退出").click()
    elsewhere.goto(f"/orders/{number}")
    expect(elsewhere.locator(".codes")).to_have_count(0)


def test_a_guest_finds_an_order_with_the_right_password_only(visitor):
    page = visitor("demo")
    number = buy(page, PHONE_CARD, contact="13800138026")
    pay_in_second_tab(page)
    page.wait_for_url("**/orders/*")
    elsewhere = visitor("demo", viewport=PHONE)
    elsewhere.goto(f"/orders/{number}")
    for secret in ("9999", "4321"):
        elsewhere.get_by_label("订单号").fill(number)
        elsewhere.get_by_label("联系方式").fill("13800138026")
        elsewhere.get_by_label("查询密码").fill(secret)
        elsewhere.get_by_role("button", name="查询").click()
        if secret == "9999":
            expect(elsewhere.get_by_role("alert")).to_be_visible()
    expect(elsewhere.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()


def test_the_shop_speaks_english(visitor, card):
    page = visitor("demo", viewport=PHONE)
    page.goto(f"/goods/{card}")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("button", name="Buy now")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="Buy now").click()
    page.get_by_label("Contact").fill("13800138027")
    page.get_by_label("password").fill("4321")
    inspect(page)
    texts = page.locator("label, button, legend, h1, header nav a, small").all_inner_texts()
    chinese = [text for text in texts if CHINESE.search(text) and "中文" not in text]
    assert chinese == []
    page.get_by_role("checkbox", name=re.compile("can't be returned within seven days")).check()
    page.get_by_role("button", name=re.compile("^Pay ¥")).click()
    expect(page.get_by_text("Pay in the sandbox")).to_be_visible()


def test_staff_open_a_shop_by_a_form_and_it_sells_at_once(staff, place, sandbox):
    staff.goto("/console/sites/new")
    inspect(staff)
    staff.get_by_label("站点名").fill("third")
    staff.get_by_label("店铺名称").fill("第三家店")
    staff.get_by_label("登录账号").fill("third-owner")
    staff.get_by_label("初始密码").fill("third-open-8")
    staff.get_by_role("button", name="创建分站").click()
    expect(staff.get_by_text("营业中")).to_be_visible()  # the page follows by itself
    inspect(staff)

    shop = Shop(place, "third")
    goods = shop.named(PHONE_CARD)
    number = shop.place(goods["goods_id"], contact="13800138028").json()["order_no"]
    sandbox.pay(number)
    assert shop.wait(number, contact="13800138028")["status"] == "delivered"
    shop.web.close()

    row = staff.get_by_role("row").filter(has=staff.locator(f"a[href='/console/orders/{number}']"))
    _until(staff, "/console/orders", row.get_by_text("已交付"))
    expect(row).to_contain_text("第三家店")
    inspect(staff)
    staff.goto(f"/console/orders/{number}")
    expect(staff.get_by_role("row", name="合计（须为零）")).to_contain_text("0.00")
    inspect(staff)
    amount = f"{goods['price_fen'] / 100:.2f}"
    on_board = staff.get_by_role("row").filter(has_text="第三家店")
    _until(staff, "/console", on_board.get_by_text(amount))
    assert on_board.get_by_role("cell").all_inner_texts() == ["第三家店", "1", "1", "1", "100.0%", amount]


def _until(page, path, wanted):
    """Open a page again and again until it shows what is on its way there."""
    for _ in range(30):
        page.goto(path)
        if wanted.first.is_visible():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"{path} never showed it:\n{page.inner_text('main')}")


def test_an_import_names_every_row_that_did_not_come_in(staff):
    staff.goto("/console/goods/new")
    staff.get_by_label("商品名称").fill("导入测试卡")
    staff.get_by_label("类目").fill("导入")
    staff.get_by_label("批发价").fill("8.00")
    staff.get_by_label("建议售价").fill("9.90")
    staff.get_by_role("button", name="创建商品").click()
    expect(staff.get_by_role("heading", name="导入卡密")).to_be_visible()
    rows = ["CODE-0001", "CODE-0002", "", "CODE-0001", "X" * 700, "CODE-0003"]
    staff.get_by_label("卡密", exact=True).fill("\n".join(rows))
    staff.get_by_role("button", name="先预览").click()
    expect(staff.get_by_role("heading", name="预览：还没有写入任何内容")).to_be_visible()
    assert _report(staff) == [("3", "空行"), ("4", "重复"), ("5", "无法识别")]
    staff.get_by_role("button", name="导入", exact=True).click()
    expect(staff.get_by_role("heading", name="导入完成")).to_be_visible()
    assert _report(staff) == [("3", "空行"), ("4", "重复"), ("5", "无法识别")]
    inspect(staff)
    staff.get_by_label("卡密", exact=True).fill("CODE-0003\nCODE-0004")
    staff.get_by_role("button", name="导入", exact=True).click()
    expect(staff.get_by_text("以下 1 行没有入库；其余 1 条已全部可售。")).to_be_visible()
    assert _report(staff) == [("1", "重复")]
    expect(staff.get_by_text("可售 4 条")).to_be_visible()


def _report(page):
    rows = page.locator(".report tbody tr")
    return [tuple(rows.nth(i).locator("td").all_inner_texts()[:2]) for i in range(rows.count())]


def test_an_owner_sets_a_price_above_the_floor_and_sees_the_split(owner, shops, sandbox):
    price = owner.get_by_label("WPS 超级会员年卡 的售价")
    owner.goto("/console/listing")
    inspect(owner)
    price.fill("101.99")  # the main site's floor is 102.00
    owner.get_by_role("button", name="保存并发布").click()
    expect(owner.locator(".wrong-row .wrong")).to_have_text("低于主站规定的最低售价。")
    expect(price).to_have_value("101.99")
    price.fill("121.00")
    owner.get_by_role("button", name="保存并发布").click()
    expect(owner.get_by_text("已保存 1 件商品并发布到货架。")).to_be_visible()
    _until(owner, "/?q=WPS", owner.locator(".tile .price").filter(has_text="121"))

    shop = shops["demo"]
    number = shop.place(shop.named("WPS 超级会员年卡")["goods_id"], contact="13800138029").json()["order_no"]
    sandbox.pay(number)
    assert shop.wait(number, contact="13800138029")["amount_fen"] == 12100
    row = owner.get_by_role("row").filter(has=owner.locator(f"a[href='/console/orders/{number}']"))
    _until(owner, "/console/statement", row)
    inspect(owner)
    paid, site, main, fee = [
        round(float(text) * 100) for text in row.get_by_role("cell").all_inner_texts()[-4:]
    ]
    assert (paid, paid) == (12100, site + main + fee)
    assert 0 < site < 12100 - 9800  # the margin over the wholesale price, less the main site's part


@pytest.mark.parametrize("forge", ["one.remove()", "one.value = 'forged'"], ids=["missing", "forged"])
def test_a_form_of_another_page_is_refused(owner, forge):
    owner.goto("/console/settings")
    before = owner.get_by_label("店铺名称").input_value()
    owner.evaluate(f"document.querySelectorAll('[name=form_token]').forEach((one) => {{ {forge} }})")
    owner.get_by_label("店铺名称").fill("夺来的店")
    with owner.expect_response("**/console/settings/brand") as answer:
        owner.get_by_role("button", name="保存形象").click()
    assert answer.value.status == 403
    expect(owner.get_by_role("heading", name="表单已过期，请重新打开页面再试。")).to_be_visible()
    owner.goto("/console/settings")
    expect(owner.get_by_label("店铺名称")).to_have_value(before)


SHOP_PAGES = (
    "/",
    "/?q=nothing+like+it",
    "/goods/{}",
    "/buy/{}",
    "/orders",
    "/login",
    "/signup",
    "/goods/none",
)
MAIN_PAGES = (
    "",
    "/sites",
    "/sites/new",
    "/goods",
    "/goods/new",
    "/goods/{}",
    "/stock",
    "/stock/{}",
)
MAIN_PAGES += ("/orders", "/plans")
OWNER_PAGES = ("", "/listing", "/goods", "/goods/new", "/stock", "/orders", "/statement", "/settings")


@pytest.mark.parametrize("site", demo.SHOPS)
def test_each_page_of_a_shop_is_legible_labelled_and_fits_a_phone(visitor, card, site):
    _each_page(visitor(site, viewport=PHONE), [path.format(card) for path in SHOP_PAGES])


def test_each_page_of_the_main_console_is_legible_labelled_and_fits_a_phone(staff, card):
    _each_page(staff, [f"/console{path}".format(card) for path in MAIN_PAGES])


def test_each_page_of_an_owners_console_is_legible_labelled_and_fits_a_phone(owner):
    _each_page(owner, [f"/console{path}" for path in OWNER_PAGES])


def _each_page(page, paths):
    page.set_viewport_size(PHONE)
    for path in paths:
        page.goto(path)
        inspect(page)
        page.add_style_tag(content="* { transition: none !important }")  # measure the end, not the way
        for _ in range(TABS):
            page.keyboard.press("Tab")
            focused = "document.activeElement.outerHTML.slice(0, 120)"
            assert page.evaluate("marked()"), f"{path}: no sign of focus on {page.evaluate(focused)}"


@pytest.mark.parametrize("path", ["/", "/goods/{}", "/buy/{}"])
def test_a_first_visit_is_light(visitor, card, path):
    fresh = visitor("demo")
    wire = fresh.context.new_cdp_session(fresh)
    sizes = []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    fresh.goto(path.format(card))
    fresh.wait_for_load_state("networkidle")
    assert len(sizes) >= 3
    assert sum(sizes) < LIGHTEST
