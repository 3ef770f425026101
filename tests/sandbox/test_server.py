import itertools
import json
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sandbox import keys, notify
from tests.sandbox import shop as shops

COUNT = itertools.count(1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def order_no():
    return f"DEMO0SERVER{next(COUNT):017d}"


def test_it_is_well(shop):
    assert shop.web.get(shop.address + "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/cashier/wechat/none", "/cashier/cash/none", "/v3", "/pay"]
)
def test_an_unknown_address_is_a_problem_in_json(shop, path):
    answer = shop.web.get(shop.address + path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"order_no": 7}', 422),
        (b'{"order_no": ""}', 422),
        (b'{"order_no": "DEMO01", "attempt": []}', 422),
        (b'{"order_no": "UNKNOWN-ORDER"}', 404),
        (b"0" * (1 << 18) + b"0", 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_broken_payment_request_is_refused_clearly(shop, body, status):
    answer = shop.web.post(shop.address + "/pay", content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "code", "detail"}


@pytest.mark.parametrize(
    "path", ["/v3/pay/transactions/native", "/v3/refund/domestic/refunds", "/gateway.do"]
)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"a=%ff&method=x"])
def test_unsigned_calls_of_a_channel_are_refused_in_its_dialect(shop, path, body):
    answer = shop.web.post(shop.address + path, content=body)
    assert answer.status_code == (200 if path == "/gateway.do" else 401)
    assert "isv.invalid" in answer.text or answer.json()["code"] == "SIGN_ERROR"


def test_a_body_of_unknown_length_is_refused(shop):
    refused = shop.web.post(shop.address + "/pay", content=iter([b"{}"]))
    assert (refused.status_code, refused.headers["connection"]) == (411, "close")


def test_a_failure_inside_shows_nothing_of_it(shop, monkeypatch, capsys):
    monkeypatch.setattr(shop.sandbox.books, "view", lambda now: 1 // 0)
    answer = shop.web.get(shop.address + "/books")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_sixty_four_payments_at_once_with_concurrent_duplicates(shop, channel):
    orders = [f"CROWD{channel.upper()}{number:016d}" for number in range(64)]
    shop.sandbox.faults.set({"concurrent": 2})
    with ThreadPoolExecutor(64) as crowd:
        list(crowd.map(lambda number: shop.open(number + "1", channel), orders))
        receipts = list(crowd.map(shop.pay, orders))
    assert len({receipt["transaction_id"] for receipt in receipts}) == 64
    assert all(sent["status"] == 200 for receipt in receipts for sent in receipt["notifications"])
    assert len(shop.payments) == 64 * 3


def test_one_order_paid_by_many_at_once_is_paid_once(shop, order_no):
    shop.open(order_no + "1")
    before = shop.books()["totals"]["wechat"]
    with ThreadPoolExecutor(16) as crowd:
        receipts = list(crowd.map(lambda _: shop.pay(order_no), range(16)))
    assert len({receipt["transaction_id"] for receipt in receipts}) == 1
    after = shop.books()["totals"]["wechat"]
    assert after == before | {
        "payments": before["payments"] + 1,
        "received_fen": before["received_fen"] + 4950,
    }


def test_two_attempts_of_an_order_can_both_be_paid(shop, order_no):
    shop.open(order_no + "1")
    shop.open(order_no + "2", "alipay")
    assert shop.pay(order_no)["out_trade_no"] == order_no + "2"
    assert shop.pay(order_no, attempt=1)["out_trade_no"] == order_no + "1"
    assert shop.pay(order_no, attempt="02")["out_trade_no"] == order_no + "2"
    assert shop.post("/pay", {"order_no": order_no, "attempt": 3}).status_code == 404


def test_an_open_attempt_comes_before_a_newer_closed_one(shop, order_no):
    shop.open(order_no + "1")
    shop.open(order_no + "2")
    shop.gateways["wechat"].close(order_no + "2", now=shop.clock())
    assert shop.pay(order_no)["out_trade_no"] == order_no + "1"


def test_the_cashier_pays_by_its_button_and_shows_foreign_text_as_text(shop, order_no):
    link = shop.open(order_no + "1", subject="<script>alert(1)</script>")
    page = shop.web.get(link.payload)
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text
    assert "支付</button>" in page.text
    assert "支付成功" in shop.web.post(link.payload, follow_redirects=True).text
    assert len(shop.payments) == 1


def test_the_way_back_is_a_web_address_or_nothing(shop, order_no):
    link = shop.open(order_no + "1", device="mobile", return_url="javascript:alert(1)")
    shop.web.post(link.payload)
    assert "javascript:" not in shop.web.get(link.payload).text


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hooks",
        "http://10.0.0.1/hooks",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "https://main.localhost/hooks",
        "ftp://localhost/",
        "http://localhost:99999/",
        "http://[::1",
        "",
    ],
)
def test_only_this_machine_is_called(url, monkeypatch):
    monkeypatch.setattr(notify.http.client, "HTTPConnection", None)
    status, why = notify.post(url, {}, b"")
    assert status is None
    assert why.startswith("refused")


def test_a_dead_listener_is_an_answer_that_never_came():
    assert notify.post("http://main.localhost:9/", {}, b"") == (None, "no answer: ConnectionRefusedError")


def test_the_books_outlive_a_restart_and_repeats_go_on(keys_folder, tmp_path, order_no):
    state = tmp_path / "books.json"
    with shops.running(keys_folder, state=state) as shop:
        shop.deaf = 1
        shop.open(order_no + "1")
        before = shop.pay(order_no)
    with shops.running(keys_folder, state=state, retry_scale=0.001) as shop:
        trade = shop.sandbox.books.find("wechat", order_no + "1")
        trade.notify_url = f"http://main.localhost:{shop.port}/hooks/wechat/m"
        shops.until(lambda: trade.acked)
        assert shop.pay(order_no)["transaction_id"] == before["transaction_id"]
        assert shop.books()["totals"]["wechat"] == {"payments": 1, "received_fen": 4950, "refunded_fen": 0}


def test_keys_are_private_and_stay_the_same_however_many_start(tmp_path):
    with ThreadPoolExecutor(4) as starters:
        found = list(starters.map(lambda _: keys.settings(tmp_path / "keys", "http://localhost:1"), range(4)))
    assert all(one == found[0] for one in found)
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 17
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert json.loads(json.dumps(found[0])) == found[0]


def test_the_programme_serves_saves_and_stops(tmp_path, keys_folder):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        failed = _start(port, keys_folder, tmp_path)
        assert failed.wait(20) == 1
        assert str(port) in failed.stderr.read()
        failed.stdout.close()
        failed.stderr.close()
    started = _start(port, keys_folder, tmp_path)
    try:
        assert str(port) in started.stdout.readline()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    finally:
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=20)
    assert (started.returncode, out, err) == (0, "", "")
    assert json.loads((tmp_path / "books.json").read_text()) == {"serial": 0, "trades": []}


def _start(port, keys_folder, folder):
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--keys", str(keys_folder)]
    command += ["--state", str(folder / "books.json")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
