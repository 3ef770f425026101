"""What channels split off at most, held against what main takes of a site's own goods, when either is set.

Placing refuses what does not fit, price by price; whoever sets a plan or a merchant is told before anybody buys.
"""

from chalicelib.kit import errors
from chalicelib.ledger import service as ledger
from chalicelib.tenancy import service as tenancy

CAP_BPS = 3000  # of what was paid, unless more is agreed with the channel


class BeyondCap(errors.ShopError):
    """More is main's share than a channel splits off; `site`, `channel`, `cap` and `share` (percent) say which."""

    status = 422
    code = "beyond_cap"
    sentence = "Main's share is more than this channel splits off what the site's own merchant collects."


def check(site: tenancy.Site, plan: ledger.Plan, channel: str, cap_bps: int, *, field: str) -> None:
    """Raise BeyondCap, which names `field`, where this channel splits off less than the plan's share."""
    if plan.own_bps > cap_bps:
        cap, share = f"{cap_bps / 100:g}", f"{plan.own_bps / 100:g}"
        raise BeyondCap(field=field, site=site.brand.name, channel=channel, cap=cap, share=share)
