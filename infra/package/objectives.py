"""What shoppers and the books may count on, and the alarms that ring while too much of it is being used up.

An objective allows a share of its events to be bad. An alarm looks at how many times faster than that they are bad now:
over a long window, so that it is worth a call, and over a short one, so that it stops when it is over. Source: The Site
Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". An order that came to no end at all is no event
yet, so what was paid is compared with what came to an end as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import log
from chalicelib.tenancy import service as tenancy

from . import alarms, channels

Resources = dict[str, Any]

_DAY = 86_400


@dataclass(frozen=True)
class Objective:
    """`percent` of the events that `every` counts together are not among those that `bad` counts, as sums.

    `least` is how many events a window needs before it says anything.
    """

    says: str
    runbook: str
    percent: float
    bad: tuple[alarms.Metric, ...]
    every: tuple[alarms.Metric, ...]
    least: int


@dataclass(frozen=True)
class Burn:
    """So many times faster than allowed, in both windows of so many seconds."""

    times: float
    long: int
    short: int


def _ours(*names: str) -> tuple[alarms.Metric, ...]:
    return tuple(alarms.Metric(log.NAMESPACE, name) for name in names)


def _hooks(name: str) -> tuple[alarms.Metric, ...]:
    return (alarms.Metric("AWS/ApiGateway", name, (("ApiName", {"Fn::Sub": "${TablePrefix}-hooks"}),)),)


OBJECTIVES = {
    "Delivery": Objective(
        "99 % of paid orders have their codes within a minute, within an hour where a person delivers",
        "late-delivery",
        99.0,
        _ours("DeliveredLate", "DeliveredByHandLate", "Undelivered"),
        _ours("Delivered", "DeliveredByHand", "Undelivered"),
        20,
    ),
    "Callbacks": Objective(
        "99.9 % of the channels' notifications are answered without an error of ours",
        "failed-callbacks",
        99.9,
        _hooks("5XXError"),
        _hooks("Count"),
        20,
    ),
}
BURNS = {"Fast": Burn(14.4, 3600, 300), "Slow": Burn(6.0, 21_600, 1800)}
# A bill comes once a day, so that no window of an hour has anything to say of it.
_MATCHED = Objective(
    "99.9 % of the money on the channels' bills fits an order",
    "unmatched-money",
    99.9,
    _ours("UnmatchedFen"),
    _ours("BillFen"),
    1,
)
# Of at least so many orders paid in so many seconds, at most this percentage may have come to no end in them.
_STANDS_STILL = (5, 900, 50)
_ENDED = ("Delivered", "Undelivered", "HandedOver")


def watch(queues: list[str]) -> Resources:
    """The alarms of all objectives; queues by logical name."""
    resources: Resources = {
        "UnmatchedMoneyAlarm": _burning(_MATCHED, 1.0, _DAY, least=1),
        "ForgottenLettersAlarm": _forgotten(queues),
        "StandstillAlarm": _stands_still(),
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
    bad, every = _named("bad", objective.bad), _named("every", objective.every)
    sums = {"bad": _sum(bad), "every": _sum(every), "share": f"IF(every >= {least}, 100 * bad / every, 0)"}
    return alarms.of_sums(
        alarms.explained(f"Not so within {seconds} seconds: {objective.says}.", objective.runbook),
        bad | every,
        sums,
        seconds,
        above=round(times * (100 - objective.percent), 3),
        calls=calls,
    )


def _stands_still() -> dict[str, Any]:
    """Money is taken and next to nothing comes of it: what a share of the deliveries cannot tell."""
    least, seconds, percent = _STANDS_STILL
    paid = _named("paid", (channels.counted(each, "OrdersPaid") for each in tenancy.CHANNELS))
    ended = _named("ended", _ours(*_ENDED))
    share = f"IF(paid >= {least}, 100 - 100 * ended / paid, 0)"
    return alarms.of_sums(
        alarms.explained(f"More than {percent} % of paid orders are not delivered.", "late-delivery"),
        paid | ended,
        {"paid": _sum(paid), "ended": _sum(ended), "share": share},
        seconds,
        above=percent,
    )


def _named(name: str, metrics: Iterable[alarms.Metric]) -> dict[str, alarms.Metric]:
    return {f"{name}{i}": metric for i, metric in enumerate(metrics)}


def _sum(names: Iterable[str]) -> str:
    return " + ".join(f"FILL({name}, 0)" for name in names)


def _forgotten(queues: list[str]) -> dict[str, Any]:
    """Dead letters call somebody at once; this calls again where nobody came."""
    why = alarms.explained("A message has been dead for a day and nobody took care of it.", "dead-letters")
    named = {f"q{i}": alarms.of_queue(f"{queue}DeadLetters") for i, queue in enumerate(queues)}
    oldest = f"MAX([{', '.join(f'FILL({name}, 0)' for name in named)}])"
    return alarms.of_sums(why, named, {"oldest": oldest}, 300, above=_DAY, statistic="Maximum")
