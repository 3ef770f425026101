"""Goods: the main site's for its staff, a sub-site's own for its owner. The seat's scope is their owner."""

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.kit import errors
from chalicelib.ledger import service as ledger
from chalicelib.pricing import service as pricing
from chalicelib.stock import service as stock

from .. import face as faces
from ..visit import Visit
from . import desk, shelves, values

NEW = "new"


def enter(visit: Visit) -> None:
    """Let staff in, and owners whose site sells goods of its own. Raises NotFound for other owners."""
    desk.enter(visit)
    if visit.site and "own_goods" not in visit.site.blocks:
        raise errors.NotFound


face = faces.Face("console_goods", error_page=desk.error_page, enter=enter)


class GoodsForm(msgspec.Struct):
    """The goods form as typed; amounts in yuan, times on Beijing's clock."""

    name: str = ""
    category: str = ""
    kind: str = "card"
    way: str = "pool"
    face_value: str = ""
    notes: str = ""
    wholesale: str = ""
    suggest: str = ""
    floor: str = ""
    most: int = 100
    tiers: str = ""
    sale: str = ""
    sale_start: str = ""
    sale_end: str = ""
    on: str = ""


@face.get("/console/goods")
def index(visit: Visit) -> Response:
    """All goods of the owner with what is left of them; `q` and `category` narrow the list."""
    return _list(visit, q=visit.query.get("q", ""), category=visit.query.get("category", ""))


@face.get("/console/goods/{goods_id}")
def form(visit: Visit, goods_id: str) -> Response:
    """The form of one goods; under "new" an empty one."""
    goods = None if goods_id == NEW else catalog.goods(visit.account.scope, goods_id)
    return desk.page(
        visit,
        "goods_form.html",
        goods=goods,
        goods_id=goods_id,
        categories=_categories(catalog.all_goods(visit.account.scope)),
        tiers=values.tiers_text(goods.tiers) if goods else "",
        minute=values.minute_text,
    )


@face.post("/console/goods/{goods_id}")
@desk.or_again(form)
def save(visit: Visit, goods_id: str) -> Response:
    """Create or change one goods, then bring it to the shelves."""
    draft = _draft(visit.fields(GoodsForm), own=not visit.account.is_main)
    _check_margin(visit, draft)
    known = "" if goods_id == NEW else goods_id
    goods = catalog.put_goods(visit.account.scope, draft, goods_id=known)
    shelves.bring(visit.account.scope, now=visit.now)
    if not known and goods.way == "pool":
        return desk.done(f"/console/stock/{goods.goods_id}", "goods_new")
    return desk.done("/console/goods", "goods_saved")


def levels(owner: str, goods: list[catalog.Goods]) -> dict[str, int]:
    """How many codes of each goods are free; goods worked on by hand are not counted."""
    counted = {(owner, g.goods_id): g.goods_id for g in goods if g.way == "pool"}
    return {counted[key]: free for key, free in stock.levels(counted).items()}


def _list(visit: Visit, *, q: str, category: str) -> Response:
    scope = visit.account.scope
    found = catalog.all_goods(scope)
    shown = _narrowed(found, q, category)
    return desk.page(
        visit,
        "goods.html",
        goods=shown,
        total=len(found),
        categories=_categories(found),
        levels=levels(scope, shown),
        q=q,
        category=category,
    )


def _categories(goods: list[catalog.Goods]) -> list[str]:
    return sorted({g.category for g in goods})


def _narrowed(goods: list[catalog.Goods], q: str, category: str) -> list[catalog.Goods]:
    wanted = q.casefold().strip()
    return [
        g
        for g in goods
        if (not category or g.category == category)
        and (wanted in g.name.casefold() or wanted in g.goods_id.casefold())
    ]


def _check_margin(visit: Visit, draft: catalog.GoodsDraft) -> None:
    """Refuse a suggested price at which somebody pays for each sale: under main's plans, or the owner's own.

    Raises Loss.
    """
    scope = visit.account.scope
    goods = catalog.Goods(**vars(draft), owner=scope)
    offer = catalog.offer_of(goods, None, wholesale=True)
    for plan in [ledger.plan_in_force(visit.site.plan)] if visit.site else ledger.plans_in_force():
        try:
            pricing.check_offer(offer, plan)
        except ledger.Loss as loss:
            field = {"price_fen": "suggest"}.get(str(loss.detail["field"]), loss.detail["field"])
            raise type(loss)(field=field) from None


def _draft(typed: GoodsForm, *, own: bool) -> catalog.GoodsDraft:
    """Own goods have no wholesale price and no floor: the owner is the seller."""
    return catalog.GoodsDraft(
        name=typed.name,
        category=typed.category,
        kind=typed.kind,
        way=typed.way,
        face_value=typed.face_value,
        notes=typed.notes,
        wholesale_fen=0 if own else values.fen(typed.wholesale, field="wholesale"),
        suggest_fen=values.fen(typed.suggest, field="suggest"),
        floor_fen=0 if own else values.fen(typed.floor or typed.wholesale, field="floor"),
        most=typed.most,
        tiers=values.tiers(typed.tiers),
        sale=values.sale(typed.sale, typed.sale_start, typed.sale_end),
        on=bool(typed.on),
    )
