"""A member's balance: what stands and how it came, topping up, the pay password, paying without it."""

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.checkout import service as checkout
from chalicelib.kit import config, errors, vault
from chalicelib.membership import service as membership
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.wallet import service as wallet
from chalicelib.web.face import Face, cookie, go, open_purse, open_shop
from chalicelib.web.visit import Visit

from . import look, rights

_YEAR = 365 * 86_400
_DONE = ("password", "free", "stopped", "back", "asked", "named")
_USUAL = 100  # yuan, the top-up that is chosen unless another is

face = Face("wallet", error_page=look.error_page, enter=open_purse)


class TopUp(msgspec.Struct):
    """The top-up form; `other` yuan count where `amount` is 0."""

    key: str
    amount: int
    channel: str
    other: int = 0


class NewPassword(msgspec.Struct):
    """The pay password, and the login's, which proves the person."""

    login_password: str
    pay_password: str


class NewName(msgspec.Struct):
    """The member's own name."""

    name: str


class Agreement(msgspec.Struct):
    """What may be paid without the password, in fen; 0 takes it back."""

    cap: int
    pay_password: str = ""


@face.get("/wallet")
def balance(visit: Visit) -> Response:
    """What stands, how it came to that, and what can be done."""
    member = rights.member_of(visit)
    return _page(visit, member) if member else go("/login?next=/wallet")


@face.post("/wallet/topup")
def top_up(visit: Visit) -> Response:
    """Place the order that fills the balance, and go on to pay it."""
    open_shop(visit)
    member = _posting(visit)
    try:
        placed = _place(visit, member, visit.fields(TopUp))
    except errors.ShopError as refusal:
        return _page(visit, member, refusal, part="topup")
    return go(f"/pay/{placed.order.number}", rights.remember(visit, placed.order.number))


@face.post("/wallet/back")
def take_back(visit: Visit) -> Response:
    """Have an unspent top-up back, without a reason; what is left of an older one is asked for."""
    member = _posting(visit)
    try:
        order = orders.order(visit.shop.site, visit.form.get("order", ""))
        if order.member != member.member:
            raise errors.NotFound
        done = _give_back(order, visit.now)
    except errors.ShopError as refusal:
        return _page(visit, member, refusal, part="back")
    return go(f"/wallet?done={done}")


@face.post("/wallet/password")
def password(visit: Visit) -> Response:
    """Set the pay password."""
    site, member = visit.shop.site, _posting(visit)
    try:
        given = visit.fields(NewPassword)
        membership.prove(site, member, given.login_password, address=visit.address)
        wallet.set_password(site, member.member, given.pay_password)
    except errors.ShopError as refusal:
        return _page(visit, member, refusal, part="password")
    return go("/wallet?done=password")


@face.post("/wallet/name")
def name(visit: Visit) -> Response:
    """Tell one's name, which main's staff then verify or refuse."""
    site, member = visit.shop.site, _posting(visit)
    try:
        told = visit.fields(NewName).name
        wallet.tell_name(site, member.member, told, by=member.login, now=visit.now)
    except errors.ShopError as refusal:
        return _page(visit, member, refusal, part="name")
    return go("/wallet?done=named")


@face.post("/wallet/free")
def free(visit: Visit) -> Response:
    """Agree to pay small sums without the password on this device, or take that back."""
    member = _posting(visit)
    try:
        return _agree(visit, member, visit.fields(Agreement))
    except errors.ShopError as refusal:
        return _page(visit, member, refusal, part="free")


def _posting(visit: Visit) -> membership.Member:
    """Who posted this page's form. Raises Forbidden for a form of another page or session."""
    site, token = visit.shop.site, visit.cookies.get("member", "")
    membership.check_form(site, token, visit.form.get("form_token", ""))
    member = rights.member_of(visit)
    if member is None:
        raise membership.Forbidden
    return member


def _place(visit: Visit, member: membership.Member, form: TopUp) -> checkout.Placed:
    """A top-up is looked up by its member alone: its query password is nobody's to know."""
    site = visit.shop.site
    key, key_time = checkout.read_key(site, form.key, now=visit.now)
    ask = checkout.Ask(
        goods_id=catalog.TOP_UP.goods_id,
        quantity=form.amount or form.other,
        contact=member.login,
        query_password=vault.mac(site, "topup", key).hex()[:32],
        channel=form.channel,
        key=key,
        key_time=key_time,
    )
    return checkout.place(
        site, ask, member=member.member, address=visit.address, device=visit.device, now=visit.now
    )


def _give_back(order: orders.Order, now: int) -> str:
    """Whether it goes back ("back"), or was asked for ("asked")."""
    from chalicelib.settlement import service as settlement

    if settlement.may_take_back(order, now=now):
        settlement.take_back(order, now=now)
        return "back"
    settlement.ask_back(order, now=now)
    return "asked"


def _agree(visit: Visit, member: membership.Member, form: Agreement) -> Response:
    site, address = visit.shop.site, visit.address
    if not form.cap:
        wallet.revoke(site, member.member, address=address, now=visit.now)
        return go("/wallet?done=stopped", cookie(rights.DEVICE, "", seconds=0))
    secret = form.pay_password
    kept = wallet.agree(site, member.member, form.cap, secret=secret, address=address, now=visit.now)
    return go("/wallet?done=free", cookie(rights.DEVICE, kept, seconds=_YEAR))


def _page(
    visit: Visit, member: membership.Member, refusal: errors.ShopError | None = None, *, part: str = ""
) -> Response:
    site, done = visit.shop.site, visit.query.get("done", "")
    entries = wallet.history(site, member.member, before=_before(visit))
    terms = wallet.terms(site, member.member)
    last = wallet.newest(site, member.member)
    stands = {one.about: one.what for one in reversed(entries)}  # of each order, what was entered last
    return look.page(
        visit,
        "wallet.html",
        status=refusal.status if refusal else 200,
        last=last,
        may_go_back=[
            one.seq
            for one in entries
            if wallet.may_take_back(one, last, visit.now) and stands[one.about] != "takeback"
        ],
        may_ask=[
            one.seq
            for one in entries
            if one.what == "topup" and last.available and stands[one.about] != "takeback"
        ],
        entries=[one for one in entries if one.change],
        older=entries[-1].seq if entries and entries[-1].seq > 1 else 0,
        terms=terms,
        name=next(iter(wallet.names_of(site, member.member)), None),
        here=bool(terms.cap_fen) and rights.payer_of(visit, member) == terms.device,
        consents=wallet.consents(site, member.member),
        done=done if done in _DONE else "",
        **_choices(visit, terms),
        form_token=membership.form_token(site, visit.cookies.get("member", "")),
        reason=look.reason(visit, refusal) if refusal else "",
        part=part,
    )


def _choices(visit: Visit, terms: wallet.Terms) -> dict[str, object]:
    """What the forms of the page offer."""
    settings = config.load()
    return {
        "most": settings.wallet_named if terms.named else settings.wallet_unnamed,
        "named_most": settings.wallet_named,
        "unnamed_most": settings.wallet_unnamed,
        "steps": wallet.STEPS,
        "amount": _USUAL,
        "channels": [name for name in tenancy.CHANNELS if name in visit.shop.channels],
        "key": checkout.new_key(visit.shop.site, now=visit.now),
        "caps": wallet.CAPS,
        "cap_offered": wallet.CAP,
        "daily": wallet.DAILY,
    }


def _before(visit: Visit) -> int:
    asked = visit.query.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 9 else 0
