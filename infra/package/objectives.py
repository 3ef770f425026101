"""What shoppers and the books may count on, and the alarms that ring while too much of it is being used up.

An objective allows a share of its events to be bad. An alarm looks at how many times faster than that they are bad now:
over a long window, so that it is worth a call, and over a short one, so that it stops when it is over. Source: The Site
Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts".
"""

from dataclasses import dataclass
from typing import Any

from chalicelib.kit import log

from . import alarms

Resources = dict[str, Any]

_DAY = 86_400


@dataclass(frozen=True)
class Objective:
    """`percent` of the events counted by `every` are not among those counted by `bad`, as sums.

    `least` is how many events a window needs before it says anything.
    """

    says: str
    runbook: str
    percent: float
    bad: alarms.Metric
    every: alarms.Metric
    least: int


@dataclass(frozen=True)
class Burn:
    """So many times faster than allowed, in both windows of so many seconds."""

    times: float
    long: int
    short: int


OBJECTIVES = {
    "Delivery": Objective(
        "99 % of paid orders have their codes within a minute",
        "late-delivery",
        99.0,
        alarms.Metric(log.NAMESPACE, "DeliveredLate"),
        alarms.Metric(log.NAMESPACE, "Delivered"),
        20,
    ),
    "Callbacks": Objective(
        "99.9 % of the channels' notifications are answered without an error of ours",
        "failed-callbacks",
        99.9,
        alarms.Metric("AWS/ApiGateway", "5XXError", (("ApiName", {"Fn::Sub": "${TablePrefix}-hooks"}),)),
        alarms.Metric("AWS/ApiGateway", "Count", (("ApiName", {"Fn::Sub": "${TablePrefix}-hooks"}),)),
        20,
    ),
}
BURNS = {"Fast": Burn(14.4, 3600, 300), "Slow": Burn(6.0, 21_600, 1800)}
# A bill comes once a day, so that no window of an hour has anything to say of it.
_MATCHED = Objective(
    "99.9 % of the money on the channels' bills fits an order",
    "unmatched-money",
    99.9,
    alarms.Metric(log.NAMESPACE, "UnmatchedFen"),
    alarms.Metric(log.NAMESPACE, "BillFen"),
    1,
)


def watch(queues: list[str]) -> Resources:
    """The alarms of all objectives; queues by logical name."""
    resources: Resources = {
        "UnmatchedMoneyAlarm": _burning(_MATCHED, 1.0, _DAY, least=1),
        "ForgottenLettersAlarm": _forgotten(queues),
    }
    for name, objective in OBJECTIVES.items():
        for speed, burn in BURNS.items():
            resources |= _both_windows(f"{name}{speed}", objective, burn)
    return resources


def _both_windows(name: str, objective: Objective, burn: Burn) -> Resources:
    """The two windows ring nobody; their conjunction does."""
    long = _burning(objective, burn.times, burn.long, least=objective.least, calls=False)
    short = _burning(objective, burn.times, burn.short, least=1, calls=False)
    why = f"{objective.says}: that is being missed {burn.times:g} times over."
    rule = f'ALARM("${{{name}LongWindow}}") AND ALARM("${{{name}ShortWindow}}")'
    both = {
        "AlarmDescription": alarms.explained(why, objective.runbook),
        "AlarmRule": {"Fn::Sub": rule},
        "AlarmActions": [{"Ref": "Alarms"}],
    }
    return {
        f"{name}LongWindow": long,
        f"{name}ShortWindow": short,
        f"{name}Alarm": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": both},
    }


def _burning(
    objective: Objective, times: float, seconds: int, *, least: int, calls: bool = True
) -> dict[str, Any]:
    share = f"IF(FILL(every, 0) >= {least}, 100 * FILL(bad, 0) / every, 0)"
    return alarms.of_sums(
        alarms.explained(f"Not so within {seconds} seconds: {objective.says}.", objective.runbook),
        {"bad": objective.bad, "every": objective.every},
        {"share": share},
        seconds,
        above=round(times * (100 - objective.percent), 3),
        calls=calls,
    )


def _forgotten(queues: list[str]) -> dict[str, Any]:
    """Dead letters call somebody at once; this calls again where nobody came."""
    why = alarms.explained("A message has been dead for a day and nobody took care of it.", "dead-letters")
    named = {f"q{i}": alarms.of_queue(f"{queue}DeadLetters") for i, queue in enumerate(queues)}
    oldest = f"MAX([{', '.join(f'FILL({name}, 0)' for name in named)}])"
    return alarms.of_sums(why, named, {"oldest": oldest}, 300, above=_DAY, statistic="Maximum")
