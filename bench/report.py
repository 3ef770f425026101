"""What benchmarks find, and how RESULTS.md tells it.

A benchmark is a module of this package: its docstring is the section's title and prose, `measure()` yields what it
finds. A figure with a goal is shown beside it whether it was met or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "count", "model", "ratio", "clock"
]  # counted here, computed by a stated model, quotient, timed
_MET = {True: "yes", False: "**no**"}
_SECTION = "<!-- {} -->"


@dataclass(frozen=True)
class Goal:
    """At most (≤), at least (≥) or exactly (=) a bound."""

    sign: Literal["≤", "≥", "="]
    bound: float

    def met_by(self, value: float) -> bool:
        """Whether a value reaches it."""
        return {"≤": value <= self.bound, "≥": value >= self.bound, "=": value == self.bound}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {number(self.bound)}"


@dataclass(frozen=True)
class Figure:
    """One number with its unit; without a goal it is only told."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None
    kind: Kind = "count"

    @property
    def met(self) -> bool:
        """Whether the goal, if there is one, is reached."""
        return self.goal is None or self.goal.met_by(self.value)


@dataclass(frozen=True)
class Table:
    """Details behind figures: a title, the heads of the columns, rows of texts and numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass(frozen=True)
class Plot:
    """A scaling law, kept as plots/{name}.svg: points (x, y) by the name of their line."""

    name: str
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    log_x: bool = True


Finding = Figure | Table | Plot


@dataclass
class Section:
    """One benchmark's part of the report."""

    name: str
    title: str
    prose: str
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, docstring: str) -> "Section":
        """An empty section; the docstring's first paragraph is the title."""
        title, _, prose = docstring.strip().partition("\n\n")
        return cls(name, " ".join(title.split()).rstrip("."), prose.strip())

    @property
    def missed(self) -> list[Figure]:
        """The figures whose goal is not reached."""
        return [one for one in self.findings if isinstance(one, Figure) and not one.met]

    def markdown(self) -> str:
        """The section as it stands in RESULTS.md."""
        figures = [one for one in self.findings if isinstance(one, Figure)]
        parts = [f"{_SECTION.format(self.name)}\n## {self.title}", self.prose]
        if figures:
            rows = [(f.name, number(f.value), f.unit, f.kind, f.goal or "", _verdict(f)) for f in figures]
            parts.append(_table(("what", "measured", "unit", "kind", "goal", "met"), rows))
        for one in self.findings:
            if isinstance(one, Table):
                parts.append(f"**{one.title}**\n\n{_table(one.heads, one.rows)}")
            elif isinstance(one, Plot):
                parts.append(f"![{one.title}](plots/{one.name}.svg)")
        return "\n\n".join(part for part in parts if part) + "\n"


def merge(before: str, sections: Iterable[Section], *, intro: str, order: Sequence[str]) -> str:
    """RESULTS.md with these sections new and the others as they stood."""
    texts = {part.partition(" -->")[0]: f"<!-- {part}" for part in before.split("<!-- ")[1:]}
    texts |= {section.name: section.markdown() for section in sections}
    told = [texts[name].rstrip() + "\n" for name in order if name in texts]
    return "\n".join([intro, _summary(told), *told])


def _summary(texts: Iterable[str]) -> str:
    """How many goals are met, and which are not."""
    rows = [line for text in texts for line in text.splitlines() if line.startswith("| ")]
    missed = [row for row in rows if row.endswith(f" {_MET[False]} |")]
    met = sum(row.endswith(f" {_MET[True]} |") for row in rows)
    cells = [row.strip("| ").split(" | ") for row in missed]
    lines = [f"- {name}: {value} {unit}, goal {goal}" for name, value, unit, _, goal, _ in cells]
    return "\n".join([f"{met} goals are met, {len(missed)} missed{':' if missed else '.'}\n", *lines, ""])


def number(value: float) -> str:
    """A number as people read it: 1,234,567 or 9,910.4 or 5.052 or 0.0123."""
    if float(value).is_integer():
        return f"{int(value):,}"
    digits = 1 if abs(value) >= 100 else 3 if abs(value) >= 1 else 4
    return f"{value:,.{digits}f}"


def _verdict(figure: Figure) -> str:
    return _MET[figure.met] if figure.goal else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)
