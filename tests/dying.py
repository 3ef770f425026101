"""Processes that end at one of their effects: a write, a message, or a call to somebody outside."""

import contextlib

import botocore.client
from botocore.exceptions import ClientError

from chalicelib.kit import outbound

EFFECTS = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "SendMessage", "SendMessageBatch")


class Died(BaseException):
    """The function's machine is gone; nothing in the code may catch this."""


class Killer:
    """Counts effects and dies at one of them, before or after it; at none where `at` is 0."""

    def __init__(self, at=0, *, after=False):
        self.count, self.at, self.after = 0, at, after

    def effect(self, act):
        self.count += 1
        if self.count != self.at:
            return act()
        if self.after:
            with contextlib.suppress(ClientError):  # a refused one has no effect
                act()
        raise Died

    @contextlib.contextmanager
    def watching(self, monkeypatch, *, calls=True):
        """While this lasts, writes and messages are effects, and calls of others unless they only ask."""
        real, call = botocore.client.BaseClient._make_api_call, outbound.call

        def api(client, operation, given):
            act = lambda: real(client, operation, given)  # noqa: E731
            return self.effect(act) if operation in EFFECTS else act()

        with monkeypatch.context() as patch:
            patch.setattr(botocore.client.BaseClient, "_make_api_call", api)
            if calls:
                patch.setattr(outbound, "call", lambda *a, **k: self.effect(lambda: call(*a, **k)))
            yield self
