"""sipSigPorts and ipInterfaces that are out of order for a while, whatever is configured."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.clock import Instant, Order
from sbcsim.events import PortState as PortStateEvent

from .chassis import Chassis
from .connections import PortKey
from .faults import fits
from .faultvalues import Outage
from .listeners import PortState
from .objects import InterfaceKey
from .pathcheck import PathChecks
from .ports import Ports

OUTAGE = "outage"

Broken = tuple[str, PortKey | InterfaceKey]
"""What is out of order: `port` or `interface`, and its keys."""


class Outages:
    """Everything that is out of order."""

    def __init__(self, chassis: Chassis, ports: Ports, paths: PathChecks) -> None:
        self._chassis = chassis
        self._ports = ports
        self._paths = paths
        self._broken: set[Broken] = set()

    def break_ports(self, outage: Outage, now: Instant) -> int:
        """Put sipSigPorts in service out of order; returns how many."""
        keys = {port.config.key for port in self._ports if port.state is not PortState.DOWN}
        return self._break((("port", key) for key in sorted(keys) if _named(key, outage.match)), outage, now)

    def break_interfaces(self, outage: Outage, now: Instant) -> int:
        """Put ipInterfaces out of order that a sipSigPort in service stands on; returns how many."""
        keys = {port.interface for port in self._ports if port.state is not PortState.DOWN and port.interface}
        return self._break((("interface", key) for key in sorted(keys) if _named(key, outage.match)), outage, now)

    def any(self, kind: str) -> bool:
        """Whether anything of a kind is out of order."""
        return any(each[0] == kind for each in self._broken)

    def mend(self, broken: Broken, now: Instant) -> None:
        """Put something in order again."""
        self._chassis.timetable.acting.cancel((OUTAGE, broken))
        self._broken.discard(broken)
        self._take_over(broken, "outOfService", "inService", now)

    def mend_all(self, kind: str, now: Instant) -> None:
        """Put all of a kind in order again."""
        for broken in sorted(each for each in self._broken if each[0] == kind):
            self.mend(broken, now)

    def clear(self) -> None:
        """Everything is in order: the node begins anew."""
        self._broken.clear()
        self._ports.out_of_order = frozenset()

    def _break(self, found: Iterable[Broken], outage: Outage, now: Instant) -> int:
        number = 0
        for broken in found:
            self._broken.add(broken)
            self._chassis.timetable.acting.set((OUTAGE, broken), now.uptime + outage.duration, Order.PORT)
            self._take_over(broken, "inService", "outOfService", now)
            number += 1
        return number

    def _take_over(self, broken: Broken, old: str, new: str, now: Instant) -> None:
        kind, key = broken
        if kind == "interface":
            self._chassis.emit(now, PortStateEvent(f"ipInterface {_path(key)}", old, new, "out of order"))
        self._ports.out_of_order = frozenset(key for _, key in self._broken)
        for port in sorted(each.config.key for each in self._ports):
            self._ports.configure(port, now)
        self._paths.reconsider()


def _named(key: PortKey | InterfaceKey, match: str) -> bool:
    return fits(_path(key), match)


def _path(key: PortKey | InterfaceKey) -> str:
    return "/".join(map(str, key))
