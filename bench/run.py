# ruff: noqa: T201  a terminal programme prints
"""Run the benchmarks, each in a process of its own, and write RESULTS.md and the plots."""

import importlib
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from . import drawing, report
from .report import Figure, Finding, Plot, Section

ORDER = (
    "order",
    "claim",
    "flash",
    "secrets",
    "flatness",
    "importing",
    "settling",
    "instructions",
    "cost",
    "idle",
    "fleet",
    "wallclock",
)
_HERE = Path(__file__).parent
_INTRO = """# Results of `make bench`

Counts come from the shop's own code over the simulation's DynamoDB, which charges true capacity units; they are the
same on every machine. A *model* follows constants that are kept with their sources; a *ratio* compares two figures
of one run; a *clock* figure depends on the machine.
"""


def main(wanted: tuple[str, ...]) -> None:
    """Run the benchmarks named, or all of them; what was not run stays as it stood in RESULTS.md."""
    sections = [_run(name) for name in wanted or ORDER]
    results = _HERE / "RESULTS.md"
    before = results.read_text() if results.exists() else ""
    results.write_text(report.merge(before, sections, intro=_INTRO, order=ORDER))
    missed = [one for section in sections for one in section.missed]
    print(f"{len(missed)} goals missed; see bench/RESULTS.md")


def _run(name: str) -> Section:
    began = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        section = fresh.submit(_measure, name).result()
    for one in section.findings:
        if isinstance(one, Plot):
            drawing.draw(one, _HERE / "plots")
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return section


def _measure(name: str) -> Section:
    module = importlib.import_module(f"bench.{name}")
    section = Section.of(name, module.__doc__ or "")
    section.findings.extend(_told(name, module.measure()))
    return section


def _told(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    for one in findings:
        if isinstance(one, Figure):
            verdict = f"  goal {one.goal}: {'met' if one.met else 'MISSED'}" if one.goal else ""
            print(f"{name}: {one.name} = {report.number(one.value)} {one.unit}{verdict}", flush=True)
        yield one
