"""A member's balance: what stands, entries written together with the order they are for, and leave to pay.

Every entry is put under the number after the newest, if nothing stands there: whoever decided on an older state is
refused and looks again, so a balance never goes below zero and never forks.
"""

import contextlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chalicelib.kit import config, errors, ids, log, password, table, throttle, vault

from .holding import Held, check_hold
from .judging import KIND as NAME_CASE
from .judging import decide_name, name_in, show_name, show_names
from .model import ConsentRow, EntryRow, TermsRow
from .naming import (
    BadName,
    BadVerdict,
    Name,
    NameWaits,
    SamePerson,
    judge_name,
    names_of,
    real_name,
    tell_name,
)
from .rules import (
    CAP,
    CAPS,
    CONSENT,
    DAILY,
    LOCKED,
    MOST_TRIES,
    REGRET,
    STEPS,
    BadPassword,
    Entry,
    Locked,
    OverCap,
    PasswordNeeded,
    PasswordWrong,
    Refusal,
    Short,
    Terms,
    check_cap,
    check_password,
    following,
    may_take_back,
    sound,
    unasked_on,
    why_password,
    with_contact,
)

__all__ = [
    "CAP",
    "CAPS",
    "CONSENT",
    "DAILY",
    "NAME_CASE",
    "REGRET",
    "STEPS",
    "BadName",
    "BadPassword",
    "BadVerdict",
    "Entry",
    "Held",
    "Locked",
    "Name",
    "NameWaits",
    "OverCap",
    "PasswordNeeded",
    "PasswordWrong",
    "Refusal",
    "SamePerson",
    "Short",
    "Terms",
    "check_hold",
    "decide_name",
    "judge_name",
    "may_take_back",
    "name_in",
    "names_of",
    "real_name",
    "show_name",
    "show_names",
    "sound",
    "tell_name",
]

_PAGE = 30
_tries = throttle.Bucket(size=10, seconds=600)  # per member: the row's count is exact, this stops the burst


@dataclass(frozen=True)
class Leave:
    """That a payment may be made, and whether without the password."""

    unasked: bool


def newest(site: str, member: str) -> Entry:
    """The last entry: what stands; one of zeros for a wallet never used."""
    return next(_entries(site, member, limit=1), Entry())


def history(site: str, member: str, *, before: int = 0) -> list[Entry]:
    """A page of 30 entries, newest first, from below the number `before` if one is given."""
    return list(_entries(site, member, before=before, limit=_PAGE))


def enter(
    write: Any, site: str, member: str, what: str, fen: int, *, about: str, now: int, unasked: bool = False
) -> Entry:
    """Add an entry to a transaction of the site's table (table.Together); the entry it will be.

    `what`: topup, takeback, refund, spend, reserve, capture, void. `about` is the order's number. Raises Short, and
    PasswordNeeded where others paid unasked since leave was given. The whole transaction is refused where the wallet
    moved meanwhile: read and try again.
    """
    entries = _entries(site, member, limit=None if unasked else 1)
    last = next(entries, Entry())
    if unasked and unasked_on(chain([last], entries), now) + fen > DAILY:
        raise PasswordNeeded(why="daily")
    entry = following(last, what, fen, about=about, at=now, unasked=unasked)
    rows = EntryRow.of(site)
    row = rows(f"WENT#{member}", f"{entry.seq:010}", what=what, fen=fen, about=about, at=now)
    row.available, row.reserved, row.unasked = entry.available, entry.reserved, unasked or None
    write.save(row, condition=rows.pk.does_not_exist())
    return entry


def credit_within(write: Any, site: str, member: str, fen: int, *, about: str, now: int) -> Entry:
    """Give money of an order back to the balance that paid it, within the transaction that says it went back."""
    return enter(write, site, member, "refund", fen, about=about, now=now)


def check_room(site: str, member: str, fen: int) -> None:
    """Raise OverCap unless the member may hold that much more."""
    settings = config.load()
    named = terms(site, member).named
    check_cap(newest(site, member), fen, settings.wallet_named if named else settings.wallet_unnamed)


def terms(site: str, member: str) -> Terms:
    """How the member pays."""
    row = _terms(site, member)
    return _terms_of(row) if row else Terms()


def allow(site: str, member: str, fen: int, *, secret: str, device: str, contact: str, now: int) -> Leave:
    """Whether a payment may be made: with the pay password, or without it where that was agreed.

    `device` is what `device_of` read, `contact` where the goods go. Raises PasswordNeeded with `why`, PasswordWrong,
    Locked, TooMany.
    """
    row = _terms(site, member)
    if row is None or row.record is None:
        raise PasswordNeeded(why="unset")
    held, mark = _terms_of(row), _mark(site, contact)
    if not secret:
        today = unasked_on(_entries(site, member), now) if held.cap_fen else 0
        why = why_password(held, fen, today, device=device, contact=mark)
        if why:
            raise PasswordNeeded(why=why)
        log.event("wallet.unasked", site=site, member=member, fen=fen)
        return Leave(unasked=True)
    _prove(site, member, row, secret, now)
    if held.cap_fen and mark not in held.contacts:
        _remember(site, member, held, mark)
    return Leave(unasked=False)


def set_password(site: str, member: str, secret: str) -> None:
    """Set the pay password; whoever calls has proven who they are. Raises BadPassword."""
    rows = TermsRow.of(site)
    record = password.hashed(check_password(secret))
    fresh = [rows.record.set(record), rows.tries.set(0), rows.locked_until.set(0), *_switched_off(rows)]
    # The whole of what a password is: the last one set counts, and agreements made under another one end.
    rows.change(_key(member), ".", fresh, None)


def agree(site: str, member: str, cap_fen: int, *, secret: str, address: str, now: int) -> str:
    """Let this device pay without password up to a cap; what the device is to keep (a cookie's value).

    Raises PasswordNeeded, PasswordWrong, Locked, TooMany, Refusal for a cap that is not offered.
    """
    if cap_fen not in CAPS:
        raise Refusal
    row = _terms(site, member)
    if row is None or row.record is None or not secret:
        raise PasswordNeeded(why="unset" if row is None or row.record is None else "off")
    _prove(site, member, row, secret, now)
    _consent(site, member, cap_fen, address, now)
    rows, device = TermsRow.of(site), ids.token(16)
    actions = [rows.cap.set(cap_fen), rows.device.set(device), rows.agreed_at.set(now)]
    try:
        rows.change(_key(member), ".", actions, rows.record == row.record)
    except table.Refused:
        raise errors.Conflict from None
    return f"{device}.{_seal(site, member, device)}"


def revoke(site: str, member: str, *, address: str, now: int) -> None:
    """Ask for the password again from now on; doing it twice is fine."""
    rows = TermsRow.of(site)
    with contextlib.suppress(table.Refused):
        rows.change(_key(member), ".", _switched_off(rows), rows.cap.exists())
        _consent(site, member, 0, address, now)


def device_of(site: str, member: str, cookie: str) -> str:
    """The device a cookie of `agree` names; empty for a forged one or another member's."""
    device, _, seal = cookie.partition(".")
    return device if hmac.compare_digest(_seal(site, member, device).encode(), seal.encode()) else ""


def consents(site: str, member: str) -> list[tuple[int, str, int]]:
    """(second, version, cap in fen or 0) of everything agreed and taken back, newest first."""
    rows = ConsentRow.of(site)
    found = rows.under(_key(member), where=rows.sk.startswith("consent#"), newest_first=True)
    return [(row.at, row.version, row.cap) for row in found]


def all_entries(site: str, member: str) -> list[Entry]:
    """The whole history, oldest first, for who checks it."""
    return list(_entries(site, member))[::-1]


def _entries(site: str, member: str, *, before: int = 0, limit: int | None = None) -> Iterator[Entry]:
    rows = EntryRow.of(site)
    where = (rows.sk < f"{before:010}") if before else None
    found = rows.under(f"WENT#{member}", where=where, newest_first=True, limit=limit, consistent=True)
    return (
        Entry(
            int(row.sk), row.what, row.fen, row.available, row.reserved, row.about, row.at, bool(row.unasked)
        )
        for row in found
    )


def _terms(site: str, member: str) -> TermsRow | None:
    return TermsRow.of(site).read(_key(member), ".")


def _terms_of(row: TermsRow) -> Terms:
    return Terms(
        has_password=row.record is not None,
        tries=row.tries,
        locked_until=row.locked_until,
        named=bool(row.named),
        cap_fen=row.cap,
        device=row.device or "",
        contacts=tuple((row.contacts or "").split()),
    )


def _prove(site: str, member: str, row: TermsRow, secret: str, now: int) -> None:
    """Raise unless this is the pay password; wrong ones are counted."""
    _tries.take(f"{site}|{member}")
    if row.locked_until > now:
        raise Locked
    if not password.matches(secret, row.record):
        _count_wrong(site, member, row, now)
    if row.tries:
        _set_tries(site, member, row, 0, 0)


def _count_wrong(site: str, member: str, row: TermsRow, now: int) -> None:
    """Count one more wrong password, whatever others count at the same time. Raises PasswordWrong, Locked."""
    while True:
        tries = (0 if row.tries >= MOST_TRIES else row.tries) + 1
        locked = now + LOCKED if tries >= MOST_TRIES else 0
        if _set_tries(site, member, row, tries, locked):
            break
        row = _terms(site, member) or row
        if row.locked_until > now:
            raise Locked
    if locked:
        log.event("wallet.locked", site=site, member=member)
        raise Locked
    raise PasswordWrong(left=MOST_TRIES - tries)


def _set_tries(site: str, member: str, row: TermsRow, tries: int, locked: int) -> bool:
    rows = TermsRow.of(site)
    actions = [rows.tries.set(tries), rows.locked_until.set(locked)]
    try:
        rows.change(_key(member), ".", actions, rows.tries == row.tries)
    except table.Refused:
        return False
    return True


def _remember(site: str, member: str, held: Terms, mark: str) -> None:
    """From now on this contact needs no password; lost where another payment is remembered at once."""
    rows = TermsRow.of(site)
    known = " ".join(with_contact(held.contacts, mark))
    before = rows.contacts == " ".join(held.contacts) if held.contacts else rows.contacts.does_not_exist()
    with contextlib.suppress(table.Refused):
        rows.change(_key(member), ".", [rows.contacts.set(known)], before)


def _consent(site: str, member: str, cap_fen: int, address: str, now: int) -> None:
    row = ConsentRow.of(site)(_key(member), f"consent#{now:010}#{ids.token(4)}", version=CONSENT, at=now)
    row.cap, row.address = cap_fen, address
    row.insert()


def _switched_off(rows: type[TermsRow]) -> list[Any]:
    return [rows.cap.remove(), rows.device.remove(), rows.agreed_at.remove(), rows.contacts.remove()]


def _mark(site: str, contact: str) -> str:
    return vault.mac(site, "contact-known", contact).hex()[:12]


def _seal(site: str, member: str, device: str) -> str:
    return vault.mac(site, "device", f"{member}|{device}").hex()[:40]


def _key(member: str) -> str:
    return f"WALLET#{member}"
