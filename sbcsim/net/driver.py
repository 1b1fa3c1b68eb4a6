"""Drives the simulated SBC: carries its effects out on sockets, feeds it what happens, and lets its clock tick.

The device does no I/O of its own. This is where the parts that do it for the device come together: the pump between
both, the sockets, the servers outside, and who moves the clock while the network settles.
"""

from __future__ import annotations

from collections.abc import Sequence

from sbcsim.clock import Clock, Instant
from sbcsim.device.effects import (
    Close,
    Dial,
    Effect,
    Endpoint,
    Listen,
    ListenerKey,
    OcspVerdict,
    Send,
    SendDatagram,
    StartTls,
    StopListening,
)
from sbcsim.journal import Journal

from .clockmoves import ClockMoves, Moved
from .connections import Connections
from .device import Device
from .listeners import Listeners
from .outsideservers import OutsideServers
from .pump import Pump
from .settling import PATIENCE, Settling
from .tls import self_check
from .wiring import Wiring


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
        self._pump = Pump(device, clock, self._carry_out, self._progressed)
        self._settling = Settling(device, clock, self._pump, self, patience)
        self._moves = ClockMoves(device, clock, journal, self._pump, self._settling)
        self._servers = OutsideServers(device, clock, journal, wiring.addresses, self._pump, resolver)
        self._listeners: Listeners | None = None
        self._connections: Connections | None = None

    async def start(self) -> None:
        """Open every listener the device wants; raises UserError where one cannot be bound."""
        self_check()
        listeners = Listeners(self._device, self._clock, self._journal, self._wiring, self._pump)
        self._listeners = listeners
        self._connections = Connections(self._device, self._wiring.addresses, self._pump, lambda key: key in listeners)
        self._pump.start()
        listeners.strict = True
        try:
            self._pump.pump()
        except BaseException:
            await self.stop()
            raise
        listeners.strict = False

    async def stop(self) -> None:
        """Close everything; no task, timer or socket is left."""
        self._pump.stop()
        if self._listeners is not None:
            await self._listeners.stop()
        if self._connections is not None:
            await self._connections.stop_dialling()
        await self._servers.stop()
        if self._connections is not None:
            await self._connections.stop()
        self._wiring.close()
        self._settling.look()

    @property
    def listeners(self) -> dict[ListenerKey, Endpoint]:
        """Where on the host each listener is."""
        return dict(self._wiring.listeners())

    def now(self) -> Instant:
        """Return this moment, after firing what has come due before it: inputs never overtake timers."""
        return self._pump.now()

    def pump(self) -> None:
        """Carry out what the device wants, and look at the clock again: for whoever moved either without the driver."""
        self._pump.pump_anew()

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on."""
        self._clock.set_rate(rate)
        self.pump()

    async def advance(self, by: int) -> Moved:
        """Move the clock forward by microseconds; return once everything due has fired and settled."""
        return await self._moves.move(lambda start: start.uptime + by)

    async def advance_to(self, calendar: int) -> Moved:
        """Move the clock forward to a calendar time; raises UserError when that lies in the past."""
        return await self._moves.move(lambda start: start.uptime + calendar - start.calendar)

    async def settle(self) -> None:
        """Wait until nobody owes an answer and nothing is being closed; who makes no progress is given up."""
        await self._settling.settle()

    def under_way(self) -> int:
        """Return how much is being worked on, sent or closed."""
        if self._connections is None or self._listeners is None or not self._pump.running:
            return 0
        network = self._connections.network
        return network.busy + len(network.ending) + self._listeners.unsent

    def give_up(self) -> None:
        """Expect nothing more from far ends that are to close their side."""
        if self._connections is not None:
            self._connections.network.give_up()

    def _progressed(self) -> None:
        self._settling.look()

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        connections, listeners = self._connections, self._listeners
        assert connections is not None
        assert listeners is not None
        # A port that moves may want the place that another one leaves in the same commit.
        left = {each.listener for each in effects if isinstance(each, StopListening) and each.listener in listeners}
        for key in left:
            listeners.close(key)
        for effect in effects:
            match effect:
                case Send() | StartTls():
                    connections.use(effect)
                case SendDatagram():
                    listeners.send(effect)
                case Dial():
                    connections.dial(effect)
                case Close(connection, how):
                    connections.close(connection, how)
                case OcspVerdict():
                    connections.decide(effect)
                case Listen(key):
                    listeners.open(key, connections.network)
                case StopListening(key):
                    if key not in left:
                        listeners.close(key)
                case _:
                    self._servers.carry_out(effect)
