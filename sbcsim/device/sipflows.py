"""By which way a message of a call leaves: from which sipSigPort, by which connection, dialled where there is none.

The box has one connection each way between a sipSigPort and a peer, whatever the call. Its requests go over the one
that it has opened itself, which is the one of the path check; its answers go back where the request came from, and over
its own one where that is gone. Somebody who is no ipPeer cannot be dialled: he is reached by the connection that he has
opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from sbcsim.addresses import usual_address
from sbcsim.clock import Instant
from sbcsim.sip import uri
from sbcsim.sip.errors import SipError
from sbcsim.sip.headers import parameter
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.transactionstate import Flow, Key

from .answers import Answers
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, PeerKey, PortKey
from .datagrams import DatagramPlane
from .effects import ConnectionId, Endpoint, ListenerKey, Transport
from .listeners import Port, PortState
from .objects import IpPeer, preferred_transports, zone_ports
from .pathroute import choose_sender, port_towards
from .peerdirectory import PeerDirectory
from .tlsprofile import read_tls_profile
from .trunkgroup import TrunkGroupKey


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of a flow: the socket that stands for it, and the trunk group that its messages are counted for."""

    listener: ListenerKey
    trunk_group: TrunkGroupKey | None = None

    @property
    def port(self) -> PortKey:
        """The sipSigPort."""
        return self.listener.address_context, self.listener.zone, self.listener.sip_sig_port


@dataclass(frozen=True, slots=True)
class Place:
    """Where one side of a call is: our end, the far end, who that is, and the connection that it has opened.

    `binding` names the registration of an endpoint: it says where that is when it has left its connection.
    """

    local: Local
    remote: Endpoint
    peer: PeerKey | None = None
    connection: ConnectionId = 0
    binding: str = ""

    @property
    def transport(self) -> Transport:
        """What carries the messages."""
        return self.local.listener.transport

    def heard_by(self, flow: Flow) -> Place:
        """Return where somebody is who has been heard by a way: there he is reached, unless he can be dialled.

        What comes by TCP from somebody who is reached by UDP says nothing about where his datagrams go, nor the other
        way round.
        """
        same = (flow.transport == "UDP") is (self.transport is Transport.UDP)
        remote = flow.remote if same and self.peer is None else self.remote
        connection = flow.connection or self.connection
        if (remote, connection) == (self.remote, self.connection):
            return self
        binding = self.binding if flow.connection else ""  # where his datagrams come from he says himself from now on
        return replace(self, remote=remote, connection=connection, binding=binding)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why nothing can be sent somewhere."""

    reason: str


class Fate(Enum):
    """What has become of a message that was to be sent."""

    SENT = "sent"
    WAITS = "waits for its connection to come up"
    LOST = "cannot be sent"


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A message that waits for a connection to come up; `key` is the transaction of a request of ours."""

    connection: ConnectionId
    flow: Flow
    message: Message
    again: bool = False
    key: Key | None = None


class SipFlows:
    """The ways of all calls."""

    def __init__(
        self,
        chassis: Chassis,
        plane: ConnectionPlane,
        datagrams: DatagramPlane,
        ports: Mapping[PortKey, Port],
        directory: PeerDirectory,
        answers: Answers,
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._datagrams = datagrams
        self._ports = ports
        self._directory = directory
        self._answers = answers
        self._waiting: dict[ConnectionId, dict[Waiting, None]] = {}
        self._requests: dict[Key, Waiting] = {}
        self.registered: Callable[[str, Instant], Place | None] = lambda _name, _now: None
        """Says where an endpoint is that is registered by this name, None where it is no more."""

    @property
    def footprint(self) -> int:
        """How many connections have messages waiting for them, and how many of those are requests."""
        return len(self._waiting) + len(self._requests)

    # Where somebody is.

    def of_connection(self, record: ConnectionRecord) -> Flow:
        """Return the way by which a message has come in on a connection."""
        listener = self._ports[record.port].config.listener_towards(record.remote, record.transport)
        return Flow(record.transport.name, record.remote, record.id, Local(listener))

    def of_datagram(self, listener: ListenerKey, remote: Endpoint) -> Flow:
        """Return the way by which a datagram has come in."""
        return Flow("UDP", remote, 0, Local(listener))

    def of_peer(self, key: PeerKey, trunk_group: TrunkGroupKey) -> Place | Unreachable:
        """Return where an ipPeer is called: over the transport of its pings, from a port of its zone in service."""
        peer = self._directory.get(key)
        if peer is None:
            return Unreachable(f"no ipPeer {key[2]}")
        ports = (self._ports[each] for each in zone_ports(self._chassis.tree, *key[:2]) if each in self._ports)
        sender = choose_sender(ports, preferred_transports(self._chassis.tree, peer.profile))
        if sender is None:
            return Unreachable(f"no sipSigPort of zone {key[1]} is in service")
        port, transport = sender
        remote = self._reached_at(peer, transport)
        if remote is None:
            return Unreachable(f"no address of ipPeer {key[2]} is known")
        return Place(Local(port.config.listener_towards(remote, transport), trunk_group), remote, key)

    def closed(self, flow: Flow) -> str:
        """Return why no new call may come in by a way, "" where it may: what is under way goes on."""
        local = flow.local
        assert isinstance(local, Local)
        port = self._ports.get(local.port)
        if port is not None and port.state is PortState.DRAINING:
            return f"sipSigPort {local.port[1]}/{local.port[2]} dries up"
        record = self._plane.table.get(flow.connection)
        if record is not None and self._plane.replacements.under_way(record.tls_profile):
            return "certificate is being replaced"
        return ""

    # What goes there.

    def open(self, place: Place, next_hop: str, now: Instant, *, dial: bool = True) -> Flow | Unreachable:
        """Return the way of a request; `next_hop` is a URI. Without `dial` only a connection that stands is taken."""
        place = self._current(place, now)
        if place.transport is Transport.UDP:
            return self._datagram_flow(place, next_hop)
        record = self._standing(place) or (self._dialled(place, now) if dial else Unreachable("not dialled"))
        if isinstance(record, Unreachable):
            return self.back(place) or record
        return Flow(record.transport.name, record.remote, record.id, place.local)

    def back(self, place: Place) -> Flow | None:
        """Return the way back over the connection that the far end has opened, None where it is gone.

        That is the last resort for requests: some who call cannot be called.
        """
        record = self._plane.table.get(place.connection)
        if record is None or not record.established:
            return None
        return Flow(record.transport.name, record.remote, record.id, place.local)

    def stands(self, flow: Flow) -> bool:
        """Whether a message can go at once, and need not wait for its connection to come up."""
        record = self._plane.table.get(flow.connection)
        return flow.transport == "UDP" or (record is not None and record.established)

    def send(
        self,
        flow: Flow,
        message: Message,
        now: Instant,
        fallback: Place | None = None,
        *,
        again: bool = False,
        key: Key | None = None,
    ) -> Fate:
        """Send a message, or have it wait until its connection is up; `key` is the transaction that a request begins.

        What belongs to a connection that is gone goes over the one by which a request would go to `fallback`.
        """
        local = flow.local
        assert isinstance(local, Local)
        if flow.transport == "UDP":
            return Fate.SENT if self._send_datagram(local.listener, flow.remote, message, now) else Fate.LOST
        record = self._plane.table.get(flow.connection)
        if record is None and fallback is not None:
            other = self.open(fallback, "", now)
            record = None if isinstance(other, Unreachable) else self._plane.table.get(other.connection)
        if record is None:
            return Fate.LOST
        if record.established:
            self._answers.send(record, message, now)
            return Fate.SENT
        waiting = Waiting(record.id, flow, message, again, key)
        self._waiting.setdefault(record.id, {})[waiting] = None
        if key is not None:
            self._requests[key] = waiting
        return Fate.WAITS

    def withdraw(self, key: Key) -> bool:
        """Send the request of a transaction no more, if it still waits for its connection; False where it does not."""
        waiting = self._requests.pop(key, None)
        if waiting is None:
            return False
        others = self._waiting[waiting.connection]
        del others[waiting]
        if not others:
            del self._waiting[waiting.connection]
        return True

    # What becomes of connections.

    def connection_up(self, record: ConnectionRecord, now: Instant) -> Iterator[Waiting]:
        """A connection has come up: send what waited for it, and yield it."""
        for waiting in self._released(record):
            if self._plane.table.get(record.id) is record:
                self._answers.send(record, waiting.message, now)
                yield waiting

    def connection_gone(self, record: ConnectionRecord) -> None:
        """A connection is gone, or has never come up; what waited for it is lost."""
        self._released(record)

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()
        self._requests.clear()

    def queued(self, record: ConnectionRecord) -> int:
        """Return how many messages wait for a connection to come up."""
        return len(self._waiting.get(record.id, ()))

    def _released(self, record: ConnectionRecord) -> tuple[Waiting, ...]:
        released = tuple(self._waiting.pop(record.id, ()))
        for waiting in released:
            if waiting.key is not None:
                del self._requests[waiting.key]
        return released

    def _current(self, place: Place, now: Instant) -> Place:
        """Return where somebody is: an endpoint that has left its connection is where it has registered since.

        One that is reached by UDP has none to leave, and is where it has registered last.
        """
        if not place.binding or (place.transport is not Transport.UDP and self._plane.table.get(place.connection)):
            return place
        found = self.registered(place.binding, now)
        if found is None:
            return place
        return replace(found, local=replace(found.local, trunk_group=place.local.trunk_group))

    def _standing(self, place: Place) -> ConnectionRecord | None:
        if place.peer is None:
            return self._plane.table.get(place.connection)
        found = None
        for record in self._plane.table.of_peer(place.peer):
            if record.port == place.local.port and record.transport is place.transport:
                if record.established:
                    return record
                found = found or record
        return found

    def _dialled(self, place: Place, now: Instant) -> ConnectionRecord | Unreachable:
        port = self._ports.get(place.local.port)
        if port is None or port.state is PortState.DOWN:
            return Unreachable("sipSigPort out of service")
        peer = None if place.peer is None else self._directory.get(place.peer)
        if peer is None:
            return Unreachable("the connection is gone, and no ipPeer is known there")
        remote = self._reached_at(peer, place.transport)
        if remote is None:
            return Unreachable(f"no address of ipPeer {peer.key[2]} is known")
        if place.transport is Transport.TLS:
            profile = read_tls_profile(self._chassis.tree, port.config.tls_profile)
            if not profile.client_role:
                return Unreachable(f"tlsProfile {profile.name} allows the server role only")
        return self._plane.dial(port, place.transport, remote, peer.key, 1, now)

    def _reached_at(self, peer: IpPeer, transport: Transport) -> Endpoint | None:
        address = self._directory.address(peer)
        number = peer.host_port if peer.host_name and not peer.address else peer.port
        return (address, port_towards(number, transport, self._chassis.settings)) if address else None

    def _datagram_flow(self, place: Place, next_hop: str) -> Flow | Unreachable:
        local = place.local
        port = self._datagrams.port(local.listener)
        if port is None:
            return Unreachable("sipSigPort out of service")
        remote = self._address_of(next_hop, place)
        if not _same_family(local.listener, remote):
            other = port.config.listener_towards(remote, Transport.UDP)
            if not _same_family(other, remote):
                remote = place.remote  # the port has no address of that family
            else:
                local = replace(local, listener=other)
        return Flow("UDP", remote, 0, local)

    def _address_of(self, next_hop: str, place: Place) -> Endpoint:
        """Return where a request goes by UDP: who is no ipPeer, or names a host nobody knows, is where he was."""
        try:
            target = uri.parse(next_hop)
        except SipError:
            return place.remote
        host = target.value("maddr") or target.host  # where to send it whatever it is called (RFC 3261 19.1.1)
        address = usual_address(host.strip("[]")) or self._chassis.settings.hosts.get(host, "")
        if place.peer is None or not address:
            return place.remote
        return address, port_towards(target.port, Transport.UDP, self._chassis.settings)

    def _send_datagram(self, listener: ListenerKey, remote: Endpoint, message: Message, now: Instant) -> bool:
        if self._datagrams.port(listener) is None:
            return False
        if isinstance(message, Request):
            self._datagrams.send(listener, remote, message, message.to_bytes(), now, call_id=message.via.branch)
            return True
        return self._answers.send_datagram(listener, remote, message, now, answers=not _elsewhere(message))


def _same_family(listener: ListenerKey, remote: Endpoint) -> bool:
    return (":" in listener.address[0]) is (":" in remote[0])


def _elsewhere(response: Response) -> bool:
    """Whether an answer goes elsewhere than where its request came from, as its sender wished."""
    return bool(parameter(response.via.parameters, "maddr"))
