"""The gateway, over real sockets, in front of an app of its own."""

import gzip
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from chalice import Chalice, Response

from localcloud import cdn, server
from localcloud.gateway import Gateway

PAGE = "<p>你好</p>" * 400


class Bucket:
    """One stylesheet, fetched only once."""

    def __init__(self) -> None:
        self.fetched = 0

    def get(self, path: str) -> cdn.File | None:
        self.fetched += 1
        return cdn.File("text/css; charset=utf-8", b"a{}" * 500) if path == "/static/v1/a.css" else None


def shop() -> Chalice:
    app = Chalice("shop")

    @app.route("/page")
    def page() -> Response:
        return Response(PAGE, {"Content-Type": "text/html; charset=utf-8", "Set-Cookie": ["a=1", "b=2"]}, 200)

    @app.route("/goods/{goods_id}")
    def goods(goods_id: str) -> dict[str, object]:
        request = app.current_request
        query = {k: request.query_params.getlist(k) for k in request.query_params or {}}
        return {"goods": goods_id, "query": query, "from": request.context["identity"]["sourceIp"]}

    @app.route("/name")
    def name() -> dict[str, object]:
        return {"name": app.current_request.context["requestId"]}

    @app.route("/echo", methods=["POST"], content_types=["text/plain"])
    def echo() -> dict[str, object]:
        before = app.current_request.raw_body
        time.sleep(0.02)
        assert app.current_request.raw_body == before
        return {"text": before.decode(), "who": app.current_request.headers["x-who"]}

    @app.route("/broken")
    def broken() -> str:
        raise RuntimeError("a secret")

    @app.route("/header/{which}")
    def header(which: str) -> Response:
        return Response(
            "", {"single": {"X-Bad": "中"}, "many": {"X-Bad": ["a\r\nSet-Cookie: b=1"]}}[which], 200
        )

    return app


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    serving = server.Server(Gateway(shop(), Bucket()), port=0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_address[1]}"
    serving.shutdown()
    thread.join()
    serving.finish()


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False) as made:
        yield made


def test_every_request_has_a_name(client: httpx.Client) -> None:
    names = {uuid.UUID(client.get("/name").json()["name"]) for _ in range(2)}
    assert len(names) == 2


def test_several_cookies_survive(client: httpx.Client) -> None:
    assert client.get("/page").headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_head_answers_like_get_without_a_body(client: httpx.Client) -> None:
    got, head = client.get("/page"), client.head("/page")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_text_is_compressed_for_those_who_accept_it(client: httpx.Client) -> None:
    zipped = client.get("/page", headers={"Accept-Encoding": "br, gzip"})
    plain = client.get("/page", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < len(PAGE.encode()) / 10
    assert "content-encoding" not in plain.headers
    assert zipped.text == plain.text == PAGE
    assert zipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_an_unknown_path_is_a_404_problem(client: httpx.Client) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_an_unknown_path_is_a_page_for_a_browser(client: httpx.Client) -> None:
    answer = client.get("/nowhere", headers={"Accept": "text/html", "Host": "<b>"})
    assert answer.status_code == 404
    assert answer.text.startswith("<!doctype html>")
    assert "<b>" not in answer.text


def test_another_method_of_a_known_path_is_a_404(client: httpx.Client) -> None:
    assert client.delete("/page").status_code == 404


@pytest.mark.parametrize(
    "target", ["//", "/%", "/%00", "/goods/%2e%2e%2f", "/?a=%ff", "/[", "/a?" + "x&" * 500]
)
def test_odd_targets_are_answered_and_never_with_5xx(client: httpx.Client, target: str) -> None:
    assert client.get(target).status_code < 500


def test_path_query_and_address_arrive(client: httpx.Client) -> None:
    answer = client.get("/goods/g%201?a=1&a=2&b=").json()
    assert answer == {"goods": "g%201", "query": {"a": ["1", "2"], "b": [""]}, "from": "127.0.0.1"}


def test_a_failing_function_shows_nothing_internal(client: httpx.Client) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text


@pytest.mark.parametrize("which", ["single", "many"])
def test_a_header_that_would_break_the_answer_is_refused(client: httpx.Client, which: str) -> None:
    answer = client.get(f"/header/{which}")
    assert answer.status_code in (500, 502)
    assert "set-cookie" not in answer.headers


def test_a_body_above_the_limit_is_refused_with_413(client: httpx.Client) -> None:
    answer = client.post("/echo", content=b"x" * (server.LARGEST_BODY + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_a_body_at_the_limit_arrives(client: httpx.Client) -> None:
    text = "x" * server.LARGEST_BODY
    answer = client.post("/echo", content=text, headers={"Content-Type": "text/plain", "X-Who": "me"})
    assert answer.json()["text"] == text


def test_a_body_without_a_length_is_refused_with_411(client: httpx.Client) -> None:
    assert client.post("/echo", content=iter([b"a", b"b"])).status_code == 411


def test_static_files_are_cached_for_ever_and_compressed(client: httpx.Client) -> None:
    answer = client.get("/static/v1/a.css?x=1")
    assert answer.content == b"a{}" * 500
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/static/v1/b.css", "/static/", "/static/../app.py"])
def test_an_unknown_static_file_is_a_404(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_64_clients_at_once_each_see_their_own_request(address: str) -> None:
    def ask(number: int) -> None:
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            for turn in range(5):
                who = f"{number}-{turn}"
                headers = {"Content-Type": "text/plain", "X-Who": who}
                answer = client.post("/echo", content=f"body of {who}", headers=headers)
                assert answer.json() == {"text": f"body of {who}", "who": who}

    with ThreadPoolExecutor(64) as pool:
        assert len(list(pool.map(ask, range(64)))) == 64


def raw(address: str, *sent: bytes, pause: float = 0.0) -> bytes:
    """What the server answers to raw bytes until it closes the connection."""
    port = int(address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in sent:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_a_connection_is_kept_for_the_next_request(address: str) -> None:
    one = b"GET /goods/1 HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /goods/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert raw(address, one, last).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "request_head",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(200)) + b"\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n",
    ],
)
def test_broken_requests_get_a_problem_and_the_connection_ends(address: str, request_head: bytes) -> None:
    head, _, body = raw(address, request_head).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 50"))
    assert b"Connection: close" in head
    assert json.loads(body)["status"] == int(head.split()[1])


def test_a_client_that_never_finishes_is_let_go(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 1.0)
    began = time.monotonic()
    assert raw(address, b"POST /echo HTTP/1.1\r\n", b"X: 1\r\n", pause=0.3) == b""
    assert time.monotonic() - began < 1.25, "each byte prolongs the deadline"


def test_a_file_is_fetched_from_the_bucket_only_once() -> None:
    class Storage:
        calls = 0

        def get_object(self, **_: str) -> dict[str, object]:
            self.calls += 1
            return {"ContentType": "text/css", "Body": Body()}

    class Body:
        def read(self) -> bytes:
            return b"a{}"

    storage = Storage()
    bucket = cdn.Bucket(storage, "files")
    first, again = bucket.get("/static/a.css"), bucket.get("/static/a.css")
    assert first is again
    assert first is not None
    assert gzip.decompress(first.compressed) == b"a{}"
    assert storage.calls == 1
