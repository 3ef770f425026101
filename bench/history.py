"""Many sites and years of orders, laid straight into the database as copies of real rows.

Rows of other sites and of earlier days are there, with their keys and sizes, but share their content with the row that
was copied: no page measured here reads them, and if one did, its units would show it.
"""

from collections.abc import Iterator

from chalicelib.kit import clock, ids, tenant
from chalicelib.kit.table import name_of
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from sim.dynamo.tables import Row
from sim.dynamo.values import item_size

from .shop import Shop

PER_DAY = 1000  # orders of a site
MEMBER = "a-member-with-a-history"
EVERY = 10  # one order of so many is the member's


def lay_sites(shop: Shop, count: int) -> None:
    """Register as many sites as are missing, like the first; the instance has seen each of them."""
    table = shop.database.tables[name_of(tenant.MAIN)]
    key = next(key for key in table.rows if key == ("SITE#all", shop.stage.sites[0]))
    row = table.rows[key]
    for index in range(count - len(shop.stage.sites)):
        code = f"zz{ids.number32(index, 2) if index < 1024 else ids.number32(index, 3)}".lower()
        table.put(("SITE#all", code), _copy(row, pk="SITE#all", sk=code))
        tenancy.site(code)


def lay_orders(shop: Shop, site: str, like: orders.Order, count: int) -> list[str]:
    """Give a site so many delivered orders, a thousand a day until now; the numbers of the last day."""
    table = shop.database.tables[name_of(site)]
    base = table.rows[order_rules.partition(like.number), like.number]
    days = -(-count // PER_DAY)
    today: list[str] = []
    for back in reversed(range(days)):
        numbers = list(_numbers(site, int(shop.now) - back * clock.DAY, min(PER_DAY, count)))
        for index, number in enumerate(numbers):
            pk = order_rules.partition(number)
            own = {"m": MEMBER} if index % EVERY == 0 else {}
            table.put((pk, number), _copy(base, pk=pk, sk=number, **own) if own or not back else base)
        _list(numbers, int(shop.now) - back * clock.DAY)
        today = numbers
    return today


def _numbers(site: str, noon: int, count: int) -> Iterator[str]:
    """Numbers of orders within an hour around a moment."""
    for index in range(count):
        yield order_rules.make_number(
            site, bytes([index % order_rules.BUCKETS]) + index.to_bytes(10), noon + index
        )


def _list(numbers: list[str], at: int) -> None:
    """Put numbers on the main site's list, ten to a row."""
    for first in range(0, len(numbers), 10):
        orders.add_to_feed(numbers[first : first + 10], now=at + first)


def _copy(row: Row, **texts: str) -> Row:
    item = {**row[0], **{name: {"S": text} for name, text in texts.items()}}
    return item, item_size(item)
