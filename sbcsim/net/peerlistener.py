"""A port on which a far end of a test takes connections, or refuses them without letting go of the port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

_BACKLOG = 128


class Listener:
    """A TCP port, held from the beginning to `close`; connections come in as long as it `take_up`s listening."""

    def __init__(self, host: str, port: int, accepted: Callable[[socket.socket], None]) -> None:
        """Hold a port, a free one for 0; raises OSError where it is taken."""
        self._host = host
        self._accepted = accepted
        self._socket = _bound(host, port)
        self._listening = False
        self.port: int = self._socket.getsockname()[1]

    def take_up(self, *, listens: bool) -> None:
        """Listen or refuse from now on; raises OSError where somebody has taken the port in between."""
        if listens == self._listening:
            return
        if listens:
            self._socket.listen(_BACKLOG)
            asyncio.get_running_loop().add_reader(self._socket, self._accept)
            self._listening = True
        else:
            # Only a socket that has never listened refuses, and as long as it is bound nobody else takes the port.
            self.close()
            self._socket = _bound(self._host, self.port)

    def close(self) -> None:
        """Let go of the port."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._listening = False
        self._socket.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:
            return  # it has gone again already
        sock.setblocking(False)  # noqa: FBT003 - that is how it is called
        self._accepted(sock)


def _bound(host: str, port: int) -> socket.socket:
    # asyncio sends without delay only where the protocol is named; else what follows an ACK waits 40 ms.
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)  # noqa: FBT003 - that is how it is called
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
