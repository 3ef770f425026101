# ruff: noqa: T201  a terminal programme prints
"""`python -m sim.iam`: what functions use, and whether a tenant reaches another; docs/isolation.md has it."""

import sys

from . import crossing, proof, report, seen

_OTHERS = 20  # sites that each tenant is tried against; the proof has all


def main() -> int:
    """Everything, one after another; 1 when something is unused, or somebody crosses."""
    tested = seen.in_tests()
    used = report.merged(seen.in_simulation(), tested)
    codes = crossing.tenants()
    tally, by_functions = crossing.all_pairs(codes, each=_OTHERS), crossing.all_functions(codes)
    proven = dict(proof.every_question())
    report.write(report.page(used, tally, by_functions, _OTHERS, proven))
    wrong = [
        *(f"nobody uses {report.row(one)}" for one in report.unused(used)),
        *tally.crossed,
        *by_functions.crossed,
        *(f"not so: {what}: {found}" for what, found in proven.items() if found),
    ]
    print(*wrong, f"{report.PAGE} is written, {len(wrong)} things are wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
