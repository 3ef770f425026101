"""What a world is like at a moment at which nobody is in the middle of anything: worlds that are alike go on alike.

Everything that the rest of a world hangs on is told as a text: rows, messages, what is due, what every instance
remembers and how wrong its clock is, the channels' books, what the checks have seen, and how far draws have come. Three
things are left out: the letters of credentials, of which only site and end matter; what is due for the sake of
somebody who is gone, which comes to nothing; and how long ago something was remembered that is not relied on any more.
What cannot be told makes a world unlike any other.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from botocore.credentials import ReadOnlyCredentials

from chalicelib.kit.throttle import Bucket

from .channel import Channel
from .functions import Functions
from .instance import Instance
from .lineage import Lineage
from .queues import Queues
from .stage import BEGIN
from .world import World

_FRESH = (
    60  # seconds that the shop's modules rely on what they remember since a time; their longest is analytics'
)
_UNTOLD = " at 0x"  # in the name that Python gives to what has none of its own


def of(world: World) -> bytes | None:
    """What tells a world from others now; None while somebody is at work, or where something cannot be told."""
    if world.time.busy:
        return None
    text = "\n".join(_told(world))
    return None if _UNTOLD in text else blake2b(text.encode(), digest_size=16).digest()


def _told(world: World) -> Iterator[str]:
    yield f"{world.time.now} {world.functions.releases.share} {_lineage(world.time.root)}"
    yield from _rows(world)
    for queue, letters in sorted(world.queues.letters.items()):
        for one in letters:
            yield f"{queue} {one.body} {one.visible_at} {one.receives} {_lineage(one.who)}"
    yield f"dead {[(queue, one.body) for queue, one in world.queues.dead]}"
    for when, who, act in world.time.expected():
        if what := _due(world, act):
            yield f"{when} {what} {_lineage(who)}"
    yield from _memories(world)
    for channel in world.lines.values():
        yield f"{channel.name} {channel.trades} {sorted(channel.lies)} {channel.shares} {sorted(channel.untold)}"
    yield from map(value, world.watch.seen())


def _rows(world: World) -> Iterator[str]:
    """The rows that are not as on the stage."""
    for name, (_, first) in (world.stage.rows or {}).items():
        rows = world.database.tables[name].rows
        yield f"{name} lacks {[key for key in first if key not in rows]}"
        for key, row in sorted(rows.items()):
            if row is not first.get(key):
                yield f"{key} {value(row[0])}"


def _memories(world: World) -> Iterator[str]:
    for function, instances in world.functions.waiting():
        yield f"{function}"
        yield from (_memory(one, world.time.now + one.skew) for one in instances)


def _memory(instance: Instance, now: float) -> str:
    held = [f"{name} {told}" for name, kept in instance.held() if (told := value(kept, now - _FRESH))]
    return f"{instance.skew} {held}"


def _due(world: World, act: Any) -> str:
    """What is due, or "" for what comes to nothing, since nobody is at work."""
    if not isinstance(act, partial):
        return "" if act.__qualname__.startswith("Clockwork.") else repr(act)
    verb = act.func.__qualname__
    if verb == Functions._time_out.__qualname__:  # noqa: SLF001  what it stands for is told here
        return ""
    if verb == Queues._poll.__qualname__ and not world.queues.letters[act.args[0]]:  # noqa: SLF001
        return ""
    return (
        f"{verb} {[type(one) if callable(one) else one for one in act.args]}"  # of a tick, a name comes first
    )


def _lineage(who: Lineage) -> str:
    drawn = hash(who.random.getstate()) if "random" in vars(who) else ""
    return f"{who.name} {sorted(who.counts.items())} {drawn}"


def value(of: Any, fresh: float = BEGIN) -> str:
    """A value as a text that equal ones share, and "" for what is empty; times before `fresh` are all the same."""
    tell = _TELLS.get(type(of))
    return tell(of, fresh) if tell else repr(of)


def _number(of: int, fresh: float) -> str:
    return "long ago" if BEGIN <= of < fresh else str(of)


def _mapping(of: Mapping[Any, Any], fresh: float) -> str:
    return ",".join([f"{key}:{value(each, fresh)}" for key, each in of.items()])


def _sequence(of: Sequence[Any], fresh: float) -> str:
    return f"({','.join([value(each, fresh) for each in of])})"


_TELLS: Mapping[type, Callable[[Any, float], str]] = {
    int: _number,
    dict: _mapping,
    OrderedDict: _mapping,
    tuple: _sequence,
    list: _sequence,
    set: lambda of, _: f"{sorted(of)}" if of else "",
    Bucket: lambda of, _: value(vars(of)["_levels"]),
    Channel: lambda of, _: str(of.name),
    ReadOnlyCredentials: lambda _of, _: "credentials",
}
