"""Ports of the host for programs that have to be told theirs, and the wait until they listen."""

from __future__ import annotations

import asyncio
import secrets  # noqa: TID251 - two runs at once have one seed, and must not look at the same ports
import socket

PATIENCE = 20.0
"""Host seconds until a program that does not listen is taken to hang."""


_GIVEN: set[int] = set()


async def listening(port: int) -> None:
    """Wait until a program listens on a TCP port of the host that tells nobody when it does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


def free_port() -> int:
    """Return a port of the host that is free for UDP and TCP, and the next one for TCP, where TLS is looked for.

    The host gives ports below 32768 to nobody by itself, so that few have an eye on it before it is used.
    """
    while True:
        port = 10_000 + 2 * secrets.randbelow(11_000)
        if port in _GIVEN:
            continue
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram, socket.socket() as secure:
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
                secure.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        _GIVEN.add(port)
        return port
