"""The state machine of a sipSigPort: in service, draining, down, and what moves it.

`TRANSITIONS` is the whole machine. A bounce is IN_SERVICE (or DRAINING) -> DOWN -> IN_SERVICE; coming back from
DRAINING before the dry-up has run its time is no bounce: nothing was closed.
"""

from __future__ import annotations

from enum import Enum

from sbcsim.errors import BugError

from .counters import PortCounters
from .effects import ListenerKey
from .objects import InterfaceKey, SipSigPort


class PortState(Enum):
    """Where a sipSigPort stands."""

    DOWN = "outOfService"
    IN_SERVICE = "inService"
    DRAINING = "draining"


class PortTrigger(Enum):
    """What moves a sipSigPort."""

    START = "put in service"
    FORCE = "taken out of service"
    DRAIN = "dry-up begun"
    EXPIRE = "dry-up ended"
    RESUME = "dry-up cancelled"


TRANSITIONS: dict[tuple[PortState, PortTrigger], PortState] = {
    (PortState.DOWN, PortTrigger.START): PortState.IN_SERVICE,
    (PortState.IN_SERVICE, PortTrigger.FORCE): PortState.DOWN,
    (PortState.IN_SERVICE, PortTrigger.DRAIN): PortState.DRAINING,
    (PortState.DRAINING, PortTrigger.EXPIRE): PortState.DOWN,
    (PortState.DRAINING, PortTrigger.FORCE): PortState.DOWN,
    (PortState.DRAINING, PortTrigger.RESUME): PortState.IN_SERVICE,
}


def trigger_for(state: PortState, old: SipSigPort | None, new: SipSigPort | None) -> PortTrigger | None:
    """Return what a change of configuration does to a port in `state`, None where it changes nothing.

    `mode outOfService` obeys the port's action; `state disabled`, a deleted port and an interface that went away
    close at once.
    """
    if new is not None and new.serves:
        if state is PortState.DOWN:
            return PortTrigger.START
        return PortTrigger.RESUME if state is PortState.DRAINING else None
    if state is PortState.DOWN:
        return None
    drains = new is not None and new.enabled and new.interface is not None and new.action == "dryup"
    if state is PortState.IN_SERVICE and drains and old is not None:
        return PortTrigger.DRAIN
    if state is PortState.DRAINING and drains:
        return None
    return PortTrigger.FORCE


class Port:
    """One sipSigPort of the running node."""

    __slots__ = ("config", "counters", "listeners", "state")

    def __init__(self, config: SipSigPort) -> None:
        self.config = config
        self.state = PortState.DOWN
        self.counters = PortCounters()
        self.listeners: dict[ListenerKey, str] = {}

    @property
    def sends(self) -> bool:
        """Whether the box itself may send new requests from this port."""
        return self.state is PortState.IN_SERVICE

    @property
    def interface(self) -> InterfaceKey | None:
        """The ipInterface the port is bound to."""
        return self.config.interface

    def move(self, trigger: PortTrigger) -> PortState:
        """Make a transition and return the state before; raises BugError where there is none."""
        before = self.state
        after = TRANSITIONS.get((before, trigger))
        if after is None:
            index = "/".join(map(str, self.config.key))
            msg = f"sipSigPort {index} cannot be {trigger.value} while {before.value}"
            raise BugError(msg)
        self.state = after
        return before
