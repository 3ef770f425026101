"""A site's part of a book: compared, healed where the channel confirms, told as cases where it does not.

Everything it does may be done again: payments are accepted once, fees are adjusted once, cases are opened once, and
the result is written whole, over the one that stood before it.
"""

import contextlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from chalicelib.cases import service as cases
from chalicelib.checkout import service as checkout
from chalicelib.kit import errors, log, outbound, queue, table, tenant, worker
from chalicelib.payments import service as payments
from chalicelib.payments.service import BillRow

from . import bills, nobodys, ours, rules
from .model import ResultRow
from .ours import Account, Ours
from .rules import Clearing, Line

KIND = "difference"  # of its cases
SYSTEM = "系统"  # who settles a case that a corrected bill made groundless
_MOST_HEALED = 100  # payments accepted in one run
_MOST_DOUBTED = 50  # rows the channel does not confirm, after which a run asks no more
_MOST_KEPT = 5000  # lines of a result
_SAID = {
    rules.LONG: ("账单多出一笔，本平台没有", "在渠道后台查这笔交易；不是我们的，退回或请渠道更正账单。"),
    rules.SHORT: ("本平台有一笔，账单里没有", "在渠道后台按商户订单号查询；确实没有到账的，联系渠道。"),
    rules.AMOUNT: ("金额与账单不一致", "以渠道后台的交易详情为准，查明原因后由财务调整。"),
    rules.STATE: ("渠道已退款，本平台没有记上", "打开订单看退款进度，核对后再结案。"),
    rules.DUPLICATE: ("同一笔在账单里出现两次", "联系渠道确认；等更正后的账单再对一次。"),
}


def compare(site: str, name: str, digest: str, *, now: int) -> list[Line]:
    """Compare a site's part of a book; main's is what is nobody's. Raises TryLater where more is to be healed."""
    book = bills.find(name)
    if book is None or book.digest != digest:
        return []  # another bill came, and its own messages
    account = (book.channel, book.merchant)
    rows = list(bills.rows_of(name, digest, site))
    gather = nobodys.gather if site == tenant.MAIN else ours.gather
    found = gather(site, book.day, account, rows)
    healed = _heal(account, rows, found, now)
    if healed:
        found = gather(site, book.day, account, rows)
    healed |= {line.key for line in _before(name, site) if line.healed}
    lines = rules.compare(rows, found.claims, found.expected, _elsewhere(name, site, rows, found))
    lines = [_judged(line, row_of(rows, line), account, healed) for line in lines]
    lines = rules.waiting(lines, last=rules.is_last(book.day, now))
    adjusted = _adjust(site, book.day, lines, found)
    clearing = rules.clearing(lines, found.claims, found.posted)
    _drive_on(site, lines)
    before = _keep(site, book, lines, clearing, adjusted, now)
    _tell(site, book, lines, before, now)
    return lines


def results(name: str) -> dict[str, ResultRow]:
    """What was kept of a book so far, by site."""
    return {row.sk: row for row in ResultRow.of(tenant.MAIN).under(f"COMPARED#{name}", consistent=True)}


def lines_of(row: ResultRow) -> list[Line]:
    """The lines of a result that did not simply match."""
    return msgspec.json.decode(zlib.decompress(row.lines), type=list[Line])


def row_of(rows: Sequence[BillRow], line: Line) -> BillRow | None:
    """The row of a line that is long; None for any other, which nobody asks for."""
    if line.name != rules.LONG:
        return None
    return next(row for row in rows if rules.key_of(row) == line.key)


def _before(name: str, site: str) -> list[Line]:
    """The lines that a site's part had so far."""
    row = ResultRow.of(tenant.MAIN).read(f"COMPARED#{name}", site)
    return lines_of(row) if row else []


def _heal(account: Account, rows: Sequence[BillRow], found: Ours, now: int) -> set[str]:
    """Accept every payment that only the bill has and the channel confirms; their keys."""
    healed: set[str] = set()
    doubted = 0
    for row in rows:
        key = rules.key_of(row)
        known = row.kind == "refund" or key in found.claims or key in healed
        if known or doubted >= _MOST_DOUBTED or nobodys.in_suspense(account, row):
            continue
        if len(healed) >= _MOST_HEALED:
            raise worker.TryLater("more is to be healed")
        paid = _confirmed(account, row, now)
        if paid is None:
            doubted += 1
            continue
        checkout.accept_payment(paid, now=now)
        log.event("reconciliation.healed", channel=account[0], amount_fen=row.amount_fen)
        healed.add(key)
    return healed


def _confirmed(account: Account, row: BillRow, now: int) -> payments.Payment | None:
    """The payment of a row as the channel vouches for it; None where it does not. Raises TryLater."""
    try:
        paid = payments.gateway(*account).query(row.out_trade_no, now=now)
    except payments.Declined:
        return None
    except (outbound.NotSent, outbound.Unknown) as error:
        raise worker.TryLater("the channel does not answer") from error
    same = paid is not None and (paid.transaction_id, paid.amount_fen) == (row.transaction_id, row.amount_fen)
    return paid if same else None


def _elsewhere(name: str, site: str, rows: Sequence[BillRow], found: Ours) -> set[str]:
    """Keys in the bills of the days around, read only where something is missing."""
    if found.expected <= {rules.key_of(row) for row in rows}:
        return set()
    days = rules.neighbours(bills.parse_name(name)[0])
    return {rules.key_of(row) for row in bills.rows_of_days(name, site, days)}


def _judged(line: Line, row: BillRow | None, account: Account, healed: set[str]) -> Line:
    """Healed is what this run accepted, and what waits in suspense with a case of its own."""
    own_case = row is not None and nobodys.in_suspense(account, row)
    return replace(line, healed=own_case or line.key in healed)


def _adjust(site: str, day: str, lines: Iterable[Line], found: Ours) -> int:
    """Have the books follow the bill's fees, also where an earlier bill said otherwise; by how many fen in all."""
    known = (rules.MATCHED, rules.FEE, rules.AMOUNT, rules.STATE)
    wanted = {line.key: line.fee_fen for line in lines if line.name in known}
    for claim in found.claims.values():
        before = found.fees.get((claim.number, claim.fee_event), ours.Adjusted())
        if wanted.get(claim.key, 0) != before.fen:
            ours.adjust(site, day, claim, wanted.get(claim.key, 0), before)
    return sum(wanted.values())


def _drive_on(site: str, lines: Iterable[Line]) -> None:
    """A refund the channel has finished is asked for once more, so that we hear of it."""
    for number in sorted({line.number for line in lines if line.name == rules.STATE and line.waits}):
        queue.send("refund", site=site, order=number)


def _keep(
    site: str, book: bills.Book, lines: Sequence[Line], clearing: Clearing, adjusted: int, now: int
) -> list[Line]:
    """Write a result over the one before; the lines of that one. Raises TryLater where another run did just now."""
    key = (f"COMPARED#{book.name}", site)
    rows = ResultRow.of(tenant.MAIN)
    before = rows.read(*key)
    odd = [line for line in lines if line.name != rules.MATCHED or line.healed][:_MOST_KEPT]
    actions = [
        rows.digest.set(book.digest),
        rows.rev.set(before.rev + 1 if before else 1),
        rows.counts.set(rules.counts(lines)),
        rows.clearing.set(msgspec.to_builtins(clearing)),
        rows.lines.set(zlib.compress(msgspec.json.encode(odd))),
        rows.waits.set(sum(line.waits for line in lines)),
        rows.healed.set(sum(line.healed for line in lines)),
        rows.fee_fen.set(sum(line.fee_fen for line in lines)),
        rows.adjusted_fen.set(adjusted),
        rows.at.set(now),
    ]
    try:
        rows.change(*key, actions, rows.rev == before.rev if before else rows.pk.does_not_exist())
    except table.Refused:
        raise worker.TryLater("another run was faster") from None
    return lines_of(before) if before else []


def _tell(site: str, book: bills.Book, lines: Iterable[Line], before: Iterable[Line], now: int) -> None:
    """A case for each difference that nothing else will settle; those a corrected bill ended are settled."""
    wrong = {_case_key(book, line): line for line in lines if _needs_somebody(line)}
    for key in {_case_key(book, line) for line in before if _needs_somebody(line)} - wrong.keys():
        with contextlib.suppress(errors.NotFound):  # one of many, which had no case of its own
            cases.settle(KIND, key, staff=SYSTEM, note="再次对账已相符。", now=now)
    for name in _SAID:
        found = {key: line for key, line in wrong.items() if line.name == name}
        if len(found) > rules.MOST_CASES:
            _open_one(site, book, name, list(found.values()), now)
            continue
        for key, line in found.items():
            _open(site, book, key, line, now)


def _needs_somebody(line: Line) -> bool:
    return line.name in _SAID and not line.healed and not line.waits


def _case_key(book: bills.Book, line: Line) -> str:
    return f"{book.name}#{line.name}#{line.key}"


def _open(site: str, book: bills.Book, key: str, line: Line, now: int) -> None:
    why, action = _SAID[line.name]
    facts = {
        "channel": book.channel,
        "merchant": book.merchant,
        "day": book.day,
        "out_trade_no": line.out_trade_no,
        "transaction" if line.kind == "payment" else "out_refund_no": line.key.split(":", 1)[1],
        "amount_fen": str(line.bill_fen or line.our_fen),
    }
    if line.number:
        facts |= {"site": site, "order": line.number, "ours_fen": str(line.our_fen)}
    cases.open(KIND, key, why=why, facts=facts, action=action, now=now)


def _open_one(site: str, book: bills.Book, name: str, lines: Sequence[Line], now: int) -> None:
    """Hundreds of cases help nobody: the book has the list."""
    why, _ = _SAID[name]
    facts = {"channel": book.channel, "merchant": book.merchant, "day": book.day, "site": site}
    facts |= {"count": str(len(lines)), "amount_fen": str(sum(one.bill_fen or one.our_fen for one in lines))}
    action = "同类差异很多：先看账单是不是完整，再从对账页下载差异逐笔处理。"
    key = f"{book.name}#{name}#{site}"
    cases.open(KIND, key, why=f"{why}（共 {len(lines)} 笔）", facts=facts, action=action, now=now)
