"""The TCP connections of the box: dialled, accepted, used and closed as the device wants, and what it hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sbcsim.device.effects import (
    Closing,
    ConnectionId,
    Dial,
    Direction,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    ListenerKey,
    Notice,
    OcspVerdict,
    Send,
    SessionId,
    StartTls,
)
from sbcsim.errors import UserError

from .device import Device
from .pacing import PacedQueue
from .pump import Pump
from .reasons import reason_of
from .streams import Streams
from .tcp import Phase, Stream
from .wiring import AddressMap

DIALS, DIAL_BUDGET = 16, 0.002
"""Connections that are begun in one turn of the loop at most, and seconds for that."""


class Connections:
    """Every connection by the device's number. `listens` tells whether a listener is still there."""

    def __init__(
        self, device: Device, addresses: AddressMap, pump: Pump, listens: Callable[[ListenerKey], bool]
    ) -> None:
        self._device = device
        self._addresses = addresses
        self._pump = pump
        self._listens = listens
        self._loop = asyncio.get_running_loop()
        self.network = Streams(self)
        self._dialling: PacedQueue[tuple[Stream, Dial]] = PacedQueue(self._begin_dial, budget=DIAL_BUDGET, batch=DIALS)
        self._streams: dict[ConnectionId, Stream] = {}
        self._dials: dict[ConnectionId, asyncio.Task[None]] = {}
        self._connecting: set[asyncio.Task[None]] = set()

    async def stop_dialling(self) -> None:
        """Give up what is being dialled."""
        self._dialling.clear()
        for connection, dial in self._dials.items():
            self._streams[connection].doom()
            dial.cancel()
        self._dials.clear()
        if self._connecting:
            await asyncio.wait(self._connecting)

    async def stop(self) -> None:
        """Close everything; return when no socket is left."""
        await self.network.stop()
        self._streams.clear()

    # What the device wants.

    def dial(self, dial: Dial) -> None:
        """Open a connection when its turn comes."""
        stream = Stream(self.network, Direction.OUTBOUND, dial, dial.connection)
        self._streams[dial.connection] = stream
        self._dialling.add((stream, dial))

    def use(self, effect: StartTls | Send) -> None:
        """Begin a handshake or send bytes; nothing where the connection has ended in the meantime."""
        stream = self._streams.get(effect.connection)
        if stream is None:
            return
        if isinstance(effect, Send):
            stream.send(effect.data)
        else:
            stream.start_tls(effect)

    def decide(self, verdict: OcspVerdict) -> None:
        """Let a handshake go on that has waited for the verdict on what the far end shows."""
        self.network.threads.decide(verdict.connection, revoked=verdict.revoked)

    def close(self, connection: ConnectionId, how: Closing) -> None:
        """Close a connection, or give up dialling it."""
        # OpenSSL sends the alerts of a handshake by itself and has no call for one later on.
        stream = self._streams.pop(connection, None)
        dial = self._dials.pop(connection, None)
        if dial is not None and stream is not None:
            stream.doom()
            dial.cancel()
        elif stream is not None:
            self.network.tear_down(stream, how)

    def _begin_dial(self, item: tuple[Stream, Dial]) -> None:
        stream, dial = item
        if not self._pump.running or self._streams.get(stream.id) is not stream:  # closed before its turn came
            return
        try:
            if dial.refused:
                raise UserError(dial.refused)
            target = self._addresses.to_dial(dial.remote)
            source = self._addresses.to_dial_from(dial.local, target)
        except UserError as error:
            del self._streams[stream.id]
            self._device.dial_failed(stream.id, error.text, self._pump.now())
            self._pump.pump()
            return
        task = self._loop.create_task(self._connect(stream, target, source))
        self._dials[stream.id] = task
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, stream: Stream, target: Endpoint, source: Endpoint | None) -> None:
        try:
            await self._loop.create_connection(lambda: stream, *target, local_addr=source)
        except OSError as error:
            if stream.phase is not Phase.NEW:  # it stood for a moment, and the device was told
                return
            del self._streams[stream.id], self._dials[stream.id]
            self._device.dial_failed(stream.id, reason_of(error), self._pump.now())
            self._pump.pump()

    # What the streams report.

    def stream_opened(self, stream: Stream) -> None:
        """Tell the device that TCP stands."""
        if isinstance(stream.origin, ListenerKey):
            self._accepted(stream, stream.origin)
        else:
            assert isinstance(stream.origin, Dial)
            self._dials.pop(stream.id, None)
            local = stream.transport.get_extra_info("sockname")
            self._device.dialed(stream.id, (stream.origin.local, int(local[1])), self._pump.now())
        self._pump.pump()

    def _accepted(self, stream: Stream, key: ListenerKey) -> None:
        remote = stream.transport.get_extra_info("peername")
        if not self._listens(key) or remote is None:  # the listener, or the peer, has gone in the meantime
            stream.reset()
            return
        simulated = self._addresses.from_host((str(remote[0]), int(remote[1])))
        stream.id = self._device.accepted(key, key.address, simulated, self._pump.now())
        self._streams[stream.id] = stream

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...]) -> object:
        """Ask the device which session a client may take up."""
        return self._device.session_offered(connection, offers, self._pump.now())

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes]) -> None:
        """Ask the device for its verdict on what a far end shows."""
        self._device.certificates_shown(connection, chain, self._pump.now())
        self._pump.pump()

    def stream_secured(self, stream: Stream, outcome: HandshakeDone | HandshakeFailed) -> None:
        """Tell the device how a handshake ended."""
        if isinstance(outcome, HandshakeFailed):
            self._streams.pop(stream.id, None)
            self._device.handshake_failed(stream.id, outcome, self._pump.now())
        else:
            self._device.handshake_done(stream.id, outcome, self._pump.now())
        self._pump.pump()

    def stream_data(self, stream: Stream, data: bytes) -> None:
        """Hand bytes to the device."""
        self._device.received(stream.id, data, self._pump.now())
        self._pump.pump()

    def stream_noticed(self, stream: Stream, notice: Notice, alert: int) -> None:
        """Tell the device what a far end did inside TLS."""
        self._device.noticed(stream.id, notice, alert, self._pump.now())
        self._pump.pump()

    def stream_closed(self, stream: Stream, ending: Ending, reason: str, alert: int) -> None:
        """Tell the device that a connection has ended, and not by its doing."""
        self._streams.pop(stream.id, None)
        self._device.closed(stream.id, reason, self._pump.now(), alert, ending)
        self._pump.pump()

    def stream_gone(self, stream: Stream) -> None:  # noqa: ARG002 - the handler's signature
        """Let those who wait for connections to close look again."""
        self._pump.progressed()
