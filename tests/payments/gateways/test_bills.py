"""Bills: what the sandbox writes out of its books reads back to them; what is wrong with a file is refused."""

import base64
import hashlib
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways.alipay import bill as alipay_bill
from chalicelib.payments.gateways.ecny import bill as ecny_bill
from chalicelib.payments.gateways.unionpay import bill as unionpay_bill
from chalicelib.payments.gateways.wechat import bill as wechat_bill
from sandbox import alipay_bill as alipay_writer
from sandbox import bills, keys
from sandbox import ecny_bill as ecny_writer
from sandbox import unionpay_bill as unionpay_writer
from sandbox import wechat_bill as wechat_writer
from sandbox.books import Books, Refund, Trade
from tests.payments.gateways import sdks
from tests.sandbox import shop as shops

DAY = "20261122"
START = clock.day_start(DAY)
COUNT = itertools.count(1)
WRITE = {
    "wechat": wechat_writer.write,
    "alipay": lambda entries: alipay_writer.write(entries, DAY),
    "unionpay": lambda entries: unionpay_writer.write(entries, DAY),
    "ecny": ecny_writer.write,
}
READ = {
    "wechat": wechat_bill.parse,
    "alipay": alipay_bill.parse,
    "unionpay": lambda content, day: unionpay_bill.parse(unionpay_writer.content(content), day),
    "ecny": lambda content, day: ecny_bill.parse(
        base64.b64encode(content).decode(), hashlib.sha256(content).hexdigest(), day
    ),
}
MERCHANT = {
    "wechat": (keys.MCHID, keys.APPID),
    "alipay": (keys.SELLER_ID, keys.APP_ID),
    "unionpay": (keys.MER_ID, ""),
    "ecny": (keys.ECNY_MERCHANT, keys.ECNY_WALLET),
}
CHANNELS = pytest.mark.parametrize("channel", list(WRITE))
NONE: frozenset[str] = frozenset()

AMOUNTS = st.integers(1, 10**9)
TIMES = st.integers(0, clock.DAY - 1)
# What a product may be called; channels let no control characters through.
NAMES = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=20)
PAID = st.lists(st.tuples(AMOUNTS, TIMES, NAMES, st.lists(st.tuples(AMOUNTS, TIMES), max_size=2)), max_size=6)


def books_of(channel, paid):
    """Trades paid, and partly refunded, on the day."""
    books = Books()
    merchant, app = MERCHANT[channel]
    for number, (amount, at, name, refunds) in enumerate(paid):
        trade = Trade(
            channel=channel,
            merchant=merchant,
            app=app,
            out_trade_no=f"DEMO0BILL{number:019d}1",
            amount_fen=amount,
            subject=name,
            notify_url="",
            return_url="",
            kind="NATIVE",
            created_at=START + at,
            expires_at=START + at + 900,
            state="paid",
            transaction_id=f"{number + 1:021d}",
            paid_at=START + at,
        )
        for index, (part, when) in enumerate(refunds):
            trade.refunds.append(Refund(f"R{number:03d}N{index}", part, "success", START + when))
        books._add(trade)
    return books


def expected(books, channel):
    """The day's business by the books themselves."""
    rows = []
    for trade in books.trades(channel):
        paid = (trade.merchant, trade.out_trade_no, trade.transaction_id)
        fee = bills.fee_of(trade.amount_fen)
        rows.append(gateways.BillRow("payment", *paid, trade.amount_fen, fee, trade.paid_at))
        for refund in trade.refunds:
            part = refund.amount_fen
            back = (part, -bills.fee_of(part), refund.at, refund.out_refund_no)
            rows.append(gateways.BillRow("refund", *paid, *back))
    return sorted(rows, key=lambda row: (row.at, row.out_trade_no, row.out_refund_no))


def written(channel, paid, differences=NONE):
    return WRITE[channel](bills.entries(books_of(channel, paid), channel, DAY, differences))


@CHANNELS
@given(paid=PAID)
@settings(max_examples=60, deadline=None)
def test_a_bill_reads_back_to_the_books(channel, paid):
    books = books_of(channel, paid)
    bill = READ[channel](WRITE[channel](bills.entries(books, channel, DAY, NONE)), DAY)
    assert sorted(bill.rows, key=lambda row: (row.at, row.out_trade_no, row.out_refund_no)) == expected(
        books, channel
    )


BUSY = [(4950, 100, '卡,"50"元', [(1000, 200)]), (1, 0, "a", []), (10**7, clock.DAY - 1, "b`c", [])]


@CHANNELS
def test_a_bill_cut_anywhere_is_refused(channel):
    content = written(channel, BUSY)
    for end in range(len(content)):
        with pytest.raises(gateways.Damaged):
            READ[channel](content[:end], DAY)


@CHANNELS
@given(place=st.integers(0, 10**6), change=st.integers(1, 255))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_byte_is_refused_or_changes_no_amount(channel, place, change):
    """WeChat's own digest is checked before; here the sums must still hold what money there is."""
    content = written(channel, BUSY)
    at = place % len(content)
    changed = content[:at] + bytes([content[at] ^ change]) + content[at + 1 :]
    try:
        rows = READ[channel](changed, DAY).rows
    except gateways.Damaged:
        return
    true = READ[channel](content, DAY).rows
    assert [(row.amount_fen, row.fee_fen, row.kind) for row in rows] == [
        (row.amount_fen, row.fee_fen, row.kind) for row in true
    ]


@CHANNELS
@pytest.mark.parametrize(
    ("name", "differ"),
    [
        ("short", lambda rows: rows[1:]),
        ("duplicate", lambda rows: [rows[0], *rows]),
        ("awkward", lambda rows: rows),
        ("refunds_later", lambda rows: [row for row in rows if row.kind == "payment"]),
        ("midnight", lambda rows: rows[:-1]),
    ],
)
def test_differences_are_what_they_are_called(channel, name, differ):
    true = list(READ[channel](written(channel, BUSY), DAY).rows)
    assert list(READ[channel](written(channel, BUSY, frozenset({name})), DAY).rows) == differ(true)


@CHANNELS
def test_differences_of_a_row_are_what_they_are_called(channel):
    true = list(READ[channel](written(channel, BUSY), DAY).rows)

    def seen(name):
        return list(READ[channel](written(channel, BUSY, frozenset({name})), DAY).rows)

    assert [row.amount_fen for row in seen("amount")] == [
        true[0].amount_fen + 1,
        *(r.amount_fen for r in true[1:]),
    ]
    assert seen("fee")[0].fee_fen == true[0].fee_fen + 1
    assert len(seen("long")) == len(true) + 1
    assert seen("long")[-1].transaction_id not in {row.transaction_id for row in true}
    assert seen("foreign")[-1].merchant == true[0].merchant[::-1]
    if channel == "alipay":
        assert {row.merchant for row in seen("foreign")} == {true[0].merchant[::-1]}


@CHANNELS
def test_a_day_without_business_is_a_bill_without_rows(channel):
    assert READ[channel](written(channel, []), DAY).rows == ()


@CHANNELS
@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", "交易时间".encode(), b"\x00" * 1000])
def test_what_is_no_bill_is_refused(channel, content):
    with pytest.raises(gateways.Damaged) as refusal:
        READ[channel](content, DAY)
    assert DAY in str(refusal.value)


def test_wechat_s_sdk_reads_the_same_bill():
    import base64

    content = written("wechat", BUSY)
    read = sdks.ask("wechatBill", content=base64.b64encode(content).decode())
    assert [row["商户订单号"] for row in read["rows"]] == [
        row.out_trade_no for row in wechat_bill.parse(content, DAY).rows
    ]
    assert read["summary"]["总交易单数"] == "4"


@pytest.fixture
def day(shop):
    """Today, for whose bill it is noon of tomorrow."""
    today = clock.day_of(shop.clock())
    shop.clock.ahead = clock.day_start(today) + clock.DAY + 12 * 3600 - clock.now()
    return today


@pytest.fixture
def order_no(shop):
    return shops.order_no(next(COUNT))


def download(shop, channel, day):
    return shop.gateways[channel].download_bill(day, now=shop.clock())


@CHANNELS
def test_the_day_s_bill_is_downloaded_the_next_day(shop, channel, order_no):
    today = clock.day_of(shop.clock())
    shop.open(order_no + "1", channel)
    transaction_id = shop.pay(order_no)["transaction_id"]
    with pytest.raises(gateways.Unready):
        download(shop, channel, today)
    shop.clock.ahead = clock.DAY + 12 * 3600
    bill = download(shop, channel, today)
    (row,) = [row for row in bill.rows if row.transaction_id == transaction_id]
    assert (row.kind, row.amount_fen, row.fee_fen, row.out_trade_no) == ("payment", 4950, 30, order_no + "1")
    assert download(shop, channel, today) == bill


@CHANNELS
@pytest.mark.parametrize("fault", ["truncated", "changed"])
def test_a_file_that_arrives_otherwise_is_refused(shop, channel, day, fault):
    shop.sandbox.faults.set({"bill": [fault]})
    with pytest.raises(gateways.Damaged):
        download(shop, channel, day)
    shop.sandbox.faults.set({"bill": ["late"], "channel": channel})
    with pytest.raises(gateways.Unready):
        download(shop, channel, day)
