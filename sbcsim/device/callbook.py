"""The calls of the node with what they are found by, and what is noted, counted and told as they come and go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sbcsim.callevents import CallAnswered, CallEnded, CallRouted, CallStarted
from sbcsim.clock import SECOND, Instant, Order, TimerQueue
from sbcsim.sip.session import Agreement
from sbcsim.sip.transactionstate import Key

from .calls import Call, CallState, Leg
from .chassis import Chassis
from .connections import PortKey
from .effects import ConnectionId
from .listeners import Port
from .standingcall import Attempt, Side, Stage, StandingCall, Turn


class CallBook:
    """Every call, from the INVITE that is let in to the last word about it."""

    def __init__(self, chassis: Chassis, ports: Mapping[PortKey, Port]) -> None:
        self._chassis = chassis
        self._ports = ports
        self._standing: dict[int, StandingCall] = {}
        self._last = 0
        self._timers = TimerQueue()
        self.by_server: dict[Key, StandingCall] = {}
        """Calls by the transaction of their INVITE, until that is over."""
        self.attempts: dict[Key, Attempt] = {}
        """INVITEs of ours by their transaction, until that is over."""
        self.some_ended = False
        """Whether calls have ended that nobody outside has been told of."""

    def __len__(self) -> int:
        return len(self._standing)

    def __iter__(self) -> Iterator[StandingCall]:
        return iter(tuple(self._standing.values()))

    @property
    def footprint(self) -> int:
        """How many things are remembered: nothing once every call is over."""
        return len(self._standing) + len(self.by_server) + len(self.attempts) + len(self._timers)

    def get(self, number: int) -> StandingCall | None:
        """Return a call by its GCID, None where it does not stand any more."""
        return self._standing.get(number)

    def take_number(self) -> int:
        """Return the GCID of the next call."""
        self._last += 1
        return self._last

    def start(self, call: StandingCall, now: Instant) -> None:
        """A call has been let in."""
        self._standing[call.id] = call
        self.by_server[call.server] = call
        self._count(call.ingress, "origCalls", now)
        self._chassis.call_counts.attempted()
        started = CallStarted(call.id, call.calling, call.called, call.ingress.trunk_group[2], call.ingress.call_id)
        self._chassis.emit(now, started)
        self._note(call)

    def routed(self, attempt: Attempt, now: Instant) -> None:
        """The INVITE of a call goes out."""
        call, side = attempt.call, attempt.side
        self.attempts[attempt.key] = call.attempt = attempt
        call.egress = side
        self._count(side, "termCalls", now)
        peer = side.place.peer
        self._chassis.emit(now, CallRouted(call.id, side.trunk_group[2], "" if peer is None else peer[2], side.call_id))
        self._note(call)

    def unrouted(self, call: StandingCall) -> None:
        """The way out of a call has been left: nothing of it is used any more."""
        if call.egress is not None:
            call.egress = None
            self._note(call)

    def answered(self, call: StandingCall, now: Instant) -> None:
        """A call has become stable."""
        call.move(Turn.ANSWER)
        call.answered = now
        self._chassis.call_counts.completed()
        self._chassis.emit(now, CallAnswered(call.id))
        self._note(call)

    def carried(self, call: StandingCall, side: Side, connection: ConnectionId) -> None:
        """A side of a call is carried by this connection from now on."""
        if side.connection != connection:
            side.connection = connection
            if call.id in self._standing:
                self._note(call)

    def over(self, call: StandingCall, turn: Turn, by: str, why: str, now: Instant, status: int = 0) -> None:
        """A call is over, or cancelled: it uses nothing any more."""
        call.move(turn)
        self._timers.cancel(call.id)
        call.timer.end()
        if self._standing.pop(call.id, None) is None:
            return  # told already, when it was cancelled
        self._chassis.calls.end(call.id)
        seconds = 0 if call.answered is None else (now.uptime - call.answered.uptime) // SECOND
        self._chassis.emit(now, CallEnded(call.id, by, why, status, seconds))
        self.some_ended = True

    def lost(self, call: StandingCall, why: str, now: Instant) -> None:
        """A call is over, and neither side has been told so."""
        self.over(call, Turn.REFUSE if call.stage is Stage.ESTABLISHING else Turn.END, "local", why, now)

    # Session timers.

    @property
    def next_due(self) -> int | None:
        """When the session of a call runs out that nobody refreshes."""
        timer = self._timers.peek()
        return None if timer is None else timer.due

    def agreed(self, call: StandingCall, agreement: Agreement | None, now: Instant) -> None:
        """The two sides have agreed on a session timer, or on none; the box refreshes nothing, and watches."""
        if call.stage is Stage.ENDED:
            return
        watched = None if agreement is None else Agreement(agreement.seconds, ours=False)
        call.timer.agreed(watched, now.uptime)
        due = call.timer.due
        if due is None:
            self._timers.cancel(call.id)
        else:
            self._timers.set(call.id, due, Order.TIMEOUT)

    def expired(self, now: Instant) -> Iterator[StandingCall]:
        """Yield the calls whose session has run out."""
        while (timer := self._timers.pop(now.uptime)) is not None:
            call = self._standing.get(timer.key)  # type: ignore[call-overload]
            if call is not None and call.timer.fire(now.uptime):
                yield call

    # A node that begins anew.

    def restart(self, why: str, now: Instant) -> None:
        """End every call without a word to its sides, and begin their numbers anew."""
        for call in self:
            self.lost(call, why, now)
        self.some_ended = False  # who waits for the end of calls begins anew as well
        self.by_server.clear()
        self.attempts.clear()
        self._last = 0

    def _note(self, call: StandingCall) -> None:
        state = CallState.STABLE if call.answered is not None else CallState.ESTABLISHING
        egress = None if call.egress is None else self._leg(call.egress)
        self._chassis.calls.put(
            Call(call.id, state, self._leg(call.ingress), egress, call.calling, call.called, call.since)
        )

    def _leg(self, side: Side) -> Leg:
        place, group = side.place, side.trunk_group
        port = self._ports.get(place.local.port)
        return Leg(
            group[0],
            group[1],
            group[2],
            "" if place.peer is None else place.peer[2],
            side.call_id,
            side.connection,
            place.local.port,
            None if port is None else port.interface,
        )

    def _count(self, side: Side, leaf: str, now: Instant) -> None:
        port = self._ports.get(side.place.local.port)
        if port is not None:
            port.counters.called(leaf, now.uptime)
