"""`make run`: start everything in order, watch it, stop it in order."""

import functools
import re
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType
from typing import Self

from . import checks, cloud, stack
from .place import Place
from .processes import Child
from .terminal import PROGRESS, READY, Stopped, say

_WATCH = 0.3  # seconds between two looks at the children
_EVENT = re.compile(r'"message":"([^"]*)"')


class Interrupted(Exception):
    """Ctrl-C, a closed terminal, or `kill`."""


class Watch:
    """The running children, in the order of their start; leaving the block stops them in the reverse order.

    The first signal interrupts the block; later ones change nothing, so that stopping is never cut short.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._stopping = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        for child in reversed(self._children):
            say(f"  stopping: {child.name}")
            child.stop()

    def start(self, child: Child) -> Child:
        """Start a child and stop it later."""
        self._children.append(child)
        child.start()
        return child

    def keep(self) -> None:
        """Watch until interrupted; what dies is started once more, except the cloud. Raises Stopped."""
        while True:
            for child in self._children:
                if not child.alive:
                    self._again(child)
                _alarms(child)
            time.sleep(_WATCH)

    def _again(self, child: Child) -> None:
        if child.restarts or child is self._children[0]:
            raise Stopped(f"The {child.name} stopped unexpectedly: {child.log} says why.")
        say(f"The {child.name} stopped unexpectedly and is started again; {child.log}.1 says why.")
        child.restarts += 1
        child.start()

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            raise Interrupted


def _alarms(child: Child) -> None:
    """Show what an alarm would tell a person in a deployment."""
    for line in child.news():
        if '"alarm":true' in line and (name := _EVENT.search(line)):
            say(f"  alarm: {name[1]}; {child.log} says more.")


def run(place: Place) -> int:
    """Everything, until it is interrupted. The answer is the exit status."""
    began = time.monotonic()
    try:
        with checks.all_of(place), Watch() as watch:
            env = _start_cloud(place, watch)
            _start_sandbox(place, watch)
            _plant(place, env)
            _start_functions(place, watch, env)
            _welcome(place, seconds=time.monotonic() - began)
            watch.keep()
    except Interrupted:
        say("Stopped; the data stays for the next make run.")
    except Stopped as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def _start_cloud(place: Place, watch: Watch) -> dict[str, str]:
    say("[1/5] embedded cloud")
    health = f"{place.cloud_url}/_ministack/health"
    watch.start(cloud.child(place)).wait_until(lambda: cloud.answers(health))
    say(f"[2/5] stack {stack.NAME}")
    outputs = stack.deploy(place)
    say(f"      {stack.upload(place, outputs['StaticBucket'])} static files")
    env = stack.environment(place, outputs)
    place.environment.write_text(
        "".join(f"export {name}={shlex.quote(text)}\n" for name, text in env.items())
    )
    return env


def _start_sandbox(place: Place, watch: Watch) -> None:
    say("[3/5] sandbox channels")
    command = [sys.executable, "-m", "sandbox", "--port", str(place.sandbox_port)]
    command += ["--keys", str(place.keys), "--state", str(place.books)]
    child = watch.start(Child("sandbox", command, cloud.plain_env(), place.log("sandbox")))
    child.wait_until(lambda: cloud.answers(f"{place.sandbox_url}/healthz"))


def _plant(place: Place, env: Mapping[str, str]) -> None:
    say("[4/5] sites, goods and codes")
    child = Child("seed", _own("seed", place), env, place.log("seed"))
    try:
        child.start()
        while child.alive:
            time.sleep(0.1)
            _progress(child)
    finally:
        child.stop()
    _progress(child)
    if child.status != 0:
        raise Stopped(f"Sites, goods and codes could not be planted: {child.log} says why.")


def _progress(child: Child) -> None:
    for line in child.news():
        if line.startswith(PROGRESS):
            say(f"      {line.removeprefix(PROGRESS)}")


def _start_functions(place: Place, watch: Watch, env: Mapping[str, str]) -> None:
    say("[5/5] functions: gateway and triggers")
    graces = {"triggers": 30.0, "gateway": 15.0}  # seconds to finish what is in hand
    started = [
        watch.start(Child(name, _own(name, place), env, place.log(name), grace))
        for name, grace in graces.items()
    ]
    for child in started:
        child.wait_until(functools.partial(child.said, READY))


def _welcome(place: Place, *, seconds: float) -> None:
    say("")
    say(place.welcome.read_text().rstrip())
    say(f"  sandbox channels: {place.sandbox_url}    logs: {place.log('*')}")
    say("  Data is kept when you stop with Ctrl-C; a killed cloud forgets what happened since its start.")
    say(f"ready after {seconds:.1f} s")


def _own(name: str, place: Place) -> list[str]:
    where = ["--port", str(place.port), "--folder", str(place.folder)]
    return [sys.executable, "-m", "localcloud", name, *where]
