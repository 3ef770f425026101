"""What parties may withdraw, and their deposits; a party is a site's code or "dist:{id}".

Amounts move inside a transaction of the main table together with what moves them, or when a window is closed.
"""

from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.kit import tenant

from .model import AccountRow, DepositRow


@dataclass(frozen=True)
class Balances:
    """A party's money in fen: to withdraw (below zero where the party owes), kept back, on its way, and deposited."""

    available: int
    held: int
    transit: int
    deposit: int


def available(party: str) -> int:
    """What a party may withdraw, in fen; below zero where it owes."""
    row = AccountRow.of(tenant.MAIN).read(f"ACC#{party}", ".")
    return row.available if row else 0


def balances(party: str) -> Balances:
    """A party's account and deposit, strongly read; zeros for one that never had any."""
    account = AccountRow.of(tenant.MAIN).read(f"ACC#{party}", ".")
    deposit = DepositRow.of(tenant.MAIN).read(f"DEP#{party}", ".")
    fen = deposit.fen if deposit else 0
    return (
        Balances(account.available, account.held, account.transit, fen) if account else Balances(0, 0, 0, fen)
    )


def change_account(
    write: TransactWrite,
    party: str,
    *,
    available: int = 0,
    held: int = 0,
    transit: int = 0,
    floor: bool = True,
    owing: bool = False,
) -> None:
    """Within a transaction of the main table, add to a party's amounts.

    With `floor` the transaction is refused unless each amount that falls holds as much as is taken of it; with
    `owing`, unless what can be withdrawn lacks as much as is added.
    """
    rows = AccountRow.of(tenant.MAIN)
    moved = [(rows.available, available), (rows.held, held), (rows.transit, transit)]
    asked = [amount >= -fen for amount, fen in moved if fen < 0] if floor else []
    asked += [rows.available <= -available] if owing else []
    actions: list[Action] = [amount.add(fen) for amount, fen in moved if fen]
    write.update(rows(f"ACC#{party}", "."), actions, condition=_all(asked))


def change_deposit(write: TransactWrite, party: str, fen: int) -> None:
    """Within a transaction of the main table, add to a party's deposit; refused where it holds less than is taken."""
    rows = DepositRow.of(tenant.MAIN)
    asked = [rows.fen >= -fen] if fen < 0 else []
    write.update(rows(f"DEP#{party}", "."), [rows.fen.add(fen)], condition=_all(asked))


def _all(asked: list[Any]) -> Condition | None:
    found: Condition | None = None
    for each in asked:
        found = each if found is None else found & each
    return found
