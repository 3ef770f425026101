"""The main site's part of a book: rows that name no order of any site, and money in suspense."""

from collections.abc import Iterable

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments.service import BillRow
from chalicelib.settlement import service as settlement

from .ours import Account, Ours, moved
from .rules import Claim

_SIGNS = {"suspense": "payment", "suspense-claimed": "refund", "suspense-returned": "refund"}


def gather(_site: str, day: str, account: Account, _rows: Iterable[BillRow]) -> Ours:
    """What main's journals of a day say of money in suspense. It has no claims on rows: nobody's row is long."""
    found = Ours()
    for one in ledger.journals(tenant.MAIN, day):
        money = settlement.unowned_of(one.number) if one.event in _SIGNS else None
        if money and (money.channel, money.merchant) == account:
            kind, key = _SIGNS[one.event], f"{one.number}#{one.event}"
            claim = Claim(key, kind, money.channel, one.number, one.event, money.out_trade_no, money.fen)
            found.claims[key] = claim
            found.posted[one.number, one.event] = moved(one, money.channel) or 0
    return found


def in_suspense(account: Account, row: BillRow) -> bool:
    """Whether a row is money in suspense or its way back, which has a case of its own; it is put into the books."""
    if row.kind == "refund":
        money = settlement.unowned_of(row.out_refund_no)
        return money is not None and (money.channel, money.merchant) == account
    money = settlement.unowned(account[0], row.transaction_id)
    if money is None or (money.merchant, money.fen) != (account[1], row.amount_fen):
        return False  # what was said of it is not what the bill says
    if money.case.settled_at is None:
        settlement.book_unowned(money)
    return True
