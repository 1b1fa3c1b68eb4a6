"""What a TLS handshake begins with: profile, own certificate, whom to ask, all as they are at that moment.

The certificate of a connection is looked up here and nowhere else, from the running configuration of the moment its
handshake starts, for both directions alike.
"""

from __future__ import annotations

from sbcsim.clock import Instant

from . import faultyhandshakes
from .chassis import Chassis
from .connections import ConnectionRecord
from .effects import Direction, StartTls
from .faultyhandshakes import Originals
from .ocspprofile import OcspProfile, read_ocsp_profile
from .peerdirectory import PeerDirectory
from .tlsprofile import TlsProfile


class HandshakeStart:
    """Says how a handshake begins, and writes into the record what it is judged by later."""

    def __init__(self, chassis: Chassis, directory: PeerDirectory, originals: Originals) -> None:
        self._chassis = chassis
        self._directory = directory
        self._originals = originals

    def prepare(self, record: ConnectionRecord, profile: TlsProfile, now: Instant) -> StartTls:
        """Return what the handshake of a connection begins with; faults may have it begin with something else."""
        certificates, faults, spoiled = self._chassis.certificates, self._chassis.faults, None
        name = profile.certificate(record.direction)
        credential = certificates.credential(name) if name else None
        if faults.any:
            credential = faultyhandshakes.shown(
                faults, self._originals, certificates, profile, record.direction, credential, now
            )
            spoiled = faultyhandshakes.spoiled(faults, profile, record.direction, now)
        record.begin_handshake(profile.name, credential, self._chassis.revision)
        record.validate_peer = profile.validate_peer
        if record.direction is Direction.INBOUND and not profile.auth_client:
            record.auth_seconds = profile.app_auth_seconds
        record.ocsp = self._asked(profile, record.direction)
        record.start = StartTls(
            record.id,
            record.direction,
            profile.settings(record.direction),
            credential,
            certificates.anchors,
            now.calendar,
            self._directory.names(record) if profile.verify_name else (),
            # Who takes a session up shows no certificate that could be asked about.
            0 if record.ocsp is not None or record.direction is Direction.OUTBOUND else profile.resumption_seconds,
            record.ocsp is not None,
            spoiled,
        )
        return record.start

    def hangs(self, record: ConnectionRecord, profile: TlsProfile, now: Instant) -> bool:
        """Whether a fault has the handshake begin never."""
        faults = self._chassis.faults
        return faults.any and faultyhandshakes.hangs(faults, profile, record.direction, now)

    def _asked(self, profile: TlsProfile, direction: Direction) -> OcspProfile | None:
        """Return whom to ask about the certificates that a far end shows, None for nobody."""
        judged = profile.validate_peer and (direction is Direction.OUTBOUND or profile.auth_client)
        return read_ocsp_profile(self._chassis.tree, profile.ocsp_profile) if judged else None
