"""`python -m cardmesh` on the deployment, as a person at a shell has it."""

import subprocess
import sys
import time
from typing import Any

from localcloud import cloud
from localcloud.place import ROOT, Place
from localcloud.terminal import Stopped

from .deployed import STACK, Say, until
from .story import SLUG, Visitor, attempt, offer_of


def ask(place: Place, words: str, *, code: int = 0) -> str:
    """What it prints. Raises Stopped where it ends with another code."""
    command = [sys.executable, "-m", "cardmesh", "--stack", STACK, *words.split()]
    env = cloud.plain_env() | cloud.credentials(place)
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise Stopped(f"cardmesh {words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


# What an operator asks, with what is to be read in the answer.
_QUESTIONS = {
    "sites list": "active",
    "sites list --state failed": "There are no such sites.",
    "sites show {site}": "wechat",
    "sites suspend {site} --dry-run": "Nothing was changed",
    "sites upgrade --wave canary --dry-run": "Nothing was changed",
    "drift": "sites are as they should be.",
    "books check": "hold together",
    "dead list": "fulfil",
    "dead show fulfil": "No letter of fulfil is dead.",
    "replay list": "No payment is in suspense.",
}


def every_day(place: Place, *, say: Say) -> None:
    """The questions of every day, then a shop that is suspended for a moment. Raises Stopped."""
    began = time.monotonic()
    for words, answer in _QUESTIONS.items():
        told = ask(place, words.format(site=SLUG))
        if answer not in told:
            raise Stopped(f"cardmesh {words} does not say {answer!r}: {told}")
    with Visitor(place, SLUG) as shopper:
        offer = offer_of(shopper)
        for verb, sells in (("suspend", False), ("resume", True)):
            ask(place, f"sites {verb} {SLUG} --yes")
            _comes_to(shopper, offer, sells=sells)
    say(
        f"cardmesh answered {len(_QUESTIONS)} questions and suspended and resumed a shop "
        f"({time.monotonic() - began:.1f} s)"
    )


def _comes_to(shopper: Visitor, offer: dict[str, Any], *, sells: bool) -> None:
    def look() -> bool:
        answer = attempt(shopper, offer)
        return answer.is_success == sells and not answer.is_client_error

    until(look, what="the shop to open" if sells else "the shop to close")
