"""`make fuzz-hooks COUNT=1000000`: notifications nobody sent; none may tell the shop of a payment that fits its order.

Each mutant is made from a genuine notification of the sandbox by a kind of tampering and a place; kinds and places
come in turn, so that every byte of body, header, signature and certificate has its turn, and the rest is drawn from
the seed. The keys are kept in build/fuzz-hooks: same keys, seed and number, same mutant.
"""

import argparse
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

from chalicelib.payments import gateways

from . import lab as labs
from . import tampering

CHANNELS = ("wechat", "alipay", "unionpay", "ecny")
_KEYS = Path("build/fuzz-hooks")
_BLOCK = 2000  # mutants a process makes at a time
_WRONG = ("accepted", "failed")
_VERDICTS = {
    "refused": "not believed",
    "no payment": "believed, and no payment",
    "another": "signed by the channel for somebody or something else: the shop compares and puts it aside",
    "same": "the very payment in another spelling of the same signed content",
    "accepted": "BELIEVED",
    "failed": "FAILED instead of refusing",
}

Told = gateways.Payment | gateways.RefundNotice
Tally = Counter[tuple[str, str, str]]  # verdict, kind, reason


def main() -> None:
    """Fuzz, print the counts, and fail if a mutant was believed."""
    parser = argparse.ArgumentParser(prog="fuzz-hooks", description="Tampered notifications, by the million.")
    parser.add_argument("--count", type=int, default=1_000_000, help="mutants of each channel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--channel", choices=CHANNELS, action="append", help="all, unless named")
    parser.add_argument("--one", type=int, help="show the mutant of this number")
    parser.add_argument("--keys", type=Path, default=_KEYS)
    asked = parser.parse_args()
    warnings.filterwarnings(
        "ignore", "Parsed a serial number"
    )  # of certificates that are refused all the same
    for channel in asked.channel or CHANNELS:
        if asked.one is not None:
            print(mutant(lab_of(channel, asked.keys), asked.seed, asked.one))
            continue
        started = time.monotonic()
        tally = fuzz(channel, asked.keys, seed=asked.seed, count=asked.count)
        print("\n".join(summary(channel, tally, seconds=time.monotonic() - started)), flush=True)
        if any(verdict in _WRONG for verdict, _, _ in tally):
            sys.exit(1)


def fuzz(channel: str, folder: Path, *, seed: int, count: int) -> Tally:
    """What became of so many mutants, on all cores."""
    lab_of(channel, folder)  # makes the keys
    blocks = [range(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
    tally: Tally = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(partial(play, channel, folder, seed), blocks):
            tally.update(part)
    return tally


def play(channel: str, folder: Path, seed: int, numbers: range) -> Tally:
    """What became of the mutants of these numbers."""
    lab = lab_of(channel, folder)
    tally: Tally = Counter()
    for number in numbers:
        made = mutant(lab, seed, number)
        verdict, reason = judge(lab, made)
        if verdict in _WRONG:
            reason += f" (--seed {seed} --channel {channel} --one {number})"
        tally[verdict, made.kind, reason] += 1
    return tally


def mutant(lab: labs.Lab, seed: int, number: int) -> labs.Mutant:
    """The mutant of a number: seed and number decide all of it but the certificates that are forged or expired."""
    lab.random.seed(f"{seed} {lab.channel} {number}")
    return tampering.mutate(lab, lab.random, number)


def judge(lab: labs.Lab, sent: labs.Mutant) -> tuple[str, str]:
    """A verdict, and the reason for it."""
    try:
        told = lab.gateway.parse_notify(sent.headers, sent.body, now=sent.now)
    except gateways.Forged as error:
        return "refused", error.reason
    except Exception as error:  # noqa: BLE001
        return "failed", repr(error)
    if told is None:
        return "no payment", ""
    meant = [each for each in lab.origins if fits(told, each.told)]
    if not meant:
        return ("another" if sent.signed else "accepted"), ""
    said = lab.reading(sent.headers, sent.body)
    same = any(said == lab.reading(each.headers, each.body) for each in meant)
    return ("same" if same else "accepted"), ""


def fits(told: Told, true: Told) -> bool:
    """Whether the shop would take the one for the other: it compares these with its order."""
    names = {"channel", "merchant", "out_trade_no", "amount_fen", "currency", "refund"}
    seen, meant = ({name: vars(each).get(name) for name in names} for each in (told, true))
    return seen == meant


def summary(channel: str, tally: Tally, *, seconds: float) -> Iterator[str]:
    """The counts for a person."""
    total = tally.total()
    yield f"{channel}: {total:,} mutants in {seconds:,.0f} s, {total / max(seconds, 0.001):,.0f} a second"
    for verdict, meaning in _VERDICTS.items():
        counted = _by(tally, verdict, 1)
        yield f"  {verdict:<11}{counted.total():>11,}  {meaning}"
        if verdict in {"same", "another", *_WRONG}:
            yield from (f"    {number:>9,}  {kind}" for kind, number in counted.most_common())
    yield "  refused because"
    yield from (f"    {number:>9,}  {reason}" for reason, number in _by(tally, "refused", 2).most_common())
    yield from (f"  {verdict}: {kind}: {reason}" for verdict, kind, reason in tally if verdict in _WRONG)


def _by(tally: Tally, verdict: str, column: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    for key, number in tally.items():
        if key[0] == verdict:
            counted[key[column]] += number
    return counted


@cache
def lab_of(channel: str, folder: Path) -> labs.Lab:
    """The one of this process."""
    return labs.Lab(channel, folder)


if __name__ == "__main__":
    main()
