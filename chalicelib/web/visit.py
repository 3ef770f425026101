"""One request, parsed: who asks, at which host, in which language, with what."""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from chalice.app import Request

from chalicelib.kit import clock, config, errors, trace
from chalicelib.tenancy import service as tenancy

LANGUAGES = ("zh-CN", "en")
_MOBILE = re.compile(r"Mobi|Android|iPhone", re.IGNORECASE)
LARGEST_BODY = 64 * 1024  # bytes; views that take more say so

Parsed = TypeVar("Parsed")


class TooLarge(errors.ShopError):
    """The body is larger than the call can use."""

    status = 413
    code = "too_large"
    sentence = "The request is too large."


class BadInput(errors.ShopError):
    """The body or form does not have the shape the call needs."""

    status = 422
    code = "bad_input"
    sentence = "A field is missing or has a wrong value."


@dataclass
class Visit:
    """What a view may know. `site` is the verified host's site, None on the main site's host."""

    request: Request
    now: int = field(default_factory=clock.now)
    site: tenancy.Site | None = None
    account: Any = None  # the signed-in member or staff, set by the face that asked for one

    @cached_property
    def host(self) -> str:
        """The host the person typed; where there is an edge, only what it sent counts.

        An edge that cannot set X-Forwarded-Host passes Host on as it came.
        """
        if not config.load().origin_secrets:
            return self.header("host").lower()
        if not self._from_edge:
            return ""
        return (self.header("x-forwarded-host") or self.header("host")).lower()

    @property
    def shop(self) -> tenancy.Site:
        """The sub-site visited. Raises NotFound on a host that is none."""
        if self.site is None:
            raise errors.NotFound
        return self.site

    @cached_property
    def address(self) -> str:
        """The network address of the visitor.

        Whoever passes a request on appends whom they had it from: the edge the visitor, the gateway the edge. What
        stands further left is the visitor's own word.
        """
        passed = [each.strip() for each in self.header("x-forwarded-for").split(",")]
        if self._from_edge and len(passed) > 1:
            return passed[-2]
        seen: str = self.request.context.get("identity", {}).get("sourceIp", "")
        return seen

    @cached_property
    def _from_edge(self) -> bool:
        shown = self.header("x-origin-secret").encode()
        return any(hmac.compare_digest(shown, each.encode()) for each in config.load().origin_secrets)

    @property
    def traces(self) -> tuple[str, str]:
        """What the request may be followed by: what its sender follows, or else the gateway's name for it."""
        own = str(self.request.context.get("requestId", ""))
        return trace.of_parent(self.header("traceparent")), own

    @property
    def device(self) -> str:
        """Whether a phone or a computer asks: "mobile" or "pc"."""
        return "mobile" if _MOBILE.search(self.header("user-agent")) else "pc"

    @cached_property
    def lang(self) -> str:
        """zh-CN unless the visitor chose or their browser prefers English."""
        chosen = self.cookies.get("lang", "")
        if chosen in LANGUAGES:
            return chosen
        return "en" if self.header("accept-language").lower().startswith("en") else "zh-CN"

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        try:
            jar: SimpleCookie = SimpleCookie(self.header("cookie"))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}

    @cached_property
    def query(self) -> Mapping[str, str]:
        return dict(self.request.query_params or {})

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of an urlencoded form; the last one of a name counts."""
        try:
            return dict(parse_qsl(self.text(), keep_blank_values=True, max_num_fields=200))
        except ValueError:
            raise errors.Invalid("The form has too many fields.") from None

    def header(self, name: str) -> str:
        return str(self.request.headers.get(name, ""))

    def body(self, most: int = LARGEST_BODY) -> bytes:
        """The raw body. Raises TooLarge."""
        raw = self.request.raw_body or b""
        sent = raw.encode() if isinstance(raw, str) else raw
        if len(sent) > most:
            raise TooLarge
        return sent

    def text(self, most: int = LARGEST_BODY) -> str:
        """The body as UTF-8. Raises TooLarge, Invalid."""
        try:
            return self.body(most).decode()
        except UnicodeDecodeError:
            raise errors.Invalid("The body is not UTF-8.") from None

    def json(self, kind: type[Parsed]) -> Parsed:
        """The JSON body as a typed value. Raises Invalid for broken JSON, BadInput for a wrong field."""
        try:
            return msgspec.json.decode(self.body(), type=kind)
        except msgspec.ValidationError as error:
            raise BadInput(_plain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise errors.Invalid("The body is not JSON.") from None

    def fields(self, kind: type[Parsed]) -> Parsed:
        """The form as a typed value; numbers may come as text, empty optional fields are left out."""
        given = {name: value.strip() for name, value in self.form.items() if value.strip()}
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise BadInput(_plain(error)) from None


def _plain(error: Exception) -> str:
    """What is wrong and where, as msgspec says it, without repeating the value."""
    return json.dumps(str(error), ensure_ascii=False)[1:-1].replace('\\"', "'") + "."
