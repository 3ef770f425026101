"""AWS at the other end of botocore's HTTP: what the SDK serialises, signs and parses is as in the cloud.

The simulation's DynamoDB and keys answer; nothing that happens here counts as the shop's.
"""

import base64
import binascii
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from chalicelib.kit import clock, ids
from sim.dynamo.database import Database
from sim.dynamo.tables import Row
from sim.keys import Keys

from . import callgrind

_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "TrentService": "kms",
    "": "sts",
}
_ASSUMED = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    "<AccessKeyId>{AccessKeyId}</AccessKeyId><SecretAccessKey>{SecretAccessKey}</SecretAccessKey>"
    "<SessionToken>{SessionToken}</SessionToken><Expiration>{Expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


@dataclass(frozen=True)
class Scene:
    """The rows of all tables, KMS, STS and SSM, the time, and what comes to each function."""

    now: int
    rows: Mapping[str, tuple[Mapping[str, Any], Mapping[Any, Row]]]
    keys: Keys
    events: Mapping[str, list[dict[str, Any]]]

    def database(self) -> Database:
        """The tables with their rows."""
        database = Database(clock=partial(float, self.now))
        for name, (definition, rows) in self.rows.items():
            database.create_table(**definition)
            for key, row in rows.items():
                database.tables[name].put(key, row)
        return database


def enter(scene: Scene) -> "Wire":
    """Turn the edges of this process, once and for all, towards a scene."""
    wire = Wire(scene.database(), scene.keys)

    def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        with callgrind.uncounted():
            return wire.answer(request)

    URLLib3Session.send = send  # type: ignore[assignment,method-assign]
    clock.source = partial(float, scene.now)
    ids.source = Random(0).randbytes  # noqa: S311  a run must be repeatable
    return wire


class Wire:
    """Answers prepared requests."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._requests: Counter[str] = Counter()

    def tally(self) -> dict[str, float]:
        """Requests by service and DynamoDB's units, so far."""
        units = {kind: self._database.units.total(kind) for kind in ("read", "write")}
        return {**self._requests, **units}

    def answer(self, request: AWSPreparedRequest) -> AWSResponse:
        """The response to one call."""
        target = _text(request.headers.get("X-Amz-Target", ""))
        self._requests[_SERVICES[target.partition(".")[0]]] += 1
        if not target:
            return _response(request, 200, self._assume(request).encode())
        given = json.loads(_text(request.body), object_hook=_with_bytes)
        try:
            said, status = self._call(target, given), 200
        except ClientError as error:
            said, status = _refusal(error), 400
        return _response(request, status, json.dumps(said, default=_base64).encode())

    def _call(self, target: str, given: dict[str, Any]) -> dict[str, Any]:
        name, _, operation = target.partition(".")
        if _SERVICES[name] == "dynamodb":
            return self._database.call(operation, given)
        if _SERVICES[name] == "sqs":
            return {"MessageId": "1"}
        if _SERVICES[name] == "kms":
            given["CiphertextBlob"] = base64.b64decode(given["CiphertextBlob"])
        return self._keys.call(operation, given)

    def _assume(self, request: AWSPreparedRequest) -> str:
        form = dict(parse_qsl(_text(request.body)))
        granted = self._keys.call("AssumeRole", {"Tags": [{"Value": form["Tags.member.1.Value"]}]})
        return _ASSUMED.format(**granted["Credentials"])


class _Body(io.BytesIO):
    """A body as urllib3 would stream it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def _response(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders(), _Body(body))


def _refusal(error: ClientError) -> dict[str, Any]:
    told: dict[str, Any] = dict(error.response)
    about = told.pop("Error")
    told.pop("ResponseMetadata", None)
    return {"__type": about["Code"], "message": about["Message"], **told}


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """A value of type B as botocore's callers give it."""
    if value.keys() == {"B"} and isinstance(value["B"], str):
        return {"B": base64.b64decode(value["B"])}
    return value


def _base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
