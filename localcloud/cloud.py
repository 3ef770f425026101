"""The embedded cloud: ministack, one process with DynamoDB, SQS, KMS, S3, STS and CloudFormation.

Everything that knows its name, its options or its habits stands here. It writes its state only when it is stopped
gracefully; killed, it has forgotten what happened since its start.
"""

import os
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from .place import HOST, ROOT, Place
from .processes import Child

PROGRAM = Path(os.environ.get("MINISTACK", ROOT / ".venv-ministack/bin/ministack"))
REGION = "us-east-1"
ACCOUNT = "000000000001"  # a 12-digit access key is an account of its own
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SECRET = "embedded"  # noqa: S105 the emulator checks none


def child(place: Place) -> Child:
    """The process, not yet started."""
    temporary = place.folder / "tmp"
    for folder in (place.state, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    env = {
        **plain_env(),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(place.cloud_port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,  # of requests that nobody signed, like those for a REST API
        "PERSIST_STATE": "1",
        "STATE_DIR": str(place.state.resolve()),
        "TMPDIR": str(temporary.resolve()),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    return Child("embedded cloud", [str(PROGRAM)], env, place.log("ministack"), grace=60)


def answers(url: str) -> bool:
    """Whether this address of our own answers with 200."""
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@cache
def client(service: str, url: str) -> Any:  # botocore builds its clients at run time
    """A client of one of its services, whatever the machine's own AWS settings and proxies are."""
    return botocore.session.Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=_SECRET,
        config=Config(proxies={}, max_pool_connections=64),
    )


def credentials(place: Place) -> dict[str, str]:
    """The environment that makes botocore talk to it and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": place.cloud_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def plain_env() -> dict[str, str]:
    """What any process needs; no proxies, no credentials, no settings of the person's shell."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
