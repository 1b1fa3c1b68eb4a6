"""A SIP peer over mutual TLS that is not the box: it answers OPTIONS, dials in, and records what it was shown.

It stands on the ssl module of the standard library, not on the box's own TLS engine, so that what it saw is evidence.
Dates are judged at simulated time: the peer refuses a certificate that has expired by the clock it is given.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sbcsim.clock import Instant
from sbcsim.errors import PeerError
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Issued
from sbcsim.sip import options
from sbcsim.sip.message import Request, Response
from sbcsim.sip.stream import PONG_OCTETS, KeepAlive, Stream

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: the host's clock is not the simulated one."""


class PeerConnection:
    """One TLS connection between a peer and the box, as the peer sees it."""

    def __init__(self, number: int, direction: str, certificate: Certificate, opened: Instant) -> None:
        self.number = number
        self.direction = direction
        self.certificate = certificate
        self.opened = opened
        self.closed: Instant | None = None
        self.requests = 0
        self.answers = 0

    @property
    def live(self) -> bool:
        """Whether the connection still stands."""
        return self.closed is None


class SipPeer:
    """A far end of the box. `connections` are all it ever had, oldest first."""

    patience = 10.0
    """Host seconds that `wait_for` waits at most."""

    def __init__(self, issued: Issued, anchor: Certificate | Sequence[Certificate], now: Callable[[], Instant]) -> None:
        self.connections: list[PeerConnection] = []
        self._issued = issued
        self._anchors = [anchor] if isinstance(anchor, Certificate) else list(anchor)
        self._now = now
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._served: set[asyncio.StreamWriter] = set()

    @property
    def live(self) -> list[PeerConnection]:
        """The connections that stand."""
        return [connection for connection in self.connections if connection.live]

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Wait for the box to dial; returns the port."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        self._server = await asyncio.start_server(self._accepted, host, port, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def dial(self, host: str, port: int) -> PeerConnection:
        """Open a connection to the box."""
        context = self._context(ssl.PROTOCOL_TLS_CLIENT)
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        connection = self._opened(writer, "dialled")
        if connection is None:
            writer.close()
            raise PeerError("the box shows an expired certificate", layer="tls")
        task = asyncio.get_running_loop().create_task(self._serve(connection, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return connection

    async def ping(self, connection: PeerConnection) -> None:
        """Send OPTIONS on a connection of ours and wait for the answer; raises PeerError if it is closed instead."""
        writer = self._writers.get(connection.number)
        if writer is None:
            raise PeerError("the connection is closed", layer="tcp")
        host, port = writer.get_extra_info("peername")[:2]
        local = writer.get_extra_info("sockname")[:2]
        connection.requests += 1
        word = f"{connection.number:04d}{connection.requests:08d}"
        request = options.ping((host, port), local, "TLS", call_id=word, branch=word, tag=word, cseq=1)
        before = connection.answers
        writer.write(request.to_bytes())
        await self.wait_for(lambda: connection.answers > before or not connection.live)
        if connection.answers == before:
            raise PeerError("the connection was closed instead of an answer", layer="tcp")

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something happened that makes `condition` true; raises TimeoutError after `patience`."""
        async with asyncio.timeout(self.patience):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._served):
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            await self._server.wait_closed()

    def _context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        context.load_verify_locations(cadata="".join(each.pem() for each in self._anchors))
        with tempfile.TemporaryDirectory(prefix="sbcsim-") as directory:  # the ssl module takes files only
            file = Path(directory) / "peer.pem"
            file.touch(mode=0o600)
            file.write_text(self._issued.pem(with_chain=True) + self._issued.key_pem())
            context.load_cert_chain(file)
        return context

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = self._opened(writer, "accepted")
        if connection is None:
            writer.close()
            return
        await self._serve(connection, reader, writer)

    def _opened(self, writer: asyncio.StreamWriter, direction: str) -> PeerConnection | None:
        shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = shown.getpeercert(binary_form=True)
        assert der is not None  # CERT_REQUIRED: without one the handshake has failed
        certificate = Certificate.from_der(der)
        now = self._now()
        if certificate.expired(now.calendar):
            return None
        connection = PeerConnection(len(self.connections) + 1, direction, certificate, now)
        self.connections.append(connection)
        self._writers[connection.number] = writer
        self._served.add(writer)
        self._changed.set()
        return connection

    async def _serve(
        self, connection: PeerConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        stream = Stream()
        source = writer.get_extra_info("peername")[:2]
        try:
            while data := await reader.read(65536):
                for item in stream.feed(data):
                    if isinstance(item, Request):
                        connection.requests += 1
                        answer = options.answer(item, source=source, to_tag="peer")
                        writer.write(b"" if answer is None else answer.to_bytes())
                    elif isinstance(item, Response):
                        connection.answers += 1
                    elif item is KeepAlive.PING:
                        writer.write(PONG_OCTETS)
                self._changed.set()
        except (ConnectionError, ssl.SSLError):
            pass  # a reset ends the connection like any other end: it is recorded below
        finally:
            connection.closed = self._now()
            del self._writers[connection.number]
            self._served.discard(writer)
            writer.close()
            self._changed.set()
