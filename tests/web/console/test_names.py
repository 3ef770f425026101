"""Members' names as main's staff see and judge them."""

import pytest

from chalicelib.cases import service as cases
from chalicelib.kit import log, tenant
from chalicelib.wallet import service as wallet

from .conftest import page


@pytest.fixture
def case(shop, world):
    """The page of a name that waits."""
    with tenant.acting_for(shop.site):
        wallet.tell_name(shop.site, "m1", "王小明", by="m1", now=world.now)
    assert world.run("timer") == []
    (found,) = cases.open_ones(kind=wallet.NAME_CASE)
    return f"/console/cases/{found.case_id}"


def named(shop):
    with tenant.acting_for(shop.site):
        return wallet.terms(shop.site, "m1").named


def test_a_waiting_name_is_listed_masked_and_read_in_the_clear_by_a_click_that_is_kept(
    staff, case, monkeypatch
):
    kept = []
    monkeypatch.setattr(log, "event", lambda name, **facts: kept.append((name, facts)))
    assert case in page(staff.get("/console/cases?kind=name"))
    shown = page(staff.get(case))
    assert ("王**" in shown, "小明" in shown, "谁看过全名都会记录" in shown) == (True, False, True)
    clear = page(staff.post(f"{case}/name/show", {}))
    assert ("王小明" in clear, "您看过全名，已记录" in clear) == (True, True)
    (read,) = [facts for name, facts in kept if name == "wallet.name_read"]
    assert (read["by"], read["member"]) == ("main:admin", "m1")
    assert "小明" not in repr(kept)


def test_a_name_is_verified_with_how_it_was_proved_and_refused_later(staff, shop, case):
    refused = staff.post(f"{case}/name/verify", {"proof": " "})
    assert (refused.status_code, "写一句怎样核对的" in page(refused)) == (422, True)
    answer = staff.post(f"{case}/name/verify", {"proof": "视频核对身份证"})
    assert answer.headers["Location"] == f"{case}?done=name_verified"
    assert named(shop)
    shown = page(staff.get(case))
    assert ("已核验：视频核对身份证" in shown, "撤销核验" in shown) == (True, True)
    assert staff.post(f"{case}/name/verify", {"proof": "again"}).status_code == 409
    assert staff.post(f"{case}/name/refuse", {"reason": "证件是假的"}).headers["Location"].endswith("refused")
    assert not named(shop)
    assert "未通过：证件是假的" in page(staff.get(case))


def test_a_name_is_refused_with_a_reason_and_never_settled_without_a_verdict(staff, shop, case):
    assert "结案</button>" not in page(staff.get(case))
    assert staff.post(f"{case}/settle", {"note": "x"}).status_code == 409
    refused = staff.post(f"{case}/name/refuse", {"reason": ""})
    assert (refused.status_code, "会员会看到" in page(refused)) == (422, True)
    staff.post(f"{case}/name/refuse", {"reason": "与证件不一致"})
    assert "未通过：与证件不一致" in page(staff.get(case))
    assert not named(shop)


def test_owners_and_other_cases_have_no_names(staff, owner, case, world):
    cases.open("odd", "k", why="?", facts={}, action="!", now=world.now)
    other = f"/console/cases/{cases.id_of('odd', 'k')}"
    for what in ("show", "verify", "refuse"):
        assert owner.post(f"{case}/name/{what}", {}).status_code == 404
        assert staff.post(f"{other}/name/{what}", {}).status_code == 404
