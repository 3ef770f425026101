"""The contract as an OpenAPI 3.1 document, its schemas taken from the shapes that the calls really use."""

from functools import cache
from typing import Any

import msgspec

from . import shapes

# Every `code` that a call of the contract may answer, by status.
CODES: dict[str, dict[int, tuple[str, ...]]] = {
    "health": {404: ("not_found",), 503: ("not_ready",)},
    "goods": {404: ("not_found",), 503: ("shop_closed", "not_ready")},
    "place": {
        400: ("idempotency_key_required", "idempotency_key_invalid", "invalid"),
        404: ("not_found",),
        409: ("sold_out", "not_for_sale", "conflict"),
        413: ("too_large",),
        415: ("unsupported_media_type",),
        422: (
            "bad_input",
            "bad_contact",
            "bad_quantity",
            "bad_channel",
            "return_waiver_required",
            "idempotency_mismatch",
        ),
        429: ("too_many",),
        503: ("shop_closed", "shop_moving", "not_ready", "channel_down"),
    },
    "order": {404: ("not_found",), 429: ("too_many",), 503: ("not_ready",)},
}


@cache
def describe(shop: str) -> dict[str, Any]:
    """The document for one shop."""
    _, components = msgspec.json.schema_components(shapes.SHAPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{shop}: storefront", "version": "1.0.0"},
        "paths": {
            "/healthz": {"get": _health()},
            "/api/v1/goods": {"get": _goods()},
            "/api/v1/orders": {"post": _place()},
            "/api/v1/orders/{order_no}": {"get": _order()},
        },
        "components": {"schemas": components},
    }


def _health() -> dict[str, Any]:
    answers = {"200": {"description": "Everything needed to sell is up."}}
    return {
        "operationId": "health",
        "summary": "Can this shop sell?",
        "responses": answers | _problems("health"),
    }


def _goods() -> dict[str, Any]:
    cursor = {
        "name": "cursor",
        "in": "query",
        "schema": {"type": "string"},
        "description": "`next` of a page.",
    }
    return {
        "operationId": "goods",
        "summary": "Goods on sale, a page at a time",
        "parameters": [cursor],
        "responses": {"200": _json("GoodsPage", "A page of goods."), **_problems("goods")},
    }


def _place() -> dict[str, Any]:
    replayed = {
        "schema": {"const": "true"},
        "description": "The order had been placed before under this key.",
    }
    placed = _json("OrderPlaced", "The order. Same key and body: the same order.")
    return {
        "operationId": "place",
        "summary": "Place an order",
        "description": (
            "As a guest, paid through a channel. The contract has no members' sessions, so it pays nothing from a "
            "member's balance; the shop's own pages do."
        ),
        "parameters": [
            _header("Idempotency-Key", "A UUIDv7 made for this order, at most 24 hours old.", "uuid")
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("OrderRequest")}}},
        "responses": {"201": placed | {"headers": {"Idempotent-Replayed": replayed}}, **_problems("place")},
    }


def _order() -> dict[str, Any]:
    number = {"name": "order_no", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "order",
        "summary": "Follow an order and read its codes",
        "description": "Wrong contact, wrong password, another shop's order, no such order: the same 404.",
        "parameters": [
            number,
            _header("X-Contact", "The contact given when ordering."),
            _header("X-Query-Password", "The query password given when ordering."),
        ],
        "responses": {"200": _json("OrderView", "The order."), **_problems("order")},
    }


def _header(name: str, description: str, form: str = "") -> dict[str, Any]:
    schema = {"type": "string"} | ({"format": form} if form else {})
    return {"name": name, "in": "header", "required": True, "schema": schema, "description": description}


def _json(shape: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(shape)}}}


def _problems(call: str) -> dict[str, Any]:
    return {str(status): _problem(codes) for status, codes in (CODES[call] | {500: ("unexpected",)}).items()}


def _problem(codes: tuple[str, ...]) -> dict[str, Any]:
    one_of = {"allOf": [_ref("Problem"), {"properties": {"code": {"enum": list(codes)}}}]}
    return {"description": ", ".join(codes), "content": {"application/problem+json": {"schema": one_of}}}


def _ref(shape: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape}"}
