"""Carries questions to OCSP responders and answers back, by HTTP (RFC 6960, appendix A)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import h11

from sbcsim.device.effects import AskOcsp, Endpoint
from sbcsim.errors import PeerError, UserError
from sbcsim.pki.ocsp import REQUEST_TYPE

from .reasons import reason_of

LONGEST = 1 << 16
"""Octets of an answer; no true one is longer."""

_READ = 1 << 14
_OK = 200

Resolve = Callable[[Endpoint], Endpoint]
"""Returns where on the host a simulated endpoint is; raises UserError where it may not be dialled."""

Answered = Callable[[int, bytes | None, str], None]
"""Hears the number of a question with its answer, or with None and why there is none."""


class OcspClient:
    """Every question of one simulated system, each on a connection of its own."""

    def __init__(self, resolve: Resolve, answered: Answered) -> None:
        self._resolve = resolve
        self._answered = answered
        self._out: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, effect: AskOcsp) -> None:
        """Send a question."""
        task = asyncio.get_running_loop().create_task(self._carry(effect))
        self._out[effect.number] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self, number: int) -> None:
        """Wait no longer for an answer."""
        task = self._out.pop(number, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Drop every question; no connection is left."""
        for number in tuple(self._out):
            self.drop(number)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _carry(self, effect: AskOcsp) -> None:
        data, reason = None, ""
        try:
            data = await self._fetch(effect)
        except (UserError, PeerError) as error:
            reason = str(error)
        except h11.RemoteProtocolError as error:
            reason = f"no HTTP answer: {error}"
        except (h11.LocalProtocolError, UnicodeError):
            reason = "no HTTP request can be made of the address"
        except OSError as error:
            reason = reason_of(error)
        if self._out.pop(effect.number, None) is not None:
            self._answered(effect.number, data, reason)

    async def _fetch(self, effect: AskOcsp) -> bytes:
        parts = urlsplit(effect.url)
        reader, writer = await asyncio.open_connection(*self._resolve(effect.server))
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", parts.netloc.rpartition("@")[2]),
                ("Content-Type", REQUEST_TYPE),
                ("Content-Length", str(len(effect.question))),
                ("Connection", "close"),
            ]
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            for event in (
                h11.Request(method="POST", target=target, headers=headers),
                h11.Data(effect.question),
                h11.EndOfMessage(),
            ):
                writer.write(connection.send(event) or b"")
            return await _answer(reader, connection)
        finally:
            writer.transport.abort()  # an answer is all that is wanted, and who is waited for no longer gets nothing


async def _answer(reader: asyncio.StreamReader, connection: h11.Connection) -> bytes:
    body = bytearray()
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                came = await reader.read(_READ)
                if not came and connection.their_state is h11.SEND_RESPONSE:
                    raise PeerError("closed without an answer", layer="http")
                connection.receive_data(came)
            case h11.Response(status_code=status) if status != _OK:
                raise PeerError(f"HTTP status {status}", layer="http")
            case h11.Data(data=data):
                body += data
                if len(body) > LONGEST:
                    raise PeerError("answer is too long", layer="http")
            case h11.EndOfMessage():
                return bytes(body)
