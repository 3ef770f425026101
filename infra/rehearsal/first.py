"""`python -m infra.rehearsal.first --port … --folder …`: the first data, written as docs/deploy.md has it."""

import argparse
from pathlib import Path

from chalicelib.kit import tenant
from localcloud import seed
from localcloud.place import Place
from localcloud.terminal import say


def main() -> None:
    """Keys, merchants at the sandbox's channels, the first split plan and the first of the staff."""
    parser = argparse.ArgumentParser(prog="infra.rehearsal.first", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    with tenant.acting_for(tenant.MAIN):
        seed.plant_main(Place(given.port, given.folder), say)


if __name__ == "__main__":
    main()
