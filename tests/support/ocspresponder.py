"""An OCSP responder over HTTP: answers for one authority, and every way of being no good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import h11
from ocspanswers import GOOD, answer, nonce_of, serial_of

from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority

RESPONSE_TYPE = "application/ocsp-response"
"""Media type of an answer over HTTP (RFC 6960, appendix A)."""

Answer = Callable[[bytes], bytes]


class Responder:
    """Knows the certificates of one authority, all good unless `states` says else.

    `raw` is sent instead of any answer (b"" closes at once); a `silent` one says nothing at all, and one that is not
    `ready` says nothing yet; `status` is that of
    HTTP, `pieces` into how many the answer is cut.
    """

    def __init__(self, authority: Authority, *certificates: Certificate) -> None:
        self._authority = authority
        self._known = {each.x509.serial_number: each for each in certificates}
        self.states: dict[Certificate, object] = {}
        self.raw: bytes | None = None
        self.silent = False
        self.ready = asyncio.Event()
        self.ready.set()
        self.status = 200
        self.pieces = 1
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.heard = asyncio.Event()
        self.url = ""

    def answer(self, question: bytes) -> bytes:
        """Return the answer to a question in DER form."""
        certificate = self._known[serial_of(question)]
        self.asked.append(certificate.common_name)
        state = self.states.get(certificate, GOOD)
        return answer(certificate, self._authority, state, nonce=nonce_of(question))  # type: ignore[arg-type]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one question."""
        connection, question = h11.Connection(h11.SERVER), b""
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(4096))
            elif isinstance(event, h11.Request):
                self.headers.append(
                    {"target": event.target.decode()} | {name.decode(): value.decode() for name, value in event.headers}
                )
            elif isinstance(event, h11.Data):
                question += event.data
            else:
                break
        self.heard.set()
        await self.ready.wait()
        if self.silent:
            await reader.read()
        elif self.raw is not None:
            writer.write(self.raw)
        else:
            data = self.answer(question)
            headers = [("Content-Type", RESPONSE_TYPE), ("Transfer-Encoding", "chunked")]
            writer.write(connection.send(h11.Response(status_code=self.status, headers=headers)) or b"")
            size = -(-len(data) // self.pieces)
            for at in range(0, len(data), size):
                writer.write(connection.send(h11.Data(data[at : at + size])) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Responder]:
        """Listen on a free port."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ca/ocsp"
        async with server:
            yield self
