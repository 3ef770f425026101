"""Where parties are paid: told by themselves, verified by main's staff, sealed at rest.

Every change is a version of its own that has to be verified again; until then nothing is paid to the party. The rows
are kept and say who asked for what and who judged it.
"""

from dataclasses import dataclass

import msgspec
from pynamodb.expressions.update import Action

from chalicelib.kit import config, errors, log, table, tenant, vault

from . import rules
from .model import ASKED, AUTO, AskedRow, AutoRow, PayeeRow
from .rules import Account


@dataclass(frozen=True)
class Payee:
    """A version of a party's account, as pages may show it."""

    party: str
    rev: int
    kind: str
    masked: str
    holder: str
    state: str
    asked_by: str
    asked_at: int
    judged_by: str
    judged_at: int
    note: str


def register(party: str, account: Account, *, by: str, now: int) -> Payee:
    """Tell where a party wants to be paid; it must be verified. Raises BadAccount, Conflict."""
    rules.check_account(account)
    if account.kind != "bank" and config.load().payout_via != "transfer":
        raise rules.BadAccount("Only bank accounts can be paid at the moment.", field="kind")
    before = payee(party)
    row = _row(party, before.rev + 1 if before else 1, account, by, now)
    rows = PayeeRow.of(tenant.MAIN)
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.save(row, condition=rows.pk.does_not_exist())
            write.update(*_asked(party, int(row.sk), open_=True))
            if before:
                old = rows(f"PAYEE#{party}", f"{before.rev:04}")
                write.update(old, [rows.state.set("replaced")], condition=rows.pk.exists())
    except table.Refused:
        raise errors.Conflict from None
    log.event("payouts.payee_asked", party=party, rev=row.sk, by=by)
    return _payee(row)


def judge(party: str, rev: int, state: str, *, by: str, note: str, now: int) -> Payee:
    """Verify a version of an account, or refuse it, also later. Raises Invalid, SamePerson, Conflict."""
    if state not in ("verified", "refused"):
        raise errors.Invalid
    rows = PayeeRow.of(tenant.MAIN)
    actions: list[Action] = [
        rows.state.set(state),
        rows.judged_by.set(by),
        rows.judged_at.set(now),
        rows.note.set(note[:200]),
    ]
    before = ["asked"] if state == "verified" else ["asked", "verified"]
    found = rows.read(f"PAYEE#{party}", f"{rev:04}")
    if found and found.asked_by == by:
        raise rules.SamePerson
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.update(rows(f"PAYEE#{party}", f"{rev:04}"), actions, condition=rows.state.is_in(*before))
            write.update(*_asked(party, rev, open_=False))
    except table.Refused:
        raise errors.Conflict from None
    log.event("payouts.payee_judged", party=party, rev=rev, state=state, by=by)
    return next(one for one in history(party, limit=1000) if one.rev == rev)


def asked() -> list[Payee]:
    """The accounts that wait to be verified."""
    rows = AskedRow.of(tenant.MAIN)
    found = [payee(row.sk) for row in rows.under(ASKED, only=rows.open == True, consistent=True)]  # noqa: E712
    return [one for one in found if one and one.state == "asked"]


def payee(party: str) -> Payee | None:
    """The newest version of a party's account."""
    return next(iter(history(party, limit=1)), None)


def history(party: str, *, limit: int = 20) -> list[Payee]:
    """The versions of a party's account, newest first."""
    rows = PayeeRow.of(tenant.MAIN)
    found = rows.under(
        f"PAYEE#{party}", where=rows.sk < AUTO, newest_first=True, limit=limit, consistent=True
    )
    return [_payee(row) for row in found]


def account(party: str, rev: int) -> Account:
    """A version of an account in the clear, for whoever pays to it. Raises LookupError."""
    row = PayeeRow.of(tenant.MAIN).read(f"PAYEE#{party}", f"{rev:04}")
    if row is None:
        raise LookupError(party)
    plain = vault.unseal(vault.PAYEES, row.sealed, f"payee|{party}|{row.sk}")
    return msgspec.json.decode(plain, type=Account)


def set_auto(party: str, least_fen: int) -> None:
    """Pay a party every day what it has from so many fen on; 0 ends it. Raises BadAmount."""
    if least_fen:
        rules.check_amount(least_fen, least=config.load().payout_least_fen)
    rows = AutoRow.of(tenant.MAIN)
    # The row is given whole; the last word counts.
    rows.change(f"PAYEE#{party}", AUTO, [rows.least.set(least_fen)], None)


def auto(parties: list[str]) -> dict[str, int]:
    """From how many fen on parties are paid every day; those who are not are left out."""
    rows = AutoRow.of(tenant.MAIN).read_many((f"PAYEE#{party}", AUTO) for party in parties)
    return {row.pk.partition("#")[2]: row.least for row in rows if row.least}


def _asked(party: str, rev: int, *, open_: bool) -> tuple[AskedRow, list[Action]]:
    """A change of the list; the account's own row, in the same transaction, has the condition."""
    rows = AskedRow.of(tenant.MAIN)
    return rows(ASKED, party), [rows.rev.set(rev), rows.open.set(open_)]


def _row(party: str, rev: int, given: Account, by: str, now: int) -> PayeeRow:
    sk = f"{rev:04}"
    row = PayeeRow.of(tenant.MAIN)(f"PAYEE#{party}", sk, kind=given.kind, masked=given.masked, state="asked")
    row.holder, row.asked_by, row.asked_at = given.name, by, now
    row.sealed = vault.seal(vault.PAYEES, msgspec.json.encode(given), f"payee|{party}|{sk}")
    return row


def _payee(row: PayeeRow) -> Payee:
    return Payee(
        row.pk.partition("#")[2],
        int(row.sk),
        row.kind,
        row.masked,
        row.holder,
        row.state,
        row.asked_by,
        row.asked_at,
        row.judged_by,
        row.judged_at,
        row.note,
    )
