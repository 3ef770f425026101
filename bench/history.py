"""Many sites and years of orders, laid straight into the database as copies of real rows.

Rows of other sites and of earlier days are there, with their keys and sizes, but share their content with the row that
was copied: no page measured here reads them, and if one did, its units would show it.
"""

from collections.abc import Iterator

from chalicelib.kit import clock, ids, tenant
from chalicelib.kit.table import name_of
from chalicelib.ledger import service as ledger
from chalicelib.orders import rules as order_rules
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.tenancy.model import SITES
from sim.dynamo.tables import Row
from sim.dynamo.values import item_size

from .shop import Shop

PER_DAY = 1000  # orders of a site
MEMBER = "a-member-with-a-history"
EVERY = 10  # one order of so many is the member's


def lay_sites(shop: Shop, count: int) -> list[str]:
    """Register as many sites as are missing, like the first, and let the instance see each; all codes."""
    table = shop.database.tables[name_of(tenant.MAIN)]
    first, *others = shop.stage.sites
    row = table.rows[SITES, first]
    missing = count - len(shop.stage.sites)
    codes = [f"z{ids.number32(index, 3).lower()}" for index in range(missing)]
    for code in codes:
        table.put((SITES, code), _copy(row, pk=SITES, sk=code))
        tenancy.site(code)
    return [first, *others, *codes]


def lay_sales(shop: Shop, site: str, like: orders.Order, count: int, *, journals: bool) -> list[str]:
    """Give a site a table with as many orders as delivered today, like one of another site's; their numbers."""
    source, name = shop.database.tables[name_of(like.site)], name_of(site)
    shop.database.create_table(**{**source.definition, "TableName": name})
    table = shop.database.tables[name]
    base = source.rows[order_rules.partition(like.number), like.number]
    sale = next(key for key in source.rows if key[1] == f"{like.number}#sale")
    window, legs = sale[0].rpartition("#")[0], source.rows[sale][0]["legs"]["S"].replace(like.site, site)
    numbers = list(_numbers(site, like.placed_at, count))
    for number in numbers:
        pk = order_rules.partition(number)
        table.put((pk, number), _copy(base, pk=pk, sk=number))
        pk, sk = f"{window}#{ids.from32(number[-1]) % ledger.BUCKETS}", f"{number}#sale"
        if journals:
            table.put((pk, sk), _copy(source.rows[sale], pk=pk, sk=sk, legs=legs))
    return numbers


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
