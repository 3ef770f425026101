"""Transactions: all writes or none, over items that others can't write meanwhile.

A transaction is prepared, then committed. A call does both at once; whoever wants other calls to meet an ongoing
transaction keeps the two apart. Between them its items refuse other writes, and reads see them as they were.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import errors, expressions, reads, units, writes
from .errors import Refusal, invalid
from .keys import Key
from .tables import Table
from .units import Ledger
from .writes import Write

MOST_ITEMS = 100
MOST_BYTES = 4 * 1024 * 1024
TOKEN_LIVES = 600  # seconds
_VERBS = ("Put", "Update", "Delete", "ConditionCheck")
Place = tuple[str, Key]
InFlight = Callable[[str, Key], bool]  # table, key: whether some transaction holds the item


class Locks:
    """The items of ongoing transactions, and those a hook declares to be."""

    def __init__(self, in_flight: InFlight | None) -> None:
        self.held: set[Place] = set()
        self._in_flight = in_flight

    def check(self, table: Table, key: Key) -> None:
        """Raise Refusal where a transaction holds the item."""
        if (self.held and (table.name, key) in self.held) or (
            self._in_flight is not None and self._in_flight(table.name, key)
        ):
            raise errors.conflict()


@dataclass
class Tokens:
    """Client request tokens of the last ten minutes."""

    clock: Callable[[], float]
    ongoing: set[str] = field(default_factory=set)
    _done: dict[str, tuple[float, str, list[tuple[str, Key, int]]]] = field(default_factory=dict)

    def known(self, token: str, request: str) -> list[tuple[str, Key, int]] | None:
        """The items of a finished transaction with this token, or None. Raises Refusal."""
        if token in self.ongoing:
            raise Refusal("TransactionInProgressException", "Transaction is in progress", Message=_BUSY)
        done = self._done.get(token)
        if done is None or self.clock() >= done[0] + TOKEN_LIVES:
            return None
        if done[1] != request:
            raise Refusal("IdempotentParameterMismatchException", _MISMATCH, Message=_MISMATCH)
        return done[2]

    def keep(self, token: str, request: str, touched: list[tuple[str, Key, int]]) -> None:
        """Remember a committed transaction; forget the old ones."""
        now = self.clock()
        if len(self._done) > 4096:
            self._done = {t: each for t, each in self._done.items() if now < each[0] + TOKEN_LIVES}
        self._done[token] = now, request, touched


_BUSY = "The transaction with the given request token is already in progress."
_MISMATCH = (
    "DynamoDB rejected the request because you retried a request with a different payload "
    "but with an idempotent token that was already used."
)


class Transaction:
    """A prepared TransactWriteItems: its conditions hold and its items are locked until it ends."""

    def __init__(
        self, params: Mapping[str, Any], request: str, made: list[Write], locks: Locks, tokens: Tokens
    ) -> None:
        self._params = params
        self._request = request
        self._writes = made
        self._locks = locks
        self._tokens = tokens
        self._token: str = params.get("ClientRequestToken", "")
        if self._token:
            tokens.ongoing.add(self._token)
        locks.held.update(_place(each) for each in made)

    def commit(self, ledger: Ledger) -> dict[str, Any]:
        """Store everything; the answer of the call."""
        self.cancel()
        for each in self._writes:
            each.commit()
            each.charge(ledger, times=2)
        if self._token:
            sizes = [(*_place(each), each.after[1] if each.after else 0) for each in self._writes]
            self._tokens.keep(self._token, self._request, sizes)
        return _answer(self._params, ledger)

    def cancel(self) -> None:
        """Unlock, with nothing stored."""
        self._locks.held.difference_update([_place(each) for each in self._writes])
        self._tokens.ongoing.discard(self._token)


def prepare(
    params: Mapping[str, Any], table_of: Callable[[str], Table], locks: Locks, tokens: Tokens, ledger: Ledger
) -> Transaction | dict[str, Any]:
    """A transaction ready to commit; or the answer at once, where its token is known. Raises Refusal."""
    request = ""
    if (token := params.get("ClientRequestToken")) is not None:
        _check_token(token)
        request = _request(params)
        touched = tokens.known(token, request)
        if touched is not None:
            return _repeated(params, touched, ledger)
    made = _understood(params["TransactItems"], table_of)
    _try_all(made, locks, ledger)
    return Transaction(params, request, made, locks, tokens)


def get(
    params: Mapping[str, Any], table_of: Callable[[str], Table], locks: Locks, ledger: Ledger
) -> dict[str, Any]:
    """TransactGetItems. Raises Refusal."""
    asked = params["TransactItems"]
    _check_count(asked)
    gets = [each["Get"] | {"ConsistentRead": True} for each in asked]
    found = [(table_of(each["TableName"]), *reads.get(table_of(each["TableName"]), each)) for each in gets]
    _check_apart((table.name, key) for table, _, key, _ in found)
    reasons = [_objection(partial(locks.check, table, key)) for table, _, key, _ in found]
    _refuse_any(reasons)
    for table, _, key, size in found:
        ledger.charge(units.READ, table.name, "", key, 2 * units.read_units(size, consistent=True))
    shown = [{} if item is None else {"Item": item} for _, item, _, _ in found]
    return {"Responses": shown} | _answer(params, ledger)


def _understood(asked: list[dict[str, Any]], table_of: Callable[[str], Table]) -> list[Write]:
    _check_count(asked)
    made = []
    for each in asked:
        if len(each) != 1:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        ((verb, params),) = each.items()
        if verb == "Update" and expressions.UPDATE not in params:
            raise invalid("The expression can not be empty;")
        made.append(Write(verb, table_of(params["TableName"]), params))
    _check_apart(map(_place, made))
    return made


def _try_all(made: list[Write], locks: Locks, ledger: Ledger) -> None:
    def attempt(write: Write) -> None:
        locks.check(write.table, write.key)
        write.try_out()

    reasons = [_objection(partial(attempt, each)) for each in made]
    if any(reasons):
        for each in made:
            each.charge_refused(ledger)
    _refuse_any(reasons)
    if (
        sum(max(each.before[1] if each.before else 0, each.after[1] if each.after else 0) for each in made)
        > MOST_BYTES
    ):
        raise invalid("Transaction size exceeded: the aggregate size of the items exceeds 4 MB")


def _objection(attempt: Callable[[], None]) -> dict[str, Any] | None:
    try:
        attempt()
    except Refusal as refusal:
        return writes.reason(refusal)
    return None


def _refuse_any(reasons: list[dict[str, Any] | None]) -> None:
    if any(reasons):
        raise errors.cancelled([each or {"Code": "None"} for each in reasons])


def _check_count(asked: list[Any]) -> None:
    if len(asked) > MOST_ITEMS:
        raise invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_ITEMS}"
        )


def _check_token(token: str) -> None:
    if not 1 <= len(token) <= 36:
        raise invalid(
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
            "Member must have length less than or equal to 36"
        )


def _check_apart(places: Iterable[Place]) -> None:
    found = list(places)
    if len(set(found)) < len(found):
        raise invalid("Transaction request cannot include multiple operations on one item")


def _place(write: Write) -> Place:
    return write.table.name, write.key


def _request(params: Mapping[str, Any]) -> str:
    return json.dumps(params["TransactItems"], sort_keys=True, default=repr)


def _repeated(
    params: Mapping[str, Any], touched: list[tuple[str, Key, int]], ledger: Ledger
) -> dict[str, Any]:
    for name, key, size in touched:
        ledger.charge(units.READ, name, "", key, 2 * units.read_units(size, consistent=True))
    return _answer(params, ledger)


def _answer(params: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    used = units.consumed(ledger.last, params.get("ReturnConsumedCapacity"), both=True)
    return {"ConsumedCapacity": used} if used else {}
