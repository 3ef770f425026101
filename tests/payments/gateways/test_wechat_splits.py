"""Profit sharing and bills of WeChat Pay against the sandbox over real HTTP."""

import itertools

import pytest

from chalicelib.kit import clock
from chalicelib.payments import gateways
from sandbox import keys
from tests.payments.gateways import sdks
from tests.sandbox import shop as shops

COUNT = itertools.count(1)
SITE = gateways.Receiver("merchant", "1900000109", "某某数码有限公司")
PERSON = gateways.Receiver("person", "oPersonalOpenid0000000000001", "", "distributor")


@pytest.fixture
def order_no():
    return shops.order_no(next(COUNT))


@pytest.fixture
def paid(shop, order_no):
    """The transaction of a frozen payment of 49.50 yuan, more than a minute ago."""
    for receiver in (SITE, PERSON):
        shop.gateways["wechat"].add_receiver(receiver, now=shop.clock())
    shop.open(order_no + "1", splits=True)
    transaction_id = shop.pay(order_no)["transaction_id"]
    shop.clock.ahead = 61
    return transaction_id


def no(transaction_id, name):
    """A number of the merchant's, which it uses once."""
    return f"{name}{transaction_id[-16:]}"


def split(shop, transaction_id, name="SPLIT1", *, finish=False, **amounts):
    asked = {"site": 1000, "person": 200} | amounts
    parts = [
        gateways.Part(receiver, asked[name], "佣金")
        for name, receiver in (("site", SITE), ("person", PERSON))
        if asked[name]
    ]
    return shop.gateways["wechat"].split(
        transaction_id, out_split_no=no(transaction_id, name), parts=parts, finish=finish, now=shop.clock()
    )


def query(shop, transaction_id, name="SPLIT1"):
    return shop.gateways["wechat"].query_split(transaction_id, no(transaction_id, name), now=shop.clock())


def take_back(shop, transaction_id, name, amount, account=SITE.account):
    return shop.gateways["wechat"].return_split(
        no(transaction_id, "SPLIT1"),
        out_return_no=no(transaction_id, name),
        account=account,
        amount_fen=amount,
        now=shop.clock(),
    )


def test_a_split_is_under_way_first_and_then_each_receiver_has_a_result(shop, paid):
    asked = split(shop, paid)
    assert (asked.state, {part.state for part in asked.parts}) == ("processing", {"pending"})
    done = query(shop, paid)
    assert done == gateways.Split(
        no(paid, "SPLIT1"),
        "finished",
        (
            gateways.PartResult(SITE.account, 1000, "success"),
            gateways.PartResult(PERSON.account, 200, "success"),
        ),
    )
    assert split(shop, paid) == done


def test_finished_is_not_success(shop, paid):
    shop.sandbox.faults.set({"split": "closed"})
    split(shop, paid)
    done = query(shop, paid)
    assert done.state == "finished"
    assert [(part.state, part.reason) for part in done.parts] == [
        ("success", ""),
        ("closed", "ACCOUNT_ABNORMAL"),
    ]


def test_a_split_may_stay_under_way(shop, paid):
    shop.sandbox.faults.set({"split": "processing"})
    split(shop, paid)
    assert query(shop, paid).state == "processing"


def test_an_unknown_split_is_unknown(shop, paid):
    assert query(shop, paid, "NOSUCHSPLIT") == gateways.Split(no(paid, "NOSUCHSPLIT"), "unknown")


def test_a_stranger_gets_nothing(shop, paid):
    stranger = gateways.Part(gateways.Receiver("merchant", "1900000999", "陌生人"), 100, "佣金")
    made = shop.gateways["wechat"].split(
        paid, out_split_no=no(paid, "SPLIT1"), parts=[stranger], finish=False, now=shop.clock()
    )
    assert [(part.state, part.reason) for part in made.parts] == [("closed", "NO_RELATION")]


def test_no_more_than_the_cap_is_split_and_a_number_says_one_thing(shop, paid):
    cap = shop.gateways["wechat"].capabilities.split_cap_bps
    split(shop, paid)
    with pytest.raises(gateways.Declined):
        split(shop, paid, site=999)
    left = 4950 * cap // 10_000 - 1200
    with pytest.raises(gateways.Declined) as refusal:
        split(shop, paid, "SPLIT2", site=left + 1, person=0)
    assert refusal.value.code == "NOT_ENOUGH"
    assert split(shop, paid, "SPLIT2", site=left, person=0).state == "processing"


def test_a_number_is_used_for_one_payment(shop, paid, order_no):
    split(shop, paid)
    shop.clock.ahead = 0
    shop.open(order_no + "2", splits=True)
    other = shop.pay(order_no, attempt="2")["transaction_id"]
    shop.clock.ahead = 61
    part = gateways.Part(SITE, 100, "佣金")
    with pytest.raises(gateways.Declined):
        shop.gateways["wechat"].split(
            other, out_split_no=no(paid, "SPLIT1"), parts=[part], finish=False, now=shop.clock()
        )


def test_after_unfreezing_under_a_number_of_its_own_nothing_is_split(shop, paid):
    split(shop, paid)
    done = shop.gateways["wechat"].unfreeze(paid, out_split_no=no(paid, "THAW001"), now=shop.clock())
    assert done == gateways.Split(no(paid, "THAW001"), "finished")
    assert query(shop, paid, "THAW001") == done
    with pytest.raises(gateways.Declined):
        split(shop, paid, "SPLIT2")


def test_the_last_split_may_unfreeze_the_rest(shop, paid):
    split(shop, paid, finish=True)
    with pytest.raises(gateways.Declined):
        shop.gateways["wechat"].unfreeze(paid, out_split_no=no(paid, "THAW001"), now=shop.clock())


def test_what_was_not_frozen_or_is_too_young_is_not_split(shop, order_no):
    shop.open(order_no + "1")
    open_ = shop.pay(order_no)["transaction_id"]
    shop.clock.ahead = 61
    with pytest.raises(gateways.Declined):
        split(shop, open_)
    shop.clock.ahead = 0
    shop.open(order_no + "2", splits=True)
    young = shop.pay(order_no, attempt="2")["transaction_id"]
    with pytest.raises(gateways.Declined) as refusal:
        split(shop, young)
    assert "稍后" in refusal.value.sentence


def test_a_merchant_s_part_comes_back_once_per_number_and_never_more_than_it_was(shop, paid):
    split(shop, paid)
    query(shop, paid)
    assert [take_back(shop, paid, "RETURN1", 600).state for _ in range(2)] == ["success"] * 2
    with pytest.raises(gateways.Declined):
        take_back(shop, paid, "RETURN2", 401)
    assert take_back(shop, paid, "RETURN2", 400).state == "success"
    asked = shop.gateways["wechat"].query_return(no(paid, "SPLIT1"), no(paid, "RETURN1"), now=shop.clock())
    assert asked == gateways.SplitReturn(no(paid, "RETURN1"), "success")
    unknown = shop.gateways["wechat"].query_return(no(paid, "SPLIT1"), no(paid, "RETURN9"), now=shop.clock())
    assert unknown.state == "unknown"


def test_a_person_gives_nothing_back_and_a_merchant_may_refuse(shop, paid):
    split(shop, paid)
    query(shop, paid)
    with pytest.raises(gateways.Declined) as refusal:
        take_back(shop, paid, "RETURN1", 100, PERSON.account)
    assert "个人" in refusal.value.sentence
    assert "person" not in shop.gateways["wechat"].capabilities.returns_from
    shop.sandbox.faults.set({"taking_back": "refused"})
    refused = take_back(shop, paid, "RETURN2", 100)
    assert refused == gateways.SplitReturn(no(paid, "RETURN2"), "failed", "PAYER_ACCOUNT_ABNORMAL")


def test_a_receiver_s_name_is_sealed_for_the_channel_alone(shop, own):
    gateway = shop.gateways["wechat"]
    sealed = gateway.sealed(SITE.name)
    opened = sdks.ask(
        "wechatOpened", private_key=keys._private_pem(own.wechat_platform).decode(), sealed=[sealed]
    )
    assert opened == [SITE.name]
    with pytest.raises(gateways.Declined):
        gateway.add_receiver(gateways.Receiver("merchant", "1900000109"), now=shop.clock())


def test_inside_wechat_the_bridge_is_called_with_a_signature(shop, own, order_no):
    link = shop.open(order_no + "1", openid="oSandboxShopper000000000001")
    assert (link.kind, link.payload[:2]) == ("jsapi", "wx")
    fields = link.fields
    assert fields["package"] == f"prepay_id={link.payload}"
    lines = [fields[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    asked = {
        "public_key": keys._public_pem(own.wechat_merchant),
        "lines": lines,
        "signature": fields["paySign"],
    }
    assert sdks.ask("wechatLines", **asked) is True
    assert sdks.ask("wechatLines", **asked | {"lines": lines[:3]}) is False
    assert abs(int(fields["timeStamp"]) - clock.now()) < 60


def test_a_refund_is_told_where_the_settings_say(shop, keys_folder, order_no):
    plain = keys.settings(keys_folder, shop.address)["wechat"]
    told_at = f"http://main.localhost:{shop.port}/hooks/wechat/m"
    gateway = gateways.GATEWAYS["wechat"](plain | {"refund_notify_url": told_at})
    shop.open(order_no + "1")
    shop.pay(order_no)
    asked = {"out_refund_no": f"{order_no}R1", "amount_fen": 50, "total_fen": 4950, "reason": "缺货"}
    gateway.refund(order_no + "1", **asked, asked_at=shop.clock(), now=shop.clock())
    shops.until(lambda: any(isinstance(heard.outcome, gateways.RefundNotice) for heard in shop.heard))
    (notice,) = [heard.outcome for heard in shop.heard if isinstance(heard.outcome, gateways.RefundNotice)]
    assert notice.refund == gateways.Refund(f"{order_no}R1", "success")
    assert notice.out_trade_no == order_no + "1"
