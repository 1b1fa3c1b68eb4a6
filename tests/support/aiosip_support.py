"""aiosip as an independent SIP peer over TLS.

The library is no longer maintained: it imports on a current Python only with two names restored for as long as
that takes, and it speaks UDP only. `TlsConnection` gives it a byte stream instead. What it cannot do (compact header
names, folded lines, headers without a blank behind the colon) is left as it is, as a picky peer.
"""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import re
import ssl
import types
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import peers

_CONTENT_LENGTH = re.compile(rb"(?im)^content-length: (\d+)")


def require_aiosip() -> ModuleType:
    """Import and return aiosip, or skip."""
    asyncio.coroutine = types.coroutine
    collections.MutableMapping = collections.abc.MutableMapping
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in its patterns
            return peers.require_module("aiosip")
    finally:
        del asyncio.coroutine
        del collections.MutableMapping


class TlsConnection(asyncio.Protocol):
    """What aiosip expects of a protocol, over TLS, with messages framed by Content-Length."""

    def __init__(self, app: Peer) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()
        self._app = app
        self._buffer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._app.connections.append(self)
        self.ready.set_result(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(_CONTENT_LENGTH.search(head)[1])
            if len(rest) < length:
                return
            self._app.take(self, (head + b"\r\n\r\n" + rest[:length]).decode())
            self._buffer = rest[length:]

    def send_message(self, message: object) -> None:
        """Called by aiosip, which leaves the transport in Via to the protocol."""
        message.headers["Via"] = message.headers["Via"].replace("%(protocol)s", "TLS")
        self.transport.write(str(message).encode())

    @property
    def serial(self) -> str:
        """The serial of the certificate that the far end showed."""
        return self.transport.get_extra_info("ssl_object").getpeercert()["serialNumber"]


class Peer:
    """An aiosip application on TLS connections: it answers OPTIONS and sends them."""

    def __init__(self, aiosip: ModuleType) -> None:
        self.connections: list[TlsConnection] = []
        self.received = 0
        self._message = aiosip.message.Message
        self._app = aiosip.Application(loop=asyncio.get_running_loop())
        self._app.create_connection = self._connection
        self._app.router.add_route("OPTIONS", self._answer)
        self._server: asyncio.Server | None = None

    async def listen(self, context: ssl.SSLContext) -> int:
        """Wait for the box to dial; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TlsConnection(self), "127.0.0.1", 0, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def dial(self, port: int, context: ssl.SSLContext) -> object:
        """Open a connection to the box; returns a dialog on it, to send messages in."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: TlsConnection(self), "127.0.0.1", port, ssl=context
        )
        host, own = connection.transport.get_extra_info("sockname")
        return await self._app.start_dialog(
            from_uri=f"sip:aiosip@{host}:{own};transport=tls",
            to_uri=f"sip:sbc@127.0.0.1:{port}",
            protocol=connection,
            local_addr=(host, own),
            remote_addr=("127.0.0.1", port),
        )

    def take(self, connection: TlsConnection, text: str) -> None:
        """Hand a message to aiosip; a reply to it goes out on the connection it came on."""
        self._app.dispatch(connection, self._message.from_raw_message(text), connection.transport)

    async def close(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for connection in self.connections:
            connection.transport.close()
        await asyncio.gather(*(connection.lost for connection in self.connections), return_exceptions=True)

    async def _connection(
        self, connection: TlsConnection, local: object, remote: object, mode: str = "client"
    ) -> TlsConnection:
        # aiosip looks connections up by class and addresses; the one at hand is the one to use.
        self._app._protocols[TlsConnection, local, remote] = connection
        return connection

    async def _answer(self, dialog: object, request: object) -> None:
        self.received += 1
        copied = {name: request.headers[name] for name in ("Via", "CSeq", "Call-ID")}
        dialog.send_reply(200, "OK", to_details=request.to_details, from_details=request.from_details, headers=copied)


@asynccontextmanager
async def aiosip_peer() -> AsyncIterator[Peer]:
    """Return a far end that is closed again; skips where aiosip is not installed."""
    peer = Peer(require_aiosip())
    try:
        yield peer
    finally:
        await peer.close()
