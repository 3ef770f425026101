"""What goods and offers are, and how main goods become a site's offers. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from chalicelib.kit.errors import NotFound, ShopError

KINDS = ("card", "topup", "membership", "licence", "service", "course")
WAYS = ("pool", "manual")
DIGITAL = ("card", "topup", "membership", "licence", "course")  # kinds of digital content; a service is none
WAIVER = (
    1  # version of the words, `waiver` in storefront/words, that a shopper confirms; other words, next number
)
HIGHEST_PRICE = 10_000_000  # fen
MOST = 10_000  # codes in one order


class BadGoods(ShopError):
    """A field of goods or of a listing that cannot be accepted; `field` names it."""

    status = 422
    code = "bad_goods"
    sentence = "The goods have a value that cannot be accepted."


class BelowFloor(BadGoods):
    """A price under the main site's floor."""

    code = "below_floor"
    sentence = "The price is below the floor that the main site set."


@dataclass(frozen=True)
class Tier:
    """From `at` pieces on, one costs `fen`."""

    at: int
    fen: int


@dataclass(frozen=True)
class Sale:
    """A timed price: from `start` (included) to `end` (excluded), UTC seconds."""

    fen: int
    start: int
    end: int


@dataclass(frozen=True)
class GoodsDraft:
    """What an owner says of goods. Prices per piece in fen; `most` pieces at most in one order."""

    name: str
    category: str
    kind: str = "card"
    way: str = "pool"
    face_value: str = ""
    notes: str = ""
    wholesale_fen: int = 0
    suggest_fen: int = 0
    floor_fen: int = 0
    most: int = 100
    tiers: tuple[Tier, ...] = ()
    sale: Sale | None = None
    on: bool = True


@dataclass(frozen=True)
class Goods(GoodsDraft):
    """Goods as stored; `owner` is "main" or a site's code."""

    goods_id: str = ""
    owner: str = ""
    version: int = 0


@dataclass(frozen=True)
class Listing:
    """A site's own terms for main goods; None and empty mean what the main site suggests."""

    goods_id: str
    price_fen: int | None = None
    on: bool = True
    tiers: tuple[Tier, ...] = ()
    sale: Sale | None = None
    category: str = ""


@dataclass(frozen=True)
class Offer:
    """What a shopper can buy. `owner`, `floor_fen` and `wholesale_fen` never leave the server."""

    goods_id: str
    owner: str
    name: str
    category: str
    kind: str
    way: str
    face_value: str
    notes: str
    price_fen: int
    floor_fen: int
    wholesale_fen: int
    most: int
    tiers: tuple[Tier, ...]
    sale: Sale | None
    version: int

    @property
    def sku(self) -> str:
        """The pool the codes come from."""
        return self.goods_id

    @property
    def waiver(self) -> int:
        """The version of the words to confirm before buying, that seven days to return it do not apply.

        0 where the right stays: digital content has none, a service and a balance's top-up have it. Source: Consumer
        Protection Law, article 25; Measures on Seven-Day Returns, articles 6 and 7; 法释〔2025〕4号.
        """
        return WAIVER if self.kind in DIGITAL and self.way != "wallet" else 0


# What a member's balance is filled with: by the yuan, at the main site's own merchant, on no shelf.
TOP_UP = Offer(
    goods_id="topup",
    owner="main",
    name="余额充值",
    category="",
    kind="topup",
    way="wallet",
    face_value="",
    notes="",
    price_fen=100,
    floor_fen=100,
    wholesale_fen=100,
    most=5000,
    tiers=(),
    sale=None,
    version=1,
)


@dataclass(frozen=True)
class Shelf:
    """Everything a site offers, as published."""

    offers: tuple[Offer, ...]
    version: int
    at: int

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order in which they first appear."""
        return tuple(dict.fromkeys(offer.category for offer in self.offers))

    def find(self, goods_id: str) -> Offer:
        """The offer of these goods. Raises NotFound."""
        try:
            return self._by_id[goods_id]
        except KeyError:
            raise NotFound("These goods are not on sale here.") from None

    @cached_property
    def _by_id(self) -> dict[str, Offer]:
        return {offer.goods_id: offer for offer in self.offers}

    def search(self, q: str = "", category: str = "") -> list[Offer]:
        """Offers of a category whose name holds every word of the query."""
        words = q.casefold().split()
        return [
            offer
            for offer in self.offers
            if (not category or offer.category == category)
            and all(word in f"{offer.name} {offer.face_value}".casefold() for word in words)
        ]


def check_goods(draft: GoodsDraft) -> GoodsDraft:
    """The draft itself. Raises BadGoods."""
    _check_text("name", draft.name, 1, 80)
    _check_text("category", draft.category, 1, 30)
    _check_text("face_value", draft.face_value, 0, 40)
    _check_text("notes", draft.notes, 0, 600, lines=True)
    if draft.kind not in KINDS or draft.way not in WAYS:
        raise BadGoods("There is no such kind of goods.", field="kind")
    if not 1 <= draft.most <= MOST:
        raise BadGoods(f"An order holds 1 to {MOST} pieces.", field="most")
    if not 0 <= draft.wholesale_fen <= draft.floor_fen <= draft.suggest_fen <= HIGHEST_PRICE:
        raise BadGoods("Prices rise from wholesale over floor to suggested.", field="suggest_fen")
    if draft.suggest_fen < 1:
        raise BadGoods("A price is at least 0.01.", field="suggest_fen")
    check_terms(draft.floor_fen, draft.tiers, draft.sale)
    return draft


def check_listing(listing: Listing, goods: Goods) -> Listing:
    """The listing itself. Raises BelowFloor, BadGoods."""
    if listing.price_fen is not None and listing.price_fen > HIGHEST_PRICE:
        raise BadGoods("The price is too high.", field="price_fen")
    if listing.price_fen is not None and listing.price_fen < max(1, goods.floor_fen):
        raise BelowFloor(field="price_fen")
    check_terms(goods.floor_fen, listing.tiers, listing.sale)
    return listing


def check_terms(floor: int, tiers: Iterable[Tier], sale: Sale | None) -> None:
    """Raise unless tiers get cheaper with quantity and nothing is sold under the floor."""
    last = Tier(1, HIGHEST_PRICE + 1)
    for tier in tiers:
        if tier.at <= last.at or tier.fen >= last.fen:
            raise BadGoods("Wholesale prices fall as the quantity grows.", field="tiers")
        last = tier
    if last.fen < max(1, floor):
        raise BelowFloor(field="tiers")
    if sale and sale.end <= sale.start:
        raise BadGoods("A timed price ends after it began.", field="sale")
    if sale and sale.fen < max(1, floor):
        raise BelowFloor(field="sale")


def offer_of(goods: Goods, listing: Listing | None, *, wholesale: bool) -> Offer:
    """What a site asks for goods: its own terms where it set them, never under the floor."""
    own = listing or Listing(goods.goods_id)
    price = goods.suggest_fen if own.price_fen is None else own.price_fen
    return Offer(
        goods_id=goods.goods_id,
        owner=goods.owner,
        name=goods.name,
        category=own.category or goods.category,
        kind=goods.kind,
        way=goods.way,
        face_value=goods.face_value,
        notes=goods.notes,
        price_fen=max(price, goods.floor_fen, 1),
        floor_fen=goods.floor_fen,
        wholesale_fen=goods.wholesale_fen,
        most=goods.most,
        tiers=(own.tiers or goods.tiers) if wholesale else (),
        sale=own.sale or goods.sale,
        version=goods.version,
    )


def compose(
    main: Iterable[Goods],
    own: Iterable[Goods],
    listings: Mapping[str, Listing],
    *,
    follow: bool,
    wholesale: bool,
) -> list[Offer]:
    """All offers of a site: main goods it follows or listed, then its own goods, by category and name."""
    chosen = [
        goods
        for goods in main
        if goods.on and (listings[goods.goods_id].on if goods.goods_id in listings else follow)
    ]
    offers = [
        offer_of(goods, listings.get(goods.goods_id), wholesale=wholesale)
        for goods in (*chosen, *(goods for goods in own if goods.on))
    ]
    return sorted(offers, key=lambda offer: (offer.category, offer.name, offer.goods_id))


def revised(goods: Goods, draft: GoodsDraft) -> Goods:
    """The goods with new terms and the next version."""
    terms = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return replace(goods, **{**terms, "version": goods.version + 1})


def _check_text(field: str, text: str, least: int, most: int, *, lines: bool = False) -> None:
    hidden = re.search(r"[\x00-\x08\x0b-\x1f\x7f]" if lines else r"[\x00-\x1f\x7f]", text)
    if hidden or not least <= len(text.strip()) <= most:
        raise BadGoods(f"This text has {least} to {most} characters.", field=field)
