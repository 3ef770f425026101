"""What `cardmesh books` asks of balances: each is what its entries say, and what the ledger owes the member.

Looked at are members whose balance moved on the days that are looked at, as the nightly audit does: nothing lists a
site's members, and nobody may look through a whole table. Of them the whole history counts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from chalicelib.ledger import service as ledger
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.wallet import service as wallet

from .finding import AT_REST, Finding

_OVER = frozenset({"success", "closed", "rejected"})  # refunds of which nothing is under way
Journals = Mapping[str, Sequence[ledger.Journal]]  # by day


def of_site(site: str, placed: Iterable[orders.Order], journals: Journals, now: int) -> Iterator[Finding]:
    """The members of a site whose balance is not what it should be."""
    moved = moves(journals)
    members = {one.member for one in placed if one.member and (one.balance_fen or one.way == "wallet")}
    if not members | moved.keys():
        return
    owed = Counter(ledger.owed(site, but=journals.keys()))
    owed.update(moved)
    for member in sorted(members | moved.keys()):
        yield from of_member(site, member, owed[member], now)


def moves(journals: Journals) -> dict[str, int]:
    """By how many fen these days changed what is owed to members. Pure."""
    every = (one.legs for found in journals.values() for one in found)
    return ledger.of_members(ledger.totals(every))


def of_member(site: str, member: str, owed: int, now: int) -> Iterator[Finding]:
    """A balance that is not the sum of its entries, or not what the ledger owes."""
    entries = wallet.all_entries(site, member)
    if not wallet.sound(entries):
        yield Finding(site, "", "a balance is not the sum of its entries", member)
        return
    held = entries[-1].available + entries[-1].reserved if entries else 0
    if held != owed:
        passes = any(_under_way(each, now) for each in _orders(site, (one.about for one in entries)))
        what = f"{member}: {held} fen, owed {owed}"
        yield Finding(site, "", "a balance is not what the ledger owes", what, passes=passes)


def _orders(site: str, numbers: Iterable[str]) -> Collection[orders.Order]:
    return orders.orders(site, numbers).values()


def _under_way(order: orders.Order, now: int) -> bool:
    """Whether an order's entries and its journals need not agree yet."""
    ended = max(order.delivered_at or 0, order.refunded_at or 0, order.closed_at or 0)
    if order.status not in orders.FINAL or now - ended < AT_REST:
        return True
    return any(
        one.state not in _OVER or now - (one.done_at or 0) < AT_REST for one in settlement.refunds_of(order)
    )
