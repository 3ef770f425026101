"""The main site's own rows after its table was restored: the list of orders, accounts, and what a bank was told."""

import contextlib
from collections.abc import Iterable, Iterator

from chalicelib.cases import service as cases
from chalicelib.kit import errors, tenant
from chalicelib.orders import service as orders
from chalicelib.payouts import service as payouts
from chalicelib.settlement import service as settlement

from .rules import Evidence, Line

KIND = "restore"
_HOUR = 3600
_LISTED_AT_ONCE = 10
_SETTLED = "数据恢复前已结案，原说明见日志。"


def list_orders(found: Evidence, *, now: int) -> None:
    """Have the list of all orders name those again that were listed in the lost span."""
    for first in range(0, len(found.listed), _LISTED_AT_ONCE):
        orders.add_to_feed(found.listed[first : first + _LISTED_AT_ONCE], now=now)


def open_cases(found: Evidence, *, now: int) -> None:
    """Open the cases again that were opened in the lost span, and settle those that somebody had settled."""
    with tenant.acting_for(tenant.MAIN):
        for told in found.cases:
            kind, key = told["kind"], told["key"]
            if told["message"] == "cases.opening":
                cases.open(kind, key, why=told["why"], facts=told["facts"], action=told["action"], now=now)
                continue
            with contextlib.suppress(errors.NotFound):  # opened before the log begins, and lost: none of ours
                cases.settle(kind, key, staff=told["staff"], note=_SETTLED, now=now)


def close_windows(sites: Iterable[str], *, since: int, now: int) -> None:
    """Release once more what was released in the lost span: only differences are posted."""
    for site in sites:
        with tenant.acting_for(site):
            for at in _hours(since, now):
                settlement.close_windows(site, now=at)


def send_again(found: Evidence, *, now: int) -> int:
    """Write payouts down again that a bank may have been told of; how many were lost. What cannot be is a case."""
    lost = 0
    files: dict[str, list[tuple[str, str]]] = {}
    with tenant.acting_for(tenant.MAIN):
        for (party, name), told in found.payouts.items():
            lost += _sent(party, name, told, now)
            files.setdefault(told["via"], []).append((party, name))
        for day, names in files.items():
            if day != "transfer":
                payouts.files.name_again(day, names, now=now)
    return lost


def _sent(party: str, name: str, told: Line, now: int) -> bool:
    what = {key: told[key] for key in ("fen", "source", "payee", "via")}
    try:
        return payouts.sent_before(party, name, **what, now=now)
    except (payouts.BadAmount, payouts.NotPayable, errors.Conflict) as refused:
        facts = {"party": party, "payout": name, "amount_fen": str(told["fen"]), "found": refused.code}
        why, action = (
            "银行可能已付的一笔打款无法补记",
            "先停止给这个收款方打款，向银行查这个编号，再由财务补记。",
        )
        cases.open(KIND, name, why=why, facts=facts, action=action, now=now)
        return True


def _hours(since: int, now: int) -> Iterator[int]:
    yield from range(since // _HOUR * _HOUR + _HOUR // 2, now, _HOUR)
    yield now
