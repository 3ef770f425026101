"""Members' verified names: told by the member, looked at by a person, kept sealed; every version and verdict stays.

A member whose name is verified may hold more (单用途商业预付卡管理办法). Names are read in the clear by nobody but who
judges them; everything else sees the first letter.
"""

import unicodedata
from dataclasses import dataclass

from pynamodb.expressions.update import Action

from chalicelib.kit import clock, errors, log, queue, table, vault

from .model import NameRow, TermsRow, WaitRow

STATES = ("verified", "refused")
MOST = 20  # names that one member may tell, one after the other
WAITING = "NAMES"  # the partition of those who wait
LONGEST = 200  # letters of a note
_KEY = "name#"


class BadName(errors.ShopError):
    """A text that cannot be a person's name."""

    status = 422
    code = "bad_name"
    sentence = "A name has 2 to 40 letters."


class NameWaits(errors.Conflict):
    """A name of this member has not been judged yet."""

    code = "name_waits"
    sentence = "Your name is being looked at; tell another one when that is over."


class BadVerdict(errors.ShopError):
    """A verdict without a proof, or without a reason; `field` says which."""

    status = 422
    code = "bad_verdict"
    sentence = "Say how the name was proved, or why it is refused."


class SamePerson(errors.Conflict):
    """Whoever told a name does not judge it."""

    code = "same_person"
    sentence = "A second person has to agree."


@dataclass(frozen=True)
class Name:
    """A version of a member's name. `state`: asked, verified, refused; times in seconds UTC."""

    member: str
    rev: int
    masked: str
    state: str
    told_by: str
    told_at: int
    judged_by: str
    judged_at: int
    note: str


def tell_name(site: str, member: str, name: str, *, by: str, now: int) -> Name:
    """Tell a member's name, to be verified; until then an earlier verified one counts. `by`: the member's login.

    Raises BadName, NameWaits, TooMany after the last one that may be told, Conflict where another is told just now.
    """
    clean = unicodedata.normalize("NFKC", name).strip()
    if not 2 <= len(clean) <= 40 or not all(letter.isalpha() or letter in " ·.-'" for letter in clean):
        raise BadName(field="name")
    rev = _next(names_of(site, member))
    sk = f"{_KEY}{rev:04}"
    row = NameRow.of(site)(
        f"WALLET#{member}", sk, masked=f"{clean[0]}**", state="asked", told_by=by, told_at=now
    )
    row.sealed = vault.seal(site, clean.encode(), f"name|{member}|{sk}")
    waits = WaitRow.of(site)
    try:
        with table.Together(site, "") as write:
            write.save(row, condition=NameRow.pk.does_not_exist())
            # Guarded by the name, which only one can put.
            write.update(waits(WAITING, member), [waits.rev.set(rev), waits.ttl.remove()])
    except table.Refused:
        raise errors.Conflict from None
    log.event("wallet.name_told", site=site, member=member, rev=rev)
    queue.send("timer", site=site, named=member)
    return _name(row)


def judge_name(site: str, member: str, rev: int, state: str, *, by: str, note: str, now: int) -> Name:
    """Verify a version of a name, or refuse it, also later; the member's limit follows in the same moment.

    `note` says how it was proved, or why it is refused, which the member reads. Raises Invalid, BadVerdict, NotFound,
    SamePerson, Conflict where it was judged so before or another version was told meanwhile.
    """
    if state not in STATES:
        raise errors.Invalid
    if not note.strip():
        raise BadVerdict(field="proof" if state == "verified" else "reason")
    if version(site, member, rev).told_by == by:
        raise SamePerson
    rows, terms = NameRow.of(site), TermsRow.of(site)
    actions: list[Action] = [
        rows.state.set(state),
        rows.judged_by.set(by),
        rows.judged_at.set(now),
        rows.note.set(note.strip()[:LONGEST]),
    ]
    before = ["asked"] if state == "verified" else ["asked", "verified"]
    later = rows(f"WALLET#{member}", f"{_KEY}{rev + 1:04}")
    waits = WaitRow.of(site)
    try:
        with table.Together(site, "") as write:
            row = rows(f"WALLET#{member}", f"{_KEY}{rev:04}")
            write.update(row, actions, condition=rows.state.is_in(*before))
            write.condition_check(rows, later.pk, later.sk, condition=rows.pk.does_not_exist())
            write.update(terms(f"WALLET#{member}", "."), [terms.named.set(state == "verified")])
            write.update(waits(WAITING, member), [waits.rev.set(rev), waits.ttl.set(now + clock.DAY)])
    except table.Refused:
        raise errors.Conflict from None
    log.event("wallet.name_judged", site=site, member=member, rev=rev, state=state, by=by)
    return version(site, member, rev)


def version(site: str, member: str, rev: int) -> Name:
    """One version of a member's name. Raises NotFound."""
    row = NameRow.of(site).read(f"WALLET#{member}", f"{_KEY}{rev:04}")
    if row is None:
        raise errors.NotFound
    return _name(row)


def names_of(site: str, member: str) -> list[Name]:
    """The versions of a member's name, newest first."""
    rows = NameRow.of(site)
    where = rows.sk.startswith(_KEY)
    found = rows.under(f"WALLET#{member}", where=where, newest_first=True, consistent=True)
    return [_name(row) for row in found]


def real_name(site: str, member: str, rev: int, *, by: str) -> str:
    """A version of a name in the clear, for who judges it; that it was read is kept. Raises NotFound."""
    sk = f"{_KEY}{rev:04}"
    row = NameRow.of(site).read(f"WALLET#{member}", sk)
    if row is None:
        raise errors.NotFound
    log.event("wallet.name_read", site=site, member=member, rev=rev, by=by)
    return vault.unseal(site, row.sealed, f"name|{member}|{sk}").decode()


def _next(known: list[Name]) -> int:
    """The number of the next version; `known` are the ones before, newest first."""
    if known and known[0].state == "asked":
        raise NameWaits
    if len(known) >= MOST:
        raise errors.TooMany
    return len(known) + 1


def _name(row: NameRow) -> Name:
    return Name(
        row.pk.removeprefix("WALLET#"),
        int(row.sk.removeprefix(_KEY)),
        row.masked,
        row.state,
        row.told_by,
        row.told_at,
        row.judged_by,
        row.judged_at,
        row.note,
    )
