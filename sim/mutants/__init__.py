"""Bugs that shops like this one really had, each switched on by name, to see whether the simulation finds them."""

from .aftersales import AFTERSALES
from .balances import BALANCES
from .harmless import HARMLESS
from .mutant import Mutant, Stale
from .orders import ORDERS
from .payments import PAYMENTS
from .payouts import PAYOUTS
from .reconciliation import RECONCILIATION
from .recovery import RECOVERY
from .refunds import REFUNDS
from .settlement import SETTLEMENT
from .splits import SPLITS
from .stock import STOCK
from .workers import WORKERS

__all__ = ["HARMLESS", "MUTANTS", "Mutant", "Stale"]

_ALL = (
    *STOCK,
    *ORDERS,
    *PAYMENTS,
    *REFUNDS,
    *AFTERSALES,
    *SETTLEMENT,
    *SPLITS,
    *BALANCES,
    *RECONCILIATION,
    *PAYOUTS,
    *WORKERS,
    *RECOVERY,
)
MUTANTS = {one.name: one for one in _ALL}
