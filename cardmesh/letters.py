"""`cardmesh dead`: messages that failed ten times, looked at before they are sent again.

A letter is sent again first and taken out afterwards: who dies between has it handled twice, which changes nothing.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from chalicelib.kit import aws, config, errors, tenant
from chalicelib.orders import service as orders
from chalicelib.tenancy import service as tenancy
from chalicelib.web.console import insights

from . import shown

app = typer.Typer(no_args_is_help=True, help="Dead letters: count them, look at them, send them again.")

Queue = Annotated[str, typer.Argument(help=f"One of {', '.join(config.QUEUES)}.")]
Most = Annotated[int, typer.Option(min=1, max=10_000, help="How many are looked at.")]
_HELD = 600  # seconds for which a letter that is looked at is nobody else's
_SHOWN = 300  # letters of a message that nobody can read


@dataclass(frozen=True)
class Letter:
    """A dead message. `names` is what it says, empty where nobody can read it."""

    queue: str
    message: str
    body: str
    receipt: str
    times: int
    names: dict[str, Any]

    @property
    def site(self) -> str:
        """Whose it is; empty where nobody can tell."""
        return str(self.names.get("site", ""))

    @property
    def order(self) -> str:
        """The order that it is about, or nothing."""
        return str(self.names.get("order", ""))


@app.command("list")
def list_(*, as_json: shown.AsJson = False) -> None:
    """How many letters each queue has that are dead, and how many wait."""
    shown.rows([_counted(name) for name in config.QUEUES], as_json=as_json)


@app.command()
def show(queue: Queue, *, most: Most = 100, as_json: shown.AsJson = False) -> None:
    """Each dead letter of a queue, what its order is by now, and where its failures are told."""
    with _held(queue, most) as letters:
        shown.rows([_told(one) for one in letters], as_json=as_json, none=f"No letter of {queue} is dead.")
    if letters and not as_json:
        shown.say(f"Why they failed: {_query()}")


@app.command()
def redrive(
    queue: Queue,
    message: Annotated[str, typer.Option(help="One letter, by its message id; else all.")] = "",
    *,
    most: Most = 1000,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Send dead letters of a queue again, after a look at them."""
    with _held(queue, most) as letters:
        wanted = [one for one in letters if message in ("", one.message)]
        shown.rows([_told(one) for one in wanted], as_json=False, none=f"No such letter of {queue} is dead.")
        good = [one for one in wanted if one.site]
        if len(good) < len(wanted):
            shown.say(f"{len(wanted) - len(good)} cannot be read and stay where they are.")
        if good and shown.agreed(f"Send {len(good)} again?", dry_run=dry_run, yes=yes):
            for one in good:
                _send(one)
                letters.remove(one)
            shown.say(f"{len(good)} sent again.")


@contextmanager
def _held(queue: str, most: int) -> Iterator[list[Letter]]:
    """The dead letters of a queue, nobody else's until the block ends; who takes one out strikes it off."""
    url, letters = _dead(queue), list[Letter]()
    try:
        while len(letters) < most and (batch := _received(queue, url, min(10, most - len(letters)))):
            letters += batch
        yield letters
    finally:
        for one in letters:
            _let_go(url, one)


def _received(queue: str, url: str, count: int) -> list[Letter]:
    got = aws.client("sqs").receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=count,
        VisibilityTimeout=_HELD,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    return [_letter(queue, each) for each in got.get("Messages", [])]


def _letter(queue: str, got: dict[str, Any]) -> Letter:
    try:
        names = json.loads(got["Body"])
        names = names if isinstance(names, dict) and isinstance(names.get("site"), str) else {}
    except ValueError:
        names = {}
    times = int(got.get("Attributes", {}).get("ApproximateReceiveCount", 0))
    return Letter(queue, got["MessageId"], got["Body"], got["ReceiptHandle"], times, names)


def _let_go(url: str, one: Letter) -> None:
    """Others may take it again."""
    aws.client("sqs").change_message_visibility(QueueUrl=url, ReceiptHandle=one.receipt, VisibilityTimeout=0)


def _send(one: Letter) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=_url(one.queue), MessageBody=one.body, MessageGroupId=one.site)
    sqs.delete_message(QueueUrl=_dead(one.queue), ReceiptHandle=one.receipt)


def _told(one: Letter) -> dict[str, Any]:
    said = {name: value for name, value in one.names.items() if name not in ("site", "order", "trace")}
    return {
        "message": one.message,
        "site": one.site,
        "order": one.order,
        "is": _state(one),
        "says": json.dumps(said, ensure_ascii=False) if one.names else one.body[:_SHOWN],
        "trace": str(one.names.get("trace", "")),
        "looked at": one.times,
    }


def _state(one: Letter) -> str:
    """How the order of a letter stands by now; whoever may not look may still send it again."""
    if not one.order:
        return ""
    try:
        with tenant.acting_for(tenancy.site(one.site).site):
            return orders.order(one.site, one.order).status
    except (errors.NotFound, ValueError):
        return "unknown"
    except ClientError:
        return "out of reach"


def _counted(queue: str) -> dict[str, Any]:
    return {"queue": queue, "dead": _count(_dead(queue)), "waiting": _count(_url(queue))}


def _count(url: str) -> int:
    name = "ApproximateNumberOfMessages"
    told = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(told["Attributes"][name])


def _query() -> str:
    return f"Logs Insights, {config.load().tables}/{insights.find('again-and-again').name}"


def _dead(queue: str) -> str:
    return f"{_url(queue)}-dead"


def _url(queue: str) -> str:
    if queue not in config.QUEUES:
        raise shown.Stopped(f"There is no queue {queue}; there are {', '.join(config.QUEUES)}.")
    return config.load().queues[queue]
