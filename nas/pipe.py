"""A channel over a pipe between two processes of one machine."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection

from nas.conversation import Message, decode, encode


class PipeChannel:
    """A conversation over a `multiprocessing` connection: bytes only, nothing is pickled.

    `send` may be called from several threads (a heartbeat beats while an evaluation talks).
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Hand `message` over; `EOFError` when the other end is closed."""
        try:
            with self._sending:
                self.connection.send_bytes(encode(message))
        except OSError as error:
            raise EOFError("The other end of the conversation is gone.") from error

    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message, ``None`` after `timeout` seconds; `EOFError` when the other end is closed."""
        try:
            if timeout is not None and not self.connection.poll(timeout):
                return None
            return decode(self.connection.recv_bytes())
        except OSError as error:
            raise EOFError("The other end of the conversation is gone.") from error

    def close(self) -> None:
        """Close this end."""
        self.connection.close()
