"""Handshakes that ask somebody in their middle, each step in a thread of its own.

OpenSSL wants to know at once whether a certificate is good, and has no way to be told later. Where an OCSP responder
has to say that, the step waits for the verdict in its thread, and the event loop goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sbcsim.device.effects import ConnectionId, HandshakeDone, HandshakeFailed

from .tls import TlsSession

MOST = 256
"""Steps in threads at the same time; more wait for their turn."""

Step = asyncio.Future[HandshakeDone | HandshakeFailed | None]


class HandshakeThreads:
    """The threads of one event loop; `shown` hears there which certificates a handshake was shown."""

    def __init__(self, shown: Callable[[ConnectionId, Sequence[bytes]], None]) -> None:
        self._shown = shown
        self._loop = asyncio.get_running_loop()
        self._pool: ThreadPoolExecutor | None = None
        self._verdicts: dict[ConnectionId, Future[bool]] = {}
        self._running = 0
        self._stopped = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def busy(self) -> int:
        """How many steps are at work; those that wait for a verdict are not."""
        return self._running - len(self._verdicts)

    def step(self, session: TlsSession, then: Callable[[Step], None]) -> None:
        """Have a session take a step; until `then` is called nobody else may touch it."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MOST, "handshake")
        self._running += 1
        self._loop.run_in_executor(self._pool, session.step).add_done_callback(lambda step: self._done(step, then))

    def ask(self, connection: ConnectionId, chain: Sequence[bytes]) -> bool:
        """In a step's own thread: wait until it is decided whether one of a far end's certificates is revoked."""
        verdict: Future[bool] = Future()
        self._loop.call_soon_threadsafe(self._asked, connection, chain, verdict)
        return verdict.result()

    def decide(self, connection: ConnectionId, *, revoked: bool) -> None:
        """Let a step that waits go on."""
        verdict = self._verdicts.pop(connection, None)
        if verdict is not None:
            verdict.set_result(revoked)

    async def stop(self) -> None:
        """Let every step come to its end; return when no thread is left."""
        self._stopped = True
        for connection in tuple(self._verdicts):
            self.decide(connection, revoked=False)
        if self._running:
            self._emptied = self._loop.create_future()
            await self._emptied
        if self._pool is not None:
            self._pool.shutdown()

    def _asked(self, connection: ConnectionId, chain: Sequence[bytes], verdict: Future[bool]) -> None:
        if self._stopped:
            verdict.set_result(False)
            return
        self._verdicts[connection] = verdict
        self._shown(connection, chain)

    def _done(self, step: Step, then: Callable[[Step], None]) -> None:
        self._running -= 1
        try:
            then(step)
        finally:
            if not self._running and self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)
