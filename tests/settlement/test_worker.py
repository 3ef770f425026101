"""What queue REFUND has done besides refunds of orders: each message by the verb it names."""

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import tenant
from chalicelib.payments import service as payments
from chalicelib.settlement import service as settlement
from tests import make


def test_a_merchant_s_settings_are_tried_and_the_report_is_kept(world):
    with tenant.acting_for(tenant.MAIN):
        message = {"site": "main", "probe": True, "channel": "wechat", "merchant": "mwechat"}
        assert make.work("refund", [message]) == []
        report = payments.last_report("wechat", "mwechat")
    assert (report.at, report.passed, report.fault) == (make.NOON, ("secrets",), "reach")


def test_a_payment_of_nobody_goes_back_when_its_case_says_so(shop, world):
    order = shop.place()
    checkout.accept_payment(shop.payment(order, transaction_id="odd", amount_fen=4000), now=world.now)
    with tenant.acting_for(tenant.MAIN):
        case = cases.find(payments.SUSPENSE, payments.suspense_key("wechat", "odd"))
        settlement.give_back(case.case_id, staff="admin", now=world.now)
    assert make.work("refund", [{"site": "main", "case": case.case_id}]) == []
    with tenant.acting_for(tenant.MAIN):
        assert cases.case(case.case_id).settled_at == make.NOON
    assert list(world.channel.refunds.values()) == [4000]
