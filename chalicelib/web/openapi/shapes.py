"""The shapes of the contract: parsed from requests, sent as answers, and published as OpenAPI schemas."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from chalicelib.orders import service as orders

Fen = Annotated[int, Meta(ge=0, description="Chinese yuan in fen (1/100).")]
OrderNo = Annotated[
    str, Meta(description="28 characters. No secret: reading needs contact and password too.")
]
Time = Annotated[
    str, Meta(description="RFC 3339, UTC, to the second.", extra_json_schema={"format": "date-time"})
]
Status = Annotated[str, Meta(extra_json_schema={"enum": list(orders.STATES)})]
KINDS = {"enum": ["qr", "redirect", "form"]}
# As settlement has them; its module is not loaded by functions that only show goods.
REFUND_STATES = (
    "requested",
    "review",
    "submitted",
    "processing",
    "success",
    "abnormal",
    "closed",
    "rejected",
)
RETURN_WAIVER = (
    "The goods' own `return_waiver`, after the shopper confirmed, by a choice that was not made for them, that these "
    "digital goods can't be returned within seven days without a reason once delivered. The order keeps it."
)
MOST_QUANTITY = 1_000_000_000


class Goods(Struct):
    """Goods on sale."""

    goods_id: str
    name: str
    category: str
    price_fen: Annotated[Fen, Meta(description="Price of one piece now.")]
    stock: Annotated[int | None, Meta(description="Pieces left; null where stock is not counted.")]
    return_waiver: Annotated[
        int | None,
        Meta(
            description="What an order has to confirm, see OrderRequest; null: these goods can be returned."
        ),
    ]


class GoodsPage(Struct):
    """A page of goods."""

    goods: list[Goods]
    next: Annotated[str | None, Meta(description="The cursor of the next page; null at the end.")]


class OrderRequest(Struct, forbid_unknown_fields=True):
    """What a shopper wants."""

    goods_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=MOST_QUANTITY)]
    contact: Annotated[str, Meta(min_length=3, max_length=64)]
    query_password: Annotated[str, Meta(min_length=4, max_length=64)]
    channel: Literal["wechat", "alipay", "unionpay", "ecny"]
    return_waiver: Annotated[int, Meta(description=RETURN_WAIVER)] = 0


class Payment(Struct):
    """How to pay."""

    kind: Annotated[
        str,
        Meta(
            description="Show the payload as a QR code, go there, or post the fields there from a browser.",
            extra_json_schema=KINDS,
        ),
    ]
    payload: str
    fields: Annotated[dict[str, str], Meta(description="Of the form; empty for other kinds.")]
    expires_at: Time


class OrderPlaced(Struct):
    """An order that waits for its payment; payment is null while the channel does not answer."""

    order_no: OrderNo
    amount_fen: Fen
    status: Status
    payment: Payment | None


class Step(Struct):
    """Something that happened to an order."""

    at: Time
    what: str


class Refund(Struct):
    """Money of a delivered order that goes back, or was asked back."""

    at: Annotated[Time, Meta(description="When it was asked for.")]
    amount_fen: Fen
    status: Annotated[str, Meta(extra_json_schema={"enum": list(REFUND_STATES)})]
    reason: str


class OrderView(Struct):
    """How far an order is, and its codes once delivered."""

    status: Status
    amount_fen: Fen
    progress: list[Step]
    codes: list[str]
    refunds: Annotated[list[Refund], Meta(description="After-sales refunds, oldest first.")]


class Problem(Struct):
    """RFC 9457 problem details. Program against `code`; sentences may change."""

    type: str
    title: str
    status: int
    code: str
    detail: str


SHAPES = (GoodsPage, OrderRequest, OrderPlaced, OrderView, Problem)


def plain(value: Struct) -> object:
    """A shape as plain JSON values."""
    return msgspec.to_builtins(value)
