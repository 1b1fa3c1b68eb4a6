"""What the driver needs of the simulated SBC: the inputs it feeds, the effects it takes, the time it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sbcsim.clock import Instant
from sbcsim.device.effects import (
    ConnectionId,
    Effect,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    ListenerKey,
    Notice,
    SessionId,
)
from sbcsim.sip.locating import Answer, Question


class Device(Protocol):
    """What the driver needs of the simulated SBC."""

    def accepted(self, listener: ListenerKey, local: Endpoint, remote: Endpoint, now: Instant) -> ConnectionId:
        """Take an inbound TCP connection."""

    def dialed(self, connection: ConnectionId, local: Endpoint, now: Instant) -> None:
        """Take an outbound TCP connection that now stands."""

    def dial_failed(self, connection: ConnectionId, reason: str, now: Instant) -> None:
        """Hear that an outbound TCP connection could not be opened."""

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...], now: Instant) -> object:
        """Hear which sessions a client offers to take up; return the `home` of the one that it may, None for none."""

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes], now: Instant) -> None:
        """Take the certificates of a far end, leaf first, whose handshake waits for an `OcspVerdict`."""

    def handshake_done(self, connection: ConnectionId, result: HandshakeDone, now: Instant) -> None:
        """Hear that a handshake succeeded."""

    def handshake_failed(self, connection: ConnectionId, result: HandshakeFailed, now: Instant) -> None:
        """Hear that a handshake failed."""

    def received(self, connection: ConnectionId, data: bytes, now: Instant) -> None:
        """Take application bytes."""

    def datagram(self, listener: ListenerKey, remote: Endpoint, data: bytes, now: Instant) -> None:
        """Take one datagram."""

    def undeliverable(self, call_id: str, reason: str, now: Instant) -> None:
        """Hear that the datagram of a ping could not be sent."""

    def looked_up(self, question: Question, answer: Answer, now: Instant) -> None:
        """Hear what the DNS has answered."""

    def noticed(self, connection: ConnectionId, notice: Notice, alert: int, now: Instant) -> None:
        """Hear of something inside TLS that ends nothing."""

    def closed(
        self, connection: ConnectionId, reason: str, now: Instant, alert: int = 0, ending: Ending = Ending.CLOSED
    ) -> None:
        """Hear that a connection has ended, and not by the device's doing."""

    def ocsp_answered(self, number: int, data: bytes | None, reason: str, now: Instant) -> None:
        """Take the answer of an OCSP responder, None where it cannot be reached, with the reason."""

    def listening(self, listener: ListenerKey, bound: str, now: Instant) -> None:
        """Hear where on the host a listener is."""

    wake: Callable[[], None] | None
    """Called when something waits to be done outside, or a timer was set, by an input of somebody else."""

    def take_effects(self) -> Sequence[Effect]:
        """Hand over what is to be done outside."""

    @property
    def stirred(self) -> bool:
        """Whether the next `take_effects` may find more to do than is there now: what was told may meet a fault."""

    @property
    def closing(self) -> bool:
        """Whether a re-check has more to close at this instant, which it does though the clock stands."""

    def next_due(self) -> int | None:
        """Return the uptime of the next timer."""

    def fire(self, now: Instant) -> object:
        """Fire everything that is due."""

    def plan(self, target: int) -> int | None:
        """Return the uptime to move the clock to next on the way to `target`, None when nothing more is due."""

    def fire_planned(self, now: Instant) -> tuple[int, int]:
        """Fire what was planned; return how much that was and how many pings were spared."""

    def unfinished(self, now: Instant) -> bool:
        """Whether more is left to fire at this instant than one turn should take."""

    def outstanding(self) -> int:
        """Return how many answers are awaited."""

    def hopeful(self) -> bool:
        """Whether any of them is owed by a peer that is not known to be silent."""

    def resigned(self) -> bool:
        """Whether answers are awaited that nobody need wait for: give them up at once."""

    def give_up(self, now: Instant) -> None:
        """Take those who owe an answer for silent."""
