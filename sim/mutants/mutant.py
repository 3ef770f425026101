"""A seeded bug: some lines of the shop as somebody might have written them, put in place while a block runs."""

import ast
import contextlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import cast

from sim import faults
from sim.instance import put

ROUGH = {"stall": 0.01, "message_twice": 0.2, "notice_twice": 0.5, "paid_after_close": 1.0, "outage": 1.0}
CALM: Mapping[str, float] = dict.fromkeys(faults.CALLS | faults.OTHERS, 0.0)


class Stale(Exception):
    """The lines that a mutant changes do not stand in the code, or not once."""


@dataclass(frozen=True)
class Edit:
    """In the function `at` ("stock.claims:claim") the text `right` becomes `wrong`."""

    at: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Mutant:
    """A bug by name. `story` says what a shopper or owner sees, `origin` where the like was met.

    `rates` are those of the faults that make it likely to show; without them it would take more seeds. `drilled` is
    what shows where tables are lost and restored only.
    """

    name: str
    story: str
    origin: str
    edits: tuple[Edit, ...]
    rates: Mapping[str, float] = field(default_factory=lambda: ROUGH)
    drilled: bool = False

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Have the bug until the block ends, wherever its functions were imported. Raises Stale."""
        wrong = self.codes()
        before = {each: each.__code__ for each in wrong}
        try:
            put(wrong)
            yield
        finally:
            put(before)

    def codes(self) -> dict[FunctionType, CodeType]:
        """The functions it changes, and how. Raises Stale."""
        return {
            function(at): self._code(at, function(at)) for at in dict.fromkeys(edit.at for edit in self.edits)
        }

    def _code(self, at: str, of: FunctionType) -> CodeType:
        text = textwrap.dedent(inspect.getsource(of))
        for edit in self.edits:
            if edit.at == at:
                if text.count(edit.right) != 1:
                    raise Stale(f"{self.name}: {at} has {text.count(edit.right)} times {edit.right!r}")
                text = text.replace(edit.right, edit.wrong)
        return _compiled(text, of)


def mutant(
    name: str,
    story: str,
    *edits: tuple[str, str, str],
    origin: str,
    rates: Mapping[str, float] = ROUGH,
    drilled: bool = False,
) -> Mutant:
    """A mutant with its edits given as (at, right, wrong)."""
    return Mutant(name, story, origin, tuple(Edit(*one) for one in edits), rates, drilled)


def function(at: str) -> FunctionType:
    """The function of the shop that a mutant names."""
    found = pkgutil.resolve_name(f"chalicelib.{at}")
    return cast(FunctionType, getattr(found, "__func__", found))


def _compiled(text: str, of: FunctionType) -> CodeType:
    """The code of a changed function; its decorators have done their work already."""
    tree = ast.parse(text)
    definition = cast(ast.FunctionDef, tree.body[0])
    definition.decorator_list = []
    made: dict[str, FunctionType] = {}
    exec(compile(tree, of.__code__.co_filename, "exec"), of.__globals__, made)  # noqa: S102  the purpose of this file
    return made[of.__name__].__code__
