"""What a far end sees happen, each a frozen value with a kind, as in the journal of the box."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from sbcsim.events import Event
from sbcsim.pki.credential import Certificate
from sbcsim.sip.message import Request, Response

Direction = Literal["dialled", "accepted"]
"""Who opened a connection: the far end, or the box."""


class PeerEvent(Event):
    """Something that a far end saw. `connection` is the number of the connection there."""

    connection: int


@dataclass(frozen=True, slots=True)
class HandshakeSeen(PeerEvent):
    """A connection was opened, or failed to be: `reason` says why, the alerts are numbers, 0 for none.

    `serial` is that of the certificate which the box showed, "" for none; `shown` is its chain, that first.
    """

    kind: ClassVar[str] = "handshake"
    connection: int
    direction: Direction
    ok: bool
    serial: str = ""
    version: str = ""
    suite: str = ""
    resumed: bool = False
    alert_sent: int = 0
    alert_received: int = 0
    reason: str = ""
    shown: tuple[Certificate, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RequestSeen(PeerEvent):
    """The box sent a request; `raw` is what stood on the wire."""

    kind: ClassVar[str] = "request"
    connection: int
    method: str
    message: Request = field(repr=False)
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResponseSeen(PeerEvent):
    """The box answered; `raw` is what stood on the wire."""

    kind: ClassVar[str] = "response"
    connection: int
    status: int
    message: Response = field(repr=False)
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallSeen(PeerEvent):
    """A call has come to another state. `call` is its number at this far end.

    Where it has ended, `by` is whose doing that was and `why` what was said: BYE, cancelled, or the answer that refused
    it, whose `status` is told; 0 where there was none.
    """

    kind: ClassVar[str] = "call"
    connection: int
    call: int
    state: str
    calling: str
    called: str
    by: Literal["", "box", "peer"] = ""
    why: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class KeepAliveSeen(PeerEvent):
    """The box sent a keep-alive (`ping`), or answered one (`pong`)."""

    kind: ClassVar[str] = "keepAlive"
    connection: int
    what: Literal["ping", "pong"]


@dataclass(frozen=True, slots=True)
class NonsenseSeen(PeerEvent):
    """The box sent what is no SIP."""

    kind: ClassVar[str] = "nonsense"
    connection: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndSeen(PeerEvent):
    """A connection is over. `how` is close_notify, fin, reset, alert or error; `by` is whose doing that was."""

    kind: ClassVar[str] = "end"
    connection: int
    how: str
    by: Literal["box", "peer"]
    alert_received: int = 0
    reason: str = ""


def peer_kinds() -> dict[str, type[PeerEvent]]:
    """Return every kind of event with its class, sorted by kind."""
    return {event.kind: event for event in sorted(PeerEvent.__subclasses__(), key=lambda each: each.kind)}
