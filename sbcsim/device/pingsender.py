"""How a ping leaves: from which sipSigPort, over which transport, to which place, by which connection if any.

Whatever can go wrong on the way is reported to `failed`, at once or later; who waits for answers stands in `awaiting`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sbcsim.clock import Instant
from sbcsim.events import SipMessage
from sbcsim.sip import options
from sbcsim.sip.locating import Answer, Question, Unlocated
from sbcsim.sip.message import Request

from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, PeerKey, PortKey
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey, Transport
from .listeners import Port
from .names import Names, Search
from .objects import zone_ports
from .pathroute import choose_sender, port_towards
from .peerdirectory import PeerDirectory
from .peerstate import PathCheck
from .tlsprofile import read_tls_profile
from .udpping import UdpPings


class PingSender:
    """Sends the pings of all path checks."""

    def __init__(
        self,
        chassis: Chassis,
        plane: ConnectionPlane,
        datagrams: DatagramPlane,
        ports: Mapping[PortKey, Port],
        directory: PeerDirectory,
        failed: Callable[[PathCheck, str, Instant], None],
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._ports = ports
        self._directory = directory
        self._failed = failed
        self.names = Names(chassis)
        self.udp = UdpPings(chassis, datagrams)
        self.awaiting: set[PeerKey] = set()
        """Peers that owe an answer which somebody waits for."""
        self.missed: set[PeerKey] = set()
        """Peers that have been waited for in vain since the clock began to move."""

    def way(self, check: PathCheck) -> tuple[Port, Transport] | None:
        """Return from where and over what a ping goes, None while no port of the zone is in service for it."""
        assert check.profile is not None
        keys = zone_ports(self._chassis.tree, *check.peer.key[:2])
        return choose_sender((self._ports[key] for key in keys if key in self._ports), check.profile.transports)

    def send(self, check: PathCheck, port: Port, transport: Transport, now: Instant) -> None:
        """Begin the ping of a path check."""
        record = self._plane.table.get(check.connection)
        if record is None or not _serves(record, port, transport):  # a call may have opened another one
            others = self._plane.table.of_peer(check.peer.key)
            record = next((each for each in others if _serves(each, port, transport)), None)
            check.connection = 0 if record is None else record.id
        if record is None:
            self._locate(check, port, transport, now)
            return
        self._await(check)
        if record.established:
            self.send_on(check, record, now)

    def send_on(self, check: PathCheck, record: ConnectionRecord, now: Instant) -> None:
        """Send the ping under way on a connection that stands."""
        ping = check.ping
        assert ping is not None
        ping.connection = record.id
        listener = self._ports[record.port].config.listener_towards(record.remote, record.transport)
        request = self._request(check, listener, record.remote)
        data = request.to_bytes()
        self._plane.send(record, data, now, times=ping.times)
        self._chassis.emit(now, SipMessage(record.id, "out", request.summary, ping.call_id, len(data), ping.times))

    def resend(self, check: PathCheck, now: Instant) -> None:
        """Send a ping over UDP again that nobody has answered so far.

        The first repetition is listened for as well. Who misses two in a row is silent.
        """
        ping = check.ping
        if ping is not None and ping.datagram is not None:
            sent = self.udp.resend(check.peer.key, ping.datagram, now)
            if sent and ping.hoped and ping.datagram.sent == 2:
                self.awaiting.add(check.peer.key)

    def looked_up(
        self, question: Question, answer: Answer, checks: Callable[[PeerKey], PathCheck | None], now: Instant
    ) -> None:
        """Take an answer of the DNS: the pings that waited for it go on, unless their time is over."""
        for search in self.names.looked_up(question, answer, now):
            check = checks(search.key)
            if check is not None and check.ping is not None and check.ping.search is search:
                self._follow(check, search, now)

    def _request(self, check: PathCheck, listener: ListenerKey, remote: Endpoint) -> Request:
        assert check.ping is not None
        return options.ping(
            remote,
            listener.address,
            listener.transport.name,
            call_id=check.ping.call_id,
            branch=self._chassis.token(),
            tag=self._chassis.token(8),
            cseq=1,
            describe=check.peer.status_update,
        )

    def _locate(self, check: PathCheck, port: Port, transport: Transport, now: Instant) -> None:
        check.connection = 0  # what becomes of an earlier connection no longer decides this check's pings
        reason = ""
        if transport is Transport.TLS:
            profile = read_tls_profile(self._chassis.tree, port.config.tls_profile)
            if not profile.client_role:
                reason = f"tlsProfile {profile.name} allows the server role only"
        peer, address, number = check.peer, check.peer.address, check.peer.port
        if peer.host_name:
            address, number = self.names.known(peer.host_name), peer.host_port
        elif not address:
            reason = reason or "ipAddress is not configured"
        if reason:
            self._failed(check, reason, now)
        elif address:
            settings = self._chassis.settings
            self._go(check, port, transport, (address, port_towards(number, transport, settings)), now)
        else:
            assert check.ping is not None
            check.ping.search = Search(peer, port, transport)
            self._follow(check, check.ping.search, now)

    def _follow(self, check: PathCheck, search: Search, now: Instant) -> None:
        found = self.names.find(search, now)
        if found is None:
            return
        assert check.ping is not None
        check.ping.search = None
        if isinstance(found, Unlocated):
            self._failed(check, found.reason, now)
        elif not search.port.sends:
            self._failed(check, "sipSigPort out of service", now)
        else:
            self._directory.found(check.peer.key, found[0])
            if search.host_port:
                found = (found[0], port_towards(found[1], search.transport, self._chassis.settings))
            self._go(check, search.port, search.transport, found, now)

    def _go(self, check: PathCheck, port: Port, transport: Transport, remote: Endpoint, now: Instant) -> None:
        ping = check.ping
        assert ping is not None
        self._await(check)
        if transport is Transport.UDP:
            listener = port.config.listener_towards(remote, transport)
            request = self._request(check, listener, remote)
            ping.datagram = self.udp.send(check.peer.key, listener, remote, request, ping.times, now)
            return
        record = self._plane.dial(port, transport, remote, check.peer.key, ping.times, now)
        check.connection = record.id
        if check.peer.key not in self.awaiting:
            self._plane.opening.discard(record.id)

    def _await(self, check: PathCheck) -> None:
        # A silent peer may have come back: it is listened for once in a stretch, and once in a move of the clock.
        key = check.peer.key
        if check.ping is not None and (check.ping.times > 1 or not check.silent or key not in self.missed):
            self.awaiting.add(key)


def _serves(record: ConnectionRecord, port: Port, transport: Transport) -> bool:
    """Whether a connection is one of the sipSigPort that sends, over the transport that is wished."""
    return record.port == port.config.key and record.transport is transport
