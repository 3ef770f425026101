"""What of the main site's goods this sub-site sells, and at which price of its own."""

from collections.abc import Iterable

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.kit import errors, money, tenant
from chalicelib.ledger import service as ledger
from chalicelib.pricing import service as pricing
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, shelves, values

face = faces.Face("console_listing", error_page=desk.error_page, enter=desk.enter_owner)

PLACE = "/console/listing"


class Follow(msgspec.Struct):
    """Whether the site sells all main goods, the new ones too."""

    follow: str = ""


@face.get(PLACE)
def index(visit: Visit, wrong: dict[str, str] | None = None) -> Response:
    """All main goods with the owner's price, each row editable; `wrong` says which rows were refused."""
    return _rows(visit, wrong or {})


@face.post("/console/listing/follow")
@desk.or_again(index)
def follow(visit: Visit) -> Response:
    """One click: sell everything the main site offers and stay in step, or stop following."""
    wanted = bool(visit.fields(Follow).follow)
    tenancy.set_follow(visit.shop.site, follow=wanted)
    count = shelves.bring(visit.shop.site, now=visit.now)
    return desk.done(PLACE, "follow_on" if wanted else "follow_off", n=count)


@face.post(PLACE)
@desk.or_again(index)
def save(visit: Visit) -> Response:
    """Save the rows that differ from what is stored; a refused row keeps what was typed and says why."""
    saved, wrong = _saved(visit, catalog.all_goods(tenant.MAIN))
    if saved:
        shelves.bring(visit.shop.site, now=visit.now)
    if not wrong:
        return desk.done(PLACE, "listing", n=saved)
    visit.account.refusal = values.BadValue(desk.words("error.rows", saved=saved, wrong=len(wrong)))
    answer = index(visit, wrong)
    answer.status_code = 422
    return answer


def _rows(visit: Visit, wrong: dict[str, str]) -> Response:
    site = tenancy.site(visit.shop.site, fresh=True)
    goods = [g for g in catalog.all_goods(tenant.MAIN) if g.on]
    kept = catalog.listings(site.site)
    return desk.page(
        visit,
        "listing.html",
        site=site,
        goods=goods,
        touched=sum(g.goods_id in kept for g in goods),
        rows={g.goods_id: _row(visit, g, kept.get(g.goods_id), wrong) for g in goods},
        wrong=wrong,
        categories=sorted({g.category for g in goods}),
    )


def _saved(visit: Visit, goods: Iterable[catalog.Goods]) -> tuple[int, dict[str, str]]:
    """How many rows were stored, and for each refused goods the reason."""
    site, saved = visit.shop, 0
    kept, wrong = catalog.listings(site.site), dict[str, str]()
    for g in goods:
        if f"price.{g.goods_id}" not in visit.form:
            continue
        try:
            typed = _typed(visit, g.goods_id)
            if typed != (kept.get(g.goods_id) or _unlisted(site, g)):
                _check_margin(site, g, typed)
                catalog.set_listing(site.site, typed)
                saved += 1
        except errors.ShopError as refusal:
            wrong[g.goods_id] = desk.say(refusal)
    return saved, wrong


def _check_margin(site: tenancy.Site, goods: catalog.Goods, typed: catalog.Listing) -> None:
    """Raises Loss for a price at which main or the site pays for each sale."""
    offer = catalog.offer_of(goods, typed, wholesale="wholesale" in site.blocks)
    if typed.on:
        pricing.check_offer(offer, ledger.plan_in_force(site.plan))


def _typed(visit: Visit, goods_id: str) -> catalog.Listing:
    def of(name: str) -> str:
        return visit.form.get(f"{name}.{goods_id}", "").strip()

    return catalog.Listing(
        goods_id=goods_id,
        price_fen=values.fen(of("price"), field="price") if of("price") else None,
        on=bool(of("on")),
        tiers=values.tiers(of("tiers")),
        sale=values.sale(of("sale"), of("sale_start"), of("sale_end")),
        category=of("category"),
    )


def _unlisted(site: tenancy.Site, goods: catalog.Goods) -> catalog.Listing:
    """How goods stand that the owner never touched: sold at the suggested price if the site follows."""
    return catalog.Listing(goods.goods_id, on=site.follow)


def _row(
    visit: Visit, goods: catalog.Goods, kept: catalog.Listing | None, wrong: dict[str, str]
) -> dict[str, str | bool]:
    """What the fields of a row show: what is stored, or what was typed where the row was refused."""
    listing, key = kept or _unlisted(visit.shop, goods), goods.goods_id
    sale = listing.sale
    stored = {
        "price": "" if listing.price_fen is None else money.yuan(listing.price_fen),
        "tiers": values.tiers_text(listing.tiers),
        "sale": money.yuan(sale.fen) if sale else "",
        "sale_start": values.minute_text(sale.start if sale else None),
        "sale_end": values.minute_text(sale.end if sale else None),
        "category": listing.category,
        "on": "1" if listing.on else "",
    }
    return {
        name: visit.form.get(f"{name}.{key}", "") if key in wrong else text for name, text in stored.items()
    }
