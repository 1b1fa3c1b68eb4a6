"""certExpiryCheck: the periodic re-check of live connections and the daily expiry warning.

The re-check costs what it closes: one heap entry for each certificate in use, none for each connection. Only where OCSP
is on it goes through all connections, for what to ask about. Between two runs nothing is judged, so a connection may
outlive a certificate by one period; that is the box's behaviour.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sbcsim.addresses import format_endpoint
from sbcsim.clock import DAY, HOUR, Instant, Order, parse_duration
from sbcsim.events import CertificateCheck, CertificateWarning
from sbcsim.pki.credential import Certificate, TrustAnchors, issued_by

from . import boxpoints
from .alarms import AlarmName
from .certificates import Loaded
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord
from .ocsp import Question, Revoked, questions_about
from .ocspprofile import LIST as OCSP_PROFILES
from .ocspprofile import OcspProfile, read_ocsp_profile
from .tlsprofile import LIST as TLS_PROFILES
from .tlsprofile import read_tls_profile

_PATH = ("system", "security", "certExpiryCheck")
RATE = (*_PATH, "certReCheckRate")
RECHECK = ("recheck",)
WARNING = ("warning",)
CLOSED_AT_ONCE = 32
"""Connections that a re-check closes in one go."""


@dataclass(slots=True)
class _Findings:
    """Connections that have failed with why, and what follows when they are closed: `then` is told how many were."""

    failed: deque[tuple[ConnectionRecord, str]]
    then: Callable[[int, Instant], None]
    closed: int = 0


class CertificateChecks:
    """Both jobs of certExpiryCheck."""

    def __init__(self, chassis: Chassis, plane: ConnectionPlane) -> None:
        self._chassis = chassis
        self._plane = plane
        self._table = plane.table
        self._expiries: list[tuple[int, str]] = []
        self._tracked: set[str] = set()
        self._distrusted: set[str] = set()
        self._midnight = 0
        self._findings: deque[_Findings] = deque()
        self._late = False

    def start(self, now: Instant) -> None:
        """Begin both jobs: the re-check one full period from now, the warning at the next midnight."""
        self.schedule_recheck(now)
        self._midnight = (now.calendar // DAY + 1) * DAY
        self._schedule_warning(now)

    def schedule_recheck(self, now: Instant) -> None:
        """Begin a full period anew: at start, after a changed rate, after a switchover."""
        period, self._late = self._period(), False
        if period is None:
            self._chassis.timetable.looking.cancel(RECHECK)
        else:
            self._chassis.timetable.looking.set(RECHECK, now.uptime + period, Order.CERTIFICATE)

    def connection_up(self, record: ConnectionRecord, now: Instant) -> None:  # noqa: ARG002 - the watchers' form
        """Watch the certificates of a connection that has come up, perhaps on an anchor disabled meanwhile."""
        if not self._anchored(record):
            self._distrusted.add(record.peer_chain[-1].fingerprint)
        for certificate in record.certificates():
            self._track(certificate)

    def connection_failed(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """Nothing was watched yet."""

    def connection_gone(self, record: ConnectionRecord, reason: str, now: Instant) -> None:
        """What no connection uses any more is dropped when it comes up."""

    def anchors_changed(self, old: TrustAnchors, new: TrustAnchors) -> None:
        """Remember anchors in use that are enabled no longer; one that came back is trusted again."""
        self._distrusted |= {each for each in old.fingerprints - new.fingerprints if self._table.uses(each)}
        self._distrusted -= new.fingerprints

    def acts_at(self, now: Instant) -> int | None:
        """Return the uptime of the re-check that will close something, None if none is in sight."""
        due = self._chassis.timetable.looking.due(RECHECK)
        period = self._period()
        if due is None or period is None:
            return None
        if any(self._table.uses(each) for each in self._distrusted) or (self._table.secured and self._asking()):
            return due
        expiry = self._next_expiry()
        if expiry is None:
            return None
        expires = expiry - now.calendar + now.uptime
        return due if due > expires else due + ((expires - due) // period + 1) * period

    def recheck(self, now: Instant) -> None:
        """Close every connection that stands on an expired certificate or an anchor enabled no longer.

        Where OCSP is on, those that stand on a revoked one follow when every answer is there.
        """
        if self._put_off(now):
            return
        failed: dict[int, tuple[ConnectionRecord, str]] = {}
        checked = self._table.secured
        for fingerprint in sorted(self._distrusted):
            for record in self._table.using(fingerprint):
                if not self._anchored(record):
                    failed[record.id] = (record, "untrusted")
        self._distrusted.clear()
        while (expiry := self._next_expiry()) is not None and expiry < now.calendar:
            _, fingerprint = heapq.heappop(self._expiries)
            self._tracked.discard(fingerprint)
            for record in self._table.using(fingerprint):
                failed[record.id] = (record, "expired")
        self.schedule_recheck(now)
        self._close(failed, lambda closed, then: self._ask(checked, closed, then), now)

    @property
    def unfinished(self) -> bool:
        """Whether a re-check has more to close than it has yet."""
        return bool(self._findings)

    def go_on(self, now: Instant) -> None:
        """Close some more of what the re-check has found, so that thousands of them keep nobody else waiting long."""
        if not self._findings:
            return
        found = self._findings[0]
        for _ in range(min(CLOSED_AT_ONCE, len(found.failed))):
            record, why = found.failed.popleft()
            if self._table.get(record.id) is record and not self._misses(record, why, now):
                self._fail(record, why, now)
                found.closed += 1
        if not found.failed:
            self._findings.popleft()
            found.then(found.closed, now)

    def _close(
        self,
        failed: Mapping[int, tuple[ConnectionRecord, str]],
        then: Callable[[int, Instant], None],
        now: Instant,
    ) -> None:
        self._findings.append(_Findings(deque(failed[number] for number in sorted(failed)), then))
        self.go_on(now)

    def _put_off(self, now: Instant) -> bool:
        """Whether the re-check that is due runs later, because a fault wants that."""
        faults, server = self._chassis.faults, self._chassis.servers.active.name
        delay = None if self._late else faults.fires(boxpoints.LATE, server, now)
        if delay is None:
            return False
        self._late = True
        self._chassis.timetable.looking.set(RECHECK, now.uptime + parse_duration(delay), Order.CERTIFICATE)
        return True

    def _misses(self, record: ConnectionRecord, why: str, now: Instant) -> bool:
        """Whether a fault has a connection passed over, until the next re-check finds it again."""
        faults = self._chassis.faults
        if not faults.any or faults.fires(boxpoints.MISS, format_endpoint(record.remote), now) is None:
            return False
        if why == "untrusted":
            self._distrusted.add(record.peer_chain[-1].fingerprint)
        for certificate in record.certificates():
            self._track(certificate)
        return True

    def _track(self, certificate: Certificate) -> None:
        if certificate.fingerprint not in self._tracked:
            self._tracked.add(certificate.fingerprint)
            heapq.heappush(self._expiries, (certificate.not_after, certificate.fingerprint))

    def _ask(self, checked: int, closed: int, now: Instant) -> None:
        asking = self._asking()
        if not asking:
            self._chassis.emit(now, CertificateCheck(checked, closed))
            return

        def told(revoked: Revoked, then: Instant) -> None:
            failed = {
                record.id: (record, "revoked")
                for name, fingerprint in revoked
                for record in self._table.using(fingerprint)
                if record.tls_profile in asking and asking[record.tls_profile].name == name
            }
            self._close(failed, lambda more, at: self._chassis.emit(at, CertificateCheck(checked, closed + more)), then)

        self._plane.ocsp.inquire(self._questions(asking), told, now)

    def _fail(self, record: ConnectionRecord, why: str, now: Instant) -> None:
        where = f"{record.remote[0]}:{record.remote[1]}"
        text = f"Certificate re-check failed for connection {record.id} to {where}: {why}"
        self._chassis.alarms.raise_alarm(AlarmName.CERTIFICATE_RECHECK_FAILED, f"connection {record.id}", text, now)
        self._plane.expel(record, f"certificate re-check: {why}", now)

    def _asking(self) -> dict[str, OcspProfile]:
        """Return the tlsProfiles with OCSP, and whom each asks."""
        tree = self._chassis.tree
        if not tree.keys(OCSP_PROFILES):
            return {}
        found = {}
        for (name,) in tree.keys(TLS_PROFILES):
            profile = read_ocsp_profile(tree, read_tls_profile(tree, name).ocsp_profile)
            if profile is not None:
                found[name] = profile
        return found

    def _questions(self, asking: Mapping[str, OcspProfile]) -> Iterator[tuple[OcspProfile, Question]]:
        """Yield the questions about certificates in use, each once for an ocspProfile, in connectionId order."""
        anchors, asked = self._chassis.certificates.anchors, set()
        for record in sorted(self._table, key=lambda each: each.id):
            profile = asking.get(record.tls_profile)
            if profile is None or not record.established:
                continue
            for chain in _chains(record, anchors):
                for question in questions_about(chain, anchors):
                    key = (profile.name, question.certificate.fingerprint)
                    if key not in asked:
                        asked.add(key)
                        yield profile, question

    def warn(self, now: Instant) -> None:
        """Run the daily job over every enabled certificate in name order, for each midnight that has come."""
        threshold = self._number("expiryWarningThreshold")
        period = self._number("expirationPeriodicWarning")
        while self._midnight <= now.calendar:
            for loaded in self._chassis.certificates.in_name_order():
                self._warn_about(loaded, threshold, period, now)
            self._midnight += DAY
        self._schedule_warning(now)

    def stepped(self, now: Instant) -> None:
        """The calendar has jumped: the next midnight comes earlier, or at once."""
        self._schedule_warning(now)

    def _warn_about(self, loaded: Loaded, threshold: int | None, period: int | None, now: Instant) -> None:
        left = loaded.certificate.not_after - self._midnight
        days = max(0, left // DAY)
        alarm = left < 0 or (
            threshold is not None
            and (days == threshold or (days < threshold and period is not None and days % period == 0))
        )
        self._chassis.emit(now, CertificateWarning(loaded.name, loaded.type, days, alarm))
        if alarm:
            text = f"Certificate {loaded.name} " + ("has expired" if left < 0 else f"expires in {days} days")
            objects = (("sonusSecurityCertName", loaded.name), ("sonusSecurityCertExpiryDaysLeft", days))
            self._chassis.alarms.raise_alarm(AlarmName.CERTIFICATE_EXPIRE_SOON, loaded.name, text, now, objects=objects)

    def clear(self) -> None:
        """Forget what was watched."""
        self._expiries.clear()
        self._tracked.clear()
        self._distrusted.clear()
        self._findings.clear()

    def _schedule_warning(self, now: Instant) -> None:
        due = now.uptime + max(0, self._midnight - now.calendar)
        self._chassis.timetable.looking.set(WARNING, due, Order.WARNING)

    def _anchored(self, record: ConnectionRecord) -> bool:
        """Whether the peer's chain still leads to an enabled certificate; always so where it is not validated."""
        if not record.validate_peer or not record.peer_chain:
            return True
        return self._chassis.certificates.anchors.hold(record.peer_chain)

    def _next_expiry(self) -> int | None:
        # Entries of certificates that no connection uses any more are dropped when they come up.
        while self._expiries:
            not_after, fingerprint = self._expiries[0]
            if self._table.uses(fingerprint):
                return not_after
            heapq.heappop(self._expiries)
            self._tracked.discard(fingerprint)
        return None

    def _period(self) -> int | None:
        hours = self._number("certReCheckRate")
        return None if hours is None else hours * HOUR

    def _number(self, leaf: str) -> int | None:
        value = self._chassis.tree.value((*_PATH, leaf))
        return value if isinstance(value, int) else None


def _chains(record: ConnectionRecord, anchors: TrustAnchors) -> Iterator[Sequence[Certificate]]:
    """Yield both sides' certificates that a responder may know about: our own with who issued it, the peer's chain."""
    credential = record.credential
    if credential is not None:
        own = credential.certificate
        issuers = credential.chain or [each for each in anchors.certificates if issued_by(own, each)]
        yield (own, *issuers[:1])
    if record.validate_peer:
        yield record.peer_chain
