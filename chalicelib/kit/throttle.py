"""Token buckets in the memory of one function instance: they cost no write and stop the plain flood.

The edge's rate rules (infra/edge.yaml) count across instances; these count per shopper and purpose.
"""

from collections import OrderedDict

from . import clock
from .errors import TooMany


class Bucket:
    """Up to `size` takes at once per key, refilled evenly over `seconds`. Remembers the last 10,000 keys."""

    def __init__(self, size: int, seconds: int, remember: int = 10_000) -> None:
        self.size = size
        self.seconds = seconds
        self.remember = remember
        self._levels: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str, amount: int = 1) -> None:
        """Take from a key's bucket. Raises TooMany with the seconds to wait."""
        level = self._level(key)
        if level < amount:
            wait = int((amount - level) * self.seconds / self.size) + 1
            raise TooMany(retry_after=wait)
        self._set(key, level - amount)

    def empty(self, key: str) -> bool:
        """Whether a take of one would be refused now."""
        return self._level(key) < 1

    def _level(self, key: str) -> float:
        level, at = self._levels.get(key, (float(self.size), clock.now()))
        return min(self.size, level + (clock.now() - at) * self.size / self.seconds)

    def _set(self, key: str, level: float) -> None:
        self._levels[key] = (level, clock.now())
        self._levels.move_to_end(key)
        if len(self._levels) > self.remember:
            self._levels.popitem(last=False)
