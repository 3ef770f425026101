"""The model and other implementations of DynamoDB answer the same calls the same way."""

import itertools
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from sim.dynamo.database import Database
from tests.sim.dynamo import calls, matrix, oracles

pytestmark = pytest.mark.slow

EXAMPLES = {"moto": 150, "ministack": 120, "dynalite": 120}
TIMES = int(
    os.environ.get("DIFFERENTIAL", "0")
)  # a long run: so many times as many calls, and others each time
_tables = itertools.count()


@pytest.fixture(scope="module", params=matrix.ORACLES)
def oracle(request):
    with oracles.BY_NAME[request.param]() as client:
        yield request.param, oracles.caller(client)


def test_random_calls_are_answered_alike(oracle):
    name, theirs = oracle
    met = Counter()

    @settings(
        max_examples=EXAMPLES[name] * (TIMES or 1),
        deadline=None,
        database=None,
        derandomize=not TIMES,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(calls.sequences)
    def compare(sequence):
        met.update(run(name, theirs, sequence))

    compare()
    assert met[None] > 0.6 * met.total()  # the matrix has not eaten the comparison


def run(name, theirs, sequence):
    """Make the calls in both worlds: what kept each from being compared. The first difference fails."""
    database = Database()
    table = f"things{next(_tables)}"
    for run_call in (database.call, theirs):
        oracles.create(run_call, calls.TABLE | {"TableName": table})
    met = [compared(name, theirs, database, table, *call) for call in sequence]
    theirs("DeleteTable", {"TableName": table})
    return met


def compared(name, theirs, database, table, operation, general):
    """Make one call in both worlds; what keeps it from being compared, or None."""
    params = own_copy(general, table)
    note(f"{operation} {params}")
    ours = oracles.answer(database.call, operation, own_copy(general, table))
    exemption = matrix.exemption(name, operation, params, ours)
    if exemption:
        note(f"  not compared: {exemption}")
        copy_state(database, theirs, table)
        return exemption
    other = oracles.answer(theirs, operation, params)
    assert other[:3] == ours[:3], f"{name} says\n{other}\nwe say\n{ours}"
    return None


def copy_state(database, theirs, table):
    stored = theirs("Scan", {"TableName": table})["Items"]
    for item in stored:
        theirs("DeleteItem", {"TableName": table, "Key": {name: item[name] for name in ("pk", "sk")}})
    for item in database.items(table):
        theirs("PutItem", {"TableName": table, "Item": item})


def own_copy(params, table):
    """The call's own parameters, with the table of this run."""
    if isinstance(params, dict):
        return {table if k == "things" else k: own_copy(v, table) for k, v in params.items()}
    if isinstance(params, list):
        return [own_copy(each, table) for each in params]
    return table if params == "things" else params
