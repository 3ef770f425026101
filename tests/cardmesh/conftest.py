"""The command as somebody types it, in a world of moto."""

import json
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from cardmesh import command


@dataclass(frozen=True)
class Said:
    """How a call ended: its exit code, what it said, and what it said was wrong."""

    code: int
    out: str
    wrong: str

    @property
    def rows(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cardmesh():
    """Type `cardmesh` and some words; `typed` answers what is asked."""

    def run(words, *, typed="", env=None):
        result = CliRunner().invoke(command.app, words.split(), input=typed, env=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run
