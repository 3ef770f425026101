"""One way in: which site, who may enter, what a view receives, how an error looks.

Chalice's middleware sees every face at once and its authorizers exist only in the cloud, so entering is done
here, the same in a test, on a laptop and in the cloud.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.kit import config, errors, log, tenant, trace
from chalicelib.tenancy import service as tenancy

from .visit import Visit

View = Callable[..., Response]
ErrorPage = Callable[[Visit, errors.ShopError], Response]

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'"
)
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
}


class Face:
    """Views for one audience. `error_page` shapes refusals, `enter` may refuse or set `visit.account`."""

    def __init__(
        self,
        name: str,
        *,
        error_page: ErrorPage | None = None,
        enter: Callable[[Visit], None] | None = None,
    ) -> None:
        self.blueprint = Blueprint(name)
        self._error_page = error_page or problem
        self._enter = enter or (lambda _visit: None)

    def get(self, path: str) -> Callable[[View], View]:
        """Register a view for GET."""
        return self._route(path, "GET")

    def post(self, path: str) -> Callable[[View], View]:
        """Register a view for POST. Any content type comes in; what it holds is for the view to parse."""
        return self._route(path, "POST")

    def _route(self, path: str, method: str) -> Callable[[View], View]:
        def register(view: View) -> View:
            name = f"{view.__module__.rsplit('.', 1)[-1]}_{view.__name__}"

            def enter(**parts: str) -> Response:
                return self._answer(view, {k: unquote(v) for k, v in parts.items()})

            # Chalice would answer other content types itself, in its own words.
            self.blueprint.route(path, methods=[method], name=name, content_types=["*/*"])(enter)
            return view

        return register

    def _answer(self, view: View, parts: dict[str, str]) -> Response:
        visit = Visit(self.blueprint.current_request)
        with trace.following(*visit.traces):
            return self._followed(visit, view, parts)

    def _followed(self, visit: Visit, view: View, parts: dict[str, str]) -> Response:
        try:
            visit.site = tenancy.site_at(visit.host)
            with tenant.acting_for(visit.site.site if visit.site else tenant.MAIN):
                self._enter(visit)
                answer = view(visit, **parts)
        except errors.ShopError as refusal:
            answer = self._refuse(visit, refusal)
        except Exception:  # noqa: BLE001  the last line of defence: a visitor never sees a traceback
            log.crash("web.failed", view=view.__name__)
            answer = self._refuse(visit, Unexpected(trace=trace.name()))
        followed = {"X-Trace": trace.name()} if trace.name() else {}
        answer.headers = {**SECURITY, **_lasting(), **followed, **answer.headers}
        return answer

    def _refuse(self, visit: Visit, refusal: errors.ShopError) -> Response:
        wants_json = "application/json" in visit.header("accept") or visit.request.path.startswith("/api/")
        return problem(visit, refusal) if wants_json else self._error_page(visit, refusal)


def _lasting() -> dict[str, str]:
    """From the first visit on, a browser asks this host by TLS only. Other hosts of its domain may not be ours."""
    return {"Strict-Transport-Security": "max-age=31536000"} if config.load().scheme == "https" else {}


class Unexpected(errors.ShopError):
    """Our own failure. The log has the traceback; the visitor gets a sentence and the trace's name to tell us."""

    status = 500
    code = "unexpected"
    sentence = "Something went wrong on our side. Nothing was lost; please try again."


def posting_to(origins: str) -> dict[str, str]:
    """The header that lets one page's forms be posted to other origins, too."""
    return {"Content-Security-Policy": f"{_POLICY} {origins}"}


def open_shop(visit: Visit) -> None:
    """Let nobody in while the shop is closed. Raises Suspended."""
    if visit.site and visit.site.state == "leaving":
        raise tenancy.Goodbye
    open_purse(visit)


def open_purse(visit: Visit) -> None:
    """Let members in while the shop sells, and while it leaves, so that they take their money. Raises Suspended."""
    if visit.site and visit.site.state == "suspended":
        raise tenancy.Suspended


def problem(_visit: Visit, refusal: errors.ShopError) -> Response:
    """RFC 9457 problem details with a stable `code`."""
    body = {
        "type": "about:blank",
        "title": type(refusal).sentence,
        "status": refusal.status,
        "code": refusal.code,
        "detail": str(refusal),
        **refusal.detail,
    }
    headers: dict[str, Any] = {"Content-Type": "application/problem+json"}
    if "retry_after" in refusal.detail:
        headers["Retry-After"] = str(refusal.detail["retry_after"])
    return Response(json.dumps(body, ensure_ascii=False), headers, refusal.status)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        {"Content-Type": "application/json; charset=utf-8", **named},
        status,
    )


def go(place: str, *cookies: str) -> Response:
    """Send the browser elsewhere with GET (303), optionally with cookies."""
    headers: dict[str, Any] = {"Location": place, "Content-Type": "text/plain; charset=utf-8"}
    if cookies:
        headers["Set-Cookie"] = list(cookies)
    return Response("", headers, 303)


def cookie(name: str, value: str, *, seconds: int, path: str = "/") -> str:
    """A Set-Cookie value that scripts cannot read; seconds of 0 removes it."""
    secure = "; Secure" if config.load().scheme == "https" else ""
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
