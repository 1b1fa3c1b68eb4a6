"""Questions to OCSP responders about the certificates of connections, and what their answers mean.

Who wants to know asks about several certificates at once (`inquire`) and hears once, when every question has its answer
or its time is over. Nothing is remembered: each handshake and each re-check asks anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

from sbcsim import rng
from sbcsim.addresses import usual_address
from sbcsim.clock import SECOND, Instant, Order
from sbcsim.events import LogEvent, OcspAnswered
from sbcsim.pki import ocsp
from sbcsim.pki.credential import Certificate, TrustAnchors
from sbcsim.pki.ocsp import Answer

from . import connectionevents
from .chassis import Chassis
from .counters import Counters
from .effects import AskOcsp, DropOcsp, Endpoint
from .ocspprofile import OcspProfile

AT_ONCE = 64
"""Questions that are out at the same time; the others wait for an answer to one of them."""

TIMER = "ocsp"

NONCE = 16
"""Octets of a nonce."""

LEAVES = (
    "ocspRequestAttempts",
    "ocspResponsesGood",
    "ocspResponsesRevoked",
    "ocspResponsesUnknown",
    "ocspMalformedRequests",
    "ocspInternalErrors",
    "ocspTryLaters",
    "ocspSigRequired",
    "ocspUnauthorized",
    "ocspRepondersUnreachable",
    "ocspResponseTimeouts",
)
"""The counters of `ocspStatistics`."""

_COUNTED = {
    Answer.GOOD: "ocspResponsesGood",
    Answer.REVOKED: "ocspResponsesRevoked",
    Answer.UNKNOWN: "ocspResponsesUnknown",
    Answer.MALFORMED_REQUEST: "ocspMalformedRequests",
    Answer.INTERNAL_ERROR: "ocspInternalErrors",
    Answer.TRY_LATER: "ocspTryLaters",
    Answer.SIGNATURE_REQUIRED: "ocspSigRequired",
    Answer.UNAUTHORIZED: "ocspUnauthorized",
}

Revoked = frozenset[tuple[str, str]]
"""Certificates that are revoked, by fingerprint, each with the ocspProfile whose responder says so."""

Told = Callable[[Revoked, Instant], None]
"""Hears what is revoked."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether `issuer` has revoked a certificate."""

    certificate: Certificate
    issuer: Certificate


def questions_about(chain: Sequence[Certificate], anchors: TrustAnchors) -> Iterator[Question]:
    """Yield the questions about a chain, leaf first, up to the first trust anchor, about which there is none."""
    for certificate, issuer in pairwise(chain):
        if certificate in anchors:
            return
        yield Question(certificate, issuer)


@dataclass(slots=True)
class _Inquiry:
    """Several questions that are answered together."""

    left: int
    told: Told
    times: int
    revoked: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class _Asked:
    """One question on its way."""

    inquiry: _Inquiry
    profile: OcspProfile
    question: Question
    url: str
    nonce: bytes = b""


class OcspInquiries:
    """Every question of the node."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._counters: dict[str, Counters] = {}
        self._waiting: deque[_Asked] = deque()
        self._out: dict[int, _Asked] = {}
        self._numbers = 0
        self._hoped: set[int] = set()
        self._silent: set[str] = set()
        self._nonces = rng.stream(chassis.settings.seed, "ocsp")

    @property
    def awaited(self) -> int:
        """How many answers may still come at this instant."""
        return len(self._hoped)

    @property
    def hopeful(self) -> bool:
        """Whether one of those is owed by a responder that is not known to be silent."""
        return any(self._out[number].url not in self._silent for number in self._hoped)

    def counters(self, profile: str) -> Mapping[str, int]:
        """Return the counters of an ocspProfile by leaf."""
        counters = self._counters.get(profile)
        return {leaf: 0 if counters is None else counters[leaf] for leaf in LEAVES}

    def inquire(
        self, questions: Iterable[tuple[OcspProfile, Question]], told: Told, now: Instant, *, times: int = 1
    ) -> None:
        """Ask; `told` hears which are revoked, at once where there is nothing to ask.

        `times` is how many inquiries this one stands for: those of the dials of a coalesced ping.
        """
        asked = tuple(questions)
        inquiry = _Inquiry(len(asked), told, times)
        if not asked:
            told(frozenset(), now)
        for profile, question in asked:
            self._waiting.append(_Asked(inquiry, profile, question, profile.responder(question.certificate)))
        self._send(now)

    def answered(self, number: int, data: bytes | None, reason: str, now: Instant) -> None:
        """A responder has answered, or cannot be reached: `data` is None then and `reason` says why."""
        asked = self._take(number)
        if asked is None:
            return
        self._silent.discard(asked.url)
        if data is None:
            self._unanswered(asked, "ocspRepondersUnreachable", reason, now)
        else:
            self._read(asked, data, now)
        self._send(now)

    def timed_out(self, number: int, now: Instant) -> None:
        """The responseWaitTime has run out."""
        asked = self._take(number)
        assert asked is not None
        self._chassis.effect(DropOcsp(number))
        self._unanswered(asked, "ocspResponseTimeouts", "no answer in time", now)
        self._send(now)

    def give_up(self) -> None:
        """Expect no answer at this instant; those who owe one are silent until they speak."""
        self._silent.update(self._out[number].url for number in self._hoped)
        self._hoped.clear()

    def clear(self) -> None:
        """Forget every question, untold, and every counter: the node begins anew."""
        for number in self._out:
            self._chassis.effect(DropOcsp(number))
            self._chassis.timetable.acting.cancel((TIMER, number))
        self._out.clear()
        self._waiting.clear()
        self._hoped.clear()
        self._silent.clear()
        self._counters.clear()
        self._nonces = rng.stream(self._chassis.settings.seed, "ocsp")

    def _send(self, now: Instant) -> None:
        while self._waiting and len(self._out) < AT_ONCE:
            asked = self._waiting.popleft()
            server = _server(asked.url)
            if server is None:
                self._unanswered(asked, "", "no responder known" if not asked.url else "not an http URL", now)
                continue
            host, port = server
            address = self._chassis.settings.hosts.get(host) or usual_address(host)
            if not address:
                self._count(asked, "ocspRequestAttempts")
                self._unanswered(asked, "ocspRepondersUnreachable", f"{host} is not in the host table", now)
                continue
            self._numbers += 1
            number, question = self._numbers, asked.question
            self._out[number] = asked
            self._hoped.add(number)
            asked.nonce = self._nonces.randbytes(NONCE)
            self._count(asked, "ocspRequestAttempts")
            due = now.uptime + asked.profile.wait_seconds * SECOND
            self._chassis.timetable.acting.set((TIMER, number), due, Order.TIMEOUT)
            data = ocsp.request(question.certificate, question.issuer, asked.nonce)
            self._chassis.effect(AskOcsp(number, (address, port), asked.url, data))

    def _take(self, number: int) -> _Asked | None:
        self._hoped.discard(number)
        self._chassis.timetable.acting.cancel((TIMER, number))
        return self._out.pop(number, None)

    def _read(self, asked: _Asked, data: bytes, now: Instant) -> None:
        question, trusted = asked.question, self._chassis.certificates.anchors.certificates
        try:
            answer, reason = ocsp.read(data, question.certificate, question.issuer, asked.nonce, trusted), ""
        except ocsp.OcspError as error:
            answer, reason = Answer.UNKNOWN, str(error)
        self._count(asked, _COUNTED[answer])
        self._finish(asked, answer.value, reason, now)

    def _unanswered(self, asked: _Asked, counter: str, reason: str, now: Instant) -> None:
        if counter:
            self._count(asked, counter)
        self._finish(asked, "", reason, now)

    def _finish(self, asked: _Asked, answer: str, reason: str, now: Instant) -> None:
        certificate, inquiry = asked.question.certificate, asked.inquiry
        seen = connectionevents.seen(certificate)
        self._chassis.emit(now, OcspAnswered(asked.profile.name, seen, asked.url, answer, reason, inquiry.times))
        if answer == Answer.REVOKED.value:
            inquiry.revoked.add((asked.profile.name, certificate.fingerprint))
        elif answer != Answer.GOOD.value:
            why = reason or answer
            text = f"OCSP status of {certificate.subject} unavailable: {why}" + (f" ({asked.url})" if asked.url else "")
            self._chassis.emit(now, LogEvent("DBG", "minor", text))
        inquiry.left -= 1
        if not inquiry.left:
            inquiry.told(frozenset(inquiry.revoked), now)

    def _count(self, asked: _Asked, leaf: str) -> None:
        self._counters.setdefault(asked.profile.name, Counters(LEAVES)).add(leaf, asked.inquiry.times)


def _server(url: str) -> Endpoint | None:
    """Return the host and port that a URL leads to, None where it is not one of plain HTTP."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, port or 80) if parts.scheme == "http" and host else None
