"""Bugs of paying out: twice, though it failed, or what is not there."""

from .mutant import ROUGH, mutant

_BANK = ROUGH | {
    "bank_slow": 0.5,
    "bank_fails": 0.5,
    "bank_returns": 0.7,
    "bank_poor": 0.5,
    "lost_answer": 0.05,
}
_UNKNOWN = "shops that take an unknown outcome for a known one"

PAYOUTS = (
    mutant(
        "silent-bank-means-failed",
        "An owner is paid twice: the answer was lost, the money came back to the account, and left again.",
        ("payouts.sending:_ask", "settled = payout", 'settled = book.move(payout, "failed", now=now)'),
        origin=_UNKNOWN,
        rates=_BANK,
    ),
    mutant(
        "new-id-for-every-try",
        "An owner is paid as often as the bank was asked.",
        ("payouts.sending:_order", "Order(payout.id,", 'Order(f"{payout.id}{payout.tries}",'),
        origin="shops that number their requests, not their payouts",
        rates=_BANK,
    ),
    mutant(
        "return-never-heard",
        "What came back from a closed account is lost to its owner.",
        ("payouts.sending:_look_again", 'result.state == "returned"', "not result"),
        origin="shops for which a success is the end",
        rates=_BANK,
    ),
    mutant(
        "failure-keeps-the-money",
        "A payout failed, and its owner cannot ask for the money again.",
        ("payouts.rules:flow", '"failed": (fen, -fen)', '"failed": (0, -fen)'),
        origin="shops whose failures are only a word",
        rates=_BANK,
    ),
)
