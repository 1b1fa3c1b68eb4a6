"""Drives the simulated SBC: carries its effects out on sockets, feeds it what happens, and lets its clock tick.

The device does no I/O of its own. After every input - bytes, an accepted connection, a timer, a commit - its effects
are taken and carried out, until there are none left. Time comes from the clock alone: while it flows, one timer of
the event loop waits for the next thing due; when it is moved, the driver goes from one instant to the next and waits
for the network to settle in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sbcsim.addresses import format_endpoint
from sbcsim.clock import SECOND, Clock, Instant
from sbcsim.device.effects import (
    AskOcsp,
    Close,
    Closing,
    ConnectionId,
    Dial,
    Direction,
    DropOcsp,
    Effect,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    Listen,
    ListenerKey,
    Lookup,
    Notice,
    OcspVerdict,
    Send,
    SendDatagram,
    SendSyslog,
    SendTrap,
    SessionId,
    StartTls,
    StopListening,
    SyslogServer,
    Transport,
    TrapTarget,
)
from sbcsim.errors import UserError
from sbcsim.events import ClockMoved, LogEvent
from sbcsim.journal import Journal
from sbcsim.sip.locating import Answer, Question

from .datagrams import DatagramPort
from .device import Device
from .listen import Listener
from .ocsp import OcspClient
from .pacing import PacedQueue
from .reasons import reason_of
from .snmp import TrapSender
from .syslog import SyslogSender
from .tcp import Phase, Stream, Streams
from .tls import self_check
from .wiring import Wiring, endpoint_of

if TYPE_CHECKING:
    from .resolver import Resolver

PATIENCE = 1.0
"""Real seconds without any progress before peers that owe an answer are taken for silent."""

DOUBT = 0.1
"""The part of it that those get of whom little is expected: peers known to be silent, ends that we began."""

TURN = 0.01
"""Real seconds that a long move of the clock keeps the event loop before others have their turn."""

SENDINGS = 32
"""Datagrams sent in one turn of the loop: the answers to thousands at once would overflow the socket."""

SENDING_BUDGET = 0.004
"""Seconds of them in one turn."""

DIALS, DIAL_BUDGET = 16, 0.002
"""Connections that are begun in one turn of the loop at most, and seconds for that."""

SOONEST = 0.001
"""Real seconds the ticker sleeps at least, where rounding would make it wake again and again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving the clock did: how much came due, and how many pings were spared because one stood for many."""

    start: Instant
    end: Instant
    fired: int
    spared: int


class Driver:
    """The one who runs a device on an event loop; between `start` and `stop`."""

    def __init__(
        self,
        device: Device,
        clock: Clock,
        wiring: Wiring,
        journal: Journal,
        *,
        patience: float = PATIENCE,
        resolver: Endpoint | None = None,
    ) -> None:
        self._device = device
        self._clock = clock
        self._wiring = wiring
        self._journal = journal
        self._patience = patience
        self._network: Streams | None = None
        self._dialling: PacedQueue[tuple[Stream, Dial]] | None = None
        self._listeners: dict[ListenerKey, Listener | DatagramPort] = {}
        self._streams: dict[ConnectionId, Stream] = {}
        self._dials: dict[ConnectionId, asyncio.Task[None]] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._woken: asyncio.Handle | None = None
        self._settling: list[tuple[int, asyncio.Future[None]]] = []
        self._moves = asyncio.Lock()
        self._moving = False
        self._tick: asyncio.TimerHandle | None = None
        self._tick_due = -1
        self._pumping = False
        self._ocsp = OcspClient(wiring.addresses.to_dial, self._ocsp_answered)
        self._resolver: Resolver | None = None
        if resolver is not None:
            from .resolver import Resolver  # noqa: PLC0415 - slow, and seldom wanted

            self._resolver = Resolver(resolver, self._looked_up)
        self._outbox: PacedQueue[SendDatagram] | None = None
        self._traps = TrapSender(lambda target: wiring.addresses.to_dial((target.host, target.port)), self._untrapped)
        self._syslog = SyslogSender(lambda server: wiring.addresses.to_dial((server.host, server.port)), self._unlogged)

    async def start(self) -> None:
        """Open every listener the device wants; raises UserError where one cannot be bound."""
        self_check()
        self._network = Streams(self)
        self._outbox = PacedQueue(self._send_datagram, budget=SENDING_BUDGET, batch=SENDINGS)
        self._dialling = PacedQueue(self._begin_dial, budget=DIAL_BUDGET, batch=DIALS)
        self._device.wake = self._wake_up
        try:
            self._pump(strict=True)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything; no task, timer or socket is left."""
        self._device.wake = None
        for handle in (self._tick, self._woken):
            if handle is not None:
                handle.cancel()
        self._tick, self._tick_due, self._woken = None, -1, None
        network, self._network = self._network, None
        if self._outbox is not None:
            self._outbox.clear()
        if self._dialling is not None:
            self._dialling.clear()
        listeners = tuple(self._listeners.values())
        self._listeners.clear()
        for listener in listeners:
            listener.close()
        for listener in listeners:
            await listener.closed()
        for connection, dial in self._dials.items():
            self._streams[connection].doom()
            dial.cancel()
        self._dials.clear()
        if self._connecting:
            await asyncio.wait(self._connecting)
        await self._ocsp.close()
        await self._syslog.close()
        await self._traps.close()
        if self._resolver is not None:
            await self._resolver.close()
        if network is not None:
            await network.stop()
        self._streams.clear()
        self._wiring.close()
        self._tell()

    @property
    def listeners(self) -> dict[ListenerKey, Endpoint]:
        """Where on the host each listener is."""
        return dict(self._wiring.listeners())

    def now(self) -> Instant:
        """Return this moment, after firing what has come due before it: inputs never overtake timers."""
        now = self._clock.reading()
        due = self._due()
        if due is not None and due <= now.uptime and not self._moving:
            self._device.fire(now)
        return now

    def pump(self) -> None:
        """Carry out what the device wants, and look at the clock again: for whoever moved either without the driver."""
        self._tick_due = -1
        self._pump()

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on."""
        self._clock.set_rate(rate)
        self.pump()

    # Moving the clock.

    async def advance(self, by: int) -> Moved:
        """Move the clock forward by microseconds; return once everything due has fired and settled."""
        return await self._move(lambda start: start.uptime + by)

    async def advance_to(self, calendar: int) -> Moved:
        """Move the clock forward to a calendar time; raises UserError when that lies in the past."""
        return await self._move(lambda start: start.uptime + calendar - start.calendar)

    async def _move(self, target_from: Callable[[Instant], int]) -> Moved:
        async with self._moves:
            self._clock.hold()
            self._moving = True
            try:
                start = self._clock.reading()
                return await self._go(start, target_from(start))
            finally:
                self._moving = False
                self._clock.release()
                self._tick_due = -1
                self._arm()

    async def _go(self, start: Instant, target: int) -> Moved:
        self._clock.check(target)
        await self.settle()
        fired = spared = 0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self._network is not None and (stop := self._device.plan(target)) is not None:
            now = self._clock.move_to(stop)
            while True:
                counts = self._device.fire_planned(now)
                fired, spared = fired + counts[0], spared + counts[1]
                if not self._device.unfinished(now):
                    break
                self._pump()
                await asyncio.sleep(0)
            await self.settle()
            if loop.time() - begun > TURN:
                await asyncio.sleep(0)
                begun = loop.time()
        end = self._clock.move_to(target)
        self._journal.add(end, ClockMoved(target - start.uptime, fired, spared))
        if self._device.stirred:
            await self.settle()
        return Moved(start, end, fired, spared)

    async def settle(self) -> None:
        """Wait until nobody owes an answer and nothing is being closed; who makes no progress is given up."""
        self._pump()
        while self._network is not None and (pending := self._pending()):
            if self._device.resigned():
                self._device.give_up(self._clock.reading())
                self._pump()
                continue
            progress = asyncio.get_running_loop().create_future()
            waiter = (pending, progress)
            self._settling.append(waiter)
            try:
                async with asyncio.timeout(self._patience if self._device.hopeful() else self._patience * DOUBT):
                    await progress
            except TimeoutError:
                self._device.give_up(self._clock.reading())
                if self._network is not None:
                    self._network.give_up()
                self._pump()
            finally:
                self._settling.remove(waiter)

    def _pending(self) -> int:
        own = self._network.busy + len(self._network.ending) if self._network is not None else 0
        own += len(self._outbox) if self._outbox is not None else 0
        return self._device.outstanding() + own

    def _wake_up(self) -> None:
        if self._woken is None and self._network is not None and not self._pumping:
            self._woken = self._network.loop.call_soon(self._woken_up)

    def _woken_up(self) -> None:
        self._woken = None
        self._pump()

    def _tell(self) -> None:
        if not self._settling:
            return
        pending = self._pending()
        for level, progress in self._settling:
            if not progress.done() and (pending < level or self._network is None):
                progress.set_result(None)

    # Effects.

    def _pump(self, *, strict: bool = False) -> None:
        # Carrying an effect out can be an input in turn (a dial that is refused at once): one loop serves them all.
        if self._pumping or self._network is None:
            return
        self._pumping = True
        try:
            while effects := self._device.take_effects():
                self._carry_out(self._network, effects, strict=strict)
        finally:
            self._pumping = False
        self._arm()
        self._tell()

    def _carry_out(self, network: Streams, effects: Sequence[Effect], *, strict: bool) -> None:
        # A port that moves may want the place that another one leaves in the same commit.
        left = {each.listener for each in effects if isinstance(each, StopListening)} & self._listeners.keys()
        for key in left:
            self._stop_listening(key)
        for effect in effects:
            match effect:
                case Listen(key):
                    self._listen(network, key, strict=strict)
                case StopListening(key):
                    if key not in left:
                        self._stop_listening(key)
                case Dial():
                    self._dial(network, effect)
                case AskOcsp() | DropOcsp() | OcspVerdict():
                    self._look_up(network, effect)
                case SendDatagram() | SendSyslog() | SendTrap() | Lookup():
                    self._send_off(effect)
                case Close(connection, how):
                    # OpenSSL sends the alerts of a handshake by itself and has no call for one later on.
                    self._close(network, connection, how)
                case StartTls() | Send():
                    self._use(effect)

    def _use(self, effect: StartTls | Send) -> None:
        stream = self._streams.get(effect.connection)
        if stream is None:
            return
        if isinstance(effect, Send):
            stream.send(effect.data)
        else:
            stream.start_tls(effect)

    def _look_up(self, network: Streams, effect: AskOcsp | DropOcsp | OcspVerdict) -> None:
        match effect:
            case AskOcsp():
                self._ocsp.ask(effect)
            case DropOcsp(number):
                self._ocsp.drop(number)
            case OcspVerdict(connection, revoked):
                network.threads.decide(connection, revoked=revoked)

    def _listen(self, network: Streams, key: ListenerKey, *, strict: bool) -> None:
        if key in self._listeners:  # a reset asks again for what goes on listening
            self._device.listening(key, format_endpoint(self._wiring.listeners()[key]), self._clock.reading())
            return
        try:
            sock = self._wiring.open(key)
        except UserError as error:
            # Only without a commit that could have been refused: at the start, and when a timer brings a port up.
            if strict:
                raise
            self._journal.add(self._clock.reading(), LogEvent("SIPSG", "critical", error.text))
            return
        if key.transport is Transport.UDP:
            self._listeners[key] = DatagramPort(key, sock, self._datagram)
        else:
            self._listeners[key] = Listener(key, sock, network, lambda reason: self._overloaded(key, reason))
        self._device.listening(key, format_endpoint(endpoint_of(sock)), self._clock.reading())

    def _stop_listening(self, key: ListenerKey) -> None:
        listener = self._listeners.pop(key, None)
        if listener is not None:
            listener.close()
            self._wiring.close_listener(key)

    def _overloaded(self, key: ListenerKey, reason: str) -> None:
        text = f"connections to {format_endpoint(key.address)} wait: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("SIPSG", "major", text))

    def _untrapped(self, target: TrapTarget, reason: str) -> None:
        text = f"trap target {target.name} at {format_endpoint((target.host, target.port))} gets no traps: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("LOG", "minor", text))
        self._pump()

    def _unlogged(self, server: SyslogServer, reason: str) -> None:
        text = f"syslog server {format_endpoint((server.host, server.port))} cannot be reached: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("LOG", "minor", text))
        self._pump()

    def _send_off(self, effect: SendDatagram | SendSyslog | SendTrap | Lookup) -> None:
        if isinstance(effect, SendDatagram):
            assert self._outbox is not None
            self._outbox.add(effect)
        elif isinstance(effect, SendSyslog):
            self._syslog.send(effect)
        elif isinstance(effect, SendTrap):
            self._traps.send(effect)
        else:
            assert self._resolver is not None  # the device does not ask where there is nobody to ask
            self._resolver.ask(effect.question)

    def _send_datagram(self, effect: SendDatagram) -> None:
        port = self._listeners.get(effect.listener)
        if not isinstance(port, DatagramPort):  # closed in the meantime
            return
        addresses = self._wiring.addresses
        try:
            target = addresses.to_answer(effect.remote) if effect.answers else addresses.to_dial(effect.remote)
            reason = port.send(target, effect.data)
        except UserError as error:
            reason = error.text
        if reason and effect.call_id:
            self._device.undeliverable(effect.call_id, reason, self.now())
            self._pump()
        else:
            self._tell()

    def _looked_up(self, question: Question, answer: Answer) -> None:
        self._device.looked_up(question, answer, self.now())
        self._pump()

    def _datagram(self, key: ListenerKey, source: Endpoint, data: bytes) -> None:
        self._device.datagram(key, self._wiring.addresses.from_host(source), data, self.now())
        self._pump()

    def _ocsp_answered(self, number: int, data: bytes | None, reason: str) -> None:
        self._device.ocsp_answered(number, data, reason, self.now())
        self._pump()

    def _dial(self, network: Streams, dial: Dial) -> None:
        stream = Stream(network, Direction.OUTBOUND, dial, dial.connection)
        self._streams[dial.connection] = stream
        assert self._dialling is not None
        self._dialling.add((stream, dial))

    def _begin_dial(self, item: tuple[Stream, Dial]) -> None:
        stream, dial = item
        network = self._network
        if network is None or self._streams.get(stream.id) is not stream:  # closed before its turn came
            return
        try:
            if dial.refused:
                raise UserError(dial.refused)
            target = self._wiring.addresses.to_dial(dial.remote)
            source = self._wiring.addresses.to_dial_from(dial.local, target)
        except UserError as error:
            del self._streams[stream.id]
            self._device.dial_failed(stream.id, error.text, self.now())
            self._pump()
            return
        task = network.loop.create_task(self._connect(network, stream, target, source))
        self._dials[stream.id] = task
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, network: Streams, stream: Stream, target: Endpoint, source: Endpoint | None) -> None:
        try:
            await network.loop.create_connection(lambda: stream, *target, local_addr=source)
        except OSError as error:
            if stream.phase is not Phase.NEW:  # it stood for a moment, and the device was told
                return
            del self._streams[stream.id], self._dials[stream.id]
            self._device.dial_failed(stream.id, reason_of(error), self.now())
            self._pump()

    def _close(self, network: Streams, connection: ConnectionId, how: Closing) -> None:
        stream = self._streams.pop(connection, None)
        dial = self._dials.pop(connection, None)
        if dial is not None and stream is not None:
            stream.doom()
            dial.cancel()
        elif stream is not None:
            network.tear_down(stream, how)

    # What the streams report.

    def stream_opened(self, stream: Stream) -> None:
        """Tell the device that TCP stands."""
        if isinstance(stream.origin, ListenerKey):
            self._accepted(stream, stream.origin)
        else:
            assert isinstance(stream.origin, Dial)
            self._dials.pop(stream.id, None)
            local = stream.transport.get_extra_info("sockname")
            self._device.dialed(stream.id, (stream.origin.local, int(local[1])), self.now())
        self._pump()

    def _accepted(self, stream: Stream, key: ListenerKey) -> None:
        remote = stream.transport.get_extra_info("peername")
        if key not in self._listeners or remote is None:  # the listener, or the peer, has gone in the meantime
            stream.reset()
            return
        simulated = self._wiring.addresses.from_host((str(remote[0]), int(remote[1])))
        stream.id = self._device.accepted(key, key.address, simulated, self.now())
        self._streams[stream.id] = stream

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...]) -> object:
        """Ask the device which session a client may take up."""
        return self._device.session_offered(connection, offers, self.now())

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes]) -> None:
        """Ask the device for its verdict on what a far end shows."""
        self._device.certificates_shown(connection, chain, self.now())
        self._pump()

    def stream_secured(self, stream: Stream, outcome: HandshakeDone | HandshakeFailed) -> None:
        """Tell the device how a handshake ended."""
        if isinstance(outcome, HandshakeFailed):
            self._streams.pop(stream.id, None)
            self._device.handshake_failed(stream.id, outcome, self.now())
        else:
            self._device.handshake_done(stream.id, outcome, self.now())
        self._pump()

    def stream_data(self, stream: Stream, data: bytes) -> None:
        """Hand bytes to the device."""
        self._device.received(stream.id, data, self.now())
        self._pump()

    def stream_noticed(self, stream: Stream, notice: Notice, alert: int) -> None:
        """Tell the device what a far end did inside TLS."""
        self._device.noticed(stream.id, notice, alert, self.now())
        self._pump()

    def stream_closed(self, stream: Stream, ending: Ending, reason: str, alert: int) -> None:
        """Tell the device that a connection has ended, and not by its doing."""
        self._streams.pop(stream.id, None)
        self._device.closed(stream.id, reason, self.now(), alert, ending)
        self._pump()

    def stream_gone(self, stream: Stream) -> None:  # noqa: ARG002 - the handler's signature
        """Let those who wait for connections to close look again."""
        self._tell()

    # The real-time ticker.

    def _arm(self) -> None:
        network = self._network
        due = self._due()
        if due is None or network is None or self._moving:
            if self._tick is not None:
                self._tick.cancel()
            self._tick, self._tick_due = None, -1
            return
        if due == self._tick_due:
            return
        if self._tick is not None:
            self._tick.cancel()
        rate = self._clock.rate
        wait = (due - self._clock.reading().uptime) / SECOND / rate if rate else 0
        self._tick_due = due
        self._tick = network.loop.call_later(max(wait, SOONEST), self._ticked)

    def _due(self) -> int | None:
        # While the clock stands nothing comes due, but a re-check that has begun to close goes on.
        return self._device.next_due() if self._clock.rate or self._device.closing else None

    def _ticked(self) -> None:
        self._tick, self._tick_due = None, -1
        self.now()
        self._pump()
