"""The listening sockets of sipSigPorts: what comes becomes a stream."""

from __future__ import annotations

import socket
from collections.abc import Callable

from sbcsim.device.effects import Direction, ListenerKey

from .accepting import ACCEPTS, Acceptor
from .streams import Streams
from .tcp import Stream

CROWD = 64
"""Handshakes under way from which on others are let in one by one.

Who waits in the kernel costs nothing, while thousands that all have sent something would keep one turn of the loop
busy for long. One is let in all the same, so that handshakes which hang keep nobody out.
"""


class Listener:
    """One listening socket. `overloaded` is called with a reason when the host refuses to accept for us."""

    def __init__(
        self, key: ListenerKey, sock: socket.socket, streams: Streams, overloaded: Callable[[str], None]
    ) -> None:
        self.key = key
        self._sock = sock
        self._acceptor = Acceptor(
            sock,
            lambda: Stream(streams, Direction.INBOUND, key),
            overloaded,
            lambda: ACCEPTS if len(streams.shaking) < CROWD else 1,
        )

    def close(self) -> socket.socket:
        """Stop accepting; return the socket to whoever owns it. What was accepted before still becomes a stream."""
        self._acceptor.close()
        return self._sock

    async def closed(self) -> None:
        """Wait until everything accepted has become a stream."""
        await self._acceptor.closed()
