"""AWS calls under the policy of a function: what IAM would refuse fails here as well.

`acting_as("checkout")` evaluates every call made inside the block, whatever answers it. Calls signed for a site are
evaluated under the tenant policy with that site as its tag, all others under the function's own. A block begins as a
cold function does, nothing another function read or decrypted being remembered, unless it says otherwise. Of blocks
within blocks the innermost counts: one function called while another was still at work.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unittest import mock

from botocore.client import BaseClient

from chalicelib.catalog import service as catalog
from chalicelib.kit import cells, config, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.stock import service as stock
from chalicelib.tenancy import service as tenancy

from . import documents
from .evaluate import Policy, Request, allows

_ITEM_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
EVERYTHING = "*"  # what is asked of an account names no resource
_NAMED = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


class Denied(AssertionError):
    """IAM would have refused this call."""


_acting: list[tuple[str, list[str]]] = []  # functions and who hears of refusals, the innermost last
_heard: list[set["Heard"]] = []


@dataclass(frozen=True)
class Heard:
    """A request that a function made, for a site or, where that is empty, in its own name."""

    function: str
    site: str
    asked: Request


@contextlib.contextmanager
def listening() -> Iterator[set[Heard]]:
    """The different requests that are decided about until the block ends."""
    may.cache_clear()  # what was decided before would be decided unheard
    heard: set[Heard] = set()
    _heard.append(heard)
    try:
        yield heard
    finally:
        _heard[:] = [one for one in _heard if one is not heard]


@lru_cache(maxsize=100_000)
def may(function: str, site: str, asked: Request) -> bool:
    """Whether IAM lets a function do this, for a site or, where that is empty, in its own name."""
    for heard in _heard:
        heard.add(Heard(function, site, asked))
    tag = {"aws:PrincipalTag/site": site} if site else {}
    told = Request(asked.action, asked.resource, {**asked.context, **tag})
    return any(allows(policy, told) for policy in _policies("tenant" if site else function))


def _policies(name: str) -> list[Policy]:
    beyond = name != "tenant" and cells.several()
    return [documents.policy(each) for each in documents.attached(name, cells=beyond)]


@contextlib.contextmanager
def acting_as(function: str, *, cold: bool = True, refused: list[str] | None = None) -> Iterator[None]:
    """Evaluate each call of the block under a function's policy. Raises Denied at the call.

    `refused` hears of it too, where what is called may hide an error from its caller.
    """
    if cold:
        grow_cold()
    _acting.append((function, [] if refused is None else refused))
    try:
        with contextlib.nullcontext() if len(_acting) > 1 else _guarded():
            yield
    finally:
        _acting.pop()


def _guarded() -> contextlib.AbstractContextManager[Any]:
    """Every call of every client, decided about before it is made."""
    every: Any = BaseClient
    call = every._make_api_call  # noqa: SLF001  every call of every client passes here

    def guarded(client: Any, operation: str, given: Mapping[str, Any]) -> Any:
        signer = client._request_signer._credentials  # noqa: SLF001  the public way tells only how it was configured
        function, refused = _acting[-1]
        if isinstance(signer, cells.Operator):
            function = documents.OPERATOR
        elif not config.load().tenant_role:  # a person's own credentials, or one role for everything
            return call(client, operation, given)
        site = tenant.acting() if isinstance(signer, tenant.SiteCredentials) else ""
        for asked in requests(client.meta.service_model.service_name, operation, given):
            if not may(function, site, asked):
                refused.append(f"{function}{' for ' + site if site else ''}: {asked}")
                raise Denied(refused[-1])
        return call(client, operation, given)

    return mock.patch.object(every, "_make_api_call", guarded)


def grow_cold() -> None:
    """Forget what is held in memory."""
    for service in (vault, tenancy, catalog, stock, ledger, payments):
        service.forget()


def requests(service: str, operation: str, given: Mapping[str, Any]) -> list[Request]:
    """What IAM decides about for one call. Raises KeyError for a call no function of ours makes."""
    return _REQUESTS[service](operation, given)


def _dynamodb(operation: str, given: Mapping[str, Any]) -> list[Request]:
    if operation == "BatchGetItem":
        return [
            _item(operation, table, tuple([key["pk"]["S"] for key in wanted["Keys"]]))
            for table, wanted in given["RequestItems"].items()
        ]
    if operation == "BatchWriteItem":
        return [
            _item(operation, table, tuple([_pk(one) for write in writes for one in write.values()]))
            for table, writes in given["RequestItems"].items()
        ]
    if operation == "TransactWriteItems":
        return [
            _item(_ITEM_ACTIONS[kind], one["TableName"], (_pk(one),))
            for write in given["TransactItems"]
            for kind, one in write.items()
        ]
    if operation == "Query":
        index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
        return [_item(operation, given["TableName"] + index, (_queried(given),))]
    if operation == "ListTables":
        return [Request("dynamodb:ListTables", EVERYTHING)]
    keys = (_pk(given),) if "Key" in given or "Item" in given else ()
    return [_item(operation, given.get("TableName") or given["ResourceArn"].rsplit("/")[-1], keys)]


@lru_cache(maxsize=1 << 14)
def _item(action: str, table: str, keys: tuple[str, ...]) -> Request:
    return Request(f"dynamodb:{action}", documents.TABLES + table, {"dynamodb:LeadingKeys": keys})


def _pk(given: Mapping[str, Any]) -> str:
    key: str = (given.get("Key") or given["Item"])["pk"]["S"]
    return key


def _queried(given: Mapping[str, Any]) -> str:
    names = given.get("ExpressionAttributeNames") or {}
    equal = {names.get(n, n): v for n, v in _NAMED.findall(given["KeyConditionExpression"])}
    value: str = given["ExpressionAttributeValues"][equal["m" if given.get("IndexName") else "pk"]]["S"]
    return value


def _sqs(operation: str, given: Mapping[str, Any]) -> list[Request]:
    _, name, *dead = given["QueueUrl"].rsplit("/", 1)[-1].split("-")
    # What sends a batch needs leave to send a message: SQS has no action for batches.
    return [
        Request(
            f"sqs:{operation.removesuffix('Batch')}",
            "-".join([documents.QUEUE_ARNS[name.capitalize()], *dead]),
        )
    ]


def _kms(operation: str, given: Mapping[str, Any]) -> list[Request]:
    context = {f"kms:EncryptionContext:{name}": value for name, value in given["EncryptionContext"].items()}
    return [Request(f"kms:{operation}", documents.KEY, context)]


def _ssm(operation: str, given: Mapping[str, Any]) -> list[Request]:
    """A secret needs the parameter and the key, which Parameter Store uses for the caller."""
    names = given["Names"] if operation == "GetParameters" else [given["Name"]]
    places = [documents.PARAMETERS + name.removeprefix("/cardmesh/") for name in names]
    use = "kms:Decrypt" if operation == "GetParameters" else "kms:Encrypt"
    asked = [Request(f"ssm:{operation}", place, {}) for place in places]
    return asked + [
        Request(use, documents.KEY, {"kms:EncryptionContext:PARAMETER_ARN": place}) for place in places
    ]


def _sts(operation: str, given: Mapping[str, Any]) -> list[Request]:
    """Roles of other cells stand under their own names, the deployment's own under the one in the documents."""
    if operation == "GetCallerIdentity":  # which nobody is refused
        return []
    role = given["RoleArn"] if "/cells/" in given["RoleArn"] else documents.TENANT
    tagged = [Request("sts:TagSession", role)] if given.get("Tags") else []
    return [Request(f"sts:{operation}", role), *tagged]


def _cloudformation(operation: str, given: Mapping[str, Any]) -> list[Request]:
    stack = f"{documents.STACKS}{given['StackName']}/1" if "StackName" in given else EVERYTHING
    return [Request(f"cloudformation:{operation}", stack)]


_REQUESTS = {
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "kms": _kms,
    "ssm": _ssm,
    "sts": _sts,
    "cloudformation": _cloudformation,
}
