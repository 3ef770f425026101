"""Admission: somebody without an account asks for a sub-site, two people of the main site decide.

The first who wants it keeps the name for it and says what deposit it takes; the second, once that came in, has it
made. Each decision is one transaction over the application, the site's row, its host and its owner's account, so that
it happens whole or not at all. Source: E-Commerce Law, article 27 (a platform verifies and registers who sells on it).
"""

import contextlib
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import msgspec
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import accounts, errors, ids, log, password, queue, table, tenant, throttle, vault

from . import licences, registry, rules, staff
from .model import APPLICATIONS, SITES, ApplicationRow, HostRow, SiteRow
from .record import host_of
from .rules import BadField, Brand

LENGTH = 8  # of a number; what follows it in a reference is the secret
SALTS = 20  # codes that are tried for a name
_KEPT = 180 * rules.DAY  # seconds for which a refused application is kept
_NOTICE = "付款后立即出卡，订单页可随时查看卡密；遇到问题在订单页申请售后。"
_filings = throttle.Bucket(size=5, seconds=3600)


class SamePerson(errors.ShopError):
    """One person cannot decide alone."""

    status = 409
    code = "same_person"
    sentence = "Somebody else has to agree."


class DepositMissing(errors.ShopError):
    """The deposit did not come in yet."""

    status = 409
    code = "deposit_missing"
    sentence = "The deposit has not come in."


@dataclass(frozen=True)
class Contact:
    """The person to speak to."""

    name: str
    phone: str


@dataclass(frozen=True)
class Form:
    """What an applicant fills in. `licence_until`: see rules.check_until; `agreement`: the version accepted."""

    slug: str
    name: str
    company: str
    licence: str
    licence_until: int
    contact: Contact
    login: str
    secret: str
    agreement: str


@dataclass(frozen=True)
class Application:
    """An application as it stands; see rules.STEPS. Times are seconds UTC, the deposit is in fen."""

    id: str
    state: str
    slug: str
    name: str
    company: str
    licence: str
    licence_until: int
    login: str
    agreement: str
    filed_at: int
    proposed_by: str
    proposed_at: int
    decided_by: str
    decided_at: int
    reason: str
    site: str
    deposit: int
    plan: str
    months: int


def file(form: Form, *, key: str, address: str, now: int) -> str:
    """Apply for a sub-site; what the applicant follows it by. The same key applies once.

    Raises BadField, BadLogin, Conflict where the name is taken, TooMany.
    """
    form = _checked(form, key, now)
    _filings.take(address)
    reference = _reference(key)
    number = reference[:LENGTH]
    row = ApplicationRow.of(tenant.MAIN)(APPLICATIONS, number, state="filed", follow=_digest(reference))
    for name in ("slug", "name", "company", "licence", "licence_until", "login", "agreement"):
        setattr(row, name, getattr(form, name))
    row.record, row.filed_at = password.hashed(form.secret), now
    row.sealed = vault.seal(tenant.MAIN, msgspec.json.encode(form.contact), f"apply|{number}")
    _insert(row)
    return reference


def followed(reference: str) -> Application:
    """The application that a reference is of. Raises NotFound."""
    row = _row(reference[:LENGTH])
    if not hmac.compare_digest(row.follow, _digest(reference)):
        raise errors.NotFound
    return _application(row)


def application(number: str) -> Application:
    """An application by its number. Raises NotFound."""
    return _application(_row(number))


def contact_of(number: str) -> Contact:
    """The person to speak to. Raises NotFound."""
    sealed = _row(number).sealed
    return msgspec.json.decode(vault.unseal(tenant.MAIN, sealed, f"apply|{number}"), type=Contact)


def applications() -> list[Application]:
    """All applications, the newest first."""
    rows = ApplicationRow.of(tenant.MAIN).under(APPLICATIONS, consistent=True)
    return sorted(map(_application, rows), key=lambda one: (one.filed_at, one.id), reverse=True)


def propose(number: str, *, deposit: int, plan: str, months: int, by: str, now: int) -> Application:
    """Want a site: keep its name, and say its deposit in fen, its split plan and its months (0: for good).

    Repeating it changes nothing. Raises BadField, Conflict where the name was taken meanwhile, NotFound.
    """
    _check_terms(deposit, months)
    one = application(number)
    rules.check_until(one.licence_until, now=now)
    for salt in range(SALTS if one.state == "filed" else 0):
        code = rules.code_of(one.slug, salt)
        terms = {"site": code, "deposit": deposit, "plan": plan, "months": months}
        if SiteRow.of(tenant.MAIN).read(SITES, code) is None and _reserve(one, code, terms, by, now):
            break
    return _reached(number, "proposed", by)


def confirm(number: str, *, paid: int, by: str, now: int) -> Application:
    """Agree with who wanted the site: it is made. `paid`: the deposit in fen that came in.

    Repeating it has it made all the same. Raises SamePerson, DepositMissing, BadField for a licence that expired
    meanwhile, Conflict, NotFound.
    """
    one = application(number)
    if one.state == "proposed":
        _check_second(one, paid, by, now)
        _admit(_row(number), by, now)
    one = _reached(number, "admitted", by)
    queue.send("provision", site=one.site)
    return one


def refuse(number: str, reason: str, *, by: str, now: int) -> Application:
    """Want no site, and tell the applicant why; its name is free again. Raises BadField, Conflict, NotFound."""
    reason = rules.check_text(reason, least=2, most=200, field="reason")
    one = application(number)
    told = {"state": "refused", "reason": reason, "decided_by": by, "decided_at": now, "ttl": now + _KEPT}
    try:
        with table.Together(tenant.MAIN, "") as write:
            _decide(write, one, told)
            if one.site:
                _step_site(write, one.site, "refused")
                release(write, host_of(one.slug), one.site)
    except table.Refused:
        raise errors.Conflict from None
    log.event("tenancy.refused", application=number, by=by)
    return application(number)


def release(write: TransactWrite, host: str, site: str) -> None:
    """Within a transaction, free a host name that a site had."""
    hosts = HostRow.of(tenant.MAIN)
    write.update(hosts(f"HOST#{host}", "."), [hosts.site.set("")], condition=hosts.site == site)


def _checked(form: Form, key: str, now: int) -> Form:
    if len(key) < 16 or form.agreement != rules.AGREEMENT:
        raise BadField("Read the agreement and accept it.", field="agreement")
    rules.check_slug(form.slug)
    contact = Contact(
        rules.check_text(form.contact.name, least=2, most=30, field="contact"),
        rules.check_phone(form.contact.phone),
    )
    if not is_free(host_of(form.slug)):
        raise BadField("This site name is taken.", field="slug")
    return Form(
        form.slug,
        rules.check_text(form.name, least=1, most=40, field="name"),
        rules.check_text(form.company, least=4, most=60, field="company"),
        rules.check_credit_code(form.licence),
        rules.check_until(form.licence_until, now=now),
        contact,
        staff.check_login(form.login, form.secret),
        form.secret,
        form.agreement,
    )


def _insert(row: ApplicationRow) -> None:
    """Write an application that nobody made yet. Raises Conflict."""
    try:
        row.insert()
    except table.Refused as refused:
        if refused.row.follow != row.follow:
            raise errors.Conflict from None
        return
    log.event("tenancy.applied", application=row.sk)


def is_free(host: str) -> bool:
    """Whether no site has this host name."""
    row = HostRow.of(tenant.MAIN).read(f"HOST#{host}", ".")
    return row is None or not row.site


def _check_terms(deposit: int, months: int) -> None:
    if not 0 <= deposit <= 100_000_000:
        raise BadField("A deposit is between nothing and a million yuan.", field="deposit")
    if not 0 <= months <= rules.MOST_MONTHS:
        raise BadField("A term is at most five years.", field="months")


def _reserve(one: Application, code: str, terms: Mapping[str, object], by: str, now: int) -> bool:
    """Keep name and code for an application; whether this call did. Raises Conflict where the name is taken."""
    hosts, sites = HostRow.of(tenant.MAIN), SiteRow.of(tenant.MAIN)
    brand = Brand(one.name, "秒到账 · 正品卡券", logo=one.name[:1], notice=_NOTICE)
    row = sites(SITES, code, slug=one.slug, state="applied", plan=terms["plan"], opened=now)
    row.brand, row.owner_login = asdict(rules.check_brand(brand)), one.login
    host = hosts(f"HOST#{host_of(one.slug)}", ".", site=code)
    told = {**terms, "state": "proposed", "proposed_by": by, "proposed_at": now}
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.save(row, condition=sites.pk.does_not_exist())
            write.save(host, condition=hosts.pk.does_not_exist() | (hosts.site == ""))
            _decide(write, one, told)
    except table.Refused:
        if application(one.id).state == "filed" and not is_free(host_of(one.slug)):
            raise errors.Conflict("This site name is taken.", field="slug") from None
        return False
    return True


def _check_second(one: Application, paid: int, by: str, now: int) -> None:
    if by == one.proposed_by:
        raise SamePerson
    if paid < one.deposit:
        raise DepositMissing(missing_fen=one.deposit - paid)
    rules.check_until(one.licence_until, now=now)


def _admit(row: ApplicationRow, by: str, now: int) -> None:
    """Admit, unless somebody decided meanwhile."""
    one, sites = _application(row), SiteRow.of(tenant.MAIN)
    licence = licences.Licence(one.licence, f"{one.proposed_by}、{by}", now, one.licence_until)
    term = now + one.months * 365 * rules.DAY // 12
    set_up = [sites.licence.set(asdict(licence)), sites.term.set(term if one.months else 0)]
    realm, record = staff.realm_of(one.site), row.record or b""
    with contextlib.suppress(table.Refused), table.Together(tenant.MAIN, "") as write:
        _decide(write, one, {"state": "admitted", "decided_by": by, "decided_at": now})
        _step_site(write, one.site, "asked", *set_up, sites.opened.set(now))
        accounts.enlist_within(write, realm, one.login, record, role="owner", now=now)


def _decide(write: TransactWrite, one: Application, told: Mapping[str, object]) -> None:
    """Within a transaction, take an application as it was read into its next state."""
    rows = ApplicationRow.of(tenant.MAIN)
    actions: list[Action] = [getattr(rows, name).set(value) for name, value in told.items()]
    if not rules.STEPS[str(told["state"])]:
        actions.append(rows.record.remove())
    write.update(rows(APPLICATIONS, one.id), actions, condition=rows.state == one.state)


def _step_site(write: TransactWrite, code: str, state: str, *more: Action) -> None:
    sites = SiteRow.of(tenant.MAIN)
    write.update(sites(SITES, code), [sites.state.set(state), *more], condition=sites.state == "applied")


def _reached(number: str, state: str, by: str) -> Application:
    """The application, which this person took into a state. Raises Conflict where it is elsewhere."""
    one = application(number)
    who = one.proposed_by if state == "proposed" else one.decided_by
    if (one.state, who) != (state, by):
        raise errors.Conflict
    registry.forget()
    return one


def _row(number: str) -> ApplicationRow:
    row = ApplicationRow.of(tenant.MAIN).read(APPLICATIONS, number) if number else None
    if row is None:
        raise errors.NotFound("There is no such application.")
    return row


def _application(row: ApplicationRow) -> Application:
    stored = {name: getattr(row, name) for name in Application.__match_args__ if name != "id"}
    return Application(row.sk, **stored)


def _reference(key: str) -> str:
    """A number and a secret, which come from the form's key so that a second click has the same."""
    return "".join(
        ids.base32(hashlib.sha256(f"{what}|{key[:64]}".encode()).digest(), length)
        for what, length in (("apply", LENGTH), ("follow", 26))
    )


def _digest(reference: str) -> str:
    return hashlib.sha256(f"follow|{reference}".encode()).hexdigest()[:40]
