"""Goods, listings, and the shelf each site publishes from them.

Browsing and checkout read only the published shelf: a snapshot of all offers, held in memory and exchanged whole.
"""

import zlib
from collections.abc import Iterator
from dataclasses import asdict

import msgspec

from chalicelib.kit import clock, errors, ids, log, queue, table, tenant
from chalicelib.tenancy import service as tenancy

from .model import GOODS, LISTINGS, SHELF, GoodsRow, HeadRow, ListingRow, PageRow
from .rules import (
    KINDS,
    MOST,
    TOP_UP,
    WAIVER,
    BadGoods,
    BelowFloor,
    Goods,
    GoodsDraft,
    Listing,
    Offer,
    Sale,
    Shelf,
    Tier,
    check_goods,
    check_listing,
    compose,
    offer_of,
    revised,
)

__all__ = [
    "KINDS",
    "MOST",
    "TOP_UP",
    "WAIVER",
    "BadGoods",
    "BelowFloor",
    "Goods",
    "GoodsDraft",
    "Listing",
    "Offer",
    "Sale",
    "Shelf",
    "Tier",
    "offer_of",
]

_FRESH = 3  # seconds for which a shelf in memory counts as current
_PAGE = 350_000  # bytes of a snapshot page, below DynamoDB's 400 KB
_REPLACED = 3600  # seconds a replaced page stays for readers under way
_HELD = 64  # shelves kept in memory

_shelves: dict[str, tuple[int, str, Shelf]] = {}


def put_goods(owner: str, draft: GoodsDraft, *, goods_id: str = "") -> Goods:
    """Create goods, or revise those of the given id. Raises BadGoods, NotFound, Conflict."""
    check_goods(draft)
    if not goods_id:
        return _save(revised(Goods("", "", goods_id=f"g{ids.token(11).lower()}", owner=owner), draft))
    return _save(revised(goods(owner, goods_id), draft))


def goods(owner: str, goods_id: str) -> Goods:
    """Goods by id. Raises NotFound."""
    row = GoodsRow.of(owner).read(GOODS, goods_id)
    if row is None:
        raise errors.NotFound("No such goods.")
    return _goods(row, owner)


def all_goods(owner: str) -> list[Goods]:
    """All goods of an owner, by category and name."""
    found = [_goods(row, owner) for row in GoodsRow.of(owner).under(GOODS)]
    return sorted(found, key=lambda one: (one.category, one.name, one.goods_id))


def set_listing(site: str, listing: Listing) -> None:
    """Set a site's own terms for main goods. Raises NotFound, BelowFloor, BadGoods."""
    check_listing(listing, goods(tenant.MAIN, listing.goods_id))
    rows = ListingRow.of(site)
    # The whole content is given, the last owner to save wins.
    rows.change(LISTINGS, listing.goods_id, [rows.terms.set(asdict(listing))], None)


def listings(site: str) -> dict[str, Listing]:
    """A site's own terms by goods id."""
    rows = ListingRow.of(site).under(LISTINGS, consistent=True)
    return {row.sk: msgspec.convert(row.terms, Listing) for row in rows}


def announce() -> None:
    """Main goods changed: let every site publish its shelf anew."""
    queue.send("publish", site=tenant.MAIN, delay=1)


def publish_all() -> int:
    """Ask every live site to publish; the number asked."""
    return queue.send_all("publish", ({"site": one.site} for one in tenancy.each_site() if one.stands))


def publish(site: str, *, now: int) -> int:
    """Publish what the site offers now; the number of offers. Raises Conflict when another run was faster."""
    chosen = tenancy.site(site, fresh=True)
    offers = compose(
        all_goods(tenant.MAIN),
        all_goods(site) if "own_goods" in chosen.blocks else (),
        listings(site),
        follow=chosen.follow,
        wholesale="wholesale" in chosen.blocks,
    )
    before = HeadRow.of(site).read(SHELF, "head")
    snap = ids.token(16)
    pages = _write_pages(site, snap, offers)
    _turn(site, before, snap, pages, now)
    log.event("catalog.published", site=site, offers=len(offers))
    return len(offers)


def shelf(site: str) -> Shelf:
    """What the site offers, as published; empty before the first time."""
    now = clock.now()
    held = _shelves.get(site)
    if held and held[0] > now - _FRESH:
        return held[2]
    head = HeadRow.of(site).read(SHELF, "head", consistent=False)
    if head is None:
        return Shelf((), 0, now)
    if not held or held[1] != head.snap:
        held = (now, head.snap, _load(site, head))
    _keep(site, (now, held[1], held[2]))
    return held[2]


def forget() -> None:
    """Drop the shelves held in memory."""
    _shelves.clear()


def _save(one: Goods) -> Goods:
    rows = GoodsRow.of(one.owner)
    expected = rows.version == one.version - 1 if one.version > 1 else rows.pk.does_not_exist()
    actions = [rows.terms.set(asdict(one)), rows.on.set(one.on), rows.version.set(one.version)]
    try:
        rows.change(GOODS, one.goods_id, actions, expected)
    except table.Refused:
        raise errors.Conflict from None
    return one


def _goods(row: GoodsRow, owner: str) -> Goods:
    return msgspec.convert({**row.terms, "owner": owner, "version": int(row.version)}, Goods)


def _write_pages(site: str, snap: str, offers: list[Offer]) -> int:
    packed = zlib.compress(msgspec.json.encode(offers), 6)
    rows = PageRow.of(site)
    count = 0
    for count, start in enumerate(range(0, len(packed), _PAGE), 1):
        rows(f"SNAP#{snap}", f"{count - 1:04}", part=packed[start : start + _PAGE]).insert()
    return count


def _turn(site: str, before: HeadRow | None, snap: str, pages: int, now: int) -> None:
    """Let readers see the new snapshot, then let the old one expire."""
    rows = HeadRow.of(site)
    version = int(before.version) if before else 0
    expected = rows.version == version if before else rows.pk.does_not_exist()
    actions = [rows.snap.set(snap), rows.pages.set(pages), rows.version.set(version + 1), rows.at.set(now)]
    try:
        rows.change(SHELF, "head", actions, expected)
    except table.Refused:
        _expire(site, snap, pages, now)
        raise errors.Conflict from None
    if before:
        _expire(site, before.snap, int(before.pages), now)


def _expire(site: str, snap: str, pages: int, now: int) -> None:
    rows = PageRow.of(site)
    for page in range(pages):
        rows.change(f"SNAP#{snap}", f"{page:04}", [rows.ttl.set(now + _REPLACED)], None)


def _load(site: str, head: HeadRow) -> Shelf:
    packed = b"".join(_parts(site, head.snap))
    offers = msgspec.json.decode(zlib.decompress(packed), type=tuple[Offer, ...])
    return Shelf(offers, int(head.version), int(head.at))


def _parts(site: str, snap: str) -> Iterator[bytes]:
    for row in PageRow.of(site).under(f"SNAP#{snap}", consistent=True):
        yield row.part


def _keep(site: str, held: tuple[int, str, Shelf]) -> None:
    _shelves.pop(site, None)
    _shelves[site] = held
    if len(_shelves) > _HELD:
        _shelves.pop(next(iter(_shelves)))
