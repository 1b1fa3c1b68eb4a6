"""Resumption: which TLS sessions a far end may take up again, for how long, and what ends them. All of it is here.

A session is born with a full handshake in which the box is server. The box as client never takes one up. The far end
knows a session by names: a session id, or the tickets it was given.

| what happens                                        | what becomes of sessions                                  |
|-----------------------------------------------------|-----------------------------------------------------------|
| sessionResumpTimer has run since the full handshake | over, by the node's uptime; at 0 none is kept             |
| the profile's serverCertName shows another          | full handshake with that; with `resume_across_renewal`    |
|   certificate: a rotation                           | or the fault `tls.resume` TLS 1.2 and older go on until   |
|                                                     | the timer ends                                            |
| another setting of the profile shapes handshakes    | full handshake for as long as it differs                  |
| a certificate of either side has expired, the       | full handshake, in which the far end gets the alert that  |
|   peer's anchor is disabled, its name does not fit  | is due                                                    |
| the re-check closes a connection                    | over, for every connection of the session                 |
| a fatal alert, or bytes that are no TLS             | over                                                      |
| any other end of a connection; a bounce of the      | nothing: whoever comes back may take his session up       |
|   sipSigPort or of its ipInterface                  |                                                           |
| the sipSigPort is deleted; reset; restart           | over                                                      |
| switchover                                          | over; they stay with `sessions_survive_switchover`        |

A connection on a session that was taken up stands on the certificates of the session's birth, whatever the profile
names by now. Sessions are in memory only: a state directory does not keep them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sbcsim.clock import SECOND, Instant
from sbcsim.pki.credential import Certificate, Credential
from sbcsim.pki.names import carries

from . import signallingpoints
from .chassis import Chassis
from .connections import ConnectionRecord, PortKey
from .effects import HandshakeDone, HandshakeFailed, HandshakeFailure, SessionId, StartTls, TlsSettings

MAX_SESSIONS = 20_480
"""Sessions kept at most; the oldest go first."""

MAX_NAMES = 16
"""Names kept for one session, the last ones: over TLS 1.3 every connection gives it another."""

UNKNOWN = "unknown session"
NOT_TAKEN = "not fit for this handshake"
NOT_ALLOWED = "a session was taken up that nobody allowed"
OTHER_PORT = "made on another sipSigPort"
LAPSED = "sessionResumpTimer ran out"
OTHER_SETTINGS = "tlsProfile changed"
RENEWED = "certificate changed"
OWN_EXPIRED = "own certificate expired"


@dataclass(slots=True, eq=False)
class CachedSession:
    """One session: what it was born with, and the names it goes by, the last one last."""

    port: PortKey
    version: str
    settings: TlsSettings
    credential: Credential
    peer_chain: tuple[Certificate, ...]
    born: Instant
    lifetime: int
    home: object = field(repr=False)
    names: list[SessionId]
    resumptions: int = 0


class TlsSessions:
    """Every session that may be taken up."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._sessions: OrderedDict[CachedSession, None] = OrderedDict()
        self._by_name: dict[SessionId, CachedSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def offered(self, record: ConnectionRecord, offers: Iterable[SessionId], now: Instant) -> object:
        """A client offers sessions to take up: return the `home` of the one that it may, None for none."""
        session = next((self._by_name[name] for name in offers if name in self._by_name), None)
        if record.start is None:
            return None
        record.declined = (
            UNKNOWN if session is None else self.objection(session, record.port, record.start, now, record.tls_profile)
        )
        if session is None or record.declined:
            return None
        record.offered = session
        return session.home

    def resumed(self, record: ConnectionRecord, result: HandshakeDone, now: Instant) -> HandshakeFailed | None:
        """Take up the session that was allowed; returns what has become wrong with it since then."""
        session, start = record.offered, record.start
        if session is None or start is None:
            return HandshakeFailed(HandshakeFailure.PROTOCOL, NOT_ALLOWED)
        record.resume(session)
        refused = self.refusal(session, start, now)
        if refused is None:
            session.resumptions += 1
            if session in self._sessions:  # else it has ended meanwhile, for whoever comes next
                for name in result.sessions:
                    session.names.append(name)
                    self._by_name[name] = session
                while len(session.names) > MAX_NAMES:
                    del self._by_name[session.names.pop(0)]
            record.session_name = session.names[-1]
        return refused

    def born(self, record: ConnectionRecord, result: HandshakeDone, now: Instant) -> None:
        """Keep the session of a full handshake, as far as it can be taken up."""
        start, credential = record.start, record.credential
        if record.offered is not None:
            record.declined = NOT_TAKEN
        if not result.sessions or start is None or credential is None:
            return
        session = CachedSession(
            record.port,
            result.version,
            start.settings,
            credential,
            record.peer_chain,
            now,
            start.lifetime,
            result.home,
            [*result.sessions],
        )
        record.session, record.session_name = session, session.names[-1]
        self._sessions[session] = None
        for name in session.names:
            self._by_name[name] = session
        while self._sessions:
            oldest = next(iter(self._sessions))
            if len(self._sessions) <= MAX_SESSIONS and not _lapsed(oldest, oldest.lifetime, now):
                break
            self.end(oldest)

    def end(self, session: CachedSession) -> None:
        """Let nobody take up a session any more."""
        if session in self._sessions:
            del self._sessions[session]
            for name in session.names:
                del self._by_name[name]

    def end_on(self, port: PortKey) -> None:
        """End every session that was made on a sipSigPort."""
        for session in [each for each in self._sessions if each.port == port]:
            self.end(session)

    def clear(self) -> None:
        """End every session."""
        self._sessions.clear()
        self._by_name.clear()

    def objection(self, session: CachedSession, port: PortKey, start: StartTls, now: Instant, profile: str = "") -> str:
        """Return why a handshake that began like `start` may not take up a session, "" where it may."""
        if session.port != port:
            return OTHER_PORT
        if _lapsed(session, min(session.lifetime, start.lifetime), now):
            return LAPSED
        if session.settings != start.settings:
            return OTHER_SETTINGS
        renewed = False
        if start.credential is None or start.credential.certificate != session.credential.certificate:
            if start.credential is None or session.version == "TLSv1.3" or not self._may_cross():
                return RENEWED
            renewed = True
        if any(each.expired(now.calendar) for each in (session.credential.certificate, *session.credential.chain)):
            return OWN_EXPIRED
        refused = self.refusal(session, start, now)
        if refused is not None:
            return refused.reason
        return "" if not renewed or self._crosses(profile, now) else RENEWED

    def _may_cross(self) -> bool:
        return self._chassis.settings.resume_across_renewal or self._chassis.faults.at(signallingpoints.RESUME)

    def _crosses(self, profile: str, now: Instant) -> bool:
        by_setting = self._chassis.settings.resume_across_renewal
        return by_setting or self._chassis.faults.fires(signallingpoints.RESUME, profile, now) is not None

    def refusal(self, session: CachedSession, start: StartTls, now: Instant) -> HandshakeFailed | None:
        """Return what is wrong with the far end of a session by now: nobody shows a certificate in a resumption."""
        chain = session.peer_chain
        if not chain:
            return None
        if session.settings.validate_peer:
            if any(each.expired(now.calendar) for each in chain):
                return _refused(HandshakeFailure.PEER_EXPIRED, chain)
            if not self._chassis.certificates.anchors.hold(chain):
                return _refused(HandshakeFailure.PEER_UNKNOWN_CA, chain)
        if start.names and not any(carries(chain[0], name) for name in start.names):
            return _refused(HandshakeFailure.PEER_NAME, chain)
        return None


def _refused(failure: HandshakeFailure, chain: tuple[Certificate, ...]) -> HandshakeFailed:
    return HandshakeFailed(failure, failure.value, peer_leaf=chain[0].der)


def _lapsed(session: CachedSession, lifetime: int, now: Instant) -> bool:
    return now.uptime - session.born.uptime >= lifetime * SECOND
