"""sipSigPorts in service: what a commit does to them, and the end of a dry-up, theirs or that of their ipInterface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sbcsim.clock import MINUTE, Instant, Order
from sbcsim.config.transaction import Change
from sbcsim.config.tree import Tree
from sbcsim.events import ListenerClosed, ListenerOpened, LogEvent
from sbcsim.events import PortState as PortStateEvent

from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import PortKey
from .effects import Listen, ListenerKey, StopListening
from .interfaces import Interfaces
from .listeners import Port, PortState, PortTrigger, trigger_for
from .objects import GroupKey, InterfaceKey, SipSigPort, port_keys, read_port, zone_ports

DRYUP = "dryup"


class Ports:
    """All sipSigPorts of the node, and its ipInterfaces. `ports` is shared with the connection plane."""

    def __init__(self, chassis: Chassis, plane: ConnectionPlane, ports: dict[PortKey, Port]) -> None:
        self._chassis = chassis
        self._plane = plane
        self._ports = ports
        self._by_group: dict[GroupKey, dict[PortKey, None]] = {}
        self.interfaces = Interfaces(chassis, chassis.calls.interface_in_use, self._interface_gone)
        self.closing: Callable[[PortKey, str, Instant], None] = lambda _key, _why, _now: None
        """Called when a port is about to be closed, while its connections still stand."""
        self.out_of_order: frozenset[PortKey | InterfaceKey] = frozenset()
        """Ports that do not work, and interfaces."""

    def __iter__(self) -> Iterator[Port]:
        return iter(tuple(self._ports.values()))

    def in_zone(self, context: str, zone: str) -> list[Port]:
        """Return the ports of a zone by index."""
        return [self._ports[key] for key in zone_ports(self._chassis.tree, context, zone) if key in self._ports]

    def drains(self, key: PortKey) -> bool:
        """Whether a port lets its connections live for a while, and ends them then."""
        port = self._ports.get(key)
        return port is not None and port.state is PortState.DRAINING

    def takes_calls(self, key: PortKey) -> bool:
        """Whether new calls may use a port: it is in service, and its ipInterface does not wait for calls to end."""
        port = self._ports.get(key)
        if port is None or not port.sends:
            return False
        return port.interface is None or not self.interfaces.drains(port.interface)

    def affected(self, changes: Iterable[Change]) -> list[PortKey]:
        """Return the ports that changes bear on, directly or through their interface group, in path order."""
        keys: dict[PortKey, None] = {}
        for change in changes:
            path = change.path
            if path[0] != "addressContext" or len(path) < 5:
                continue
            if path[2] == "zone" and path[4] == "sipSigPort" and len(path) > 5:
                keys[path[1], path[3], int(path[5])] = None
            elif path[2] == "ipInterfaceGroup":
                keys.update(self._by_group.get((path[1], path[3]), {}))
        return sorted(keys)

    def new_listeners(self, tree: Tree, changes: Iterable[Change]) -> frozenset[ListenerKey]:
        """Return the sockets that changes would open in addition to those that are open."""
        wanted: set[ListenerKey] = set()
        for key in self.affected(changes):
            config = self._working(read_port(tree, key))
            port = self._ports.get(key)
            if config is not None and config.serves:
                wanted.update(set(config.listeners()) - set(port.listeners if port is not None else ()))
        return frozenset(wanted)

    def start(self, now: Instant) -> None:
        """Put every port of the running configuration to work."""
        self.interfaces.start()
        for key in port_keys(self._chassis.tree):
            self.configure(key, now)

    def configure(self, key: PortKey, now: Instant) -> None:
        """Take over the configuration of one port."""
        port = self._ports.get(key)
        new = self._working(read_port(self._chassis.tree, key, held=self._held(port)))
        if new is None:
            if port is not None:
                self._retire(port, now)
            return
        if port is None:
            port = self._ports[key] = Port(new)
            old = None
        else:
            old = port.config
            self._by_group.get(old.group, {}).pop(key, None)
        self._by_group.setdefault(new.group, {})[key] = None
        if port.state is not PortState.DOWN and new.serves and _moved(port, new):
            self._trigger(port, PortTrigger.FORCE, "ipInterface out of service", now)
        trigger = trigger_for(port.state, old, new)
        if trigger is PortTrigger.FORCE or trigger is PortTrigger.DRAIN:
            reason = self._why(new)
            self._trigger(port, trigger, reason, now, new)
        port.config = new if port.state is not PortState.DRAINING else _keep_interface(port.config, new)
        if trigger is PortTrigger.START or trigger is PortTrigger.RESUME:
            self._trigger(port, trigger, "mode inService state enabled", now)

    def dryup_ended(self, key: PortKey, now: Instant) -> None:
        """The dry-up timer of a port has run its time."""
        self._trigger(self._ports[key], PortTrigger.EXPIRE, "dry-up ended", now)

    def listening(self, listener: ListenerKey, bound: str, now: Instant) -> None:
        """A listening socket stands; `bound` is where on the host."""
        port = self._ports.get((listener.address_context, listener.zone, listener.sip_sig_port))
        if port is not None and listener in port.listeners:
            port.listeners[listener] = bound
            self._chassis.emit(now, ListenerOpened(_name(port), listener.transport.value, _address(listener), bound))

    def clear(self) -> None:
        """Forget every port; whoever calls has closed the connections and keeps the sockets."""
        for key in self._ports:
            self._chassis.timetable.acting.cancel((DRYUP, key))
        self._ports.clear()
        self._by_group.clear()
        self.interfaces.clear()

    def _trigger(
        self, port: Port, trigger: PortTrigger, reason: str, now: Instant, new: SipSigPort | None = None
    ) -> None:
        before = port.move(trigger)
        self._chassis.emit(now, PortStateEvent(f"sipSigPort {_name(port)}", before.value, port.state.value, reason))
        timer = (DRYUP, port.config.key)
        if trigger is PortTrigger.START:
            for listener in port.config.listeners():
                port.listeners[listener] = ""
                self._chassis.effect(Listen(listener))
        elif trigger is PortTrigger.DRAIN:
            assert new is not None
            self._chassis.timetable.acting.set(timer, now.uptime + new.dryup_minutes * MINUTE, Order.PORT)
        else:
            self._chassis.timetable.acting.cancel(timer)
            if trigger is PortTrigger.RESUME:
                text = f"sipSigPort {_name(port)} back in service before its dry-up ended: nothing was bounced"
                self._chassis.emit(now, LogEvent("DBG", "minor", text))
            else:
                self._close(port, reason, now)

    def _close(self, port: Port, reason: str, now: Instant) -> None:
        self.closing(port.config.key, f"sipSigPort {reason}", now)
        for listener in port.listeners:
            self._chassis.effect(StopListening(listener))
            self._chassis.emit(now, ListenerClosed(_name(port), listener.transport.value, _address(listener), reason))
        port.listeners.clear()
        for record in self._plane.table.on_port(port.config.key):
            self._plane.close(record, f"sipSigPort {reason}", now)

    def _held(self, port: Port | None) -> tuple[InterfaceKey, ...]:
        """Return the interface that a port keeps though it is configured out of service: one that still drains."""
        if port is None or port.state is PortState.DOWN or port.interface is None:
            return ()
        return (port.interface,) if self.interfaces.drains(port.interface) else ()

    def _interface_gone(self, interface: InterfaceKey, _reason: str, now: Instant) -> None:
        for key in sorted(self._by_group.get(interface[:2], {})):
            self.configure(key, now)

    def _working(self, config: SipSigPort | None) -> SipSigPort | None:
        """Return a port as far as it works: one that does not has no interface."""
        if config is None or not self.out_of_order & {config.key, config.interface}:
            return config
        return replace(config, interface=None)

    def _retire(self, port: Port, now: Instant) -> None:
        if port.state is not PortState.DOWN:
            self._trigger(port, PortTrigger.FORCE, "deleted", now)
        self._plane.sessions.end_on(port.config.key)
        del self._ports[port.config.key]
        self._by_group.get(port.config.group, {}).pop(port.config.key, None)

    def _why(self, new: SipSigPort) -> str:
        if new.key in self.out_of_order:
            return "out of order"
        if not new.enabled:
            return "state disabled"
        return "mode outOfService" if not new.in_service else "ipInterface out of service"


def _moved(port: Port, new: SipSigPort) -> bool:
    return port.config.interface != new.interface or set(port.listeners) != set(new.listeners())


def _keep_interface(old: SipSigPort, new: SipSigPort) -> SipSigPort:
    # A port that drains still serves where it did; everything else is as configured now.
    return new if new.interface is not None else old


def _name(port: Port) -> str:
    return "/".join(map(str, port.config.key))


def _address(listener: ListenerKey) -> str:
    return f"{listener.address[0]}:{listener.address[1]}"
