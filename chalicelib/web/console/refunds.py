"""After-sales refunds: a site's list, what one would cost whom, and everything a person does about one."""

import msgspec
from chalice.app import Response

from chalicelib.kit import errors, tenant
from chalicelib.orders import service as orders
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from .. import face as faces
from ..visit import Visit
from . import desk, values
from . import orders as order_pages

face = faces.Face("console_refunds", error_page=desk.error_page, enter=desk.enter)

PLACE = "/console/refunds"
TABS = {
    "waiting": ("要人处理", ("requested", "review", "abnormal")),
    "moving": ("退款途中", ("submitted", "processing")),
    "over": ("已有结果", ("success", "rejected", "closed")),
}


class RefundForm(msgspec.Struct):
    """What is to go back, as typed: pieces, or else an amount in yuan; `seen` refunds were on the page."""

    amount: str = ""
    pieces: str = ""
    reason: str = ""
    seen: str = ""


class WordForm(msgspec.Struct):
    """Why a request is refused, or how it can be proved that a person paid."""

    word: str = ""


class LimitForm(msgspec.Struct):
    """Up to which sum one person decides, in yuan."""

    limit: str = ""


@face.get(PLACE)
def index(visit: Visit) -> Response:
    """A site's refunds of the last ninety days, those that need a person first."""
    return _list(visit)


@face.post(f"{PLACE}/limit")
@desk.or_again(index)
def limit(visit: Visit) -> Response:
    """Change up to which sum one person decides."""
    _only_main(visit)
    settlement.set_limit(values.fen(visit.fields(LimitForm).limit, field="limit"))
    return desk.done(PLACE, "refund_limit")


def _order_again(visit: Visit, number: str, **_seq: str) -> Response:
    return order_pages.one(visit, number)


@face.post("/console/orders/{number}/refunds/preview")
@desk.or_again(_order_again)
def preview(visit: Visit, number: str) -> Response:
    """What a refund would cost whom, before anything happens."""
    order, wish = order_pages.find(visit, number), _wish(visit)
    with tenant.acting_for(order.site):
        return _preview(visit, order, wish)


@face.post("/console/orders/{number}/refunds")
@desk.or_again(_order_again)
def give(visit: Visit, number: str) -> Response:
    """Give money back, or have main review it."""
    order, wish, seen = order_pages.find(visit, number), _wish(visit), visit.fields(RefundForm).seen
    known = int(seen) if seen.isdecimal() and len(seen) < 4 else -1
    with tenant.acting_for(order.site):
        return _done(settlement.give(order, wish, by=_by(visit), seen=known, now=visit.now))


@face.post("/console/orders/{number}/refunds/{seq}/agree")
@desk.or_again(_order_again)
def agree(visit: Visit, number: str, seq: str) -> Response:
    """Agree to what was asked for."""
    order = order_pages.find(visit, number)
    with tenant.acting_for(order.site):
        return _done(settlement.agree(order, _seq(seq), by=_by(visit), now=visit.now))


@face.post("/console/orders/{number}/refunds/{seq}/reject")
@desk.or_again(_order_again)
def reject(visit: Visit, number: str, seq: str) -> Response:
    """Refuse what was asked for, with a reason."""
    order, why = order_pages.find(visit, number), _word(visit, "写一句拒绝的原因，顾客会看到。")
    with tenant.acting_for(order.site):
        settlement.reject(order, _seq(seq), why, by=_by(visit), now=visit.now)
    return desk.done(f"/console/orders/{order.number}", "refund_rejected")


@face.post("/console/orders/{number}/refunds/{seq}/again")
@desk.or_again(_order_again)
def again(visit: Visit, number: str, seq: str) -> Response:
    """Ask the channel once more for what it could not do."""
    _only_main(visit)
    order = order_pages.find(visit, number)
    with tenant.acting_for(order.site):
        return _done(settlement.ask_again(order, _seq(seq), by=_by(visit), now=visit.now))


@face.post("/console/orders/{number}/refunds/{seq}/paid")
@desk.or_again(_order_again)
def paid(visit: Visit, number: str, seq: str) -> Response:
    """Record that a person paid what the channel could not."""
    _only_main(visit)
    order, proof = order_pages.find(visit, number), _word(visit, "写明凭证，例如银行回单号。")
    with tenant.acting_for(order.site):
        settlement.paid_by_hand(order, _seq(seq), proof, by=_by(visit), now=visit.now)
    return desk.done(f"/console/orders/{order.number}", "refund_by_hand")


def _list(visit: Visit) -> Response:
    tab = visit.query.get("tab", "")
    tab = tab if tab in TABS else "waiting"
    shop = visit.site or _chosen(visit)
    found = _found(shop.site) if shop else []
    return desk.page(
        visit,
        "refunds.html",
        refunds=[(order, one) for order, one in found if one.state in TABS[tab][1]],
        counts={name: sum(one.state in states for _, one in found) for name, (_, states) in TABS.items()},
        tabs={name: title for name, (title, _) in TABS.items()},
        tab=tab,
        sites=[] if visit.site else tenancy.sites(),
        chosen=shop.site if shop else "",
        limit_fen=settlement.limit(),
    )


def _preview(visit: Visit, order: orders.Order, wish: settlement.Wish) -> Response:
    refund = settlement.draft(order, wish, by=_by(visit), now=visit.now)
    limit_fen = settlement.limit_of(order)
    return desk.page(
        visit,
        "refund.html",
        order=order,
        refund=refund,
        shared=settlement.shared(order, refund),
        state=settlement.verdict(order.refunded_fen + refund.fen, (_by(visit),), limit_fen),
        limit_fen=limit_fen,
        asked=visit.fields(RefundForm),
    )


def _found(site: str) -> list[tuple[orders.Order, settlement.AfterSale]]:
    with tenant.acting_for(site):
        refunds = settlement.refunds_at(site)
        known = orders.orders(site, {one.number for one in refunds})
    return [(known[one.number], one) for one in refunds if one.number in known]


def _chosen(visit: Visit) -> tenancy.Site | None:
    code = visit.query.get("site", "") or next((site.site for site in tenancy.sites()), "")
    return tenancy.site(code) if code else None


def _wish(visit: Visit) -> settlement.Wish:
    form = visit.fields(RefundForm)
    reason = form.reason.strip()
    if not reason:
        raise values.BadValue("写一句退款原因，顾客会看到。", field="reason")
    if not form.pieces:
        return settlement.Wish(reason, fen=values.fen(form.amount, field="amount"))
    if not form.pieces.isdecimal() or len(form.pieces) > 6:
        raise values.BadValue("件数写成整数。", field="pieces")
    return settlement.Wish(reason, pieces=int(form.pieces))


def _word(visit: Visit, otherwise: str) -> str:
    word = visit.fields(WordForm).word.strip()
    if not word:
        raise values.BadValue(otherwise, field="word")
    return word


def _seq(text: str) -> int:
    if not text.isdecimal() or len(text) > 2:
        raise errors.NotFound
    return int(text)


def _by(visit: Visit) -> str:
    return f"{visit.account.scope}:{visit.account.staff.login}"


def _only_main(visit: Visit) -> None:
    if not visit.account.is_main:
        raise errors.NotFound


def _done(refund: settlement.AfterSale) -> Response:
    said = "refund_review" if refund.state == "review" else "refund_given"
    return desk.done(f"/console/orders/{refund.number}", said)
