"""Document paths: finding, showing and keeping apart what they point at."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import Refusal
from .nodes import Path
from .values import Item, Value, copy

Steps = tuple[str | int, ...]


def find(item: Item, steps: Steps) -> Value | None:
    """The value under a path, or None."""
    found: Value | None = {"M": item}
    for step in steps:
        found = child(found, step)
        if found is None:
            return None
    return found


def child(value: Value | None, step: str | int) -> Value | None:
    """A member of a map or an element of a list, or None."""
    if value is None:
        return None
    if isinstance(step, str):
        member: Value | None = value["M"].get(step) if "M" in value else None
        return member
    listed = value.get("L", ())
    return listed[step] if step < len(listed) else None


def project(item: Item, wanted: Iterable[Path]) -> Item:
    """A copy of what these paths point at; the elements of a list close up."""
    tree: dict[str | int, Any] = {}
    for path in wanted:
        if find(item, path.steps) is not None:
            branch = tree
            for step in path.steps:
                branch = branch.setdefault(step, {})
    shown: Item = _pruned({"M": item}, tree)["M"] if tree else {}
    return shown


def check_apart(found: Sequence[Path], refuse: Callable[[str], Refusal]) -> None:
    """No path may lead to or through another. Raises what `refuse` makes."""
    for place, path in enumerate(found):
        for earlier in found[:place]:
            _check_pair(earlier, path, refuse)


def _pruned(value: Value, tree: dict[str | int, Any]) -> Value:
    if not tree:
        return copy(value)
    if "L" in value:
        return {"L": [_pruned(value["L"][place], tree[place]) for place in sorted(tree)]}
    return {"M": {name: _pruned(value["M"][name], branch) for name, branch in tree.items()}}


def _check_pair(one: Path, two: Path, refuse: Callable[[str], Refusal]) -> None:
    said = f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    for left, right in zip(one.steps, two.steps, strict=False):
        if type(left) is not type(right):
            raise refuse(f"Two document paths conflict with each other; {said}")
        if left != right:
            return
    raise refuse(f"Two document paths overlap with each other; {said}")
