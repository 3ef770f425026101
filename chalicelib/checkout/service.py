"""Checkout's verbs for pages, hooks and workers."""

from chalicelib.kit import aws, config, errors, table, tenant, vault

from .accepting import accept_payment
from .auditing import audit, audit_all, check_wallets
from .collecting import BeyondSplit
from .driving import drive, expire, look_after, walk, walk_all
from .placing import Placed, new_key, pay_link, place, quote, read_key, switch_channel
from .returning import give_back, return_ranges
from .rules import (
    CLAIM_WITHIN,
    Ask,
    BadChannel,
    BadQuantity,
    FromBalance,
    KeyInvalid,
    KeyReused,
    NotConfirmed,
    NotForSale,
    NotFromBalance,
)
from .tender import fits as balance_fits

__all__ = [
    "CLAIM_WITHIN",
    "Ask",
    "BadChannel",
    "BadQuantity",
    "BeyondSplit",
    "FromBalance",
    "KeyInvalid",
    "KeyReused",
    "NotConfirmed",
    "NotForSale",
    "NotFromBalance",
    "Placed",
    "accept_payment",
    "audit",
    "audit_all",
    "balance_fits",
    "check_wallets",
    "drive",
    "expire",
    "give_back",
    "health",
    "look_after",
    "new_key",
    "pay_link",
    "place",
    "quote",
    "read_key",
    "return_ranges",
    "switch_channel",
    "walk",
    "walk_all",
]


def health(site: str) -> None:
    """Raise NotReady unless everything needed to sell at a site answers: tables, data key, queue.

    For the main site, whose key the storefront may not use, its table and the queue.
    """
    try:
        table.Row.of(site).read("HEALTH", ".", consistent=False)
        if site != tenant.MAIN:
            vault.mac(site, "health", "")
        aws.client("sqs").get_queue_attributes(
            QueueUrl=config.load().queues["timer"], AttributeNames=["QueueArn"]
        )
    except Exception as error:
        raise errors.NotReady from error
