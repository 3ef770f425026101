"""What a seed breaks, as a person can read it: the command, the few faults in words, and who did what when.

Of the calls only those are shown that write, send or ask a channel, that were struck or refused, and the reads of rows
that somebody writes in this story. Times count from the beginning of the world. Orders have short names.
"""

import re
from collections.abc import Iterator, Sequence

from .faults import Point
from .shrink import NUMBER, Cause
from .trace import Line

WORDS = {
    "kill_before": "the machine dies before the call arrives",
    "kill_after": "the machine dies before it hears the answer",
    "stall": "the machine stands still before the call",
    "throttle": "the call is turned away",
    "lost_request": "the call never arrives, and the caller waits until it gives up",
    "late_request": "the caller gives up, and the call arrives later",
    "lost_answer": "the call is done, and the answer never comes",
}
_READS = re.compile(r"dynamodb\.(GetItem|Query|BatchGetItem) |sts\.|kms\.")
_ROW = re.compile(r"dynamodb\.\w+ (\S+ \S+ \S+)")


def told(cause: Cause) -> str:
    """The cause of a violation, with what led to it."""
    lines = list(_shown(cause))
    short = {number: f"order-{n}" for n, number in enumerate(_numbers(lines, cause.broken), 1)}
    who = max((len(_brief(line.who)) for line in lines), default=0)
    start = cause.world.start
    parts = [
        f"seed {cause.seed}: {_renamed(cause.broken, short)}",
        f"needs: {', '.join(cause.cast) or 'no shopper'}; {_faults(cause.faults)}",
        *(f"  {name} is {number}" for number, name in short.items()),
        "",
        *(f"{_clock(line.now - start)}  {_brief(line.who):{who}}  {_said(line, short)}" for line in lines),
    ]
    return "\n".join(parts)


def _faults(points: Sequence[Point]) -> str:
    if not points:
        return "no fault but who comes when"
    return "".join(f"\n  {one.who or 'the world'}, time {one.nth}: {_words(one.fault)}" for one in points)


def _words(fault: str) -> str:
    return WORDS.get(fault, fault.replace("_", " "))


def _shown(cause: Cause) -> Iterator[Line]:
    """The lines that matter to those who are left."""
    lines = cause.world.trace.lines
    ours = {*cause.cast, *(one.who.split("/")[0] for one in cause.faults)}
    acts = [line for line in lines if not _READS.match(line.what)]
    numbers = {number for line in acts if _root(line) in ours for number in NUMBER.findall(line.what)}
    written = {row for line in acts for row in _ROW.findall(line.what)}
    for line in lines:
        about = _root(line) in ours or any(number in line.what for number in numbers)
        if about and (line.fault or not _READS.match(line.what) or written & set(_ROW.findall(line.what))):
            yield line


def _numbers(lines: Sequence[Line], broken: str) -> dict[str, None]:
    """The orders that a story is about, in the order in which they appear."""
    return dict.fromkeys(
        number for text in (*(line.what for line in lines), broken) for number in NUMBER.findall(text)
    )


def _renamed(text: str, short: dict[str, str]) -> str:
    return NUMBER.sub(lambda found: short.get(found[0], found[0]), text)


def _said(line: Line, short: dict[str, str]) -> str:
    fault = f"   <- {_words(line.fault)}" if line.fault else ""
    what = re.sub(r"sqs\.SendMessage(Batch)?", "send", _renamed(line.what, short))
    return what.replace("dynamodb.", "") + fault


def _brief(who: str) -> str:
    """Where somebody comes from, and what they are."""
    first, *more = who.split("/")
    return "/".join((first, *(["…"] if len(more) > 1 else []), *more[-1:]))


def _root(line: Line) -> str:
    return line.who.split("/")[0]


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{rest:06.3f}"
