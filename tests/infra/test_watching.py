"""What looks at a deployment: alarms that ring when they should, objectives, dashboards, queries and runbooks."""

import json
import re
from pathlib import Path

import pytest

from chalicelib.kit import log
from chalicelib.tenancy import service as tenancy
from chalicelib.web.console import insights
from infra.package import alarms, objectives, template

pytestmark = pytest.mark.package

ROOT = Path(__file__).parents[2]
SOURCES = [path.read_text() for path in (ROOT / "chalicelib").rglob("*.py")]
RUNBOOKS = (ROOT / alarms.RUNBOOKS).read_text()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
QUERIES = {path.stem: path.read_text() for path in ROOT.glob("chalicelib/web/console/queries/*.logs")}
ALARM = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
BY_FILTER = {"LogAlarms"}
BESIDE = {  # alarms of the other stacks
    f"{path.stem} {name}": resource["Properties"]
    for path in sorted((ROOT / "infra").glob("*.yaml"))
    for name, resource in template.load(path)["Resources"].items()
    if resource["Type"] in ALARM
}


def _of(packaged, *kinds):
    return {name: r["Properties"] for name, r in packaged.resources.items() if r["Type"] in kinds}


def _metrics_of(alarm):
    return [m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m]


def _alarms_of(packaged, channel):
    """The alarms that look at a channel's metrics."""
    on = [{"Name": "channel", "Value": channel}]
    found = [each for each in _of(packaged, ALARM[0]).values() if "Metrics" in each]
    return [each for each in found if _metrics_of(each)[0]["Dimensions"] == on]


@pytest.mark.parametrize("channel", tenancy.CHANNELS)
def test_a_channel_that_refuses_or_that_nobody_pays_through_calls_a_person(packaged, channel):
    for alarm in _alarms_of(packaged, channel):
        (shown,) = [m["Expression"] for m in alarm["Metrics"] if m["ReturnData"]]
        assert channel in alarm["AlarmDescription"]
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
        assert shown.startswith("IF(")  # below a minimum count it says nothing
    assert len(_alarms_of(packaged, channel)) == 2


def _evaluated(alarm, **sums):
    """What a metric-math alarm would see of these sums; a metric without data is None."""

    def fill(value, otherwise):
        return otherwise if value is None else value

    def choose(holds, yes, no):
        return yes if holds else no

    known = {"FILL": fill, "IF": choose, "MAX": max, **sums}
    for metric in alarm["Metrics"]:
        if "Expression" in metric:
            try:
                known[metric["Id"]] = eval(metric["Expression"], {}, known)
            except (ZeroDivisionError, TypeError):  # of missing data, CloudWatch makes none
                known[metric["Id"]] = 0
    return known[alarm["Metrics"][-1]["Id"]] > alarm["Threshold"]


@pytest.mark.parametrize(
    ("opened", "refused", "calls"),
    [
        (100, 0, False),
        (100, None, False),
        (80, 20, False),
        (79, 21, True),
        (None, 10, True),
        (None, 9, False),
        (None, None, False),
    ],
)
def test_trades_that_cannot_be_opened_call_a_person_from_a_fifth_of_ten_on(packaged, opened, refused, calls):
    refuses, _ = _alarms_of(packaged, "wechat")
    assert _evaluated(refuses, opened=opened, refused=refused) is calls


@pytest.mark.parametrize(
    ("placed", "paid", "calls"),
    [
        (100, 60, False),
        (100, 10, False),
        (100, 9, True),
        (20, None, True),
        (19, None, False),
        (None, None, False),
    ],
)
def test_orders_that_nobody_pays_call_a_person_from_twenty_on(packaged, placed, paid, calls):
    _, unpaid = _alarms_of(packaged, "alipay")
    assert _evaluated(unpaid, placed=placed, paid=paid) is calls


@pytest.mark.parametrize(
    ("name", "late", "delivered", "calls"),
    [
        ("DeliveryFastLongWindow", 14, 100, False),
        ("DeliveryFastLongWindow", 15, 100, True),
        ("DeliveryFastLongWindow", 19, 19, False),  # too few to say anything
        ("DeliveryFastShortWindow", 1, 1, True),
        ("DeliverySlowLongWindow", 6, 100, False),
        ("DeliverySlowLongWindow", 7, 100, True),
        ("DeliverySlowShortWindow", None, None, False),
        ("CallbacksFastLongWindow", 14, 1000, False),
        ("CallbacksFastLongWindow", 15, 1000, True),
        ("CallbacksSlowLongWindow", None, 1000, False),
        ("UnmatchedMoneyAlarm", 100, 100_000, False),
        ("UnmatchedMoneyAlarm", 101, 100_000, True),
    ],
)
def test_an_objective_is_burning_from_so_many_times_what_it_allows(packaged, name, late, delivered, calls):
    assert _evaluated(packaged.resources[name]["Properties"], bad=late, every=delivered) is calls


@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
@pytest.mark.parametrize(("speed", "long", "short"), [("Fast", 3600, 300), ("Slow", 21_600, 1800)])
def test_an_objective_calls_once_both_windows_burn_and_neither_calls_alone(
    packaged, objective, speed, long, short
):
    whole = packaged.resources[f"{objective}{speed}Alarm"]["Properties"]
    names = re.findall(r'ALARM\("\$\{(\w+)\}"\)', whole["AlarmRule"]["Fn::Sub"])
    assert " AND " in whole["AlarmRule"]["Fn::Sub"]
    assert whole["AlarmActions"] == [{"Ref": "Alarms"}]
    windows = [packaged.resources[name]["Properties"] for name in names]
    seconds = [{m["MetricStat"]["Period"] for m in each["Metrics"] if "MetricStat" in m} for each in windows]
    assert seconds == [{long}, {short}]
    assert not any("AlarmActions" in each for each in windows)


def test_letters_that_stay_dead_for_a_day_call_again(packaged):
    alarm = packaged.resources["ForgottenLettersAlarm"]["Properties"]
    queues = [m["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for m in _metrics_of(alarm)]
    assert sorted(queues) == sorted(name for name in packaged.resources if name.endswith("DeadLetters"))
    ages = {f"q{i}": None for i in range(len(queues))}
    alarm["Metrics"][-1]["Expression"] = alarm["Metrics"][-1]["Expression"].replace("[", "").replace("]", "")
    assert not _evaluated(alarm, **ages)
    assert not _evaluated(alarm, **ages | {"q3": 86_400})
    assert _evaluated(alarm, **ages | {"q3": 86_401})


def _shown(packaged):
    """The widgets of each dashboard."""
    bodies = {
        n: p["DashboardBody"]["Fn::Sub"] for n, p in _of(packaged, "AWS::CloudWatch::Dashboard").items()
    }
    return {name: json.loads(body)["widgets"] for name, body in bodies.items()}


def test_there_is_a_dashboard_for_each_reader_and_nothing_on_it_overlaps(packaged):
    assert set(_shown(packaged)) == {"OnCallDashboard", "TradeDashboard", "MoneyDashboard"}
    for widgets in _shown(packaged).values():
        assert len({(each["x"], each["y"]) for each in widgets}) == len(widgets) > 3
        assert {each["x"] + each["width"] for each in widgets} == {12, 24}


def test_whoever_is_on_call_sees_every_alarm_that_calls(packaged):
    first = _shown(packaged)["OnCallDashboard"][0]
    calling = {n for n, each in _of(packaged, *ALARM).items() if "AlarmActions" in each}
    assert len(calling) > 40
    assert {name[2:-5] for name in first["properties"]["alarms"]} == calling


def test_what_is_watched_is_counted_and_never_by_site(packaged):
    simple = [each for each in _of(packaged, ALARM[0]).values() if "MetricName" in each]
    sums = [m for each in _of(packaged, ALARM[0]).values() if "Metrics" in each for m in _metrics_of(each)]
    drawn = [
        line
        for widgets in _shown(packaged).values()
        for w in widgets
        for line in w["properties"].get("metrics", [])
    ]
    watched = {m["MetricName"] for m in simple + sums if m["Namespace"] == log.NAMESPACE}
    watched |= {line[1] for line in drawn if line[0] == log.NAMESPACE}
    measured = "".join(text for text in SOURCES if "log.measure(" in text)
    assert {name for name in watched if f'"{name}": ' not in measured} == BY_FILTER
    dimensions = {d["Name"] for m in simple + sums for d in m["Dimensions"]}
    assert dimensions == {"QueueName", "FunctionName", "ApiName", "channel"}
    for name in ("TradesOpened", "TradesRefused", "OrdersPlaced", "OrdersPaid"):
        assert re.search(rf'log\.measure\("[a-z_.]+", {{"{name}": 1}}, channel=', measured), name


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_says_what_it_answers_and_asks_for_lines_that_are_written(name):
    first, *rest = QUERIES[name].splitlines()
    assert re.fullmatch(r"# .{8,80}。", first)
    assert rest
    written = "".join(SOURCES)
    for line in re.findall(r'"([a-z]+\.[a-z_]+)"', QUERIES[name]):
        assert re.search(rf'log\.\w+\(\s*"{re.escape(line)}"', written), line


def test_every_query_is_saved_over_all_logs(packaged):
    saved = _of(packaged, "AWS::Logs::QueryDefinition").values()
    assert {each["Name"]["Fn::Sub"].removeprefix("${TablePrefix}/") for each in saved} == set(QUERIES)
    logs = {f"{name}Logs" for name in packaged.functions}
    for each in saved:
        assert each["QueryString"] in QUERIES.values()
        assert {log["Ref"] for log in each["LogGroupNames"]} == logs


def test_the_console_knows_the_log_of_every_function(packaged):
    names = {p["LogGroupName"]["Fn::Sub"] for p in _of(packaged, "AWS::Logs::LogGroup").values()}
    assert names == {f"/${{TablePrefix}}/{function}" for function in insights.FUNCTIONS}


def test_every_alarm_names_its_runbook_and_every_runbook_is_needed(packaged):
    named = {}
    for name, alarm in (_of(packaged, *ALARM) | BESIDE).items():
        found = re.search(rf"What to do: {alarms.RUNBOOKS}#([a-z-]+)$", alarm["AlarmDescription"])
        assert found, name
        named[name] = found[1]
    assert set(named.values()) == set(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_runbook_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over(name):
    parts = re.findall(r"^\*\*(.+?)\*\*", SECTIONS[name], re.MULTILINE)
    assert parts == ["Means.", "Look.", "Do.", "Over when"]
    asked = set(re.findall(r"[Qq]uery\s+`([a-z-]+)`", SECTIONS[name]))
    assert asked
    assert asked <= set(QUERIES)
