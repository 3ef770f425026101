"""A party's statement as page, CSV and PDF."""

import csv
import io
import re
import shutil
import subprocess

import pytest

from chalicelib.kit import clock, table, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payouts import service as payouts
from chalicelib.web.console import account, paper
from tests import make

from .conftest import page

PLACE = "/console/account"


def move(party, fen, *, days=0, event="release", **parts):
    flow = ledger.Flow(make.NOON - days * clock.DAY, event, f"2026112{days}#1", available=fen, parts=parts)
    with tenant.acting_for(tenant.MAIN), table.Together(tenant.MAIN, "") as write:
        ledger.move(write, party, flow, floor=False)


@pytest.fixture
def moved(shop):
    """100 yuan less fee two days ago, a refund of 30 today."""
    move(shop.site, 9_940, days=2, sale=10_000, fee=-60)
    move(shop.site, -3_000, refund=-3_000)
    return shop


def test_a_period_says_what_came_and_went_and_what_is_there(owner, moved):
    shown = page(owner.get(f"{PLACE}?first=2026-11-20&last=2026-11-23"))
    for said in ("+¥100.00", "−¥0.60", "−¥30.00", "¥69.40"):
        assert said in shown
    today = page(owner.get(f"{PLACE}?first=2026-11-23&last=2026-11-23"))
    assert "¥99.40" in today
    assert "¥69.40" in today
    assert "这段时间余额没有变动" in page(owner.get(f"{PLACE}?first=2026-01-01&last=2026-01-02"))


def test_a_period_is_one_tap_away(owner, moved):
    shown = page(owner.get(PLACE))
    spans = dict(re.findall(r'first=(\d+)&amp;last=\d+"[^>]*>(\S\S)<', shown))
    assert spans == {"20261123": "本周", "20261122": "昨天", "20261101": "本月", "20261001": "上月"} | spans
    assert owner.get(f"{PLACE}?first=2026-01-01").status_code == 400


def test_owners_read_their_own_and_staff_that_of_everybody(owner, staff, moved):
    assert "+¥100.00" in page(owner.get(f"{PLACE}?party=zzzz"))
    assert "+¥100.00" in page(staff.get(f"{PLACE}?party={moved.site}"))
    assert staff.get(f"{PLACE}?party=zzzz").status_code == 404
    assert staff.get(f"{PLACE}?party=dist:none").status_code == 404


def test_the_file_has_every_line_between_the_balances(owner, moved):
    answer = owner.get(f"{PLACE}/csv?first=20261120&last=20261123")
    assert answer.headers["Content-Disposition"].endswith(f'-{moved.site}-20261120-20261123.csv"')
    rows = list(csv.reader(io.StringIO(page(answer).removeprefix("\ufeff"))))
    assert [row[4] for row in rows[1:]] == ["0.00", "99.40", "69.40", "69.40"]
    assert rows[2][5:8] == ["100.00", "-0.60", ""]


def test_the_paper_is_text_from_end_to_end_and_says_the_same(owner, moved, tmp_path):
    answer = owner.get(f"{PLACE}/pdf?first=20261120&last=20261123")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.body.startswith(b"%PDF-")
    assert answer.body.isascii()
    if not shutil.which("pdftotext"):
        pytest.skip("NO PDFTOTEXT ON THIS MACHINE: the paper was not read")
    (tmp_path / "a.pdf").write_bytes(answer.body)
    command = ["pdftotext", "-layout", tmp_path / "a.pdf", "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for said in (
        "账户对账单",
        "销售所得",
        "100.00",
        "-0.60",
        "-30.00",
        "期末余额",
        "69.40",
        "2026-11-20 至 2026-11-23",
    ):
        assert said in told


def test_a_long_statement_goes_over_pages_and_a_hostile_name_is_only_a_name():
    lines = tuple(payouts.Line(make.NOON + n, "release", "20261123#1", {}, 1, n) for n in range(200))
    found = payouts.Statement("p", "20261123", "20261123", 0, lines, {"sale": 200}, 200, 0, 0, 0)
    text = paper.pdf(found, "<b>&a", parts=account.PARTS, named=account.named, now=make.NOON)
    assert text.count("/Type /Page\n") + text.count("/Type /Page ") >= 4
    assert text.isascii()
