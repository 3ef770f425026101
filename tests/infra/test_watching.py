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
TOLD = {  # what budgets and releases say is no alarm's text
    section
    for name in ("budgets", "pipeline")
    for section in re.findall(rf"{alarms.RUNBOOKS}#([a-z-]+)", (ROOT / f"infra/{name}.yaml").read_text())
}
ASKING = re.compile(r'log\.(?:alarm|crash)\(\s*"([a-z_.]+)"')  # a line for a person
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def _of(packaged, *kinds):
    return {name: r["Properties"] for name, r in packaged.resources.items() if r["Type"] in kinds}


def _metrics_of(alarm):
    return [m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m]


def _counted(alarm, **counts):
    """Sums of a metric-math alarm by its own names for them; what is not said has no figures."""
    names = {m["Id"]: m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert set(counts) <= {metric["MetricName"] for metric in names.values()}
    once = dict(counts)  # of a metric by channel the first one has it all
    return {each: once.pop(metric["MetricName"], None) for each, metric in names.items()}


def _alarms_of(packaged, channel):
    """The alarms that look at a channel's metrics."""
    on = [{"Name": "channel", "Value": channel}]
    found = [each for each in _of(packaged, ALARM[0]).values() if "Metrics" in each]
    return [each for each in found if all(m["Dimensions"] == on for m in _metrics_of(each))]


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
        ("CallbacksFastLongWindow", 14, 1000, False),
        ("CallbacksFastLongWindow", 15, 1000, True),
        ("CallbacksSlowLongWindow", None, 1000, False),
        ("UnmatchedMoneyAlarm", 100, 100_000, False),
        ("UnmatchedMoneyAlarm", 101, 100_000, True),
    ],
)
def test_an_objective_is_burning_from_so_many_times_what_it_allows(packaged, name, late, delivered, calls):
    assert _evaluated(packaged.resources[name]["Properties"], bad0=late, every0=delivered) is calls


@pytest.mark.parametrize(
    ("name", "counts", "calls"),
    [
        ("FastLong", {"Delivered": 100, "DeliveredLate": 14}, False),
        ("FastLong", {"Delivered": 100, "DeliveredLate": 15}, True),
        ("FastLong", {"Delivered": 19, "DeliveredLate": 19}, False),  # too few to say anything
        ("FastLong", {"Delivered": 80, "DeliveredLate": 0, "Undelivered": 20}, True),  # sold out, all at once
        ("FastLong", {"Delivered": 90, "DeliveredLate": 0, "Undelivered": 10}, False),
        ("FastLong", {"Undelivered": 20}, True),
        ("FastLong", {"DeliveredByHand": 20, "DeliveredByHandLate": 0}, False),
        ("FastLong", {"DeliveredByHand": 20, "DeliveredByHandLate": 3}, True),
        ("FastShort", {"Delivered": 1, "DeliveredLate": 1}, True),
        ("SlowLong", {"Delivered": 100, "DeliveredLate": 6}, False),
        ("SlowLong", {"Delivered": 100, "DeliveredLate": 4, "Undelivered": 3}, True),
        ("SlowShort", {}, False),
    ],
)
def test_an_order_that_ends_without_codes_is_as_bad_as_a_late_one(packaged, name, counts, calls):
    alarm = packaged.resources[f"Delivery{name}Window"]["Properties"]
    # What is counted among the bad and among all of them is one metric under two names.
    bad, every = (
        {k: v for k, v in _counted(alarm).items() if k.startswith(kind)} for kind in ("bad", "every")
    )
    named = {m["Id"]: m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert set(counts) <= set(named.values())
    assert _evaluated(alarm, **{each: counts.get(named[each]) for each in (*bad, *every)}) is calls


@pytest.mark.parametrize(
    ("counts", "calls"),
    [
        ({"OrdersPaid": 5}, True),
        ({"OrdersPaid": 4}, False),  # perhaps in this very second
        ({"OrdersPaid": 100, "Delivered": 50}, False),
        ({"OrdersPaid": 100, "Delivered": 49}, True),
        ({"OrdersPaid": 100, "Delivered": 1, "Undelivered": 30, "HandedOver": 30}, False),
        ({"Delivered": 100}, False),
        ({}, False),
    ],
)
def test_money_taken_for_nothing_calls_a_person(packaged, counts, calls):
    alarm = packaged.resources["StandstillAlarm"]["Properties"]
    assert _evaluated(alarm, **_counted(alarm, **counts)) is calls
    of = {d["Value"] for m in _metrics_of(alarm) for d in m["Dimensions"]}
    assert of == set(tenancy.CHANNELS)


@pytest.mark.parametrize(
    ("name", "counts", "calls"),
    [
        ("MainTableAlarm", {"ReadThrottleEvents": 100}, False),
        ("MainTableAlarm", {"ReadThrottleEvents": 60, "WriteThrottleEvents": 41}, True),
        ("MainTableAlarm", {}, False),
        ("ShopAlarm", {"5XXError": 5, "Count": 100}, False),
        ("ShopAlarm", {"5XXError": 6, "Count": 100}, True),
        ("ShopAlarm", {"5XXError": 19, "Count": 19}, False),
        ("ShopAlarm", {"Count": 100}, False),
    ],
)
def test_a_table_that_throttles_and_a_shop_that_fails_call_a_person(packaged, name, counts, calls):
    alarm = packaged.resources[name]["Properties"]
    assert _evaluated(alarm, **_counted(alarm, **counts)) is calls
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]


def test_a_schedule_that_calls_nobody_twice_in_a_row_calls_a_person(packaged):
    periods = {}
    for name, function in packaged.functions.items():
        for event in function.get("Events", {}).values():
            if event["Type"] == "Schedule":
                periods[name] = packaged.resources[f"{name}SilentAlarm"]["Properties"]["Period"]
    assert periods == {
        "WalkSites": 900,
        "TendSites": 3600,
        "AskForBills": 3600,
        "CloseWindows": 3600,
        "PlanPayouts": 3600,
        "AuditPools": 86_400,
    }
    for name in periods:
        alarm = packaged.resources[f"{name}SilentAlarm"]["Properties"]
        assert (alarm["MetricName"], alarm["EvaluationPeriods"]) == ("Invocations", 2)
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
        assert (alarm["TreatMissingData"], alarm["Statistic"]) == ("breaching", "Sum")
    assert sum(name.endswith("SilentAlarm") for name in packaged.resources) == len(periods)


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
    assert dimensions == {"QueueName", "FunctionName", "ApiName", "TableName", "channel"}
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
    assert set(named.values()) | TOLD == set(SECTIONS)


def test_operations_explains_every_line_for_a_person_and_no_other():
    table = re.search(r"^\| alarm or line .*?(?=^$)", OPERATIONS, re.MULTILINE | re.DOTALL)[0]
    explained = {
        line for row in table.splitlines() for line in re.findall(r"`([a-z]+\.[a-z_]+)`", row.split("|")[1])
    }
    every = "".join(SOURCES)
    written = ASKING.findall(every)
    assert len(written) == len(re.findall(r"log\.(?:alarm|crash)\(", every))  # each names its line
    assert every.count(" log.alarm if ") == 1
    written += re.findall(r'\btell\("([a-z_.]+)"', every)
    assert explained == set(written)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_runbook_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over(name):
    parts = re.findall(r"^\*\*(.+?)\*\*", SECTIONS[name], re.MULTILINE)
    assert parts == ["Means.", "Look.", "Do.", "Over when"]
    asked = set(re.findall(r"[Qq]uery\s+`([a-z-]+)`", SECTIONS[name]))
    assert asked
    assert asked <= set(QUERIES)
