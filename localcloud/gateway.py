"""What API Gateway does around the REST functions: find the route, build the event, shape the answer.

On the parts of Chalice's local gateway, whose server is left aside: an unknown path is a 403 there, the visitor's
address is lost and its threads share one request unless the app's class is swapped, which is done here too.
"""

import base64
import re
import uuid
from dataclasses import dataclass, field

from chalice import local
from chalice.app import Chalice

from . import cdn, triggers

_OURS = {"content-length", "connection", "transfer-encoding", "date", "server"}
_SAFE = re.compile(r"[\t\x20-\x7e]*")  # of a header's value

Headers = list[tuple[str, str]]


class Refusal(Exception):
    """The gateway itself answers: a status, a stable code and a sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code = status, code


class Unknown(Refusal):
    """No route has this path and method."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "There is nothing here.")


@dataclass(frozen=True)
class Request:
    """What came in; header names in lower case, the last of equal ones counts."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    address: str


@dataclass(frozen=True)
class Answer:
    """What goes out."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    zipped: bytes = b""  # the body in gzip, where it is at hand


class Gateway:
    """The REST functions of one app and the static files beside them. Safe for many threads."""

    def __init__(self, app: Chalice, files: cdn.Bucket) -> None:
        local.CustomLocalChalice.__bases__ = (local.LocalChalice, type(app))
        app.__class__ = local.CustomLocalChalice
        self._app = app
        self._files = files
        routes = local.RouteMatcher(list(app.routes))
        self._events = local.LambdaEventConverter(routes, app.api.binary_types)

    def answer(self, request: Request) -> Answer:
        """Answer one request. Raises Refusal."""
        if request.target.startswith("/static/"):
            return self._static(request)
        return self._function(request)

    def _static(self, request: Request) -> Answer:
        found = self._files.get(request.target.partition("?")[0]) if request.method == "GET" else None
        if found is None:
            raise Unknown
        headers = [("Content-Type", found.kind), ("Cache-Control", cdn.CACHE)]
        return Answer(200, headers, found.body, found.compressed)

    def _function(self, request: Request) -> Answer:
        event = self._event(request)
        route = event["requestContext"]["resourcePath"]
        if request.method not in self._app.routes[route]:
            raise Unknown
        answer = self._app(event, triggers.context("rest"))
        headers = [*answer["headers"].items()]
        headers += [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
        body = answer["body"] or ""
        raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        return Answer(answer["statusCode"], _checked(headers), raw)

    def _event(self, request: Request) -> local.EventType:
        try:
            event = self._events.create_lambda_event(
                request.method, request.target, request.headers, request.body or None
            )
        except ValueError:
            raise Unknown from None
        event["requestContext"]["identity"]["sourceIp"] = request.address
        event["requestContext"]["requestId"] = str(uuid.uuid4())
        if isinstance(event["body"], bytes):
            event["body"] = event["body"].decode(errors="replace")  # API Gateway passes text
        return event


def _checked(headers: Headers) -> Headers:
    """Without what the server says itself. Raises Refusal for a value that would break the answer."""
    kept = [(name, str(value)) for name, value in headers if name.lower() not in _OURS]
    if not all(_SAFE.fullmatch(value) for _, value in kept):
        raise Refusal(502, "malformed_answer", "The function's answer is malformed.")
    if "content-type" not in {name.lower() for name, _ in kept}:
        kept.append(("Content-Type", "application/json"))
    return kept
