"""Static files as a CDN serves them: fetched from the bucket once, then from memory, cacheable for ever."""

import gzip
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from . import cloud

CACHE = "public, max-age=31536000, immutable"  # an address carries its version


@dataclass(frozen=True)
class File:
    """One static file."""

    kind: str
    body: bytes

    @cached_property
    def compressed(self) -> bytes:
        """The body in gzip."""
        return gzip.compress(self.body, 9, mtime=0)


class Bucket:
    """The files of one bucket under `static/`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name
        self._files: dict[str, File] = {}

    def get(self, path: str) -> File | None:
        """The file at a path like `/static/4f0c/storefront.css`, None where there is none."""
        if path not in self._files:
            try:
                found = self._client.get_object(Bucket=self._name, Key=path.removeprefix("/"))
            except ClientError:
                return None
            self._files[path] = File(found["ContentType"], found["Body"].read())
        return self._files[path]


def from_environment() -> Bucket:
    """The bucket of this deployment."""
    return Bucket(cloud.client("s3", os.environ["AWS_ENDPOINT_URL"]), os.environ["STATIC_BUCKET"])
