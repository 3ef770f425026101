"""KMS, STS and SSM: data keys that open only with their context, credentials that end and name their site, secrets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

_LIVES = 3600  # seconds


@dataclass(frozen=True)
class Grant:
    """Credentials given out for a site, and when they end."""

    site: str
    ends_at: float


class Keys:
    """Data keys and grants. `draw` gives random bytes, `clock` seconds since 1970 UTC."""

    def __init__(self, draw: Callable[[int], bytes], clock: Callable[[], float]) -> None:
        self.grants: dict[str, Grant] = {}
        self._wrapped: dict[bytes, tuple[bytes, Mapping[str, str]]] = {}
        self._parameters: dict[str, str] = {}
        self._draw = draw
        self._clock = clock

    def with_keys_of(self, other: "Keys | None") -> "Keys":
        """These, with the data keys and the secrets of others."""
        if other:
            self._wrapped.update(other._wrapped)  # noqa: SLF001  another of this kind
            self._parameters.update(other._parameters)  # noqa: SLF001
        return self

    def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call of KMS, STS or SSM. Raises botocore's ClientError."""
        return {
            "GenerateDataKeyWithoutPlaintext": self._generate,
            "Decrypt": self._decrypt,
            "AssumeRole": self._assume,
            "PutParameter": self._put,
            "GetParameters": self._get,
        }[operation](params)

    def _generate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        blob = self._draw(32)
        self._wrapped[blob] = self._draw(32), dict(params["EncryptionContext"])
        return {"CiphertextBlob": blob}

    def _decrypt(self, params: Mapping[str, Any]) -> dict[str, Any]:
        plain, context = self._wrapped.get(bytes(params["CiphertextBlob"]), (b"", {}))
        if not plain or context != params["EncryptionContext"]:
            error: Any = {"Error": {"Code": "InvalidCiphertextException", "Message": ""}}
            raise ClientError(error, "Decrypt")
        return {"Plaintext": plain}

    def _assume(self, params: Mapping[str, Any]) -> dict[str, Any]:
        (tag,) = params["Tags"]
        token, ends_at = self._draw(8).hex(), self._clock() + _LIVES
        self.grants[token] = Grant(tag["Value"], ends_at)
        return {
            "Credentials": {
                "AccessKeyId": "ASIA" + token,
                "SecretAccessKey": "secret",
                "SessionToken": token,
                "Expiration": datetime.fromtimestamp(ends_at, UTC),
            }
        }

    def _put(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._parameters[params["Name"]] = params["Value"]
        return {"Version": 1}

    def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        known = [name for name in params["Names"] if name in self._parameters]
        return {"Parameters": [{"Name": name, "Value": self._parameters[name]} for name in known]}
