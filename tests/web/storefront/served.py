"""The faces over HTTP for a real browser, with their static files, at an address of this machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from chalice.test import Client

from chalicelib.web.pages import STATIC
from tests.web.storefront.fake import HOST

_HALT = 0.3  # seconds: a browser shows what it has much sooner
TYPES = {".css": "text/css", ".js": "text/javascript"}


@contextmanager
def serving(client: Client, *, halt: bytes = b"") -> Iterator[str]:
    """The address of a server that asks the client; it stops with the block.

    A page halts for a moment behind the first `halt` in it, as a slow network has it.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(client, halt))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(client: Client, halt: bytes) -> type[BaseHTTPRequestHandler]:
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path.startswith("/static/"):
                file = STATIC / path.rpartition("/")[2]
                self._send(200, {"Content-Type": TYPES[file.suffix]}, file.read_bytes())
            else:
                self._ask(b"")

        def do_POST(self) -> None:
            self._ask(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_args: object) -> None:
            pass

        def _ask(self, body: bytes) -> None:
            headers = {**dict(self.headers.items()), "Host": HOST}
            with one_at_a_time:
                answer = client.http.request(self.command, self.path, headers=headers, body=body)
            self._send(answer.status_code, answer.headers, answer.body)

        def _send(self, status: int, headers: dict[str, str | list[str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                for one in value if isinstance(value, list) else [value]:
                    self.send_header(name, one)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            first, found, rest = body.partition(halt) if halt else (body, b"", b"")
            self.wfile.write(first + found)
            time.sleep(_HALT if found else 0)
            self.wfile.write(rest)

    return Handler
