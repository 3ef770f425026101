"""The desk everyone in the console sits at: who may enter, the frame of a page, how a refusal looks.

Main's host is for staff (scope "main"), a sub-site's host for its owner (scope = the site's code). A session
lives in the cookie `staff`; every POST proves with `form_token` that the form was made for this session. Distributors
sit at main's host too, below /partner, with sessions (scope "partner") and a cookie of their own.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from chalice.app import Response

from chalicelib.kit import errors, tenant
from chalicelib.tenancy import service as tenancy

from .. import face, pages, theme
from ..visit import Visit
from . import menu

COOKIE = "staff"
HOME = "/console"
PARTNER = "/partner"  # where distributors are at home
PARTNER_COOKIE = "partner"
LARGEST_FORM = 5_500_000  # bytes: 4 MB of codes, percent-encoded, within what a function receives
MOST_FIELDS = 20_000
SHOWN_AGAIN = (400, 409, 413, 422, 503)  # refusals that leave a form on the page, with what was typed


def paint(color: str) -> str:
    """A brand's colour as the inline style of a small surface that carries legible text."""
    found = theme.palette(color)
    return f"background:{found['brand']};color:{found['on-brand']}"


_PAGES = pages.Pages(Path(__file__).parent, paint=paint)


class SignInFirst(errors.ShopError):
    """Nobody is signed in at this host."""

    status = 401
    code = "sign_in_first"
    sentence = "Sign in first."


@dataclass
class Seat:
    """The person at the desk. `refusal` is set while a refused form is shown again."""

    staff: tenancy.Staff
    token: str
    refusal: errors.ShopError | None = None
    agent: tenancy.Agent | None = None  # the distributor who sits here

    @property
    def home(self) -> str:
        """Below which all pages of this desk are."""
        return PARTNER if self.agent else HOME

    @property
    def party(self) -> str:
        """Whose money is looked at, asked for and stated here: a site's code, or a distributor's party."""
        return self.agent.party if self.agent else self.scope

    @property
    def scope(self) -> str:
        """Whose console this is, main or a site's code: also the owner of the goods and pools worked on."""
        return self.staff.scope

    @property
    def is_main(self) -> bool:
        """Whether this is the main site's console."""
        return self.scope == tenant.MAIN

    @property
    def form_token(self) -> str:
        """What every form carries."""
        return tenancy.form_token(self.scope, self.token)


def scope_of(visit: Visit) -> str:
    """Whose console answers at this host."""
    return visit.site.site if visit.site else tenant.MAIN


def enter(visit: Visit) -> None:
    """Let a signed-in person in. Raises SignInFirst, Forbidden for a form of another session."""
    scope, token = scope_of(visit), visit.cookies.get(COOKIE, "")
    staff = tenancy.staff_of(scope, token, now=visit.now)
    if staff is None:
        raise SignInFirst
    _sit_down(visit, Seat(staff, token))


def enter_staff(visit: Visit) -> None:
    """Let main's staff in. Raises NotFound on a sub-site's host."""
    only_main(visit)
    enter(visit)


def enter_owner(visit: Visit) -> None:
    """Let the owner of a sub-site in. Raises NotFound on main's host."""
    if visit.site is None:
        raise errors.NotFound
    enter(visit)


def enter_partner(visit: Visit) -> None:
    """Let a distributor in. Raises NotFound on a sub-site's host."""
    only_main(visit)
    token = visit.cookies.get(PARTNER_COOKIE, "")
    found = tenancy.partner_of(token, now=visit.now)
    if found is None:
        raise SignInFirst
    person, agent = found
    _sit_down(visit, Seat(person, token, agent=agent))


def only_main(visit: Visit) -> None:
    """Raise NotFound on a sub-site's host."""
    if visit.site is not None:
        raise errors.NotFound


def door_of(visit: Visit) -> tuple[str, str, str]:
    """The scope, the cookie and its path of the desk that an address belongs to."""
    if home_of(visit) == PARTNER:
        return tenancy.PARTNERS, PARTNER_COOKIE, PARTNER
    return scope_of(visit), COOKIE, "/"


def read_form(visit: Visit) -> Mapping[str, str]:
    """The fields of a form, which may carry a file of codes or hundreds of rows. Raises TooLarge, Invalid."""
    try:
        pairs = parse_qsl(visit.text(LARGEST_FORM), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise errors.Invalid("The form has too many fields.") from None
    return dict(pairs)


def page(visit: Visit, template: str, *, status: int = 200, **values: object) -> Response:
    """A page of the console, inside its frame."""
    seat: Seat = visit.account
    return _PAGES.page(
        visit,
        template,
        status=status,
        cookies=(),
        seat=seat,
        sections=menu.PARTNER if seat.agent else menu.of(visit.site),
        here=visit.request.path,
        flash=_flash(visit),
        refused=say(seat.refusal) if seat.refusal else "",
        wrong_field=_wrong_field(seat),
        ending=_ending(visit),
        **values,
    )


def bare_page(visit: Visit, template: str, *, status: int = 200, **values: object) -> Response:
    """A page for somebody who is not signed in."""
    return _PAGES.page(visit, template, status=status, cookies=(), **values)


def done(place: str, what: str, **numbers: int) -> Response:
    """Go on after a change; the next page says what was done."""
    mark = "&" if "?" in place else "?"
    return face.go(f"{place}{mark}{urlencode({'done': what, **numbers})}")


def or_again(form: Callable[..., Response]) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """A decorator for POST views: when the change is refused, show `form` again with what was typed."""

    def wrap(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def guarded(visit: Visit, **parts: str) -> Response:
            try:
                return view(visit, **parts)
            except errors.ShopError as refusal:
                if refusal.status not in SHOWN_AGAIN:
                    raise
                return _shown_again(form, visit, parts, refusal)

        return guarded

    return wrap


def error_page(visit: Visit, refusal: errors.ShopError) -> Response:
    """A refusal as a page; whoever is not signed in is sent to do so and comes back."""
    home = home_of(visit)
    if isinstance(refusal, SignInFirst):
        return face.go(f"{home}/login?next={quote(_address(visit, home), safe='')}")
    trace = refusal.detail.get("trace", "")
    shown = {"home": home, "sentence": say(refusal), "code": refusal.code, "trace": trace}
    return bare_page(visit, "error.html", status=refusal.status, **shown)


def home_of(visit: Visit) -> str:
    """Whose desk an address belongs to."""
    path = str(visit.request.path)
    return PARTNER if path == PARTNER or path.startswith(f"{PARTNER}/") else HOME


def say(refusal: errors.ShopError) -> str:
    """A refusal in the console's language: by code and field, else by code, else in its own words."""
    for key in (f"error.{refusal.code}.{refusal.detail.get('field', '')}", f"error.{refusal.code}"):
        if _PAGES.knows(key):
            return words(key, **refusal.detail)
    return str(refusal)


def words(key: str, **values: object) -> str:
    """A sentence of the console."""
    return _PAGES.text("zh-CN", key, **values)


def _sit_down(visit: Visit, seat: Seat) -> None:
    """Take a seat; whoever posts shows that the form is of this session. Raises Forbidden."""
    visit.account = seat
    if visit.request.method == "POST":
        visit.form = read_form(visit)
        tenancy.check_form(seat.scope, seat.token, visit.form.get("form_token", ""))


def _ending(visit: Visit) -> dict[str, object]:
    """What of the visited site ends soon: its licence or its term, when, and within how many days; else nothing."""
    kind, until = visit.site.end if visit.site else ("", 0)
    days = tenancy.warning(until, now=visit.now)
    return {"kind": kind, "until": until, "days": days} if days > 0 else {}


def _wrong_field(seat: Seat) -> str:
    """The form's name of the refused field: people type yuan and percent, domains speak of fen and bps."""
    field = str(seat.refusal.detail.get("field", "")) if seat.refusal else ""
    return field.removesuffix("_fen").removesuffix("_bps")


def _shown_again(
    form: Callable[..., Response], visit: Visit, parts: Mapping[str, str], refusal: errors.ShopError
) -> Response:
    visit.account.refusal = refusal
    answer = form(visit, **parts)
    answer.status_code = refusal.status
    return answer


def _flash(visit: Visit) -> str:
    key = f"done.{visit.query.get('done', '')}"
    counts = {name: text for name, text in visit.query.items() if text.isdecimal() and len(text) < 12}
    return words(key, **{"n": "", "rows": "", **counts}) if _PAGES.knows(key) else ""


def _address(visit: Visit, home: str) -> str:
    """Where the visitor wanted to go; after a POST that is the desk itself."""
    if visit.request.method != "GET":
        return home
    path = str(visit.request.path).format(**(visit.request.uri_params or {}))
    return f"{path}?{urlencode(visit.query)}" if visit.query else path
