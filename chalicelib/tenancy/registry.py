"""The registry's rows: changed under conditions, and remembered for a few seconds by each function instance."""

from collections.abc import Callable, Sequence
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.kit import cells, clock, errors, table, tenant

from .model import SITES, SiteRow

_FRESH = 5  # seconds a cached row counts as current
_MOST = 10_000  # rows an instance remembers

_cache: dict[str, tuple[int, Any]] = {}


def change(code: str, actions: Sequence[Action], condition: Condition | None = None) -> None:
    """Change a site that exists. Raises Conflict where the condition does not hold, NotFound where no site is."""
    exists = SiteRow.slug.exists()
    try:
        SiteRow.of(tenant.MAIN).change(
            SITES, code, actions, exists if condition is None else exists & condition
        )
    except table.Refused as refused:
        raise (errors.Conflict() if refused.row else errors.NotFound()) from None
    finally:
        forget()


def cached(key: str, load: Callable[[], Any]) -> Any:
    """What `load` answered within the last seconds."""
    now = clock.now()
    known = _cache.get(key)
    if known is None or known[0] <= now - _FRESH:
        known = _cache[key] = (now, load())
        if len(_cache) > _MOST:
            _cache.clear()
    return known[1]


def drop(key: str) -> None:
    """Let one row be read anew."""
    _cache.pop(key, None)


def forget() -> None:
    """Drop what is cached."""
    _cache.clear()
    cells.forget()
