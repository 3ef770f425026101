"""A foreign programme that buys by the JSON contract, and the lever on the channels' side.

Each answer of a shop is held against the shop's own description, whatever it was asked for.
"""

import re
import time
import uuid
from secrets import randbits
from typing import Self

import httpx
import jsonschema

LIMITS = httpx.Limits(max_connections=128, max_keepalive_connections=128)
FINAL = ("delivered", "refunded", "expired", "review")
PATIENCE = 180  # seconds; a notification that is lost costs up to a minute, a busy machine the rest


def key(age=0, version=7):
    """An idempotency key made `age` seconds ago. Source: RFC 9562, section 5.7."""
    made = int((time.time() - age) * 1000)
    return str(uuid.UUID(int=made << 80 | version << 76 | 2 << 62 | randbits(62)))


class Shop:
    """One sub-site seen from outside."""

    def __init__(self, place, slug):
        self.slug = slug
        self.web = httpx.Client(
            base_url=f"http://127.0.0.1:{place.port}",
            headers={"Host": f"{slug}.{place.site_domain}"},
            timeout=60,
            limits=LIMITS,
            trust_env=False,
        )
        self.described = self.web.get("/api/v1/openapi.json").raise_for_status().json()
        self.web.event_hooks["response"].append(self._hold_to_description)

    def goods(self):
        """All goods on the shelf by name and id, page by page."""
        found, page = [], {"next": ""}
        while page["next"] is not None:
            page = self.web.get("/api/v1/goods", params={"cursor": page["next"]}).json()
            found += page["goods"]
        return {each["goods_id"]: each for each in found}

    def named(self, name):
        """The cheapest goods of that name."""
        found = [each for each in self.goods().values() if each["name"] == name]
        return min(found, key=lambda each: each["price_fen"])

    def place(self, goods_id, *, idempotency_key=None, **changed):
        """Ask for an order; what is not said is one piece for a@b.cn through WeChat.

        Where the channel wants a form, it is posted as the shopper's browser would.
        """
        body = {
            "goods_id": goods_id,
            "quantity": 1,
            "contact": "a@b.cn",
            "query_password": "pass1234",
            "channel": "wechat",
            "return_waiver": 1,
        } | changed
        answer = self.web.post(
            "/api/v1/orders", json=body, headers={"Idempotency-Key": idempotency_key or key()}
        )
        link = answer.json().get("payment") or {"kind": ""}
        if link["kind"] == "form":
            assert httpx.post(link["payload"], data=link["fields"], trust_env=False).is_redirect
        return answer

    def order(self, number, contact="a@b.cn", query_password="pass1234"):
        """Look an order up."""
        typed = {"X-Contact": contact.encode(), "X-Query-Password": query_password.encode()}
        return self.web.get(f"/api/v1/orders/{number}", headers=typed)

    def wait(self, number, *until, contact="a@b.cn", pause=0.3):
        """The order as soon as it is final, or in one of the states named."""
        end = time.monotonic() + PATIENCE
        while (found := self.order(number, contact).json())["status"] not in (until or FINAL):
            assert time.monotonic() < end, f"{number} is still {found['status']}"
            time.sleep(pause)
        return found

    def _hold_to_description(self, response):
        response.read()
        assert response.status_code < 500, f"{response.request.url}: {response.text}"
        operation = self._operation(response.request)
        if operation:
            said = operation["responses"][str(response.status_code)]
            self._hold_to_schema(said, response)

    def _operation(self, request):
        for template, methods in self.described["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), request.url.path):
                return methods[request.method.lower()]
        return None

    def _hold_to_schema(self, said, response):
        if "content" not in said:
            return
        kind = response.headers["content-type"].split(";")[0]
        schema = said["content"][kind]["schema"] | {"components": self.described["components"]}
        jsonschema.Draft202012Validator(schema).validate(response.json())


class Sandbox:
    """The channels' side: pay, break, and look into their books."""

    def __init__(self, place):
        self._web = httpx.Client(base_url=place.sandbox_url, timeout=60, limits=LIMITS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_):
        self._web.close()

    def faults(self, **plan):
        """Put a plan of faults in force; none without arguments."""
        self._web.post("/faults", json=plan).raise_for_status()

    def pay(self, number):
        """Pay the order's newest trade; paying again sends the notification again."""
        return self._web.post("/pay", json={"order_no": number}).raise_for_status().json()

    def trades(self, numbers=None):
        """The channels' trades by order number, all or some."""
        found = self._web.get("/books").raise_for_status().json()["trades"]
        wanted = None if numbers is None else set(numbers)
        return {
            trade["out_trade_no"][:28]: trade
            for trade in found
            if wanted is None or trade["out_trade_no"][:28] in wanted
        }
