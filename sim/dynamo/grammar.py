"""Expressions read into trees, by the grammar of the developer guide.

Names stand resolved in the tree; values stay placeholders, so a tree serves every call with the same text and names.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as File
from typing import TypeVar

from . import nodes, paths
from .errors import Refusal
from .lexer import Cursor
from .nodes import Call, Node, Operand, Path, Placeholder

RESERVED = frozenset((File(__file__).parent / "reserved.txt").read_text().split())
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
TESTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
CONDITION = TESTS | {"size": 1}
UPDATE = {"if_not_exists": 2, "list_append": 2}
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
MOST_CHOICES = 100
T = TypeVar("T")


class Reader(Cursor):
    """Reads one expression; notes which names and values it used. Raises Refusal."""

    def __init__(self, text: str, label: str, names: Mapping[str, str]) -> None:
        super().__init__(text, label)
        self.given = names
        self.names: set[str] = set()
        self.values: set[str] = set()
        self.functions = UPDATE if label == "UpdateExpression" else CONDITION
        self._group = (-1, -1)

    def condition(self) -> Node:
        """Comparisons, functions, AND, OR, NOT. No arithmetic."""
        tree = self._test(self._either())
        self.end()
        return tree

    def update(self) -> tuple[nodes.Action, ...]:
        """SET, REMOVE, ADD and DELETE, each at most once."""
        actions: list[nodes.Action] = []
        seen: set[str] = set()
        while section := self.keyword(*SECTIONS):
            if section in seen:
                raise self.refuse(f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            actions += self._listed(partial(self._action, section))
        self.end()
        paths.check_apart([action.path for action in actions], self.refuse)
        return tuple(actions)

    def projection(self) -> tuple[Path, ...]:
        """Document paths."""
        found = tuple(self._listed(self._path))
        self.end()
        paths.check_apart(found, self.refuse)
        return found

    def _either(self) -> Node:
        left = self._both()
        if not self.keyword("OR"):
            return left
        return nodes.Joined("OR", self._test(left), self._test(self._either()))

    def _both(self) -> Node:
        left = self._negated()
        if not self.keyword("AND"):
            return left
        return nodes.Joined("AND", self._test(left), self._test(self._both()))

    def _negated(self) -> Node:
        if self.keyword("NOT"):
            return nodes.Not(self._test(self._primary()))
        return self._primary()

    def _primary(self) -> Node:
        node: Node = self._grouped(self._either) if self.next_is("(") else self._atom()
        return self._predicate(node) if isinstance(node, Operand) else node

    def _predicate(self, left: Operand) -> Node:
        if sign := self.accept(*COMPARATORS):
            compared = nodes.Compare(sign, self._plain(left), self._plain(self._operand()))
            self._check_distinct(sign, compared.left, compared.right)
            return compared
        if self.keyword("BETWEEN"):
            low = self._plain(self._operand())
            if not self.keyword("AND"):
                raise self.puzzled()
            return nodes.Between(self._plain(left), low, self._plain(self._operand()))
        if self.keyword("IN"):
            return self._among(self._plain(left))
        return left

    def _among(self, left: Operand) -> Node:
        self.expect("(")
        choices = tuple(self._plain(each) for each in self._listed(self._operand))
        self.expect(")")
        if len(choices) > MOST_CHOICES:
            said = f"The IN operator is provided with too many operands; number of operands: {len(choices)}"
            raise self.refuse(said)
        return nodes.Among(left, choices)

    def _action(self, section: str) -> nodes.Action:
        path = self._path()
        if section == "REMOVE":
            return nodes.Action(section, path, None)
        if section == "SET":
            self.expect("=")
            return nodes.Action(section, path, self._assigned())
        if self.tokens[self.at].kind != "value":
            raise self.puzzled()
        return nodes.Action(section, path, self._atom())

    def _assigned(self) -> Operand | nodes.Sum:
        if self.next_is("("):
            whole: Operand | nodes.Sum = self._grouped(self._assigned)
        else:
            whole = self._atom()
        if isinstance(whole, nodes.Sum) or not (sign := self.accept("+", "-")):
            return whole
        return nodes.Sum(sign, whole, self._operand())

    def _operand(self) -> Operand:
        return self._grouped(self._operand) if self.next_is("(") else self._atom()

    def _atom(self) -> Operand:
        token = self.tokens[self.at]
        if token.kind == "value":
            self.values.add(self.step().text)
            return Placeholder(token.text)
        if token.kind == "word" and self.next_is("(", ahead=1):
            return self._call()
        return self._path()

    def _call(self) -> Call:
        name = self.step().text
        self.expect("(")
        call = Call(name, tuple(self._plain(each) for each in self._listed(self._operand)))
        self.expect(")")
        self._check_call(call)
        return call

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while sign := self.accept(".", "["):
            if sign == ".":
                steps.append(self._name())
                continue
            token = self.step()
            if token.kind != "index":
                self.at -= 1
                raise self.puzzled()
            steps.append(int(token.text))
            self.expect("]")
        return Path(tuple(steps))

    def _name(self) -> str:
        token = self.tokens[self.at]
        if token.kind == "alias":
            return self._resolved(self.step().text)
        if token.kind != "word" or token.text.upper() in {"AND", "OR", "NOT", "BETWEEN", "IN", *SECTIONS}:
            raise self.puzzled()
        if token.text.upper() in RESERVED:
            raise self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self.step().text

    def _resolved(self, alias: str) -> str:
        if alias not in self.given:
            raise self.refuse(
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {alias}"
            )
        self.names.add(alias)
        return self.given[alias]

    def _grouped(self, inner: Callable[[], T]) -> T:
        start = self.at
        self.expect("(")
        node = inner()
        within, end = self._group, self.at
        self.expect(")")
        if within == (start + 1, end - 1):
            raise self.refuse("The expression has redundant parentheses;")
        self._group = (start, end)
        return node

    def _listed(self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self.accept(","):
            found.append(one())
        return found

    def _test(self, node: Node) -> Node:
        if isinstance(node, Call) and node.name in TESTS:
            return node
        if isinstance(node, Call):
            raise self._misused(node)
        if isinstance(node, Operand):
            raise self.puzzled()
        return node

    def _plain(self, operand: Operand) -> Operand:
        if isinstance(operand, Call) and operand.name in TESTS:
            raise self._misused(operand)
        return operand

    def _misused(self, call: Call) -> Refusal:
        return self.refuse(
            f"The function is not allowed to be used this way in an expression; function: {call.name}"
        )

    def _check_call(self, call: Call) -> None:
        expected = self.functions.get(call.name)
        if expected is None:
            raise self.refuse(f"Invalid function name; function: {call.name}")
        if len(call.args) != expected:
            raise self.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.name}, number of operands: {len(call.args)}"
            )
        if call.name in _OF_PATHS and not isinstance(call.args[0], Path):
            raise self.refuse(
                f"Operator or function requires a document path; operator or function: {call.name}"
            )
        if expected == 2 and call.name in TESTS:
            self._check_distinct(call.name, *call.args)

    def _check_distinct(self, name: str, left: Operand, right: Operand) -> None:
        if isinstance(left, Path) and left == right:
            raise self.refuse(
                "The first operand must be distinct from the remaining operands for this operator or function; "
                f"operator: {name}, first operand: {left}"
            )


_OF_PATHS = {"attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists"}
