"""What calls a person: dead letters, old messages, crashed functions, log lines that ask for it."""

from typing import Any

Resources = dict[str, Any]

_NAMESPACE = "CardMesh"
_DAYS_OF_LOGS = 90
_OLDEST = 900  # seconds a message may wait: the longest delay of the TIMER queue


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
            "A function logged something a person must look at.", "LogAlarms", _NAMESPACE, {}, statistic="Sum"
        ),
    }
    for queue in queues:
        resources |= _for_queue(queue)
    for function in functions:
        resources |= _for_function(function)
    return resources


def _for_queue(queue: str) -> Resources:
    dead, alive = (
        {"QueueName": {"Fn::GetAtt": [f"{queue}{kind}", "QueueName"]}} for kind in ("DeadLetters", "Queue")
    )
    return {
        f"{queue}DeadLettersAlarm": _alarm(
            "A message failed ten times.", "ApproximateNumberOfMessagesVisible", "AWS/SQS", dead
        ),
        f"{queue}AgeAlarm": _alarm(
            "Messages are not being taken.", "ApproximateAgeOfOldestMessage", "AWS/SQS", alive, above=_OLDEST
        ),
    }


def _for_function(function: str) -> Resources:
    named = {"FunctionName": {"Ref": function}}
    return {
        f"{function}ErrorsAlarm": _alarm(
            "A function crashed.", "Errors", "AWS/Lambda", named, statistic="Sum"
        ),
        f"{function}LogFilter": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": f"{function}Logs"},
                "FilterPattern": "{ $.alarm IS TRUE }",
                "MetricTransformations": [
                    {"MetricNamespace": _NAMESPACE, "MetricName": "LogAlarms", "MetricValue": "1"}
                ],
            },
        },
    }


def _alarm(
    why: str,
    metric: str,
    namespace: str,
    dimensions: dict[str, Any],
    *,
    above: int = 0,
    statistic: str = "Maximum",
) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": why,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Statistic": statistic,
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": above,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Alarms"}],
        },
    }
