"""What calls a person when payers or a channel stay away: rates of log lines, by channel.

A channel is in trouble when it refuses to open trades, or when orders are placed and next to nobody pays.
"""

from typing import Any

from chalicelib.tenancy import service as tenancy

Resources = dict[str, Any]

_NAMESPACE = "CardMesh"
# The line of a log, the metric it counts in, and the functions that write it.
_LINES = {
    "payments.opened": ("TradesOpened", ("Checkout",)),
    "payments.create_failed": ("TradesRefused", ("Checkout",)),
    "checkout.placed": ("OrdersPlaced", ("Checkout",)),
    "checkout.paid": ("OrdersPaid", ("Hooks", "DriveOrders")),
}
# Of at least so many in so many seconds; the share is in percent.
_REFUSED = (10, 300, 20)
_UNPAID = (20, 1800, 10)


def watch() -> Resources:
    """Filters over the logs, and two alarms for each channel that has to be called."""
    resources = {}
    for line, (metric, functions) in _LINES.items():
        for function in functions:
            resources[f"{function}{metric}Filter"] = _filter(function, line, metric)
    for channel in tenancy.CHANNELS:
        name = channel.capitalize()
        resources[f"{name}RefusesAlarm"] = _refuses(channel)
        resources[f"{name}UnpaidAlarm"] = _unpaid(channel)
    return resources


def _filter(function: str, line: str, metric: str) -> dict[str, Any]:
    counted = {
        "MetricNamespace": _NAMESPACE,
        "MetricName": metric,
        "MetricValue": "1",
        "Dimensions": [{"Key": "channel", "Value": "$.channel"}],
    }
    return {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": f"{function}Logs"},
            "FilterPattern": f'{{ $.message = "{line}" }}',
            "MetricTransformations": [counted],
        },
    }


def _refuses(channel: str) -> dict[str, Any]:
    least, seconds, percent = _REFUSED
    share = f"IF(all >= {least}, 100 * FILL(refused, 0) / all, 0)"
    why = f"{channel}: more than {percent} % of trades cannot be opened. See docs/operations.md."
    counted = {"opened": "TradesOpened", "refused": "TradesRefused"}
    sums = {"all": "FILL(opened, 0) + FILL(refused, 0)"}
    return _alarm(why, channel, counted, sums | {"share": share}, seconds, above=percent)


def _unpaid(channel: str) -> dict[str, Any]:
    least, seconds, percent = _UNPAID
    share = f"IF(FILL(placed, 0) >= {least}, 100 - 100 * FILL(paid, 0) / placed, 0)"
    why = f"{channel}: less than {percent} % of orders are paid. See docs/operations.md."
    counted = {"placed": "OrdersPlaced", "paid": "OrdersPaid"}
    return _alarm(why, channel, counted, {"share": share}, seconds, above=100 - percent)


def _alarm(
    why: str, channel: str, counted: dict[str, str], sums: dict[str, str], seconds: int, *, above: int
) -> dict[str, Any]:
    """An alarm on the last of the sums."""
    metrics = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": _NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [{"Name": "channel", "Value": channel}],
                },
                "Period": seconds,
                "Stat": "Sum",
            },
        }
        for name, metric in counted.items()
    ]
    metrics += [
        {"Id": name, "Expression": text, "ReturnData": name == list(sums)[-1]} for name, text in sums.items()
    ]
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": why,
            "Metrics": metrics,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": above,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Alarms"}],
        },
    }
