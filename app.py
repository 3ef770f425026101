"""The map: faces by audience, then workers in the order in which money flows.

A deployed REST function serves the faces that FACES names; unset, it serves all (packaging, one machine, tests).
Workers are entered by their own module and never import this file.
"""

import importlib
import os

from chalice.app import Chalice

FACES = {
    "storefront": ("storefront.pages", "storefront.status", "storefront.account", "openapi.goods"),
    "checkout": ("storefront.checkout", "storefront.wallet", "openapi.buy"),
    "receipts": ("storefront.receipts", "openapi.receipts"),
    "hooks": ("hooks.payments",),
    "console": (
        "console.board",
        "console.login",
        "console.apply",
        "console.applications",
        "console.sites",
        "console.goods",
        "console.listing",
        "console.stock",
        "console.orders",
        "console.tracing",
        "console.logs",
        "console.refunds",
        "console.splits",
        "console.cases",
        "console.names",
        "console.bills",
        "console.plans",
        "console.channels",
        "console.agents",
        "console.receivers",
        "console.statement",
        "console.withdraw",
        "console.partner",
        "console.payouts",
        "console.bank_files",
        "console.account",
        "console.settings",
        "console.domains",
        "console.leave",
    ),
}
WORKERS = (
    "tenancy",
    "catalog",
    "checkout",
    "fulfilment",
    "settlement",
    "reconciliation",
    "payouts",
    "lifecycle",
)

app = Chalice(app_name="cardmesh")

chosen = os.environ.get("FACES", "")
for audience, modules in FACES.items():
    for module in modules if chosen in ("", audience) else ():
        app.register_blueprint(importlib.import_module(f"chalicelib.web.{module}").face.blueprint)
for domain in () if chosen else WORKERS:
    app.register_blueprint(importlib.import_module(f"chalicelib.{domain}.worker").blueprint)
