"""The calls that stand, each with its two legs: what call status, trunk group usage and the control API read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from sbcsim.clock import Instant

from .connections import PortKey
from .effects import ConnectionId
from .objects import InterfaceKey
from .trunkgroup import TrunkGroupKey


class CallState(Enum):
    """How far a call has come: answered ones are stable."""

    ESTABLISHING = "establishing"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a call: the trunk group that it uses, and the dialog with the far end.

    `peer` is the ipPeer, "" for none; `connection` what carried the dialog last, 0 over UDP. `port` is the sipSigPort
    that the dialog goes through, whatever connection carries it, and `interface` the ipInterface that this one is bound
    to.
    """

    address_context: str
    zone: str
    trunk_group: str
    peer: str
    call_id: str
    connection: int = 0
    port: PortKey | None = None
    interface: InterfaceKey | None = None

    @property
    def key(self) -> TrunkGroupKey:
        """The key of the trunk group."""
        return (self.address_context, self.zone, self.trunk_group)

    def carried_by(self, stands: Callable[[ConnectionId], bool]) -> Leg:
        """Return the leg, without its connection where that does not stand any more."""
        return self if not self.connection or stands(self.connection) else replace(self, connection=0)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `egress` is None until it has been routed; `id` is its GCID."""

    id: int
    state: CallState
    ingress: Leg
    egress: Leg | None
    calling: str
    called: str
    since: Instant

    def carried_by(self, stands: Callable[[ConnectionId], bool]) -> Call:
        """Return the call without the connections that do not stand any more."""
        ingress, egress = self.ingress.carried_by(stands), self.egress and self.egress.carried_by(stands)
        same = ingress is self.ingress and egress is self.egress
        return self if same else replace(self, ingress=ingress, egress=egress)


class CallCounts:
    """How many calls there have been, for `callCountStatus`."""

    __slots__ = ("attempts", "completions", "updates")

    def __init__(self) -> None:
        self.attempts = self.completions = self.updates = 0

    def attempted(self) -> None:
        """A call has been let in."""
        self.attempts += 1

    def completed(self) -> None:
        """A call has been answered."""
        self.completions += 1

    def updated(self) -> None:
        """The session of a call has been agreed on anew."""
        self.updates += 1

    def clear(self) -> None:
        """Begin anew with every counter at zero."""
        self.attempts = self.completions = self.updates = 0


class _Users:
    """The calls that use something, by what they use, in the order in which they began to."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[Hashable, dict[int, Call]] = {}

    def count(self, key: Hashable) -> int:
        return len(self._calls.get(key, ()))

    def of(self, key: Hashable) -> tuple[Call, ...]:
        return tuple(self._calls.get(key, {}).values())

    def put(self, key: Hashable, call: Call) -> None:
        self._calls.setdefault(key, {})[call.id] = call

    def drop(self, key: Hashable, call: Call) -> None:
        calls = self._calls[key]
        del calls[call.id]
        if not calls:
            del self._calls[key]


class Calls:
    """Every call that stands, by GCID, and by the zones, trunk groups, ports and interfaces that its legs use."""

    def __init__(self) -> None:
        self._standing: dict[int, Call] = {}
        self._inbound, self._outbound = _Users(), _Users()
        """By zone, and by trunk group."""
        self._ports, self._interfaces = _Users(), _Users()

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._standing.values()))

    def __len__(self) -> int:
        return len(self._standing)

    def put(self, call: Call) -> None:
        """Have a call stand, or stand as it is now."""
        before = self._standing.get(call.id)
        uses = dict.fromkeys(self._uses(call))
        if before is not None:
            for users, key in dict.fromkeys(self._uses(before)):
                if (users, key) not in uses:
                    users.drop(key, before)
        for users, key in uses:
            users.put(key, call)
        self._standing[call.id] = call

    def end(self, number: int) -> None:
        """Have a call stand no more; ending it twice does nothing."""
        call = self._standing.pop(number, None)
        if call is not None:
            for users, key in dict.fromkeys(self._uses(call)):
                users.drop(key, call)

    def usage(self, context: str, zone: str, trunk_group: str | None = None) -> tuple[int, int]:
        """Return how many calls came in by, and went out by, a trunk group, or any trunk group of a zone."""
        key = (context, zone) if trunk_group is None else (context, zone, trunk_group)
        return self._inbound.count(key), self._outbound.count(key)

    def by_trunk_group(self, key: TrunkGroupKey) -> tuple[Call, ...]:
        """Return the calls that came in by a trunk group or went out by it, oldest first."""
        return _each_once((*self._inbound.of(key), *self._outbound.of(key)))

    def on_port(self, key: PortKey) -> tuple[Call, ...]:
        """Return the calls with a leg through a sipSigPort, oldest first."""
        return _each_once(self._ports.of(key))

    def interface_in_use(self, key: InterfaceKey) -> bool:
        """Whether a call has a leg over an ipInterface."""
        return self._interfaces.count(key) > 0

    def _uses(self, call: Call) -> Iterator[tuple[_Users, Hashable]]:
        for leg, side in ((call.ingress, self._inbound), (call.egress, self._outbound)):
            if leg is None:
                continue
            yield side, leg.key[:2]
            yield side, leg.key
            if leg.port is not None:
                yield self._ports, leg.port
            if leg.interface is not None:
                yield self._interfaces, leg.interface


def _each_once(calls: Iterable[Call]) -> tuple[Call, ...]:
    found = {call.id: call for call in calls}
    return tuple(found[number] for number in sorted(found))
