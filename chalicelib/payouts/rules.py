"""What a payout may do next, who must agree to it, and what an account to be paid to looks like. Pure."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

from chalicelib.kit import ids
from chalicelib.kit.errors import ShopError
from chalicelib.ledger.service import Leg

MOVES = {
    "requested": ("requested", "approved", "rejected"),
    "approved": ("sent", "rejected"),
    "sent": ("success", "failed"),
    "success": ("returned",),
}
GIVES_BACK = ("rejected", "failed", "returned")  # the money is the party's again
KINDS = ("bank", "alipay", "wechat")  # a bank account, or the account of a licensed payment institution
SOURCES = ("available", "deposit")
MOST_TRIES = 10  # of asking a bank in vain, then a person looks
WATCHED = 15  # days after a success on which a bank may still return the money
_ACCOUNTS = {
    "bank": re.compile(r"[0-9]{8,32}", re.ASCII),
    "alipay": re.compile(r"[A-Za-z0-9@._+-]{5,64}", re.ASCII),
    "wechat": re.compile(r"[0-9]{8,20}", re.ASCII),
}
_PAYOUT = re.compile(r"P[0-9A-HJKMNP-TV-Z]{20}", re.ASCII)


class BadAccount(ShopError):
    """An account nobody can be paid at; `field` names what is wrong."""

    status = 422
    code = "bad_account"
    sentence = "This account cannot be paid to."


class BadAmount(ShopError):
    """An amount that cannot be paid out."""

    status = 422
    code = "bad_amount"
    sentence = "This amount cannot be paid out."


class NotPayable(ShopError):
    """The party has no verified account."""

    status = 409
    code = "not_payable"
    sentence = "There is no verified account to pay to."


class SamePerson(ShopError):
    """Somebody else has to look at it, too."""

    status = 409
    code = "same_person"
    sentence = "A second person has to agree."


@dataclass(frozen=True)
class Account:
    """Where somebody is paid. Only accounts in the payee's own registered name, only at licensed institutions."""

    kind: str
    name: str  # the account's holder, as on the licence
    number: str
    bank: str = ""  # the bank and its branch

    @property
    def masked(self) -> str:
        """As pages show it: 建设银行 ****6789."""
        return f"{self.bank} ****{self.number[-4:]}".strip()


def check_account(account: Account) -> Account:
    """The account itself. Raises BadAccount."""
    if account.kind not in KINDS:
        raise BadAccount(field="kind")
    if not 2 <= len(account.name) <= 60 or _has_control(account.name):
        raise BadAccount("The holder's name has 2 to 60 letters.", field="holder")
    if not _ACCOUNTS[account.kind].fullmatch(account.number):
        raise BadAccount("This is no account number.", field="number")
    if (account.kind == "bank") != (2 <= len(account.bank) <= 60) or _has_control(account.bank):
        raise BadAccount("Name the bank and its branch.", field="bank")
    return account


def check_amount(fen: int, *, least: int) -> int:
    """The amount itself. Raises BadAmount."""
    if not max(least, 1) <= fen <= 10**11:
        raise BadAmount(f"The least is {least} fen.", field="amount", least_fen=least)
    return fen


def payout_id(party: str, key: str) -> str:
    """The payout that a form asks for: its key makes posting twice one payout."""
    return "P" + ids.base32(hashlib.sha256(f"{party}|{key}".encode()).digest(), 20)


def is_payout_id(text: str) -> bool:
    """Whether a text has the shape of a payout's id."""
    return bool(_PAYOUT.fullmatch(text))


def people_needed(fen: int, *, two_fen: int) -> int:
    """How many people of main's staff have to agree to an amount."""
    return 2 if fen >= two_fen else 1


def agreed(names: Collection[str], staff: str, *, asked_by: str) -> list[str]:
    """Who agreed, with one more. Raises SamePerson for who asked or agreed already."""
    if staff in names or staff == asked_by:
        raise SamePerson
    return [*names, staff]


def account_of(party: str, source: str) -> str:
    """The account in the books from which a party is paid."""
    holder = party if party.startswith("dist:") else f"subsite:{party}"
    return f"deposit:{party}" if source == "deposit" else f"{holder}:available"


def legs(state: str, party: str, source: str, fen: int) -> list[Leg]:
    """What a payout posts when it comes into a state; nothing in the states between."""
    own, bank = account_of(party, source), "bank:deposit" if source == "deposit" else "bank:main"
    return {
        "requested": [(own, fen), ("payout_transit", -fen)],
        "rejected": [("payout_transit", fen), (own, -fen)],
        "failed": [("payout_transit", fen), (own, -fen)],
        "success": [("payout_transit", fen), (bank, -fen)],
        "returned": [(bank, fen), (own, -fen)],
    }.get(state, [])


def flow(state: str, fen: int) -> tuple[int, int]:
    """What a state adds to the account a payout is paid from, and to what is on its way."""
    return {
        "requested": (-fen, fen),
        "rejected": (fen, -fen),
        "failed": (fen, -fen),
        "success": (0, -fen),
        "returned": (fen, 0),
    }.get(state, (0, 0))


def retry_delay(tries: int) -> int:
    """Seconds until a bank is asked again: a minute doubling to an hour."""
    return int(min(3600, 60 * 2 ** min(tries, 6)))


def _has_control(text: str) -> bool:
    return any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
