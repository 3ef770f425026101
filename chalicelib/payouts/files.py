"""Payouts by a file that a person takes to the bank: one for each business day, and the bank's answer to it.

Which payouts a day's file names is fixed when the file is made; only then are they sent. The same file again is the
same to the byte, so taking it to the bank once a day pays nothing twice. The bank's answer is believed line by line.
"""

import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.kit import clock, config, errors, log, money, table, tenant

from . import book, calendar, payees, sending, trouble
from .adapters import Result
from .book import Payout
from .model import FILES, FileRow

HEADINGS = ("客户流水号", "收款户名", "收款账号", "收款开户行", "金额", "用途")
ANSWERED = ("客户流水号", "金额", "结果", "原因")
STATES = {"成功": "success", "失败": "failed", "退票": "returned", "退汇": "returned"}
MOST = 2000  # payouts in a file
_UNSAFE = re.compile(r"[\x00-\x1f\x7f,\"]")


@dataclass(frozen=True)
class File:
    """A day's file."""

    day: str
    names: tuple[tuple[str, str], ...]
    at: int
    made_by: str


@dataclass(frozen=True)
class Line:
    """What became of one line of the bank's answer: a state, or why it was not believed."""

    number: int
    id: str
    outcome: str  # "success" | "failed" | "returned" | "again" | "wrong"
    why: str = ""


def waiting() -> list[Payout]:
    """Agreed payouts that the next file will name."""
    agreed = book.many((each.party, each.id) for each in book.open_list())
    return [payout for payout in agreed if payout.state == "approved"][:MOST]


def make(*, by: str, now: int) -> File:
    """Make today's file, or find it; everything it names is sent. Raises BadDay, Invalid where nothing waits."""
    day = clock.day_of(now)
    if config.load().payout_via != "file" or not calendar.is_business(day):
        raise errors.Invalid("Banks do not pay today.")
    found = _file(day)
    if found is None:
        found = _fix(day, by, now)
    _send_all(found, now)
    return found


def of_day(day: str) -> File:
    """A day's file. Raises NotFound."""
    found = _file(day)
    if found is None:
        raise errors.NotFound
    return found


def all_files(*, limit: int = 60) -> list[File]:
    """The files, newest first."""
    rows = FileRow.of(tenant.MAIN).under(FILES, newest_first=True, limit=limit, consistent=True)
    return [_kept(row) for row in rows]


def payouts_of(file: File) -> list[Payout]:
    """What a file really sends: of what it names, whatever was not given back before."""
    return [payout for payout in book.many(file.names) if payout.via == file.day]


def text(file: File, *, now: int) -> bytes:
    """The file as banks take it: CSV in GBK, amounts in yuan, a sum in the last line."""
    _send_all(file, now)
    sent = payouts_of(file)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(HEADINGS)
    for payout in sent:
        to = payees.account(payout.party, payout.payee)
        clean = [_UNSAFE.sub(" ", part) for part in (to.name, to.number, to.bank)]
        lines.writerow([payout.id, *clean, money.yuan(payout.fen), "货款结算"])
    lines.writerow(["合计", f"{len(sent)}笔", "", "", money.yuan(sum(payout.fen for payout in sent)), ""])
    return out.getvalue().encode("gb18030")


def read_answer(file: File, answer: str, *, by: str, now: int) -> list[Line]:
    """Believe the bank's answer to a file, line by line; a line that was believed before changes nothing."""
    known = {payout.id: payout for payout in payouts_of(file)}
    report = [_believe(number, cells, known, now) for number, cells in _rows(answer)]
    wrong = sum(line.outcome == "wrong" for line in report)
    log.event("payouts.answer_read", day=file.day, by=by, lines=len(report), wrong=wrong)
    return report


def _rows(answer: str) -> Iterator[tuple[int, list[str]]]:
    lines = csv.reader(io.StringIO(answer.removeprefix("\ufeff")), strict=True)
    try:
        for number, cells in enumerate(lines, 1):
            stripped = [cell.strip() for cell in cells]
            if number > MOST + 2:
                raise errors.Invalid("There are too many lines.")
            if number == 1 and tuple(stripped[:4]) != ANSWERED:
                raise errors.Invalid("The first line must name the columns.")
            if number > 1 and any(stripped) and stripped[0] != "合计":
                yield number, stripped
    except csv.Error:
        raise errors.Invalid("This is no CSV file.") from None


def _believe(number: int, cells: list[str], known: dict[str, Payout], now: int) -> Line:
    name = cells[0][:32]
    payout = known.get(name)
    if len(cells) < 3 or payout is None:
        return Line(number, name, "wrong", "这个文件里没有这笔付款")
    state = STATES.get(cells[2], "")
    try:
        fen = money.fen(cells[1].replace(",", ""))
    except ValueError:
        fen = -1
    if not state or fen != payout.fen:
        return Line(number, name, "wrong", "结果无法识别" if not state else "金额不符")
    return _settle(number, payout, Result(name, fen, state, "".join(cells[3:4])[:200]), known, now)


def _settle(number: int, payout: Payout, result: Result, known: dict[str, Payout], now: int) -> Line:
    if payout.state == result.state:
        return Line(number, payout.id, "again")
    try:
        known[payout.id] = sending.settle(payout, result, now=now)
    except errors.Conflict:
        trouble.contradicts(payout, result, now=now)
        return Line(number, payout.id, "wrong", "与已登记的结果矛盾，请向银行核实")
    return Line(number, payout.id, result.state, result.reason)


def _fix(day: str, by: str, now: int) -> File:
    names = [[payout.party, payout.id] for payout in waiting()]
    if not names:
        raise errors.Invalid("Nothing waits to be paid.")
    row = FileRow.of(tenant.MAIN)(FILES, day, names=names, at=now, made_by=by)
    try:
        return _kept(row.insert())
    except table.Refused as refused:
        return _kept(refused.row)


def name_again(day: str, names: Iterable[tuple[str, str]], *, now: int) -> None:
    """Have a day's file name payouts (party, id) that a bank has been told of, where the table has lost the file."""
    row = FileRow.of(tenant.MAIN)(FILES, day, names=[list(each) for each in names], at=now, made_by="restore")
    with contextlib.suppress(table.Refused):
        row.insert()


def _send_all(file: File, now: int) -> None:
    """Send what a file names; what was given back before it could be sent stays out of it."""
    for payout in book.many(file.names):
        if payout.state != "approved" or payout.via:
            continue
        try:
            book.move(payout, "sent", now=now, due=now + clock.DAY, verified=True, via=file.day)
        except errors.Conflict:
            _give_back(payout, now)


def _give_back(payout: Payout, now: int) -> None:
    """Its account is not verified any more, or somebody was faster."""
    fresh = book.get(payout.party, payout.id)
    if fresh.state == "approved":
        book.move(fresh, "rejected", now=now, note="收款账户已变更，请重新申请")


def _file(day: str) -> File | None:
    row = FileRow.of(tenant.MAIN).read(FILES, day)
    return _kept(row) if row else None


def _kept(row: FileRow) -> File:
    return File(row.sk, tuple((party, name) for party, name in row.names), row.at, row.made_by)
