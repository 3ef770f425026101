"""What each event of money posts. Pure; signs: + debit, - credit; unit fen, one currency.

clearing:{channel}            held at the channel, not yet in the bank
refund_clearing:{channel}     on its way back to payers
fee_accrued:{channel}         channel fees not deducted yet
subsite:{site}:pending        a site's, released with its window; :frozen is at the channel until its split
dist:{id}:pending             a distributor's; :frozen likewise
user:{member}:balance         stored value
main:sales, main:commission   main's income; channel_fee_expense, main:coupon_expense its expense
"""

from collections.abc import Iterable, Mapping

from chalicelib.kit import money

from .rules import Plan, Sale, shares

Leg = tuple[str, int]

_GIVES = {"points": "points_liability"}  # who pays for a coupon that is not the site's; else main


class Unbalanced(RuntimeError):
    """A programming error: legs that do not add up to zero, or are not those of the amount they are said to be of."""


def sale_legs(sale: Sale, plan: Plan) -> list[Leg]:
    """The one journal of a delivered order, fee included."""
    parts = shares(sale, plan)
    site = _site_account(sale)
    kept = "frozen" if sale.mode == "independent" else "pending"
    return balanced(
        [
            (f"clearing:{sale.channel}", sale.paid_fen - sale.balance_fen),
            (f"user:{sale.member}:balance", sale.balance_fen),
            (_GIVES.get(sale.coupon_by, "main:coupon_expense"), sale.sold_fen - sale.paid_fen),
            ("main:sales", parts.commission_fen - parts.main_fen),
            ("main:commission", sum(parts.agent_fen) - parts.commission_fen),
            *((f"dist:{who}:{kept}", -fen) for who, fen in zip(sale.agents, parts.agent_fen, strict=False)),
            (site, -parts.site_fen),
            ("channel_fee_expense" if plan.fee_bearer == "main" else site, parts.fee_fen),
            (f"fee_accrued:{sale.channel}", -parts.fee_fen),
        ]
    )


def topup_legs(sale: Sale, plan: Plan) -> list[Leg]:
    """A member's balance is filled: owed to the member, nobody's revenue; main bears the channel's fee."""
    fee = money.share(sale.paid_fen, plan.fee_bps)
    return balanced(
        [
            (f"clearing:{sale.channel}", sale.paid_fen),
            (f"user:{sale.member}:balance", -sale.paid_fen),
            ("channel_fee_expense", fee),
            (f"fee_accrued:{sale.channel}", -fee),
        ]
    )


def topup_back_legs(channel: str, member: str, fen: int) -> list[Leg]:
    """A top-up goes back: no longer owed to the member, on its way to the payer. The channel's fee stays main's."""
    return balanced([(f"user:{member}:balance", fen), (f"refund_clearing:{channel}", -fen)])


def refund_legs(
    sold: Iterable[Leg], paid_fen: int, before_fen: int, fen: int, *, fee_back: bool = False
) -> list[Leg]:
    """The journal of giving back `fen` of a sale of which `before_fen` went back before.

    `sold` are the legs of the sale's journal, `paid_fen` what was paid. Everybody gives back in proportion, reckoned
    over all that was given back so far: any sequence of refunds of the whole amount is the sale's exact opposite. The
    payer's money goes to refund_clearing and to their balance as it came. The channel's fee stays with its bearer
    unless the channel gives it back too. Raises Unbalanced.
    """
    sums = totals([sold])
    if not 0 <= before_fen <= before_fen + fen <= paid_fen:
        raise Unbalanced(f"{fen} of {paid_fen} after {before_fen}")
    if sum(each for account, each in sums.items() if _is_tender(account)) != paid_fen:
        raise Unbalanced(f"{paid_fen} were not paid by {sums}")
    whole = _without_fee(sums)
    legs = [*_reversed(whole, paid_fen, before_fen + fen)]
    legs += [(account, -each) for account, each in _reversed(whole, paid_fen, before_fen)]
    if fee_back:
        legs += _fee_reversed(sums, paid_fen, before_fen, fen)
    return balanced(legs)


def taken_legs(channel: str, fen: int) -> list[Leg]:
    """Money that will go back: taken at the channel, owed to the payer."""
    return balanced([(f"clearing:{channel}", fen), (f"refund_clearing:{channel}", -fen)])


def returned_legs(channel: str, fen: int) -> list[Leg]:
    """The channel gave the money back to the payer."""
    return balanced([(f"refund_clearing:{channel}", fen), (f"clearing:{channel}", -fen)])


def balanced(legs: Iterable[Leg]) -> list[Leg]:
    """The legs, one per account, without empty ones except a site's: a sale names whom it is of. Raises Unbalanced."""
    sums = totals([legs])
    if sum(sums.values()):
        raise Unbalanced(str(sums))
    return [(account, fen) for account, fen in sums.items() if fen or account.startswith("subsite:")]


def totals(journals: Iterable[Iterable[Leg]]) -> dict[str, int]:
    """What journals add up to, by account."""
    sums: dict[str, int] = {}
    for legs in journals:
        for account, fen in legs:
            sums[account] = sums.get(account, 0) + fen
    return sums


def of_members(sums: Mapping[str, int]) -> dict[str, int]:
    """What these sums owe to members, in fen, by member."""
    split = ((account.split(":"), fen) for account, fen in sums.items() if account.startswith("user:"))
    return {member: -int(fen) for (_, member, _), fen in split}


def account_of(party: str) -> str:
    """The account of what a party gets when a window is closed: a site's code, or "dist:{id}"."""
    return f"{party}:pending" if ":" in party else f"subsite:{party}:pending"


def owed(sums: dict[str, int], party: str) -> int:
    """What a window's totals owe a party, in fen; negative when the party owes."""
    return -sums.get(account_of(party), 0)


def due_of(
    sums: dict[str, int], released: dict[str, int], site: str, early_fen: int | None = None
) -> dict[str, int]:
    """What each party is still owed of a window, in fen; without those who are owed nothing.

    With `early_fen` the window still runs: of what it owes, the site has at most that much, and nobody else anything.
    What was released is never taken back for the limit's sake, only for what is not owed any more.
    """
    due = {}
    for party in _parties(sums, site):
        had, target = released.get(party, 0), owed(sums, party)
        if early_fen is not None:
            target = min(target, max(had, early_fen if party == site else 0))
        due[party] = target - had
    return {party: fen for party, fen in due.items() if fen}


def recovered_legs(party: str, fen: int) -> list[Leg]:
    """A deposit pays what its party owes after a refund."""
    return balanced([(f"deposit:{party}", fen), (available_of(party), -fen)])


def available_of(party: str) -> str:
    """The account of what a party may withdraw."""
    return f"{party}:available" if ":" in party else f"subsite:{party}:available"


def held_of(party: str) -> str:
    """The account of what is kept back of a party's."""
    return f"{party}:held" if ":" in party else f"subsite:{party}:held"


def _parties(sums: Iterable[str], site: str) -> list[str]:
    """Who is owed by accounts in a site's journals: the site, and distributors. Never another site."""
    others = sorted(
        account.removesuffix(":pending")
        for account in sums
        if account.startswith("dist:") and account.endswith(":pending")
    )
    return [site, *others]


def _site_account(sale: Sale) -> str:
    return f"subsite:{sale.site}:{'frozen' if sale.mode == 'independent' else 'pending'}"


def _is_tender(account: str) -> bool:
    return account.startswith(("clearing:", "user:"))


def _bearer(sums: dict[str, int]) -> str:
    """Who pays the fee of a sale: main where it has the expense, else the site."""
    if "channel_fee_expense" in sums:
        return "channel_fee_expense"
    return next(account for account in sums if account.startswith("subsite:"))


def _fee(sums: dict[str, int]) -> tuple[str, int]:
    """The account that owes the channel its fee, and how much."""
    found = [(account, -fen) for account, fen in sums.items() if account.startswith("fee_accrued:")]
    return found[0] if found else ("", 0)


def _without_fee(sums: dict[str, int]) -> dict[str, int]:
    """A sale as if the channel asked nothing."""
    account, fee = _fee(sums)
    if not fee:
        return sums
    bearer = _bearer(sums)
    return {each: fen - (fee if each == bearer else 0) for each, fen in sums.items() if each != account}


def _reversed(sums: dict[str, int], paid_fen: int, fen: int) -> Iterable[Leg]:
    """The opposite of the part of a sale that belongs to `fen` of what was paid."""
    tenders = {account: each for account, each in sums.items() if _is_tender(account)}
    added = {account: each for account, each in sums.items() if each > 0 and account not in tenders}
    parts = {account: -each for account, each in sums.items() if each < 0}
    back = {account: each * fen // paid_fen for account, each in added.items()}
    yield from zip(
        map(_to_payer, tenders), (-each for each in money.spread(fen, list(tenders.values()))), strict=True
    )
    yield from ((account, -each) for account, each in back.items())
    yield from zip(parts, money.spread(fen + sum(back.values()), list(parts.values())), strict=True)


def _to_payer(account: str) -> str:
    return account.replace("clearing:", "refund_clearing:", 1) if account.startswith("clearing:") else account


def _fee_reversed(sums: dict[str, int], paid_fen: int, before_fen: int, fen: int) -> list[Leg]:
    account, fee = _fee(sums)
    if not fee:
        return []
    back = fee * (before_fen + fen) // paid_fen - fee * before_fen // paid_fen
    return [(account, back), (_bearer(sums), -back)]
