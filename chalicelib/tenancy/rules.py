"""What a site may be called, who may open one, and the way from an application to the last of a site. Pure."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.kit.errors import ShopError
from chalicelib.kit.ids import base32

RESERVED = frozenset(
    {
        "main",
        "www",
        "api",
        "admin",
        "console",
        "static",
        "assets",
        "mail",
        "smtp",
        "ftp",
        "ns",
        "dns",
        "cdn",
        "hooks",
        "pay",
        "login",
        "support",
        "apply",
        "partner",
    }
)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,28}[a-z0-9])", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
# The Latin alphabet and Chinese characters; letters of other scripts pass for Latin ones.
_PLAIN_LETTERS = re.compile(r"[a-z0-9.\-\u3400-\u4dbf\u4e00-\u9fff]+")
_ALIKE = str.maketrans("015i", "olsl")
# Names that nobody can own: special uses (RFC 6761, RFC 6762, RFC 7686, RFC 9476), and those of the cloud itself.
_NOBODYS = (
    *(".localhost", ".local", ".internal", ".invalid", ".onion", ".alt", ".arpa", ".home", ".lan", ".corp"),
    *(".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net", ".cloudfront.cn"),
)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)
_CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
LARGEST_LOGO = 24 * 1024
_LOOKS = (2, 60)  # seconds between two looks at a stack, at least and at most
_LEVEL = 0.01  # of what a cell takes
BLOCKS = frozenset({"members", "own_goods", "wholesale"})
CHANNELS = ("wechat", "alipay", "unionpay", "ecny")
TIERS = ("shared", "dedicated")  # as infra/subsite.yaml has them

# An application: two people look at it, and both must want the site.
STEPS: Mapping[str, tuple[str, ...]] = {
    "filed": ("proposed", "refused"),
    "proposed": ("admitted", "refused"),
    "admitted": (),
    "refused": (),
}
# A site: "applied" is a name kept for an application that one of the two wants.
MOVES: Mapping[str, tuple[str, ...]] = {
    "applied": ("asked", "refused"),
    "asked": ("creating", "active", "failed"),
    "creating": ("active", "failed"),
    "failed": ("asked",),
    "active": ("suspended", "leaving"),
    "suspended": ("active", "leaving"),
    "leaving": ("active", "suspended", "closed"),
    "closed": ("gone",),
    "gone": (),
    "refused": (),
}
# A domain of an owner's: until its DNS leads to the site, its stack, its certificate; then it answers until it goes.
BINDS: Mapping[str, tuple[str, ...]] = {
    "dns": ("stack", "failed", "going"),
    "stack": ("certificate", "failed", "going"),
    "certificate": ("live", "failed", "going"),
    "live": ("going",),
    "failed": ("dns", "going"),
    "going": (),
}
MOST_DOMAINS = 3  # of a site
OPEN = ("active", "suspended", "leaving")  # its doors answer, and its orders are looked after
SOLD = (*OPEN, "closed")  # its table holds orders
UNBORN = ("applied", "refused")  # nothing of it exists but the row
OVER = ("refused",)  # the name is free again

DAY = 86_400
NOTICE = 30 * DAY  # seconds for which a shop that leaves tells its shoppers so (E-Commerce Law, article 16)
CLOSES_AFTER = 32 * DAY  # seconds from its last sale: the last window is revised once more after 31 days
KEPT = 3 * 365 * DAY  # seconds for which trade is kept after it ended (E-Commerce Law, article 31)
WARNED = (30, 7, 1)  # days before the end at which an owner hears of it, more urgently each time
AGREEMENT = "2026-11"  # the version of the agreement that applicants accept
MOST_MONTHS = 60
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}", re.ASCII)


@dataclass(frozen=True)
class Room:
    """A cell: how many sites it takes, and how many it has."""

    cell: str
    takes: int
    used: int


class BadField(ShopError):
    """A field of a form or call that cannot be accepted; `field` names it."""

    status = 422
    code = "bad_field"
    sentence = "A field has a value that cannot be accepted."


class OurDomain(BadField):
    """A name below our own domain, which is given by slug."""

    code = "our_domain"
    sentence = "Names below our own domain are given with the shop's name, not bound."


class LikeDomain(BadField):
    """A name that people take for ours, or whose letters pass for others."""

    code = "like_domain"
    sentence = "This domain can be mistaken for another one."


@dataclass(frozen=True)
class Brand:
    """How a sub-site presents itself. Logo: one or two characters, or an image as data URI."""

    name: str
    tagline: str = ""
    color: str = "#0f766e"
    logo: str = ""
    notice: str = ""


def code_of(slug: str, salt: int) -> str:
    """The four-character code of a site: derived from its slug, so that asking twice names the same site."""
    return base32(hashlib.sha256(f"{slug}/{salt}".encode()).digest(), 4).lower()


def place(rooms: Iterable[Room], code: str = "") -> str:
    """The cell that a new site goes to: one used least for what it takes; empty where all are full.

    Cells fill evenly, so that a day's rush meets the API rates of all of them. Which of those that differ by a
    hundredth the site's code decides: whoever is placed at the same moment is counted in other rows.
    """
    free = [(room.used / room.takes, room.cell) for room in rooms if room.used < room.takes]
    level = min(free, default=(0.0, ""))[0] + _LEVEL
    known = sorted(cell for used, cell in free if used <= level)
    return known[zlib.crc32(code.encode()) % len(known)] if known else ""


def look_again(code: str, waited: int) -> int:
    """Seconds until a stack is looked at again: a third of what it has taken, spread by up to a quarter.

    CloudFormation describes about 5 stacks a second for an account, and no more for money: a single site is seen soon
    after it stands, and some dozens leave room for whoever else asks, such as a release that goes from stack to stack.
    """
    least, most = _LOOKS
    wait = min(max(waited // 3, least), most)
    return wait + zlib.crc32(f"{code}/{waited}".encode()) % (wait // 4 + 1)


def check_until(until: int, *, now: int) -> int:
    """The second from which a licence is no longer valid, 0 for one without end. Raises BadField."""
    if until and until <= now:
        raise BadField("This licence has expired.", field="licence_until")
    return until


def check_phone(phone: str) -> str:
    """A mobile or landline number of the mainland in its stored form. Raises BadField."""
    phone = re.sub(r"[\s-]", "", phone).removeprefix("+86")
    if not _PHONE.fullmatch(phone):
        raise BadField("A phone number has 11 digits, or an area code and 7 to 8 digits.", field="phone")
    return phone


def check_text(text: str, *, least: int, most: int, field: str) -> str:
    """A line of text without what is not printed. Raises BadField."""
    text = text.strip()
    if not (least <= len(text) <= most and text.isprintable()):
        raise BadField(f"This takes {least} to {most} characters.", field=field)
    return text


def end_of(ends: Mapping[str, int]) -> tuple[str, int]:
    """Which of several ends comes first, and when: ("", 0) where there is none. An end of 0 never comes."""
    coming = sorted((at, name) for name, at in ends.items() if at)
    return (coming[0][1], coming[0][0]) if coming else ("", 0)


def warning(until: int, *, now: int) -> int:
    """How near an end is: 30, 7 or 1 for at most that many days, 0 for further away or none, -1 for past."""
    if not until:
        return 0
    if until <= now:
        return -1
    return min((days for days in WARNED if until - now <= days * DAY), default=0)


def check_slug(slug: str) -> str:
    """The slug itself. Raises BadField for a reserved, hostile or malformed one."""
    if not _SLUG.fullmatch(slug) or "--" in slug:
        raise BadField("A site name is 3 to 30 letters a-z, digits and single hyphens.", field="slug")
    if slug in RESERVED:
        raise BadField("This site name is reserved.", field="slug")
    return slug


def check_host(host: str, own: str) -> str:
    """An owner's domain in its stored form: ASCII, letters beyond it in Punycode.

    Raises BadField for what is no public name, OurDomain, LikeDomain.
    """
    host = _in_ascii(host.strip().lower().removesuffix("."))
    if len(host) > 253 or not _HOST.fullmatch(host) or f".{host}".endswith(_NOBODYS):
        raise BadField("A domain looks like shop.example.com.", field="domain")
    if host == own or host.endswith(f".{own}"):
        raise OurDomain(field="domain")
    if f".{_as_seen(host)}".endswith(f".{_as_seen(own)}") or not _PLAIN_LETTERS.fullmatch(_in_letters(host)):
        raise LikeDomain(field="domain")
    return host


def why_failed(told: str) -> str:
    """What CloudFormation's own words about a domain's stack come to; "stack" where they say nothing we know."""
    known = {"AlreadyExists": "elsewhere", "already associated": "elsewhere", "LimitExceeded": "quota"}
    return next((why for words, why in known.items() if words in told), "stack")


def _in_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def _in_letters(host: str) -> str:
    try:
        return host.encode().decode("idna")
    except UnicodeError:
        return ""


def _as_seen(host: str) -> str:
    """A name with what looks alike made the same: paypa1 is paypal, rn is m."""
    return host.replace("rn", "m").replace("vv", "w").replace("-", "").translate(_ALIKE)


def check_credit_code(number: str) -> str:
    """A unified social credit code in its stored form, its check digit as GB 32100-2015 has it. Raises BadField."""
    number = number.strip().upper()
    if not _CREDIT_CODE.fullmatch(number) or number[17] != _credit_digit(number):
        raise BadField("A licence number is 18 characters long and ends in its check digit.", field="licence")
    return number


def _credit_digit(number: str) -> str:
    weighed = sum(_CREDIT_LETTERS.index(each) * pow(3, i, 31) for i, each in enumerate(number[:17]))
    return _CREDIT_LETTERS[-weighed % 31]


def check_brand(brand: Brand) -> Brand:
    """The brand itself. Raises BadField."""
    if not 1 <= len(brand.name.strip()) <= 40:
        raise BadField("A shop needs a name of at most 40 characters.", field="name")
    if not _COLOR.fullmatch(brand.color):
        raise BadField("A colour looks like #0f766e.", field="color")
    if max(len(brand.tagline), len(brand.notice)) > 200:
        raise BadField("Tagline and notice hold at most 200 characters.", field="tagline")
    _check_logo(brand.logo)
    return brand


def _check_logo(logo: str) -> None:
    image = logo.startswith(("data:image/png;base64,", "data:image/webp;base64,", "data:image/jpeg;base64,"))
    if len(logo) > LARGEST_LOGO or not (image or len(logo) <= 2):
        raise BadField(
            "A logo is one or two characters, or a PNG, JPEG or WebP of at most 18 KB.", field="logo"
        )
