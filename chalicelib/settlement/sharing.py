"""Who gets how much of a payment at the channel itself, and what that posts. Pure; unit fen.

A sale's journal says what is to go by the channel: it stands in accounts that end in ":frozen", beside the ":pending"
that a payout brings. Where main's merchant collected ("unified"), the sub-site's and the distributors' parts are
frozen as far as the channel splits; where the site's own did ("independent"), everything is, and main's part is what
is nobody else's. Once the split is over nothing stays frozen: what the channel paid has left its clearing account,
what it did not is pending.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.kit import tenant
from chalicelib.ledger import service as ledger


@dataclass(frozen=True)
class Due:
    """A party's part of a payment."""

    party: str  # "main", a site's code, "dist:{id}"
    fen: int


@dataclass(frozen=True)
class Outcome:
    """A part as it went: `fen` of it were paid by the channel."""

    party: str
    fen: int


def freeze(legs: Iterable[ledger.Leg], site: str, caps: Mapping[str, int]) -> list[ledger.Leg]:
    """The legs of a sale with whatever can go by the channel frozen.

    `caps`: the parties that have an account there, and of what was paid the basis points that it splits at most.
    """
    sums = ledger.totals([legs])
    if frozen(site) in sums:
        return _only_known(sums, caps)
    left = {party: _paid(sums) * bps // 10_000 for party, bps in caps.items()}
    gone = 0
    for party in [*distributors(sums), site]:
        part = min(max(0, -sums.get(pending(party), 0)), max(0, left.get(party, 0) - gone))
        gone += part
        moved = _moved(pending(party), frozen(party), part) if part else []
        sums = ledger.totals([sums.items(), moved])
    return [(account, fen) for account, fen in sums.items() if fen or account.startswith("subsite:")]


def dues(sums: Mapping[str, int], site: str, *, cap_fen: int, independent: bool) -> list[Due]:
    """The parts to split, distributors first, together at most `cap_fen`.

    `sums`: what the order's journals add up to before the split.
    """
    wanted = [Due(party, -sums.get(frozen(party), 0)) for party in distributors(sums)]
    rest = held(sums) - sum(each.fen for each in wanted) + sums.get(frozen(site), 0) + _fee(sums)
    wanted.append(Due(tenant.MAIN, rest) if independent else Due(site, -sums.get(frozen(site), 0)))
    found = []
    for each in wanted:
        fen = min(each.fen, cap_fen)
        if fen > 0:
            found.append(Due(each.party, fen))
            cap_fen -= fen
    return found


def split_legs(
    sums: Mapping[str, int], site: str, channel: str, paid: Iterable[Outcome], *, independent: bool
) -> list[ledger.Leg]:
    """What the finished split posts: who was paid by the channel has it, what others did not get is owed to them.

    No bill of trades tells of a split. So what main's merchant collected leaves clearing whole, by its bill, and the
    parts that others got of it are missing in main's bank.
    """
    went = {each.party: each.fen for each in paid}
    from_ = f"clearing:{channel}" if independent else "bank:main"
    legs: list[ledger.Leg] = [("bank:main", went.get(tenant.MAIN, 0))]
    legs += [(from_, -sum(went.values()))]
    for party in [*distributors(sums), *(() if independent else (site,))]:
        owed = -sums.get(frozen(party), 0)
        legs += [(frozen(party), owed), (pending(party), went.get(party, 0) - owed)]
    return [leg for leg in legs if leg[1]]


def thaw_legs(sums: Mapping[str, int], site: str, channel: str) -> list[ledger.Leg]:
    """What unfreezing the rest for the site's own merchant posts.

    The site has its share there, the channel its fee, and what should have been split off is owed by the site.
    """
    share, fee, rest = -sums.get(frozen(site), 0), -_fee(sums), held(sums)
    legs = [
        (frozen(site), share),
        (f"fee_accrued:{channel}", fee),
        (pending(site), rest - share - fee),
        (f"clearing:{channel}", -rest),
    ]
    return [leg for leg in legs if leg[1]]


def back_legs(
    refund: Mapping[str, int],
    site: str,
    channel: str,
    returned: Iterable[Outcome],
    *,
    merchant_fen: int,
    independent: bool,
) -> list[ledger.Leg]:
    """What a refund after the split posts besides its own legs, so that nothing stays frozen.

    `refund`: what those legs take from whom, nothing where the refund did not happen. `returned`: what the channel
    took back from receivers. `merchant_fen`: what the merchant gave the payer, 0 where somebody else did. Who gave back
    less than their part owes the difference: a distributor's commission below zero is set off against the next ones.
    The site's own merchant paid what nobody else gave.
    """
    back = {each.party: each.fen for each in returned}
    to = f"clearing:{channel}" if independent else "bank:main"
    legs: list[ledger.Leg] = [(to, sum(back.values())), ("bank:main", -back.get(tenant.MAIN, 0))]
    others = sorted({*distributors(refund), *back} - {tenant.MAIN, site})
    for party in others if independent else [*others, site]:
        part = refund.get(frozen(party), 0)
        legs += [(frozen(party), -part), (pending(party), part - back.get(party, 0))]
    if independent:
        legs += _by_its_merchant(refund, site, channel, merchant_fen - sum(back.values()))
    return [leg for leg in ledger.totals([legs]).items() if leg[1]]


def part_back(refund: Mapping[str, int], party: str, fen: int) -> int:
    """What of a refund of `fen` a party that the channel paid should give back; main, what is nobody else's."""
    if party != tenant.MAIN:
        return refund.get(frozen(party), 0)
    others = sum(each for account, each in refund.items() if account.endswith(":frozen"))
    return fen - others - _fee(refund)


def distributors(sums: Iterable[str]) -> list[str]:
    """The distributors named by accounts, in the order of the sale."""
    named = [account.rsplit(":", 1)[0] for account in sums if account.startswith("dist:")]
    return list(dict.fromkeys(named))


def frozen(party: str) -> str:
    """What is at the channel until the split."""
    return f"{party if ':' in party else f'subsite:{party}'}:frozen"


def pending(party: str) -> str:
    """What is released with its window, and paid out."""
    return f"{party if ':' in party else f'subsite:{party}'}:pending"


def held(sums: Mapping[str, int]) -> int:
    """What the channel holds of an order and will not give back to the payer."""
    return sum(fen for account, fen in sums.items() if account.startswith(("clearing:", "refund_clearing:")))


def counted(journals: Sequence[ledger.Journal], events: Iterable[str]) -> dict[str, int]:
    """What the journals of these events add up to, with what followed from each ("R2-returned" from "R2")."""
    names = set(events)
    return ledger.totals(one.legs for one in journals if one.event.split("-")[0] in names)


def _only_known(sums: Mapping[str, int], caps: Mapping[str, int]) -> list[ledger.Leg]:
    """Main gets the parts of distributors who have no account at the channel, and pays them out."""
    unknown = [party for party in distributors(sums) if not caps.get(party)]
    moved = [
        leg for party in unknown for leg in _moved(frozen(party), pending(party), -sums.get(frozen(party), 0))
    ]
    every = ledger.totals([sums.items(), moved])
    return [(account, fen) for account, fen in every.items() if fen or account.startswith("subsite:")]


def _moved(from_: str, to: str, fen: int) -> list[ledger.Leg]:
    return [(from_, fen), (to, -fen)]


def _by_its_merchant(sums: Mapping[str, int], site: str, channel: str, fen: int) -> list[ledger.Leg]:
    """The site's own merchant gave `fen` that nobody else did, and had its fee back as far as the refund says."""
    fee, part = _fee(sums), sums.get(frozen(site), 0)
    return [
        (f"clearing:{channel}", fen),
        (f"fee_accrued:{channel}", -fee),
        (frozen(site), -part),
        (pending(site), part + fee - fen),
    ]


def _paid(sums: Mapping[str, int]) -> int:
    return sum(fen for account, fen in sums.items() if account.startswith("clearing:"))


def _fee(sums: Mapping[str, int]) -> int:
    return sum(fen for account, fen in sums.items() if account.startswith("fee_accrued:"))
