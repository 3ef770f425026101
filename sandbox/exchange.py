"""One HTTP request and its answer, and the ways to say no that all parts share."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Refused(Exception):
    """A request that can't be served: HTTP status, the channel's code, a sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Request:
    """Header names are lower case; `target` is the path with its query, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Refused."""
        try:
            content = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            raise Refused(400, "invalid", "The body is not JSON.") from None
        if not isinstance(content, dict):
            raise Refused(422, "invalid", "The body must be a JSON object.")
        return content


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def as_json(content: object, *, status: int = 200, kind: str = "application/json") -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), {"Content-Type": kind})


def problem(error: Refused) -> Answer:
    """An answer in application/problem+json (RFC 9457)."""
    content = {"status": error.status, "code": error.code, "detail": error.sentence}
    return as_json(content, status=error.status, kind="application/problem+json")
