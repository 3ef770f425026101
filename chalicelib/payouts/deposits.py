"""Security deposits: paid in at the bank, moved from what is available, given back on request within a deadline.

A party may always ask for its deposit; the only condition is that it owes nothing. Giving it back is a payout from
the deposit, so it goes to the verified account and nothing is paid twice.
"""

from dataclasses import dataclass

from chalicelib.kit import clock, config, errors, log, table, tenant
from chalicelib.ledger import service as ledger

from . import asking, rules
from .book import Payout
from .model import DepositRow


@dataclass(frozen=True)
class Deposit:
    """Money that became a deposit. `source` is "bank" or "available"; `proof` the bank's number of the payment."""

    party: str
    id: str
    fen: int
    source: str
    proof: str
    by: str
    at: int


def pay_in(party: str, fen: int, *, proof: str, key: str, by: str, now: int) -> Deposit:
    """Record what came in at the bank; the one of the same form, where it was posted before.

    Raises BadAmount for an amount or a proof that is none, Conflict where the form said something else.
    """
    proof = proof.strip()
    if not 4 <= len(proof) <= 100:
        raise rules.BadAmount("Give the bank's number of the payment.", field="proof")
    wanted = Deposit(party, rules.payout_id(party, f"bank|{key}"), fen, "bank", proof, by, now)
    return _take(wanted, [("bank:deposit", fen), (f"deposit:{party}", -fen)], available=0)


def set_aside(party: str, fen: int, *, key: str, by: str, now: int) -> Deposit:
    """Make available money a deposit; main moves as much to the account of deposits. Raises BadAmount, Conflict."""
    wanted = Deposit(party, rules.payout_id(party, f"available|{key}"), fen, "available", "", by, now)
    own = rules.account_of(party, "available")
    legs = [(own, fen), (f"deposit:{party}", -fen), ("bank:deposit", fen), ("bank:main", -fen)]
    return _take(wanted, legs, available=-fen)


def ask_back(party: str, fen: int | None, *, key: str, by: str, now: int) -> Payout:
    """Ask for a deposit; None: all of it. Raises BadAmount, also while the party owes, and NotPayable."""
    return asking.request(party, fen, key=key, by=by, now=now, source="deposit")


def deadline(payout: Payout) -> int:
    """Until when a deposit that was asked for has to be on its way."""
    return payout.asked_at + config.load().deposit_days * clock.DAY


def history(party: str) -> list[Deposit]:
    """What became a party's deposit, newest first."""
    found = [_deposit(row) for row in DepositRow.of(tenant.MAIN).under(f"DEPOSIT#{party}", consistent=True)]
    return sorted(found, key=lambda deposit: deposit.at, reverse=True)


def _take(wanted: Deposit, legs: list[ledger.Leg], *, available: int) -> Deposit:
    rules.check_amount(wanted.fen, least=1)
    party, event = wanted.party, f"deposit-{wanted.source}"
    rows = DepositRow.of(tenant.MAIN)
    row = rows(f"DEPOSIT#{party}", wanted.id, fen=wanted.fen, source=wanted.source, proof=wanted.proof)
    row.by, row.at = wanted.by, wanted.at
    flow = ledger.Flow(wanted.at, event, wanted.id, available=available, deposit=wanted.fen)
    day = clock.day_of(wanted.at)
    try:
        with table.Together(tenant.MAIN, "") as write:
            write.save(row, condition=rows.pk.does_not_exist())
            ledger.move(write, party, flow)
            ledger.post_within(
                write, tenant.MAIN, day, wanted.id, event, legs, at=wanted.at, about=wanted.proof
            )
    except table.Refused:
        return _stood_before(wanted)
    log.event("payouts.deposit", party=party, fen=wanted.fen, source=wanted.source, by=wanted.by)
    return wanted


def _stood_before(wanted: Deposit) -> Deposit:
    row = DepositRow.of(tenant.MAIN).read(f"DEPOSIT#{wanted.party}", wanted.id)
    if row is None and ledger.available(wanted.party) < wanted.fen and wanted.source == "available":
        raise rules.BadAmount("There is not as much.", field="amount")
    if row is None:
        raise errors.NotReady
    if (row.fen, row.source) != (wanted.fen, wanted.source):
        raise errors.Conflict
    return _deposit(row)


def _deposit(row: DepositRow) -> Deposit:
    return Deposit(row.pk.partition("#")[2], row.sk, row.fen, row.source, row.proof, row.by, row.at)
