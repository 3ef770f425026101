"""The HTTP front: the channels' own addresses, the cashier, and the levers `/pay`, `/faults`, `/books`."""

import re
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from chalicelib.kit import clock

from . import alipay_bill, ecny, keys, pages, unionpay
from .alipay import Alipay
from .bank import Bank
from .books import Books, Clash, Trade
from .ecny import ECny
from .exchange import Answer, Refused, Request, as_json, problem
from .faults import Faults
from .notify import Dialect, Notice, Notifier
from .unionpay import UnionPay
from .wechat import WeChat

_LARGEST = 1 << 18  # bytes of a request


class _Door(Protocol):
    """Whoever serves the addresses of a channel or a bank."""

    def answer(self, request: Request, *, now: int) -> Answer: ...


class Sandbox(ThreadingHTTPServer):
    """All channels on one loopback port. `retry_scale` shortens the pauses between repeats."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        port: int,
        *,
        folder: Path,
        state: Path,
        retry_scale: float = 1.0,
        now: Callable[[], int] = clock.now,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://localhost:{self.server_port}"
        self.now = now
        self.books = Books(state)
        self.faults = Faults()
        own = keys.load(folder)
        self.wechat = WeChat(own, self.books, self.faults, cashier=self._cashier_url, tell=self._tell)
        self.alipay = Alipay(own, self.books, self.faults, cashier=self._cashier_url, tell=self._tell)
        self.unionpay = UnionPay(own, self.books, self.faults, cashier=self._cashier_url)
        pays = keys.bank_settings(folder, self.url)
        self.bank = Bank(pays["merchant"], pays["secret"], state.with_name(f"{state.stem}-bank.json"))
        self.ecny = ECny(own, self.books, self.faults, cashier=self._cashier_url, tell=self._tell)
        dialects: dict[str, Dialect] = {
            "wechat": self.wechat,
            "alipay": self.alipay,
            "unionpay": self.unionpay,
            "ecny": self.ecny,
        }
        self._doors: list[tuple[tuple[str, ...], _Door]] = [
            (("/v3/",), self.wechat),
            (("/gateway.do", alipay_bill.PATH), self.alipay),
            (("/gateway/api/", unionpay.FILES), self.unionpay),
            ((ecny.GATEWAY, ecny.CASHIER), self.ecny),
            (("/bank/v1/",), self.bank),
        ]
        self.notifier = Notifier(self.books, dialects, clock=now, scale=retry_scale)
        self.notifier.resume()

    def stop(self) -> None:
        """Take no more calls, let sends end, save the books."""
        self.server_close()
        self.notifier.stop()
        self.books.stop()

    def answer(self, request: Request) -> Answer:
        """Serve one request. Raises Refused."""
        for paths, serves in self._doors:
            if request.path.startswith(paths):
                return serves.answer(request, now=self.now())
        cashier = re.fullmatch(r"/cashier/(wechat|alipay|unionpay|ecny)/([\w-]+)", request.path)
        if cashier:
            return self._cashier(request, cashier[1], cashier[2])
        routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("POST", "/pay"): self._pay,
            ("POST", "/faults"): lambda request: as_json(self.faults.set(request.json())),
            ("GET", "/faults"): lambda _: as_json(self.faults.view()),
            ("POST", "/bank/faults"): lambda request: as_json(self.bank.set_faults(request.json())),
            ("GET", "/bank/books"): lambda _: self.bank.view(),
            ("GET", "/books"): lambda _: as_json(self.books.view(now=self.now())),
            ("GET", "/healthz"): lambda _: as_json({"status": "ok"}),
        }
        serve = routes.get((request.method, request.path))
        if not serve:
            raise Refused(404, "not_found", "There is nothing here.")
        return serve(request)

    def _pay(self, request: Request) -> Answer:
        ask = request.json()
        order_no, attempt = ask.get("order_no"), ask.get("attempt", "")
        if not isinstance(order_no, str) or len(order_no) < 6 or type(attempt) not in {int, str}:
            raise Refused(422, "invalid", "Say which order: order_no, and perhaps its attempt.")
        trade = self.books.newest(order_no, str(attempt), now=self.now())
        if not trade:
            raise Refused(404, "not_found", "No trade of this order was opened here.")
        self._take(trade)
        return as_json({"order_no": order_no} | _receipt(trade))

    def _take(self, trade: Trade) -> None:
        try:
            self.books.pay(trade, now=self.now(), even_closed=self.faults.peek(trade).pay_after_close)
        except Clash:
            raise Refused(409, "closed", "This trade is closed; nobody can pay it any more.") from None
        self.notifier.announce(Notice(trade), self.faults.take(trade))

    def _cashier(self, request: Request, channel: str, token: str) -> Answer:
        trade = self.books.by_token(token)
        if not trade or trade.channel != channel:
            raise Refused(404, "not_found", "No such trade.")
        if request.method == "POST":
            self._take(trade)
            return Answer(303, b"", {"Location": request.target})
        self.books.scan(trade)
        back = request.query.get("redirect_url") or trade.return_url
        state = trade.state_at(self.now())
        told = self.unionpay.told(trade, now=self.now()) if channel == "unionpay" and state == "paid" else {}
        return pages.cashier(trade, state=state, back=back, told=told)

    def _cashier_url(self, trade: Trade) -> str:
        return f"{self.url}/cashier/{trade.channel}/{trade.token}"

    def _tell(self, notice: Notice) -> None:
        self.notifier.announce_later(notice)


class _Handler(BaseHTTPRequestHandler):
    server: Sandbox
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    timeout = 30
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the books tell the story."""

    def _serve(self) -> None:
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = self.server.answer(Request(self.command, self.path, headers, self._body()))
        except Refused as error:
            found = problem(error)
        except Exception:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            found = problem(Refused(500, "internal", "The sandbox failed; its log says why."))
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")  # else a client sends its next call into the closing one
        if found.status != 204:
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            raise Refused(411, "invalid", "Say how long the body is: Content-Length.")
        if int(length) > _LARGEST:
            self.close_connection = True
            raise Refused(413, "too_large", "The body is too large.")
        return self.rfile.read(int(length))


def _receipt(trade: Trade) -> dict[str, Any]:
    return {
        "out_trade_no": trade.out_trade_no,
        "channel": trade.channel,
        "amount_fen": trade.amount_fen,
        "transaction_id": trade.transaction_id,
        "notifications": [
            {"at": sent.at, "status": sent.status, "body": sent.body} for sent in list(trade.notifications)
        ],
    }
