"""What needs a person, as main's staff see it."""

from chalicelib.cases import service as cases
from chalicelib.kit import tenant
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import holding
from tests import make

from .conftest import page, sign_in


def open_case(key="wechat#t1", *, kind="suspense", **facts):
    facts = {"channel": "wechat", "amount_fen": "4950", "paid_at": str(make.NOON), **facts}
    with tenant.acting_for(tenant.MAIN):
        cases.open(kind, key, why="查无此订单", facts=facts, action="稍后再认领一次。", now=make.NOON)
    return f"/console/cases/{cases.id_of(kind, key)}"


def test_nothing_to_do_is_said(staff):
    assert "没有待办" in page(staff.get("/console/cases"))
    assert "还没有结案" in page(staff.get("/console/cases?state=settled"))
    assert "这一类没有待办" in page(staff.get("/console/cases?kind=payout"))


def test_a_case_is_listed_by_kind_shown_with_its_facts_and_settled_with_a_note(staff):
    path = open_case(order="N" * 28, out_trade_no="<b>", odd="x", odd_fen="many")
    assert path in page(staff.get("/console/cases"))
    assert path not in page(staff.get("/console/cases?kind=refund"))
    shown = page(staff.get(path))
    for said in (
        "查无此订单",
        "稍后再认领一次",
        "¥49.50",
        "2026-11-23 12:00:00",
        "微信支付",
        "&lt;b&gt;",
        "many",
    ):
        assert said in shown
    assert f'href="/console/orders/{"N" * 28}"' in shown
    answer = staff.post(f"{path}/settle", {"note": "已退回，单号 42"})
    assert answer.headers["Location"] == f"{path}?done=case_settled"
    assert "已退回，单号 42" in page(staff.get(path))
    assert path in page(staff.get("/console/cases?state=settled"))
    assert path not in page(staff.get("/console/cases"))


def test_without_a_note_the_case_stays_open_and_says_why(staff):
    path = open_case()
    answer = staff.post(f"{path}/settle", {"note": " "})
    assert answer.status_code == 422
    assert "以后的人要看得懂" in page(answer)
    assert path in page(staff.get("/console/cases"))


def test_more_than_a_page_goes_on_below(staff):
    for i in range(cases.PAGE + 1):
        open_case(f"wechat#{i:03}")
    shown = page(staff.get("/console/cases"))
    assert shown.count("/console/cases/") == cases.PAGE
    more = shown.split('class="more"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert page(staff.get(f"/console/cases{more}")).count("/console/cases/") == 1


def test_a_kind_without_a_name_of_its_own_is_listed_too(staff):
    path = open_case("k", kind="odd")
    assert path in page(staff.get("/console/cases?kind=odd"))


def test_owners_see_no_cases(owner):
    path = open_case()
    assert owner.get("/console/cases").status_code == 404
    assert owner.get(path).status_code == 404
    assert owner.post(f"{path}/settle", {"note": "x"}).status_code == 404


def test_what_goes_back_is_settled_by_the_channel_and_by_nobody_s_note(staff):
    path = open_case(currency="CNY", merchant="m", out_trade_no="n", transaction="t1")
    with tenant.acting_for(tenant.MAIN):
        cases.begin(path.rpartition("/")[2], "give_back", staff="admin", now=make.NOON)
    assert "结案</button>" not in page(staff.get(path))
    assert staff.post(f"{path}/settle", {"note": "x"}).status_code == 409


def test_a_large_top_up_is_agreed_to_by_two_people_with_how_its_payer_is_known(
    staff, shop, world, monkeypatch
):
    monkeypatch.setattr(holding, "HOLD", 99)
    order = shop.place(member="m1", goods_id="topup", quantity=1)
    shop.pay(order)
    assert world.run("fulfil") == []
    case = cases.find("topup_review", order.number)
    place = f"/console/cases/{case.case_id}"
    assert "同意（还需第二人）" in page(staff.get(place))
    refused = staff.post(f"{place}/agree", {"evidence": "?"})
    assert (refused.status_code, "4～300 字" in page(refused)) == (422, True)
    assert (
        staff.post(f"{place}/agree", {"evidence": "身份证视频核对"})
        .headers["Location"]
        .endswith("topup_agreed")
    )
    shown = page(staff.get(place))
    assert ("身份证视频核对" in shown, "同意到账（第二人）" in shown) == (True, True)
    assert staff.post(f"{place}/agree", {}).status_code == 409
    with tenant.acting_for(tenant.MAIN):
        tenancy.enlist("main", "second", "correct horse", role="staff", now=world.now)
    staff.token = sign_in(tenant.MAIN, "second")
    assert staff.post(f"{place}/agree", {}).headers["Location"].endswith("topup_released")
    assert shop.wallet() == (100, 0)
