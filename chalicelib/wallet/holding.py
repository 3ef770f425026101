"""Large top-ups wait until people of main have looked who pays them in. House rule C-11.

Counted for a member of a site. What a browser or a line pays in for several members is not known here: an order keeps
neither.
"""

from collections.abc import Iterable

from chalicelib.kit import clock
from chalicelib.kit.errors import ShopError

from .model import EntryRow

HOLD = 500_000  # fen, of one top-up or of all within a day; more are held
NEAR = HOLD * 9 // 10  # fen from which on a top-up looks made to stay below that
NEAR_DAYS = 7
NEAR_COUNT = 3  # so many of these within the days, and the last one is held


class Held(ShopError):
    """A top-up that people of main have to look at first; `why`: single, day, or structured."""

    status = 409
    code = "topup_held"
    sentence = "This top-up is looked at before it is on the balance."


def check_hold(site: str, member: str, fen: int, *, now: int) -> None:
    """Raise Held unless a top-up may be on the balance at once."""
    rows = EntryRow.of(site)
    since = now - NEAR_DAYS * clock.DAY
    found = rows.under(
        f"WENT#{member}", only=(rows.what == "topup") & (rows.at > since), newest_first=True, consistent=True
    )
    why = why_held([(row.fen, row.at) for row in found], fen, now)
    if why:
        raise Held(why=why)


def why_held(before: Iterable[tuple[int, int]], fen: int, now: int) -> str:
    """Why a top-up waits, after these of (fen, second): single, day, structured; empty where it does not. Pure."""
    known = list(before)
    today = sum(each for each, at in known if at > now - clock.DAY)
    near = [each for each, at in known if each >= NEAR and at > now - NEAR_DAYS * clock.DAY]
    reasons = {
        "single": fen > HOLD,
        "day": today + fen > HOLD,
        "structured": fen >= NEAR and len(near) + 1 >= NEAR_COUNT,
    }
    return next((why for why, holds in reasons.items() if holds), "")
