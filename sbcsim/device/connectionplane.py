"""Opening, handshaking, carrying and closing connections: every way a connection record comes and goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sbcsim.clock import SECOND, Instant, Order
from sbcsim.events import AlertReceived
from sbcsim.pki.credential import Certificate, CertificateError

from . import connectioncounts, connectionevents, signallingpoints
from .chassis import Chassis
from .connections import ConnectionRecord, ConnectionState, ConnectionTable, PortKey
from .counters import PortCounters
from .effects import (
    Close,
    Closing,
    ConnectionId,
    Dial,
    Direction,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    ListenerKey,
    Notice,
    OcspVerdict,
    Send,
    SessionId,
    Spoiling,
    Transport,
)
from .faultyhandshakes import Originals
from .handshakestart import HandshakeStart
from .listeners import Port, PortState
from .ocsp import OcspInquiries, Revoked, questions_about
from .peerdirectory import PeerDirectory
from .replacement import UNDER_WAY, Replacements
from .tlsprofile import read_tls_profile
from .tlssessions import TlsSessions

NO_INTERFACE = ("", "", "")

CONNECT_TIME_OUT = "tcpConnectTimeout ran out"
REFUSED = "connection refused"
HANDSHAKE_TIME_OUT = HandshakeFailed(HandshakeFailure.CLOSED, "handshakeTimer ran out")


class Watcher(Protocol):
    """Who wants to know what becomes of connections."""

    def connection_up(self, record: ConnectionRecord, now: Instant) -> None:
        """SIP may flow."""

    def connection_failed(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """A connection never came up."""

    def connection_gone(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """A connection that was up is closed."""


class ConnectionPlane:
    """All connections of the node."""

    def __init__(
        self, chassis: Chassis, table: ConnectionTable, ports: Mapping[PortKey, Port], directory: PeerDirectory
    ) -> None:
        self._chassis = chassis
        self._ports = ports
        self.table = table
        self.sessions = TlsSessions(chassis)
        self.ocsp = OcspInquiries(chassis)
        self.replacements = Replacements(chassis)
        self.originals = Originals(chassis.certificates)
        self._handshake_start = HandshakeStart(chassis, directory, self.originals)
        self.watchers: list[Watcher] = []
        self.opening: set[ConnectionId] = set()
        """Connections on their way up whose far end is not known to be silent."""

    def accepted(self, listener: ListenerKey, local: Endpoint, remote: Endpoint, now: Instant) -> ConnectionId:
        """Take an inbound TCP connection; over TLS its handshake begins at once."""
        key = (listener.address_context, listener.zone, listener.sip_sig_port)
        port = self._ports.get(key)
        number = self.table.take_id()
        out = port is None or port.state is PortState.DOWN
        if port is None or out or self._chassis.faults.fires(signallingpoints.ACCEPT, listener.zone, now) is not None:
            self._chassis.effect(Close(number, Closing.RESET))
            return number
        record = ConnectionRecord(
            number,
            Direction.INBOUND,
            listener.transport,
            key,
            port.interface or NO_INTERFACE,
            local,
            remote,
            now,
        )
        self.table.add(record)
        self._opened(record, now)
        if listener.transport is Transport.TLS:
            self._start_tls(record, port, now)
        else:
            self._came_up(record, ConnectionState.UP, now)
        return number

    def dial(
        self, port: Port, transport: Transport, remote: Endpoint, peer: tuple[str, str, str], times: int, now: Instant
    ) -> ConnectionRecord:
        """Begin an outbound connection from a sipSigPort to an ipPeer."""
        local = port.config.listener_towards(remote, transport).address
        record = ConnectionRecord(
            self.table.take_id(times),
            Direction.OUTBOUND,
            transport,
            port.config.key,
            port.interface or NO_INTERFACE,
            (local[0], 0),
            remote,
            now,
            peer=peer,
            times=times,
        )
        self.table.add(record)
        self.opening.add(record.id)
        self._chassis.timetable.own.set(
            ("connect", record.id), now.uptime + port.config.connect_seconds * SECOND, Order.TIMEOUT
        )
        faults = self._chassis.faults
        if faults.fires(signallingpoints.TIMEOUT, peer[2], now) is not None:
            self.opening.discard(record.id)  # nobody need wait for it
            return record
        refused = faults.fires(signallingpoints.REFUSED, peer[2], now)
        self._chassis.effect(Dial(record.id, local[0], remote, "" if refused is None else REFUSED))
        return record

    def dialed(self, connection: ConnectionId, local: Endpoint, now: Instant) -> None:
        """An outbound TCP connection stands."""
        record = self.table.get(connection)
        if record is None:
            return
        self._chassis.timetable.own.cancel(("connect", connection))
        record.local = (record.local[0], local[1])
        self._opened(record, now)
        port = self._ports[record.port]
        if record.transport is Transport.TLS:
            self._start_tls(record, port, now)
        else:
            self._came_up(record, ConnectionState.UP, now)

    def dial_failed(self, connection: ConnectionId, reason: str, now: Instant) -> None:
        """An outbound TCP connection could not be opened."""
        record = self.table.get(connection)
        if record is None:
            return
        self._forget(record)
        self._chassis.emit(now, connectionevents.dial_failed(record, reason, times=record.times))
        for watcher in self.watchers:
            watcher.connection_failed(record, reason, now)

    def session_offered(self, connection: ConnectionId, offers: Sequence[SessionId], now: Instant) -> object:
        """A client offers sessions to take up: return the `home` of the one that it may, None for none."""
        record = self.table.get(connection)
        return None if record is None else self.sessions.offered(record, offers, now)

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes], now: Instant) -> None:
        """A handshake waits to hear whether one of the far end's certificates is revoked."""

        def told(revoked: Revoked, _now: Instant) -> None:
            self._chassis.effect(OcspVerdict(connection, bool(revoked)))

        record = self.table.get(connection)
        profile = None if record is None else record.ocsp
        try:
            shown = tuple(map(Certificate.from_der, chain))
        except CertificateError:  # `handshake_done` meets it again and refuses the connection
            shown = ()
        if record is None or profile is None or not shown:  # perhaps given up by us in the meantime
            told(frozenset(), now)
            return
        questions = questions_about(shown, self._chassis.certificates.anchors)
        self.ocsp.inquire(((profile, each) for each in questions), told, now, times=record.times)

    def handshake_done(self, connection: ConnectionId, result: HandshakeDone, now: Instant) -> None:
        """A handshake has succeeded: SIP may flow, unless the far end has yet to identify itself."""
        record = self.table.get(connection)
        if record is None:
            return
        record.version, record.cipher = result.version, result.cipher
        start = record.start
        refused = self.sessions.resumed(record, result, now) if result.resumed else self._met(record, result, now)
        record.start = record.offered = record.ocsp = None
        if refused is not None:
            self._chassis.effect(Close(record.id, Closing.GRACEFUL))
            self.handshake_failed(connection, refused, now)
            return
        if start is not None and start.spoiled is not None and start.spoiled.how is Spoiling.SECURED:
            self._cut_off(record, start.spoiled.how.value, now)
            return
        waits = record.auth_seconds is not None
        if record.auth_seconds is not None:
            self._chassis.timetable.own.set(
                ("auth", record.id), now.uptime + record.auth_seconds * SECOND, Order.TIMEOUT
            )
        self._chassis.emit(now, connectionevents.handshake(record))
        self._came_up(record, ConnectionState.WAITING_SIP_AUTH if waits else ConnectionState.UP, now)

    def handshake_failed(self, connection: ConnectionId, result: HandshakeFailed, now: Instant) -> None:
        """A handshake has failed; `net` has sent the alert and closes the connection by itself."""
        record = self.table.get(connection)
        if record is None:
            return
        if result.peer_leaf is not None:
            record.peer_chain = _readable(result.peer_leaf)
        connectioncounts.handshake_failed(self._counters(record), record, result)
        self._handshake_ended_badly(record, result, now)

    def handshake_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The handshakeTimer has run out."""
        record = self.table.get(connection)
        if record is None:
            return
        connectioncounts.handshake_timed_out(self._counters(record), times=record.times)
        self._chassis.effect(Close(record.id, Closing.GRACEFUL))
        self._handshake_ended_badly(record, HANDSHAKE_TIME_OUT, now)

    def connect_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The tcpConnectTimeout has run out."""
        self._chassis.effect(Close(connection, Closing.RESET))
        self.dial_failed(connection, CONNECT_TIME_OUT, now)

    def authentication_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The appAuthTimer has run out on a connection that waits for a known peer."""
        record = self.table.get(connection)
        if record is not None:
            self._counters(record).tls.add("higherAuthTimeout")
            self.close(record, "appAuthTimer ran out", now)

    def authenticated(self, record: ConnectionRecord) -> None:
        """A request from a known peer has come in on a connection that waited for one."""
        self._chassis.timetable.own.cancel(("auth", record.id))
        record.move(ConnectionState.UP)

    def noticed(self, connection: ConnectionId, notice: Notice, alert: int, now: Instant) -> None:
        """The far end has done something inside TLS that ends nothing."""
        record = self.table.get(connection)
        if record is None:
            return
        if notice is Notice.WARNING:
            self._counters(record).tls.add("warningAlertsReceived")
            self._chassis.emit(now, AlertReceived(record.id, alert, notice.value))
        else:
            self._counters(record).tls.add("midConnectionHello")
            self._chassis.emit(now, connectionevents.renegotiation_logged(record))

    def closed(
        self, connection: ConnectionId, reason: str, now: Instant, alert: int = 0, ending: Ending = Ending.CLOSED
    ) -> None:
        """A connection has ended and not by our doing, with a fatal alert where `alert` is not 0."""
        record = self.table.get(connection)
        if record is None:
            return
        if record.established:
            connectioncounts.ended(self._counters(record), record, ending)
        if record.session is not None and (alert or ending is Ending.UNREADABLE):
            self.sessions.end(record.session)  # RFC 8446, section 6.2
        if alert:
            times = self._refused(record, now)
            self._counters(record).tls.add("fatelAlertsReceived", times)
            self._chassis.emit(now, AlertReceived(record.id, alert, reason, times))
        if not record.established:
            failure = HandshakeFailed(HandshakeFailure.CLOSED, reason, alert_received=alert)
            self.handshake_failed(connection, failure, now)
            return
        self._gone(record, "remote", reason, now)

    def _refused(self, record: ConnectionRecord, now: Instant) -> int:
        """Return how many connections a fatal alert ends: the one, or all that a coalesced ping would have dialled.

        Over TLS 1.3 the far end judges our certificate when our handshake is over. Who does not like it says so at
        once, and would have said so each time.
        """
        if not record.established:
            return record.times
        if record.times == 1 or record.messages_in or record.since != now:
            return 1
        connectioncounts.repeated(self._counters(record), record, times=record.times - 1)
        self._chassis.emit(now, connectionevents.handshake(record, times=record.times - 1))
        return record.times

    def send(self, record: ConnectionRecord, data: bytes, now: Instant, *, pdus: int = 1, times: int = 1) -> None:
        """Write `data` (`pdus` SIP messages) to a connection; `times` is what a coalesced message stands for."""
        record.last_used = now
        connectioncounts.sent(self._counters(record), record, len(data), pdus, times)
        self._chassis.effect(Send(record.id, data))

    def count_received(self, record: ConnectionRecord, size: int, pdus: int, now: Instant, times: int = 1) -> None:
        """Count what came in on a connection."""
        record.last_used = now
        connectioncounts.received(self._counters(record), record, size, pdus, times)

    def close(self, record: ConnectionRecord, reason: str, now: Instant, how: Closing = Closing.GRACEFUL) -> None:
        """Close a connection from our side."""
        faults = self._chassis.faults
        if faults.fires(signallingpoints.ABRUPT, record.zone, now) is not None:
            how = Closing.RESET
        elif how is Closing.GRACEFUL and record.established and record.transport is Transport.TLS:
            how = how if faults.fires(signallingpoints.CUT, record.zone, now) is None else Closing.CUT
        self._chassis.effect(Close(record.id, how))
        if record.established:
            self._gone(record, "local", reason, now)
            return
        self._forget(record)
        self._chassis.emit(now, connectionevents.closed(record, "local", reason))
        for watcher in self.watchers:
            watcher.connection_failed(record, reason, now)

    def expel(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """Close a connection, and let nobody take up its session."""
        if record.session is not None:
            self.sessions.end(record.session)
        self.close(record, reason, now)

    def give_up(self, now: Instant) -> None:
        """Nobody waits any longer for the far ends of connections on their way up.

        One that stands for several stands for itself from now on: the others would have run out of time by now.
        """
        for connection in sorted(self.opening):
            record = self.table.get(connection)
            if record is not None and record.times > 1:
                earlier, record.times = record.times - 1, 1
                if record.state is ConnectionState.CONNECTING:
                    self._chassis.emit(now, connectionevents.dial_failed(record, CONNECT_TIME_OUT, times=earlier))
                else:
                    connectioncounts.handshake_timed_out(self._counters(record), times=earlier)
                    self._chassis.emit(now, connectionevents.handshake(record, HANDSHAKE_TIME_OUT, times=earlier))
        self.opening.clear()

    def _start_tls(self, record: ConnectionRecord, port: Port, now: Instant) -> None:
        profile = read_tls_profile(self._chassis.tree, port.config.tls_profile)
        if self.replacements.under_way(profile.name):
            connectioncounts.handshake_failed(port.counters, record, UNDER_WAY)
            self._chassis.effect(Close(record.id, Closing.GRACEFUL))
            self._handshake_ended_badly(record, UNDER_WAY, now)
            return
        start = self._handshake_start.prepare(record, profile, now)
        connectioncounts.handshake_begun(port.counters, record)
        self.opening.add(record.id)
        self._chassis.timetable.own.set(
            ("handshake", record.id), now.uptime + profile.handshake_seconds * SECOND, Order.TIMEOUT
        )
        if self._handshake_start.hangs(record, profile, now):
            self.opening.discard(record.id)  # nobody need wait for it
            return
        self._chassis.effect(start)

    def _cut_off(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """Reset a connection right behind its handshake, of which nobody hears but those who count and look on."""
        self._chassis.emit(now, connectionevents.handshake(record))
        connectioncounts.established(self._counters(record), record)
        record.move(ConnectionState.UP)
        self.table.index_certificates(record)
        self._chassis.effect(Close(record.id, Closing.RESET))
        self._forget(record)
        self._chassis.emit(now, connectionevents.closed(record, "local", reason))
        for watcher in self.watchers:
            watcher.connection_failed(record, reason, now)

    def _met(self, record: ConnectionRecord, result: HandshakeDone, now: Instant) -> HandshakeFailed | None:
        """Take in what a full handshake has shown, and keep its session; returns what is wrong with it."""
        try:
            record.peer_chain = tuple(Certificate.from_der(der) for der in result.peer_chain)
        except CertificateError as error:
            # OpenSSL has accepted what cannot be read again: nothing could ever be re-checked on this connection.
            return HandshakeFailed(HandshakeFailure.PEER_INVALID, str(error))
        self.sessions.born(record, result, now)
        return None

    def _opened(self, record: ConnectionRecord, now: Instant) -> None:
        record.since = record.last_used = now
        self._chassis.emit(now, connectionevents.opened(record))

    def _came_up(self, record: ConnectionRecord, state: ConnectionState, now: Instant) -> None:
        connectioncounts.established(self._counters(record), record)
        record.move(state)
        self._opening_ended(record)
        self.table.index_certificates(record)
        for watcher in self.watchers:
            watcher.connection_up(record, now)

    def _handshake_ended_badly(self, record: ConnectionRecord, result: HandshakeFailed, now: Instant) -> None:
        self._chassis.emit(now, connectionevents.handshake(record, result, times=record.times))
        self._chassis.emit(now, connectionevents.failed_handshake_logged(record, result.reason))
        self._forget(record)
        for watcher in self.watchers:
            watcher.connection_failed(record, result.reason, now)

    def _gone(self, record: ConnectionRecord, by: str, reason: str, now: Instant) -> None:
        self._forget(record)
        self._chassis.emit(now, connectionevents.closed(record, by, reason))
        for watcher in self.watchers:
            watcher.connection_gone(record, reason, now)

    def _forget(self, record: ConnectionRecord) -> None:
        connectioncounts.gone(self._counters(record), record)
        self._opening_ended(record)
        self._chassis.timetable.own.cancel(("auth", record.id))
        self.table.remove(record)

    def _opening_ended(self, record: ConnectionRecord) -> None:
        self.opening.discard(record.id)
        for kind in ("connect", "handshake"):
            self._chassis.timetable.own.cancel((kind, record.id))

    def _counters(self, record: ConnectionRecord) -> PortCounters:
        return self._ports[record.port].counters


def _readable(der: bytes) -> tuple[Certificate, ...]:
    """Return a refused certificate for the journal, nothing where it cannot be read at all."""
    try:
        return (Certificate.from_der(der),)
    except CertificateError:
        return ()
