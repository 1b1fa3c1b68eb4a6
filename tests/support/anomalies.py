"""Everything that a box does outside itself, counted, with one call refused: the N-th of its kind.

The seam lies below the product: the socket class, OpenSSL's handshake, the files of SQLite and of `os`. Sockets count
where they are the box's own; the clients and far ends of a test go on as ever.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import failingdisk
import pytest
from OpenSSL import SSL

ERRORS = {
    "accept": (errno.EMFILE, errno.ENFILE, errno.ENOBUFS),
    "dial": (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ECONNREFUSED),
    "receive": (errno.ECONNRESET, errno.ETIMEDOUT, errno.EIO),
    "send": (errno.ECONNRESET, errno.ENOBUFS, errno.EPIPE),
    "directory": (errno.ENOSPC, errno.EIO, errno.EROFS),
}
"""What the host says, in turns."""

SOCKET_KINDS = ("accept", "dial", "handshake", "receive", "send")
KINDS = (*SOCKET_KINDS, "directory", *failingdisk.KINDS)


class Outside:
    """The outside world of one box, in which call number `nth` of `kind` fails, 0 for none."""

    def __init__(self, kind: str, nth: int) -> None:
        self.kind = kind
        self.nth = nth
        self.counts: Counter[str] = Counter()
        self.listening: set[int] = set()
        """Ports that the box listens on."""
        self.dialled: set[int] = set()
        """Ports that it dials."""
        self.watching = True

    @property
    def struck(self) -> bool:
        """Whether the call that fails has been made."""
        return 0 < self.nth <= self.counts[self.kind]

    def fails(self, kind: str) -> bool:
        """Count a call; True where it is the one."""
        if not self.watching:
            return False
        self.counts[kind] += 1
        return kind == self.kind and self.counts[kind] == self.nth

    def error(self) -> OSError:
        """Return what the host says."""
        codes = ERRORS[self.kind]
        code = codes[self.nth % len(codes)]
        return OSError(code, os.strerror(code))

    def owns(self, sock: socket.socket) -> bool:
        """Whether a socket is the box's own."""
        try:
            return sock.getsockname()[1] in self.listening or sock.getpeername()[1] in self.dialled
        except (OSError, IndexError):
            return False


@contextmanager
def outside(kind: str, nth: int) -> Iterator[Outside]:
    """Count, and have one call fail, for boxes that are made meanwhile."""
    world = Outside(kind, nth)
    with pytest.MonkeyPatch.context() as patch, failingdisk.failing_disk(world.fails):
        for name in ("send", "sendmsg"):
            _replace(patch, world, "send", name)
        for name in ("recv", "recv_into"):
            _replace(patch, world, "receive", name)
        real_accept, real_connect = socket.socket.accept, socket.socket.connect
        real_handshake = SSL.Connection.do_handshake

        def accept(sock: socket.socket) -> tuple[socket.socket, Any]:
            if sock.getsockname()[1] in world.listening and world.fails("accept"):
                raise world.error()
            return real_accept(sock)

        def connect(sock: socket.socket, address: Any) -> None:
            if address[1] in world.dialled and world.fails("dial"):
                raise world.error()
            real_connect(sock, address)

        def do_handshake(connection: SSL.Connection) -> None:
            if world.listening and world.fails("handshake"):
                raise SSL.Error([("SSL routines", "", "malloc failure")])
            real_handshake(connection)

        patch.setattr(socket.socket, "accept", accept)
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(SSL.Connection, "do_handshake", do_handshake)
        for name in ("mkdir", "chmod", "open"):
            _replace_file_call(patch, world, name)
        yield world


def _replace(patch: pytest.MonkeyPatch, world: Outside, kind: str, name: str) -> None:
    real: Callable[..., Any] = getattr(socket.socket, name)

    def call(sock: socket.socket, *arguments: Any) -> Any:
        if world.owns(sock) and world.fails(kind):
            raise world.error()
        return real(sock, *arguments)

    patch.setattr(socket.socket, name, call)


def _replace_file_call(patch: pytest.MonkeyPatch, world: Outside, name: str) -> None:
    real: Callable[..., Any] = getattr(os, name)

    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        if "state" in os.fspath(path) and world.fails("directory"):
            raise world.error()
        return real(path, *arguments, **options)

    patch.setattr(os, name, call)
