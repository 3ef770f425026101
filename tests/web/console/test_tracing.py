"""An order's whole journey on one page, and the queries over the logs."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cases import service as cases
from chalicelib.kit import clock, config, tenant
from chalicelib.settlement import service as settlement
from chalicelib.web.console import insights
from tests import make

from .conftest import Person, buy, page, sign_in

MOST_LOGS = 50  # log groups of one query (CloudWatch Logs user guide, quotas)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def order(world, shop):
    """An order of demo: paid, delivered, settled, partly refunded, and its window closed."""
    done = buy(world, shop, quantity=2)
    world.now += 600
    with tenant.acting_for(shop.site):
        settlement.give(
            shop.order(done.number),
            settlement.Wish("有一个卡密无效", fen=500),
            by=f"{shop.site}:demo-owner",
            seen=0,
            now=world.now,
        )
        world.run("refund")
        world.now = make.NOON + 45_000  # half past midnight
        settlement.close_windows(shop.site, now=world.now)
    return shop.order(done.number)


def stops(text):
    """The times and words of the journey, in the order of the page."""
    found = re.findall(r'<span class="stop"><time datetime="(.+?)">.+?</time><b>(.+?)</b>', text)
    assert found == sorted(found, key=lambda stop: stop[0])
    return [words for _, words in found]


def test_the_whole_journey_is_told_in_the_order_in_which_it_happened(order, staff):
    text = page(staff.get(f"/console/orders/{order.number}/journey"))
    told = stops(text)
    for words in (
        "下单",
        "已付款",
        "已交付",
        "成交",
        "提出退款",
        "同意，向渠道退款",
        "已退给顾客",
        "2026-11-23 的结算窗口入账",
    ):
        assert words in told
    assert told.index("下单") == 0
    assert told.index("提出退款") < told.index("2026-11-23 的结算窗口入账")
    assert "有一个卡密无效" in text
    assert order.out_trade_no in text
    assert "<h2>2026-11-23</h2>" in text
    assert "<h2>2026-11-24</h2>" in text
    assert "buyer@example.com" not in text
    assert "CODE-" not in text


def test_the_order_s_page_leads_there_with_one_click(order, staff):
    assert f'href="/console/orders/{order.number}/journey">查看全程' in page(
        staff.get(f"/console/orders/{order.number}")
    )


def test_an_order_that_has_just_been_placed_has_one_stop(staff, shop):
    placed = shop.place()
    assert stops(page(staff.get(f"/console/orders/{placed.number}/journey"))) == ["下单"]


def test_main_s_staff_see_the_cases_and_the_logs_of_an_order_and_its_owner_does_not(
    order, staff, owner, world
):
    with tenant.acting_for(tenant.MAIN):
        facts = {"order": order.number, "amount_fen": "500"}
        cases.open("refund", "k1", why="渠道没能退款。", facts=facts, action="联系顾客。", now=world.now)
        cases.open(
            "refund", "k2", why="别的订单。", facts={"order": "another"}, action="看看。", now=world.now
        )
    path = f"/console/orders/{order.number}/journey"
    for_staff, for_owner = page(staff.get(path)), page(owner.get(path))
    assert stops(for_staff) == stops(for_owner)
    assert "渠道没能退款。" in for_staff
    assert "别的订单。" not in for_staff
    assert f'filter order = "{order.number}"' in unescape(for_staff)
    for words in ("渠道没能退款。", "CloudWatch", "filter order"):
        assert words not in for_owner


def test_an_owner_follows_the_orders_of_the_own_site_only(order, world, owner):
    other = make.make_site(world, "campus")
    rival = Person(owner.client, "campus.cardmesh.test", sign_in(other, "campus-owner"))
    assert rival.get(f"/console/orders/{order.number}/journey").status_code == 404
    assert owner.get("/console/orders/nonsense/journey").status_code == 404
    assert Person(owner.client, owner.host).get(f"/console/orders/{order.number}/journey").status_code == 303


def test_the_logs_of_an_order_are_asked_for_the_time_in_which_it_happened(order, staff):
    text = page(staff.get(f"/console/orders/{order.number}/journey"))
    address = unescape(re.search(r'href="(https://console[^"]+)"', text)[1])
    since = clock.iso(order.placed_at - 600).replace(":", "*3a").replace("Z", ".000Z")
    assert f"start~'{since}~" in address
    assert f"*22{order.number}*22" in address
    assert address.count("*2fcardmesh*2f") == len(insights.FUNCTIONS)


@pytest.mark.parametrize(
    ("region", "host"),
    [("us-east-1", "console.aws.amazon.com"), ("cn-north-1", "console.amazonaws.cn")],
)
def test_the_way_to_an_answer_leads_to_the_console_of_the_partition_and_holds_nothing_raw(
    monkeypatch, region, host
):
    there = replace(config.load(), region=region)
    monkeypatch.setattr(config, "load", lambda: there)
    for query in insights.all_queries():
        address = query.about(order="\"~()' x").address(since=0, until=60)
        parts = urlsplit(address)
        assert (parts.scheme, parts.hostname, parts.query) == ("https", host, f"region={region}")
        assert not set(address) & set(' "<>\n|')


def test_the_address_is_the_one_that_the_console_writes_for_the_same_query(monkeypatch):
    """As CloudWatch's console wrote it on 2025-05-30, but for the parts it works without: queryId and lang."""
    there = replace(config.load(), region="us-west-2")
    monkeypatch.setattr(config, "load", lambda: there)
    monkeypatch.setattr(insights, "FUNCTIONS", ("console",))
    text = "fields @timestamp, @message, @logStream, @log\n| sort @timestamp desc\n| limit 10000"
    at = clock.from_iso("2025-05-30T04:00:00Z")
    assert insights.Query("x", "", text).address(since=at, until=at + 3600) == (
        "https://console.aws.amazon.com/cloudwatch/home?region=us-west-2#logsV2:logs-insights$3FqueryDetail$3D"
        "~(end~'2025-05-30T05*3a00*3a00.000Z~start~'2025-05-30T04*3a00*3a00.000Z~timeType~'ABSOLUTE~tz~'UTC"
        "~editorString~'fields*20*40timestamp*2c*20*40message*2c*20*40logStream*2c*20*40log*0a*7c*20sort"
        "*20*40timestamp*20desc*0a*7c*20limit*2010000~source~(~'*2fcardmesh*2fconsole))"
    )


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=60), st.integers(0, 2**32))
def test_what_the_console_reads_from_an_address_is_what_was_asked(text, since):
    address = insights.Query("x", "", text).address(since=since, until=since + 60)
    told, rest = read_jsurl(address.partition("queryDetail$3D")[2])
    assert rest == ""
    assert told == {
        "end": clock.iso(since + 60).replace("Z", ".000Z"),
        "start": clock.iso(since).replace("Z", ".000Z"),
        "timeType": "ABSOLUTE",
        "tz": "UTC",
        "editorString": text,
        "source": [f"/cardmesh/{function}" for function in insights.FUNCTIONS],
    }


def test_no_query_asks_more_logs_than_an_answer_may_span():
    assert len(insights.FUNCTIONS) <= MOST_LOGS


def read_jsurl(text):
    """What JSURL's parse makes of a text, of the kinds used here, and what is left of it."""
    assert text[0] == "~"
    if text[1] == "'":
        raw = re.match(r"[^~)]*", text[2:])[0]
        units = re.sub(r"\*\*(....)|\*(..)|(!)", _unit, raw)
        return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text[2 + len(raw) :]
    assert text[1] == "("
    text, items, names = text[2:], [], []
    while text[0] != ")":
        if text[0] != "~":
            name = re.match(r"[A-Za-z]+", text)[0]
            names, text = [*names, name], text[len(name) :]
        item, text = read_jsurl(text)
        items, text = [*items, item], text.removeprefix("~") if names else text
    return dict(zip(names, items, strict=True)) if names else items, text[1:]


def _unit(found):
    wide, byte, _ = found.groups()
    return chr(int(wide or byte, 16)) if wide or byte else "$"


def test_staff_have_every_query_and_may_fill_in_a_trace(staff):
    text = unescape(page(staff.get("/console/logs")))
    for query in insights.all_queries():
        assert query.says in text
        assert query.text in text
    assert 'filter trace = "TRACE"' in text
    filled = unescape(page(staff.get(f"/console/logs?trace={TRACE}")))
    assert f'filter trace = "{TRACE}"' in filled
    assert 'filter trace = "TRACE"' not in filled


@pytest.mark.parametrize("trace", ["x", TRACE[1:], TRACE + '"', "%22%20or%20true"])
def test_what_is_no_trace_is_not_put_into_a_query(staff, trace):
    assert staff.get(f"/console/logs?trace={trace}").status_code == 404


def test_the_logs_are_main_s(owner):
    assert owner.get("/console/logs").status_code == 404
