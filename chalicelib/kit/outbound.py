"""Calls to the world outside: bounded in time and size, no redirects, and honest about what is not known."""

from dataclasses import dataclass
from functools import cache

import urllib3

_LARGEST = 1 << 20  # bytes of an answer


class NotSent(Exception):
    """Nothing left this machine, so the other side did nothing."""


class Unknown(Exception):
    """The call may have had its effect: ask before trying anything else."""


@dataclass(frozen=True)
class Reply:
    """What came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=32, retries=False)


def call(
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: bytes = b"",
    seconds: float = 5.0,
    largest: int = _LARGEST,
) -> Reply:
    """Send one request and read the whole answer, of `largest` bytes at most. Raises NotSent or Unknown."""
    try:
        answer = _pool().request(
            method,
            url,
            body=body or None,
            headers=headers,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=2.0, read=seconds),
        )
        content = answer.read(largest + 1, decode_content=True)
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        raise NotSent(type(error).__name__) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unknown(type(error).__name__) from None
    answer.release_conn()
    if len(content) > largest:
        raise Unknown("the answer is too large")
    return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, content)
