"""Sockets for datagrams: hand over what comes, a few at a time, and send what is to go out from the same place."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from sbcsim.device.effects import Endpoint, ListenerKey

from .reasons import reason_of

DATAGRAMS = 64
"""Datagrams taken in one turn of the loop."""

LARGEST = 65535
"""What a datagram can hold at most."""


RECEIVE_BUFFER = 4 << 20
"""Octets that may wait to be read, as far as the host allows: a burst of thousands of answers must find room."""


class DatagramPort:
    """One socket. `received` is called with each datagram and the host's endpoint that it came from."""

    def __init__(
        self, key: ListenerKey, sock: socket.socket, received: Callable[[ListenerKey, Endpoint, bytes], None]
    ) -> None:
        self.key = key
        self._sock = sock
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._open = True
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._loop.add_reader(sock, self._take)

    def close(self) -> socket.socket:
        """Take no more; return the socket to whoever owns it."""
        self._loop.remove_reader(self._sock)
        self._open = False
        return self._sock

    async def closed(self) -> None:
        """Return at once: a datagram leaves nothing behind."""

    def send(self, target: Endpoint, data: bytes) -> str:
        """Send one datagram; returns why it cannot be sent, "" where it is on its way."""
        try:
            self._sock.sendto(data, target)
        except OSError as error:
            return reason_of(error)
        return ""

    def _take(self) -> None:
        for _datagram in range(DATAGRAMS):
            try:
                data, source = self._sock.recvfrom(LARGEST)
            except OSError:  # nothing more has come; what else a host may report here is about an earlier datagram
                return
            self._received(self.key, (str(source[0]), int(source[1])), data)
            if not self._open:
                return
