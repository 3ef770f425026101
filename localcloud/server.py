"""HTTP/1.1 for many clients at once, some of them slow, broken or greedy: a thread per connection, all bounded."""

import contextlib
import functools
import gzip
import io
import json
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from infra.package import refusals

from . import cdn
from .gateway import Answer, Gateway, Refusal, Request
from .inbound import Inbound
from .place import HOST
from .terminal import READY, say

LARGEST_BODY = 6 * 1024 * 1024  # bytes, Lambda's limit of a request
WORTH_COMPRESSING = 1024  # bytes
IDLE = 60  # seconds a connection may wait for its next request
PATIENCE = 20  # seconds for a request to arrive whole, and for a part of an answer to be taken
MOST_CONNECTIONS = 512
FINISH = 10  # seconds for requests in hand when stopping
_TEXT = re.compile(r"text/|application/(problem\+)?json|application/javascript|image/svg\+xml")
_GZIP = re.compile(r"(?:^|[\s,])gzip\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", re.IGNORECASE)


def run(port: int) -> int:
    """Serve the project's app on a port until SIGTERM; requests in hand are finished."""
    from app import app

    server = Server(Gateway(app, cdn.from_environment()), port=port)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    say(READY)
    server.serve_forever(poll_interval=0.2)
    server.finish()
    return 0


class Answering(Protocol):
    """What stands behind a server."""

    def answer(self, request: Request) -> Answer:
        """Answer one request. Raises Refusal."""


class Server(ThreadingHTTPServer):
    """Serves a gateway, or what answers like one, on this machine only."""

    request_queue_size = 256

    def __init__(self, gateway: Answering, *, port: int) -> None:
        self.in_hand = 0
        self.changed = threading.Condition()
        super().__init__((HOST, port), functools.partial(Handler, gateway))

    def verify_request(self, _request: Any, _address: Any) -> bool:
        """Drop connections beyond the most that are served."""
        return threading.active_count() <= MOST_CONNECTIONS

    def handle_error(self, _request: Any, _address: Any) -> None:
        """Log what failed; a client that went away is no failure."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            traceback.print_exc()

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Count a request as in hand."""
        with self.changed:
            self.in_hand += 1
        try:
            yield
        finally:
            with self.changed:
                self.in_hand -= 1
                self.changed.notify_all()

    def finish(self) -> None:
        """Wait for the requests in hand, then close."""
        with self.changed:
            self.changed.wait_for(lambda: self.in_hand == 0, FINISH)
        self.socket.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a whole answer in one packet
    disable_nagle_algorithm = True
    server: Server

    def __init__(self, gateway: Answering, *connection: Any) -> None:
        self._gateway = gateway
        self._unread = 0
        super().__init__(*connection)

    def setup(self) -> None:
        """Read through a deadline."""
        super().setup()
        self.rfile.close()
        self._inbound = Inbound(self.connection)
        self.rfile = io.BufferedReader(self._inbound)

    def handle_one_request(self) -> None:
        """One request, or the end of an idle connection."""
        self._inbound.allow(IDLE)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """The first line is here; the rest must follow soon."""
        self._inbound.allow(PATIENCE)
        return super().parse_request()

    def do_GET(self) -> None:
        """Answer a request of any method."""
        with self.server.handling():
            try:
                answer = self._gateway.answer(self._request())
            except Refusal as refusal:
                answer = self._refused(refusal)
            except (ConnectionError, TimeoutError):
                raise
            except Exception:  # noqa: BLE001 the client gets an answer, the log the reason
                traceback.print_exc()
                answer = self._refused(Refusal(502, "malformed_answer", "The function gave no answer."))
            self._send(answer)
        self._drain()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself: a broken first line, headers without end, an odd method."""
        del explain
        self.close_connection = True
        self.request_version = self.protocol_version  # or the answer would have no head
        self._send(self._refused(Refusal(code, "bad_request", f"{message or self.responses[code][0]}.")))

    def version_string(self) -> str:
        """What the Server header says."""
        return "cardmesh"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path and status; a query may be personal."""
        del size
        path = getattr(self, "path", "-").partition("?")[0]
        self.log_message("%s %s %s", self.command, path, int(code))

    def _request(self) -> Request:
        method = "GET" if self.command == "HEAD" else self.command
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(method, self.path, headers, self._body(), self.client_address[0])

    def _body(self) -> bytes:
        length = self._length()
        if length > LARGEST_BODY:
            self._unread = min(length, 16 * LARGEST_BODY)
            self.close_connection = True
            raise Refusal(413, "too_large", "The request is larger than 6 MB.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError
        return body

    def _length(self) -> int:
        if "transfer-encoding" in self.headers:
            self.close_connection = True
            raise Refusal(411, "length_required", "The request must state its length.")
        stated = set(self.headers.get_all("content-length", ["0"]))
        text = stated.pop()
        if stated or not (text.isascii() and text.isdigit() and len(text) < 19):
            self.close_connection = True
            raise Refusal(400, "bad_request", "The request's length makes no sense.")
        return int(text)

    def _refused(self, refusal: Refusal) -> Answer:
        headers = getattr(self, "headers", None) or {}
        if "text/html" in headers.get("accept", ""):
            page = refusals.page(refusals.of_status(refusal.status))
            return Answer(refusal.status, [("Content-Type", "text/html; charset=utf-8")], page.encode())
        problem = {
            "type": "about:blank",
            "title": str(refusal),
            "status": refusal.status,
            "code": refusal.code,
            "detail": str(refusal),
        }
        return Answer(
            refusal.status, [("Content-Type", "application/problem+json")], json.dumps(problem).encode()
        )

    def _send(self, answer: Answer) -> None:
        headers, body = self._compressed(answer)
        self.connection.settimeout(PATIENCE)
        self.send_response(answer.status)
        for name, value in headers:
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _compressed(self, answer: Answer) -> tuple[list[tuple[str, str]], bytes]:
        kind = dict(answer.headers).get("Content-Type", "")
        if len(answer.body) < WORTH_COMPRESSING or not _TEXT.match(kind):
            return answer.headers, answer.body
        headers = [*answer.headers, ("Vary", "Accept-Encoding")]
        if not _GZIP.search(self.headers.get("accept-encoding", "")):
            return headers, answer.body
        return [*headers, ("Content-Encoding", "gzip")], answer.zipped or gzip.compress(answer.body, 6)

    def _drain(self) -> None:
        """Read on for a while after refusing a large body, or the refusal would be lost to a reset."""
        with contextlib.suppress(OSError):
            while self._unread > 0 and (chunk := self.rfile.read1(1 << 16)):
                self._unread -= len(chunk)
