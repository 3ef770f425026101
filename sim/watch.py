"""What must be true after every write. What is not true raises Violation.

I2 a position is one order's, I3 pointers and returned ranges, I4 journals stay as they are, I8 moves, their time, and
what an order was delivered, I11 accounts are never below zero but for fees and what refunds took back, I16 what was
delivered never goes back on sale; and nothing that is still needed has a time to live.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chalicelib.checkout import rules as checkout_rules
from chalicelib.orders import rules as order_rules
from chalicelib.stock import service as stock

from .channel import Channel
from .clockwork import Violation
from .dynamo.database import Database
from .functions import SKEW
from .pools import Pools

_OWING = re.compile(r"#(R\d+(-split)?|U1)$")  # how the keys of journals end after which somebody may owe
Position = tuple[str, int]
Row = Mapping[str, Any]
_FEES = 100  # fen at most that bills take back, in fees, of what may have been paid out
_HOLDING = {"pending", "paid", "review", "delivered"}
_AFTER_SALES = {("delivered", "refunding"), ("refunding", "delivered")}  # of orders with such a refund only
# Rows that may end, each with what must be in them then.
_PASSING = {
    "SESSION": "ttl",
    "SNAP": "ttl",
    "CASE": "ttl",
    "PAYOUTS": "done_at",
    "BACK": "folded",
    "TODO": "done_at",
}


def insist(true: bool, what: str) -> None:  # noqa: FBT001  reads like assert
    """Raise Violation unless it is true."""
    if not true:
        raise Violation(what)


class Watch:
    """Looks at every row that matters when it was written."""

    def __init__(
        self, database: Database, channels: Mapping[str, Channel], clock: Callable[[], float]
    ) -> None:
        self.pools = Pools(database, clock)
        self.states: dict[str, str] = {}
        self.holders: dict[Position, str] = {}
        self.refunds: dict[tuple[str, str], str] = {}  # states of after-sales refunds, by order and name
        self._back_fen = 0  # that such refunds took from accounts
        self._before: dict[str, str] = {}  # what orders were delivered before a table was restored
        self._shown: set[Position] = set()  # to whoever ordered before that
        self._returned: set[Position] = set()
        self._ranges: dict[str, str] = {}
        self._pointers: dict[tuple[str, str], Row] = {}
        self._texts: dict[str, str] = {}
        self._journals: dict[tuple[str, str], Row] = {}
        self._database = database
        self._channels = channels
        self._clock = clock
        self._looks = {
            "O": self._order,
            "PTR": self._pointer,
            "BACK": self._back,
            "J": self._journal,
            "ACC": self._account,
            "WENT": self._entry,
            "REFUND": self._refund,
        }

    def after(self, operation: str, given: Mapping[str, Any]) -> None:
        """Look at what a call has written. Raises Violation."""
        if operation in ("PutItem", "UpdateItem"):
            self._see(given)
        elif operation == "TransactWriteItems":
            for each in given["TransactItems"]:
                for write in each.values():
                    self._see(write)

    def look_anew(self) -> set[str]:
        """Forget what restored tables do not have, but not what anybody was shown; the orders that are gone."""
        rows = {
            place: row for table in self._database.tables.values() for place, (row, _) in table.rows.items()
        }
        found = {place[1]: row for place, row in rows.items() if place[0].startswith("O#")}
        gone = self.states.keys() - found.keys()
        self._before |= {number: self._ranges[number] for number in self._texts}
        self._shown |= {place for number in self._texts for place in named(self._ranges[number])}
        self.holders = {place: number for place, number in self.holders.items() if place in self._shown}
        self.states = {number: row["st"]["S"] for number, row in found.items()}
        self._ranges = {number: row["r"]["S"] if "r" in row else "" for number, row in found.items()}
        self._texts = {number: text for number, text in self._texts.items() if "td" in found.get(number, ())}
        self._back_fen += sum(_credited(row) for place, row in self._journals.items() if place not in rows)
        self._journals = {place: row for place, row in self._journals.items() if place in rows}
        self._pointers.clear()
        self._returned.clear()
        self.refunds.clear()
        self.pools.look_anew()
        for place, row in rows.items():
            if place[0].startswith(("PTR#", "BACK#", "REFUND#")):
                self._looks[place[0].partition("#")[0]](place, row)
        return gone

    def seen(self) -> list[Any]:
        """All it holds what comes later against."""
        return [
            self.states,
            self.holders,
            self._returned,
            self._ranges,
            self._pointers,
            self._texts,
            self._journals,
            self.refunds,
            self._back_fen,
        ]

    def anything_open(self) -> bool:
        """Whether a walk would find something: an order that is not final, or something to do for one by now."""
        todos = (
            item
            for table in self._database.tables.values()
            for _, (item, _) in table.under("TODO", consistent=True)
        )
        final = order_rules.FINAL.issuperset(self.states.values())
        return not final or any(
            "done_at" not in item and int(item["due"]["N"]) <= self._clock() + SKEW for item in todos
        )

    def _see(self, write: Mapping[str, Any]) -> None:
        key = write.get("Key") or write["Item"]
        place = key["pk"]["S"], key["sk"]["S"]
        stored = self._database.tables[write["TableName"]].rows.get(place)
        if stored is None:
            return
        kind, row = place[0].partition("#")[0], stored[0]
        if "ttl" in row:
            insist(_PASSING.get(kind, kind) in row, f"TTL: {place} is still needed")
        if look := self._looks.get(kind):
            look(place, row)

    def _order(self, place: tuple[str, str], row: Row) -> None:
        number, before, after = place[1], self.states.get(place[1]), row["st"]["S"]
        move = (before, after)
        whole = "bf" in row and row["bf"] == row["a"]  # the balance paid it as it was placed
        born = after in ("paid", "delivered") if whole else after == "pending"
        allowed = move in order_rules.MOVES and (move not in _AFTER_SALES or "rn" in row)
        allowed = allowed or before == after or (before is None and born)
        insist(allowed, f"I8: {number} went from {before} to {after}")
        ranges, held = row["r"]["S"] if "r" in row else "", self._ranges.get(number, "")
        revived = (before, after, ranges) == ("expired", "paid", "")
        insist(not held or ranges == held or revived, f"I8: {number} was given other codes while {before}")
        if (before, after) == ("pending", "expired"):
            self._expired(number, row)
        if after == "delivered":
            text = row["y"]["S"] if "y" in row else ""
            insist(self._texts.setdefault(number, text) == text, f"I8: {number} was delivered twice")
            insist(
                self._before.get(number, ranges) == ranges, f"I8: {number} was delivered other codes before"
            )
        self.states[number], self._ranges[number] = after, ranges
        for position in named(ranges):
            holder = self.holders.setdefault(position, number)
            insist(holder == number, f"I2: {position} is {holder}'s and {number}'s")
            back = after in _HOLDING and position in self._returned
            insist(not back, f"I3: {number} is {after} and holds {position}, which went back")

    def _pointer(self, place: tuple[str, str], row: Row) -> None:
        pk = place[0]
        if place[1] != ".":
            return
        self.pools.see(place, row)
        at, free, length = (int(row[name]["N"]) for name in ("next", "free", "len"))
        insist(free >= 0 and at + free == length, f"I3: {pk} is at {at} of {length} with {free} free")
        before = self._pointers.get((pk, row["sku"]["S"]), {})
        insist(at >= int(before["next"]["N"] if before else 0), f"I3: {pk} went back")
        for slot in (name for name in before if name.startswith("o")):
            taken = (row[slot], row["s" + slot[1:]]) == (before[slot], before["s" + slot[1:]])
            insist(taken or row[slot] != before[slot], f"I3: one claim took of {pk} twice")
        self._pointers[pk, row["sku"]["S"]] = dict(row)

    def _expired(self, number: str, row: Row) -> None:
        """An order ends in its time, and not before its first trade was closed, unless the channel stayed silent."""
        over = self._clock() - int(row["te"]["N"]) + 2 * SKEW  # on whichever clock was wrong
        insist(over >= 0, f"I8: {number} expired too early")
        trades = [each.trades.get(f"{number}01") for each in self._channels.values()]
        closed = all(trade is None or trade.closed for trade in trades)
        insist(closed or over >= checkout_rules.PATIENCE, f"I8: {number} expired and its trade is not closed")

    def _journal(self, place: tuple[str, str], row: Row) -> None:
        if place not in self._journals and _OWING.search(place[1]):
            legs = json.loads(row["legs"]["S"])
            self._back_fen += sum(fen for account, fen in legs if account.endswith(":pending") and fen > 0)
        insist(self._journals.setdefault(place, dict(row)) == row, f"I4: the journal {place} was changed")

    def _account(self, place: tuple[str, str], row: Row) -> None:
        on_way = int(row["transit"]["N"]) if "transit" in row else 0
        least = -_FEES - self._back_fen
        insist(int(row["available"]["N"]) >= least and on_way >= 0, f"I11: {place} is overdrawn")

    def _refund(self, place: tuple[str, str], row: Row) -> None:
        self.refunds[place[0].removeprefix("REFUND#"), place[1]] = row["state"]["S"]

    def _entry(self, place: tuple[str, str], row: Row) -> None:
        insist(self._journals.setdefault(place, dict(row)) == row, f"I4: the entry {place} was changed")
        insist(min(int(row[name]["N"]) for name in ("a", "r")) >= 0, f"I11: {place} is overdrawn")

    def _back(self, place: tuple[str, str], row: Row) -> None:
        self.pools.see(place, row)
        for n in range(int(row["start"]["N"]), int(row["start"]["N"]) + int(row["size"]["N"])):
            position = row["seg"]["S"], n
            withheld = "folded" in row and row["folded"]["S"] == stock.WITHHELD
            insist(
                withheld or position not in self._shown, f"I16: {position} went back, and was shown before"
            )
            self._returned.add(position)
            number = self.holders.get(position, "")
            held, state = position in set(named(self._ranges.get(number, ""))), self.states.get(number)
            insist(not (held and state in _HOLDING), f"I3: {position} went back while {number} is {state}")
            insist(
                not (held and number in self._texts), f"I16: {position} went back, and {number} was shown it"
            )


def _credited(row: Row) -> int:
    """What a journal gives to parties, which may have left their accounts before the journal was lost."""
    legs = json.loads(row["legs"]["S"]) if "legs" in row else []
    return sum(-int(fen) for account, fen in legs if account.endswith(":pending") and fen < 0)


def named(ranges: str) -> Iterator[Position]:
    """The positions in ranges as an order stores them."""
    for one in ranges.split():
        found = stock.parse_range(one)
        yield from ((found.seg, n) for n in range(found.start, found.end))
