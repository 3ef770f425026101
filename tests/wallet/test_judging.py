"""Names that wait for main's staff: shown once, whatever is lost, and gone from the list with the verdict."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import errors, log, queue
from chalicelib.wallet import service as wallet

pytestmark = pytest.mark.usefixtures("at_the_shop")


def tell(shop, name="王小明"):
    return wallet.tell_name(shop.site, "m1", name, by="m1", now=shop.world.now)


def waiting():
    return cases.open_ones(kind=wallet.NAME_CASE)


def decide(shop, state="verified", note="ID card seen"):
    (case,) = waiting()
    return wallet.decide_name(case.case_id, state, by="main:ann", note=note, now=shop.world.now)


def test_a_name_is_shown_to_main_masked_and_wakes_nobody(shop, world, monkeypatch):
    alarms = []
    monkeypatch.setattr(log, "alarm", lambda *told, **_facts: alarms.append(told))
    tell(shop)
    assert world.run("timer") == []
    (case,) = waiting()
    assert (case.facts["site"], case.facts["member"], case.facts["name"]) == (shop.site, "m1", "王**")
    assert "小明" not in repr(case)
    assert not wallet.show_name(shop.site, "m1", now=world.now)
    assert alarms == []


def test_the_night_shows_what_a_lost_message_did_not(shop, world, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(queue, "send", lambda *_names, **_message: None)
        tell(shop)
    assert world.run("timer") == []
    assert waiting() == []
    queue.send("timer", site=shop.site, audit=True)
    assert world.run("timer") == []
    assert len(waiting()) == 1
    decide(shop)
    assert wallet.show_names(shop.site, now=world.now) == 0


def test_a_verdict_settles_the_case_and_the_next_name_is_a_case_of_its_own(shop, world):
    tell(shop)
    world.run("timer")
    assert decide(shop, "refused", "not the name on the card").state == "refused"
    assert waiting() == []
    (settled,) = cases.settled_ones(kind=wallet.NAME_CASE)
    assert settled.note == "未通过：not the name on the card"
    tell(shop, "王大明")
    world.run("timer")
    decide(shop)
    assert wallet.terms(shop.site, "m1").named
    second = cases.find(wallet.NAME_CASE, f"{shop.site}#m1#2")
    wallet.decide_name(second.case_id, "refused", by="main:bob", note="forged", now=world.now)
    assert not wallet.terms(shop.site, "m1").named


def test_whoever_died_after_the_verdict_settles_the_case_by_repeating_it(shop, world, monkeypatch):
    tell(shop)
    world.run("timer")
    (case,) = waiting()
    with monkeypatch.context() as patch:
        patch.setattr(cases, "settle", lambda *_names, **_how: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            decide(shop)
    decide(shop)
    with pytest.raises(errors.Conflict):
        wallet.decide_name(case.case_id, "verified", by="main:bob", note="again", now=world.now)
    assert waiting() == []


def test_only_a_case_about_a_name_has_one(shop):
    cases.open("odd", "k", why="?", facts={}, action="!", now=shop.world.now)
    with pytest.raises(errors.NotFound):
        wallet.name_in(cases.find("odd", "k"))
