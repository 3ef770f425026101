"""Virtual time: processes that run in turns, and a seed that decides whose turn it is.

Every process is a greenlet. It runs until it pauses, which it does at each call to the outside; the one with the
earliest time goes on next, and equal times are drawn. Everything happens in somebody's name, whose randomness it is.
Nothing here reads a real clock or real randomness, so a seed decides the whole run.
"""

import contextlib
import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from .instance import Instance
from .lineage import Lineage

Act = Callable[[], Any]


class Died(BaseException):
    """The machine of a process is gone; nothing in the code may catch this."""


class Violation(BaseException):
    """Something that must never be true is true; no handler may swallow it."""


class Process:
    """One run of something: a function's invocation on an instance, a shopper, a channel.

    When it has ended, `ended` is True and `answer` or `error` says how.
    """

    def __init__(self, lineage: Lineage, act: Act, instance: Instance | None) -> None:
        self.lineage = lineage
        self.name = lineage.name
        self.instance = instance
        self.dead = False
        self.ended = False
        self.answer: Any = None
        self.error: BaseException | None = None
        self.waiters: list[Act] = []
        self._act = act

    def run(self) -> None:
        """Do the work, and keep how it ended."""
        try:
            self.answer = self._act()
        except Violation:
            raise
        except BaseException as error:  # noqa: BLE001  whatever a process dies of is its own
            self.error = error
        self.ended = True
        for wake in self.waiters:
            wake()


class Clockwork:
    """The time of a world in seconds since 1970 UTC, what is due, and who it is about: the world itself at first."""

    def __init__(self, seed: int, start: float) -> None:
        self.who = self.root = Lineage(seed)
        self.now = start
        self.running: Process | None = None
        self._due: list[tuple[float, int, int, Lineage, Act]] = []
        self._count = 0
        self._until = start
        self._stage: greenlet | None = None
        self._alive: dict[Process, greenlet] = {}

    @property
    def random(self) -> Random:
        """The randomness of whoever it is about."""
        return self.who.random

    @property
    def busy(self) -> bool:
        """Whether a process has begun, or will, and has not ended."""
        return bool(self._alive)

    def expected(self) -> list[tuple[float, Lineage, Act]]:
        """All that is due, in order: when, in whose name, and what."""
        return [(when, who, act) for when, _, _, who, act in sorted(self._due)]

    def at(self, when: float, act: Act, *, who: Lineage | None = None) -> None:
        """Have something happen at a time, in the name of whoever it is about now or of another; it must not pause."""
        self._count += 1
        who = who or self.who
        heapq.heappush(self._due, (max(when, self.now), who.order, self._count, who, act))

    def spawn(
        self, who: str | Lineage, act: Act, *, delay: float = 0, instance: Instance | None = None
    ) -> Process:
        """Start a process after a delay: somebody's, or the next of a kind of whoever it is about now."""
        process = Process(self.who.child(who) if isinstance(who, str) else who, act, instance)
        turn = self._alive[process] = greenlet(process.run)
        process.waiters.append(lambda: self._alive.pop(process, None))
        self.at(self.now + delay, lambda: self._turn(process, turn), who=process.lineage)
        return process

    def pause(self, seconds: float) -> None:
        """Let others go on; the running process continues after so many seconds."""
        process, turn = self._whose()
        when = self.now + seconds
        if when <= self._until and (not self._due or when < self._due[0][0]):
            self.now = when  # the next turn is its own
            return
        self.at(when, lambda: self._turn(process, turn))
        self._yield()

    def wait(self, process: Process, most: float) -> bool:
        """Wait until a process has ended, at most so many seconds; whether it has."""
        waiting, turn = self._whose()
        woken = False

        def wake() -> None:
            nonlocal woken
            if not woken:
                woken = True
                self.at(self.now, lambda: self._turn(waiting, turn), who=waiting.lineage)

        if not process.ended:
            process.waiters.append(wake)
            self.at(self.now + most, wake)
            self._yield()
        return process.ended

    def run(self, until: float) -> None:
        """Let everything happen that is due by a time. Raises Violation."""
        self._stage, us, self._until = getcurrent(), self.who, until
        while self._due and self._due[0][0] <= until:
            self.now, _, _, self.who, act = heapq.heappop(self._due)
            act()
        self.who = us
        self.now = max(self.now, until)

    def close(self) -> None:
        """End every process that still waits; none of them calls anybody any more."""
        self._until = self.now
        for process, turn in list(self._alive.items()):
            process.dead = True
            self.running, turn.parent = process, getcurrent()
            with contextlib.suppress(Violation):
                turn.throw()
        self.running = None
        self._due.clear()

    def _whose(self) -> tuple[Process, greenlet]:
        if self.running is None:
            raise RuntimeError("only a process can pause")
        return self.running, getcurrent()

    def _turn(self, process: Process, turn: greenlet) -> None:
        """Let a process run until it pauses or ends; it remembers what its instance remembers."""
        if process.instance:
            process.instance.recall()
        self.running, turn.parent = process, self._stage
        try:
            turn.switch()
        finally:
            self.running = None

    def _yield(self) -> None:
        if self._stage is None:
            raise RuntimeError("nothing runs the clockwork")
        self._stage.switch()
