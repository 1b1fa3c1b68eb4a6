"""Sends syslog messages by UDP (RFC 5426) or TCP (RFC 6587, one line each).

A server that cannot be reached costs nothing but its messages: some wait, the oldest go, and the journal says so once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from sbcsim.device.effects import Endpoint, SendSyslog, SyslogServer
from sbcsim.errors import UserError

from .reasons import reason_of

WAITING = 1000
"""Messages that wait for a server that cannot be reached yet."""

Resolve = Callable[[SyslogServer], Endpoint]
"""Returns where on the host a server is; raises UserError."""


class SyslogSender:
    """All servers of one simulated system; `lost` hears why messages to a server are lost, once each time it begins."""

    def __init__(self, resolve: Resolve, lost: Callable[[SyslogServer, str], None]) -> None:
        self._resolve = resolve
        self._lost = lost
        self._lines: dict[SyslogServer, _Line] = {}

    def send(self, effect: SendSyslog) -> None:
        """Send one message, as soon as its server can be reached."""
        line = self._lines.get(effect.server)
        if line is None:
            line = self._lines[effect.server] = _Line(effect.server, self._resolve, self._lost)
        line.send(effect.message)

    async def close(self) -> None:
        """Close every connection; what could not be sent is lost."""
        lines = tuple(self._lines.values())
        self._lines.clear()
        for line in lines:
            await line.close()


class _Line(asyncio.Protocol):
    """The way to one server."""

    def __init__(self, server: SyslogServer, resolve: Resolve, lost: Callable[[SyslogServer, str], None]) -> None:
        self._server = server
        self._resolve = resolve
        self._lost = lost
        self._waiting: deque[bytes] = deque(maxlen=WAITING)
        self._transport: asyncio.BaseTransport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._failed = False

    def send(self, message: bytes) -> None:
        """Send a message, or have it wait for the connection."""
        self._waiting.append(message)
        if self._transport is not None:
            self._flush()
        elif self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def close(self) -> None:
        """Close the connection."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has waited."""
        self._transport = transport
        self._failed = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Dial anew with the next message."""
        self._transport = None

    def error_received(self, exc: OSError) -> None:
        """Nobody listens there: UDP may tell."""
        self._fail(exc)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            where = self._resolve(self._server)
            if self._server.protocol == "udp":
                await loop.create_datagram_endpoint(lambda: self, remote_addr=where)
            else:
                await loop.create_connection(lambda: self, *where)
        except (OSError, UserError) as error:
            self._fail(error)
        finally:
            self._opening = None

    def _flush(self) -> None:
        transport = self._transport
        while self._waiting:
            message = self._waiting.popleft()
            if self._server.protocol == "udp":
                cast(asyncio.DatagramTransport, transport).sendto(message)
            else:
                cast(asyncio.Transport, transport).write(message + b"\n")

    def _fail(self, error: OSError | UserError) -> None:
        if not self._failed:
            self._failed = True
            self._lost(self._server, reason_of(error))
