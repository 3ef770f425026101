"""Ask for bills, have every site compare its part, close the days; show them, and do one again.

The main part downloads a bill and keeps it by site; a message per site compares that site's part with that site's
own credentials. A book is closed when every part is in and nothing waits: its totals are the sums of the parts.
"""

import msgspec

from chalicelib.cases import service as cases
from chalicelib.kit import clock, errors, log, outbound, queue, tenant
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.payments.service import BillRow
from chalicelib.settlement import service as settlement
from chalicelib.tenancy import service as tenancy

from . import bills, rules
from .bills import Book, find, of_month, parse_name, rows_of
from .comparing import compare, lines_of, results
from .model import ResultRow
from .rules import CLASSES, Clearing, Line
from .telling import list_of

__all__ = [
    "CLASSES",
    "BillRow",
    "Book",
    "Clearing",
    "Line",
    "compare",
    "find",
    "list_of",
    "of_month",
    "parse_name",
]

KIND = "bill"  # of its cases


def ask_all(*, now: int) -> int:
    """Ask for every book of the last days that is not closed, and for older ones done again; how many."""
    settlement.drive_all()
    months = dict.fromkeys(clock.day_of(now - back * clock.DAY)[:6] for back in (0, 28))
    known = {book.name: book.state for month in months for book in of_month(month)}
    names = [
        bills.name_of(day, channel, merchant)
        for day in rules.days_to_ask(now)
        for channel, merchant in _accounts()
    ]
    open_ = [name for name in dict.fromkeys([*names, *known]) if known.get(name) != "closed"]
    return queue.send_all("reconcile", ({"site": tenant.MAIN, "book": name} for name in open_))


def drive(name: str, *, now: int, again: bool = False) -> str:
    """Take a book one step further; its state. `again` asks for the bill once more, whatever was done."""
    book = find(name)
    if again or book is None or book.digest in ("", bills.NONE):
        _fetch(name, book, now)
        book = find(name)
    if book is None or not book.digest or book.state in ("closed", "damaged"):
        return book.state if book else ""
    return _go_on(book, now, again=again)


def ask_again(name: str) -> None:
    """Have a book's bill downloaded and compared once more. Raises NotFound."""
    if parse_name(name)[1:] not in _accounts():
        raise errors.NotFound
    queue.send("reconcile", site=tenant.MAIN, book=name, again=True)


def lines(book: Book) -> dict[str, list[Line]]:
    """What did not simply match, by site."""
    found = {site: lines_of(row) for site, row in results(book.name).items() if row.digest == book.digest}
    return {site: each for site, each in sorted(found.items()) if each}


def parts(book: Book) -> dict[str, tuple[dict[str, list[int]], Clearing, int]]:
    """Counts, clearing and adjusted fees of every site's part."""
    return {
        site: (dict(row.counts), _clearing(row), row.adjusted_fen)
        for site, row in sorted(results(book.name).items())
        if row.digest == book.digest
    }


def rows(book: Book) -> list[BillRow]:
    """The bill as it is kept."""
    return list(rows_of(book.name, book.digest)) if book.digest else []


def _fetch(name: str, book: Book | None, now: int) -> None:
    """Download a bill and keep it by site. One that is not there by evening counts as empty until it comes."""
    day, channel, merchant = parse_name(name)
    try:
        bill = payments.gateway(channel, merchant).download_bill(day, now=now)
        if bill.rows and all(row.merchant != merchant for row in bill.rows):
            raise payments.Damaged("the bill is another merchant's")
    except payments.Unready:
        bills.note(name, "unready", text="", now=now)
        if rules.is_missed(day, now) and (book is None or not book.digest):
            _keep(name, bills.NONE, (), now)
    except (payments.Damaged, payments.Declined, outbound.NotSent, outbound.Unknown) as error:
        log.alarm("reconciliation.bill_damaged", book=name, why=str(error)[:200])
        bills.note(name, "damaged", text=str(error), now=now)
        if rules.is_missed(day, now):
            _open(
                name,
                "账单下载不下来",
                "到渠道后台确认账单能否下载，再在对账页点「重新对账」。",
                str(error),
                now,
            )
    else:
        _keep(name, bill.digest, bill.rows, now)


def _keep(name: str, digest: str, found: tuple[BillRow, ...], now: int) -> None:
    _, channel, merchant = parse_name(name)
    own = [row for row in found if row.merchant == merchant]
    if len(own) < len(found):
        text = f"{len(found) - len(own)} 行"
        _open(name, "账单里有别的商户号的行", "这些行没有计入对账；请渠道更正账单。", text, now)
    bills.keep(name, digest, own, set(_sites(channel, merchant)), now=now)


def _go_on(book: Book, now: int, *, again: bool) -> str:
    """Have the parts compared that are missing, or have waited for a while, or close the book."""
    have = results(book.name)
    sites = [tenant.MAIN, *_sites(book.channel, book.merchant)]
    fresh = {site for site in sites if site in have and have[site].digest == book.digest}
    open_ = [site for site in sites if again or site not in fresh or have[site].waits]
    due = (one for one in open_ if again or one not in fresh or rules.is_rested(book.day, have[one].at, now))
    queue.send_all("reconcile", ({"site": one, "book": book.name, "digest": book.digest} for one in due))
    if not open_ and book.digest == bills.NONE and not rules.is_last(book.day, now):
        return book.state  # it may still come
    if not open_:
        return _close(book, {site: have[site] for site in fresh}, now)
    state = "comparing" if len(fresh) < len(sites) else "waiting"
    bills.move(book, state, now=now)
    return state


def _close(book: Book, have: dict[str, ResultRow], now: int) -> str:
    """Add the parts up, post what the channel settles to the bank, and say what nobody can explain."""
    clearing = rules.add(map(_clearing, have.values()))
    totals = {
        "counts": rules.total(row.counts for row in have.values()),
        "clearing": msgspec.to_builtins(clearing),
        "healed": sum(row.healed for row in have.values()),
        "adjusted_fen": sum(row.adjusted_fen for row in have.values()),
        "unexplained_fen": clearing.unexplained_fen,
    }
    _post_settlement(book)
    if clearing.unexplained_fen:
        log.alarm("reconciliation.unexplained", book=book.name, amount_fen=clearing.unexplained_fen)
        action = "账面与账单的差额没有对应的单据：先核对这一天的凭证，再决定调整。"
        _open(book.name, "有解释不了的差额", action, f"{clearing.unexplained_fen / 100:.2f} 元", now)
    if book.digest == bills.NONE and rules.SHORT in totals["counts"]:
        _open(
            book.name, "账单一直没有出来", "到渠道后台确认这一天的账单，再在对账页点「重新对账」。", "", now
        )
    if bills.move(book, "closed", now=now, totals=totals):
        fits_nothing = abs(clearing.unmatched_fen) + abs(clearing.unexplained_fen)
        counted = {"BillFen": abs(clearing.bill_fen), "UnmatchedFen": fits_nothing}
        log.measure("reconciliation.closed", counted, book=book.name)
    return "closed"


def _post_settlement(book: Book) -> None:
    """The channel pays out what the bill says; of a corrected bill only the difference. Main's merchants only."""
    if payments.owner_of(book.channel, book.merchant) != tenant.MAIN:
        return
    number, day = f"{book.channel}{book.merchant}{book.day}", book.day
    before = [one for one in ledger.journals_of(tenant.MAIN, day, number) if one.event.startswith("settled-")]
    posted = ledger.totals(one.legs for one in before)
    legs = [(account, fen - posted.get(account, 0)) for account, fen in _to_bank(book).items()]
    if any(fen for _, fen in legs):
        at, event = clock.day_start(day) + clock.DAY - 1, f"settled-{len(before)}"
        ledger.post(tenant.MAIN, day, number, event, legs, at=at, about=book.name)


def _to_bank(book: Book) -> dict[str, int]:
    """What a bill moves to the bank: payments without refunds and fees."""
    found = rows(book)
    moved = sum(rules.signed(row.kind, row.amount_fen) for row in found)
    fee = sum(row.fee_fen for row in found)
    accounts = (f"fee_accrued:{book.channel}", fee), (f"clearing:{book.channel}", -moved)
    return {"bank:main": moved - fee, **dict(accounts)}


def _accounts() -> list[tuple[str, str]]:
    """Every channel and merchant that somebody was ever paid to."""
    return [(one.channel, one.merchant) for one in payments.all_merchants()]


def _sites(channel: str, merchant: str) -> list[str]:
    """The sites whose orders a merchant may collect for: its owner's alone, or all that have a table.

    A bill is kept by site once and for all, so none may be missing.
    """
    owner = payments.owner_of(channel, merchant)
    live = [site.site for site in tenancy.sites(fresh=True) if site.stands]
    return live if owner == tenant.MAIN else [site for site in live if site == owner]


def _clearing(row: ResultRow) -> Clearing:
    return Clearing(**{name: int(fen) for name, fen in row.clearing.items()})


def _open(name: str, why: str, action: str, found: str, now: int) -> None:
    day, channel, merchant = parse_name(name)
    facts = {"channel": channel, "merchant": merchant, "day": day, "found": found}
    cases.open(KIND, f"{name}#{why}", why=why, facts=facts, action=action, now=now)
