"""What only a real browser shows: reading, touching, waiting, copying."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from chalicelib.catalog.service import KINDS
from chalicelib.wallet import service as wallet
from tests.web.storefront import fake, served

pytestmark = pytest.mark.browser

PAY = f"/pay/{fake.NUMBER}"
ORDER = f"/orders/{fake.NUMBER}"
PATHS = ("/", "/goods/tx-month", "/buy/tx-month?quantity=12", PAY, ORDER, "/orders", "/login", "/goods/none")
PHONE = {"width": 360, "height": 780}
SCREEN = {"width": 1440, "height": 900}
MEASURE = Path(__file__).with_name("measure.js").read_text("utf-8")


@pytest.fixture
def address(store):
    with fake.opened(store, STATIC_URL="/static") as client, served.serving(client) as found:
        yield found


@pytest.fixture
def visit(chromium, address):
    """Open a path as somebody who placed the order; nothing may be complained about in the browser's console."""
    contexts, complaints = [], []

    def open_page(path, *, viewport=SCREEN, **options):
        context = chromium.new_context(viewport=viewport, locale="zh-CN", base_url=address, **options)
        context.add_cookies([{"name": "receipts", "value": fake.NUMBER, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if "status of 404" not in one] == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("viewport", [PHONE, SCREEN], ids=["phone", "screen"])
def test_a_page_is_still_while_it_loads_and_legible_in_both_schemes(visit, path, viewport):
    page = visit(path, viewport=viewport)
    page.wait_for_load_state("networkidle")
    assert page.evaluate(f"{MEASURE}; shifted()") == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("faint()") == []


@pytest.fixture
def saver(visit, store):
    """Open a path as a member with a balance and a pay password."""
    store.purse = wallet.Entry(available=2000, reserved=500)
    store.terms = wallet.Terms(has_password=True)
    store.entries = [
        wallet.Entry(
            seq=2, what="spend", fen=2280, available=2000, about=fake.NUMBER, at=fake.NOW, unasked=True
        ),
        wallet.Entry(seq=1, what="topup", fen=4280, available=4280, about=fake.NUMBER, at=fake.NOW),
    ]
    store.member = fake.membership.Member("member-lili", "lili")

    def open_page(path, **options):
        page = visit("/", **options)
        page.context.add_cookies([{"name": "member", "value": "a-token", "url": page.url}])
        page.goto(path)
        return page

    return open_page


@pytest.mark.parametrize("path", ["/wallet?done=free", "/buy/tx-month"])
def test_a_balance_is_still_legible_and_in_reach_of_a_thumb(saver, path):
    page = saver(path, viewport=PHONE, has_touch=True)
    page.wait_for_load_state("networkidle")
    if path.startswith("/buy"):
        page.get_by_role("checkbox", name="用余额抵扣").check()
    assert page.evaluate(f"{MEASURE}; tooWide()") == []
    assert page.evaluate("small()") == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("faint()") == []
    page.add_style_tag(content="html{font-size:200%}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_button_says_what_the_channel_will_take_once_the_balance_is_used(saver):
    page = saver("/buy/tx-month")
    password = page.get_by_label("支付密码")
    expect(page.get_by_role("button", name="支付 ¥22.80")).to_be_visible()
    expect(password).to_be_hidden()
    page.get_by_role("checkbox", name="用余额抵扣 ¥20.00").check()
    expect(password).to_be_visible()
    expect(page.get_by_role("button", name="支付 ¥2.80")).to_be_visible()
    page.get_by_role("button", name="多一件").click()
    expect(page.get_by_role("button", name="支付 ¥25.60")).to_be_visible()


def test_an_amount_of_one_s_own_is_chosen_by_typing_it(saver):
    page = saver("/wallet")
    page.get_by_role("spinbutton").fill("66")
    expect(page.get_by_role("radio", name="其他")).to_be_checked()


@pytest.mark.parametrize(
    "behind", [b'role="search"', b"</svg>", b"</form>", b"<main", "暂时".encode(), b'class="stock']
)
@pytest.mark.parametrize("viewport", [PHONE, SCREEN], ids=["phone", "screen"])
def test_a_page_that_arrives_in_two_pieces_is_still(chromium, store, viewport, behind):
    with fake.opened(store, STATIC_URL="/static") as client, served.serving(client, halt=behind) as address:
        page = chromium.new_page(viewport=viewport)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(f"{MEASURE}; shifted()") == []
        page.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_page_fits_a_phone_and_a_thumb_even_with_text_at_200_percent(visit, path):
    page = visit(path, viewport=PHONE, has_touch=True)
    assert page.evaluate(f"{MEASURE}; tooWide()") == []
    assert page.evaluate("small()") == []
    page.add_style_tag(content="html{font-size:200%}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_buy_bar_stays_under_the_thumb_and_the_search_in_sight(visit):
    page = visit("/goods/tx-month", viewport=PHONE)
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(100)
    expect(page.get_by_role("button", name="立即购买")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("searchbox")).to_be_in_viewport(ratio=1)


def test_the_price_follows_the_quantity(visit):
    page = visit("/buy/tx-month")
    expect(page.get_by_role("button", name="支付 ¥22.80")).to_be_visible()
    page.get_by_role("button", name="多一件").click()
    expect(page.get_by_role("button", name="支付 ¥45.60")).to_be_visible()
    page.get_by_label("数量").fill("50")
    expect(page.get_by_text("50 件起批发价")).to_be_visible()


def test_from_the_counter_to_the_codes_without_a_reload(visit, store):
    page = visit("/")
    page.get_by_role("link", name=re.compile("腾讯视频")).click()
    page.get_by_role("button", name="立即购买").click()
    page.get_by_label("联系方式").fill("13800138021")
    page.get_by_label("查询密码").fill("4321")
    page.get_by_role("radio", name="支付宝").check()
    page.get_by_role("button", name="支付 ¥22.80").click()
    expect(
        page.get_by_role("button", name="支付 ¥22.80")
    ).to_be_in_viewport()  # the browser asks for the tick
    page.get_by_role("checkbox", name="不适用七日无理由退货").check()
    page.get_by_role("button", name="支付 ¥22.80").click()
    expect(page.get_by_role("img", name="支付宝付款二维码")).to_be_visible()
    expect(page.get_by_text("请在 14:")).to_be_visible()
    store.reach("paid", "paid")
    page.wait_for_url(f"**{ORDER}")
    expect(page.get_by_role("heading", name="已付款，正在出卡")).to_be_visible()
    store.reach("delivered", "paid", "delivered", codes=("A7QF2MXK93TDWL5P", "9TR4HWQ7ZK2M5XDB"))
    expect(page.get_by_role("heading", name="已出卡", exact=True)).to_be_visible()
    expect(page.locator("code").first).to_have_css("filter", "blur(7px)")
    page.get_by_text("显示卡密").click()
    expect(page.locator("code").first).to_have_css("filter", "none")


def test_a_page_that_nobody_sees_does_not_ask_and_asks_at_once_when_somebody_does(visit, store):
    store.reach("paid", "paid")
    page = visit(ORDER)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/state") else None)
    turn = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(turn, arg=True)
    page.wait_for_timeout(2500)
    assert asked == []
    with page.expect_request("**/state", timeout=500):
        page.evaluate(turn, arg=False)


def test_one_code_and_all_codes_can_be_copied_whole(visit, store):
    store.reach("delivered", "paid", "delivered", codes=("A7QF2MXK93TDWL5P", "9TR4HWQ7ZK2M5XDB"))
    page = visit(ORDER, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="复制第 2 个").click()
    expect(page.get_by_text("已复制", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "9TR4HWQ7ZK2M5XDB"
    page.get_by_role("button", name="全部复制").click()
    expect(page.get_by_text("已复制 2 个")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "A7QF2MXK93TDWL5P\n9TR4HWQ7ZK2M5XDB"


def test_without_scripts_a_shopper_gets_to_the_pay_page_and_on_when_paid(visit, store):
    page = visit("/goods/tx-month", java_script_enabled=False)
    expect(page.get_by_role("button", name="多一件")).to_be_hidden()
    page.get_by_label("数量").fill("12")
    page.get_by_role("button", name="立即购买").click()
    page.get_by_label("数量").fill("2")
    page.get_by_role("button", name="更新价格").click()
    page.get_by_label("联系方式").fill("13800138021")
    page.get_by_label("查询密码").fill("4321")
    page.get_by_role("checkbox", name="不适用七日无理由退货").check()
    page.get_by_role("button", name="支付 ¥45.60").click()
    expect(page.get_by_text("打开微信，扫一扫")).to_be_visible()
    store.reach("paid", "paid")
    page.wait_for_url(f"**{ORDER}", timeout=9000)


def test_a_slash_goes_to_the_search(visit):
    page = visit("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_receipt_prints_its_codes_readably(visit, store):
    store.reach("delivered", "paid", "delivered", codes=("A7QF2MXK93TDWL5P",))
    page = visit(ORDER)
    page.emulate_media(media="print")
    expect(page.locator("code").first).to_have_css("filter", "none")
    expect(page.get_by_role("banner")).to_be_hidden()


def test_every_kind_of_goods_has_its_mark(visit, store):
    store.offers = tuple(fake.offer(kind, "商品", "分类", kind, "", 100) for kind in KINDS)
    boxes = visit("/").eval_on_selector_all(".sort svg", "all => all.map(one => one.getBBox().width)")
    assert len(boxes) == len(KINDS)
    assert min(boxes) > 10
