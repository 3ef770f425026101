"""A member's name: told, judged by somebody else, kept sealed; the limit of the balance follows it at once."""

import pytest

from chalicelib.kit import errors, table
from chalicelib.wallet import naming
from chalicelib.wallet import service as wallet

pytestmark = pytest.mark.usefixtures("at_the_shop")
PROOF = "ID card seen at the desk"


def tell(shop, name="王 小明", by="m1"):
    return wallet.tell_name(shop.site, "m1", name, by=by, now=shop.world.now)


def judge(shop, rev, state="verified", *, by="main:ann", note=PROOF):
    return wallet.judge_name(shop.site, "m1", rev, state, by=by, note=note, now=shop.world.now)


def named(shop):
    return wallet.terms(shop.site, "m1").named


def test_a_verified_name_raises_what_may_be_held_and_a_refused_one_does_not(shop):
    assert (tell(shop).state, named(shop)) == ("asked", False)
    with pytest.raises(wallet.OverCap):
        wallet.check_room(shop.site, "m1", 100_001)
    verified = judge(shop, 1)
    assert (verified.state, verified.judged_by, verified.note) == ("verified", "main:ann", PROOF)
    wallet.check_room(shop.site, "m1", 500_000)
    assert judge(shop, 1, "refused", note="forged").state == "refused"
    assert not named(shop)
    with pytest.raises(errors.Conflict):
        judge(shop, 1)


def test_who_told_a_name_does_not_judge_it_and_nobody_verifies_without_proof(shop):
    tell(shop, by="main:ann")
    with pytest.raises(wallet.SamePerson):
        judge(shop, 1)
    with pytest.raises(errors.Invalid):
        judge(shop, 1, "asked", by="main:bob")
    for state, field in (("verified", "proof"), ("refused", "reason")):
        with pytest.raises(wallet.BadVerdict) as refused:
            judge(shop, 1, state, by="main:bob", note=" ")
        assert refused.value.detail["field"] == field
    with pytest.raises(errors.NotFound):
        judge(shop, 2, by="main:bob")
    assert not named(shop)


def test_a_name_is_told_anew_once_the_last_one_is_judged_and_a_verdict_on_that_comes_too_late(shop):
    tell(shop)
    with pytest.raises(wallet.NameWaits):
        tell(shop, "王大明")
    judge(shop, 1)
    tell(shop, "王大明")
    assert named(shop)
    with pytest.raises(errors.Conflict):
        judge(shop, 1, "refused", note="forged")
    assert judge(shop, 2).rev == 2
    assert [(one.rev, one.state) for one in wallet.names_of(shop.site, "m1")] == [
        (2, "verified"),
        (1, "verified"),
    ]


def test_nobody_tells_names_without_end(shop, monkeypatch):
    monkeypatch.setattr(naming, "MOST", 1)
    tell(shop)
    judge(shop, 1, "refused", note="no such person")
    with pytest.raises(errors.TooMany):
        tell(shop)


def test_of_two_who_tell_a_name_at_once_one_looks_again(shop, monkeypatch):
    monkeypatch.setattr(naming, "names_of", lambda *_named: [])
    tell(shop)
    with pytest.raises(errors.Conflict):
        tell(shop)


def test_a_name_is_sealed_at_rest_and_read_by_who_judges_it(shop):
    tell(shop, "  Ｗang Xiaoming ")
    key = {"pk": {"S": "WALLET#m1"}, "sk": {"S": "name#0001"}}
    stored = table.client(shop.site).get_item(TableName=f"cardmesh-site-{shop.site}", Key=key)["Item"]
    assert ("Xiaoming" in str(stored), stored["masked"]["S"]) == (False, "W**")
    assert wallet.real_name(shop.site, "m1", 1, by="main:ann") == "Wang Xiaoming"
    with pytest.raises(errors.NotFound):
        wallet.real_name(shop.site, "m1", 2, by="main:ann")


@pytest.mark.parametrize("name", ["", "王", "x" * 41, "a\nb", "<b>", "13800000000", "J0W5P8661"])
def test_what_can_be_no_name_is_refused(shop, name):
    with pytest.raises(wallet.BadName):
        tell(shop, name)
