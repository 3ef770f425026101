"""Calls outside: what certainly had no effect is told apart from what nobody knows."""

import http.server
import socket
import threading
from typing import ClassVar

import pytest

from chalicelib.kit import outbound


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    asked: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.path, body, self.headers.get("X-Test")))
        if self.path == "/hang-up":
            self.close_connection = True
            return
        if self.path == "/slow":
            self.server.told.wait(5)
            self.close_connection = True
            return
        status, content = {
            "/moved": (302, b""),
            "/large": (200, b"x" * (outbound._LARGEST + 1)),
            "/largest": (200, b"x" * outbound._LARGEST),
            "/broken": (500, b"fault"),
        }.get(self.path, (200, b"done"))
        self.send_response(status)
        self.send_header("X-Kind", "Test")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        running.told = threading.Event()
        Answers.asked = []
        outbound._pool.cache_clear()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.told.set()
        outbound._pool().clear()
        outbound._pool.cache_clear()
        running.shutdown()
        thread.join()


def post(server, path, **how):
    address = f"http://127.0.0.1:{server.server_port}{path}"
    return outbound.call("POST", address, headers={"X-Test": "1"}, body=b"hello", **how)


def test_an_answer_comes_back_whole_whatever_its_status(server):
    reply = post(server, "/ok")
    assert (reply.status, reply.body, reply.headers["x-kind"]) == (200, b"done", "Test")
    assert Answers.asked == [("/ok", b"hello", "1")]
    assert post(server, "/broken").status == 500


def test_a_redirect_is_an_answer_and_is_not_followed(server):
    assert post(server, "/moved").status == 302
    assert [path for path, *_ in Answers.asked] == ["/moved"]


def test_an_answer_is_read_up_to_its_largest_size(server):
    assert len(post(server, "/largest").body) == outbound._LARGEST
    with pytest.raises(outbound.Unknown, match="too large"):
        post(server, "/large")


def test_a_call_that_was_cut_off_may_have_had_its_effect_and_is_not_repeated(server):
    with pytest.raises(outbound.Unknown):
        post(server, "/hang-up")
    assert len(Answers.asked) == 1


def test_a_call_that_took_too_long_may_have_had_its_effect(server):
    with pytest.raises(outbound.Unknown):
        post(server, "/slow", seconds=0.1)
    assert len(Answers.asked) == 1


def test_a_call_nobody_listens_to_was_not_sent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(outbound.NotSent):
        outbound.call("GET", f"http://127.0.0.1:{port}/", headers={})
