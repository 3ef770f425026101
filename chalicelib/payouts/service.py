"""The verbs of payouts: payees, asking and agreeing, sending, deposits, statements; bank files are `files`."""

from . import calendar, files
from .asking import approve, due_at, new_key, reject, request, request_daily, send, take_back
from .book import Payout, get, many, of_party, open_list, party_of
from .deposits import Deposit, ask_back, deadline, pay_in, set_aside
from .deposits import history as deposits_of
from .overdue import look as look_for_late_deposits
from .payees import Payee, account, asked, auto, judge, payee, register, set_auto
from .payees import history as payees_of
from .restoring import sent as sent_before
from .rules import Account, BadAccount, BadAmount, NotPayable, SamePerson, people_needed
from .sending import ask_daily, drive, put_bank, send_due
from .statements import Account as Statement
from .statements import Line, statement

__all__ = [
    "Account",
    "BadAccount",
    "BadAmount",
    "Deposit",
    "Line",
    "NotPayable",
    "Payee",
    "Payout",
    "SamePerson",
    "Statement",
    "account",
    "approve",
    "ask_back",
    "ask_daily",
    "asked",
    "auto",
    "calendar",
    "deadline",
    "deposits_of",
    "drive",
    "due_at",
    "files",
    "get",
    "judge",
    "look_for_late_deposits",
    "many",
    "new_key",
    "of_party",
    "open_list",
    "party_of",
    "pay_in",
    "payee",
    "payees_of",
    "people_needed",
    "put_bank",
    "register",
    "reject",
    "request",
    "request_daily",
    "send",
    "send_due",
    "sent_before",
    "set_aside",
    "set_auto",
    "statement",
    "take_back",
]
