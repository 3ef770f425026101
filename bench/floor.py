"""What a start costs at least: the field's packages without a line of a shop, beside which functions are held."""

import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from . import callgrind
from .report import Figure, Finding, Goal, Table

ROOT = Path(__file__).parents[1]
BARE, LEAN, EVERYTHING, UNCOMPILED = "bare Python", "lean", "everything", "everything, without any bytecode"
COUNTED = (LEAN, EVERYTHING)
_ROUNDS = 5
_MILLION = 1e6
_ALONE = "import sys; sys.modules['OpenSSL'] = None"  # urllib3 would load one that only tests have installed
_PROGRAMMES = {
    LEAN: """
import chalice, pynamodb.models, botocore.session
from aws_lambda_powertools import Logger, Metrics
Logger(service="floor"), Metrics(namespace="floor")
botocore.session.Session().create_client("dynamodb")
""",
    EVERYTHING: """
import boto3, chalice, cryptography.fernet, pydantic, pynamodb.models
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities import batch, idempotency
Logger(service="floor"), Metrics(namespace="floor"), Tracer(service="floor", disabled=False)
batch.BatchProcessor(event_type=batch.EventType.SQS)
idempotency.DynamoDBPersistenceLayer(table_name="floor")
boto3.client("dynamodb")
""",
}
_COUNTED = """
import gc
from bench import callgrind, cold
gc.collect()
callgrind.part("python")
{}
callgrind.part("start")
"""


@dataclass(frozen=True)
class Start:
    """A programme that starts something and ends, where it runs, and its environment."""

    programme: str
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def milliseconds(self) -> float:
        """Of a processor, once."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-S", "-c", self.programme]
        subprocess.run(command, env=dict(self.env), cwd=self.folder, check=True)  # noqa: S603  fixed programmes
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def starts(env: Mapping[str, str], folder: Path) -> dict[str, Start]:
    """The floors by name; they run in a folder of theirs."""
    whole = str(metadata.distribution("botocore").locate_file(""))
    settings = {**env, "PYTHONPATH": f"{whole}:{ROOT}", "PYTHONHASHSEED": "0"}
    uncompiled = {**settings, "PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    found = {name: Start(_ALONE + programme, folder, settings) for name, programme in _PROGRAMMES.items()}
    return {
        BARE: Start("", folder, settings),
        **found,
        UNCOMPILED: Start(found[EVERYTHING].programme, folder, uncompiled),
    }


def instructions(start: Start, folder: Path) -> int:
    """What a floor costs beyond bare Python; the counts' files go into the folder. Raises callgrind.Missing."""
    folder.mkdir()
    command = ["-S", "-c", _COUNTED.format(start.programme)]
    return callgrind.instructions(command, start.env, cwd=start.folder, folder=folder)["start"]


def times(starts: Mapping[str, Start], rounds: int = _ROUNDS) -> dict[str, float]:
    """The least milliseconds of each start beyond those of bare Python, which is among them."""
    seen = [{name: each.milliseconds() for name, each in starts.items()} for _ in range(rounds)]
    least = {name: min(one[name] for one in seen) for name in starts}
    return {name: least[name] - least[BARE] for name in starts if name != BARE}


def compare(counted: Mapping[str, int], timed: Mapping[str, float]) -> Iterator[Finding]:
    """Starts beside the floors: instructions and milliseconds beyond bare Python, each by name."""
    dearest = max(count for name, count in counted.items() if name not in COUNTED)
    yield Figure("the dearest start, over lean", dearest / counted[LEAN], "×", kind="ratio")
    yield Figure(
        "the dearest start, over everything", dearest / counted[EVERYTHING], "×", Goal("≤", 1), "ratio"
    )
    heads = ["", "M instructions", "over lean", "over everything", "ms", "over lean", "over everything"]
    rows = [[name, *_cells(name, counted, 1 / _MILLION), *_cells(name, timed, 1)] for name in timed]
    yield Table("A start beyond bare Python, beside the floor", heads, rows)


def _cells(name: str, found: Mapping[str, float], scale: float) -> list[str]:
    if name not in found:
        return ["", "", ""]
    return [f"{found[name] * scale:,.0f}", *(f"{found[name] / found[one]:.2f}" for one in COUNTED)]
