"""The code pool of each goods: what is left, which batches came in, and the import with its row report."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.catalog import service as catalog
from chalicelib.stock import service as stock

from .. import face as faces
from ..visit import Visit
from . import desk, goods, values

face = faces.Face("console_stock", error_page=desk.error_page, enter=goods.enter)

LOW = 20  # free codes at which goods are shown as running out


class Import(msgspec.Struct):
    """The import form; the codes themselves are read unstripped, so that line numbers stay true."""

    note: str = ""
    act: str = "import"


@face.get("/console/stock")
def index(visit: Visit) -> Response:
    """What is left of every goods that has a pool; the emptiest first."""
    scope = visit.account.scope
    pooled = [g for g in catalog.all_goods(scope) if g.way == "pool"]
    free = goods.levels(scope, pooled)
    pooled.sort(key=lambda g: (not g.on, free.get(g.goods_id, 0)))
    return desk.page(visit, "stock.html", goods=pooled, free=free, low=LOW)


@face.get("/console/stock/{goods_id}")
def pool(
    visit: Visit,
    goods_id: str,
    report: object = None,
    preview: object = None,
) -> Response:
    """One pool: its batches and the import form, with a preview or the report of an import, if any."""
    text = visit.form.get("codes", "") if preview or visit.account.refusal else ""
    shown = _shown(visit.account.scope, goods_id)
    note = visit.form.get("note", "")
    return desk.page(visit, "pool.html", **shown, report=report, preview=preview, text=text, note=note)


@face.post("/console/stock/{goods_id}")
@desk.or_again(pool)
def bring(visit: Visit, goods_id: str) -> Response:
    """Preview a batch of codes, or take it into the pool; answers with every row that needs a look."""
    asked, text = visit.fields(Import), visit.form.get("codes", "")
    kept = catalog.goods(visit.account.scope, goods_id)
    if not text.strip():
        raise values.BadValue("还没有卡密：粘贴，或选择一个文件。", field="codes")
    if asked.act == "preview":
        return pool(visit, goods_id, preview=stock.parse(text))
    report = stock.import_codes(kept.owner, kept.goods_id, text, note=asked.note, now=visit.now)
    return pool(visit, goods_id, report=report)


def _shown(scope: str, goods_id: str) -> dict[str, Any]:
    return {
        "goods": catalog.goods(scope, goods_id),
        "free": stock.levels([(scope, goods_id)]).get((scope, goods_id), 0),
        "batches": stock.batches(scope, goods_id),
        "low": LOW,
    }
