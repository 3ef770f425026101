"""The model and other implementations of DynamoDB answer the same calls the same way."""

import itertools
import os

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from sim.dynamo.database import Database
from tests.sim.dynamo import calls, matrix, oracles

EXAMPLES = {"moto": 150, "ministack": 120, "dynalite": 120}
TIMES = int(
    os.environ.get("DIFFERENTIAL", "0")
)  # a long run: so many times as many calls, and others each time
_tables = itertools.count()


@pytest.fixture(scope="module", params=list(oracles.AT_HAND))
def oracle(request):
    with oracles.AT_HAND[request.param]() as client:
        yield request.param, oracles.caller(client)


def test_random_calls_are_answered_alike(oracle):
    name, theirs = oracle

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
        run(name, theirs, sequence)

    compare()


def run(name, theirs, sequence):
    """Make the calls in both worlds; the first difference fails, with the calls before it."""
    database = Database()
    table = f"things{next(_tables)}"
    for run_call in (database.call, theirs):
        oracles.create(run_call, calls.TABLE | {"TableName": table})
    for operation, given_params in sequence:
        params = own_copy(given_params, table)
        note(f"{operation} {params}")
        ours = oracles.answer(database.call, operation, own_copy(given_params, table))
        if reason := not_compared(name, operation, params, ours):
            note(f"  not compared: {reason}")
            copy_state(database, theirs, table)
            continue
        other = oracles.answer(theirs, operation, params)
        assert other[:3] == ours[:3], f"{name} says\n{other}\nwe say\n{ours}"
    theirs("DeleteTable", {"TableName": table})


def not_compared(name, operation, params, ours):
    if ours[0] == "refused" and (reason := oracles.matches(matrix.LAXER[name], ours[3])):
        return reason
    found = matrix.features(operation, params, ours)
    return next((reason for feature, reason in matrix.DIFFERS[name].items() if feature in found), None)


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
