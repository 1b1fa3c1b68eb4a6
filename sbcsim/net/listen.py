"""Listening sockets: accept what comes, a few at a time, and make streams of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from sbcsim.device.effects import Direction, ListenerKey

from .tcp import Stream, Streams

ACCEPTS = 16
"""Connections accepted in one turn of the loop."""

CROWD = 64
"""Handshakes under way from which on others are let in one by one.

Who waits in the kernel costs nothing, while thousands that all have sent something would keep one turn of the loop
busy for long. One is let in all the same, so that handshakes which hang keep nobody out.
"""

RETRY = 0.5
"""Real seconds to wait when the host cannot accept, e.g. because the process has run out of file descriptors."""


class Listener:
    """One listening socket. `overloaded` is called with a reason when the host refuses to accept for us."""

    def __init__(
        self, key: ListenerKey, sock: socket.socket, streams: Streams, overloaded: Callable[[str], None]
    ) -> None:
        self.key = key
        self._sock = sock
        self._streams = streams
        self._overloaded = overloaded
        self._adoptions: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        sock.settimeout(0)
        streams.loop.add_reader(sock, self._accept)

    def close(self) -> socket.socket:
        """Stop accepting; return the socket to whoever owns it. What was accepted before still becomes a stream."""
        self._streams.loop.remove_reader(self._sock)
        if self._retry is not None:
            self._retry.cancel()
        return self._sock

    async def closed(self) -> None:
        """Wait until everything accepted has become a stream."""
        if self._adoptions:
            await asyncio.wait(self._adoptions)

    def _accept(self) -> None:
        for _connection in range(ACCEPTS if len(self._streams.shaking) < CROWD else 1):
            try:
                accepted, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of file descriptors or memory, as a rule
                self._pause(error)
                return
            accepted.settimeout(0)
            adoption = self._streams.loop.create_task(self._adopt(accepted))
            self._adoptions.add(adoption)
            adoption.add_done_callback(self._adoptions.discard)

    async def _adopt(self, accepted: socket.socket) -> None:
        await self._streams.loop.connect_accepted_socket(
            lambda: Stream(self._streams, Direction.INBOUND, self.key), accepted
        )

    def _pause(self, error: OSError) -> None:
        loop = self._streams.loop
        loop.remove_reader(self._sock)
        self._retry = loop.call_later(RETRY, loop.add_reader, self._sock, self._accept)
        self._overloaded(error.strerror or str(error))
