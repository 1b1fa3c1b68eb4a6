"""The TCP connections of one event loop together: what they share, who hears of them, and how all of them end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from sbcsim.device.effects import (
    Closing,
    ConnectionId,
    Ending,
    HandshakeDone,
    HandshakeFailed,
    Notice,
    SessionId,
)

from .handshakes import HandshakeThreads
from .pacing import PacedQueue
from .tcp import Stream
from .tls import TlsEngine

LINGER = 1.0
"""Real seconds that the far end has to answer our FIN with its own."""

BUFFER = 65536
"""One receive buffer serves all connections of an event loop: it is empty again before the next one reads."""

PARTING = 0.3
"""Real seconds that unsent bytes have to leave when the simulator stops."""

HANDSHAKE_BUDGET = 0.004
"""Seconds of handshakes in one turn of the loop."""

TEAR_DOWNS = 32
"""Connections closed in one turn of the loop."""


class Handler(Protocol):
    """Who hears what happens on the streams."""

    def stream_opened(self, stream: Stream) -> None:
        """Hear that TCP stands."""

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...]) -> object:
        """Hear which sessions a client offers to take up; return the `home` of the one that it may, None for none."""

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes]) -> None:
        """Hear what a far end shows in a handshake that waits for `Streams.threads` to be told the verdict."""

    def stream_secured(self, stream: Stream, outcome: HandshakeDone | HandshakeFailed) -> None:
        """Hear how the handshake ended; after a failed one only `stream_gone` follows."""

    def stream_data(self, stream: Stream, data: bytes) -> None:
        """Hear plain bytes."""

    def stream_noticed(self, stream: Stream, notice: Notice, alert: int) -> None:
        """Hear of something inside TLS that ends nothing."""

    def stream_closed(self, stream: Stream, ending: Ending, reason: str, alert: int) -> None:
        """Hear that an open stream is over and not by our doing; only `stream_gone` follows."""

    def stream_gone(self, stream: Stream) -> None:
        """Hear that the socket is closed."""


class Streams:
    """What all streams of one event loop share."""

    def __init__(self, handler: Handler, *, linger: float = LINGER) -> None:
        self.handler = handler
        self.linger = linger
        self.loop = asyncio.get_running_loop()
        self.threads = HandshakeThreads(handler.certificates_shown)
        self.engine = TlsEngine(handler.session_offered, self.threads.ask)
        self.buffer = memoryview(bytearray(BUFFER))
        self.handshakes: PacedQueue[Stream] = PacedQueue(Stream.step, budget=HANDSHAKE_BUDGET, batch=1000)
        self.live: set[Stream] = set()
        self.shaking: set[Stream] = set()
        """Those that others have opened and whose handshake is not over."""
        self.ending: set[Stream] = set()
        """Those whose far end is waited for: FIN has been sent, its own has not come."""
        self._emptied: asyncio.Future[None] | None = None
        self._tear_downs: PacedQueue[tuple[Stream, Closing]] = PacedQueue(
            lambda item: item[0].close(item[1]), budget=HANDSHAKE_BUDGET, batch=TEAR_DOWNS
        )

    @property
    def busy(self) -> int:
        """How much is under way on our side: handshakes with bytes to work on, streams that wait to be closed."""
        return len(self.handshakes) + len(self._tear_downs) + self.threads.busy

    def give_up(self) -> None:
        """Expect no more FIN from those that are ending; they still have their time to send it."""
        self.ending.clear()

    def tear_down(self, stream: Stream, how: Closing) -> None:
        """Close a stream when its turn comes; nothing more is heard of it but `stream_gone`."""
        if stream.doom():
            self._tear_downs.add((stream, how))

    async def stop(self) -> None:
        """Close everything; return when no socket is left."""
        self.handshakes.clear()
        self._tear_downs.clear()
        for stream in tuple(self.live):
            stream.leave()
        try:
            async with asyncio.timeout(PARTING):
                await self._no_socket()
        except TimeoutError:
            for stream in tuple(self.live):
                stream.abort()
            await self._no_socket()
        await self.threads.stop()

    def gone(self, stream: Stream) -> None:
        """Forget a stream whose socket is closed."""
        self.live.discard(stream)
        self.shaking.discard(stream)
        self.ending.discard(stream)
        self.handler.stream_gone(stream)
        if not self.live and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def _no_socket(self) -> None:
        if self.live:
            self._emptied = self.loop.create_future()
            await self._emptied
