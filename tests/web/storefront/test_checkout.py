import hashlib
import json
from pathlib import Path

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.kit import errors
from chalicelib.payments import service as payments
from chalicelib.stock import service as stock
from chalicelib.web import visit
from tests.web.storefront import fake
from tests.web.storefront.markup import read

WORDS = Path(__file__).parents[3] / "chalicelib/web/storefront/words"
FILLED = b"key=a-signed-key&quantity=2&contact=13800138021&query_password=4321&channel=wechat&waiver=1"
PAY = f"/pay/{fake.NUMBER}"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148"


def test_the_checkout_explains_the_price_line_by_line_and_the_button_says_the_amount(browser):
    shown = read(browser.get("/buy/tx-month?quantity=12"))
    assert "¥25.00 × 12 ¥300.00 限时优惠 −¥26.40 10 件起批发价 −¥9.60 合计 ¥ 264 .00" in shown.text
    assert "支付 ¥264.00" in shown.text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("0", "1"), ("-3", "1"), ("abc", "1"), ("９", "1"), ("999999999", "1"), ("500", "100")],
)
def test_a_quantity_nobody_can_buy_becomes_one_that_can_be_bought(browser, asked, shown):
    page = read(browser.get(f"/buy/tx-month?quantity={asked}"))
    assert page.all("input", name="quantity")[0]["value"] == shown


def test_placing_goes_to_the_pay_page_and_lets_this_browser_see_the_order(browser, store):
    answer = browser.post("/buy/tx-month", FILLED)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAY)
    assert store.asks[0].quantity == 2
    assert browser.get(PAY).status_code == 200


def test_digital_goods_ask_for_a_tick_that_nobody_else_sets(browser, store):
    (box,) = read(browser.get("/buy/tx-month")).all("input", type="checkbox", name="waiver")
    assert (box["value"], "required" in box, "checked" in box) == ("1", True, False)
    store.refusal = stock.SoldOut()
    (box,) = read(browser.post("/buy/tx-month", FILLED)).all("input", name="waiver")
    assert "checked" not in box


@pytest.mark.parametrize(("lang", "words"), [("zh-CN", "请先勾选确认"), ("en", "please tick")])
def test_without_the_tick_the_shop_says_what_is_missing(browser, store, lang, words):
    store.refusal = checkout.NotConfirmed(field="waiver")
    answer = browser.post("/buy/tx-month", FILLED.removesuffix(b"&waiver=1"), **{"Accept-Language": lang})
    assert (answer.status_code, words in read(answer).text) == (422, True)
    assert read(answer).all("label", **{"class": "agree wrong"})


def test_a_service_keeps_the_right_of_return_and_asks_for_nothing(browser):
    shown = read(browser.get("/buy/setup"))
    assert shown.all("input", name="waiver") == []
    assert "七日内无理由退货" in shown.text


def test_words_to_confirm_have_a_version_of_their_own():
    spoken = [json.loads((WORDS / f"{lang}.json").read_bytes()) for lang in visit.LANGUAGES]
    shown = "|".join(words[key] for words in spoken for key in ("waiver", "waiver.keeps"))
    digest = hashlib.sha256(shown.encode()).hexdigest()[:8]
    assert (catalog.WAIVER, digest) == (1, "089de487"), "other words need the next number"


def test_a_double_click_sends_the_same_key_twice(browser, store):
    for _ in range(2):
        assert browser.post("/buy/tx-month", FILLED).headers["Location"] == PAY
    assert {ask.key for ask in store.asks} == {"a-signed-key"}


def test_a_member_buys_as_a_member(browser, store):
    browser.post("/login", b"login=lili&password=correct+horse")
    browser.post("/buy/tx-month", FILLED)
    assert store.order.member == "member-lili"


def test_the_price_can_be_asked_for_again_without_placing(browser, store):
    answer = browser.post("/buy/tx-month", FILLED.replace(b"quantity=2", b"quantity=12") + b"&again=1")
    shown = read(answer)
    assert answer.status_code == 200
    assert store.asks == []
    assert "支付 ¥264.00" in shown.text
    assert shown.all("input", name="contact")[0]["value"] == "13800138021"


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (stock.SoldOut(), "库存不够了，没有扣款"),
        (checkout.KeyReused(), "已经下过单了"),
        (checkout.BadQuantity(), "这个数量买不了"),
        (payments.ChannelDown(), "付款渠道暂时没有回应，没有扣款"),
        (errors.TooMany(retry_after=9), "等一分钟再来"),
    ],
)
def test_a_refusal_comes_back_with_the_form_as_it_was_filled(browser, store, refusal, words):
    store.refusal = refusal
    answer = browser.post("/buy/tx-month", FILLED)
    shown = read(answer)
    assert answer.status_code == refusal.status
    assert words in shown.text
    assert shown.all("input", name="query_password")[0]["value"] == "4321"


@pytest.mark.parametrize(("refusal", "kept"), [(stock.SoldOut(), True), (checkout.KeyReused(), False)])
def test_the_key_is_kept_for_a_retry_unless_it_is_used_up(browser, store, refusal, kept):
    store.refusal = refusal
    shown = read(browser.post("/buy/tx-month", FILLED.replace(b"a-signed-key", b"my-key")))
    assert (shown.all("input", name="key")[0]["value"] == "my-key") is kept


@pytest.mark.parametrize("body", [b"", b"quantity=x", b"quantity=1e9&key=k", b"\xff\xfe", b"=&=&="])
def test_a_broken_form_is_explained_and_never_a_failure(browser, body):
    assert browser.post("/buy/tx-month", body).status_code in (400, 422)


def test_the_pay_page_shows_code_amount_and_time_left_and_nothing_to_sign(browser):
    browser.post("/buy/tx-month", FILLED)
    answer = browser.get(PAY)
    shown = read(answer)
    assert 'class="qr"' in answer.body.decode()
    assert "¥ 45 .60" in shown.text
    assert shown.all("p", **{"data-left": "880"})
    assert not shown.all("a", target="_blank")


def test_the_sandbox_offers_to_pay_there(store):
    with fake.opened(store, SANDBOX_URL="http://localhost:8001") as client:
        browser = fake.Browser(client)
        browser.post("/buy/tx-month", FILLED)
        link = read(browser.get(PAY)).all("a", target="_blank")[0]
    assert link["href"] == store.link.payload


def test_a_phone_gets_a_button_instead_of_a_code(browser, store):
    store.link = payments.PayLink("redirect", "https://pay.example/h5?a=1&b=2")
    browser.headers["User-Agent"] = PHONE
    browser.post("/buy/tx-month", FILLED)
    shown = read(browser.get(PAY))
    assert store.device == "mobile"
    assert shown.all("a", href="https://pay.example/h5?a=1&b=2")


def test_a_channel_that_wants_a_form_gets_it_by_a_button_and_only_there(browser, store):
    browser.post("/buy/tx-month", FILLED)
    browser.post(PAY, b"channel=unionpay")
    fields = {"orderId": "1", "signature": 'a+b/"<&>=='}
    store.link = payments.PayLink("form", "https://pay.example/front.do", fields, "https://*.pay.example")
    answer = browser.get(PAY)
    shown = read(answer)
    (form,) = shown.all("form", method="post", action="https://pay.example/front.do")
    assert form["data-leave"] == fake.NUMBER
    assert {field["name"]: field["value"] for field in shown.all("input", type="hidden")} == fields
    assert "去银联付款" in shown.text
    assert [script["src"].rsplit("/", 1)[-1][:13] for script in shown.all("script")] == ["storefront.js"]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("; form-action 'self' https://*.pay.example")
    usual = browser.get("/").headers["Content-Security-Policy"]
    assert policy == f"{usual} https://*.pay.example"
    assert usual.endswith("; form-action 'self'")


def test_a_browser_that_a_channel_sends_back_with_a_form_goes_on_to_its_receipt(browser, store):
    browser.post("/buy/tx-month", FILLED)
    answer = browser.post(f"/orders/{fake.NUMBER}", b"respCode=00&orderId=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{fake.NUMBER}")
    assert store.order.status == "pending"
    assert (
        browser.post("/orders/1%0d%0aSet-Cookie:x", b"").headers["Location"]
        == "/orders/1%0D%0ASet-Cookie%3Ax"
    )


def test_a_channel_that_does_not_answer_leaves_the_other_one(browser, store):
    browser.post("/buy/tx-month", FILLED)
    store.refusal = payments.ChannelDown()
    shown = read(browser.get(PAY))
    assert "微信支付暂时没有回应，你没有被扣款" in shown.text
    store.refusal = None
    assert browser.post(PAY, b"channel=alipay").headers["Location"] == PAY
    assert store.order.channel == "alipay"


def test_a_paid_order_goes_on_to_its_receipt(browser, store):
    browser.post("/buy/tx-month", FILLED)
    store.reach("paid", "paid")
    assert browser.get(PAY).headers["Location"] == f"/orders/{fake.NUMBER}"


def test_the_pay_page_is_for_those_who_may_see_the_order(browser, store):
    assert browser.get(PAY).status_code == 404
    assert browser.post(PAY, b"channel=alipay").status_code == 404
    assert store.order.channel == "wechat"
