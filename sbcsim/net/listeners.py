"""Every socket that the box listens on, opened and closed as the device wants, and the datagrams that go through it."""

from __future__ import annotations

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Clock
from sbcsim.device.effects import Endpoint, ListenerKey, SendDatagram, Transport
from sbcsim.errors import UserError
from sbcsim.events import LogEvent
from sbcsim.journal import Journal

from .datagrams import DatagramPort
from .device import Device
from .listen import Listener
from .pacing import PacedQueue
from .pump import Pump
from .streams import Streams
from .wiring import Wiring, endpoint_of

SENDINGS = 32
"""Datagrams sent in one turn of the loop: the answers to thousands at once would overflow the socket."""

SENDING_BUDGET = 0.004
"""Seconds of them in one turn."""


class Listeners:
    """The listening sockets by what they are for. `strict`: one that cannot be opened is an error of the caller's."""

    def __init__(self, device: Device, clock: Clock, journal: Journal, wiring: Wiring, pump: Pump) -> None:
        self.strict = False
        self._device = device
        self._clock = clock
        self._journal = journal
        self._wiring = wiring
        self._pump = pump
        self._open: dict[ListenerKey, Listener | DatagramPort] = {}
        self._outbox: PacedQueue[SendDatagram] = PacedQueue(self._send_datagram, budget=SENDING_BUDGET, batch=SENDINGS)

    def __contains__(self, key: ListenerKey) -> bool:
        return key in self._open

    @property
    def unsent(self) -> int:
        """How many datagrams wait to be sent."""
        return len(self._outbox)

    async def stop(self) -> None:
        """Close everything, and wait until all that was accepted has become a stream."""
        self._outbox.clear()
        listeners = tuple(self._open.values())
        self._open.clear()
        for listener in listeners:
            listener.close()
        for listener in listeners:
            await listener.closed()

    def open(self, key: ListenerKey, network: Streams) -> None:
        """Listen; raises UserError where that fails and is `strict`, else the journal is told."""
        if key in self._open:  # a reset asks again for what goes on listening
            self._device.listening(key, format_endpoint(self._wiring.listeners()[key]), self._clock.reading())
            return
        try:
            sock = self._wiring.open(key)
        except UserError as error:
            # Only without a commit that could have been refused: at the start, and when a timer brings a port up.
            if self.strict:
                raise
            self._journal.add(self._clock.reading(), LogEvent("SIPSG", "critical", error.text))
            return
        if key.transport is Transport.UDP:
            self._open[key] = DatagramPort(key, sock, self._datagram)
        else:
            self._open[key] = Listener(key, sock, network, lambda reason: self._overloaded(key, reason))
        self._device.listening(key, format_endpoint(endpoint_of(sock)), self._clock.reading())

    def close(self, key: ListenerKey) -> None:
        """Listen no more; closing what is not open does nothing."""
        listener = self._open.pop(key, None)
        if listener is not None:
            listener.close()
            self._wiring.close_listener(key)

    def send(self, effect: SendDatagram) -> None:
        """Send a datagram when its turn comes."""
        self._outbox.add(effect)

    def _send_datagram(self, effect: SendDatagram) -> None:
        port = self._open.get(effect.listener)
        if not isinstance(port, DatagramPort):  # closed in the meantime
            return
        addresses = self._wiring.addresses
        try:
            target = addresses.to_answer(effect.remote) if effect.answers else addresses.to_dial(effect.remote)
            reason = port.send(target, effect.data)
        except UserError as error:
            reason = error.text
        if reason and effect.call_id:
            self._device.undeliverable(effect.call_id, reason, self._pump.now())
            self._pump.pump()
        else:
            self._pump.progressed()

    def _datagram(self, key: ListenerKey, source: Endpoint, data: bytes) -> None:
        self._device.datagram(key, self._wiring.addresses.from_host(source), data, self._pump.now())
        self._pump.pump()

    def _overloaded(self, key: ListenerKey, reason: str) -> None:
        text = f"connections to {format_endpoint(key.address)} wait: {reason}"
        self._journal.add(self._clock.reading(), LogEvent("SIPSG", "major", text))
