"""Other implementations of DynamoDB, each driven through botocore."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from decimal import Decimal

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from localcloud import cloud
from localcloud.place import ROOT

_CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False, proxies={})


@contextmanager
def moto():
    with mock_aws():
        yield _client()


@contextmanager
def ministack():
    """A fresh process of its own; it ends with the block."""
    _need(cloud.PROGRAM)
    settings = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LOG_LEVEL": "ERROR"}
    port = _free_port()
    with _process([str(cloud.PROGRAM)], port, settings | {"GATEWAY_PORT": str(port)}) as client:
        yield client


@contextmanager
def dynalite():
    """A fresh process of its own; it ends with the block."""
    _need(DYNALITE)
    port = _free_port()
    command = ["node", str(DYNALITE), "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    with _process([*command, "--deleteTableMs", "0"], port, {}) as client:
        yield client


def answer(run, operation, params):
    """What a call did, comparable: ("did", answer) or ("refused", code, what came with it, message)."""
    try:
        did = run(operation, params)
    except ClientError as error:
        response = error.response
        reasons = [reason["Code"] for reason in response.get("CancellationReasons", ())]
        came_with = plain(response.get("Item")), reasons
        return "refused", response["Error"]["Code"], came_with, response["Error"]["Message"]
    return "did", _comparable(operation, params, did)


def caller(client):
    """A function of operation and parameters over a botocore client."""

    def run(operation, params):
        return client._make_api_call(operation, params)

    return run


def create(run, table):
    """A table, ready to use."""
    run("CreateTable", table)
    while run("DescribeTable", {"TableName": table["TableName"]})["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.005)


def plain(value):
    """A value, item or list of them without what may differ in writing: order of sets, digits of numbers."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((kind, content),) = value.items()
            if kind in {"SS", "BS"} and isinstance(content, list):
                return kind, frozenset(content)
            if kind == "NS" and isinstance(content, list):
                return kind, frozenset(map(Decimal, content))
            if kind == "N" and isinstance(content, str):
                return kind, Decimal(content)
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _comparable(operation, params, did):
    kept = {
        name: plain(each)
        for name, each in did.items()
        if name not in {"ResponseMetadata", "ConsumedCapacity"}
    }
    if operation == "BatchGetItem":
        kept["Responses"] = {name: sorted(each, key=str) for name, each in kept["Responses"].items()}
    if "IndexName" in params:
        kept["Items"] = sorted(kept.get("Items", ()), key=str)
    return {name: each for name, each in kept.items() if each or name in {"Items", "Count"}}


def _client(**options):
    return botocore.session.Session().create_client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="000000000001",
        aws_secret_access_key="test",
        config=_CONFIG,
        **options,
    )


@contextmanager
def _process(command, port, settings):
    with tempfile.TemporaryDirectory() as folder:
        env = cloud.plain_env() | settings | {"TMPDIR": folder}
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(command, env=env, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            _wait(port, child)
            yield _client(endpoint_url=f"http://127.0.0.1:{port}")
        finally:
            child.terminate()
            child.wait(20)


def _need(program):
    if not program.exists():
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"{program.relative_to(ROOT)} is not installed: run `make test`.")


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(port, child, seconds=20):
    end = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the oracle did not start")


DYNALITE = ROOT / "node_modules/dynalite/cli.js"
BY_NAME = {"moto": moto, "ministack": ministack, "dynalite": dynalite}
