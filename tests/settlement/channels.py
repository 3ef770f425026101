"""The real gateways over the sandbox's channels in this process: real signatures and books, no sockets."""

from dataclasses import dataclass, field

from chalicelib.kit import outbound
from chalicelib.payments import gateways
from sandbox import keys
from sandbox.alipay import Alipay
from sandbox.books import Books
from sandbox.exchange import Request
from sandbox.faults import Faults
from sandbox.wechat import WeChat

BASE = "http://sandbox"
CHANNELS = ("wechat", "alipay")


@dataclass
class Channels:
    """What the channels hold. `lost` and `dead`: answers that get lost, and calls that never leave."""

    world: object
    folder: object
    books: Books = field(default_factory=Books)
    faults: Faults = field(default_factory=Faults)
    lost: int = 0
    dead: int = 0
    calls: list = field(default_factory=list)

    def __post_init__(self):
        own = keys.load(self.folder)
        self.served = {
            "/v3/": WeChat(own, self.books, self.faults, cashier=lambda trade: trade.token),
            "/gateway.do": Alipay(
                own, self.books, self.faults, cashier=lambda trade: trade.token, tell=lambda _: None
            ),
        }
        self.settings = keys.settings(self.folder, BASE)

    def connect(self, monkeypatch):
        """Let whoever is set up with these channels' settings talk to them; others stay as they are."""
        real = {name: gateways.GATEWAYS.get(name) for name in CHANNELS}
        built = {name: gateways._channel(name) for name in CHANNELS}

        def chosen(name):
            return lambda settings: (built if "base_url" in settings else real)[name](settings)

        for name in CHANNELS:
            monkeypatch.setitem(gateways.GATEWAYS, name, chosen(name))
        monkeypatch.setattr(outbound, "call", self.call)

    def call(self, method, url, *, headers, body=b"", seconds=5.0, largest=0):
        target = url.removeprefix(BASE)
        self.calls.append((method, target.split("?")[0]))
        if self.dead:
            self.dead -= 1
            raise outbound.NotSent("dead")
        lower = {name.lower(): value for name, value in headers.items()} | {"host": "sandbox"}
        served = next(each for start, each in self.served.items() if target.startswith(start))
        answer = served.answer(Request(method, target, lower, body), now=self.world.now)
        if self.lost:
            self.lost -= 1
            raise outbound.Unknown("lost")
        return outbound.Reply(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body
        )

    def pay(self, order):
        """Somebody pays an order whose pay page was opened; the channel's own id."""
        trade = self.trade(order)
        self.books.pay(trade, now=self.world.now, even_closed=False)
        return trade.transaction_id

    def trade(self, order):
        return self.books.find(order.channel, order.attempt.out_trade_no(order.number))

    def given(self, order):
        """What each account got of a payment by the channel's own books."""
        found = {}
        for split in self.trade(order).splits:
            for share in split.shares:
                if share.state == "success":
                    left = share.amount_fen - share.taken_back_fen
                    found[share.account] = found.get(share.account, 0) + left
        return found

    def is_frozen(self, order):
        """Whether the channel still keeps the rest of a payment from its merchant."""
        trade = self.trade(order)
        return trade.splitting and not any(split.finish for split in trade.splits)
