"""What the command says: plain tables for people, JSON for programmes, and one sentence where nothing can be done."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from chalicelib.kit import clock

FOUND = 1  # the exit code of a check that found something, and of a wave that was halted
REFUSED = 3  # what was asked for could not be done, and nothing else was

AsJson = Annotated[bool, typer.Option("--json", help="For programmes: JSON instead of a table.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]

Found = Mapping[str, Any]  # one row, by the names of its columns


class Stopped(Exception):
    """What was asked for cannot be done; the sentence says why."""


def say(sentence: str) -> None:
    """A line for people."""
    typer.echo(sentence)


def rows(found: Sequence[Found], *, as_json: bool, none: str = "Nothing.") -> None:
    """Rows with the same columns, as a table under the columns' names."""
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    if not found:
        typer.echo(none)
        return
    texts = [list(found[0]), *([_text(value) for value in row.values()] for row in found)]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        padded = [text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)]
        typer.echo("  ".join(padded).rstrip())


def differing(site: str, setting: str, has: object, wants: object) -> Found:
    """A row that says what is not as it should be."""
    return {"site": site, "setting": setting, "is": has, "should be": wants}


def one(found: Found, *, as_json: bool) -> None:
    """One thing, a line for each of its facts."""
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    width = max(map(_width, found))
    for name, value in found.items():
        typer.echo(f"{name}{' ' * (width - _width(name))}  {_text(value)}".rstrip())


def when(at: int | None) -> str:
    """A moment in Beijing time; empty for none."""
    return clock.beijing(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def agreed(question: str, *, dry_run: bool, yes: bool) -> bool:
    """Whether to go on: not where this is a rehearsal, without asking where that was said. Raises Stopped."""
    if dry_run:
        say("Nothing was changed: this was a rehearsal (--dry-run).")
        return False
    if not yes and not typer.confirm(question):
        raise Stopped("Nothing was changed.")
    return True


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).replace("\n", " ")


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
