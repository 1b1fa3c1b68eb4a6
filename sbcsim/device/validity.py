"""When certificates begin and end: a path check that failed so far may succeed from that instant, and the reverse."""

from __future__ import annotations

from sbcsim.clock import SECOND, Instant, Order
from sbcsim.pki.credential import Certificate

from .chassis import Chassis
from .connections import ConnectionRecord

VALIDITY = "validity"


class Validity:
    """Has a timer set for each date of a certificate that can decide a handshake of the box's own dials.

    It watches connections for the certificates of peers that were refused.
    """

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._coming: dict[tuple[str, str], int] = {}

    def watch(self, certificate: Certificate, now: Instant) -> None:
        """Set the timers of one certificate, as far as its dates are still to come."""
        for edge, calendar in (("begins", certificate.not_before), ("ends", certificate.not_after + SECOND)):
            if calendar > now.calendar:
                self._coming[certificate.fingerprint, edge] = calendar
                self._set((certificate.fingerprint, edge), calendar, now)

    def come(self, edge: tuple[str, str]) -> None:
        """A date has come."""
        self._coming.pop(edge, None)

    def stepped(self, now: Instant) -> None:
        """The calendar has jumped: every date comes earlier, some at once."""
        for edge, calendar in self._coming.items():
            self._set(edge, calendar, now)

    def clear(self) -> None:
        """Forget every date: the node begins anew."""
        self._coming.clear()

    def _set(self, edge: tuple[str, str], calendar: int, now: Instant) -> None:
        due = now.uptime + max(0, calendar - now.calendar)
        self._chassis.timetable.acting.set((VALIDITY, edge), due, Order.CERTIFICATE)

    def connection_up(self, record: ConnectionRecord, now: Instant) -> None:
        """What is up stays up until the re-check."""

    def connection_failed(self, record: ConnectionRecord, reason: str, now: Instant) -> None:  # noqa: ARG002
        """Watch what a peer showed in vain."""
        if record.peer is not None:
            for certificate in record.peer_chain:
                self.watch(certificate, now)

    def connection_gone(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """The next dial will tell."""
