"""Distributors sign in: main's staff invites, and whoever holds the link chooses a login and a password.

An invitation is good once and for three days, and only its digest is kept. Taking a new one ends the login that stood
before, its sessions included: that is also the way out for somebody who forgot their password.
"""

import hashlib
import hmac

from pynamodb.expressions.update import Action

from chalicelib.kit import accounts, errors, ids, password, table, tenant

from . import agents, staff
from .agents import LENGTH, Agent
from .model import AGENTS, AgentRow
from .staff import Staff

SCOPE = "partner"
GOOD_FOR = 3 * 86_400  # seconds


class InvitationOver(errors.ShopError):
    """An invitation that is unknown, used, replaced, withdrawn or too old."""

    status = 404
    code = "invitation_over"
    sentence = "This invitation is no longer good; ask for a new one."


def invite(code: str, *, now: int) -> str:
    """An invitation for a distributor; it replaces one that was not taken. Raises NotFound."""
    rows, secret = AgentRow.of(tenant.MAIN), ids.token()
    _change(code, [rows.invite.set(_digest(secret)), rows.invite_until.set(now + GOOD_FOR)])
    return code + secret


def shut_out(code: str) -> None:
    """End a distributor's login, sessions and invitation; what they earned stays theirs. Raises NotFound."""
    rows = AgentRow.of(tenant.MAIN)
    _change(code, [rows.invite.remove(), rows.account.remove(), rows.login.remove()])


def invited(invitation: str, *, now: int) -> Agent:
    """Whom an invitation is for. Raises InvitationOver."""
    row = AgentRow.of(tenant.MAIN).read(AGENTS, invitation[:LENGTH]) if len(invitation) > LENGTH else None
    given = _digest(invitation[LENGTH:])
    if row is None or (row.invite_until or 0) <= now or not hmac.compare_digest(row.invite or "", given):
        raise InvitationOver
    return agents.agent_of(row)


def join(invitation: str, login: str, secret: str, *, now: int) -> None:
    """Take an invitation: from now on this login is the distributor's. Raises InvitationOver, BadLogin, Taken."""
    code = invited(invitation, now=now).agent
    rows, realm = AgentRow.of(tenant.MAIN), staff.realm_of(SCOPE)
    login = accounts.check(login, secret)
    asked = (rows.invite == _digest(invitation[LENGTH:])) & (rows.invite_until > now)
    record = password.hashed(secret)
    try:
        with table.Together(tenant.MAIN, "") as write:
            ident = accounts.enlist_within(write, realm, login, record, role=code, now=now)
            actions: list[Action] = [rows.account.set(ident), rows.login.set(login), rows.invite.remove()]
            write.update(rows(AGENTS, code), actions, condition=asked)
    except table.Refused:
        invited(invitation, now=now)
        raise accounts.Taken from None


def partner_of(token: str, *, now: int) -> tuple[Staff, Agent] | None:
    """Who a session token belongs to, if it is alive and the login still the distributor's."""
    account = accounts.who(staff.realm_of(SCOPE), token, now=now)
    row = AgentRow.of(tenant.MAIN).read(AGENTS, account.role) if account else None
    if account is None or row is None or row.account != account.ident:
        return None
    return Staff(account.login, SCOPE, account.role), agents.agent_of(row)


def _change(code: str, actions: list[Action]) -> None:
    rows = AgentRow.of(tenant.MAIN)
    try:
        rows.change(AGENTS, code, actions, rows.pk.exists())
    except table.Refused:
        raise errors.NotFound("No such distributor.") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(f"invite|{secret}".encode()).hexdigest()[:40]
