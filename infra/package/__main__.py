"""The command: `python -m infra.package --out build/`."""

import argparse
from pathlib import Path

from . import build
from .target import ARCHITECTURES, PYTHONS, Target

PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Package the project into a folder: template.json, a zip for each function, one for each layer."""
    parser = argparse.ArgumentParser(prog="infra.package", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=PROJECT / "build")
    parser.add_argument("--python", choices=PYTHONS, default=Target.python)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=Target.architecture)
    given = parser.parse_args()
    target = Target(given.python, given.architecture)
    for name, size in build.package(PROJECT, given.out, target).items():
        print(f"{name:24}{size / 1e6:6.2f} MB")
    print(
        f"{given.out / build.TEMPLATE} is for {target.runtime} on {target.architecture}; docs/deploy.md goes on."
    )


if __name__ == "__main__":
    main()
