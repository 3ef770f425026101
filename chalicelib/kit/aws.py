"""One client per service and function instance; making one costs 100 to 300 ms."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config as Options

_OPTIONS = Options(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    parameter_validation=False,
)


@cache
def session() -> botocore.session.Session:
    """The function's own identity."""
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:  # botocore builds its clients at run time
    """A shared client under the function's own role."""
    return session().create_client(service, config=_OPTIONS)


def client_as(service: str, credentials: object) -> Any:
    """A client whose calls are signed with what `credentials.get_frozen_credentials()` answers."""
    own = botocore.session.Session()
    # The documented setter takes fixed strings only.
    own._credentials = credentials  # type: ignore[attr-defined]  # noqa: SLF001
    return own.create_client(service, config=_OPTIONS)
