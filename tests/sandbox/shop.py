"""A merchant for tests: it listens for notifications with the real gateways, and a sandbox that calls it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from chalicelib.kit import clock
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from sandbox import keys
from sandbox.server import Sandbox


@dataclass
class Clock:
    """Now, and as much later as a test wishes."""

    ahead: int = 0

    def __call__(self) -> int:
        return clock.now() + self.ahead


@dataclass
class Heard:
    """One call of a notification address."""

    host: str
    outcome: gateways.Payment | gateways.RefundNotice | str | None
    started: float
    ended: float


@dataclass
class Shop:
    """The merchant, its gateways, and what it heard. `deaf`: how many notifications it fails to acknowledge."""

    sandbox: Sandbox
    clock: Clock
    gateways: dict[str, gateways.Gateway]
    port: int = 0
    deaf: int = 0
    pause: float = 0
    heard: list[Heard] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    web: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, verify=False, trust_env=False))

    def charge(self, out_trade_no: str, channel: str = "wechat", **changed: Any) -> gateways.Charge:
        fields = {
            "out_trade_no": out_trade_no,
            "amount_fen": 4950,
            "subject": "话费充值 50 元，100% 秒到",
            "expires_at": self.clock() + 900,
            "notify_url": f"http://main.localhost:{self.port}/hooks/{channel}/m",
            "device": "pc",
        }
        return gateways.Charge(**(fields | changed))

    def open(self, out_trade_no: str, channel: str = "wechat", **changed: Any) -> gateways.PayLink:
        """A trade that can be paid: where the channel wants a form, a browser has posted it."""
        charge = self.charge(out_trade_no, channel, **changed)
        link = self.gateways[channel].create(charge, now=self.clock())
        if link.kind == "form":
            self.visit(link)
        return link

    def visit(self, link: gateways.PayLink) -> httpx.Response:
        """What a shopper's browser gets to see."""
        if link.kind == "form":
            return self.web.post(link.payload, data=dict(link.fields), follow_redirects=True)
        return self.web.get(link.payload, follow_redirects=True)

    def post(self, path: str, content: object) -> httpx.Response:
        return self.web.post(self.address + path, json=content)

    def pay(self, order_no: str, **more: Any) -> dict[str, Any]:
        answer = self.post("/pay", {"order_no": order_no, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def books(self) -> dict[str, Any]:
        return self.web.get(self.address + "/books").json()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.sandbox.server_port}"

    @property
    def payments(self) -> list[gateways.Payment]:
        return [heard.outcome for heard in self.heard if isinstance(heard.outcome, gateways.Payment)]

    @property
    def refusals(self) -> list[str]:
        return [heard.outcome for heard in self.heard if isinstance(heard.outcome, str)]

    def hear(self, channel: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], str]:
        gateway, started = self.gateways[channel], time.monotonic()
        try:
            outcome = gateway.parse_notify(headers, body, now=self.clock())
        except gateways.Forged as error:
            outcome = error.reason
        time.sleep(self.pause)
        with self.lock:
            self.heard.append(Heard(headers["Host"], outcome, started, time.monotonic()))
            self.deaf -= 1
            deaf = self.deaf >= 0
        return gateway.nack("no") if deaf or isinstance(outcome, str) else gateway.ack()


@contextmanager
def running(folder: Path, *, state: Path, retry_scale: float = 1.0) -> Iterator[Shop]:
    """A sandbox and the merchant that uses it, both on free loopback ports."""
    now = Clock()
    sandbox = Sandbox(0, folder=folder, state=state, retry_scale=retry_scale, now=now)
    plain = json.loads(json.dumps(keys.settings(folder, f"http://127.0.0.1:{sandbox.server_port}")))
    shop = Shop(sandbox, now, {name: gateways.GATEWAYS[name](plain[name]) for name in plain})
    listener = _listener(shop)
    shop.port = listener.server_port
    servers = [sandbox, listener]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield shop
    finally:
        for server in servers:
            server.shutdown()
        sandbox.stop()
        listener.server_close()
        shop.web.close()


def order_no(count: int) -> str:
    """The number of an order placed now."""
    return orders.make_number("demo", count.to_bytes(11), clock.now())


def until(holds: Any, seconds: float = 5.0) -> None:
    """Wait for something that happens in another thread."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def _listener(shop: Shop) -> ThreadingHTTPServer:
    class Hooks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, text = shop.hear(self.path.split("/")[2], self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        request_queue_size = 256

    return Listener(("127.0.0.1", 0), Hooks)
