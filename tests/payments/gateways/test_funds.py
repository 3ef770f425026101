"""WeChat Pay's fund bill: what the sandbox writes reads back, adds up, and is refused wherever it is cut."""

import pytest

from chalicelib.kit import clock
from chalicelib.payments import gateways
from chalicelib.payments.gateways.wechat import funds
from sandbox import bills, wechat_funds
from sandbox.books import Books, Refund

from .conftest import NOW, paid_trade

DAY = clock.day_of(NOW)


@pytest.fixture(scope="module")
def content():
    books = Books()
    trade = paid_trade("wechat")
    trade.refunds.append(Refund("R1", 1000, "success", NOW))
    books.open(trade, now=NOW)
    return wechat_funds.write(bills.entries(books, "wechat", DAY, frozenset()))


def test_each_movement_is_read_with_the_balance_after_it(content):
    bill = funds.parse(content, DAY)
    assert [(row.kind, row.amount_fen) for row in bill.rows] == [
        ("交易", 4950),
        ("扣除交易手续费", -30),
        ("退款", -1000),
        ("退款", 6),
    ]
    balance = 0
    for row in bill.rows:
        balance += row.amount_fen
        assert row.balance_fen == balance
    assert bill.rows[2].voucher == "R1"
    assert len({row.flow_id for row in bill.rows}) == 4
    assert funds.parse(content, DAY) == bill


def test_a_day_without_movements_is_a_bill_too():
    assert funds.parse(wechat_funds.write([]), DAY).rows == ()


def test_a_fund_bill_cut_anywhere_is_refused(content):
    for end in range(len(content)):
        with pytest.raises(gateways.Damaged):
            funds.parse(content[:end], DAY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`4,`2,", "`5,`2,"),
        ("`4,`2,", "`4,`1,"),
        ("`49.50,`49.50", "`49.51,`49.50"),
        ("收支类型", "方向"),
        ("`收入,", "`转移,"),
    ],
)
def test_a_fund_bill_that_does_not_add_up_is_refused(content, old, new):
    text = content.decode("utf-8-sig")
    assert old in text
    with pytest.raises(gateways.Damaged):
        funds.parse(text.replace(old, new, 1).encode("utf-8-sig"), DAY)


def test_it_is_downloaded_like_the_trade_bill(shop):
    day = clock.day_of(shop.clock())
    with pytest.raises(gateways.Unready):
        shop.gateways["wechat"].download_funds(day, now=shop.clock())
    shop.clock.ahead = 2 * clock.DAY
    bill = shop.gateways["wechat"].download_funds(day, now=shop.clock())
    assert bill.day == day
