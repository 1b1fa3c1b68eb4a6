"""What goes out of service call by call, trunk groups and ipInterfaces: in service, draining, out, and what moves it.

`TRANSITIONS` is the whole machine. Draining ends with the last call or with its time, whichever comes first; coming
back into service before that clears no call. What no call uses does not drain at all.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Generic, Protocol, TypeVar

from sbcsim.clock import MINUTE, Instant, Order
from sbcsim.errors import BugError
from sbcsim.events import LogEvent, PortState

from .chassis import Chassis

_Key = TypeVar("_Key", bound=tuple[str, ...])


class ServiceState(Enum):
    """Where a trunk group or an ipInterface stands."""

    OUT_OF_SERVICE = "outOfService"
    IN_SERVICE = "inService"
    DRAINING = "draining"


class ServiceTrigger(Enum):
    """What moves a trunk group or an ipInterface."""

    START = "put in service"
    FORCE = "taken out of service"
    DRAIN = "dry-up begun"
    EMPTY = "last call ended"
    EXPIRE = "dry-up ended"
    RESUME = "dry-up cancelled"


TRANSITIONS: dict[tuple[ServiceState, ServiceTrigger], ServiceState] = {
    (ServiceState.OUT_OF_SERVICE, ServiceTrigger.START): ServiceState.IN_SERVICE,
    (ServiceState.IN_SERVICE, ServiceTrigger.FORCE): ServiceState.OUT_OF_SERVICE,
    (ServiceState.IN_SERVICE, ServiceTrigger.DRAIN): ServiceState.DRAINING,
    (ServiceState.DRAINING, ServiceTrigger.EMPTY): ServiceState.OUT_OF_SERVICE,
    (ServiceState.DRAINING, ServiceTrigger.EXPIRE): ServiceState.OUT_OF_SERVICE,
    (ServiceState.DRAINING, ServiceTrigger.FORCE): ServiceState.OUT_OF_SERVICE,
    (ServiceState.DRAINING, ServiceTrigger.RESUME): ServiceState.IN_SERVICE,
}


class DriesUp(Protocol):
    """The configuration of what goes out of service call by call; 0 minutes are as long as the calls last."""

    @property
    def enabled(self) -> bool:
        """Whether its state is enabled."""

    @property
    def in_service(self) -> bool:
        """Whether its mode is inService."""

    @property
    def action(self) -> str:
        """How it goes out of service, in lower case."""

    @property
    def dryup_minutes(self) -> int:
        """The longest that it drains."""


def trigger_for(state: ServiceState, new: DriesUp | None, *, in_use: bool) -> ServiceTrigger | None:
    """Return what a change of configuration does in a state, None where it changes nothing.

    `mode outOfService` obeys the action; `state disabled` and a deletion clear calls at once.
    """
    if new is not None and new.enabled and new.in_service:
        if state is ServiceState.OUT_OF_SERVICE:
            return ServiceTrigger.START
        return ServiceTrigger.RESUME if state is ServiceState.DRAINING else None
    if state is ServiceState.OUT_OF_SERVICE:
        return None
    if new is not None and new.enabled and new.action == "dryup" and in_use:
        return None if state is ServiceState.DRAINING else ServiceTrigger.DRAIN
    return ServiceTrigger.FORCE


class Services(Generic[_Key]):
    """Everything of one kind that goes out of service call by call.

    `kind` is what the journal calls it, `timer` the word of its timers. `in_use` says whether a call uses it, `ended`
    is called when it has gone out of service, to end what is still there.
    """

    def __init__(
        self,
        chassis: Chassis,
        kind: str,
        timer: str,
        in_use: Callable[[_Key], bool],
        ended: Callable[[_Key, str, Instant], None],
    ) -> None:
        self._chassis = chassis
        self._kind = kind
        self._timer = timer
        self._in_use = in_use
        self._ended = ended
        self._states: dict[_Key, ServiceState] = {}
        self._draining: set[_Key] = set()

    def state(self, key: _Key) -> ServiceState:
        """Return where something stands; what is not configured is out of service."""
        return self._states.get(key, ServiceState.OUT_OF_SERVICE)

    def adopt(self, key: _Key, config: DriesUp) -> None:
        """Have something stand as it is configured, without a word: it did so before anybody looked."""
        if config.enabled and config.in_service:
            self._states[key] = ServiceState.IN_SERVICE

    def configure(self, key: _Key, new: DriesUp | None, reason: str, now: Instant) -> None:
        """Take over the configuration of something, None where it is gone."""
        trigger = trigger_for(self.state(key), new, in_use=self._in_use(key))
        if trigger is not None:
            self._move(key, trigger, reason, now, 0 if new is None else new.dryup_minutes)

    def dryup_ended(self, key: _Key, now: Instant) -> None:
        """The dry-up timer of something has run its time."""
        self._move(key, ServiceTrigger.EXPIRE, ServiceTrigger.EXPIRE.value, now)

    def calls_ended(self, now: Instant) -> None:
        """Calls have ended: what drains and is not used any more goes out of service."""
        for key in sorted(self._draining):
            # One that goes may end calls, and others go with these.
            if key in self._draining and not self._in_use(key):
                self._move(key, ServiceTrigger.EMPTY, ServiceTrigger.EMPTY.value, now)

    def clear(self) -> None:
        """Forget everything, without a word."""
        for key in self._draining:
            self._chassis.timetable.acting.cancel((self._timer, key))
        self._states.clear()
        self._draining.clear()

    def _move(self, key: _Key, trigger: ServiceTrigger, reason: str, now: Instant, minutes: int = 0) -> None:
        before, name = self.state(key), f"{self._kind} {'/'.join(key)}"
        after = TRANSITIONS.get((before, trigger))
        if after is None:
            msg = f"{name} cannot be {trigger.value} while {before.value}"
            raise BugError(msg)
        # Before anything is ended: what ends may ask, and is turned away.
        self._states[key] = after
        self._draining.discard(key)
        if after is ServiceState.DRAINING:
            self._draining.add(key)
        elif after is ServiceState.OUT_OF_SERVICE:
            del self._states[key]
        self._chassis.emit(now, PortState(name, before.value, after.value, reason))
        timer = (self._timer, key)
        if trigger is not ServiceTrigger.DRAIN:
            self._chassis.timetable.acting.cancel(timer)
        elif minutes:
            self._chassis.timetable.acting.set(timer, now.uptime + minutes * MINUTE, Order.PORT)
        if trigger is ServiceTrigger.RESUME:
            text = f"{name} back in service before its dry-up ended: no call was cleared"
            self._chassis.emit(now, LogEvent("DBG", "minor", text))
        elif after is ServiceState.OUT_OF_SERVICE:
            self._ended(key, reason, now)
