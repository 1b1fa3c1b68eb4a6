"""Ports of the host for programs that have to be told theirs, and the wait until they listen."""

from __future__ import annotations

import asyncio
import socket

PATIENCE = 20.0
"""Host seconds until a program that does not listen is taken to hang."""


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
    """Return a port of the host that is free for UDP and TCP, and the next one for TCP, where TLS is looked for."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram, socket.socket() as secure:
            stream.bind(("127.0.0.1", 0))
            port = int(stream.getsockname()[1])
            try:
                datagram.bind(("127.0.0.1", port))
                secure.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
