"""What an owner or a distributor has, asks to be paid, and where to: 提现."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.kit import clock, config
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts

from .. import face as faces
from ..visit import Visit
from . import desk, values

face = faces.Face("console_withdraw", error_page=desk.error_page, enter=desk.enter_owner)


class PayeeForm(msgspec.Struct):
    """Where to be paid, as typed."""

    kind: str = "bank"
    holder: str = ""
    number: str = ""
    bank: str = ""


class Asked(msgspec.Struct):
    """An amount in yuan, or all there is; the key makes posting twice one payout."""

    amount: str = ""
    key: str = ""
    everything: str = ""


class Daily(msgspec.Struct):
    """From how many yuan on to be paid every day."""

    on: str = ""
    least: str = ""


class Back(msgspec.Struct):
    """Which payout not to send after all."""

    payout: str = ""


@face.get("/console/withdraw")
def index(visit: Visit) -> Response:
    """Balances, the account, the form, and what was asked for before."""
    key = visit.form.get("key", "") or payouts.new_key()
    shown = _shown(visit.account.party, now=visit.now)
    return desk.page(visit, "withdraw.html", key=key, settings=config.load(), **shown)


@face.post("/console/withdraw/account")
@desk.or_again(index)
def account(visit: Visit) -> Response:
    """Tell where to be paid; main's staff verifies it before anything is paid."""
    typed = visit.fields(PayeeForm)
    asked = account_of(typed)
    payouts.register(visit.account.party, asked, by=visit.account.staff.login, now=visit.now)
    return desk.done(_place(visit), "payee_asked")


@face.post("/console/withdraw")
@desk.or_again(index)
def ask(visit: Visit) -> Response:
    """Ask for money."""
    fen, key, by = _typed(visit)
    payouts.request(visit.account.party, fen, key=key, by=by, now=visit.now)
    return desk.done(_place(visit), "payout_asked")


@face.post("/console/withdraw/back")
@desk.or_again(index)
def take_back(visit: Visit) -> Response:
    """Keep the money, as long as nobody agreed to send it."""
    payouts.take_back(visit.account.party, visit.fields(Back).payout, now=visit.now)
    return desk.done(_place(visit), "payout_back")


@face.post("/console/withdraw/daily")
@desk.or_again(index)
def daily(visit: Visit) -> Response:
    """Be paid every day by itself, or no longer."""
    typed = visit.fields(Daily)
    least = values.fen(typed.least, field="least") if typed.on else 0
    payouts.set_auto(visit.account.party, least)
    return desk.done(_place(visit), "payout_daily" if least else "payout_by_hand")


@face.post("/console/withdraw/aside")
@desk.or_again(index)
def set_aside(visit: Visit) -> Response:
    """Make available money a deposit."""
    fen, key, by = _typed(visit)
    payouts.set_aside(visit.account.party, fen or 0, key=key, by=by, now=visit.now)
    return desk.done(_place(visit), "deposit_aside")


@face.post("/console/withdraw/deposit")
@desk.or_again(index)
def ask_deposit(visit: Visit) -> Response:
    """Ask for the deposit."""
    fen, key, by = _typed(visit)
    payouts.ask_back(visit.account.party, fen, key=key, by=by, now=visit.now)
    return desk.done(_place(visit), "deposit_asked")


def account_of(typed: PayeeForm) -> payouts.Account:
    """An account as typed: spaces in numbers do not count."""
    number = typed.number.replace(" ", "")
    return payouts.Account(typed.kind, typed.holder, number, typed.bank if typed.kind == "bank" else "")


def _typed(visit: Visit) -> tuple[int | None, str, str]:
    """The amount (None: all), the form's key and who asks. Raises BadValue."""
    asked = visit.fields(Asked)
    if len(asked.key) < 16:
        raise values.BadValue("表单已过期，请重新打开页面再试。", field="key")
    fen = None if asked.everything else values.fen(asked.amount, field="amount")
    return fen, asked.key, visit.account.staff.login


def _place(visit: Visit) -> str:
    return f"{visit.account.home}/withdraw"


def _shown(party: str, *, now: int) -> dict[str, Any]:
    payee = payouts.payee(party)
    opening = payouts.due_at(payee, now)
    return {
        "held": ledger.balances(party),
        "payee": payee,
        "history": payouts.of_party(party),
        "daily": payouts.auto([party]).get(party, 0),
        "opening": opening if opening > now else 0,
        "holidays_known": payouts.calendar.is_known(clock.day_of(opening)),
        "deadline": payouts.deadline,
    }
