"""What calls a person: dead letters, old messages, crashed functions, log lines that ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import log

Resources = dict[str, Any]

RUNBOOKS = "docs/runbooks.md"
_DAYS_OF_LOGS = 90
_OLDEST = 900  # seconds a message may wait: the longest delay of the TIMER queue


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


def calls(queues: list[str], functions: list[str]) -> Resources:
    """The topic people subscribe to and all that is published there; queues and functions by logical name."""
    resources: Resources = {
        "Alarms": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "LogAlarm": _alarm(
            explained("A function logged something a person must look at.", "a-line-for-a-person"),
            Metric(log.NAMESPACE, "LogAlarms"),
            statistic="Sum",
        ),
    }
    for queue in queues:
        resources |= _for_queue(queue)
    for function in functions:
        resources |= _for_function(function)
    return resources


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
    named = (("FunctionName", {"Ref": function}),)
    return {
        f"{function}ErrorsAlarm": _alarm(
            explained("A function crashed.", "a-crashed-function"),
            Metric("AWS/Lambda", "Errors", named),
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
