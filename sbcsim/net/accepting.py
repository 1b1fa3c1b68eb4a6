"""How every port of the box takes connections: a few at a time, and with patience where the host has none to give.

asyncio's own servers tell of that in the log of the program only, and cannot be closed while they wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from .reasons import reason_of

ACCEPTS = 16
"""Connections accepted in one turn of the loop."""

RETRY = 0.5
"""Real seconds to wait when the host cannot accept, e.g. because the process has run out of file descriptors."""


class Acceptor:
    """Accepts on a listening socket until `close`; the socket stays its owner's.

    A protocol of `factory` is made for each connection. `overloaded` is called with a reason when the host refuses to
    accept for us, `at_once` says how many may be let in in one turn.
    """

    def __init__(
        self,
        sock: socket.socket,
        factory: Callable[[], asyncio.BaseProtocol],
        overloaded: Callable[[str], None],
        at_once: Callable[[], int] = lambda: ACCEPTS,
    ) -> None:
        self._sock = sock
        self._factory = factory
        self._overloaded = overloaded
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._adoptions: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        sock.settimeout(0)
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Stop accepting; a second time does nothing. What was accepted before still gets its protocol."""
        if self._sock.fileno() >= 0:  # its owner closes it behind this
            self._loop.remove_reader(self._sock)
        if self._retry is not None:
            self._retry.cancel()

    async def closed(self) -> None:
        """Wait until everything accepted has its protocol."""
        if self._adoptions:
            await asyncio.wait(self._adoptions)

    def _accept(self) -> None:
        for _connection in range(self._at_once()):
            try:
                accepted, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of file descriptors or memory, as a rule
                self._pause(error)
                return
            accepted.settimeout(0)
            adoption = self._loop.create_task(self._adopt(accepted))
            self._adoptions.add(adoption)
            adoption.add_done_callback(self._adoptions.discard)

    async def _adopt(self, accepted: socket.socket) -> None:
        await self._loop.connect_accepted_socket(self._factory, accepted)

    def _pause(self, error: OSError) -> None:
        self._loop.remove_reader(self._sock)
        self._retry = self._loop.call_later(RETRY, self._loop.add_reader, self._sock, self._accept)
        self._overloaded(reason_of(error))
