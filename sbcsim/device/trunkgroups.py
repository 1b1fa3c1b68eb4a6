"""sipTrunkGroups in service: what a commit does to them, and the end of a dry-up (sbc-model, trunk groups)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sbcsim.clock import Instant
from sbcsim.config.transaction import Change

from .chassis import Chassis
from .servicestate import Services, ServiceState
from .trunkgroup import LIST, TrunkGroup, TrunkGroupKey, read_trunk_group, trunk_group_keys

DRYUP = "trunk group dryup"


class TrunkGroups:
    """All sipTrunkGroups of the node.

    `end_calls` is called with why when the calls of a trunk group have to go. One that drains takes no new calls; it
    goes out of service with its last call, or at the end of its dryUpTimeout.
    """

    def __init__(self, chassis: Chassis, end_calls: Callable[[TrunkGroupKey, str, Instant], None]) -> None:
        self._chassis = chassis
        self._services: Services[TrunkGroupKey] = Services(chassis, LIST, DRYUP, self._in_use, end_calls)

    def state(self, key: TrunkGroupKey) -> ServiceState:
        """Return where a trunk group stands; an unknown one is out of service."""
        return self._services.state(key)

    def serves(self, key: TrunkGroupKey) -> bool:
        """Whether a trunk group takes new calls."""
        return self.state(key) is ServiceState.IN_SERVICE

    def affected(self, changes: Iterable[Change]) -> list[TrunkGroupKey]:
        """Return the trunk groups that changes bear on, in path order."""
        found = {
            (change.path[1], change.path[3], change.path[5])
            for change in changes
            if change.path[0] == "addressContext"
            and len(change.path) > 5
            and (change.path[2], change.path[4]) == ("zone", LIST)
        }
        return sorted(found)

    def start(self, now: Instant) -> None:
        """Put every trunk group of the running configuration to work."""
        for key in trunk_group_keys(self._chassis.tree):
            self.configure(key, now)

    def configure(self, key: TrunkGroupKey, now: Instant) -> None:
        """Take over the configuration of one trunk group."""
        new = read_trunk_group(self._chassis.tree, key)
        self._services.configure(key, new, _why(new), now)
        if new is None:
            self._chassis.message_counts.forget(key)
        else:
            self._chassis.message_counts.expect(key)

    def dryup_ended(self, key: TrunkGroupKey, now: Instant) -> None:
        """The dry-up timer of a trunk group has run its time."""
        self._services.dryup_ended(key, now)

    def calls_ended(self, now: Instant) -> None:
        """Calls have ended: a trunk group that drains and has none left goes out of service."""
        self._services.calls_ended(now)

    def clear(self) -> None:
        """Forget every trunk group; whoever calls has ended the calls."""
        self._services.clear()

    def _in_use(self, key: TrunkGroupKey) -> bool:
        return any(self._chassis.calls.usage(*key))


def _why(new: TrunkGroup | None) -> str:
    if new is None:
        return "deleted"
    if new.serves:
        return "mode inService state enabled"
    return "mode outOfService" if new.enabled else "state disabled"
