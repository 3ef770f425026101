"""What needs a person: a payout nobody can say anything of, and an answer that cannot be."""

from chalicelib.cases import service as cases
from chalicelib.kit import money

from .adapters import Result
from .book import Payout


def stuck(payout: Payout, *, now: int) -> None:
    """The bank has not said for hours what became of a payout."""
    _open(
        payout,
        "stuck",
        why="银行一直没有告知这笔付款的结果",
        action="向银行查询这个付款流水号。系统会继续查询，同一流水号不会付两次；没有银行的明确结果前，请勿另行付款。",
        now=now,
    )


def contradicts(payout: Payout, told: Result, *, now: int) -> None:
    """The bank says something else than it did, or of another amount."""
    _open(
        payout,
        f"{told.state}-{told.fen}",
        why=f"银行告知「{told.state}」¥{money.yuan(told.fen)}，与账上「{payout.state}」不符",
        action="先不要再付款。向银行索取这个流水号的回单，以回单为准；需要更正的写明后结案。",
        now=now,
    )


def _open(payout: Payout, what: str, *, why: str, action: str, now: int) -> None:
    facts = {
        "site": payout.party,
        "payout": payout.id,
        "amount_fen": str(payout.fen),
        "account": payout.masked,
    }
    cases.open("payout", f"{payout.id}#{what}", why=why, facts=facts, action=action, now=now)
