"""Parts of payments for others: who may get them, how much, what becomes of them, and taking them back."""

from .books import Books, Clash, Return, Split, Trade
from .faults import Faults

CAP_BPS = 3000  # of a payment, all its splits together


class Sharing:
    """One channel's."""

    def __init__(self, books: Books, faults: Faults) -> None:
        self._books = books
        self._faults = faults
        self._receivers: dict[str, str] = {}  # names by account

    def add_receiver(self, account: str, name: str) -> None:
        """From now on they may get parts."""
        self._receivers[account] = name

    def remove_receiver(self, account: str) -> bool:
        """They get none any more; False: they never did."""
        return self._receivers.pop(account, None) is not None

    def receivers(self) -> list[str]:
        """Who may get parts."""
        return list(self._receivers)

    def split(self, trade: Trade, asked: Split) -> Split:
        """The split of that number. Raises Clash."""
        with self._books.changing():
            known = next((split for split in trade.splits if split.number == asked.number), None)
            if known:
                if _amounts(known) != _amounts(asked):
                    raise Clash("differs")
                return known
            if self.find_anywhere(trade.channel, asked.number):
                raise Clash("differs")
            self._check(trade, asked)
            for share in asked.shares:
                if share.account not in self._receivers:
                    share.state, share.reason = "closed", "NO_RELATION"
            trade.splits.append(asked)
            return asked

    def find(self, trade: Trade, number: str) -> Split | None:
        """A split, which goes on when somebody looks, unless it is planned otherwise."""
        split = next((split for split in trade.splits if split.number == number), None)
        planned = self._faults.peek(trade).split
        if split and planned != "processing":
            with self._books.changing():
                _settle(split, fails=planned == "closed")
        return split

    def find_anywhere(self, channel: str, number: str) -> tuple[Trade, Split] | None:
        """A split by its number alone."""
        for trade in self._books.trades(channel):
            for split in trade.splits:
                if split.number == number:
                    return trade, split
        return None

    def take_back(self, trade: Trade, split: Split, asked: Return, *, even_persons: bool = False) -> Return:
        """The return of that number. Raises Clash."""
        with self._books.changing():
            known = next((each for each in trade.returns if each.number == asked.number), None)
            if known:
                if (known.account, known.amount_fen) != (asked.account, asked.amount_fen):
                    raise Clash("differs")
                return known
            share = next((share for share in split.shares if share.account == asked.account), None)
            if share is None or share.state != "success":
                raise Clash("not_paid")
            if share.kind == "person" and not even_persons:
                raise Clash("personal")
            if share.taken_back_fen + asked.amount_fen > share.amount_fen:
                raise Clash("too_much")
            if self._faults.peek(trade).taking_back == "refused":
                asked.state = "failed"
            else:
                share.taken_back_fen += asked.amount_fen
            trade.returns.append(asked)
            return asked

    def _check(self, trade: Trade, asked: Split) -> None:
        if trade.state != "paid" or trade.refunded_fen == trade.amount_fen:
            raise Clash("not_paid")
        if not trade.splitting or any(split.finish for split in trade.splits):
            raise Clash("not_frozen")
        shares = [share for split in [*trade.splits, asked] for share in split.shares]
        given = sum(share.amount_fen for share in shares if share.state != "closed")
        if given > trade.amount_fen * CAP_BPS // 10_000:
            raise Clash("too_much")


def _settle(split: Split, *, fails: bool) -> None:
    pending = [share for share in split.shares if share.state == "pending"]
    for share in pending:
        share.state = "success"
    if pending and fails:
        pending[-1].state, pending[-1].reason = "closed", "ACCOUNT_ABNORMAL"


def _amounts(split: Split) -> list[tuple[str, int]]:
    return [(share.account, share.amount_fen) for share in split.shares]
