"""The command: `python -m infra.package --out build/`."""

import argparse
from pathlib import Path

from . import build

PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Package the project into a folder: template.json and deployment.zip."""
    parser = argparse.ArgumentParser(prog="infra.package", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=PROJECT / "build")
    out = parser.parse_args().out
    build.package(PROJECT, out)
    print(f"{out / build.TEMPLATE} and {out / build.ZIP} are ready; docs/deploy.md says how to deploy them.")


if __name__ == "__main__":
    main()
