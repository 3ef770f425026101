"""Answers about splits and bills that are not what they should be: nothing is believed of them."""

import base64
import io
import zipfile
import zlib

import pytest

from chalicelib.kit import clock, outbound
from chalicelib.payments import gateways
from chalicelib.payments.gateways.alipay import bill as alipay_bill
from chalicelib.payments.gateways.unionpay import bill as unionpay_bill
from chalicelib.payments.gateways.wechat import bill as wechat_bill
from sandbox import alipay_bill as alipay_writer
from sandbox import bills, keys
from sandbox import unionpay_bill as unionpay_writer
from sandbox import wechat_bill as wechat_writer
from sandbox.books import Books, Refund
from tests.payments.gateways.conftest import NOW, paid_trade

DAY = clock.day_of(NOW)
PART = gateways.Part(gateways.Receiver("merchant", "1", "名"), 5, "佣金")
ASK = {"out_split_no": "S1", "parts": (PART,), "finish": False, "now": NOW}


def answering(monkeypatch, gateway, *answers):
    """The gateway's line gives these answers, one after the other."""
    given = list(answers)

    def call(*_, **__):
        answer = given.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(gateway, "call", call)


def receiver(**changed):
    return {"account": "1", "amount": 5, "result": "SUCCESS"} | changed


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"out_order_no": "S2", "state": "FINISHED"},
        {"out_order_no": "S1", "receivers": 5},
        {"out_order_no": "S1", "receivers": ["x"]},
        {"out_order_no": "S1", "receivers": [receiver(result="MAYBE")]},
        {"out_order_no": "S1", "receivers": [receiver(result="CLOSED")]},
        {"out_order_no": "S1", "receivers": [receiver(amount="5")]},
    ],
    ids=str,
)
def test_what_wechat_says_of_another_split_or_oddly_is_unknown(wechat, monkeypatch, answer):
    answering(monkeypatch, wechat, answer)
    with pytest.raises(outbound.Unknown):
        wechat.split("T1", **ASK)


def test_a_state_of_wechat_s_that_nobody_knows_is_unknown(wechat, monkeypatch):
    answering(
        monkeypatch, wechat, {"out_order_no": "S1", "state": "NEW"}, {"out_return_no": "R1", "result": "NEW"}
    )
    assert wechat.split("T1", **ASK).state == "unknown"
    assert wechat.query_return("S1", "R1", now=NOW).state == "unknown"


def test_what_wechat_says_of_another_return_is_unknown(wechat, monkeypatch):
    answering(monkeypatch, wechat, {"out_return_no": "R2", "result": "SUCCESS"})
    with pytest.raises(outbound.Unknown):
        wechat.return_split("S1", out_return_no="R1", account="1", amount_fen=5, now=NOW)


def test_a_refusal_of_a_query_is_passed_on(wechat, alipay, monkeypatch):
    for gateway, verb in ((wechat, "query_split"), (alipay, "query_split"), (wechat, "download_bill")):
        answering(monkeypatch, gateway, gateways.Declined("SYSTEM_BUSY", ""))
        given = (DAY,) if verb == "download_bill" else ("T1", "S1")
        with pytest.raises(gateways.Declined):
            getattr(gateway, verb)(*given, now=NOW)
    answering(monkeypatch, alipay, gateways.Declined("isv.no-permission", ""))
    with pytest.raises(gateways.Declined):
        alipay.download_bill(DAY, now=NOW)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"out_request_no": "S2", "royalty_detail_list": []},
        {"out_request_no": "S1"},
        {"out_request_no": "S1", "royalty_detail_list": ["x"]},
        {
            "out_request_no": "S1",
            "royalty_detail_list": [{"state": "MAYBE", "amount": "1.00", "trans_in": "1"}],
        },
        {
            "out_request_no": "S1",
            "royalty_detail_list": [{"state": "FAIL", "amount": "1.00", "trans_in": "1"}],
        },
        {
            "out_request_no": "S1",
            "royalty_detail_list": [{"state": "SUCCESS", "amount": "1.x", "trans_in": "1"}],
        },
    ],
    ids=str,
)
def test_what_alipay_says_of_another_split_or_oddly_is_unknown(alipay, monkeypatch, answer):
    answering(monkeypatch, alipay, {"trade_no": "T1"}, answer)
    with pytest.raises(outbound.Unknown):
        alipay.split("T1", **ASK)


def test_a_settlement_of_another_trade_is_unknown_and_a_relation_that_failed_is_declined(alipay, monkeypatch):
    answering(monkeypatch, alipay, {"trade_no": "T2"}, {"result_code": "FAIL"})
    with pytest.raises(outbound.Unknown):
        alipay.split("T1", **ASK)
    with pytest.raises(gateways.Declined):
        alipay.add_receiver(PART.receiver, now=NOW)


@pytest.mark.parametrize(
    "address", ["http://evil.test/x", "http://127.0.0.1:9.evil.test/", "ftp://127.0.0.1:9/"]
)
def test_no_bill_is_fetched_from_elsewhere(wechat, alipay, monkeypatch, address):
    monkeypatch.setattr(outbound, "call", lambda *_, **__: pytest.fail("called"))
    answering(monkeypatch, wechat, {"hash_type": "SHA1", "hash_value": "", "download_url": address})
    answering(monkeypatch, alipay, {"bill_download_url": address})
    for gateway in (wechat, alipay):
        with pytest.raises(outbound.Unknown, match="somewhere else"):
            gateway.download_bill(DAY, now=NOW)


def test_a_bill_that_does_not_come_is_unknown(wechat, alipay, monkeypatch):
    monkeypatch.setattr(outbound, "call", lambda *_, **__: outbound.Reply(502, {}, b""))
    answering(
        monkeypatch, wechat, {"hash_type": "SHA1", "hash_value": "", "download_url": "http://127.0.0.1:9/b"}
    )
    answering(monkeypatch, alipay, {"bill_download_url": "http://127.0.0.1:9/b"})
    for gateway in (wechat, alipay):
        with pytest.raises(outbound.Unknown, match="status 502"):
            gateway.download_bill(DAY, now=NOW)


def test_alipay_s_bills_are_fetched_over_tls_whatever_address_it_gives(plain, monkeypatch):
    alipay = gateways.GATEWAYS["alipay"](plain["alipay"] | {"bills_url": "https://dwbillcenter.alipay.com"})
    called = []

    def call(_method, url, **_):
        called.append(url)
        return outbound.Reply(200, {}, b"")

    monkeypatch.setattr(outbound, "call", call)
    answering(monkeypatch, alipay, {"bill_download_url": "http://dwbillcenter.alipay.com/f?x=1"})
    with pytest.raises(gateways.Damaged):
        alipay.download_bill(DAY, now=NOW)
    assert called == ["https://dwbillcenter.alipay.com/f?x=1"]


def entries(channel):
    """A payment and a refund of a part."""
    books, trade = Books(), paid_trade(channel)
    trade.refunds.append(Refund("R1", 1000, "success", NOW))
    books._add(trade)
    return bills.entries(books, channel, DAY, frozenset())


def damaged(parse, content):
    with pytest.raises(gateways.Damaged) as refusal:
        parse(content, DAY)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("手续费,费率", "手续费x,费率", "column"),
        ("`49.50", "`49.51", "sum"),
        ("`49.50", "`49.505", "whole fen"),
        ("`49.50", "`1e3", "whole fen"),
        ("\r\n`2", "\r\n2", "backtick"),
        (",`0.60%", "", "length"),
        ("\r\n`2,`", "\r\n`3,`", "announced"),
        ("SUCCESS,`OTHERS", "REVOKED,`OTHERS", "REVOKED"),
        ("`2026-", "`2026x", "time data"),
    ],
)
def test_a_wechat_bill_that_does_not_fit_itself_is_refused(old, new, why):
    text = wechat_writer.write(entries("wechat")).decode("utf-8-sig")
    assert old in text
    assert why in damaged(wechat_bill.parse, text.replace(old, new, 1).encode("utf-8-sig"))


def zipped(*files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def alipay_text():
    packed = alipay_writer.write(entries("alipay"), DAY)
    with zipfile.ZipFile(io.BytesIO(packed), metadata_encoding="gbk") as archive:
        names = archive.namelist()
        assert names == [f"{keys.SELLER_ID}0156_{DAY}_业务明细{more}.csv" for more in ("", "(汇总)")]
        return archive.read(names[0]).decode("gbk")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("#账号", "#帐号", "account"),
        ("业务明细列表结束", "业务明细列表", "no line"),
        ("#交易合计：1笔", "#交易合计：2笔", "sums"),
        ("共49.50元", "共49.51元", "sums"),
        ("#退款合计", "#退货合计", "sums"),
        ("退款\t", "交易\t", "sums"),
        ("退款\t", "转账\t", "sums"),
        ("\t\r\n", "\r\n", "end"),
        ("\t,49.50\t,", "\t,", "length"),
        ("\t,49.50\t,49.50", "\t,-49.50\t,49.50", "sign"),
        ("服务费（元）", "服务费", "服务费"),
    ],
)
def test_an_alipay_bill_that_does_not_fit_itself_is_refused(old, new, why):
    text = alipay_text()
    assert old in text
    assert why in damaged(
        alipay_bill.parse, zipped(("业务明细.csv", text.replace(old, new, 1).encode("gbk")))
    )


def test_an_alipay_zip_has_one_file_of_rows():
    content = alipay_text().encode("gbk")
    assert "one file" in damaged(alipay_bill.parse, zipped(("x.csv", content)))
    assert "one file" in damaged(
        alipay_bill.parse, zipped(("业务明细.csv", content), ("2业务明细.csv", content))
    )


def union(*files):
    return base64.b64encode(zlib.compress(zipped(*files))).decode()


def zm(**changed):
    text = unionpay_writer.zm(entries("unionpay"))
    for old, new in changed.items():
        text = text.replace(old.encode(), new.encode(), 1)
    return text


def test_a_zm_file_that_does_not_fit_itself_is_refused():
    name = f"INN{DAY[2:]}88ZM_1"
    assert len(unionpay_bill.parse(union((name, zm())), DAY).rows) == 2
    assert "length" in damaged(unionpay_bill.parse, union((name, zm() + b"x\r\n")))
    assert "settled" in damaged(unionpay_bill.parse, union((name, zm(**{"000000004950": "000000004951"}))))
    assert "31" in damaged(unionpay_bill.parse, union((name, zm(**{" 04 ": " 31 "}))))
    assert "one file" in damaged(unionpay_bill.parse, union(("ZME_1", zm())))
    assert "whole" in damaged(unionpay_bill.parse, base64.b64encode(zlib.compress(b"x") + b"y").decode())
    assert "base64" in damaged(unionpay_bill.parse, "%").lower()


def test_a_zip_under_a_password_is_refused():
    """Every way to be broken is a damaged bill: here the mark of a password in both places that have it."""
    content = bytearray(zipped(("业务明细.csv", alipay_text().encode("gbk"))))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert "not a zip" in damaged(alipay_bill.parse, bytes(content))


def test_a_bill_of_another_day_than_asked_for_is_unknown(unionpay, monkeypatch):
    given = [{"respCode": "00", "merId": keys.MER_ID, "settleDate": "0101"}]
    monkeypatch.setattr(unionpay, "_send", lambda *_, **__: given.pop())
    with pytest.raises(outbound.Unknown, match="another day"):
        unionpay.download_bill(DAY, now=NOW)


def test_a_row_of_the_last_year_stands_in_the_first_bill_of_the_new_one():
    assert unionpay_bill._moment("1231233000", "20270101") == clock.day_start("20261231") + 84_600
    assert unionpay_bill._moment("0101003000", "20270101") == clock.day_start("20270101") + 1800
