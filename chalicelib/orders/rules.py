"""Order numbers, states and what a shopper may type. Pure.

number   site(4) time(7) bucket(1) digest(16) = 28 characters of Crockford base32; sorts by time within a site
         time = the second of the idempotency key; digest = HMAC of principal, key and time under the site's key
         out_trade_no at a channel = number + number of the attempt (2)
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chalicelib.kit import clock, ids
from chalicelib.kit.errors import NotFound, ShopError
from chalicelib.stock.service import Range

BUCKETS = 8
LENGTH = 28
MOST_ATTEMPTS = 4
LONGEST_NAME = 96  # bytes of the goods' name kept in the order
LONGEST_CONTACT = 96  # bytes
LONGEST_REASON = 32  # bytes of why an order was refunded

AGENT = 4  # characters of a distributor's id

_DEVICES = {"p": "pc", "m": "mobile"}
_LOOK_ALIKES = str.maketrans("OIL", "011")  # Crockford's reading of letters that are not in the alphabet

STATES = ("pending", "paid", "delivered", "review", "refunding", "refunded", "expired")
FINAL = frozenset({"delivered", "refunded", "expired"})
OPEN = tuple(state for state in STATES if state not in FINAL)
MOVES = {
    ("pending", "paid"),
    ("pending", "expired"),
    ("expired", "paid"),  # the money came late: a code if one remains, else a refund
    ("paid", "delivered"),
    ("paid", "review"),
    ("paid", "refunding"),
    ("review", "delivered"),
    ("review", "refunding"),
    ("refunding", "refunded"),
    ("refunding", "review"),  # the channel could not give the money back
    ("delivered", "refunding"),  # after-sales, once all of it goes back
    ("refunding", "delivered"),  # and the channel closed the refund
}


class BadContact(ShopError):
    """A contact or query password nobody could look the order up with."""

    status = 422
    code = "bad_contact"
    sentence = "A contact has 3 to 64 characters, a query password 4 to 64."


@dataclass(frozen=True)
class Attempt:
    """One try to be paid, by its place in the order."""

    index: int
    channel: str
    merchant: str
    device: str  # "pc" or "mobile": a trade opened for one cannot be opened for the other
    splits: bool = False  # the money stays frozen at the channel until it is split

    def out_trade_no(self, number: str) -> str:
        """The number this try has at the channel."""
        return f"{number}{self.index:02}"


@dataclass(frozen=True)
class Receipt:
    """What a channel vouches for: the attempt by its index, who was paid, how much, and the channel's own id."""

    index: int
    channel: str
    merchant: str
    amount_fen: int
    transaction: str

    @property
    def merchant_mark(self) -> str:
        """How an order's attempts name this channel and merchant."""
        return f"{self.channel}:{self.merchant}:"

    @property
    def record(self) -> dict[str, Any]:
        """The fields an order keeps."""
        return {"transaction": self.transaction, "paid_attempt": self.index}

    def fits(self, amount_fen: int, attempts: Iterable[Attempt]) -> bool:
        """Whether this is what an order asked for."""
        asked = any((one.channel, one.merchant) == (self.channel, self.merchant) for one in attempts)
        return asked and self.amount_fen == amount_fen


@dataclass(frozen=True)
class Step:
    """One line of the progress: when, and what."""

    at: int
    what: str


def make_number(site: str, digest: bytes, key_time: int) -> str:
    """The number of an order; the same site, key and principal give the same number."""
    bucket = ids.ALPHABET[digest[0] % BUCKETS]
    return f"{site.upper()}{ids.number32(key_time, 7)}{bucket}{ids.base32(digest[1:11], 16)}"


def parse_number(text: str) -> str:
    """A number as people type it, look-alike letters included. Raises NotFound for what can be none."""
    number = "".join(text.split()).upper().translate(_LOOK_ALIKES)
    if len(number) != LENGTH or any(letter not in ids.ALPHABET for letter in number):
        raise NotFound
    return number


def site_of(number: str) -> str:
    """The site that issued a number."""
    return number[:4].lower()


def time_of(number: str) -> int:
    """The second of the key that a number was made from. Raises ValueError for what is no number."""
    return ids.from32(number[4:11])


def partition(number: str) -> str:
    """The partition that holds an order."""
    return f"O#{clock.day_of(time_of(number))}#{number[11]}"


def partitions(day: str) -> list[str]:
    """All partitions of a Beijing day."""
    return [f"O#{day}#{ids.ALPHABET[bucket]}" for bucket in range(BUCKETS)]


def split_trade_no(out_trade_no: str) -> tuple[str, int]:
    """The order and attempt a channel's number belongs to. Raises NotFound."""
    if not out_trade_no[LENGTH:].isdecimal() or len(out_trade_no) != LENGTH + 2:
        raise NotFound
    return parse_number(out_trade_no[:LENGTH]), int(out_trade_no[LENGTH:])


def contact(text: str) -> str:
    """A contact in the one form in which it is stored and compared. Raises BadContact."""
    clean = unicodedata.normalize("NFKC", text).strip().casefold()
    printable = all(unicodedata.category(letter) not in ("Cc", "Cs", "Cn") for letter in clean)
    if not printable or not 3 <= len(clean) <= 64 or len(clean.encode()) > LONGEST_CONTACT:
        raise BadContact
    return clean


def query_password(text: str) -> str:
    """A query password as typed. Raises BadContact."""
    encodable = all(unicodedata.category(letter) != "Cs" for letter in text)
    if not encodable or not 4 <= len(text) <= 64:
        raise BadContact
    return text


def mask(text: str) -> str:
    """A contact that its owner recognises."""
    return f"{text[:3]}****{text[-2:]}" if len(text) > 6 else f"{text[:1]}****"


def short_name(name: str) -> str:
    """A goods name cut to the bytes an order keeps."""
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")


def short_reason(reason: str) -> str:
    """A reason cut to the bytes an order keeps."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def parse_attempts(text: str) -> tuple[Attempt, ...]:
    """The tries of an order out of their stored form."""
    tries = [one.split(":") for one in text.split()]
    return tuple(
        Attempt(i, channel, merchant, _DEVICES[mark.lower()], splits=mark.isupper())
        for i, (channel, merchant, mark) in enumerate(tries, 1)
    )


def write_attempts(attempts: Iterable[Attempt]) -> str:
    """Tries in their stored form: the device by a letter, a capital one where the money is to be split."""
    return " ".join(f"{one.channel}:{one.merchant}:{_mark(one)}" for one in attempts)


def write_ranges(ranges: tuple[Range, ...]) -> str:
    """Ranges in their stored form."""
    return " ".join(str(one) for one in ranges)


def parse_agents(text: str) -> tuple[str, ...]:
    """Distributors out of their stored form, nearest first."""
    return tuple(text[i : i + AGENT] for i in range(0, len(text), AGENT))


def _mark(attempt: Attempt) -> str:
    letter = attempt.device[0]
    return letter.upper() if attempt.splits else letter
