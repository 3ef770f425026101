"""The ways in which somebody without the channel's key may change a notification.

A kind of tampering takes an origin and a place in it. Two kinds let the channel itself sign: "content", payments that
are not the order's and that the shop sees by comparing; "seal" and "certificate, signed anew", which it must refuse.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from urllib.parse import parse_qsl, urlencode

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .books import Trade
from .faults import Plan
from .lab import NOW, Lab, Mutant, Origin, Shown, speaker, trade_of

_JUNK = "银联支付宝微信：退款成功，金额￥".encode("gbk")
_HEADERS = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature-Type")
_SIGNATURES = {"wechat": "Wechatpay-Signature", "alipay": "sign", "unionpay": "signature", "ecny": "sign"}
_CENTURY = 100 * 366 * 86_400

Tamper = Callable[[Lab, Origin, Random, int], Mutant]


def mutate(lab: Lab, random: Random, number: int) -> Mutant:
    """The mutant of a number: kinds come in turn, then places; what came out unchanged is tried elsewhere."""
    kinds = KINDS[lab.channel]
    name, tamper = kinds[number % len(kinds)]
    place = number // len(kinds)
    while True:
        mutant = tamper(lab, random.choice(lab.origins), random, place)
        if not lab.is_genuine(mutant):
            return replace(mutant, kind=name)
        place += 1


def _body(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    return _sent(origin, body=_edited(origin.body, random, place))


def _cut(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    start = place % len(origin.body)
    end = len(origin.body) if random.random() < 0.5 else random.randint(start + 1, len(origin.body))
    return _sent(origin, body=origin.body[:start] + origin.body[end:])


def _junk(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """Text in GBK: put in, put over, or all of it."""
    start = place % len(origin.body)
    first = random.randrange(len(_JUNK))
    junk = _JUNK[first : random.randint(first + 1, len(_JUNK))]
    end = start + (len(junk) if random.random() < 0.5 else 0)
    return _sent(origin, body=origin.body[:start] + junk + origin.body[end:])


def _signature(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    name = _SIGNATURES[lab.channel]
    return _with_field(lab, origin, name, _edited_text(_fields(lab, origin)[name], random, place))


def _signature_respelt(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """The same base64 to a careless decoder: its other alphabet, white space, padding, stray bits."""
    name = _SIGNATURES[lab.channel]
    given = _fields(lab, origin)[name]
    at = place % len(given)
    spelt = [
        given.replace("+", "-").replace("/", "_") + random.choice("=-_ "),
        given[:at] + random.choice("\r\n\t \x00\xa0") + given[at:],
        given + "=" * random.randint(1, 9),
        given.rstrip("="),
        given.rstrip("=")[:-1] + chr(ord(given.rstrip("=")[-1]) + 1) + "==",
    ]
    return _with_field(lab, origin, name, spelt[place // len(given) % len(spelt)])


def _value(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """One field of a form."""
    fields = _form(origin.body)
    name = list(fields)[place % len(fields)]
    return _with_field(lab, origin, name, _edited_text(fields[name], random, place // len(fields)))


def _names(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """Fields of a form that are missing, come twice, or were never there."""
    pairs = list(_form(origin.body).items())
    name, value = pairs[place % len(pairs)]
    rest = [pair for pair in pairs if pair[0] != name]
    added = [(name, value), (name, _edited_text(value, random, place)), (name + random.choice("[ .2"), value)]
    made = random.choice(
        [rest, [*pairs, random.choice(added)], [(_edited_text(name, random, place), value), *rest]]
    )
    return _sent(origin, body=urlencode(made).encode())


def _form_respelt(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """Another order, other characters escaped, small hexadecimal digits, a space as plus: the same fields."""
    pairs = list(_form(origin.body).items())
    random.shuffle(pairs)
    return _sent(origin, body="&".join(f"{name}={_escaped(value, random)}" for name, value in pairs).encode())


def _json_respelt(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """The same object in other bytes; and objects that say something twice."""
    content = json.loads(origin.body)
    pairs = list(content.items())
    random.shuffle(pairs)
    spelt = json.dumps(
        dict(pairs), ensure_ascii=random.random() < 0.5, indent=random.choice([None, 1, 2, "\t"])
    )
    twice = f'{{"{random.choice(pairs)[0]}":{json.dumps(random.choice(pairs)[1])},' + origin.body.decode()[1:]
    made = random.choice([spelt, twice, " " * random.randint(1, 99) + origin.body.decode(), f"[{spelt}]"])
    return _sent(origin, body=made.encode())


def _sealed(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """The resource changed, and the whole signed by a stranger or left as it was signed."""
    content = json.loads(origin.body)
    name = ("ciphertext", "nonce", "associated_data", "algorithm", "original_type")[place % 5]
    content["resource"][name] = _edited_text(content["resource"][name], random, place // 5)
    body = json.dumps(content, ensure_ascii=False).encode()
    if random.random() < 0.7:
        return _sent(origin, body=body)
    return _sent(origin, body=body, headers=lab.resigned(body, random.choice(lab.strangers)))


def _header(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    name = _HEADERS[place % len(_HEADERS)]
    edited = _edited_text(origin.headers[name], random, place // len(_HEADERS))
    return _sent(origin, headers={**origin.headers, name: edited})


def _serial(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """A certificate nobody has heard of."""
    serial = (
        f"{random.getrandbits(160):040X}" if random.random() < 0.5 else f"PUB_KEY_ID_{random.getrandbits(64)}"
    )
    return _sent(origin, headers={**origin.headers, "Wechatpay-Serial": serial})


def _headers_respelt(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """Header names in other cases, and headers that nobody reads."""
    named = {
        "".join(random.choice([c.upper(), c.lower()]) for c in name): v for name, v in origin.headers.items()
    }
    return _sent(origin, headers=named | {f"X-{random.getrandbits(32)}": "1"})


def _stale(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """Sent again more than five minutes later, or before it was sent."""
    return _sent(origin, now=NOW + random.choice([-1, 1]) * random.randint(301, 301 + place % _CENTURY))


def _probe(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    probe = "WECHATPAY/SIGNTEST/" + _edited_text(origin.headers["Wechatpay-Signature"], random, place)
    return _sent(origin, headers={**origin.headers, "Wechatpay-Signature": probe})


def _out_of_date(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:  # noqa: ARG001
    """At a time for which the certificates were not made."""
    return _sent(
        origin,
        now=NOW + random.choice([-_CENTURY, _CENTURY]) + random.randint(-_CENTURY // 20, _CENTURY // 20),
    )


def _spliced(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """One notification's signature under another's content, or a part of another's body in this one's."""
    other = random.choice([each for each in lab.origins if each is not origin])
    name = _SIGNATURES[lab.channel]
    if random.random() < 0.2:
        return _with_field(lab, origin, name, _fields(lab, other)[name])
    start = place % min(len(origin.body), len(other.body))
    end = random.randint(start + 1, len(other.body))
    return _sent(origin, body=origin.body[:start] + other.body[start:end] + origin.body[end:])


def _stranger(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """Well signed by somebody else, or with the merchant's own key."""
    trade = replace(trade_of(lab.channel, place), amount_fen=random.randint(1, 10**7))
    headers, body = lab.told(trade, random.choice(lab.strangers))
    return _sent(origin, headers=headers, body=body)


def _content(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """The channel's own word about another merchant, application, order, amount or currency."""
    trade = trade_of(lab.channel, lab.origins.index(origin))
    digits = f"{random.getrandbits(32):010d}"
    wrong = [
        replace(trade, merchant=digits),
        replace(trade, out_trade_no=f"DEMO1FUZZ{digits}{digits}1"),
        replace(trade, amount_fen=trade.amount_fen + random.randint(1, 10**6)),
        replace(trade, amount_fen=random.randrange(trade.amount_fen)),
    ]
    if trade.app:
        wrong.append(replace(trade, app=digits))
    if lab.channel != "alipay" and random.random() < 0.2:
        return _told(lab, origin, trade, Plan(wrong_currency=True))
    return _told(lab, origin, wrong[place % len(wrong)], Plan())


def _told(lab: Lab, origin: Origin, trade: Trade, plan: Plan) -> Mutant:
    headers, body = lab.told(trade, lab.dialect, plan)
    return _sent(origin, headers=headers, body=body, signed=True)


def _certificate(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    pem = _form(origin.body)["signPubKeyCert"]
    return _with_field(lab, origin, "signPubKeyCert", _edited_text(pem, random, place))


def _certificate_signed(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """A byte of the certificate itself, under a signature of the key that is in it."""
    der = x509.load_pem_x509_certificate(lab.keys.unionpay.signer_pem.encode()).public_bytes(Encoding.DER)
    text = base64.b64encode(_edited(der, random, place)).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    shown = replace(lab.keys, unionpay=Shown(lab.keys.unionpay.signer, pem))
    trade = trade_of(lab.channel, lab.origins.index(origin))
    _, body = lab.told(trade, speaker(lab.channel, shown, random))
    return _sent(origin, body=body, signed=True)


def _certificate_of_another(lab: Lab, origin: Origin, random: Random, place: int) -> Mutant:
    """Forged, expired, or issued to somebody else by the same authority."""
    plan = Plan(certificate=("forged", "expired", "stranger")[place % 3])
    trade = replace(trade_of(lab.channel, place), amount_fen=random.randint(1, 10**7))
    return _sent(origin, body=lab.told(trade, lab.dialect, plan)[1])


def _sent(
    origin: Origin,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    now: int = NOW,
    signed: bool = False,
) -> Mutant:
    sent = origin.headers if headers is None else headers
    return Mutant("", origin, sent, origin.body if body is None else body, now, signed)


def _fields(lab: Lab, origin: Origin) -> Mapping[str, str]:
    return origin.headers if lab.channel == "wechat" else _form(origin.body)


def _with_field(lab: Lab, origin: Origin, name: str, value: str) -> Mutant:
    if lab.channel == "wechat":
        return _sent(origin, headers={**origin.headers, name: value})
    return _sent(origin, body=urlencode(_form(origin.body) | {name: value}).encode())


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _edited_text(text: str, random: Random, place: int) -> str:
    """The characters of a header or a field, one byte of them changed."""
    return _edited(text.encode(), random, place).decode("latin-1")


def _edited(content: bytes, random: Random, place: int) -> bytes:
    """One byte flipped, replaced, put in, left out, doubled, or exchanged with the next."""
    if not content:
        return random.randbytes(1)
    at = place % len(content)
    before, byte, after = content[:at], content[at : at + 1], content[at + 1 :]
    made = [
        bytes([byte[0] ^ (1 << random.randrange(8))]) + after,
        random.randbytes(1) + after,
        random.randbytes(1) + byte + after,
        after,
        byte + byte + after,
        after[:1] + byte + after[1:],
    ]
    edited = before + random.choice(made)
    return edited if edited != content else _edited(content, random, place + 1)


def _escaped(text: str, random: Random) -> str:
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 and random.random() < 0.9 else _percent(byte, random)
        for byte in text.encode()
    )


def _percent(byte: int, random: Random) -> str:
    return "+" if byte == 32 and random.random() < 0.5 else random.choice([f"%{byte:02X}", f"%{byte:02x}"])


_COMMON: list[tuple[str, Tamper]] = [
    ("body", _body),
    ("cut", _cut),
    ("GBK", _junk),
    ("signature", _signature),
    ("signature respelt", _signature_respelt),
    ("headers respelt", _headers_respelt),
    ("spliced", _spliced),
]
_FORM: list[tuple[str, Tamper]] = [("value", _value), ("fields", _names), ("form respelt", _form_respelt)]
_WECHAT: list[tuple[str, Tamper]] = [
    *(("header", _header), ("serial", _serial), ("time", _stale), ("probe", _probe)),
    *(("seal", _sealed), ("JSON respelt", _json_respelt)),
]
_UNIONPAY: list[tuple[str, Tamper]] = [("time", _out_of_date), ("certificate", _certificate)]
_ECNY: list[tuple[str, Tamper]] = [("time", _stale)]
_SIGNED: list[tuple[str, Tamper]] = [("stranger", _stranger), ("content", _content)]
_CERTIFIED: list[tuple[str, Tamper]] = [
    ("certificate, signed anew", _certificate_signed),
    ("certificate of another", _certificate_of_another),
]
# A signature takes twenty times as long as any other change.
KINDS: dict[str, list[tuple[str, Tamper]]] = {
    "wechat": [*(_COMMON + _WECHAT) * 4, *_SIGNED],
    "alipay": [*(_COMMON + _FORM) * 6, *_SIGNED],
    "unionpay": [*(_COMMON + _FORM + _UNIONPAY) * 4, *_SIGNED, *_CERTIFIED],
    "ecny": [*(_COMMON + _FORM + _ECNY) * 6, *_SIGNED],
}
