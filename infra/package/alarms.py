"""What calls a person: dead letters, old messages, crashed functions, log lines that ask for it, silent schedules, a
throttled table, a shop that fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import log
from localcloud import schedule

Resources = dict[str, Any]

RUNBOOKS = "docs/runbooks.md"
_DAYS_OF_LOGS = 90
_OLDEST = 900  # seconds a message may wait: the longest delay of the TIMER queue
_THROTTLED = (100, 300)  # of the main table in so many seconds; a few are repeated and nobody notices
# Of at least so many requests in so many seconds; the share is in percent.
_SHOP_FAILS = (20, 300, 5)


@dataclass(frozen=True)
class Metric:
    """Where CloudWatch counts something."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, Any], ...] = ()

    @property
    def described(self) -> dict[str, Any]:
        """As a template has it."""
        return {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
        }


def explained(why: str, runbook: str) -> str:
    """What an alarm says: what is wrong, and where it stands what to do."""
    return f"{why} What to do: {RUNBOOKS}#{runbook}"


def of_function(function: str, name: str) -> Metric:
    """What Lambda counts of a function; the function by logical name."""
    return Metric("AWS/Lambda", name, (("FunctionName", {"Ref": function}),))


def of_queue(queue: str) -> Metric:
    """How long the oldest message of a queue has been there; the queue by logical name."""
    name = {"Fn::GetAtt": [queue, "QueueName"]}
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", (("QueueName", name),))


def log_group(function: str) -> dict[str, Any]:
    """The log of one function."""
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/${{TablePrefix}}/{function}"},
            "RetentionInDays": _DAYS_OF_LOGS,
        },
    }


def calls(queues: list[str], functions: Mapping[str, dict[str, Any]]) -> Resources:
    """The topic people subscribe to and all that is published there; queues and functions by logical name.

    Of a function its properties as well: they have its schedule.
    """
    resources: Resources = {
        "Alarms": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "LogAlarm": _alarm(
            explained("A function logged something a person must look at.", "a-line-for-a-person"),
            Metric(log.NAMESPACE, "LogAlarms"),
            statistic="Sum",
        ),
        "MainTableAlarm": _throttled(),
        "ShopAlarm": _shop_fails(),
    }
    for queue in queues:
        resources |= _for_queue(queue)
    for function, properties in functions.items():
        resources |= _for_function(function) | _for_schedule(function, properties)
    return resources


def _throttled() -> dict[str, Any]:
    most, seconds = _THROTTLED
    named = (("TableName", {"Ref": "MainTable"}),)
    counted = {
        kind.lower(): Metric("AWS/DynamoDB", f"{kind}ThrottleEvents", named) for kind in ("Read", "Write")
    }
    why = explained("The main table takes no more requests.", "a-throttled-table")
    return of_sums(why, counted, {"both": "FILL(read, 0) + FILL(write, 0)"}, seconds, above=most)


def _shop_fails() -> dict[str, Any]:
    """Beside what an edge sees: aws-cn has no such metric, and a deployment may have no edge."""
    least, seconds, percent = _SHOP_FAILS
    named = (("ApiName", {"Fn::Sub": "${TablePrefix}-rest"}),)
    counted = {
        "bad": Metric("AWS/ApiGateway", "5XXError", named),
        "every": Metric("AWS/ApiGateway", "Count", named),
    }
    share = f"IF(FILL(every, 0) >= {least}, 100 * FILL(bad, 0) / every, 0)"
    why = explained(f"More than {percent} % of requests end in an error of ours.", "the-shop-fails")
    return of_sums(why, counted, {"share": share}, seconds, above=percent)


def _for_schedule(function: str, properties: dict[str, Any]) -> Resources:
    """An alarm where a function is called by the clock, and twice in a row was not."""
    expressions = [
        event["Properties"]["Schedule"]
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Schedule"
    ]
    return {f"{function}SilentAlarm": _silent(function, expression) for expression in expressions}


def _silent(function: str, expression: str) -> dict[str, Any]:
    first = schedule.next_after(expression, 0)
    period = schedule.next_after(expression, first) - first
    alarm = _alarm(
        explained("A schedule did not call its function twice in a row.", "a-silent-schedule"),
        of_function(function, "Invocations"),
        statistic="Sum",
    )
    alarm["Properties"] |= {
        "Period": period,
        "EvaluationPeriods": 2,
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1,
        "TreatMissingData": "breaching",  # a function that nobody calls has no figures at all
    }
    return alarm


def _for_queue(queue: str) -> Resources:
    dead = (("QueueName", {"Fn::GetAtt": [f"{queue}DeadLetters", "QueueName"]}),)
    return {
        f"{queue}DeadLettersAlarm": _alarm(
            explained("A message failed ten times.", "dead-letters"),
            Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", dead),
        ),
        f"{queue}AgeAlarm": _alarm(
            explained("Messages are not being taken.", "old-messages"),
            of_queue(f"{queue}Queue"),
            above=_OLDEST,
        ),
    }


def _for_function(function: str) -> Resources:
    return {
        f"{function}ErrorsAlarm": _alarm(
            explained("A function crashed.", "a-crashed-function"),
            of_function(function, "Errors"),
            statistic="Sum",
        ),
        f"{function}LogFilter": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": f"{function}Logs"},
                "FilterPattern": "{ $.alarm IS TRUE }",
                "MetricTransformations": [
                    {"MetricNamespace": log.NAMESPACE, "MetricName": "LogAlarms", "MetricValue": "1"}
                ],
            },
        },
    }


def of_sums(
    why: str,
    counted: Mapping[str, Metric],
    sums: Mapping[str, str],
    seconds: int,
    *,
    above: float,
    statistic: str = "Sum",
    calls: bool = True,
) -> dict[str, Any]:
    """An alarm on the last of the sums, which are expressions of what was counted in so many seconds."""
    metrics: list[dict[str, Any]] = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": metric.described, "Period": seconds, "Stat": statistic},
        }
        for name, metric in counted.items()
    ]
    metrics += [
        {"Id": name, "Expression": text, "ReturnData": name == list(sums)[-1]} for name, text in sums.items()
    ]
    return _resource(why, above, {"Metrics": metrics}, calls=calls)


def _alarm(why: str, metric: Metric, *, above: int = 0, statistic: str = "Maximum") -> dict[str, Any]:
    return _resource(why, above, {**metric.described, "Statistic": statistic, "Period": 60}, calls=True)


def _resource(why: str, above: float, looks_at: dict[str, Any], *, calls: bool) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            **looks_at,
            "AlarmDescription": why,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": above,
            "TreatMissingData": "notBreaching",
            **({"AlarmActions": [{"Ref": "Alarms"}]} if calls else {}),
        },
    }
