"""The queries over the logs, for people: what each answers, its text, and the way to it in CloudWatch."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from chalicelib.kit import clock, config

_FOLDER = Path(__file__).parent / "queries"
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
_BYTE = 0xFF
# Every function has a log of its own, called /{TablePrefix}/{function}.
FUNCTIONS = (
    "storefront",
    "checkout",
    "receipts",
    "hooks",
    "console",
    "provision_sites",
    "tend_sites",
    "publish_catalogs",
    "drive_orders",
    "walk_sites",
    "audit_pools",
    "deliver_orders",
    "settle_orders",
    "close_windows",
    "refund_orders",
    "ask_for_bills",
    "reconcile_books",
    "plan_payouts",
    "pay_out",
)


@dataclass(frozen=True)
class Query:
    """A saved query: its name, the sentence that says what it answers, and its text."""

    name: str
    says: str
    text: str

    def about(self, **names: str) -> "Query":
        """The query with ORDER, TRACE or SITE filled in."""
        text = self.text
        for name, value in names.items():
            text = text.replace(f'"{name.upper()}"', f'"{value}"')
        return Query(self.name, self.says, text)

    def address(self, *, since: int, until: int) -> str:
        """Where CloudWatch answers it, for these seconds UTC, over the logs of all functions.

        AWS documents no form; this is the one of the addresses that CloudWatch's console itself writes, with
        moments to the millisecond, an object as the package JSURL writes it, and "?" and "=" as $3F and $3D before it.
        """
        known = config.load()
        start, end = (f"'{_escaped(clock.iso(at).replace('Z', '.000Z'))}" for at in (since, until))
        logs = "".join(f"~'{_escaped(f'/{known.tables}/{function}')}" for function in FUNCTIONS)
        detail = (
            f"~(end~{end}~start~{start}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{_escaped(self.text)}"
            f"~source~({logs}))"
        )
        domain = "amazonaws.cn" if known.region.startswith("cn-") else "aws.amazon.com"
        page = f"https://console.{domain}/cloudwatch/home?region={quote(known.region)}"
        return f"{page}#logsV2:logs-insights$3FqueryDetail$3D{detail}"


@cache
def all_queries() -> tuple[Query, ...]:
    """Every query, by name."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.logs")))


def find(name: str) -> Query:
    """A query by its name. Raises StopIteration where there is none."""
    return next(query for query in all_queries() if query.name == name)


def _read(path: Path) -> Query:
    first, _, text = path.read_text().partition("\n")
    return Query(path.stem, first.removeprefix("# "), text)


def _escaped(text: str) -> str:
    return "".join(each if _PLAIN.match(each) else _marked(each) for each in text)


def _marked(letter: str) -> str:
    """A letter as JSURL has it: "!" for "$", else *xx, or **xxxx for each half of what has no byte of its own."""
    if letter == "$":
        return "!"
    if ord(letter) <= _BYTE:
        return f"*{ord(letter):02x}"
    wide = letter.encode("utf-16-be").hex()
    return "".join(f"**{wide[at : at + 4]}" for at in range(0, len(wide), 4))
