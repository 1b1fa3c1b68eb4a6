"""Pure functions from the simulated box's own records to the values of the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sbcsim.clock import Clock, format_duration, to_datetime
from sbcsim.device.effects import Transport

from .models import (
    Address,
    Alarm,
    Alarms,
    Call,
    CallLeg,
    Certificate,
    ClockReading,
    Connection,
    Fault,
    LocalCertificate,
    Peer,
    PeerCertificate,
)

if TYPE_CHECKING:
    from sbcsim.device import alarms as device_alarms
    from sbcsim.device import calls as device_calls
    from sbcsim.device.connections import ConnectionRecord
    from sbcsim.device.faults import Active
    from sbcsim.device.views import AlarmsView, CertificateView, PeerView

TransportWord = Literal["udp", "tcp", "tls"]

_TRANSPORTS: dict[Transport, TransportWord] = {Transport.UDP: "udp", Transport.TCP: "tcp", Transport.TLS: "tls"}


def transport_word(transport: Transport) -> TransportWord:
    """Return the control API's word for a transport."""
    return _TRANSPORTS[transport]


def clock_reading(clock: Clock) -> ClockReading:
    """Return both readings of a clock."""
    now = clock.reading()
    return ClockReading(clock.mode.value, now.datetime(), now.uptime / 1_000_000, clock.rate)


def fault(active: Active) -> Fault:
    """Return one fault."""
    it = active.fault
    return Fault(
        id=it.id,
        point=it.point,
        match=it.match,
        nth=it.nth,
        times=it.times,
        probability=it.probability,
        period=format_duration(it.period),
        value=it.value,
        gap=it.gap,
        met=active.met,
        fired=active.fired,
    )


def connection(record: ConnectionRecord) -> Connection:
    """Return one live connection."""
    own = record.credential
    peer = record.peer_chain[0] if record.peer_chain else None
    return Connection(
        id=record.id,
        direction=record.direction.value,
        transport=transport_word(record.transport),
        state=record.state.value,
        local=Address(*record.local),
        remote=Address(*record.remote),
        address_context=record.address_context,
        zone=record.zone,
        sip_sig_port=record.sip_sig_port,
        peer="" if record.peer is None else record.peer[2],
        tls_profile=record.tls_profile,
        version=record.version,
        cipher=record.cipher,
        local_certificate=None
        if own is None
        else LocalCertificate(own.name, own.certificate.serial, to_datetime(own.certificate.not_after)),
        peer_certificate=None
        if peer is None
        else PeerCertificate(peer.subject, peer.serial, to_datetime(peer.not_after)),
        resumed=record.resumed,
        since=record.since.datetime(),
        last_used=record.last_used.datetime(),
        messages_in=record.messages_in,
        messages_out=record.messages_out,
        bytes_in=record.bytes_in,
        bytes_out=record.bytes_out,
    )


def peer(view: PeerView) -> Peer:
    """Return one ipPeer."""
    return Peer(
        name=view.name,
        address_context=view.address_context,
        zone=view.zone,
        address=Address(view.address, view.port) if view.address else None,
        path_check=view.path_check,
        path_state=view.state,
        last_ping=None if view.last_ping is None else view.last_ping.datetime(),
        successes=view.successes,
        failures=view.failures,
        connection=view.connection or None,
    )


def certificate(view: CertificateView) -> Certificate:
    """Return one certificate object."""
    content = view.certificate
    return Certificate(
        name=view.name,
        type=view.type,
        state=view.state,
        subject=None if content is None else content.subject,
        issuer=None if content is None else content.issuer,
        serial=None if content is None else content.serial,
        not_before=None if content is None else to_datetime(content.not_before),
        not_after=None if content is None else to_datetime(content.not_after),
        days_to_expiry=view.days,
        used_by=view.profiles,
        connections=view.connections,
    )


def call(standing: device_calls.Call) -> Call:
    """Return one call."""
    return Call(
        id=standing.id,
        state=standing.state.value,
        ingress=_leg(standing.ingress),
        egress=None if standing.egress is None else _leg(standing.egress),
        calling=standing.calling,
        called=standing.called,
        since=standing.since.datetime(),
    )


def _leg(leg: device_calls.Leg) -> CallLeg:
    place = (leg.address_context, leg.zone, leg.trunk_group)
    return CallLeg(*place, peer=leg.peer, call_id=leg.call_id, connection=leg.connection or None)


def alarms(view: AlarmsView) -> Alarms:
    """Return the alarm tables."""
    return Alarms(tuple(map(alarm, view.current)), tuple(map(alarm, view.history)))


def alarm(row: device_alarms.Alarm) -> Alarm:
    """Return one alarm."""
    return Alarm(
        id=row.id,
        name=row.name.event,
        severity=row.name.severity,
        description=row.description,
        subject=row.subject,
        state=row.state,  # type: ignore[arg-type]
        clear_type="automatic" if row.name.automatic else "manual",
        first=row.first.datetime(),
        last=row.last.datetime(),
        count=row.count,
        acknowledged=row.acknowledged,
        comment=row.comment,
    )
