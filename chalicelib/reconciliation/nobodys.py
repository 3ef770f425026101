"""The main site's part of a book: rows that name no order of any site, and money in suspense."""

from collections.abc import Collection, Iterable

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.payments.service import BillRow
from chalicelib.settlement import service as settlement

from . import bills, rules
from .bills import Book
from .ours import Account, Ours, moved
from .rules import Claim

_FEE = "fee-suspense"  # how the events of fees begin
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
    money = _of_row(account, row)
    if money and row.kind == "payment" and money.case.settled_at is None:
        settlement.book_unowned(money)
    return money is not None


def follow_fees(site: str, book: Book, rows: Iterable[BillRow], claims: Collection[str]) -> None:
    """Have the books follow the bill's fees for money in suspense: main's merchants only, as for what is settled.

    Who has the row follows it; main's part takes back what an earlier bill had and this one has not.
    """
    account = (book.channel, book.merchant)
    if payments.owner_of(*account) != tenant.MAIN:
        return
    for row in rows:
        money = None if rules.key_of(row) in claims else _of_row(account, row)
        if money:
            event = "suspense" if row.kind == "payment" else "suspense-returned"
            settlement.follow_unowned_fee(money, event, row.fee_fen, day=book.day)
    if site == tenant.MAIN:
        _take_back_fees(book, account)


def _take_back_fees(book: Book, account: Account) -> None:
    followed = [one for one in ledger.journals(tenant.MAIN, book.day) if one.event.startswith(_FEE)]
    billed = {rules.key_of(row) for row in bills.rows_of(book.name, book.digest)} if followed else set()
    for one in followed:
        money = settlement.unowned_of(one.number)
        event = one.event.removeprefix("fee-").rpartition("-")[0]
        if money and (money.channel, money.merchant) == account and _key(money, event) not in billed:
            settlement.follow_unowned_fee(money, event, 0, day=book.day)


def _key(money: settlement.Unowned, event: str) -> str:
    return f"payment:{money.case.facts['transaction']}" if event == "suspense" else f"refund:{money.number}"


def _of_row(account: Account, row: BillRow) -> settlement.Unowned | None:
    """The money in suspense that a row moves; None where there is none, or what was said of it is not the row."""
    if row.kind == "refund":
        money = settlement.unowned_of(row.out_refund_no)
        return money if money and (money.channel, money.merchant) == account else None
    money = settlement.unowned(account[0], row.transaction_id)
    same = money is not None and (money.merchant, money.fen) == (account[1], row.amount_fen)
    return money if same else None
