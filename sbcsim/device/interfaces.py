"""ipInterfaces in service: what a commit does to them, and the end of a dry-up (sbc-model, interfaces)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sbcsim.clock import Instant
from sbcsim.config.transaction import Change

from .chassis import Chassis
from .objects import InterfaceKey, interfaces_of, read_interface
from .servicestate import Services, ServiceState

DRYUP = "interface dryup"


class Interfaces:
    """All ipInterfaces of the node.

    `in_use` says whether a call uses an interface; `ended` is called when one is out of service, for its ports to
    close. One that drains keeps its ports, and what they have open.
    """

    def __init__(
        self,
        chassis: Chassis,
        in_use: Callable[[InterfaceKey], bool],
        ended: Callable[[InterfaceKey, str, Instant], None],
    ) -> None:
        self._chassis = chassis
        self._services: Services[InterfaceKey] = Services(chassis, "ipInterface", DRYUP, in_use, ended)

    def drains(self, key: InterfaceKey) -> bool:
        """Whether an interface goes out of service when the last call has left it."""
        return self._services.state(key) is ServiceState.DRAINING

    def affected(self, changes: Iterable[Change]) -> list[InterfaceKey]:
        """Return the ipInterfaces that changes bear on, in path order."""
        keys = {
            (change.path[1], change.path[3], change.path[5])
            for change in changes
            if change.path[0] == "addressContext" and change.path[4:5] == ("ipInterface",) and len(change.path) > 5
        }
        return sorted(keys)

    def start(self) -> None:
        """Take every ipInterface of the running configuration as it stands."""
        tree = self._chassis.tree
        for (context,) in tree.keys(("addressContext",)):
            for (group,) in tree.keys(("addressContext", context, "ipInterfaceGroup")):
                for interface in interfaces_of(tree, (context, group)):
                    self._services.adopt(interface.key, interface)

    def configure(self, key: InterfaceKey, now: Instant) -> None:
        """Take over the configuration of one ipInterface."""
        self._services.configure(key, read_interface(self._chassis.tree, key), "configuration", now)

    def dryup_ended(self, key: InterfaceKey, now: Instant) -> None:
        """The dry-up timer of an ipInterface has run its time."""
        self._services.dryup_ended(key, now)

    def calls_ended(self, now: Instant) -> None:
        """Calls have ended: an ipInterface that drains and is used by none goes out of service."""
        self._services.calls_ended(now)

    def clear(self) -> None:
        """Forget every ipInterface."""
        self._services.clear()
