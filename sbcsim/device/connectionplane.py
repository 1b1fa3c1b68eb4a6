"""Opening, handshaking, carrying and closing connections: every way a connection record comes and goes.

The certificate of a connection is looked up here, at the moment its handshake starts, from the running
configuration of that moment, for both directions alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sbcsim.clock import SECOND, Instant, Order
from sbcsim.events import (
    AlertReceived,
    CertificateSeen,
    ConnectionClosed,
    ConnectionOpened,
    DialFailed,
    Handshake,
    LogEvent,
)
from sbcsim.pki.credential import Certificate, CertificateError, Credential

from .chassis import Chassis
from .connections import ConnectionRecord, ConnectionState, ConnectionTable, PortKey
from .effects import (
    Close,
    Closing,
    ConnectionId,
    Dial,
    Direction,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    ListenerKey,
    Send,
    StartTls,
    Transport,
)
from .listeners import Port, PortState
from .tlsprofile import TlsProfile, read_tls_profile

NO_INTERFACE = ("", "", "")

_FAILURE_COUNTERS: dict[HandshakeFailure, tuple[str, ...]] = {
    HandshakeFailure.NO_COMMON_CIPHER: ("noCipherSuite",),
    HandshakeFailure.NO_COMMON_VERSION: ("noCipherSuite",),
    HandshakeFailure.NO_LOCAL_CERTIFICATE: ("noCipherSuite",),
    HandshakeFailure.NO_PEER_CERTIFICATE: ("noClientCert",),
    HandshakeFailure.PEER_EXPIRED: ("validationFailures",),
    HandshakeFailure.PEER_NOT_YET_VALID: ("validationFailures",),
    HandshakeFailure.PEER_UNKNOWN_CA: ("validationFailures",),
    HandshakeFailure.PEER_INVALID: ("validationFailures",),
    HandshakeFailure.ALERT_RECEIVED: ("fatelAlertsReceived",),
    HandshakeFailure.CLOSED: (),
    HandshakeFailure.PROTOCOL: ("receiveFailures",),
}


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

    def __init__(self, chassis: Chassis, table: ConnectionTable, ports: Mapping[PortKey, Port]) -> None:
        self._chassis = chassis
        self._ports = ports
        self.table = table
        self.watchers: list[Watcher] = []
        self.opening: set[ConnectionId] = set()
        """Connections on their way up whose far end is not known to be silent."""

    def accepted(self, listener: ListenerKey, local: Endpoint, remote: Endpoint, now: Instant) -> ConnectionId:
        """Take an inbound TCP connection; over TLS its handshake begins at once."""
        key = (listener.address_context, listener.zone, listener.sip_sig_port)
        port = self._ports.get(key)
        number = self.table.take_id()
        if port is None or port.state is PortState.DOWN:
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
            record.move(ConnectionState.UP)
            _count_plain(port, 1)
            self._came_up(record, now)
        return number

    def dial(
        self, port: Port, transport: Transport, remote: Endpoint, peer: tuple[str, str, str], times: int, now: Instant
    ) -> ConnectionRecord:
        """Begin an outbound connection from a sipSigPort to an ipPeer."""
        local = next(key.address for key in port.config.listeners() if key.transport is transport)
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
        self._chassis.timetable.acting.set(
            ("connect", record.id), now.uptime + port.config.connect_seconds * SECOND, Order.TIMEOUT
        )
        self._chassis.effect(Dial(record.id, local[0], remote))
        return record

    def dialed(self, connection: ConnectionId, local: Endpoint, now: Instant) -> None:
        """An outbound TCP connection stands."""
        record = self.table.get(connection)
        if record is None:
            return
        self._chassis.timetable.acting.cancel(("connect", connection))
        record.local = (record.local[0], local[1])
        self._opened(record, now)
        port = self._ports[record.port]
        if record.transport is Transport.TLS:
            self._start_tls(record, port, now)
        else:
            record.move(ConnectionState.UP)
            _count_plain(port, 1)
            self._came_up(record, now)

    def dial_failed(self, connection: ConnectionId, reason: str, now: Instant) -> None:
        """An outbound TCP connection could not be opened."""
        record = self.table.get(connection)
        if record is None:
            return
        self._forget(record)
        self._chassis.emit(
            now, DialFailed(record.id, _port_name(record), _endpoint(record.remote), reason, record.times)
        )
        for watcher in self.watchers:
            watcher.connection_failed(record, reason, now)

    def handshake_done(self, connection: ConnectionId, result: HandshakeDone, now: Instant) -> None:
        """A handshake has succeeded: SIP may flow, unless the far end has yet to identify itself."""
        record = self.table.get(connection)
        if record is None:
            return
        record.version, record.cipher, record.resumed = result.version, result.cipher, result.resumed
        try:
            record.peer_chain = tuple(Certificate.from_der(der) for der in result.peer_chain)
        except CertificateError as error:
            # OpenSSL has accepted what cannot be read again: nothing could ever be re-checked on this connection.
            self._chassis.effect(Close(record.id, Closing.GRACEFUL))
            self.handshake_failed(connection, HandshakeFailed(HandshakeFailure.PEER_INVALID, str(error)), now)
            return
        if record.auth_seconds is None:
            record.move(ConnectionState.UP)
        else:
            record.move(ConnectionState.WAITING_SIP_AUTH)
            self._chassis.timetable.acting.set(
                ("auth", record.id), now.uptime + record.auth_seconds * SECOND, Order.TIMEOUT
            )
        self._count_up(record)
        self._chassis.emit(now, self._handshake(record, ok=True))
        self._came_up(record, now)

    def handshake_failed(self, connection: ConnectionId, result: HandshakeFailed, now: Instant) -> None:
        """A handshake has failed; `net` has sent the alert and closes the connection by itself."""
        record = self.table.get(connection)
        if record is None:
            return
        if result.peer_leaf is not None:
            record.peer_chain = _readable(result.peer_leaf)
        tls = self._ports[record.port].counters.tls
        for counter in (*_FAILURE_COUNTERS[result.failure], "handshakeFailures"):
            tls.add(counter, record.times)
        if "validationFailures" in _FAILURE_COUNTERS[result.failure]:
            side = "serverAuthFailures" if record.direction is Direction.OUTBOUND else "clientAuthFailures"
            tls.add(side, record.times)
        self._chassis.emit(now, self._handshake(record, ok=False, result=result))
        self._log_failed_handshake(record, result.reason, now)
        self._forget(record)
        for watcher in self.watchers:
            watcher.connection_failed(record, result.reason, now)

    def handshake_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The handshakeTimer has run out."""
        record = self.table.get(connection)
        if record is None:
            return
        tls = self._ports[record.port].counters.tls
        tls.add("handshakeTimeouts", record.times)
        tls.add("handshakeFailures", record.times)
        result = HandshakeFailed(HandshakeFailure.CLOSED, "handshakeTimer ran out")
        self._chassis.emit(now, self._handshake(record, ok=False, result=result))
        self._log_failed_handshake(record, result.reason, now)
        self._chassis.effect(Close(record.id, Closing.GRACEFUL))
        self._forget(record)
        for watcher in self.watchers:
            watcher.connection_failed(record, result.reason, now)

    def connect_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The tcpConnectTimeout has run out."""
        self._chassis.effect(Close(connection, Closing.RESET))
        self.dial_failed(connection, "tcpConnectTimeout ran out", now)

    def authentication_timed_out(self, connection: ConnectionId, now: Instant) -> None:
        """The appAuthTimer has run out on a connection that waits for a known peer."""
        record = self.table.get(connection)
        if record is not None:
            self._ports[record.port].counters.tls.add("higherAuthTimeout")
            self.close(record, "appAuthTimer ran out", now)

    def authenticated(self, record: ConnectionRecord) -> None:
        """A request from a known peer has come in on a connection that waited for one."""
        self._chassis.timetable.acting.cancel(("auth", record.id))
        record.move(ConnectionState.UP)

    def closed(self, connection: ConnectionId, reason: str, now: Instant, alert: int = 0) -> None:
        """The far end has closed or reset a connection, with a fatal alert where `alert` is not 0."""
        record = self.table.get(connection)
        if record is None:
            return
        if alert:
            self._ports[record.port].counters.tls.add("fatelAlertsReceived", record.times)
            self._chassis.emit(now, AlertReceived(record.id, alert, reason))
        if not record.established:
            failure = HandshakeFailed(HandshakeFailure.CLOSED, reason, alert_received=alert)
            self.handshake_failed(connection, failure, now)
            return
        self._gone(record, "remote", reason, now)

    def send(self, record: ConnectionRecord, data: bytes, now: Instant, *, pdus: int = 1, times: int = 1) -> None:
        """Write `data` (`pdus` SIP messages) to a connection; `times` is what a coalesced message stands for."""
        record.last_used = now
        record.bytes_out += len(data) * times
        record.messages_out += pdus * times
        counters = self._ports[record.port].counters.port
        counters.add("txPdus", pdus * times)
        counters.add("txBytes", len(data) * times)
        self._chassis.effect(Send(record.id, data))

    def count_received(self, record: ConnectionRecord, size: int, pdus: int, now: Instant, times: int = 1) -> None:
        """Count what came in on a connection."""
        record.last_used = now
        record.bytes_in += size * times
        record.messages_in += pdus * times
        counters = self._ports[record.port].counters.port
        counters.add("rxPdus", pdus * times)
        counters.add("rxBytes", size * times)

    def close(self, record: ConnectionRecord, reason: str, now: Instant, how: Closing = Closing.GRACEFUL) -> None:
        """Close a connection from our side."""
        self._chassis.effect(Close(record.id, how))
        if record.established:
            self._gone(record, "local", reason, now)
            return
        self._forget(record)
        self._chassis.emit(now, self._closed_event(record, "local", reason))
        for watcher in self.watchers:
            watcher.connection_failed(record, reason, now)

    def give_up(self) -> None:
        """Nobody waits any longer for the far ends of connections on their way up."""
        for connection in self.opening:
            record = self.table.get(connection)
            if record is not None:
                record.silent = True
        self.opening.clear()

    def _start_tls(self, record: ConnectionRecord, port: Port, now: Instant) -> None:
        profile = read_tls_profile(self._chassis.tree, port.config.tls_profile)
        name = profile.certificate(record.direction)
        credential = self._chassis.certificates.credential(name) if name else None
        record.begin_handshake(profile.name, credential, self._chassis.revision)
        record.validate_peer = profile.validate_peer
        if record.direction is Direction.INBOUND and not profile.auth_client:
            record.auth_seconds = profile.app_auth_seconds
        port.counters.tls.add(f"current{_side(record)}Handshakes")
        self.opening.add(record.id)
        self._chassis.timetable.acting.set(
            ("handshake", record.id), now.uptime + profile.handshake_seconds * SECOND, Order.TIMEOUT
        )
        self._chassis.effect(self._tls_effect(record, profile, credential, now))

    def _tls_effect(
        self, record: ConnectionRecord, profile: TlsProfile, credential: Credential | None, now: Instant
    ) -> StartTls:
        return StartTls(
            record.id,
            record.direction,
            profile.settings(record.direction),
            credential,
            self._chassis.certificates.anchors,
            now.calendar,
        )

    def _opened(self, record: ConnectionRecord, now: Instant) -> None:
        record.since = record.last_used = now
        self._chassis.emit(
            now,
            ConnectionOpened(
                record.id,
                record.direction.value,
                _port_name(record),
                _endpoint(record.local),
                _endpoint(record.remote),
            ),
        )

    def _came_up(self, record: ConnectionRecord, now: Instant) -> None:
        self._opening_ended(record)
        self.table.index_certificates(record)
        for watcher in self.watchers:
            watcher.connection_up(record, now)

    def _count_up(self, record: ConnectionRecord) -> None:
        counters = self._ports[record.port].counters
        side = _side(record)
        counters.tls.add(f"current{side}Handshakes", -1)
        counters.tls.add(f"current{side}Connections")
        counters.tls.add(f"total{side}Connections")
        counters.connections.add("activeTlsTcpConnection")
        counters.connections.add("totalTlsTcpConnection")
        if side == "Server":
            if record.resumed:
                counters.tls.add("sessionResumptions")
            else:
                counters.tls.add("currentServerSessions")
                counters.tls.add("totalServerSessions")

    def _gone(self, record: ConnectionRecord, by: str, reason: str, now: Instant) -> None:
        self._forget(record)
        self._chassis.emit(now, self._closed_event(record, by, reason))
        for watcher in self.watchers:
            watcher.connection_gone(record, reason, now)

    def _forget(self, record: ConnectionRecord) -> None:
        counters = self._ports[record.port].counters
        side = _side(record)
        if record.state is ConnectionState.NEGOTIATING:
            counters.tls.add(f"current{side}Handshakes", -1)
        elif record.established and record.transport is Transport.TLS:
            counters.tls.add(f"current{side}Connections", -1)
            counters.connections.add("activeTlsTcpConnection", -1)
            if side == "Server" and not record.resumed:
                counters.tls.add("currentServerSessions", -1)
        elif record.established:
            counters.connections.add("tcpConnection", -1)
        self._opening_ended(record)
        self._chassis.timetable.acting.cancel(("auth", record.id))
        self.table.remove(record)

    def _opening_ended(self, record: ConnectionRecord) -> None:
        self.opening.discard(record.id)
        for kind in ("connect", "handshake"):
            self._chassis.timetable.acting.cancel((kind, record.id))

    def _handshake(self, record: ConnectionRecord, *, ok: bool, result: HandshakeFailed | None = None) -> Handshake:
        return Handshake(
            connection=record.id,
            direction=record.direction.value,
            ok=ok,
            version=record.version,
            cipher=record.cipher,
            resumed=record.resumed,
            local_certificate=own_certificate(record.credential),
            peer_certificate=seen(record.peer_chain[0]) if record.peer_chain else None,
            alert_sent=result.alert_sent if result else 0,
            alert_received=result.alert_received if result else 0,
            reason=result.reason if result else "",
            times=record.times,
        )

    def _log_failed_handshake(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        text = f"*Tls: handshake with {_endpoint(record.remote)} failed: {reason}"
        self._chassis.emit(now, LogEvent("SEC", "minor", text))

    def _closed_event(self, record: ConnectionRecord, by: str, reason: str) -> ConnectionClosed:
        name = record.credential.name if record.credential is not None else ""
        return ConnectionClosed(record.id, record.direction.value, by, reason, name)


def own_certificate(credential: Credential | None) -> CertificateSeen | None:
    """Return an own certificate as it appears in events, None where none was shown."""
    return None if credential is None else seen(credential.certificate, credential.name)


def seen(certificate: Certificate, name: str = "") -> CertificateSeen:
    """Return a certificate as it appears in events."""
    return CertificateSeen(certificate.subject, certificate.serial, certificate.not_after, name)


def _readable(der: bytes) -> tuple[Certificate, ...]:
    """Return a refused certificate for the journal, nothing where it cannot be read at all."""
    try:
        return (Certificate.from_der(der),)
    except CertificateError:
        return ()


def _count_plain(port: Port, step: int) -> None:
    port.counters.connections.add("tcpConnection", step)
    port.counters.connections.add("totalTcpConnection")


def _side(record: ConnectionRecord) -> str:
    return "Client" if record.direction is Direction.OUTBOUND else "Server"


def _port_name(record: ConnectionRecord) -> str:
    return f"{record.address_context}/{record.zone}/{record.sip_sig_port}"


def _endpoint(endpoint: Endpoint) -> str:
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
