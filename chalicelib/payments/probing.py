"""Try a merchant's settings on the channel itself, step by step, and say which of them is to blame.

The trial trade is of one fen, is shown to nobody and closed at once. What a channel answers to it names the fault;
where its word is ambiguous, the clock decides: signatures carry times.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from chalicelib.kit import ids, outbound, parameters, table, tenant
from chalicelib.orders import service as orders

from . import gateways, merchants
from .model import ProbeRow

STEPS = ("secrets", "reach", "clock", "query", "certificates", "product")
_SKEW = 120  # seconds by which the clocks may differ; channels refuse at 300
_TRADE_LIVES = 300  # seconds
_NO_CERTIFICATES = "RESOURCE_NOT_EXISTS"
_BLAMED = {  # by the channel's code: WeChat Pay, Alipay, e-CNY, UnionPay
    "SIGN_ERROR": "key",
    "APPID_MCHID_NOT_MATCH": "app",
    "MCH_NOT_EXISTS": "merchant",
    "NO_AUTH": "contract",
    "isv.invalid-signature": "key",
    "isv.invalid-app-id": "app",
    "isv.insufficient-isv-permissions": "contract",
    "ACQ.ACCESS_FORBIDDEN": "contract",
    "BAD_SIGN": "key",
    "NO_MERCHANT": "merchant",
    "NO_WALLET": "app",
    "NO_CONTRACT": "contract",
    "11": "key",
    "31": "merchant",
    "32": "contract",
}
_SAID = {  # by our own reason for not believing an answer
    "the seal is broken": "api_v3_key",
    "an unknown key serial": "channel_key",
    "the signature does not fit": "channel_key",
    "a certificate of another authority": "channel_key",
    "not a certificate": "channel_key",
}


@dataclass(frozen=True)
class Report:
    """How far a trial went. `fault`: what is to blame for the step after the passed ones, empty when all went well."""

    at: int
    passed: tuple[str, ...] = ()
    fault: str = ""
    said: str = ""  # in the channel's words
    skew: int = 0  # seconds by which our clock is ahead of the channel's


def probe(channel: str, merchant: str, *, now: int) -> None:
    """Try a merchant and keep the report. Raises NotFound."""
    found = report(channel, merchant, now=now)
    rows = ProbeRow.of(tenant.MAIN)
    told = [
        rows.at.set(found.at),
        rows.passed.set(list(found.passed)),
        rows.fault.set(found.fault),
        rows.said.set(found.said),
        rows.skew.set(found.skew),
    ]
    try:
        rows.change(f"PROBE#{channel}", merchant, told, rows.at.does_not_exist() | (rows.at <= found.at))
    except table.Refused:
        return  # a later trial was quicker


def reports() -> dict[tuple[str, str], Report]:
    """The newest report of every merchant that was tried, by channel and merchant."""
    rows = ProbeRow.of(tenant.MAIN)
    return {
        (channel, row.sk): _told(row)
        for channel in gateways.GATEWAYS
        for row in rows.under(f"PROBE#{channel}", consistent=True)
    }


def last_report(channel: str, merchant: str) -> Report | None:
    """The newest report of a merchant."""
    row = ProbeRow.of(tenant.MAIN).read(f"PROBE#{channel}", merchant)
    return _told(row) if row else None


def report(channel: str, merchant: str, *, now: int) -> Report:
    """Try a merchant's settings now. Raises NotFound."""
    trial = _Trial(channel, merchant, now)
    passed: list[str] = []
    for step in STEPS:
        try:
            getattr(trial, step)()
        except _Found as found:
            return Report(now, tuple(passed), found.fault, found.said[:300], trial.skew)
        passed.append(step)
    return Report(now, tuple(passed), skew=trial.skew)


class _Found(Exception):
    def __init__(self, fault: str, said: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.said = said


class _Trial:
    """One run of the steps; each raises _Found for what it finds."""

    def __init__(self, channel: str, merchant: str, now: int) -> None:
        self.skew = 0
        self._named = channel, merchant
        self._now = now
        self._number = f"{orders.make_number('test', ids.draw(11), now)}1"
        self._line: gateways.Gateway

    def secrets(self) -> None:
        """They are there and can be read."""
        try:
            self._line = merchants.fresh_gateway(*self._named)
        except parameters.Missing as error:
            raise _Found("missing_secret", str(error)) from None
        except (TypeError, ValueError) as error:
            raise _Found("settings", type(error).__name__) from None

    def reach(self) -> None:
        """The channel's host answers."""
        try:
            reply = outbound.call("GET", self._line.home, headers={"User-Agent": "cardmesh"})
        except (outbound.NotSent, outbound.Unknown) as error:
            raise _Found("reach", str(error)) from None
        self.skew = _skew(reply.headers.get("date", ""), self._now)

    def clock(self) -> None:
        """Ours and the channel's agree."""
        if abs(self.skew) > _SKEW:
            raise _Found("clock", f"{self.skew:+d} s")

    def query(self) -> None:
        """It knows us, and that there is no such trade."""
        self._ask(lambda: self._line.query(self._number, now=self._now))

    def certificates(self) -> None:
        """Its keys can be had and opened; a merchant that has its public key has no certificates."""
        try:
            self._ask(lambda: self._line.download_keys(now=self._now))
        except _Found as found:
            if not found.said.startswith(_NO_CERTIFICATES):
                raise

    def product(self) -> None:
        """It would let somebody pay."""
        charge = gateways.Charge(
            out_trade_no=self._number,
            amount_fen=1,
            subject="渠道测试",
            expires_at=self._now + _TRADE_LIVES,
            notify_url=merchants.notify_url(*self._named),
            device="pc",
        )
        self._ask(lambda: self._line.create(charge, now=self._now))
        self._ask(lambda: self._line.close(self._number, now=self._now))

    def _ask(self, act: Callable[[], object]) -> None:
        try:
            act()
        except gateways.Declined as error:
            raise _Found(_BLAMED.get(error.code, "declined"), str(error)) from None
        except outbound.NotSent as error:
            raise _Found("reach", str(error)) from None
        except outbound.Unknown as error:
            raise _Found(_SAID.get(str(error), "odd"), str(error)) from None
        except (TypeError, ValueError) as error:
            raise _Found("unreadable_key", type(error).__name__) from None


def _told(row: ProbeRow) -> Report:
    return Report(int(row.at), tuple(row.passed), row.fault, row.said, int(row.skew))


def _skew(date: str, now: int) -> int:
    try:
        return now - int(parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp())
    except (TypeError, ValueError):
        return 0
