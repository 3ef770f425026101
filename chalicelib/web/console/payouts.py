"""Payouts as main's staff see them: what waits for a person, the bank's files, and each party: 结算."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import clock, config, errors
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values, withdraw

face = faces.Face("console_payouts", error_page=desk.error_page, enter=desk.enter_staff)

PLACE = "/console/payouts"
HOME = f"{PLACE}/party"


class Decision(msgspec.Struct):
    """What somebody decides of a payout: "approve" or "reject", with a reason."""

    party: str = ""
    payout: str = ""
    act: str = ""
    why: str = ""


class Judgement(msgspec.Struct):
    """What somebody decides of an account: "verified" or "refused"."""

    rev: int = 0
    state: str = ""
    note: str = ""


class PaidIn(msgspec.Struct):
    """A deposit that came in at the bank."""

    amount: str = ""
    proof: str = ""
    key: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """What waits: accounts to verify, payouts to agree to, what is on its way."""
    return desk.page(visit, "payouts.html", asked=payouts.asked(), **_queues(), **_bank(visit.now))


@face.post(PLACE)
@desk.or_again(index)
def decide(visit: Visit) -> Response:
    """Agree to a payout, or give it back."""
    asked, by = visit.fields(Decision), visit.account.staff.login
    if asked.act == "approve":
        payout = payouts.approve(asked.party, asked.payout, by=by, now=visit.now)
        return desk.done(PLACE, "payout_agreed" if payout.state == "approved" else "payout_half_agreed")
    if not asked.why:
        raise values.BadValue("写一句退回的原因，对方会看到。", field="why")
    payouts.reject(asked.party, asked.payout, by=by, why=asked.why, now=visit.now)
    return desk.done(PLACE, "payout_rejected")


@face.get(f"{HOME}/{{party}}")
def party_page(visit: Visit, party: str) -> Response:
    """A party: balances, its account in the clear for whoever verifies it, deposits, payouts."""
    key = visit.form.get("key", "") or payouts.new_key()
    return desk.page(visit, "party.html", key=key, **_shown(_known(party)))


@face.post(f"{HOME}/{{party}}")
@desk.or_again(party_page)
def judge(visit: Visit, party: str) -> Response:
    """Verify the account of a party, or refuse it."""
    asked, by = visit.fields(Judgement), visit.account.staff.login
    payouts.judge(_known(party), asked.rev, asked.state, by=by, note=asked.note, now=visit.now)
    return desk.done(f"{HOME}/{party}", f"payee_{asked.state}")


@face.post(f"{HOME}/{{party}}/deposit")
@desk.or_again(party_page)
def pay_in(visit: Visit, party: str) -> Response:
    """Record a deposit that came in at the bank."""
    asked, by = visit.fields(PaidIn), visit.account.staff.login
    fen = values.fen(asked.amount, field="amount")
    payouts.pay_in(_known(party), fen, proof=asked.proof, key=asked.key, by=by, now=visit.now)
    return desk.done(f"{HOME}/{party}", "deposit_in")


@face.post(f"{HOME}/{{party}}/account")
@desk.or_again(party_page)
def register(visit: Visit, party: str) -> Response:
    """Note where a party without a desk wants to be paid; somebody else has to verify it."""
    account = withdraw.account_of(visit.fields(withdraw.PayeeForm))
    payouts.register(_helped(party), account, by=visit.account.staff.login, now=visit.now)
    return desk.done(f"{HOME}/{party}", "payee_asked")


@face.post(f"{HOME}/{{party}}/ask")
@desk.or_again(party_page)
def ask(visit: Visit, party: str) -> Response:
    """Ask for all a party without a desk has, on its behalf; somebody else has to agree."""
    key, by = visit.fields(PaidIn).key, visit.account.staff.login
    source = "available" if party.startswith("dist:") else "deposit"
    payouts.request(_helped(party), None, key=key, by=by, now=visit.now, source=source)
    return desk.done(f"{HOME}/{party}", "payout_asked")


def named(party: str) -> str:
    """A party's name: a shop's, or a distributor's. Raises NotFound."""
    if party.startswith("dist:"):
        return tenancy.agent(party.removeprefix("dist:")).name
    return tenancy.site(party).brand.name


def _known(party: str) -> str:
    """The party, which exists. Raises NotFound."""
    named(party)
    return party


def _helped(party: str) -> str:
    """The party, for which staff acts: a distributor, or a site that was refused. Raises NotFound."""
    if not _has_no_desk(party):
        raise errors.NotFound
    return _known(party)


def _has_no_desk(party: str) -> bool:
    return party.startswith("dist:") or tenancy.site(party, fresh=True).state == "refused"


def _queues() -> dict[str, Any]:
    """Payouts by what they wait for, and what a row says of them."""
    found = payouts.many((each.party, each.id) for each in payouts.open_list())
    two_fen = config.load().payout_two_fen
    return {
        "waiting": [one for one in found if one.state == "requested"],
        "going": [one for one in found if one.state in ("approved", "sent")],
        "ended": [one for one in found if one.state in ("success", "returned", "failed")][::-1],
        "needed": lambda fen: payouts.people_needed(fen, two_fen=two_fen),
        "named": named,
        "holder": lambda party: getattr(payouts.payee(party), "holder", ""),
        "deadline": payouts.deadline,
    }


def _bank(now: int) -> dict[str, Any]:
    """The bank's day, and its files."""
    today = clock.day_of(now)
    return {
        "files": payouts.files.all_files(limit=10),
        "business": payouts.calendar.is_business(today),
        "holidays_known": payouts.calendar.is_known(today),
        "by_file": config.load().payout_via == "file",
    }


def _shown(party: str) -> dict[str, Any]:
    payee = payouts.payee(party)
    return {
        "party": party,
        "name": named(party),
        "held": ledger.balances(party),
        "payee": payee,
        "account": payouts.account(party, payee.rev) if payee and payee.state == "asked" else None,
        "versions": payouts.payees_of(party),
        "history": payouts.of_party(party),
        "deposits": payouts.deposits_of(party),
        "is_agent": party.startswith("dist:"),
        "helped": _has_no_desk(party),
    }
