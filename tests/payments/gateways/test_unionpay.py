"""UnionPay's dialect against messages written here, by the published rules, with certificates made here."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kit import clock, outbound
from chalicelib.orders import service as orders
from chalicelib.payments import gateways
from sandbox.faults import Plan
from sandbox.notify import Notice
from sandbox.unionpay import UnionPay
from tests.payments.gateways.conftest import NOW, paid_trade

MER_ID, CERT_ID = "777290058110048", "68759585097"
CN = "041@8310000000083040@中国银联股份有限公司@00016495"
OPENED = NOW - 60
NUMBER = orders.make_number("demo", bytes(11), OPENED) + "01"
REFUND = f"{NUMBER}R1"
TXN_TIME = "20261122174042"
LONG = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


@cache
def key(name):
    """A key of this test run."""
    return rsa.generate_private_key(65537, 2048)


def certificate(name, of, *, by="middle", issuer=None, valid=LONG, ca=False, key_of=None, serial=4711):
    """PEM of a certificate for the key `of`, issued with the key `by`. A plus parts several names."""
    common = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, part) for part in each.split("+")])
        for each in (name, issuer or by)
    ]
    builder = (
        x509.CertificateBuilder(*reversed(common))
        .public_key((key_of or key(of)).public_key())
        .serial_number(serial)
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(key(by), SHA256()).public_bytes(Encoding.PEM).decode()


@cache
def authorities():
    """Root and middle, as a merchant configures them."""
    return {
        "root_cert_pem": certificate("root", "root", by="root", ca=True),
        "middle_cert_pem": certificate("middle", "middle", by="root", ca=True),
    }


@cache
def signer():
    return certificate(CN, "signer")


@pytest.fixture(scope="module")
def union():
    return gateway()


def gateway(**changed):
    pem = key("merchant").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    plain = {"mer_id": MER_ID, "cert_id": CERT_ID, "private_key_pem": pem, **authorities()}
    return gateways.GATEWAYS["unionpay"](plain | changed)


def digest(fields):
    """Sorted, joined, hashed; the hexadecimal text is what is signed."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    return hashlib.sha256(text.encode()).hexdigest().encode()


def signed(fields, by="signer", pem=None):
    given = {**fields, "signPubKeyCert": pem if pem is not None else signer()}
    given = {name: value for name, value in given.items() if value is not None}
    signature = key(by).sign(digest(given), PKCS1v15(), SHA256())
    return given | {"signature": base64.b64encode(signature).decode()}


def told(**changed):
    """A notification's fields."""
    return {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "txnType": "01",
        "txnSubType": "01",
        "bizType": "000201",
        "accessType": "0",
        "merId": MER_ID,
        "orderId": NUMBER,
        "txnTime": TXN_TIME,
        "txnAmt": "4950",
        "currencyCode": "156",
        "queryId": "201611221740421234567",
        "respCode": "00",
        "respMsg": "成功[0000000]",
        "settleAmt": "4950",
        "settleDate": "1122",
        "traceNo": "123456",
        "traceTime": "1122174137",
    } | changed


def body(*, by="signer", pem=None, **changed):
    return urlencode(signed(told(**changed), by, pem)).encode()


def forged(union, content, now=NOW):
    with pytest.raises(gateways.Forged) as refusal:
        union.parse_notify({}, content, now=now)
    return refusal.value.reason


def a_charge(**changed):
    fields = {
        "subject": "话费",
        "expires_at": NOW + 840,
        "notify_url": "http://main.localhost/h",
        "device": "pc",
    }
    return gateways.Charge(**{"out_trade_no": NUMBER, "amount_fen": 4950, **fields} | changed)


PAID = gateways.Payment(
    channel="unionpay",
    merchant=MER_ID,
    app="",
    out_trade_no=NUMBER,
    transaction_id="201611221740421234567",
    amount_fen=4950,
    currency="CNY",
    paid_at=NOW - 5,
    event_id="201611221740421234567",
)


# What the shopper's browser posts.


def test_the_form_is_signed_over_the_hex_of_the_digest_of_its_sorted_fields(union):
    link = union.create(a_charge(return_url="http://demo.localhost/o"), now=NOW)
    fields = dict(link.fields)
    signature = base64.b64decode(fields.pop("signature"))
    key("merchant").public_key().verify(signature, digest(fields), PKCS1v15(), SHA256())
    assert (link.kind, link.payload) == ("form", "https://gateway.95516.com/gateway/api/frontTransReq.do")
    assert link.origins == "https://*.95516.com"
    assert fields == {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "bizType": "000201",
        "accessType": "0",
        "certId": CERT_ID,
        "merId": MER_ID,
        "txnType": "01",
        "txnSubType": "01",
        "channelType": "07",
        "orderId": NUMBER,
        "txnTime": TXN_TIME,
        "txnAmt": "4950",
        "currencyCode": "156",
        "backUrl": "http://main.localhost/h",
        "frontUrl": "http://demo.localhost/o",
        "payTimeout": "20261122175542",
    }


def test_an_empty_field_is_not_sent_and_a_phone_is_named_as_one(union):
    fields = union.create(a_charge(device="mobile"), now=NOW).fields
    assert "frontUrl" not in fields
    assert fields["channelType"] == "08"


def test_the_number_of_an_order_fits_and_brings_its_time(union):
    assert 8 <= len(REFUND) <= 40
    assert REFUND.isalnum()
    assert clock.beijing(orders.time_of(NUMBER)).strftime("%Y%m%d%H%M%S") == TXN_TIME
    later = union.create(a_charge(), now=NOW + 600)
    assert later == union.create(a_charge(), now=NOW)


def test_a_payment_does_not_begin_with_an_old_time(union):
    assert union.create(a_charge(), now=OPENED + 3600)
    with pytest.raises(gateways.Declined) as refusal:
        union.create(a_charge(), now=OPENED + 3601)
    assert refusal.value.code == "stale"


# What the channel tells.


@pytest.mark.parametrize("code", ["00", "A6"])
def test_a_genuine_notification_tells_its_payment(union, code):
    assert union.parse_notify({}, body(respCode=code), now=NOW) == PAID


def test_the_sandbox_and_this_test_write_the_same(unionpay, own):
    channel = UnionPay(own, books=None, faults=None, cashier=str)
    sent = channel.compose(Notice(paid_trade("unionpay")), Plan(), now=NOW)[1]
    names = set(dict(parse_qsl(sent.decode(), keep_blank_values=True)))
    assert names >= set(signed(told()))
    assert unionpay.parse_notify({}, sent, now=NOW).amount_fen == 4950


def test_a_changed_byte_is_forged_or_only_another_spelling_of_the_same_form(union):
    genuine = body()
    before, accepted = parse_qsl(genuine.decode()), 0
    for place in range(len(genuine)):
        changed = (
            genuine[:place] + bytes([genuine[place] ^ (1, 0x20, 0x80)[place % 3]]) + genuine[place + 1 :]
        )
        try:
            payment = union.parse_notify({}, changed, now=NOW)
        except gateways.Forged:
            continue
        assert payment == PAID
        assert parse_qsl(changed.decode()) == before
        accepted += 1
    assert accepted < len(genuine) / 5


@pytest.mark.parametrize("name", sorted(signed(told())))
def test_a_changed_missing_or_empty_field_is_forged(union, name):
    fields = signed(told())
    forged(union, urlencode(fields | {name: fields[name] + "0"}).encode())
    forged(union, urlencode(fields | {name: ""}).encode())
    forged(union, urlencode({k: v for k, v in fields.items() if k != name}).encode())


def test_an_added_or_repeated_field_is_forged(union):
    forged(union, body() + b"&note=1")
    forged(union, body() + b"&note=")
    for name, value in signed(told()).items():
        assert "twice" in forged(union, body() + b"&" + urlencode({name: value}).encode())


def test_a_signature_over_the_digest_s_bytes_is_forged(union):
    fields = told(signPubKeyCert=signer())
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items())).encode()
    for content in (text, hashlib.sha256(text).digest(), hashlib.sha256(text).hexdigest().upper().encode()):
        signature = base64.b64encode(key("signer").sign(content, PKCS1v15(), SHA256())).decode()
        reason = forged(union, urlencode(fields | {"signature": signature}).encode())
        assert reason == "the signature does not fit"


@pytest.mark.parametrize(
    "changed", [{"signMethod": "11"}, {"version": "5.0.0"}, {"signMethod": None}, {"version": ""}], ids=str
)
def test_another_kind_of_signature_is_forged(union, changed):
    assert forged(union, body(**changed)) == "another kind of signature"


SELF_MADE = "a certificate of another authority"
NOT_NOW = "a certificate is not valid now"
NOBODY = "a certificate of somebody else"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"by": "signer"}, SELF_MADE),  # self-signed, as by some other authority
        ({"by": "signer", "issuer": "middle"}, SELF_MADE),
        ({"by": "root"}, SELF_MADE),
        ({"by": "root", "issuer": "middle"}, SELF_MADE),
        ({"name": "中国银联股份有限公司"}, NOBODY),
        ({"name": "041@1@00040000:SIGN@1"}, NOBODY),
        ({"name": "041@1@某某科技有限公司@1"}, NOBODY),
        ({"name": "041@中国银联股份有限公司@1@1"}, NOBODY),
        ({"name": "041@1@中国银联股份有限公司x@1"}, NOBODY),
        ({"valid": (LONG[0], datetime.fromtimestamp(NOW - 1, UTC))}, NOT_NOW),
        ({"valid": (datetime.fromtimestamp(NOW + 1, UTC), LONG[1])}, NOT_NOW),
    ],
    ids=str,
)
def test_a_certificate_that_is_not_the_channel_s_is_forged_whatever_it_signed(union, made, reason):
    pem = certificate(**{"name": CN, "of": "signer", **made})
    assert forged(union, body(pem=pem)) == reason


def test_a_certificate_below_the_channel_s_own_is_forged(union):
    """Whoever holds a true certificate may not issue others with it, under any authority's name."""
    for issuer in (CN, "middle", "root"):
        pem = certificate(CN, "stranger", by="signer", issuer=issuer)
        assert forged(union, body(by="stranger", pem=pem)) == SELF_MADE


def test_the_merchant_s_own_certificate_of_the_same_authority_signs_nothing(union):
    pem = certificate("041@777@某商户@1", "merchant")
    assert forged(union, body(by="merchant", pem=pem)) == NOBODY


def test_the_true_certificate_does_not_make_another_key_s_signature_good(union):
    assert forged(union, body(by="stranger")) == "the signature does not fit"


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_forged(union, pem):
    assert forged(union, body(pem=pem)) == "not a certificate"


def test_a_key_of_another_kind_is_forged(union):
    pem = certificate(CN, "signer", key_of=ec.generate_private_key(ec.SECP256R1()))
    assert forged(union, body(pem=pem)) == "a certificate with another kind of key"


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
@pytest.mark.parametrize("bit", [1, 0x20, 0x80])
def test_a_certificate_with_a_changed_byte_is_forged_whatever_it_signed(union, bit):
    der = base64.b64decode("".join(signer().splitlines()[1:-1]))
    for place in range(len(der)):
        changed = der[:place] + bytes([der[place] ^ bit]) + der[place + 1 :]
        text = base64.encodebytes(changed).decode()
        pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
        assert "certificate" in forged(union, body(pem=pem))


def test_a_certificate_signed_in_bits_is_forged(union):
    """Every second signature ends in a bit that is zero, which may be said not to count."""
    tried = (certificate(CN, "signer", serial=serial) for serial in range(1, 1000))
    ders = (base64.b64decode("".join(pem.splitlines()[1:-1])) for pem in tried)
    der = next(der for der in ders if not der[-1] & 1)
    changed = der[:-257] + b"\x01" + der[-256:]
    pem = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(changed).decode()}-----END CERTIFICATE-----\n"
    assert forged(union, body(pem=pem)) == "a certificate signed in bits"


def test_a_certificate_of_two_names_is_forged(union):
    pem = certificate(f"{CN}+041@1@某某科技有限公司@1", "signer")
    assert forged(union, body(pem=pem)) == "a certificate without one name"


@pytest.mark.parametrize("ca", [False, None])
def test_a_middle_that_may_not_issue_vouches_for_nobody(ca):
    middle = certificate("middle", "middle", by="root", ca=ca)
    assert forged(gateway(middle_cert_pem=middle), body()) == "an issuer that is no authority"


def test_the_middle_and_the_root_age_too():
    over = (LONG[0], datetime.fromtimestamp(NOW - 1, UTC))
    middle = certificate("middle", "middle", by="root", ca=True, valid=over)
    root = certificate("root", "root", by="root", ca=True, valid=over)
    assert forged(gateway(middle_cert_pem=middle), body()) == NOT_NOW
    assert forged(gateway(root_cert_pem=root), body()) == NOT_NOW
    assert gateway(root_cert_pem=root).parse_notify({}, body(), now=NOW - 1) == PAID


def test_a_certificate_counts_on_its_first_and_last_second(union):
    first, last = int(LONG[0].timestamp()), int(LONG[1].timestamp())
    assert union.parse_notify({}, body(), now=first) == union.parse_notify({}, body(), now=last) == PAID
    assert forged(union, body(), now=first - 1) == forged(union, body(), now=last + 1) == NOT_NOW


def test_the_test_environment_signs_under_its_own_name():
    tested, pem = gateway(signer="00040000:SIGN"), certificate("041@Z12@00040000:SIGN@00000001", "signer")
    assert tested.parse_notify({}, body(pem=pem), now=NOW) == PAID
    assert forged(tested, body()) == NOBODY


@pytest.mark.parametrize(
    "changed",
    [{"txnType": "04", "origQryId": "1"}, {"txnType": "31"}, {"txnType": "00"}, {"respCode": "01"}],
    ids=str,
)
def test_a_refund_or_a_failure_is_no_payment(union, changed):
    assert union.parse_notify({}, body(**changed), now=NOW) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"txnAmt": "49.50"},
        {"txnAmt": "-1"},
        {"txnAmt": "４９５０"},
        {"txnAmt": "1" * 13},
        {"txnAmt": None},
        {"traceTime": "1322174137"},
        {"traceTime": "112217413"},
        {"traceTime": None},
        {"txnTime": "yesterday"},
        {"merId": None},
        {"orderId": None},
        {"queryId": None},
        {"currencyCode": None},
    ],
    ids=str,
)
def test_a_genuine_payment_with_a_wrong_field_is_refused(union, changed):
    forged(union, body(**changed))


def test_what_is_another_s_is_told_as_such(union):
    payment = union.parse_notify({}, body(merId="1", orderId="2" * 8, currencyCode="840"), now=NOW)
    assert (payment.merchant, payment.out_trade_no, payment.currency) == ("1", "22222222", "840")


@pytest.mark.parametrize(
    ("opened", "trace", "paid"),
    [
        ("20261231235900", "0101000100", "2027-01-01 00:01:00"),
        ("20270101000100", "0101000000", "2027-01-01 00:00:00"),
        ("20240228235900", "0229000000", "2024-02-29 00:00:00"),
    ],
)
def test_a_trace_time_belongs_to_the_year_of_its_order_or_the_next(union, opened, trace, paid):
    payment = union.parse_notify({}, body(txnTime=opened, traceTime=trace), now=NOW)
    assert f"{clock.beijing(payment.paid_at):%Y-%m-%d %H:%M:%S}" == paid


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_forged(union, content):
    forged(union, content)


@settings(deadline=None)
@given(
    changed=st.dictionaries(
        st.sampled_from(["txnAmt", "traceTime", "txnTime", "respCode", "txnType"]), st.text()
    )
)
def test_any_text_under_a_true_signature_is_read_or_refused(union, changed):
    try:
        payment = union.parse_notify(
            {}, urlencode(signed(told(**changed)), errors="replace").encode(), now=NOW
        )
    except (gateways.Forged, UnicodeEncodeError):
        return
    assert payment is None or payment.amount_fen >= 0


def test_the_status_is_the_answer(union):
    assert union.ack()[0] == 200
    assert union.nack("why")[0] == 400


# What the channel answers.


class Line:
    """Answers in turn, and what was asked."""

    def __init__(self, monkeypatch, *answers, status=200):
        self.asked, self._answers, self._status = [], list(answers), status
        monkeypatch.setattr(outbound, "call", self._call)

    def _call(self, method, url, *, headers, body, **_):
        self.asked.append((url.rsplit("/", 1)[-1], dict(parse_qsl(body.decode()))))
        answer = self._answers.pop(0)
        content = answer if isinstance(answer, bytes) else plain(signed(answer))
        return outbound.Reply(self._status, {}, content)


def plain(fields):
    """The fields of an answer, which come unencoded."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def found(code="00", **changed):
    return told(origRespCode=code, txnType="00", **changed)


def test_a_query_names_the_transaction_by_number_and_time_and_is_signed(union, monkeypatch):
    line = Line(monkeypatch, found())
    assert union.query(NUMBER, now=NOW) == PAID
    ((path, asked),) = line.asked
    signature = base64.b64decode(asked.pop("signature"))
    key("merchant").public_key().verify(signature, digest(asked), PKCS1v15(), SHA256())
    assert path == "queryTrans.do"
    assert (asked["txnType"], asked["orderId"], asked["txnTime"]) == ("00", NUMBER, TXN_TIME)


@pytest.mark.parametrize("code", ["01", "34", "61", "64"])
def test_a_trade_that_failed_or_is_not_there_is_not_paid_and_closed(union, monkeypatch, code):
    Line(monkeypatch, found(code), found(code))
    assert union.query(NUMBER, now=NOW) is None
    assert union.close(NUMBER, now=NOW) is True


def test_a_trade_nobody_ever_began_is_not_paid_and_closed(union, monkeypatch):
    Line(monkeypatch, told(respCode="34"), told(respCode="34"))
    assert union.query(NUMBER, now=NOW) is None
    assert union.close(NUMBER, now=NOW) is True


@pytest.mark.parametrize("code", ["00", "A6"])
def test_a_paid_trade_is_not_closed(union, monkeypatch, code):
    Line(monkeypatch, found(code))
    assert union.close(NUMBER, now=NOW) is False


@pytest.mark.parametrize("code", ["03", "04", "05", "42", "69", "70", "74", "75", "", "ZZ"])
def test_a_trade_of_which_nobody_knows_is_neither_paid_nor_closed(union, monkeypatch, code):
    Line(monkeypatch, found(code), found(code))
    with pytest.raises(outbound.Unknown):
        union.query(NUMBER, now=NOW)
    with pytest.raises(outbound.Unknown):
        union.close(NUMBER, now=NOW)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("10", gateways.Declined),
        ("11", gateways.Declined),
        ("31", gateways.Declined),
        ("02", outbound.Unknown),
        ("06", outbound.Unknown),
        ("37", outbound.Unknown),
        ("98", outbound.Unknown),
        ("", outbound.Unknown),
    ],
)
def test_only_a_definite_refusal_is_one(union, monkeypatch, code, expected):
    Line(monkeypatch, told(respCode=code), found(), accepted(code))
    with pytest.raises(expected):
        union.query(NUMBER, now=NOW)
    with pytest.raises(expected):
        give_back(union)


@pytest.mark.parametrize(
    "changed",
    [
        {"orderId": "OTHER000"},
        {"txnTime": "20261122174043"},
        {"merId": "1"},
        {"txnAmt": "x"},
        {"queryId": None},
    ],
    ids=str,
)
def test_an_answer_about_something_else_or_unreadable_is_unknown(union, monkeypatch, changed):
    Line(monkeypatch, found(**changed))
    with pytest.raises(outbound.Unknown):
        union.query(NUMBER, now=NOW)


@pytest.mark.parametrize("place", range(0, 3000, 43))
def test_a_changed_answer_is_unknown(union, monkeypatch, place):
    answer = bytearray(plain(signed(found())))
    answer[place % len(answer)] ^= 1
    Line(monkeypatch, bytes(answer))
    with pytest.raises(outbound.Unknown):
        union.query(NUMBER, now=NOW)


@pytest.mark.parametrize("answer", [b"", b"Invalid request.", b"respCode=34", b"\xff", b"a=1&a=2"])
def test_an_answer_nobody_signed_is_unknown(union, monkeypatch, answer):
    Line(monkeypatch, answer)
    with pytest.raises(outbound.Unknown):
        union.query(NUMBER, now=NOW)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_status_is_unknown(union, monkeypatch, status):
    Line(monkeypatch, found(), status=status)
    with pytest.raises(outbound.Unknown):
        union.query(NUMBER, now=NOW)


def give_back(union, amount=1000):
    asked = {"amount_fen": amount, "total_fen": 4950, "reason": "", "asked_at": NOW - 30, "now": NOW}
    return union.refund(NUMBER, out_refund_no=REFUND, **asked)


def refunded(code="00", **changed):
    return found(code, orderId=REFUND, txnTime="20261122174112", txnAmt="1000", **changed)


def accepted(code="00"):
    return told(orderId=REFUND, txnTime="20261122174112", txnType="04", respCode=code)


@pytest.mark.parametrize("code", ["00", "03", "04", "05", "12"])
def test_a_refund_that_was_taken_or_is_known_is_asked_for(union, monkeypatch, code):
    line = Line(monkeypatch, found(), accepted(code), refunded())
    assert give_back(union) == gateways.Refund(REFUND, "success")
    (_, (path, asked), _) = line.asked
    assert path == "backTransReq.do"
    assert {
        name: asked[name] for name in ("txnType", "orderId", "txnTime", "txnAmt", "origQryId", "backUrl")
    } == {
        "txnType": "04",
        "orderId": REFUND,
        "txnTime": "20261122174112",
        "txnAmt": "1000",
        "origQryId": PAID.transaction_id,
        "backUrl": "http://www.specialUrl.com",
    }


def test_a_refund_of_another_amount_under_the_number_is_not_this_one(union, monkeypatch):
    Line(monkeypatch, found(), accepted("12"), refunded())
    with pytest.raises(gateways.Declined):
        give_back(union, amount=999)


def test_a_refund_of_what_was_never_paid_is_declined(union, monkeypatch):
    line = Line(monkeypatch, told(respCode="34"))
    with pytest.raises(gateways.Declined):
        give_back(union)
    assert len(line.asked) == 1


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("00", "success"),
        ("A6", "success"),
        ("05", "processing"),
        ("01", "closed"),
        ("34", "unknown"),
        ("ZZ", "unknown"),
    ],
)
def test_how_a_refund_stands(union, monkeypatch, code, state):
    Line(monkeypatch, refunded(code))
    assert union.query_refund(NUMBER, REFUND, asked_at=NOW - 30, now=NOW).state == state


def test_a_refund_the_channel_does_not_know_is_unknown(union, monkeypatch):
    Line(monkeypatch, accepted("34"))
    assert union.query_refund(NUMBER, REFUND, asked_at=NOW - 30, now=NOW).state == "unknown"
