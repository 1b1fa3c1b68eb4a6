"""What a connection adds to the counters of its sipSigPort, step by step (sbc-model, status and statistics).

A step that stands for several (`record.times` dials of a coalesced ping) counts as many.
"""

from __future__ import annotations

from .connections import ConnectionRecord, ConnectionState
from .counters import PortCounters
from .effects import Direction, Ending, HandshakeFailed, HandshakeFailure, Transport

_FAILURES: dict[HandshakeFailure, tuple[str, ...]] = {
    HandshakeFailure.NO_COMMON_CIPHER: ("noCipherSuite",),
    HandshakeFailure.NO_COMMON_VERSION: ("noCipherSuite",),
    HandshakeFailure.NO_LOCAL_CERTIFICATE: ("noCipherSuite",),
    HandshakeFailure.NO_PEER_CERTIFICATE: ("noClientCert",),
    HandshakeFailure.PEER_EXPIRED: ("validationFailures",),
    HandshakeFailure.PEER_NOT_YET_VALID: ("validationFailures",),
    HandshakeFailure.PEER_UNKNOWN_CA: ("validationFailures",),
    HandshakeFailure.PEER_INVALID: ("validationFailures",),
    HandshakeFailure.PEER_NAME: ("validationFailures",),
    HandshakeFailure.PEER_REVOKED: ("validationFailures",),
    HandshakeFailure.ALERT_RECEIVED: ("fatelAlertsReceived",),
    HandshakeFailure.CLOSED: (),
    HandshakeFailure.PROTOCOL: ("receiveFailures",),
}


def handshake_begun(counters: PortCounters, record: ConnectionRecord) -> None:
    """Count a handshake that begins."""
    counters.tls.add(f"current{_side(record)}Handshakes")


def handshake_failed(counters: PortCounters, record: ConnectionRecord, result: HandshakeFailed) -> None:
    """Count why a handshake failed."""
    names = [*_FAILURES[result.failure], "handshakeFailures"]
    if "validationFailures" in names:
        names.append("serverAuthFailures" if record.direction is Direction.OUTBOUND else "clientAuthFailures")
    for name in names:
        counters.tls.add(name, record.times)


def handshake_timed_out(counters: PortCounters, *, times: int) -> None:
    """Count handshakes that the handshakeTimer ended."""
    counters.tls.add("handshakeTimeouts", times)
    counters.tls.add("handshakeFailures", times)


def established(counters: PortCounters, record: ConnectionRecord) -> None:
    """Count a connection that SIP may flow on; the record is still on its way up."""
    if record.transport is not Transport.TLS:
        counters.connections.add("tcpConnection")
        counters.connections.add("totalTcpConnection")
        return
    side = _side(record)
    counters.tls.add(f"current{side}Handshakes", -1)
    counters.tls.add(f"current{side}Connections")
    counters.tls.add(f"total{side}Connections")
    counters.connections.add("activeTlsTcpConnection")
    counters.connections.add("totalTlsTcpConnection")
    if record.direction is Direction.INBOUND:
        if record.resumed:
            counters.tls.add("sessionResumptions")
        else:
            counters.tls.add("currentServerSessions")
            counters.tls.add("totalServerSessions")


def repeated(counters: PortCounters, record: ConnectionRecord, *, times: int) -> None:
    """Count connections that came up like this one and ended at once."""
    counters.tls.add(f"total{_side(record)}Connections", times)
    counters.connections.add("totalTlsTcpConnection", times)


def gone(counters: PortCounters, record: ConnectionRecord) -> None:
    """Count off a connection that ends, by the state in which it ends."""
    side = _side(record)
    if record.state is ConnectionState.NEGOTIATING:
        counters.tls.add(f"current{side}Handshakes", -1)
    elif record.established and record.transport is Transport.TLS:
        counters.tls.add(f"current{side}Connections", -1)
        counters.connections.add("activeTlsTcpConnection", -1)
        if record.direction is Direction.INBOUND and not record.resumed:
            counters.tls.add("currentServerSessions", -1)
    elif record.established:
        counters.connections.add("tcpConnection", -1)


def ended(counters: PortCounters, record: ConnectionRecord, ending: Ending) -> None:
    """Count a connection of TLS that broke down instead of being closed."""
    if record.transport is Transport.TLS:
        if ending is Ending.RESET or ending is Ending.UNREADABLE:
            counters.tls.add("receiveFailures")
        elif ending is Ending.UNSENT:
            counters.tls.add("sendFailures")


def sent(counters: PortCounters, record: ConnectionRecord, size: int, pdus: int, times: int) -> None:
    """Count octets and SIP messages that go out."""
    record.bytes_out += size * times
    record.messages_out += pdus * times
    counters.port.add("txPdus", pdus * times)
    counters.port.add("txBytes", size * times)


def received(counters: PortCounters, record: ConnectionRecord, size: int, pdus: int, times: int) -> None:
    """Count octets and SIP messages that came in."""
    record.bytes_in += size * times
    record.messages_in += pdus * times
    counters.port.add("rxPdus", pdus * times)
    counters.port.add("rxBytes", size * times)


def _side(record: ConnectionRecord) -> str:
    return "Client" if record.direction is Direction.OUTBOUND else "Server"
