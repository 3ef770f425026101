"""Dashboards, one for each of three readers: who is on call, who runs the trade, who answers for the money.

Everything on them is counted for the whole deployment; what one site sells stands on its own board in the console.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.kit import log
from chalicelib.tenancy import service as tenancy

from . import alarms, channels, objectives

Resources = dict[str, Any]
Widget = dict[str, Any]

_WIDE, _HIGH, _ACROSS = 12, 6, 24  # of CloudWatch's grid
_PERIOD = 300  # seconds
_MONEY = ("Settle", "Refund", "Payout", "Reconcile")


def show(resources: Resources, queues: list[str], functions: list[str]) -> Resources:
    """The dashboards; `resources` has the alarms, queues and functions are logical names."""
    return {
        "OnCallDashboard": _dashboard("on-call", _on_call(resources, queues, functions)),
        "TradeDashboard": _dashboard("trade", _trade()),
        "MoneyDashboard": _dashboard("money", _money()),
    }


def _on_call(resources: Resources, queues: list[str], functions: list[str]) -> list[Widget]:
    ringing = [
        f"${{{name}.Arn}}" for name, each in resources.items() if "AlarmActions" in each.get("Properties", {})
    ]
    hooks = objectives.OBJECTIVES["Callbacks"]
    waited = alarms.Metric(log.NAMESPACE, "DeliverySeconds")
    return [
        {"type": "alarm", "properties": {"title": "值班：正在响的报警", "alarms": ringing}},
        _lines("付款到出卡（秒）", {"p50": waited, "p99": waited}, statistics=("p50", "p99")),
        _lines("渠道通知", {"收到": hooks.every[0], "我方出错": hooks.bad[0]}),
        _lines("各队列最老的消息（秒）", _ages(queues, "Queue"), statistics=("Maximum",)),
        _lines("死信最老的（秒）", _ages(queues, "DeadLetters"), statistics=("Maximum",)),
        _lines("函数出错", _of_functions(functions, "Errors")),
        _lines("函数被限流", _of_functions(functions, "Throttles")),
        _lines("函数耗时 p99（毫秒）", _of_functions(functions, "Duration"), statistics=("p99",)),
    ]


def _trade() -> list[Widget]:
    ours = {
        "已交付": alarms.Metric(log.NAMESPACE, "Delivered"),
        "超过一分钟": alarms.Metric(log.NAMESPACE, "DeliveredLate"),
        "没交付，退款": alarms.Metric(log.NAMESPACE, "Undelivered"),
        "转人工": alarms.Metric(log.NAMESPACE, "HandedOver"),
    }
    return [
        _lines("经营：各渠道下单", _of_channels("OrdersPlaced")),
        _lines("各渠道付款", _of_channels("OrdersPaid")),
        _lines("各渠道打开支付", _of_channels("TradesOpened")),
        _lines("渠道拒绝打开支付", _of_channels("TradesRefused")),
        _lines("交付", ours),
    ]


def _money() -> list[Widget]:
    bills = {
        "账单金额（分）": alarms.Metric(log.NAMESPACE, "BillFen"),
        "对不上的（分）": alarms.Metric(log.NAMESPACE, "UnmatchedFen"),
    }
    asking = {"需要人看的日志": alarms.Metric(log.NAMESPACE, "LogAlarms")}
    return [
        _lines("资金：渠道账单", bills, period=86_400),
        _lines("等人处理", asking),
        _lines("记账、退款、付款、对账最老的消息（秒）", _ages(_MONEY, "Queue"), statistics=("Maximum",)),
        _lines("其中的死信最老的（秒）", _ages(_MONEY, "DeadLetters"), statistics=("Maximum",)),
    ]


def _ages(queues: Iterable[str], kind: str) -> dict[str, alarms.Metric]:
    return {queue: alarms.of_queue(f"{queue}{kind}") for queue in queues}


def _of_functions(functions: Iterable[str], metric: str) -> dict[str, alarms.Metric]:
    return {name: alarms.of_function(name, metric) for name in functions}


def _of_channels(metric: str) -> dict[str, alarms.Metric]:
    return {channel: channels.counted(channel, metric) for channel in tenancy.CHANNELS}


def _lines(
    title: str,
    metrics: Mapping[str, alarms.Metric],
    *,
    statistics: tuple[str, ...] = ("Sum",),
    period: int = _PERIOD,
) -> Widget:
    """A line for each metric under its name; of several statistics each line has its own."""
    drawn = []
    for i, (label, metric) in enumerate(metrics.items()):
        named = [part for name, value in metric.dimensions for part in (name, _text(value))]
        shape = {"label": label, "stat": statistics[i % len(statistics)]}
        drawn.append([metric.namespace, metric.name, *named, shape])
    shown = {"title": title, "metrics": drawn, "period": period, "region": "${AWS::Region}"}
    return {"type": "metric", "properties": {**shown, "view": "timeSeries", "stacked": False}}


def _text(value: Any) -> str:
    """A value of the template as it stands within a text that CloudFormation fills in."""
    if isinstance(value, str):
        return value
    ((kind, named),) = value.items()
    if kind == "Fn::Sub":
        return str(named)
    return "${" + (named if kind == "Ref" else ".".join(named)) + "}"


def _dashboard(reader: str, widgets: list[Widget]) -> dict[str, Any]:
    placed = [
        {
            **widget,
            "x": i * _WIDE % _ACROSS,
            "y": i * _WIDE // _ACROSS * _HIGH,
            "width": _WIDE,
            "height": _HIGH,
        }
        for i, widget in enumerate(widgets)
    ]
    body = json.dumps({"widgets": placed}, ensure_ascii=False)
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "${TablePrefix}-" + reader},
            "DashboardBody": {"Fn::Sub": body},
        },
    }
