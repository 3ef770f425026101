"""What a wallet may hold, how its entries follow each other, and when it pays without its password. Pure.

Caps: named 5,000 yuan, un-named 1,000 (单用途商业预付卡管理办法); the balance never expires. Seven days to take an
unspent top-up back without a reason: 法释〔2025〕4号.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.kit import clock
from chalicelib.kit.errors import ShopError

MOST_TRIES = 5
LOCKED = 86_400  # seconds after the last of these tries
CAPS = (2000, 5000, 10_000, 20_000)  # fen per payment without password, to choose from
CAP = 5000  # unless another is chosen
DAILY = 20_000  # fen a day without password
KNOWN_CONTACTS = 20
CONSENT = "2026-11"  # version of the text that is agreed to
REGRET = 7 * 86_400  # seconds in which an unspent top-up may be taken back
STEPS = (10, 30, 50, 100, 200, 500)  # yuan, offered for a top-up

# By what happens: the sign of its change to what is available, and to what is reserved.
_SIGNS = {
    "topup": (1, 0),
    "refund": (1, 0),
    "takeback": (-1, 0),  # a top-up goes back to where it came from
    "spend": (-1, 0),
    "reserve": (-1, 1),
    "capture": (0, -1),
    "void": (1, -1),
}


class Refusal(ShopError):
    """The balance does not pay for this."""

    status = 422
    code = "balance_refused"
    sentence = "The balance cannot be used for this."


class Short(Refusal):
    """Less is available than was asked for."""

    code = "balance_short"
    sentence = "The balance is not enough; nothing was taken."


class OverCap(Refusal):
    """The balance would grow above what a member may hold."""

    code = "balance_cap"
    sentence = "The balance would exceed what one member may hold."


class PasswordNeeded(Refusal):
    """This payment needs the pay password; `why` says for what reason."""

    code = "pay_password_needed"
    sentence = "Enter the pay password for this payment."


class PasswordWrong(Refusal):
    """The pay password is not this one."""

    code = "pay_password_wrong"
    sentence = "The pay password is wrong; nothing was taken."


class Locked(Refusal):
    """Too many wrong pay passwords."""

    code = "pay_password_locked"
    sentence = "The pay password was wrong five times; paying from the balance is locked for a day."


class BadPassword(ShopError):
    """A text that cannot be a pay password."""

    status = 422
    code = "bad_pay_password"
    sentence = "A pay password has 6 to 32 characters."


@dataclass(frozen=True)
class Entry:
    """A line of the history. Fen; `available` and `reserved` are what stood after it."""

    seq: int = 0
    what: str = ""
    fen: int = 0
    available: int = 0
    reserved: int = 0
    about: str = ""
    at: int = 0
    unasked: bool = False

    @property
    def change(self) -> int:
        """What became available by it; negative for what was taken."""
        return self.fen * _SIGNS[self.what][0]


@dataclass(frozen=True)
class Terms:
    """How a member pays. `cap_fen` is None where every payment asks for the password."""

    has_password: bool = False
    tries: int = 0
    locked_until: int = 0
    named: bool = False
    cap_fen: int | None = None
    device: str = ""
    contacts: tuple[str, ...] = ()


def following(last: Entry, what: str, fen: int, *, about: str, at: int, unasked: bool = False) -> Entry:
    """The entry after `last`. Raises Short where something would become negative."""
    to_available, to_reserved = _SIGNS[what]
    available, reserved = last.available + to_available * fen, last.reserved + to_reserved * fen
    if fen <= 0 or min(available, reserved) < 0:
        raise Short
    return Entry(last.seq + 1, what, fen, available, reserved, about, at, unasked)


def check_cap(last: Entry, fen: int, most: int) -> None:
    """Raise OverCap unless that much more may be held; what is reserved counts, it may come back."""
    if last.available + last.reserved + fen > most:
        raise OverCap(most=most)


def sound(entries: Iterable[Entry]) -> bool:
    """Whether entries, oldest first and from the first on, follow each other and pay for each order once."""
    last, once = Entry(), set()
    for one in entries:
        try:
            right = following(last, one.what, one.fen, about=one.about, at=one.at, unasked=one.unasked)
        except Short:
            return False
        if right != one or (one.what, one.about) in once:
            return False
        if one.what not in ("refund", "takeback"):  # an order may go back in parts, a top-up may fail to
            once.add((one.what, one.about))
        last = one
    return True


def why_password(terms: Terms, fen: int, unasked_today: int, *, device: str, contact: str) -> str:
    """Why a payment needs the password: off, device, cap, daily or contact; empty where it does not."""
    reasons = {
        "off": terms.cap_fen is None,
        "device": not device or device != terms.device,
        "cap": fen > (terms.cap_fen or 0),
        "daily": unasked_today + fen > DAILY,
        "contact": contact not in terms.contacts,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def unasked_on(entries: Iterable[Entry], now: int) -> int:
    """Fen paid without password on the Beijing day of `now`; entries newest first, read only as far as that day."""
    today, total = clock.day_of(now), 0
    for one in entries:
        if clock.day_of(one.at) != today:
            break
        total += one.fen if one.unasked else 0
    return total


def with_contact(contacts: tuple[str, ...], contact: str) -> tuple[str, ...]:
    """The known contacts and one more, the latest ones kept."""
    return (*(one for one in contacts if one != contact), contact)[-KNOWN_CONTACTS:]


def may_take_back(topped_up: Entry, last: Entry, now: int) -> bool:
    """Whether a top-up may still go back without a reason: within seven days, and not spent."""
    return topped_up.what == "topup" and now - topped_up.at <= REGRET and last.available >= topped_up.fen


def check_password(text: str) -> str:
    """The pay password itself. Raises BadPassword."""
    if not 6 <= len(text) <= 32 or not text.isprintable():
        raise BadPassword
    return text
