"""Whether what was upgraded is well: a site by what its /status tells, the deployment by its alarms."""

from chalicelib.checkout import service as checkout
from chalicelib.kit import clock, errors, tenant
from chalicelib.orders import service as orders

from . import place


def ailments(site: str) -> set[str]:
    """What is wrong with a site, as its shoppers are told."""
    with tenant.acting_for(site):
        try:
            checkout.health(site)
        except errors.NotReady:
            return {"does not answer"}
        pulse = orders.pulse(site, now=clock.now())
    late = set() if pulse.delivers else {"lets those wait who paid"}
    return late | {f"gets nothing paid through {channel}" for channel in pulse.doubtful}


def ringing() -> set[str]:
    """The alarms of the deployment's stack that ring; none where no stack was named."""
    if not place.stack():
        return set()
    pages = place.client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(StateValue="ALARM", AlarmNamePrefix=f"{place.stack()}-")
    return {each["AlarmName"] for page in found for each in page["MetricAlarms"]}
