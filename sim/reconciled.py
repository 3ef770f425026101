"""Whether the channels' books and ours are one: I14, after every bill was compared. Raises Violation."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from chalicelib.cases import service as cases
from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger
from chalicelib.reconciliation import service as reconciliation

from . import bills
from .channel import Channel
from .watch import insist


def check(
    channels: Mapping[str, Channel],
    sites: Sequence[str],
    days: Sequence[str],
    now: float,
    *,
    out_fen: int,
    gone: Collection[str] = (),
) -> None:
    """Every book is closed with nothing unexplained, and each fen at a channel is where ours say it is.

    Of the bank's money, so many fen were paid out. What was paid for an order that is `gone` and went back is two
    differences that a person is told of, and in no journal but the bank's; where a site's own merchant has such money
    it stays at the channel, in suspense, until a person says whose it is.
    """
    with tenant.acting_for(tenant.MAIN):
        every = cases.open_ones(kind="difference", limit=1000)
        open_ = [one for one in every if not any(number in one.key for number in gone)]
        insist(not open_, f"I14: {[one.key for one in open_]} differ")
    sums = ledger.totals(_legs((tenant.MAIN, *sites), days))
    due, explained = -out_fen, Counter[str]()
    for channel in channels.values():
        name, trades = channel.name, channel.trades.values()
        for day in bills.days(trades, now):
            _check_book(f"{day}#{name}#{channel.merchant}", bills.right(day, trades).digest)
        lost = [trade for number, trade in channel.trades.items() if number[:28] in gone]
        if channel.merchant == f"m{name}":  # what others collect is never main's
            due += sum(_settled(row) for row in bills.rows_of(trades))
            left = list(bills.rows_of(trade for trade in lost if trade.refunds))
            explained[f"clearing:{name}"] -= sum(map(_moved, left))
            explained[f"fee_accrued:{name}"] += sum(row.fee_fen for row in left)
        else:
            kept = [trade.amount_fen for trade in lost if trade.payment and not trade.refunds]
            explained[f"clearing:{name}"] += sum(kept)
    for account in (
        f"{kind}:{one.name}" for one in channels.values() for kind in ("clearing", "fee_accrued")
    ):
        fen = explained[account]
        insist(
            sums.get(account, 0) == fen, f"I14: {account} has {sums.get(account)} fen, explained are {fen}"
        )
    insist(sums.get("bank:main", 0) == due, f"I14: the bank has {sums.get('bank:main')} of {due} fen")


def unclosed(channels: Mapping[str, Channel], now: float) -> bool:
    """Whether a day that is over has business in a book that is not closed."""
    with tenant.acting_for(tenant.MAIN):
        return any(
            _state(f"{day}#{channel.name}#{channel.merchant}") != "closed"
            for channel in channels.values()
            for day in bills.days(channel.trades.values(), now)
        )


def _check_book(name: str, digest: str) -> None:
    with tenant.acting_for(tenant.MAIN):
        book = reconciliation.find(name)
    insist(book is not None and book.state == "closed", f"I14: the book {name} is not closed")
    if book:
        insist(book.digest == digest, f"I14: the book {name} has a wrong bill")
        left = (book.totals or {}).get("unexplained_fen")
        insist(left == 0, f"I14: {left} fen of the book {name} are unexplained")


def _state(name: str) -> str:
    book = reconciliation.find(name)
    return book.state if book else ""


def _legs(owners: Sequence[str], days: Sequence[str]) -> Iterator[Sequence[ledger.Leg]]:
    for owner in owners:
        with tenant.acting_for(owner):
            for day in days:
                yield from [one.legs for one in ledger.journals(owner, day)]


def _moved(row: bills.Row) -> int:
    return row.amount_fen if row.kind == "payment" else -row.amount_fen


def _settled(row: bills.Row) -> int:
    """What a row of a bill brings to the bank."""
    return _moved(row) - row.fee_fen
