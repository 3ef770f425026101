import pytest

from chalicelib.kit import tenant
from chalicelib.stock import service as stock
from tests import make

from .conftest import page

CODES = "AAAA-0001-XXXX\n\nAAAA-0002-XXXX\nAAAA-0001-XXXX\n6222020000001,839201\nbad\x01row-of-codes\n"


@pytest.fixture
def pool(staff):
    """The path of an empty pool."""
    return f"/console/stock/{make.make_goods().goods_id}"


def free(path):
    goods_id = path.rsplit("/", 1)[1]
    with tenant.acting_for(tenant.MAIN):
        return stock.level(tenant.MAIN, goods_id)


def test_the_report_names_every_row_that_was_not_taken(staff, pool):
    answer = page(staff.post(pool, {"codes": CODES, "note": "进货 1123", "act": "import"}))
    assert free(pool) == 3
    assert "以下 3 行没有入库；其余 3 条已全部可售" in answer
    for line, what in ((2, "空行"), (4, "重复"), (6, "无法识别")):
        assert f'<tr><td class="num">{line}</td><td class="nowrap">{what}</td>' in answer
    assert "进货 1123" in answer


def test_what_is_shown_of_a_bad_row_is_masked(staff, pool):
    answer = page(staff.post(pool, {"codes": CODES, "act": "import"}))
    assert "AA…XX" in answer
    assert "AAAA-0001-XXXX" not in answer


def test_importing_the_same_rows_again_adds_nothing(staff, pool):
    staff.post(pool, {"codes": CODES, "act": "import"})
    answer = page(staff.post(pool, {"codes": CODES, "act": "import"}))
    assert free(pool) == 3
    assert "以下 6 行没有入库；其余 0 条" in answer


def test_a_preview_writes_nothing_and_keeps_the_text(staff, pool):
    answer = page(staff.post(pool, {"codes": CODES, "act": "preview"}))
    assert "预览" in answer
    assert "AAAA-0002-XXXX" in answer
    assert free(pool) == 0


def test_nothing_pasted_is_said_at_the_field(staff, pool):
    answer = staff.post(pool, {"codes": " \n ", "act": "import"})
    assert answer.status_code == 422
    assert "还没有卡密" in page(answer)


def test_a_file_of_thousands_of_codes_goes_in_at_once(staff, pool):
    codes = "\r\n".join(f"BULK-{i:08d}-ABCDEFGH" for i in range(6000))
    assert staff.post(pool, {"codes": codes, "act": "import"}).status_code == 200
    assert free(pool) == 6000


def test_a_file_too_large_is_refused_whole(staff, pool):
    answer = staff.post(pool, {"codes": "x" * 5_600_000, "act": "import"})
    assert answer.status_code == 413
    assert free(pool) == 0


def test_the_emptiest_pools_come_first(staff, pool):
    full = make.make_goods(name="Full")
    make.make_codes(tenant.MAIN, full.goods_id, 30)
    listed = page(staff.get("/console/stock"))
    assert listed.index("Steam") < listed.index("Full")
    assert "售罄" in listed
    assert "充足" in listed
