"""Money that fits no order becomes a case: who paid what, why it fits nothing, and what a person can do."""

from .gateways import Payment

SUSPENSE = "suspense"  # the kind of these cases
_OTHERWISE = "对照渠道后台核实这笔钱；不该收的原路退回。"
# What accepting a payment says, in the words of the console: why, and what to do.
_WORDS = {
    "no such order number": (
        "商户订单号不是本平台的订单号",
        "看看是不是有人在渠道后台自己开了收款单；与我们无关的，原路退回。",
    ),
    "unknown order": (
        "查无此订单",
        "稍后再认领一次；仍然查无此订单的，原路退回给付款人。",
    ),
    "the shop has closed": (
        "订单所在的分站已经关闭",
        "原路退回给付款人。",
    ),
    "another currency": (
        "付款币种不是人民币",
        "本平台只收人民币：到渠道后台原路退回，写下退款单号后结案。",
    ),
    "amount or merchant differs from the order": (
        "金额或商户号与订单不符",
        "订单没有动。原路退回这笔钱，顾客可以重新下单。",
    ),
}


def suspend(payment: Payment, why: str, *, now: int) -> None:
    """Keep a payment nobody can be given anything for, once, and raise the alarm."""
    from chalicelib.cases import service as cases

    said, action = _WORDS.get(why, (why, _OTHERWISE))
    key = suspense_key(payment.channel, payment.transaction_id)
    cases.open(SUSPENSE, key, why=said, facts=facts_of(payment), action=action, now=now)


def suspense_key(channel: str, transaction: str) -> str:
    """The key of a payment's case."""
    return f"{channel}#{transaction[:64]}"


def facts_of(payment: Payment) -> dict[str, str]:
    """A payment as a case tells it; nothing of it was checked against an order."""
    return {
        "channel": payment.channel,
        "merchant": payment.merchant[:64],
        "out_trade_no": payment.out_trade_no[:64],
        "transaction": payment.transaction_id[:64],
        "amount_fen": str(payment.amount_fen),
        "currency": payment.currency[:8],
        "paid_at": str(payment.paid_at),
    }
