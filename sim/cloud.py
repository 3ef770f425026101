"""Where the shop's calls to AWS end: each takes time, lets others go on, may fail, and needs the caller's policy.

The interception stands where botocore would build a request, so what the SDK does below it is done here: it tries
three times, with the same token for a transaction, after a throttle or an answer that never came.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.kit import tenant

from .clockwork import Clockwork, Died, Process, Violation
from .dynamo.database import Database
from .faults import SIZED, Faults
from .iam import enforce
from .keys import Keys
from .queues import Queues
from .trace import Trace

_TRIES = 3
_SHORT = 32  # characters of a value that the trace shows
_SLOW = 3.0  # seconds that a transaction may take
_TIMEOUT = 5.0  # seconds until an answer counts as lost
_THROTTLED = "ProvisionedThroughputExceededException"
OPERATOR = "restore"  # a person with a role of their own, who may reach every table at any time

After = Callable[[str, Mapping[str, Any]], None]


class Network:
    """What lies between a process and whoever it calls. `turns_away` says whether what is called is down."""

    def __init__(
        self, time: Clockwork, faults: Faults, trace: Trace, turns_away: Callable[[str], bool]
    ) -> None:
        self.time = time
        self.faults = faults
        self.trace = trace
        self._turns_away = turns_away

    def travel(self, what: str, act: Callable[[], Any]) -> tuple[str, Any]:
        """Do one call over the network: "" and its answer, or the fault that befell it.

        Raises Died where the caller's machine is gone.
        """
        process = self._caller()
        fault = self.faults.of_call() or ("throttle" if self._turns_away(what) else "")
        size = self.faults.how_bad() if fault in SIZED else self.faults.pace()
        back = self.time.random.uniform(0.001, 0.01)
        self._wait(process, 0.001 + 0.02 * size if fault != "stall" else 10 ** (3.95 * size - 1))
        self.trace.line(self.time.now, process.name, what, fault)
        if fault == "kill_before":
            self._die(process)
        if fault == "late_request":
            self.time.spawn("late", act, delay=10 ** (3 * size))
        if fault in ("throttle", "lost_request", "late_request"):
            self._wait(process, size if fault == "throttle" else _TIMEOUT)
            return fault, None
        answer = act()
        if fault == "kill_after":
            self._die(process)
        self._wait(process, _TIMEOUT if fault == "lost_answer" else back)
        return (fault, None) if fault == "lost_answer" else ("", answer)

    def _caller(self) -> Process:
        process = self.time.running
        if process is None:
            raise RuntimeError("a call from outside the clockwork")
        if process.dead:
            raise Died
        return process

    def _wait(self, process: Process, seconds: float) -> None:
        """Wait as long as the machine lives."""
        self.time.pause(seconds)
        if process.dead:
            raise Died

    def _die(self, process: Process) -> None:
        process.dead = True
        raise Died


class Cloud:
    """The AWS of one world. `after(operation, params)` looks at the world after each write.

    `refused` counts DynamoDB's refusals by code: conditions that did not hold, transactions that met. Tables in
    `fenced` are nobody's but the operator's.
    """

    def __init__(
        self, network: Network, database: Database, queues: Queues, keys: Keys, after: After
    ) -> None:
        self.network = network
        self.database = database
        self.queues = queues
        self.keys = keys
        self.calls = 0
        self.refused: Counter[str] = Counter()
        self.fenced: set[str] = set()
        self._after = after

    def call(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """Stand in for botocore. Raises ClientError and ReadTimeoutError as it does."""
        service = client.meta.service_model.service_name
        if operation == "TransactWriteItems" and "ClientRequestToken" not in given:
            given = {**given, "ClientRequestToken": self.network.time.random.randbytes(16).hex()}
        if operation == "BatchGetItem":
            given = self._in_no_order(given)
        self._check(client, service, operation, given)
        self.calls += 1
        what = f"{service}.{operation} {_subject(given)}"
        fault = ""
        for _ in range(_TRIES):
            fault, answer = self.network.travel(what, lambda: self._answer(service, operation, given))
            if not fault:
                return answer() if callable(answer) else answer
        if fault == "throttle":
            raise ClientError({"Error": {"Code": _THROTTLED, "Message": "Throttled"}}, operation)
        raise ReadTimeoutError(endpoint_url=service)

    def _answer(self, service: str, operation: str, given: Mapping[str, Any]) -> Any:
        if service == "sqs":
            return self.queues.call(operation, given)
        if service != "dynamodb":
            return self.keys.call(operation, given)
        if not self.fenced.isdisjoint(_tables(given)) and self._caller() != OPERATOR:
            denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": "with an explicit deny"}}
            return _raiser(ClientError(denied, operation))
        try:
            answer = self._in_two_steps(given) if operation == "TransactWriteItems" else None
            answer = self.database.call(operation, given) if answer is None else answer
        except ClientError as error:
            code = error.response["Error"]["Code"]
            self.refused[code] += 1
            self.network.trace.line(self.network.time.now, self.network.time.who.name, f"  {code}")
            return _raiser(error)
        self._after(operation, given)
        return answer

    def _in_two_steps(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A transaction during which others meet its items."""
        ongoing, network = self.database.prepare(given), self.network
        slow = network.faults.how_bad() * _SLOW if network.faults.strikes("slow_transaction") else 0
        network.time.pause(network.time.random.uniform(0.001, 0.01) + slow)
        return ongoing.commit()

    def _in_no_order(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of a BatchGetItem as the seed has them: PynamoDB's order changes from process to process."""
        asked = {}
        for table, wanted in given["RequestItems"].items():
            keys = sorted(wanted["Keys"], key=lambda key: (key["pk"]["S"], key["sk"]["S"]))
            self.network.time.random.shuffle(keys)
            asked[table] = {**wanted, "Keys": keys}
        return {**given, "RequestItems": asked}

    def _check(self, client: Any, service: str, operation: str, given: Mapping[str, Any]) -> None:
        """Raise Violation for a call that IAM would refuse."""
        function = self._caller()
        if function == OPERATOR:
            return
        signer = client._request_signer._credentials  # noqa: SLF001  the public way tells only how it was configured
        site = self._site_of(signer) if isinstance(signer, tenant.SiteCredentials) else ""
        for asked in enforce.requests(service, operation, given):
            if not enforce.may(function, site, asked):
                raise Violation(f"I9: {function or 'nobody'}{' for ' + site if site else ''} may not {asked}")

    def _caller(self) -> str:
        process = self.network.time.running
        return process.instance.function if process and process.instance else ""

    def _site_of(self, signer: tenant.SiteCredentials) -> str:
        """The site that the credentials of a call were granted for."""
        grant = self.keys.grants[signer.get_frozen_credentials().token or ""]
        if grant.ends_at <= self.network.time.now:
            raise Violation(f"credentials for {grant.site} have ended")
        return grant.site


def _raiser(error: ClientError) -> Callable[[], Any]:
    """An error is an answer too: it travels back, and may get lost."""

    def answer() -> Any:
        raise error

    return answer


def _tables(given: Mapping[str, Any]) -> set[str]:
    """The tables a call is about."""
    writes = (one for each in given.get("TransactItems", ()) for one in each.values())
    named = (one["TableName"] for one in (given, *writes) if "TableName" in one)
    return {*named, *given.get("RequestItems", ())}


def _subject(given: Mapping[str, Any]) -> str:
    """What a call is about, for the trace."""
    if "Key" in given or "Item" in given:
        key = given.get("Key") or given["Item"]
        return f"{given['TableName']} {key['pk']['S']} {key['sk']['S']}{_new(given)}"
    if "Entries" in given:
        queue = given["QueueUrl"].rsplit("-", 1)[-1]
        return " & ".join(f"{queue} {one['MessageBody']} +{one['DelaySeconds']}" for one in given["Entries"])
    if "QueueUrl" in given:
        return (
            f"{given['QueueUrl'].rsplit('-', 1)[-1]} {given['MessageBody']} +{given.get('DelaySeconds', 0)}"
        )
    if "TransactItems" in given:
        return " & ".join(
            f"{v} {_subject(one)}" for each in given["TransactItems"] for v, one in each.items()
        )
    return f"{given.get('TableName', '')}{_new(given)}"


def _new(given: Mapping[str, Any]) -> str:
    """The texts and numbers of an expression, if they are short."""
    values = (given.get("ExpressionAttributeValues") or {}).values()
    texts = (value.get("S") or value.get("N") or "" for value in values)
    return "".join(f" {text}" for text in texts if 0 < len(text) < _SHORT)
