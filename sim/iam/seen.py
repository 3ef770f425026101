"""What the functions ask of AWS, seen at work: in days of trade, and in every test of a page or a worker."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sim import run, stage

from . import documents, enforce, grants
from .grants import Grant

SIMULATION, TESTS = "simulation", "tests"
SEEDS = 12
_ROOT = documents.POLICIES.parent
# Tests in which faces and workers are entered, and those of paths that are too rare for any other.
_WHERE = """
    web/console web/hooks web/openapi web/storefront/test_story.py web/storefront/test_wallet.py checkout fulfilment
    settlement payouts reconciliation tenancy lifecycle policies/test_calls.py
    cardmesh/test_cells.py
"""

# Grants that nothing here can use, by statement, and who uses them.
ELSEWHERE = {
    "TakesFromItsQueue": (
        "Lambda's own poller takes the messages in the function's name. It asks for these three "
        "(`AWSLambdaSQSQueueExecutionRole`)."
    ),
    "CloudFormationMakesTheirTables": (
        "CloudFormation makes a site's table in the function's name. It asks for what the resource type "
        "`AWS::DynamoDB::Table` says its handlers need."
    ),
    "DetectsDrift": (
        "A person, by `cardmesh drift --detect`. No emulator at hand detects drift, so its tests have an answer of "
        "their own."
    ),
    "HearsOfDrift": "The same person, who waits for what was detected.",
    "CloudFormationMakesTenantsOfTheEdge": (
        "CloudFormation makes the tenant of an owner's domain in the function's name. It asks for what the resource "
        "type `AWS::CloudFront::DistributionTenant` says its handlers need."
    ),
    "CloudFormationPutsThemBehindTheEdge": (
        "The same handlers make a tenant on a distribution and a connection group."
    ),
    "CloudFormationAsksForTheirCertificates": (
        "The same handlers ask for the domain's certificate in the function's name."
    ),
}


def in_simulation(seeds: int = SEEDS) -> set[tuple[str, Grant]]:
    """The grants that days of trade use, by function."""
    with stage.opened() as opened, enforce.listening() as heard:
        for seed in range(seeds):
            _, broken = run.play(opened, seed)
            if broken:
                raise RuntimeError(f"seed {seed}: {broken}")
    return grants.used(heard)


def in_tests() -> set[tuple[str, Grant]]:
    """The grants that the tests of faces and workers use. Raises CalledProcessError when one fails."""
    command = ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not browser and not cloud"]
    command += [f"tests/{place}" for place in _WHERE.split()]
    with tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "HEARD": folder}
        subprocess.run([sys.executable, *command], cwd=_ROOT, env=settings, check=True)  # noqa: S603
        return grants.kept(Path(folder))
