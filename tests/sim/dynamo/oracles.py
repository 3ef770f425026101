"""Other implementations of DynamoDB, each driven through botocore, and what may be compared with them."""

import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from decimal import Decimal

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from localcloud import cloud

_CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False, proxies={})


@contextmanager
def moto():
    with mock_aws():
        yield _client()


@contextmanager
def ministack():
    """A fresh process of its own on a free port; it ends with the block."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = cloud.plain_env() | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "TMPDIR": folder,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "ERROR",
        }
        quiet = subprocess.DEVNULL
        child = subprocess.Popen([str(cloud.PROGRAM)], env=env, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            _wait(f"http://127.0.0.1:{port}/_ministack/health", child)
            yield _client(endpoint_url=f"http://127.0.0.1:{port}")
        finally:
            child.terminate()
            child.wait(20)


def answer(run, operation, params):
    """What a call did, comparable: ("did", answer) or ("refused", code, what came with it, message)."""
    try:
        did = run(operation, params)
    except ClientError as error:
        response = error.response
        reasons = [reason["Code"] for reason in response.get("CancellationReasons", ())]
        came_with = plain(response.get("Item")), reasons
        return "refused", response["Error"]["Code"], came_with, response["Error"]["Message"]
    return "did", _comparable(operation, did)


def caller(client):
    """A function of operation and parameters over a botocore client."""

    def run(operation, params):
        return client._make_api_call(operation, params)

    return run


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


def _comparable(operation, did):
    kept = {name: plain(each) for name, each in did.items() if name not in {"ResponseMetadata", "ConsumedCapacity"}}
    if operation == "BatchGetItem":
        kept["Responses"] = {name: sorted(each, key=str) for name, each in kept["Responses"].items()}
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


def _wait(url, child, seconds=20):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.poll() is None:
        try:
            with direct.open(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("ministack did not start")


def matches(patterns, message):
    """The reason declared for a message, or None."""
    return next((reason for pattern, reason in patterns.items() if re.search(pattern, message)), None)


AT_HAND = {"moto": moto} | ({"ministack": ministack} if cloud.PROGRAM.exists() and "NO_MINISTACK" not in os.environ else {})
