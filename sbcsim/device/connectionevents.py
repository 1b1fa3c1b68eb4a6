"""Connections and certificates as the journal shows them."""

from __future__ import annotations

from sbcsim.addresses import format_endpoint
from sbcsim.events import CertificateSeen, ConnectionClosed, ConnectionOpened, DialFailed, Handshake, LogEvent
from sbcsim.pki.credential import Certificate, Credential

from .connections import ConnectionRecord
from .effects import HandshakeFailed


def seen(certificate: Certificate, name: str = "") -> CertificateSeen:
    """Return a certificate; `name` is its object in the configuration, "" for a peer's own."""
    return CertificateSeen(certificate.subject, certificate.serial, certificate.not_after, name)


def opened(record: ConnectionRecord) -> ConnectionOpened:
    """Return that a TCP connection stands."""
    return ConnectionOpened(
        record.id, record.direction.value, _port(record), format_endpoint(record.local), format_endpoint(record.remote)
    )


def dial_failed(record: ConnectionRecord, reason: str, *, times: int) -> DialFailed:
    """Return that a TCP connection, or `times` alike, could not be opened."""
    return DialFailed(record.id, _port(record), format_endpoint(record.remote), reason, times)


def handshake(record: ConnectionRecord, failed: HandshakeFailed | None = None, *, times: int = 1) -> Handshake:
    """Return how a handshake, or `times` alike, ended."""
    return Handshake(
        connection=record.id,
        direction=record.direction.value,
        ok=failed is None,
        version=record.version,
        cipher=record.cipher,
        resumed=record.resumed,
        local_certificate=_own(record.credential),
        peer_certificate=seen(record.peer_chain[0]) if record.peer_chain else None,
        alert_sent=failed.alert_sent if failed else 0,
        alert_received=failed.alert_received if failed else 0,
        reason=failed.reason if failed else "",
        times=times,
        declined=record.declined,
    )


def failed_handshake_logged(record: ConnectionRecord, reason: str) -> LogEvent:
    """Return the line of the security log for a failed handshake."""
    return LogEvent("SEC", "minor", f"*Tls: handshake with {format_endpoint(record.remote)} failed: {reason}")


def renegotiation_logged(record: ConnectionRecord) -> LogEvent:
    """Return the line of the security log for a ClientHello on an established connection."""
    return LogEvent("SEC", "minor", f"*Tls: renegotiation by {format_endpoint(record.remote)} refused")


def closed(record: ConnectionRecord, by: str, reason: str) -> ConnectionClosed:
    """Return that a connection has ended; `by` is local or remote."""
    name = record.credential.name if record.credential is not None else ""
    return ConnectionClosed(record.id, record.direction.value, by, reason, name)


def _own(credential: Credential | None) -> CertificateSeen | None:
    return None if credential is None else seen(credential.certificate, credential.name)


def _port(record: ConnectionRecord) -> str:
    return "/".join(map(str, record.port))
