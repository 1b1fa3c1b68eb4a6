"""What the journal tells of calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .events import Event


@dataclass(frozen=True, slots=True)
class CallStarted(Event):
    """An INVITE has come in and has been let in; `call` is the GCID that the other events and tables name."""

    kind: ClassVar[str] = "callStarted"
    call: int
    calling: str
    called: str
    trunk_group: str
    call_id: str


@dataclass(frozen=True, slots=True)
class CallRouted(Event):
    """The INVITE of a call has gone out to a next hop."""

    kind: ClassVar[str] = "callRouted"
    call: int
    trunk_group: str
    peer: str
    call_id: str


@dataclass(frozen=True, slots=True)
class CallAnswered(Event):
    """A call has been answered: it is stable from now on."""

    kind: ClassVar[str] = "callAnswered"
    call: int


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """A call is over. `by` is who ended it ("caller", "callee" or "local"), `why` his reason.

    `status` is the answer that refused it, 0 for one that had been answered (see `callAnswered`), or whose caller could
    not be told; `seconds` is for how long it had been answered, rounded down.
    """

    kind: ClassVar[str] = "callEnded"
    call: int
    by: str
    why: str
    status: int
    seconds: int


@dataclass(frozen=True, slots=True)
class CallRefused(Event):
    """A call was turned away before it began, with this answer."""

    kind: ClassVar[str] = "callRefused"
    status: int
    why: str
    call_id: str
    remote: str
