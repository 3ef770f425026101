"""One client per service and function instance; making one costs 100 to 300 ms."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config as Options
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader

_OPTIONS = Options(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    parameter_validation=False,
)
# Where Lambda and the AWS CLI say the region; the SDK by itself reads the second only.
_REGION = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)
TRIES_SSM = 6  # within a page's 29 seconds: when many instances start at once it serves 40 a second (bench/secrets.py)
TOO_FAST = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")
SERVICES = ("cloudformation", "dynamodb", "kms", "sqs", "ssm", "sts")  # a package has no others


class _Models(Loader):
    """The SDK's descriptions of services, read once for all sessions.

    The SDK itself would look into the folder of each of its four hundred services before it reads one.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  all of ours have every type
        return list(SERVICES)


_models = cache(_Models)


@cache
def session() -> botocore.session.Session:
    """The function's own identity."""
    return _session()


@cache
def client(service: str) -> Any:  # botocore builds its clients at run time
    """A shared client under the function's own role."""
    patient = Options(retries={"mode": "standard", "total_max_attempts": TRIES_SSM})
    return session().create_client(service, config=_OPTIONS.merge(patient) if service == "ssm" else _OPTIONS)


def own_credentials() -> ReadOnlyCredentials:
    """What one's own calls are signed with. Raises NoCredentialsError."""
    found = session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found.get_frozen_credentials()


def client_as(service: str, credentials: object) -> Any:
    """A client whose calls are signed with what `credentials.get_frozen_credentials()` answers."""
    own = _session()
    # The documented setter takes fixed strings only.
    own._credentials = credentials  # type: ignore[attr-defined]  # noqa: SLF001
    return own.create_client(service, config=_OPTIONS)


def _session() -> botocore.session.Session:
    made = botocore.session.Session(session_vars={"region": _REGION})
    made.register_component("data_loader", _models())
    return made
