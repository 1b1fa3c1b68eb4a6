"""One TCP connection of the box: bytes between sockets and the device, with TLS in between where the device wants it.

A `Stream` is one connection from the moment TCP stands. It reports to the `Handler` of its `Streams` and is driven by
`start_tls`, `send` and `close`. Ends are polite: what is due is written (an alert, close_notify), then FIN, then the
far end has some time to close its side; an early close of ours would turn into a reset that swallows the alert.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, cast

from sbcsim.device.effects import (
    Closing,
    ConnectionId,
    Direction,
    Ending,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    StartTls,
)

from .alerts import TlsEndedError
from .handshakes import Step
from .spoiled import SpoiledSession
from .tls import TlsSession

if TYPE_CHECKING:
    from .streams import Streams

MAX_WAITING = 65536
"""Bytes a connection may send while its handshake waits for its turn; then it is not read until then."""

MAX_UNSENT = 4 << 20
"""Bytes that may wait for a far end that does not read."""


class Phase(Enum):
    """Where a stream stands."""

    NEW = "TCP is being set up"
    OPEN = "bytes flow"
    HANDSHAKE = "TLS handshake"
    DOOMED = "the device has closed it; its turn has not come"
    ENDING = "FIN sent, waiting for the far end's"
    GONE = "no socket any more"


class _Away:
    """What happens to a stream while a thread has its TLS session."""

    __slots__ = ("came", "ends", "paused")

    def __init__(self) -> None:
        self.came = bytearray()
        self.paused = False
        self.ends = False

    def take(self, data: memoryview) -> bool:
        """Take in bytes from the far end; True when it should send no more."""
        self.came += data
        full, self.paused = len(self.came) > MAX_WAITING and not self.paused, len(self.came) > MAX_WAITING
        return full


class Stream(asyncio.BufferedProtocol):
    """One TCP connection."""

    __slots__ = (
        "_away", "_deadline", "_phase", "_session", "_streams", "_transport", "_waiting", "direction", "id", "origin",
    )  # fmt: skip

    def __init__(self, streams: Streams, direction: Direction, origin: object, connection: ConnectionId = 0) -> None:
        self.direction = direction
        self.origin = origin
        """What the connection came from: the listener or the dial."""
        self.id = connection
        self._streams = streams
        self._phase = Phase.NEW
        self._session: TlsSession | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._waiting = -1
        """Bytes that came while the handshake waits for its turn, -1 while it does not wait."""
        self._away: _Away | None = None

    def __repr__(self) -> str:
        return f"<stream {self.id} {self.direction.value} {self._phase.value}>"

    @property
    def phase(self) -> Phase:
        """Where the stream stands."""
        return self._phase

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; only while there is a socket."""
        assert self._transport is not None
        return self._transport

    # What the device wants.

    def start_tls(self, start: StartTls) -> None:
        """Begin the handshake."""
        if self._phase is not Phase.OPEN or self._session is not None:
            return
        engine = self._streams.engine
        self._session = engine.session(start) if start.spoiled is None else SpoiledSession(engine, start, start.spoiled)
        self._phase = Phase.HANDSHAKE
        if start.direction is Direction.OUTBOUND:
            self._queue(0)
        else:
            self._streams.shaking.add(self)

    def send(self, data: bytes) -> None:
        """Send plain bytes."""
        if self._phase is not Phase.OPEN:
            return
        if self._session is None:
            self.transport.write(data)
        else:
            try:
                self._session.write(data)
            except TlsEndedError as end:
                self._ended(end)
                return
            self._flush()
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            self._phase = Phase.DOOMED
            self._streams.handler.stream_closed(self, Ending.UNSENT, "peer does not read", 0)
            self.abort()

    def doom(self) -> bool:
        """Take no more bytes from here on; False if the stream is ending already."""
        if self._phase in {Phase.DOOMED, Phase.ENDING, Phase.GONE}:
            return False
        self._phase = Phase.DOOMED
        return True

    def close(self, how: Closing) -> None:
        """End the connection: close_notify and FIN, FIN alone, or RST."""
        if self._phase in {Phase.ENDING, Phase.GONE} or self._transport is None:
            return
        if how is Closing.RESET:
            self.reset()
            return
        if self._away is not None:
            self._away.ends = True
            self._streams.threads.decide(self.id, revoked=False)
            return
        if how is not Closing.CUT:
            self._say_goodbye()
        self._finish()

    def reset(self) -> None:
        """End the connection with RST."""
        if self._transport is not None:
            connected = cast(socket.socket, self._transport.get_extra_info("socket"))
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()

    def abort(self) -> None:
        """Close the socket without waiting for anything."""
        self._phase = Phase.DOOMED if self._phase is not Phase.GONE else Phase.GONE
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Say goodbye and close the socket without waiting for the far end: the simulator stops."""
        if self._phase in {Phase.OPEN, Phase.DOOMED}:
            self._say_goodbye()
        if self._phase is not Phase.GONE:
            self._phase = Phase.DOOMED
        if self._transport is not None:
            self._transport.close()

    def step(self) -> None:
        """Go on with the handshake: called when its turn has come."""
        if self._phase is not Phase.HANDSHAKE or self._session is None or self._away is not None:
            return
        if self._waiting > MAX_WAITING:
            self.transport.resume_reading()
        self._waiting = -1
        session = self._session
        if session.waits:
            self._away = _Away()
            self._streams.threads.step(session, partial(self._back, session))
        else:
            self._stepped(session, session.step())

    def _back(self, session: TlsSession, step: Step) -> None:
        """Go on behind a step that a thread took."""
        away, self._away = self._away, None
        assert away is not None
        if self._phase is Phase.GONE:
            session.let_go()
            return
        if away.paused:
            self.transport.resume_reading()
        if away.came:
            session.feed(memoryview(away.came))
        if away.ends:  # what TLS would say now is the end of a handshake that was given up
            self._finish()
            return
        try:
            outcome = step.result()
        except BaseException:
            self.abort()
            raise
        self._stepped(session, outcome)
        if self._phase is Phase.HANDSHAKE and away.came:
            self._queue(0)

    def _stepped(self, session: TlsSession, outcome: HandshakeDone | HandshakeFailed | None) -> None:
        self._flush()
        if session.noticed:
            self._notice(session)
        if outcome is None or self._phase is not Phase.HANDSHAKE:
            return
        self._streams.shaking.discard(self)
        if isinstance(outcome, HandshakeFailed):
            self._refused(outcome)
            return
        self._phase = Phase.OPEN
        self._streams.handler.stream_secured(self, outcome)
        self._deliver(session)
        if self.phase is Phase.OPEN:  # everything that came is read, everything that is due is on its way
            session.trim()

    # What asyncio reports.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hear that TCP stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._streams.live.add(self)
        if self._phase is not Phase.NEW:
            self.abort()
            return
        self._phase = Phase.OPEN
        self._streams.handler.stream_opened(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Hand out the one buffer of all streams."""
        return self._streams.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes out of the shared buffer."""
        session = self._session
        if self._phase is Phase.OPEN:
            if session is None:
                self._streams.handler.stream_data(self, bytes(self._streams.buffer[:nbytes]))
            else:
                session.feed(self._streams.buffer[:nbytes])
                self._deliver(session)
        elif self._away is not None:
            if self._away.take(self._streams.buffer[:nbytes]):
                self.transport.pause_reading()
        elif self._phase is Phase.HANDSHAKE and session is not None:
            session.feed(self._streams.buffer[:nbytes])
            self._queue(nbytes)

    def eof_received(self) -> bool:
        """Hear FIN; False lets asyncio close our side too."""
        self.step()  # an alert may wait in front of the FIN
        if self._phase is Phase.HANDSHAKE:
            self._phase = Phase.DOOMED
            self._report_failure(HandshakeFailure.CLOSED.value)
        elif self._phase is Phase.OPEN:
            self._phase = Phase.DOOMED
            self._say_goodbye()
            ending = Ending.CLOSED if self._session is None else Ending.CUT
            self._streams.handler.stream_closed(self, ending, ending.value, 0)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that the socket is closed, by either side or by a reset."""
        was, self._phase = self._phase, Phase.GONE
        ending = Ending.UNSENT if isinstance(exc, BrokenPipeError) else Ending.RESET
        reason = ending.value if exc is not None else "connection lost"
        if was is Phase.HANDSHAKE:
            self._report_failure(reason)
        elif was is Phase.OPEN:
            self._streams.handler.stream_closed(self, ending, reason, 0)
        if self._away is not None:
            self._streams.threads.decide(self.id, revoked=False)
        elif self._session is not None:
            self._session.let_go()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._transport = self._session = None
        self._streams.gone(self)

    # Inside.

    def _queue(self, count: int) -> None:
        if self._waiting < 0:
            self._waiting = 0
            self._streams.handshakes.add(self)
        before, self._waiting = self._waiting, self._waiting + count
        if before <= MAX_WAITING < self._waiting:
            self.transport.pause_reading()

    def _deliver(self, session: TlsSession) -> None:
        """Hand the device what has arrived, until there is nothing more or it closes the connection."""
        try:
            while self._phase is Phase.OPEN:
                data = session.read()
                if session.noticed:
                    self._notice(session)
                if data is None:
                    break
                self._streams.handler.stream_data(self, data)
        except TlsEndedError as end:
            self._notice(session)
            self._ended(end)
            return
        # Reading can make TLS speak, e.g. to answer a key update.
        if self._phase is Phase.OPEN:
            self._flush()

    def _notice(self, session: TlsSession) -> None:
        for notice, alert in session.noticed:
            self._streams.handler.stream_noticed(self, notice, alert)

    def _ended(self, end: TlsEndedError) -> None:
        self._phase = Phase.DOOMED
        self._streams.handler.stream_closed(self, end.ending, end.reason, end.alert)
        self._say_goodbye()
        self._finish()

    def _refused(self, outcome: HandshakeFailed) -> None:
        self._phase = Phase.DOOMED
        resets = self._session is not None and self._session.resets
        self._streams.handler.stream_secured(self, outcome)
        if resets:
            self.reset()
        else:
            self._finish()

    def _report_failure(self, reason: str) -> None:
        self._streams.handler.stream_secured(self, HandshakeFailed(HandshakeFailure.CLOSED, reason))

    def _say_goodbye(self) -> None:
        if self._session is not None and self._away is None:
            self._session.close()
            self._flush()

    def _flush(self) -> None:
        if self._session is not None and self._transport is not None and not self._transport.is_closing():
            data = self._session.output()
            if data:
                self._transport.write(data)

    def _finish(self) -> None:
        """Send FIN behind what is unsent, and give the far end its time to close."""
        self._phase = Phase.ENDING
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            transport.write_eof()
        except OSError:  # reset meanwhile, which asyncio has yet to notice
            transport.abort()
            return
        self._streams.ending.add(self)
        self._deadline = self._streams.loop.call_later(self._streams.linger, transport.abort)
