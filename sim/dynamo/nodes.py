"""What expressions say, as trees."""

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: names of map members and places in lists."""

    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"[{', '.join(step if isinstance(step, str) else f'[{step}]' for step in self.steps)}]"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value given beside the expression."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its operands."""

    name: str
    args: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """Two operands and + or -; only what SET assigns."""

    sign: str
    left: "Operand"
    right: "Operand"


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands and a comparator."""

    sign: str
    left: "Operand"
    right: "Operand"


@dataclass(frozen=True, slots=True)
class Between:
    """An operand within bounds."""

    operand: "Operand"
    low: "Operand"
    high: "Operand"


@dataclass(frozen=True, slots=True)
class Among:
    """An operand that equals one of several."""

    operand: "Operand"
    choices: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Two conditions and AND or OR."""

    word: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Not:
    """A condition turned round."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class Action:
    """One step of an update. REMOVE has no operand."""

    section: str
    path: Path
    operand: Union["Operand", Sum, None]


Operand = Path | Placeholder | Call
Node = Operand | Compare | Between | Among | Joined | Not


def attributes(node: Node) -> set[str]:
    """The top-level attributes a condition looks at."""
    if isinstance(node, Path):
        return {str(node.steps[0])}
    inner: tuple[Node, ...] = ()
    if isinstance(node, Joined | Compare):
        inner = node.left, node.right
    elif isinstance(node, Between):
        inner = node.operand, node.low, node.high
    elif isinstance(node, Among):
        inner = node.operand, *node.choices
    elif isinstance(node, Call):
        inner = node.args
    elif isinstance(node, Not):
        inner = (node.inner,)
    return {name for each in inner for name in attributes(each)}
