"""A payout that a bank may have been told of, and that our table has lost: written down again under its id."""

from chalicelib.kit import errors

from . import book, payees
from .book import Payout

_BY = "restore"


def sent(party: str, name: str, *, fen: int, source: str, payee: int, via: str, now: int) -> bool:
    """Have a payout stand as sent, at least; False where it did before.

    Where payouts go by transfer the bank is asked about it from then on; `via` names the day of the file otherwise.
    Raises BadAmount where the party has not as much, NotPayable where the account is not known any more, Conflict
    where another form has this id.
    """
    stands = _find(party, name)
    if stands and stands.state not in ("requested", "approved"):
        return False
    if stands is None:
        known = next((one for one in payees.history(party) if one.rev == payee), None)
        masked = known.masked if known else ""
        wanted = Payout(party, name, "", source, fen, payee, masked, _BY, (), "", "", "", {}, 0)
        stands = book.begin(wanted, now=now)
    if stands.state == "requested":
        stands = book.move(stands, "approved", now=now, due=now, agreed=[_BY])
    book.move(stands, "sent", now=now, due=now, via=via)
    return True


def _find(party: str, name: str) -> Payout | None:
    try:
        return book.get(party, name)
    except errors.NotFound:
        return None
