"""A purchase through what was deployed: staff open a shop, a shopper buys, the channel tells, the books close.

Each step goes the way that its person goes; what comes of it is read from a page or from the JSON contract.
"""

import html
import re
import secrets
import time
import uuid
from typing import Any, Self

import httpx

from localcloud import demo
from localcloud.place import Place
from localcloud.terminal import Stopped

from .deployed import Say, until

SLUG = "rehearsal"
_CODES = ("CARD-0001-REHEARSAL", "CARD-0002-REHEARSAL")
_PRICE = "9.90"
_PASSWORD = "rehearsal-2026"  # noqa: S105  of owners in an account that is gone a minute later
_SHOPPER = {"contact": "shopper@example.cn", "query_password": "pass1234"}
_FILE = re.compile(r'"(/static/[^"]+\.(?:css|js))"')
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Visitor:
    """Somebody at a host of the deployment."""

    def __init__(self, place: Place, site: str) -> None:
        self.web = httpx.Client(
            base_url=f"http://127.0.0.1:{place.port}",
            headers={"Host": f"{site}.{place.site_domain}"},
            timeout=120,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    def sign_in(self, login: str, password: str) -> None:
        """At the console of the site. Raises Stopped."""
        answer = self.web.post("/console/login", data={"login": login, "password": password})
        if "Set-Cookie" not in answer.headers:
            raise Stopped(f"{login} could not sign in: {answer.status_code}.")
        self.web.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form of the console. Raises httpx.HTTPStatusError where the page cannot be read."""
        page = self.web.get("/console").raise_for_status().text
        token = _TOKEN.search(page)
        if token is None:
            raise Stopped("The console shows no form.")
        return self.web.post(path, data=fields | {"form_token": html.unescape(token[1])})


def play(place: Place, *, say: Say) -> str:
    """All of it; the number of an order that nobody pays for. Raises Stopped, httpx.HTTPError."""
    with Visitor(place, "main") as staff, Visitor(place, SLUG) as owner, Visitor(place, SLUG) as shopper:
        staff.sign_in(*demo.STAFF)
        say(f"staff signed in, at pages with {_dressed(staff)} files of their own")
        _open_goods(staff, say)
        _open_site(staff, say)
        _let_pay(owner)
        offer = offer_of(shopper)
        unpaid, number = _order(shopper, offer, say), _order(shopper, offer, say)
        _pay(place, number)
        order = comes(shopper, number, "delivered")
        if order["codes"][0] not in _CODES:
            raise Stopped(f"The order shows {order['codes']}, which was never imported.")
        say(f"the channel told, the order is {order['status']}, the code shown is {order['codes'][0]}")
        _settle(owner, number, say)
        return unpaid


def _dressed(visitor: Visitor) -> int:
    """How many styles and scripts the console loads. Raises Stopped where there are none, HTTPError for a dead one."""
    found = set(_FILE.findall(visitor.web.get("/console").raise_for_status().text))
    for path in found:
        visitor.web.get(path).raise_for_status()
    if not found:
        raise Stopped("The console loads no styles.")
    return len(found)


def _open_goods(staff: Visitor, say: Say) -> None:
    made = staff.send(
        "/console/goods/new",
        name="排练卡",
        category="排练",
        wholesale="8.00",
        suggest=_PRICE,
        on="1",
        most="10",
    )
    found = re.search(r"/console/stock/(\w+)", made.headers.get("Location", ""))
    if found is None:
        raise Stopped(f"The goods were refused: {made.status_code}.")
    report = staff.send(found[0], codes="\n".join(_CODES), act="import")
    if f"<dt>入库</dt><dd>{len(_CODES)}</dd>" not in report.text:
        raise Stopped("The codes were not imported.")
    say(f"goods on the shelf with {len(_CODES)} sealed codes")


def ask_for(staff: Visitor, slug: str) -> str:
    """Have staff ask for a sub-site; the path of its page. Raises Stopped."""
    made = staff.send("/console/sites/new", **_site(slug))
    path = str(made.headers.get("Location", "")).partition("?")[0]
    if not path.startswith("/console/sites/"):
        raise Stopped(f"The sub-site was refused: {made.status_code}.")
    return path


def comes_to(staff: Visitor, path: str, state: str, note: str = "") -> None:
    """Wait until a sub-site is in a state, with these words in its note. Raises Stopped."""

    def look() -> bool:
        found = staff.web.get(f"{path}/state").raise_for_status().json()
        return bool(found["state"] == state and note in found["note"])

    until(look, seconds=120, what=f"the sub-site of {path} to be {state} {note}".rstrip())


def _site(slug: str) -> dict[str, str]:
    owner = {"login": f"{slug}-owner", "password": _PASSWORD}
    return {"slug": slug, "name": "排练店", "plan": "standard", "color": "#0f766e", **owner}


def _open_site(staff: Visitor, say: Say) -> None:
    comes_to(staff, ask_for(staff, SLUG), "active")
    again = staff.send("/console/sites/new", **_site(SLUG))
    if again.is_redirect or again.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Stopped(f"A name that is taken was answered with {again.status_code}.")
    say(f"sub-site {SLUG} provisioned by its stack; its name is refused a second time ({again.status_code})")


def _let_pay(owner: Visitor) -> None:
    """The owner chooses a channel."""
    until(lambda: owner.web.get("/").is_success, what="the shop's first page")
    owner.sign_in(f"{SLUG}-owner", _PASSWORD)
    if not owner.send("/console/settings/channels", wechat="1").is_redirect:
        raise Stopped("The owner could not choose a channel.")


def offer_of(shopper: Visitor) -> dict[str, Any]:
    """What the shopper finds on the shelf, which was published through its queue."""

    def look() -> dict[str, Any] | None:
        found = shopper.web.get("/api/v1/goods").raise_for_status().json()["goods"]
        return found[0] if found else None

    offer: dict[str, Any] = until(look, what="the shelf")
    return offer


def _order(shopper: Visitor, offer: dict[str, Any], say: Say) -> str:
    key = _key()

    def look() -> dict[str, Any] | None:
        answer = attempt(shopper, offer, key)
        if answer.is_client_error:
            raise Stopped(f"The order was refused: {answer.text}")
        return answer.json() if answer.is_success else None

    order = until(look, what="an order")
    say(f"a shopper ordered {offer['name']} for {offer['price_fen'] / 100:.2f}: {order['order_no']}")
    return str(order["order_no"])


def attempt(shopper: Visitor, offer: dict[str, Any], key: str = "") -> httpx.Response:
    """Order one of these, again under the same key; what the shop answers."""
    asked = {
        "goods_id": offer["goods_id"],
        "quantity": 1,
        "channel": "wechat",
        "return_waiver": 1,
        **_SHOPPER,
    }
    return shopper.web.post("/api/v1/orders", json=asked, headers={"Idempotency-Key": key or _key()})


def _key() -> str:
    """An idempotency key made now. Source: RFC 9562, section 5.7."""
    return str(uuid.UUID(int=int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62 | secrets.randbits(62)))


def _pay(place: Place, number: str) -> None:
    url = f"{place.sandbox_url}/pay"
    httpx.post(url, json={"order_no": number}, timeout=60, trust_env=False).raise_for_status()


def comes(shopper: Visitor, number: str, status: str) -> dict[str, Any]:
    """An order, once it has come so far. Raises Stopped."""
    typed = {"X-Contact": _SHOPPER["contact"], "X-Query-Password": _SHOPPER["query_password"]}

    def look() -> dict[str, Any] | None:
        answer = shopper.web.get(f"/api/v1/orders/{number}", headers=typed).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found if found["status"] == status else None

    order: dict[str, Any] = until(look, seconds=120, what=f"the order {number} to be {status}")
    return order


def _settle(owner: Visitor, number: str, say: Say) -> None:
    """The order's journal is written through its queue."""
    until(lambda: number in owner.web.get("/console/statement/csv").text, what="the order's journal")
    say("its journal stands in the owner's statement")
