"""A site with a verified licence: its own merchants collect for its own goods, and everything they collect is split.

It was brought by a distributor whom another one brought. Each has accounts at the channels, but for one of them.
"""

from dataclasses import dataclass

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.tenancy import service as tenancy

from . import ears

SLUG = "four"  # so that its code is listed last: whatever is sent to all sites keeps its turn
_LICENCE = "91350100M000100Y43"
_MAIN = "1900000109"
_ACCOUNTS = {"near": ("wechat", "alipay"), "far": ("wechat",)}


@dataclass(frozen=True)
class Licensed:
    """The site, its goods, and what its merchants are called."""

    site: str
    goods_id: str

    @staticmethod
    def merchant(channel: str) -> str:
        """The site's own merchant at a channel."""
        return f"o{channel}"

    @staticmethod
    def main_account() -> str:
        """Where main gets its parts."""
        return _MAIN


def put_plan(now: int) -> str:
    """The plan that it follows; its name."""
    plan = ledger.Plan("licensed", 0, 2000, 2000, "site", l1_bps=500, l2_bps=200, second_level=True)
    return ledger.put_plan(plan, now=now).name


def arrange(site: str, channels: tuple[str, ...], *, now: int) -> None:
    """License a site, bring it by two distributors, and tell everybody's accounts; as main."""
    tenancy.license_site(site, _LICENCE, by="a", now=now)
    far = tenancy.add_agent("Far", ["far@example.com"], parent="", key="far", now=now)
    near = tenancy.add_agent("Near", ["near@example.com"], parent=far.agent, key="near", now=now)
    tenancy.bring(site, near.agent)
    for channel in channels:
        settings = {"channel": channel, "merchant": Licensed.merchant(channel), "api_v3_key": ears.SECRET}
        payments.put_channel(channel, settings, owner=site)
        payments.put_receiver(tenant.MAIN, channel, payments.Receiver("merchant", _MAIN, "Main"))
        for name, agent in (("near", near), ("far", far)):
            if channel in _ACCOUNTS[name]:
                payments.put_receiver(agent.party, channel, payments.Receiver("person", f"o{name}0000"))
