"""What a channel says of payments on which its bill and our books do not agree."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.kit import outbound, worker
from chalicelib.payments import service as payments
from chalicelib.payments.service import BillRow

from . import rules
from .ours import Account
from .rules import Claim, Line

_MOST = 100  # payments asked for in one run; the others wait for the next


def confirmed(account: Account, row: BillRow, now: int) -> payments.Payment | None:
    """The payment of a row as the channel vouches for it; None where it does not. Raises TryLater."""
    try:
        paid = payments.gateway(*account).query(row.out_trade_no, now=now)
    except payments.Declined:
        return None
    except (outbound.NotSent, outbound.Unknown) as error:
        raise worker.TryLater("the channel does not answer") from error
    same = paid is not None and (paid.transaction_id, paid.amount_fen) == (row.transaction_id, row.amount_fen)
    return paid if same else None


def answered(
    account: Account,
    lines: Sequence[Line],
    claims: Mapping[str, Claim],
    before: Sequence[Line],
    *,
    patient: bool,
    now: int,
) -> list[Line]:
    """The lines, those that no bill has with the channel's answer; while `patient`, one without waits.

    `before` are the lines so far: where one of them waits, the round is not at its end, and its answers count.
    """
    known = {line.key: line.answer for line in before} if any(line.waits for line in before) else {}
    unpaid = {claim.number: _unpaid(claim) for claim in claims.values() if claim.kind == "refund"}
    asked = 0
    found = []
    for line in lines:
        if line.name != rules.SHORT or line.kind != "payment" or line.waits:
            found.append(line)
            continue
        answer = known.get(line.key, "")
        if not answer and asked < _MOST:
            asked += 1
            answer = _answer(account, claims[line.key], unpaid.get(line.number, rules.UNPAID), now)
        waits = not answer and patient
        found.append(replace(line, answer=answer or ("" if waits else rules.UNSAID), waits=waits))
    return found


def _unpaid(refund: Claim) -> str:
    """What "not paid" means of a payment with a refund: some channels call none of them a payment any more."""
    return rules.PAID if refund.settled else rules.UNSAID


def _answer(account: Account, claim: Claim, unpaid: str, now: int) -> str:
    try:
        paid = payments.gateway(*account).query(claim.out_trade_no, now=now)
    except payments.Declined:
        return rules.UNSAID
    except (outbound.NotSent, outbound.Unknown):
        return ""
    if paid is None:
        return unpaid
    same = (f"payment:{paid.transaction_id}", paid.amount_fen) == (claim.key, claim.fen)
    return rules.PAID if same else rules.OTHER
