"""DynamoDB as ordinary tests meet it: moto keeps the tables, the simulation's model what stands in them.

Calls pass through all of botocore. The model refuses what moto lets pass (`tests/sim/dynamo/matrix.py` lists it), and
answers in a tenth of the time.
"""

import base64
import copy
import json
import re
from collections.abc import Mapping
from threading import RLock

from botocore.exceptions import ClientError
from moto.core.models import botocore_stubber
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import get_account_id_from

from sim.dynamo.database import Database
from sim.dynamo.tables import Table

_API = "DynamoDB_20120810"
_SIGNER = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")
_ABOUT_ROWS = {
    *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
    *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
}


class Rows(Table):
    """The rows of a table, in the place where moto would keep them."""

    def values(self):
        """How moto counts them."""
        return [self.rows]

    def __deepcopy__(self, memo):
        twin = Rows(self.definition, None)
        for key, row in self.rows.items():  # which are never changed
            twin.put(key, row)
        return twin


class Tables(Mapping):
    """The tables that moto has in an account and a region, with their rows."""

    def __init__(self, account, region):
        self._place = account, region

    def __getitem__(self, name):
        table = self._known[name]
        if not isinstance(table.items, Rows):
            table.items = Rows(copy.deepcopy(table.describe(base_key="Table")["Table"]), None)
        return table.items

    def __iter__(self):
        return iter(self._known)

    def __len__(self):
        return len(self._known)

    @property
    def _known(self):
        account, region = self._place
        return dynamodb_backends[account][region].tables


class Service:
    """What answers in place of moto where calls are about rows; `clock` is for the tokens of transactions."""

    def __init__(self, clock):
        self._clock = clock
        self._lock = RLock()
        self._real = botocore_stubber.process_request
        self._places = {}

    def forget(self):
        """Nothing was asked before."""
        self._places.clear()

    def turn(self, patch):
        """Stand in moto's way until the patch ends."""
        patch(botocore_stubber, "process_request", self._answer)

    def _answer(self, request):
        api, _, operation = _text(request.headers.get("X-Amz-Target", "")).partition(".")
        if api != _API or operation not in _ABOUT_ROWS:
            return self._real(request)
        signer, region = _SIGNER.search(_text(request.headers["Authorization"])).groups()
        with self._lock:
            held = self._database(get_account_id_from(signer), region)
            return _answered(held, operation, request.body)

    def _database(self, *place):
        if place not in self._places:
            made = self._places[place] = Database(clock=self._clock, scans=True)
            made.tables = Tables(*place)
        return self._places[place]


def _answered(held, operation, body):
    asked = json.loads(body, object_hook=_bytes if b'"B' in body else None)
    try:
        status, told = 200, held.call(operation, asked)
    except ClientError as error:
        said = {
            each: value for each, value in error.response.items() if each not in ("Error", "ResponseMetadata")
        }
        known = error.response["Error"]
        status, told = 400, {"__type": known["Code"], "message": known["Message"], **said}
    return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(told, default=_base64)


def _bytes(value):
    if isinstance(value.get("B"), str):
        return {"B": base64.b64decode(value["B"])}
    if isinstance(value.get("BS"), list):
        return {"BS": [base64.b64decode(each) for each in value["BS"]]}
    return value


def _base64(value):
    return base64.b64encode(value).decode()


def _text(header):
    return header.decode() if isinstance(header, bytes) else header
