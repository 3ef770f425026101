"""Royalties of Alipay against the sandbox over real HTTP; UnionPay's refusals."""

import itertools

import pytest

from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from tests.payments.gateways import sdks
from tests.sandbox import shop as shops

COUNT = itertools.count(1)
SITE, PERSON = (gateways.Receiver("person", f"208800000000100{n}") for n in (1, 2))


@pytest.fixture
def order_no():
    return shops.order_no(next(COUNT))


@pytest.fixture
def paid(shop, order_no):
    """The transaction of a frozen payment of 49.50 yuan."""
    for receiver in (SITE, PERSON):
        shop.gateways["alipay"].add_receiver(receiver, now=shop.clock())
    shop.open(order_no + "1", "alipay", splits=True)
    return shop.pay(order_no)["transaction_id"]


def split(shop, transaction_id, name="SPLIT1", *, finish=False, site=1000, person=200):
    parts = [
        gateways.Part(receiver, amount, "佣金")
        for receiver, amount in ((SITE, site), (PERSON, person))
        if amount
    ]
    return shop.gateways["alipay"].split(
        transaction_id, out_split_no=transaction_id + name, parts=parts, finish=finish, now=shop.clock()
    )


def refund(shop, number, amount, *taken_back):
    return shop.gateways["alipay"].refund(
        number,
        out_refund_no=f"{number}R1",
        amount_fen=amount,
        total_fen=4950,
        reason="缺货",
        asked_at=orders.time_of(number),
        now=shop.clock(),
        taken_back=taken_back,
    )


def test_each_receiver_has_a_result_and_a_repeat_moves_nothing(shop, paid):
    done = split(shop, paid)
    assert done.state == "finished"
    assert [(part.account, part.amount_fen, part.state) for part in done.parts] == [
        (SITE.account, 1000, "success"),
        (PERSON.account, 200, "success"),
    ]
    assert split(shop, paid) == done
    assert shop.gateways["alipay"].query_split(paid, paid + "SPLIT1", now=shop.clock()) == done
    with pytest.raises(gateways.Declined):
        split(shop, paid, site=999)


def test_a_receiver_may_get_nothing_and_a_split_may_stay_under_way(shop, paid):
    shop.sandbox.faults.set({"split": "processing"})
    assert split(shop, paid).state == "processing"
    shop.sandbox.faults.set({"split": "closed"})
    done = shop.gateways["alipay"].query_split(paid, paid + "SPLIT1", now=shop.clock())
    assert done.state == "finished"
    assert [(part.state, part.reason) for part in done.parts] == [
        ("success", ""),
        ("closed", "ACCOUNT_ABNORMAL"),
    ]


def test_no_more_than_the_cap_is_split(shop, paid):
    cap = 4950 * shop.gateways["alipay"].capabilities.split_cap_bps // 10_000
    with pytest.raises(gateways.Declined) as refusal:
        split(shop, paid, site=cap, person=1)
    assert refusal.value.code == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    assert split(shop, paid, site=cap - 1, person=1).state == "finished"


def test_after_the_last_split_nothing_is_split(shop, paid):
    done = shop.gateways["alipay"].unfreeze(paid, out_split_no=paid + "THAW", now=shop.clock())
    assert (done.state, done.parts) == ("finished", ())
    with pytest.raises(gateways.Declined):
        split(shop, paid)


def test_an_unknown_split_is_unknown(shop, paid):
    assert shop.gateways["alipay"].query_split(paid, "NOSUCH", now=shop.clock()).state == "unknown"


def test_parts_come_back_with_the_refund_and_only_there(shop, paid, order_no):
    split(shop, paid)
    back = gateways.Part(SITE, 600, "退款")
    assert refund(shop, order_no + "1", 2000, back, gateways.Part(PERSON, 200, "退款")).state == "success"
    (trade,) = [row for row in shop.books()["trades"] if row["out_trade_no"] == order_no + "1"]
    assert [(each["account"], each["amount_fen"]) for each in trade["returns"]] == [
        (SITE.account, 600),
        (PERSON.account, 200),
    ]
    alipay = shop.gateways["alipay"]
    assert alipay.capabilities.returns_with_refund
    with pytest.raises(gateways.Declined):
        alipay.return_split("S", out_return_no="R", account="1", amount_fen=1, now=shop.clock())
    assert alipay.query_return("S", "R", now=shop.clock()).state == "unknown"


def test_no_more_comes_back_than_was_given(shop, paid, order_no):
    split(shop, paid)
    with pytest.raises(gateways.Declined) as refusal:
        refund(shop, order_no + "1", 2000, gateways.Part(SITE, 1001, "退款"))
    assert refusal.value.code == "ACQ.REFUND_ROYALTY_AMT_ERROR"
    (trade,) = [row for row in shop.books()["trades"] if row["out_trade_no"] == order_no + "1"]
    assert trade["refunds"] == []


def test_the_official_sdk_settles_and_finds_a_bill(shop, paid, keys_folder):
    from sandbox import keys

    settings = keys.settings(keys_folder, shop.address)["alipay"]
    part = {"trans_in_type": "userId", "trans_in": SITE.account, "amount": "1.00", "desc": "佣金"}
    ask = {"out_request_no": f"{paid}SDK", "trade_no": paid, "royalty_parameters": [part]}
    query = {"out_request_no": f"{paid}SDK", "trade_no": paid}
    today = [
        "alipay.data.dataservice.bill.downloadurl.query",
        {"bill_type": "trade", "bill_date": "2026-11-01"},
    ]
    settled, known, bill = sdks.ask(
        "alipayCalls",
        settings=settings,
        calls=[["alipay.trade.order.settle", ask], ["alipay.trade.order.settle.query", query], today],
    )
    assert settled["trade_no"] == paid
    assert known["royalty_detail_list"][0]["state"] == "SUCCESS"
    assert "bizDates=20261101" in bill["bill_download_url"]


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("add_receiver", {"receiver": SITE}),
        ("split", {"transaction_id": "1", "out_split_no": "1", "parts": (), "finish": True}),
        ("query_split", {"transaction_id": "1", "out_split_no": "1"}),
        ("unfreeze", {"transaction_id": "1", "out_split_no": "1"}),
        ("query_return", {"out_split_no": "1", "out_return_no": "1"}),
    ],
)
def test_unionpay_does_not_split(unionpay, verb, asked):
    assert unionpay.capabilities.split_cap_bps == 0
    with pytest.raises(gateways.Declined) as refusal:
        getattr(unionpay, verb)(**asked, now=0)
    assert refusal.value.code == "unsupported"
