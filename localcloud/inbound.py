"""Reading from clients that may be slow or never finish: a whole request has one deadline, not each byte."""

import socket
import time
from typing import Any


class Inbound(socket.SocketIO):
    """The reading side of a connection. Reads raise TimeoutError once the time allowed is over."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection, "r")
        self._connection = connection
        self._until = 0.0

    def allow(self, seconds: float) -> None:
        """Allow all further reads together this long from now."""
        self._until = time.monotonic() + seconds

    def readinto(self, buffer: Any) -> int | None:
        """Read once within what is left of the time allowed."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return super().readinto(buffer)
