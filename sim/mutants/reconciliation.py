"""Bugs of holding the books against the channels' bills."""

from .mutant import ROUGH, mutant

_LOST = ROUGH | {"notice_lost": 1.0}
_CORRECTED = ROUGH | {"bill_wrong": 1.0, "notice_repeated": 1.0}

RECONCILIATION = (
    mutant(
        "bill-only-shown",
        "Who paid and was never heard gets nothing: the bill tells of it, and nobody acts.",
        ("reconciliation.comparing:_heal", "checkout.accept_payment(paid, now=now)", "paid"),
        origin="shops whose reconciliation is a report",
        rates=_LOST,
    ),
    mutant(
        "fee-adjusted-by-every-run",
        "The channel's fee is too high by what was adjusted before: a bill was compared again.",
        (
            "reconciliation.comparing:_adjust",
            "before = found.fees.get((claim.number, claim.fee_event), ours.Adjusted())",
            (
                "before = found.fees.get((claim.number, claim.fee_event), ours.Adjusted())\n"
                "        before = ours.Adjusted(0, before.count)"
            ),
        ),
        ("reconciliation.comparing:_adjust", "!= before.fen", ""),
        origin="shops whose corrections are additions",
        rates=_CORRECTED,
    ),
    mutant(
        "fee-by-what-became-of-the-order",
        "A payment's fee is adjusted twice: its order was on its way when the bill was first compared.",
        ("reconciliation.comparing:_adjust", "claim.fee_event", "claim.event"),
        ("reconciliation.ours:adjust", "claim.fee_event", "claim.event"),
        origin="this shop, before bills were played here",
        rates=_CORRECTED | {"stale": 0.4},
    ),
    mutant(
        "corrected-bill-settled-on-top",
        "The bank has more than the channel ever paid out: a corrected bill came after the first.",
        ("reconciliation.service:_post_settlement", "fen - posted.get(account, 0)", "fen"),
        origin="imports that add where they should replace",
        rates=_CORRECTED,
    ),
    mutant(
        "bill-kept-by-a-list-that-lags",
        "Money of a site is nobody's: the site was missing in the list when the bill was kept.",
        ("reconciliation.service:_sites", "fresh=True", ""),
        origin="this shop, before bills were played here",
        rates=ROUGH | {"stale": 0.2},
    ),
    mutant(
        "journals-read-with-a-lag",
        "A day is closed with less than was sold, when some of it was paid out already: the owner is said to owe.",
        ("ledger.service:journals", "consistent=True", "consistent=False"),
        origin="shops that decide on a replica",
    ),
)
