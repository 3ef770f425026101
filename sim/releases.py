"""Two releases of the shop at work side by side: whoever goes on does so with the code of their own instance's.

Calls that are under way keep the code they began with, as they would on a machine of their own.
"""

from collections.abc import Mapping
from types import CodeType, FunctionType, MappingProxyType

from .instance import put

Codes = Mapping[FunctionType, CodeType]


class Releases:
    """The code of this release, with whatever bugs were put into it, and of the next one, by whether it is that.

    `share` is the part of all calls that the next one gets; `coming` is what it has that this one has not.
    """

    def __init__(self, coming: Codes = MappingProxyType({})) -> None:
        self.share = 0.0
        self._codes: tuple[Codes, Codes] = {each: each.__code__ for each in coming}, coming

    def of(self, *, following: bool) -> Codes:
        """The code that an instance of one of them runs."""
        return self._codes[following]

    def in_force(self) -> Codes:
        """The code of the one that most calls get."""
        return self.of(following=self.share > 1 / 2)

    def withdraw(self) -> None:
        """Have this one back."""
        put(self._codes[0])
