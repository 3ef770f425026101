"""One instance of a function: what it remembers between its calls, and how wrong its clock is.

A module's memory is what it binds to private names in lower case: dictionaries, sets, token buckets. Each instance has
its own; before a process goes on, its instance's are put in place, so instances know as little of each other as they
do on machines of their own.
"""

import sys
from collections.abc import Mapping
from types import CodeType, FunctionType, MappingProxyType
from typing import Any, ClassVar, Self

from chalicelib.kit.throttle import Bucket

_SHARED = {("chalicelib.kit.tenant", "_clients")}  # making a client costs a tenth of a second
Place = tuple[dict[str, Any], str]  # what holds the names of a module or an object, and one of them


class Instance:
    """An instance of a function; `skew` is its clock's error in seconds. It remembers nothing at first.

    `codes` is what it runs of code that differs between releases, and `following` whether that is the next one's.
    """

    _present: ClassVar["Instance | None"] = None

    def __init__(
        self,
        function: str,
        places: list[Place],
        *,
        skew: int = 0,
        codes: Mapping[FunctionType, CodeType] = MappingProxyType({}),
        following: bool = False,
    ) -> None:
        self.function = function
        self.skew = skew
        self.following = following
        self._codes = codes
        self._held = [(owner, name, _empty(owner[name])) for owner, name in places]

    @classmethod
    def of_this_process(cls, places: list[Place]) -> Self:
        """What the modules remember now, to be put back later."""
        instance = cls("", [])
        instance._held = [(owner, name, owner[name]) for owner, name in places]
        return instance

    def held(self) -> list[tuple[str, Any]]:
        """What it remembers, by name."""
        return [(name, held) for _, name, held in self._held]

    def recall(self) -> None:
        """Put this memory and this code in place of whichever is there."""
        if Instance._present is not self:
            Instance._present = self
            for owner, name, held in self._held:
                owner[name] = held
            put(self._codes)


def places(signers: list[Any]) -> list[Place]:
    """Where the shop's modules, and the credentials of its clients, keep what they remember."""
    found: list[Place] = [(vars(signer), "_by_site") for signer in signers]
    for path, module in sorted(sys.modules.items()):
        if path.startswith("chalicelib."):
            found += [
                (vars(module), name) for name, value in vars(module).items() if _is_memory(path, name, value)
            ]
    return found


def _is_memory(path: str, name: str, value: Any) -> bool:
    private = name.startswith("_") and not name.startswith("__") and name == name.lower()
    return private and isinstance(value, dict | set | Bucket) and (path, name) not in _SHARED


def _empty(value: Any) -> Any:
    if isinstance(value, Bucket):
        return Bucket(value.size, value.seconds, value.remember)
    return type(value)()


def put(codes: Mapping[FunctionType, CodeType]) -> None:
    """Have functions run code, wherever they were imported."""
    for each, code in codes.items():
        if each.__code__ is not code:
            each.__code__ = code
