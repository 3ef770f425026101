"""Money asked for, agreed to and paid, once."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, table, tenant
from chalicelib.payouts import book, worker
from chalicelib.payouts import service as payouts
from sim.iam.enforce import acting_as
from tests import make

from .conftest import ACCOUNT, held

BIG = 5_000_000  # from here on two people have to agree


def test_money_goes_once_and_is_in_the_books(desk):
    party = desk.party(10_000)
    payout = desk.ask(party, 8_000)
    assert held(party) == (2_000, 8_000, 0)
    payout = desk.agree(payout)
    assert (payout.state, payout.masked) == ("approved", "建设银行杭州西湖支行 ****4567")
    payout = desk.drive(payout)
    assert (payout.state, payout.via) == ("sent", "transfer") or payout.state == "success"
    payout = desk.finish(payout)
    assert (payout.state, held(party)) == ("success", (2_000, 0, 0))
    assert desk.bank.moved[payout.id] == 8_000
    paid = desk.bank.payments[payout.id]
    assert (paid.name, paid.number, paid.bank) == (ACCOUNT.name, ACCOUNT.number, ACCOUNT.bank)
    assert desk.sums(party) == {f"subsite:{party}:available": 8_000, "payout_transit": 0, "bank:main": -8_000}


def test_posting_a_form_twice_is_one_payout_and_another_amount_is_refused(desk):
    party = desk.party(10_000)
    first = desk.ask(party, 6_000)
    assert desk.ask(party, 6_000) == first
    with pytest.raises(errors.Conflict):
        desk.ask(party, 5_000)
    assert held(party) == (4_000, 6_000, 0)
    assert desk.ask(party, None, key="k2").fen == 4_000
    assert desk.ask(party, None, key="k2").fen == 4_000


@pytest.mark.parametrize("fen", [0, 1, 999, 10_001, -5_000, 10**12])
def test_an_amount_that_is_too_small_or_not_there_is_refused(desk, fen):
    party = desk.party(10_000)
    with pytest.raises(payouts.BadAmount):
        desk.ask(party, fen)
    assert held(party) == (10_000, 0, 0)


def test_whoever_owes_gets_nothing(desk):
    party = desk.party(-1, deposit=9_000)
    for source in ("available", "deposit"):
        with pytest.raises(payouts.BadAmount):
            desk.ask(party, 2_000, source=source)
    assert held(party) == (-1, 0, 9_000)


def test_nothing_is_paid_to_an_account_that_nobody_verified(desk):
    party = desk.party(10_000, verified=False)
    with pytest.raises(payouts.NotPayable):
        desk.ask(party, 5_000)
    with pytest.raises(payouts.SamePerson):
        payouts.judge(party, 1, "verified", by="owner", note="", now=desk.now)
    with pytest.raises(payouts.NotPayable):
        desk.ask(desk.party(10_000, account=None), 5_000)


def test_a_new_account_stops_what_was_asked_for_before_and_gives_it_back(desk):
    party = desk.party(10_000)
    agreed = desk.agree(desk.ask(party, 4_000))
    asked = desk.ask(party, 3_000, key="k2")
    payouts.register(party, ACCOUNT, by="owner", now=desk.now)
    with pytest.raises(errors.Conflict):
        desk.agree(asked)
    with pytest.raises(payouts.NotPayable):
        desk.ask(party, 2_000, key="k3")
    assert desk.drive(agreed).state == "rejected"
    assert payouts.payee(party).rev == 2
    assert held(party) == (7_000, 3_000, 0)
    assert desk.bank.moved[agreed.id] == 0


def test_a_large_amount_needs_two_people_and_one_cannot_be_both(desk):
    party = desk.party(2 * BIG)
    payout = desk.agree(desk.ask(party, BIG), "ann")
    assert (payout.state, payout.agreed) == ("requested", ("ann",))
    with pytest.raises(payouts.SamePerson):
        desk.agree(payout, "ann")
    assert desk.agree(payout, "bob").state == "approved"
    small = desk.agree(desk.ask(party, BIG - 1, key="k2"), "ann")
    assert small.state == "approved"


def test_who_asked_cannot_agree(desk):
    payout = desk.ask(desk.party(5_000), 5_000)
    with pytest.raises(payouts.SamePerson):
        desk.agree(payout, "owner")


def test_what_is_refused_or_taken_back_is_there_again(desk):
    party = desk.party(9_000)
    refused = desk.ask(party, 4_000)
    back = desk.ask(party, 3_000, key="k2")
    refused = payouts.reject(party, refused.id, by="ann", why="户名不符", now=desk.now)
    assert refused.note == "ann: 户名不符"
    payouts.take_back(party, back.id, now=desk.now)
    assert held(party) == (9_000, 0, 0)
    for act in (payouts.reject, payouts.approve):
        with pytest.raises(errors.Conflict):
            act(party, refused.id, by="bob", now=desk.now, **({"why": ""} if act is payouts.reject else {}))


def test_once_agreed_the_party_cannot_take_it_back(desk):
    payout = desk.agree(desk.ask(desk.party(9_000), 4_000))
    with pytest.raises(errors.Conflict):
        payouts.take_back(payout.party, payout.id, now=desk.now)


@pytest.mark.parametrize("fault", ["lost", "down", "slow", "poor"])
def test_whatever_the_bank_does_it_pays_once(desk, fault):
    party = desk.party(8_000)
    payout = desk.agree(desk.ask(party, 8_000))
    desk.bank.set_faults({fault: 2})
    payout = desk.finish(payout)
    assert (payout.state, held(party)) == ("success", (0, 0, 0))
    assert desk.bank.moved[payout.id] == 8_000


def test_what_the_bank_cannot_pay_comes_back(desk):
    party = desk.party(8_000)
    payout = desk.agree(desk.ask(party, 8_000))
    desk.bank.set_faults({"fail": 1, "lost": 1})
    payout = desk.finish(payout)
    assert (payout.state, payout.note, held(party)) == ("failed", "户名与账号不符", (8_000, 0, 0))
    assert set(desk.sums(party).values()) == {0}


def test_what_the_bank_returns_days_later_is_there_again(desk):
    party = desk.party(8_000)
    payout = desk.finish(desk.agree(desk.ask(party, 8_000)))
    desk.bank.set_faults({"return": 1})
    payout = desk.drive(payout, days=4)
    assert (payout.state, payout.note, held(party)) == ("returned", "收款账户已注销", (8_000, 0, 0))
    assert desk.bank.moved[payout.id] == 0
    assert set(desk.sums(party).values()) == {0}
    assert payout.id not in {each.id for each in payouts.open_list()}


def test_after_a_fortnight_nobody_looks_at_a_payout_any_more(desk):
    payout = desk.finish(desk.agree(desk.ask(desk.party(8_000), 8_000)))
    desk.drive(payout, days=1)
    assert payout.id in {each.id for each in payouts.open_list()}
    desk.drive(payout, days=15)
    assert payout.id not in {each.id for each in payouts.open_list()}


def test_a_bank_account_waits_for_a_business_day_and_an_institution_does_not(desk):
    desk.world.now = clock.day_start("20261003") + 11 * 3600
    waits = desk.agree(desk.ask(desk.party(8_000), 8_000))
    account = payouts.Account("alipay", "杭州卡卡科技有限公司", "pay@kaka.example")
    goes = desk.agree(desk.ask(desk.party(8_000, account=account), 8_000))
    assert desk.drive(waits).state == "approved"
    assert desk.finish(goes).state == "success"
    desk.world.now = clock.day_start("20261008") + 9 * 3600
    assert desk.finish(waits).state == "success"


def test_a_bank_that_never_answers_raises_the_alarm_and_the_money_stays_on_its_way(desk, caplog):
    party = desk.party(8_000)
    payout = desk.agree(desk.ask(party, 8_000))
    desk.bank.set_faults({"down": 200})
    with pytest.raises(AssertionError, match="never at rest"):
        desk.finish(payout)
    (case,) = [one for one in cases.open_ones() if one.facts["payout"] == payout.id]
    assert (case.kind, case.facts["site"]) == ("payout", party)
    assert held(party) == (0, 8_000, 0)


def test_what_somebody_knows_of_a_payout_from_before_cannot_move_it(desk):
    before = desk.agree(desk.ask(desk.party(8_000), 8_000))
    desk.finish(before)
    for state in ("sent", "rejected"):
        with pytest.raises(errors.Conflict):
            book.move(before, state, now=desk.now)
    with pytest.raises(errors.Conflict):
        book.move(before, "success", now=desk.now)
    assert book.later(before, due=desk.now) is False


def test_the_hour_sends_what_is_due_and_asks_for_those_who_are_paid_daily(desk, bank):
    site = desk.site("daily")
    with tenant.acting_for(tenant.MAIN):
        payouts.register(site, ACCOUNT, by="owner", now=desk.now)
        payouts.judge(site, 1, "verified", by="ann", note="", now=desk.now)
        payouts.set_auto(site, 5_000)
        desk.give(site, 4_999)
        desk.world.now = clock.day_start("20261124") + worker.DAILY * 3600
        assert make.fire(worker.plan_payouts)["daily"] == 1
        desk.world.run()
        assert payouts.of_party(site) == []
        desk.give(site, 1)
        for _ in range(2):
            make.fire(worker.plan_payouts)
            desk.world.run()
        (asked,) = payouts.of_party(site)
        assert (asked.fen, asked.asked_by, asked.state) == (5_000, "daily", "requested")
        desk.agree(asked)
        desk.world.now += 8 * 3600
        assert make.fire(worker.plan_payouts)["due"] >= 1
        desk.world.run()
        assert payouts.get(site, asked.id).state == "success"
        payouts.set_auto(site, 0)
        assert payouts.auto([site]) == {}


@pytest.mark.parametrize(
    ("field", "account"),
    [
        ("kind", payouts.Account("qr", "个人", "12345678")),
        ("holder", payouts.Account("bank", "", "12345678", "建设银行")),
        ("holder", payouts.Account("bank", "a\nb", "12345678", "建设银行")),
        ("number", payouts.Account("bank", "某公司", "1234 5678", "建设银行")),
        ("number", payouts.Account("bank", "某公司", "=1+1", "建设银行")),
        ("number", payouts.Account("wechat", "某公司", "wxp://f2f0abc")),
        ("bank", payouts.Account("bank", "某公司", "12345678")),
        ("bank", payouts.Account("alipay", "某公司", "a@b.example", "建设银行")),
    ],
)
def test_an_account_nobody_can_be_paid_at_is_refused_at_its_field(desk, field, account):
    with pytest.raises(payouts.BadAccount) as refusal:
        payouts.register("p000", account, by="owner", now=desk.now)
    assert refusal.value.detail["field"] == field


def test_a_refused_account_and_one_that_was_blocked_later_are_not_paid_to(desk):
    party = desk.party(9_000, verified=False)
    payouts.judge(party, 1, "refused", by="ann", note="户名与执照不符", now=desk.now)
    with pytest.raises(payouts.NotPayable):
        desk.ask(party, 5_000)
    with pytest.raises(errors.Conflict):
        payouts.judge(party, 1, "verified", by="ann", note="", now=desk.now)
    other = desk.party(9_000)
    payout = desk.agree(desk.ask(other, 5_000))
    payouts.judge(other, 1, "refused", by="bob", note="冻结", now=desk.now)
    assert desk.drive(payout).state == "rejected"


def test_an_account_is_sealed_at_rest(desk):
    party = desk.party()
    key = {"pk": {"S": f"PAYEE#{party}"}, "sk": {"S": "0001"}}
    stored = str(table.client(tenant.MAIN).get_item(TableName="cardmesh-main", Key=key)["Item"])
    assert ACCOUNT.number not in stored
    assert "****4567" in stored


def test_each_step_is_taken_within_its_function_s_policy(desk):
    with acting_as("console"):
        party = desk.party(9_000, deposit=500)
        payouts.pay_in(party, 500, proof="B-1234", key="k", by="ann", now=desk.now)
        payouts.set_aside(party, 500, key="k", by="owner", now=desk.now)
        payout = desk.agree(desk.ask(party, 6_000))
        back = desk.agree(payouts.ask_back(party, 900, key="d", by="owner", now=desk.now))
    with acting_as("plan_payouts"):
        make.fire(worker.plan_payouts)
    with acting_as("pay_out"):
        assert make.work("payout", [{"site": "main", "party": party, "daily": True}]) == []
        desk.bank.set_faults({"slow": 1, "fail": 1})
        for each in (payout, back):
            desk.finish(each)
    assert {payouts.get(party, each.id).state for each in (payout, back)} == {"success", "failed"}
    desk.world.sent.clear()


def test_a_bank_that_tells_of_another_amount_is_asked_again_and_a_person_looks(desk):
    desk.bank.set_faults({"slow": 1})
    sent = desk.drive(desk.agree(desk.ask(desk.party(10_000), 8000)))
    desk.bank.payments[sent.id].amount_fen = 7999
    desk.world.now += 3600
    asked = desk.drive(sent)
    assert (asked.state, asked.tries) == ("sent", sent.tries + 1)
    told = [case.facts for case in cases.open_ones(kind="payout")]
    assert (sent.id, "8000") in [(facts["payout"], facts["amount_fen"]) for facts in told]
    desk.bank.payments[sent.id].amount_fen = 8000
    assert desk.finish(sent).state == "success"
