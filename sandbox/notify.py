"""Sending notifications: rounds with planned faults, then the channel's own schedule until somebody acknowledges."""

import heapq
import http.client
import ipaddress
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

from .books import Books, Delivery, Refund, Trade
from .faults import Plan

_PATIENCE = 5.0  # seconds a channel waits for the answer
_SENDERS = 64
_ROUNDS = 16


@dataclass(frozen=True)
class Notice:
    """What a notification tells: a payment, or a refund of it."""

    trade: Trade
    refund: Refund | None = None

    @property
    def url(self) -> str:
        """Where it is told."""
        return (self.refund.notify_url if self.refund else "") or self.trade.notify_url


class Dialect(Protocol):
    """How a channel writes its notifications, and when it sends them again."""

    schedule: tuple[int, ...]

    def compose(self, notice: Notice, plan: Plan, *, now: int) -> tuple[dict[str, str], bytes]:
        """Headers and body, signed now."""

    def is_ack(self, status: int, body: str) -> bool:
        """Whether an answer ends the repeats."""


@dataclass
class Campaign:
    """One notification and its repeats."""

    notice: Notice
    plan: Plan
    repeats: int = 0
    acked: bool = False
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)


class Notifier:
    """Sends in a pool of threads; what has to wait is kept in one queue by time."""

    def __init__(
        self, books: Books, dialects: dict[str, Dialect], *, clock: Callable[[], int], scale: float
    ) -> None:
        self._books = books
        self._dialects = dialects
        self._clock = clock
        self._scale = scale
        self._senders = ThreadPoolExecutor(_SENDERS, "send")
        self._rounds = ThreadPoolExecutor(_ROUNDS, "round")
        self._waiting: list[tuple[float, int, Campaign]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        threading.Thread(target=self._watch, name="schedule", daemon=True).start()

    def announce(self, notice: Notice, plan: Plan) -> None:
        """Send the first round and wait for its answers, unless the plan delays it."""
        campaign = Campaign(notice, plan)
        if plan.delay_seconds:
            self._later(campaign, plan.delay_seconds)
        else:
            self._round(campaign)

    def announce_later(self, notice: Notice) -> None:
        """Send without waiting."""
        self._later(Campaign(notice, Plan()), 0)

    def resume(self) -> None:
        """Go on with what was not acknowledged before the last stop."""
        for trade in self._books.unannounced():
            self._again(Campaign(Notice(trade), Plan()))

    def stop(self) -> None:
        """Send nothing more; what is under way ends."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._rounds.shutdown(cancel_futures=True)
        self._senders.shutdown(cancel_futures=True)

    def _round(self, campaign: Campaign) -> None:
        first = campaign.repeats == 0
        copies = [self._senders.submit(self._send, campaign)]
        copies += [
            self._senders.submit(self._send, campaign)
            for _ in range(campaign.plan.concurrent if first else 0)
        ]
        for copy in copies:
            copy.result()
        for _ in range(campaign.plan.duplicate if first else 0):
            self._senders.submit(self._send, campaign).result()
        if not campaign.acked:
            self._again(campaign)

    def _again(self, campaign: Campaign) -> None:
        schedule = self._dialects[campaign.notice.trade.channel].schedule
        if campaign.repeats < len(schedule):
            pause = schedule[campaign.repeats] * self._scale
            campaign.repeats += 1
            self._later(campaign, pause)

    def _send(self, campaign: Campaign) -> None:
        notice, now = campaign.notice, self._clock()
        dialect = self._dialects[notice.trade.channel]
        status, body = None, "lost on purpose"
        if next(campaign.numbers) >= campaign.plan.drop:
            plan = Plan() if campaign.repeats else campaign.plan
            told = replace(notice, trade=_foreign(notice.trade)) if plan.wrong_merchant else notice
            headers, content = dialect.compose(told, plan, now=now)
            status, body = post(notice.url, headers, content)
        acked = status is not None and dialect.is_ack(status, body)
        if acked:
            campaign.acked = True
        kind = "refund" if notice.refund else "payment"
        self._books.note(notice.trade, Delivery(now, kind, status, body[:200], acked))

    def _later(self, campaign: Campaign, seconds: float) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._order), campaign))
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                pause = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if not self._stopped and (pause is None or pause > 0):
                    self._changed.wait(pause)
                if self._stopped:
                    return
                if not self._waiting or self._waiting[0][0] > time.monotonic():
                    continue
                campaign = heapq.heappop(self._waiting)[2]
            self._rounds.submit(self._round, campaign)


def _foreign(trade: Trade) -> Trade:
    """The same trade, paid to somebody else."""
    return replace(trade, merchant=trade.merchant[::-1])


def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int | None, str]:
    """Send to this machine, whatever its *.localhost name; no status if nothing came back."""
    try:
        where = urlsplit(url)
        address, port = _loopback(where.hostname or ""), where.port or 80
        if where.scheme != "http":
            raise ValueError("only http is spoken here")
    except ValueError as error:
        return None, f"refused: {error}"
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    link = http.client.HTTPConnection(address, port, timeout=_PATIENCE)
    try:
        link.request("POST", target, body, {**headers, "Host": where.netloc})
        answer = link.getresponse()
        return answer.status, answer.read(1 << 16).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return None, f"no answer: {type(error).__name__}"
    finally:
        link.close()


def _loopback(host: str) -> str:
    """The address to call. Raises ValueError for anything that is not this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not this machine")
    return host
