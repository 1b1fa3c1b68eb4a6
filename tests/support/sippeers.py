"""A SIP peer of the box over mutual TLS that shares no code with it: the ssl module, and SIP read as plain text.

What it noted of a connection is what was on the wire. It judges dates only when told to, and then by the host's
clock, which is past every end of validity that `testca` gives by default.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

import testca

from sbcsim.pki.mint import Issued

PATIENCE = 10.0
"""Host seconds until something that must happen is taken for missing."""

_Result = TypeVar("_Result")


class TlsStream:
    """TLS over a pair of asyncio streams. Unlike asyncio's own it sends the alert when it refuses a certificate."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, *, server: bool
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self._incoming, self._outgoing, server_side=server)

    @property
    def port(self) -> int:
        """Our own port of the connection."""
        return int(self._writer.get_extra_info("sockname")[1])

    async def handshake(self) -> None:
        """Raise SSLError where the far end's certificate is refused, or ours was."""
        await self._do(self.session.do_handshake)

    async def read(self) -> bytes:
        """Return what came in, b"" after close_notify; raises OSError for any other end."""
        try:
            return await self._do(lambda: self.session.read(65536))
        except ssl.SSLZeroReturnError:
            return b""

    def write(self, data: bytes) -> None:
        self.session.write(data)
        self._writer.write(self._outgoing.read())

    def close(self) -> None:
        self._writer.close()

    async def _do(self, step: Callable[[], _Result]) -> _Result:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                data = await self._reader.read(65536)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            finally:
                self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())


class Seen:
    """One connection as the peer saw it, from its `port`. `serial` is that of the certificate that the box showed."""

    def __init__(self, stream: TlsStream) -> None:
        self.stream = stream
        self.serial = stream.session.getpeercert()["serialNumber"]
        self.version = stream.session.version()
        self.port = stream.port
        self.requests = 0
        self.answers: list[int] = []
        self.end = ""

    def __repr__(self) -> str:
        return f"<{self.version} {self.serial} {self.end or 'live'} {self.requests} requests>"

    @property
    def live(self) -> bool:
        """Whether it stands; else `end` says how it ended: close_notify, or cut."""
        return not self.end


class Peer:
    """A far end that listens, dials, or both; `connections` are all that came up, oldest first."""

    def __init__(self, issued: Issued, directory: Path) -> None:
        self.connections: list[Seen] = []
        self.port = 0
        self._listening = testca.server_context(issued, directory)
        self._dialling = testca.client_context(issued, directory)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    @property
    def live(self) -> list[str]:
        """The serials on the connections that stand."""
        return [seen.serial for seen in self.connections if seen.live]

    def log_keys(self, file: Path) -> None:
        """Write the keys of all connections from now on to a file, for whoever watches the wire."""
        for context in (self._listening, self._dialling):
            context.keylog_filename = str(file)

    def judge_dates(self) -> None:
        """Refuse expired certificates from now on, with alert 45."""
        for context in (self._listening, self._dialling):
            context.verify_flags &= ~ssl.VerifyFlags(testca.NO_CHECK_TIME)

    async def listen(self) -> Self:
        """Wait for the box to dial `port`."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1")
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def dial(self, port: int) -> Seen:
        """Open a connection to the box; raises SSLError where one side refuses the other's certificate."""
        stream = TlsStream(*await asyncio.open_connection("127.0.0.1", port), self._dialling, server=False)
        try:
            await stream.handshake()
        except ssl.SSLError:
            stream.close()
            raise
        seen = Seen(stream)
        self._tasks.add(asyncio.create_task(self._serve(seen)))
        return seen

    async def ping(self, seen: Seen) -> int:
        """Send OPTIONS on a connection and return the status of the answer, 0 when it was closed instead."""
        before = len(seen.answers)
        word = f"{id(seen):x}{before:04d}"
        request = (
            f"OPTIONS sip:192.0.2.99 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{word};rport\r\n"
            f"From: <sip:peer@127.0.0.1>;tag={word}\r\nTo: <sip:192.0.2.99>\r\nCall-ID: {word}\r\n"
            f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        seen.stream.write(request.encode())
        await self.until(lambda: len(seen.answers) > before or not seen.live)
        return seen.answers[before] if len(seen.answers) > before else 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the peer notes."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def close(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        stream = TlsStream(reader, writer, self._listening, server=True)
        try:
            await stream.handshake()
        except OSError:
            stream.close()
        else:
            with suppress(asyncio.CancelledError):  # by `close`; asyncio's own callback would log it as a mistake
                await self._serve(Seen(stream))

    async def _serve(self, seen: Seen) -> None:
        self.connections.append(seen)
        await self._tell()
        buffer = b""
        try:
            while data := await seen.stream.read():
                *heads, buffer = (buffer + data).split(b"\r\n\r\n")  # no message here has a body
                for head in heads:
                    self._take(seen, head.decode())
                await self._tell()
            seen.end = "close_notify"
        except OSError:
            seen.end = "cut"
        finally:
            seen.stream.close()
            await self._tell()

    def _take(self, seen: Seen, head: str) -> None:
        if head.startswith("SIP/2.0 "):
            seen.answers.append(int(head.split()[1]))
            return
        seen.requests += 1
        kept = re.findall(r"(?mi)^(?:Via|From|To|Call-ID|CSeq): .*$", head)
        lines = [f"{line.rstrip()};tag=peer" if line.startswith("To:") else line.rstrip() for line in kept]
        seen.stream.write("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0\r\n\r\n"]).encode())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def peer(issued: Issued, directory: Path) -> AsyncIterator[Peer]:
    """Return a far end that is closed again."""
    made = Peer(issued, directory)
    try:
        yield made
    finally:
        await made.close()
