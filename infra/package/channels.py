"""What calls a person when payers or a channel stay away: rates of what the functions count, by channel.

A channel is in trouble when it refuses to open trades, or when orders are placed and next to nobody pays.
"""

from typing import Any

from chalicelib.kit import log
from chalicelib.tenancy import service as tenancy

from . import alarms

Resources = dict[str, Any]

# Of at least so many in so many seconds; the share is in percent.
_REFUSED = (10, 300, 20)
_UNPAID = (20, 1800, 10)


def counted(channel: str, name: str) -> alarms.Metric:
    """What log.measure counts of a channel."""
    return alarms.Metric(log.NAMESPACE, name, (("channel", channel),))


def watch() -> Resources:
    """Two alarms for each channel that has to be called."""
    resources = {}
    for channel in tenancy.CHANNELS:
        name = channel.capitalize()
        resources[f"{name}RefusesAlarm"] = _refuses(channel)
        resources[f"{name}UnpaidAlarm"] = _unpaid(channel)
    return resources


def _refuses(channel: str) -> dict[str, Any]:
    least, seconds, percent = _REFUSED
    share = f"IF(all >= {least}, 100 * FILL(refused, 0) / all, 0)"
    why = f"{channel}: more than {percent} % of trades cannot be opened."
    metrics = {"opened": counted(channel, "TradesOpened"), "refused": counted(channel, "TradesRefused")}
    sums = {"all": "FILL(opened, 0) + FILL(refused, 0)", "share": share}
    return alarms.of_sums(
        alarms.explained(why, "a-channel-that-refuses"), metrics, sums, seconds, above=percent
    )


def _unpaid(channel: str) -> dict[str, Any]:
    least, seconds, percent = _UNPAID
    share = f"IF(FILL(placed, 0) >= {least}, 100 - 100 * FILL(paid, 0) / placed, 0)"
    why = f"{channel}: less than {percent} % of orders are paid."
    metrics = {"placed": counted(channel, "OrdersPlaced"), "paid": counted(channel, "OrdersPaid")}
    return alarms.of_sums(
        alarms.explained(why, "a-channel-nobody-pays-through"),
        metrics,
        {"share": share},
        seconds,
        above=100 - percent,
    )
