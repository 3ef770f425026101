"""The JSON contract over HTTP: both sub-sites, all channels, every error, and channels that misbehave."""

import json
import re
import time
from dataclasses import fields

import httpx
import pytest

from chalicelib.kit import clock
from sandbox import keys
from sandbox.alipay import Alipay
from sandbox.books import Books, Trade
from sandbox.ecny import ECny
from sandbox.faults import Faults, Plan
from sandbox.notify import Notice
from sandbox.unionpay import UnionPay
from sandbox.wechat import WeChat
from tests.stories.shopper import key

pytestmark = pytest.mark.cloud

SITES = ("demo", "campus")
CHANNELS = ("wechat", "alipay", "unionpay", "ecny")
GOODS = "移动话费充值卡"
INTERNAL = re.compile(r"Traceback|botocore|dynamodb|arn:|\.py\b|cardmesh-|Exception", re.IGNORECASE)
HOSTILE = (
    "🎫🧧\N{ZERO WIDTH JOINER}🐉",
    "'; DROP TABLE orders; --",
    '" OR 1=1 /*',
    "{{7*7}}${7*7}",
    "<script>1</script>",
)
MERCHANTS = {
    "wechat": keys.MCHID,
    "alipay": keys.SELLER_ID,
    "unionpay": keys.MER_ID,
    "ecny": keys.ECNY_MERCHANT,
}
MISSING = object()


@pytest.fixture
def shop(shops):
    return shops["demo"]


@pytest.fixture
def body(shop):
    return {
        "goods_id": shop.named(GOODS)["goods_id"],
        "quantity": 1,
        "contact": "a@b.cn",
        "query_password": "pass1234",
        "channel": "wechat",
        "return_waiver": 1,
    }


@pytest.fixture
def hooks(place):
    with httpx.Client(
        base_url=f"http://127.0.0.1:{place.port}",
        headers={"Host": f"main.{place.site_domain}"},
        timeout=60,
        trust_env=False,
    ) as web:
        yield web


@pytest.fixture
def channels(place, tmp_path):
    """The channels' own way of writing, to send at times of our choosing."""
    own, books, faults = keys.load(place.keys), Books(tmp_path / "books.json"), Faults()
    yield {
        "wechat": WeChat(own, books, faults, cashier=str),
        "alipay": Alipay(own, books, faults, cashier=str, tell=print),
        "unionpay": UnionPay(own, books, faults, cashier=str),
        "ecny": ECny(own, books, faults, cashier=str),
    }
    books.stop()


def refused(response, status, code):
    """That an answer is this refusal: one sentence, nothing internal."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert not INTERNAL.search(response.text)
    return True


def notification(channels, trade, *, plan=None, **changed):
    """A genuine notification of a trade in the books, or of one like it."""
    names = {field.name for field in fields(Trade)} - {"refunds", "notifications"}
    known = {name: value for name, value in trade.items() if name in names} | changed
    told = Trade(**{"notify_url": "", "return_url": "", "kind": "NATIVE"} | known)
    return channels[told.channel].compose(Notice(told), plan or Plan(), now=clock.now())


def send(hooks, channel, sent, merchant=""):
    headers, content = sent
    return hooks.post(f"/hooks/{channel}/{merchant or MERCHANTS[channel]}", headers=headers, content=content)


def is_acknowledged(response):
    return response.status_code == 200 and "fail" not in response.text.casefold()


@pytest.mark.parametrize("site", SITES)
def test_a_shop_is_up_and_shows_what_it_sells(shops, site):
    assert shops[site].web.get("/healthz").status_code == 200
    goods = shops[site].goods().values()
    assert len(goods) >= 14
    assert all(each["price_fen"] > 0 for each in goods)
    assert {type(each["stock"]) for each in goods} == {int, type(None)}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("site", SITES)
def test_who_orders_and_pays_gets_exactly_the_codes_paid_for(shops, sandbox, site, channel):
    shop, mine = shops[site], key()
    wanted = shop.named(GOODS)
    asked = {"quantity": 3, "contact": f"{site}@{channel}.cn", "channel": channel}
    placed = shop.place(wanted["goods_id"], idempotency_key=mine, **asked)
    order = placed.json()
    assert (placed.status_code, order["status"]) == (201, "pending")
    assert order["amount_fen"] == 3 * wanted["price_fen"]
    assert order["payment"]["payload"].startswith(("http", "weixin:"))
    assert shop.order(order["order_no"], asked["contact"]).json()["codes"] == []

    sandbox.pay(order["order_no"])
    done = shop.wait(order["order_no"], contact=asked["contact"])
    assert (done["status"], len(set(done["codes"]))) == ("delivered", 3)
    assert [step["what"] for step in done["progress"]][:2] == ["placed", "paid"]

    sandbox.pay(order["order_no"])  # the notification comes again
    assert shop.order(order["order_no"], asked["contact"]).json() == done
    again = shop.place(wanted["goods_id"], idempotency_key=mine, **asked)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["order_no"] == order["order_no"]
    assert sandbox.trades()[order["order_no"]]["amount_fen"] == order["amount_fen"]


def test_the_same_key_is_the_same_order_only_for_the_same_body(shop, body):
    mine = key()
    first = shop.place(**body, idempotency_key=mine)
    again = shop.place(**body, idempotency_key=mine)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    for change in (
        {"quantity": 2},
        {"contact": "c@d.cn"},
        {"query_password": "other999"},
        {"channel": "alipay"},
    ):
        refused(shop.place(**body | change, idempotency_key=mine), 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("field", "value", "status", "code"),
    [
        ("goods_id", "g000000000000", 404, "not_found"),
        ("goods_id", "", 422, "bad_input"),
        ("goods_id", "g" * 65, 422, "bad_input"),
        ("quantity", 0, 422, "bad_input"),
        ("quantity", -1, 422, "bad_input"),
        ("quantity", 10**9, 422, "bad_quantity"),
        ("quantity", 10**9 + 1, 422, "bad_input"),
        ("quantity", 10**400, 422, "bad_input"),
        ("quantity", 101, 422, "bad_quantity"),
        ("quantity", "1", 422, "bad_input"),
        ("quantity", 1.5, 422, "bad_input"),
        ("quantity", True, 422, "bad_input"),
        ("quantity", None, 422, "bad_input"),
        ("quantity", [1], 422, "bad_input"),
        ("contact", "ab", 422, "bad_input"),
        ("contact", "   ", 422, "bad_contact"),
        ("contact", 123456, 422, "bad_input"),
        ("query_password", "abc", 422, "bad_input"),
        ("channel", "cash", 422, "bad_input"),
        ("surprise", 1, 422, "bad_input"),
        *(
            (field, MISSING, 422, "bad_input")
            for field in ("goods_id", "quantity", "contact", "query_password")
        ),
        ("channel", MISSING, 422, "bad_input"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_by_a_code(shop, body, field, value, status, code):
    asked = {name: what for name, what in (body | {field: value}).items() if what is not MISSING}
    answer = shop.web.post(
        "/api/v1/orders",
        content=json.dumps(asked),
        headers={"Idempotency-Key": key(), "Content-Type": "application/json"},
    )
    refused(answer, status, code)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "invalid"),
        (b'{"goods_id": ', 400, "invalid"),
        (b"\xff\xfe{}", 400, "invalid"),
        (b'{"quantity":' + b"[" * 50_000, 422, "bad_input"),
        (b"[]", 422, "bad_input"),
        (b'"order"', 422, "bad_input"),
        (b'{"goods_id":"' + b"x" * 1_000_000 + b'"}', 413, "too_large"),
    ],
    ids=["nothing", "cut off", "no UTF-8", "nested without end", "a list", "a text", "1 MB"],
)
def test_a_body_that_is_no_order_is_refused(shop, content, status, code):
    sent = {"Idempotency-Key": key(), "Content-Type": "application/json"}
    refused(shop.web.post("/api/v1/orders", content=content, headers=sent), status, code)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_a_name_like_any_other_or_refused(shop, body, text):
    refused(shop.place(**body | {"goods_id": text}), 404, "not_found")
    refused(shop.place(**body | {"channel": text}), 422, "bad_input")
    refused(shop.place(**body, idempotency_key=text.encode()), 400, "idempotency_key_invalid")
    refused(shop.order(text.replace("/", "")), 404, "not_found")
    placed = shop.place(**body | {"contact": text, "query_password": text})
    assert placed.status_code == 201, placed.text
    found = shop.order(placed.json()["order_no"], text, text)
    assert (found.status_code, found.json()["status"]) == (200, "pending")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "idempotency_key_required"),
        ({"Idempotency-Key": ""}, "idempotency_key_required"),
        ({"Idempotency-Key": "1"}, "idempotency_key_invalid"),
        ({"Idempotency-Key": key(version=4)}, "idempotency_key_invalid"),
        ({"Idempotency-Key": key(age=25 * 3600)}, "idempotency_key_invalid"),
        ({"Idempotency-Key": key(age=-3600)}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "{" + key() + "}"}, "idempotency_key_invalid"),
    ],
    ids=["none", "empty", "no UUID", "v4", "old", "of the future", "in braces"],
)
def test_an_order_needs_a_key_made_for_it(shop, body, sent, code):
    refused(shop.web.post("/api/v1/orders", json=body, headers=sent), 400, code)


def test_an_order_is_json_by_name_too(shop, body):
    sent = {"Idempotency-Key": key(), "Content-Type": "text/plain"}
    answer = shop.web.post("/api/v1/orders", content=json.dumps(body), headers=sent)
    refused(answer, 415, "unsupported_media_type")


def test_whatever_is_wrong_with_a_look_up_the_answer_is_the_same(shops, body):
    demo, campus = shops["demo"], shops["campus"]
    number = demo.place(**body).json()["order_no"]
    other = campus.place(campus.named(GOODS)["goods_id"]).json()["order_no"]
    answers = [
        demo.order(number, "x@b.cn"),
        demo.order(number, "a@b.cn", "pass1235"),
        demo.order(number, "", ""),
        demo.order(number, "🐉", "' OR 1=1"),
        demo.order(other),
        campus.order(number),
        demo.order(number[:-1] + ("0" if number[-1] != "0" else "1")),
        demo.order("nonsense"),
        demo.web.get(f"/api/v1/orders/{number}"),
    ]
    assert all(refused(answer, 404, "not_found") for answer in answers)
    assert len({answer.content for answer in answers}) == 1
    assert demo.order(number).status_code == 200


def test_guessing_at_an_order_is_stopped(shop, body):
    number = shop.place(**body).json()["order_no"]
    tries = [shop.order(number, "a@b.cn", f"guess{i}") for i in range(17)]
    assert [answer.status_code for answer in tries[:15]] == [404] * 15
    assert refused(tries[-1], 429, "too_many")
    assert int(tries[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_forged_notification_changes_nothing(shop, sandbox, hooks, channels, tmp_path, body, channel):
    number = shop.place(**body | {"channel": channel}).json()["order_no"]
    trade = sandbox.trades()[number] | {"state": "paid", "transaction_id": "4200001", "paid_at": clock.now()}
    headers, content = notification(channels, trade)
    own, books = keys.load(tmp_path / "stranger"), Books(tmp_path / "stranger.json")
    stranger = {
        "wechat": WeChat(own, books, Faults(), cashier=str),
        "alipay": Alipay(own, books, Faults(), cashier=str, tell=print),
        "unionpay": UnionPay(own, books, Faults(), cashier=str),
        "ecny": ECny(own, books, Faults(), cashier=str),
    }
    kind = {"Content-Type": headers["Content-Type"]}
    forged = [
        (kind, b""),
        (kind, b"{}"),
        (kind, b"\xff\x00"),
        (kind, re.sub(b"sign(ature)?=", b"was=", content)),
        (headers, content[:-9] + b"AAAAAA%3D%3D" if channel == "alipay" else content + b" "),
        notification(stranger, trade),
        notification(channels, trade, plan=Plan(bad_signature=True)),
    ]
    if channel == "unionpay":
        lies = ("forged", "stranger", "expired")
        forged += [notification(channels, trade, plan=Plan(certificate=lie)) for lie in lies]
    if channel == "wechat":
        forged += [
            (kind, content),
            (headers | {"Wechatpay-Timestamp": "0"}, content),
            (headers | {"Wechatpay-Serial": "PUB_KEY_ID_UNKNOWN"}, content),
            notification(channels, trade, plan=Plan(stale_timestamp=True)),
        ]
    answers = [send(hooks, channel, each) for each in forged]
    books.stop()
    assert [answer.text for answer in answers if is_acknowledged(answer)] == []
    assert {answer.status_code < 500 for answer in answers} == {True}
    assert [answer.text for answer in answers if INTERNAL.search(answer.text)] == []
    assert send(hooks, channel, (headers, content), merchant="1999999999").status_code == 404
    assert send(hooks, channel, (kind, b"x" * 1_000_000)).status_code == 413
    assert (
        shop.web.post(f"/hooks/{channel}/{MERCHANTS[channel]}", content=content, headers=headers).status_code
        == 404
    )
    assert shop.order(number).json()["status"] == "pending"
    sandbox.pay(number)
    assert shop.wait(number)["status"] == "delivered"


@pytest.mark.parametrize("channel", CHANNELS)
def test_notifications_in_any_order_and_any_number_deliver_each_order_once(
    shop, sandbox, hooks, channels, body, channel
):
    numbers = [shop.place(**body | {"channel": channel}).json()["order_no"] for _ in range(3)]
    sandbox.faults(drop=True)
    for number in numbers:
        sandbox.pay(number)
    paid = sandbox.trades(numbers)
    told = [notification(channels, paid[number]) for number in reversed(numbers)]
    for sent in told + told[::-1] + told:
        assert is_acknowledged(send(hooks, channel, sent))
    done = [shop.wait(number) for number in numbers]
    assert [order["status"] for order in done] == ["delivered"] * 3
    assert len({code for order in done for code in order["codes"]}) == 3
    stale = [send(hooks, channel, sent) for sent in told]  # replayed long after
    assert all(is_acknowledged(answer) for answer in stale)
    assert [shop.order(number).json() for number in numbers] == done
    assert [trade["refunds"] for trade in sandbox.trades(numbers).values()] == [[]] * 3


def test_a_genuine_notification_of_an_order_nobody_placed_is_taken_and_kept_apart(
    shop, sandbox, hooks, channels, body
):
    number = shop.place(**body).json()["order_no"]
    known = sandbox.trades()[number] | {"state": "paid", "transaction_id": "4200002", "paid_at": clock.now()}
    unknown = notification(channels, known, out_trade_no="ZZZZ" + number[4:] + "01")
    assert is_acknowledged(send(hooks, "wechat", unknown))
    assert shop.order(number).json()["status"] == "pending"


FAULTS = [
    {"duplicate": 3},
    {"concurrent": 5},
    {"delay_seconds": 3},
    {"drop": True},
    {"drop": 1},
    {"bad_signature": True},
    {"wrong_amount": True},
    {"wrong_merchant": True},
    {"certificate": "forged", "channel": "unionpay"},
    {"stale_timestamp": True, "channel": "wechat"},
    {"signtest": True, "channel": "wechat"},
]


def test_channels_that_misbehave_lose_nothing_and_deliver_nothing_twice(shops, sandbox, say):
    began, placed = time.monotonic(), {}
    for number, (plan, site, channel) in enumerate(
        (plan, SITES[(n + m) % 2], channel)
        for n, plan in enumerate(FAULTS)
        for m, channel in enumerate(CHANNELS)
        if plan.get("channel", channel) == channel
    ):
        shop, contact = shops[site], f"fault{number}@b.cn"
        goods_id = shop.named(GOODS)["goods_id"]
        order = shop.place(goods_id, contact=contact, channel=channel).json()["order_no"]
        sandbox.faults(**plan, order_no=order)
        sandbox.pay(order)
        placed[order] = (shop, contact, plan)
    done = {order: shop.wait(order, contact=contact, pause=1) for order, (shop, contact, _) in placed.items()}
    say(f"{len(placed)} orders through {len(FAULTS)} faults: {time.monotonic() - began:.0f} s")

    assert {order: found["status"] for order, found in done.items()} == dict.fromkeys(placed, "delivered")
    codes = [code for found in done.values() for code in found["codes"]]
    assert len(codes) == len(set(codes)) == len(placed)
    trades = sandbox.trades(placed)
    assert {trade["state"] for trade in trades.values()} == {"paid"}
    assert [trade["refunds"] for trade in trades.values()] == [[]] * len(placed)
    assert {order: trades[order]["amount_fen"] for order in placed} == {
        order: found["amount_fen"] for order, found in done.items()
    }
