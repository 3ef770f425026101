"""Licensed institutions that pay out for us, behind one interface.

A bank keeps its own books under our id: the same id never pays twice, whatever is repeated. Its calls may raise
`Declined` (it refused to take the order now, or to answer), `outbound.NotSent` (nothing left) or `outbound.Unknown`
(it may have paid). None of them means that a payout failed: only a result in the state "failed" does.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .transfer import Transfer
from .words import Declined, Order, Result

__all__ = ["BANKS", "Bank", "Declined", "Order", "Result"]


class Bank(Protocol):
    """One institution that pays for us."""

    def pay(self, order: Order, *, now: int) -> Result:
        """Order a payment, or find it again under the same id."""

    def query(self, out_no: str, *, now: int) -> Result | None:
        """How a payment stands; None: the bank knows of none."""


BANKS: dict[str, Callable[[Mapping[str, Any]], Bank]] = {"transfer": Transfer}
