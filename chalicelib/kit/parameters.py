"""Secrets in Parameter Store: encrypted under the deployment's key, kept under a path, known by a reference.

Whoever holds a reference knows nothing; whoever may read the parameter reads its newest version.
"""

import os
import zlib
from collections.abc import Collection
from itertools import islice

from . import aws, config

_SCHEME = "ssm:"
_INSTANCE = "AWS_LAMBDA_LOG_STREAM_NAME"  # Lambda's: another one for each instance
_MOST = 10  # names of one GetParameters


class Missing(LookupError):
    """A parameter that nobody wrote."""


def keep(path: str, text: str) -> str:
    """Write the newest version of a secret; the reference under which it is found."""
    aws.client("ssm").put_parameter(
        Name=at(path).removeprefix(_SCHEME),
        Value=text,
        Type="SecureString",
        KeyId=config.load().key_id,
        Overwrite=True,
    )
    return at(path)


def at(path: str) -> str:
    """The reference to what is kept under a path."""
    return f"{_SCHEME}/{config.load().tables}/{path}"


def spread(most: int) -> int:
    """Seconds up to `most` by which this instance reads later than others that started with it."""
    return zlib.crc32(os.environ.get(_INSTANCE, "").encode()) % (most + 1)


def read(references: Collection[str]) -> dict[str, str]:
    """The secrets behind references. Raises Missing."""
    names = iter(dict.fromkeys(each.removeprefix(_SCHEME) for each in references))
    found: dict[str, str] = {}
    while some := list(islice(names, _MOST)):
        answer = aws.client("ssm").get_parameters(Names=some, WithDecryption=True)
        found |= {_SCHEME + each["Name"]: each["Value"] for each in answer["Parameters"]}
    for each in references:
        if each not in found:
            raise Missing(each)
    return found
