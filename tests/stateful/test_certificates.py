"""Certificates over renewals, expiries, bounces, dry-ups, switchovers, rollovers of an authority and resumptions.

A model of its own, far simpler than the box, knows for every connection that a peer has dialled what it stands on, and
foretells which of them live, which newcomers are let in, and which sessions may be taken up. A walk over everything
that is there holds the box to what a rotation relies on, whatever the model knows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
import testca
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inmemory import Box, FarEnd

from sbcsim.clock import DAY, HOUR, MINUTE, SECOND
from sbcsim.device.connections import ConnectionState
from sbcsim.device.effects import Direction, StartTls
from sbcsim.device.listeners import PortState
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.device.tlssessions import MAX_NAMES
from sbcsim.errors import UserError
from sbcsim.pki.mint import Issued

ZONE = ("addressContext", "default", "zone", "Z")
PORT = "set addressContext default zone Z sipSigPort 1 "
PROFILE = "set profiles security tlsProfile TLS "
CERTIFICATE = "set system security pki certificate "
LISTENER = ("10.0.0.5", 5061)
PEER = ("192.0.2.10", 5061)
LEAVES = {Direction.INBOUND: "serverCertName", Direction.OUTBOUND: "clientCertName"}
SLOTS = ("A", "B", "C")
RATE = 24 * HOUR
DRY_UP = 30 * MINUTE
RESUMABLE = DAY
LASTING = "2039-01-01T00:00:00Z"

BASE = (
    *(f"{CERTIFICATE}{name} fileName {name}.der type remote state enabled" for name in ("CA1", "CA2")),
    f"{CERTIFICATE}A fileName A.pem type local state enabled",
    f"{PROFILE}serverCertName A clientCertName A sessionResumpTimer {RESUMABLE // SECOND}",
    "set system admin SBC1 actualSystemName SBC1",
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 3 recoveryCount 2",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled"
    ),
    "set addressContext default zone Z ipPeer P ipAddress 192.0.2.10 ipPort 5061",
    "set addressContext default zone Z ipPeer P pathCheck profile PCP state enabled",
)

TO_THE_RECHECK = 0
LIVES = st.sampled_from([TO_THE_RECHECK, 2 * MINUTE, HOUR, 20 * HOUR, 30 * HOUR, 10 * DAY, 400 * DAY])
SPANS = st.one_of(
    st.sampled_from([SECOND, 29 * MINUTE, DRY_UP, 5 * HOUR, 23 * HOUR, DAY, 3 * DAY]), st.integers(1, 9 * DAY)
)
PEERS = st.lists(st.tuples(LIVES, st.sampled_from(["CA1", "CA2"])), min_size=1, max_size=4)


@dataclass(eq=False)
class Session:
    """What a full handshake leaves behind: which certificates, when, its names, whether it may still be taken up."""

    own: Issued
    shown: Issued
    authority: str
    born: int
    names: list[bytes] = field(default_factory=list)
    ended: bool = False


@dataclass(eq=False)
class Modelled:
    """A connection that a peer has dialled."""

    session: Session
    since: int
    closed: str = field(default="", compare=False)


class Certificates(RuleBasedStateMachine):
    """One sipSigPort, two authorities, one pinged peer, a pair of servers."""

    @initialize(version=st.sampled_from(["TLSv1.2", "TLSv1.3"]), peers=PEERS)
    def start(self, version: str, peers: list[tuple[int, str]]) -> None:
        self.authorities = {"CA1": testca.authority("ec"), "CA2": testca.stranger("ec")}
        self.trusted = {"CA1", "CA2"}
        own = testca.sbc("2026-01-15T12:00:00Z", key_type="ec")
        self.slots: dict[str, Issued] = {"A": own}
        self.named = dict.fromkeys(Direction, "A")
        self.begun = 0
        self.port = PortState.IN_SERVICE
        self.drained = 0
        self.live: dict[int, Modelled] = {}
        self.sessions: dict[bytes, Session] = {}
        self.checked: tuple[int, frozenset[str]] = (0, frozenset())
        self.callers = 0
        self.box = WatchedBox(self)
        self.box.version = version
        self.box.far_ends[PEER] = FarEnd(_chain(testca.peer(not_after=LASTING, key_type="ec")))
        for name, authority in self.authorities.items():
            self.box.put(f"{name}.der", authority.certificate.der)
        self.box.put("A.pem", _pem(own))
        self.box.commit(*BASE)
        self.connect(peers)

    # steps

    @rule(peers=PEERS)
    @precondition(lambda self: self.port is not PortState.DOWN)
    def connect(self, peers: list[tuple[int, str]]) -> None:
        """Peers dial in with certificates that live for a while."""
        for life, by in peers:
            self.callers += 1
            ends = self.calendar + self.span(life)
            shown = self.authorities[by].issue(
                f"caller{self.callers}.example.com", not_before=self.calendar - DAY, not_after=ends
            )
            number = self.box.connect(LISTENER, _chain(shown))
            self.arrived(number, Session(self.own(Direction.INBOUND), shown, by, self.now))

    @rule(data=st.data(), age=st.sampled_from([0, 0, RESUMABLE - SECOND, RESUMABLE]))
    @precondition(lambda self: self.port is not PortState.DOWN and self.sessions)
    def resume(self, data: st.DataObject, age: int) -> None:
        """A peer comes back with the session that it had, perhaps at its last moment or too late."""
        name = data.draw(st.sampled_from(sorted(self.sessions)))
        session = self.sessions[name]
        if session.born + age > self.now:
            self.advance(session.born + age - self.now)
        if self.port is not PortState.DOWN:
            self.come_back(name)

    def come_back(self, name: bytes) -> None:
        """A peer offers its session: it is taken up, or there is a full handshake."""
        session = self.sessions[name]
        number = self.box.connect(LISTENER, _chain(session.shown), offers=(name,))
        if self.resumable(session, name):
            record = self.box.sbc.connection(number)
            assert record is not None
            assert record.resumed
            self.settled(number, session)
        else:
            self.arrived(number, Session(self.own(Direction.INBOUND), session.shown, session.authority, self.now))
            record = self.box.sbc.connection(number)
            assert record is None or not record.resumed

    @rule(life=LIVES, roles=st.sampled_from([(Direction.INBOUND,), (Direction.OUTBOUND,), tuple(Direction)]))
    def renew(self, life: int, roles: tuple[Direction, ...]) -> None:
        """The profile names a new certificate, under a name that was not in use; what nobody names is deleted."""
        name = next(each for each in SLOTS if each not in self.named.values())
        ends = self.calendar + self.span(life)
        issued = testca.authority("ec").renew(testca.sbc(key_type="ec"), not_before=self.calendar - DAY, not_after=ends)
        self.box.put(f"{name}.pem", _pem(issued))
        lines = [f"{CERTIFICATE}{name} fileName {name}.pem type local state enabled"]
        lines += [f"{PROFILE}{LEAVES[role]} {name}" for role in roles]
        if issued.certificate.not_after < self.calendar:  # to a re-check in this very second, which has begun
            with pytest.raises(UserError, match="certificate expired"):
                self.box.commit(*lines)
            return
        before = set(self.named.values())
        self.slots[name] = issued
        self.named.update(dict.fromkeys(roles, name))
        for gone in sorted(before - set(self.named.values())):
            lines += [f"{CERTIFICATE}{gone} state disabled", f"delete {CERTIFICATE.removeprefix('set ')}{gone}"]
            del self.slots[gone]
        self.box.commit(*lines)

    @rule(span=SPANS)
    def advance(self, span: int) -> None:
        """Time passes: re-checks run, a dry-up ends."""
        start, end = self.now, self.now + span
        happens = [(at, 0) for at in range(self.begun + RATE, end + 1, RATE) if at > start]
        if self.port is PortState.DRAINING and self.drained <= end:
            happens.append((self.drained, 1))
        for at, what in sorted(happens):
            if what:
                self.port = PortState.DOWN
                self.live.clear()
            else:
                self.recheck(at)
        self.box.advance_by(span)

    @rule(beyond=st.sampled_from([-SECOND, 0, 1, SECOND, 25 * HOUR]))
    def expire(self, beyond: int) -> None:
        """Time passes to about the end of a certificate in use."""
        ends = [_end(each.session) for each in self.live.values()]
        span = min((end for end in ends if end > self.calendar), default=self.calendar) + beyond - self.calendar
        if 0 < span < 500 * DAY:
            self.advance(span)

    @rule()
    @precondition(lambda self: self.port is PortState.IN_SERVICE)
    def bounce(self) -> None:
        """The operator bounces the port by force."""
        self.box.commit(PORT + "action force mode outOfService")
        assert not self.box.sbc.connections()
        self.live.clear()
        self.box.commit(PORT + "mode inService")

    @rule()
    @precondition(lambda self: self.port is PortState.IN_SERVICE)
    def dry_up(self) -> None:
        """The port is taken out of service when its calls have ended."""
        self.box.commit(PORT + f"action dryup dryUpTimeout {DRY_UP // MINUTE} mode outOfService")
        self.port, self.drained = PortState.DRAINING, self.now + DRY_UP

    @rule()
    @precondition(lambda self: self.port is not PortState.IN_SERVICE)
    def serve(self) -> None:
        """The port comes back, perhaps too early: then nothing was bounced."""
        self.box.commit(PORT + "mode inService")
        self.port = PortState.IN_SERVICE

    @rule(name=st.sampled_from(["CA1", "CA2"]))
    def roll_over(self, name: str) -> None:
        """An authority is taken out of trust, or comes back."""
        self.trusted ^= {name}
        self.box.commit(f"{CERTIFICATE}{name} state {'enabled' if name in self.trusted else 'disabled'}")

    @rule(name=st.sampled_from(["CA1", "CA2"]))
    @precondition(lambda self: len(self.trusted) == 2)
    def forget(self, name: str) -> None:
        """An authority is out of trust while a re-check runs, and is put back too late."""
        self.advance(SECOND)  # so that the session of who comes now has not lapsed by then
        if self.port is not PortState.DOWN:
            self.connect([(10 * DAY, name)])
        standing = {each.session for each in self.live.values()}
        self.roll_over(name)
        self.advance(self.span(TO_THE_RECHECK))
        self.roll_over(name)
        found = [known for known, session in self.sessions.items() if session in standing and session.ended]
        if found and self.port is not PortState.DOWN:
            self.come_back(found[-1])

    @rule()
    def switch_over(self) -> None:
        """The standby server takes over, where it has caught up."""
        refused = self.box.sbc.switch_over("operator", self.box.now)
        self.box.pump()
        if refused:
            return
        self.live.clear()
        for session in self.sessions.values():
            session.ended = True
        self.begun = self.now
        self.checked = (self.now, frozenset())
        if self.port is PortState.DRAINING:
            self.port = PortState.DOWN

    @rule(data=st.data())
    @precondition(lambda self: self.live)
    def leave(self, data: st.DataObject) -> None:
        """A peer closes its connection; its session stays."""
        number = data.draw(st.sampled_from(sorted(self.live)))
        self.box.sbc.closed(number, "closed by peer", self.box.now)
        self.box.pump()
        del self.live[number]

    # what always holds

    @invariant()
    def exactly_those_live_that_the_model_foretells(self) -> None:
        inbound = {each.id for each in self.box.sbc.connections() if each.direction is Direction.INBOUND}
        assert inbound == set(self.live)
        (port,) = self.box.sbc._ports
        assert port.state is self.port

    @invariant()
    def a_connection_never_changes_its_certificate(self) -> None:
        for record in self.box.sbc.connections():
            if record.state is not ConnectionState.CONNECTING:
                assert record.credential is not None
                modelled = self.live.get(record.id)
                expected = self.box.begun[record.id] if modelled is None else modelled.session.own.certificate.serial
                assert record.credential.certificate.serial == expected

    @invariant()
    def nothing_lives_behind_a_recheck_that_is_expired_or_leads_to_nobody(self) -> None:
        at, trusted = self.checked
        anchors = {self.authorities[name].certificate.fingerprint for name in trusted}
        for record in self.box.sbc.connections():
            if record.established and record.since.uptime < at:
                then = at - self.now + self.calendar
                assert all(each.not_after >= then for each in record.certificates())
                assert anchors & {each.fingerprint for each in record.peer_chain}

    @invariant()
    def indexes_agree_with_a_full_walk(self) -> None:
        table = self.box.sbc._plane.table
        by_port, by_peer, by_certificate = defaultdict(set), defaultdict(set), defaultdict(set)
        for record in table:
            by_port[record.port].add(record.id)
            if record.peer is not None:
                by_peer[record.peer].add(record.id)
            for certificate in record.certificates() if record.established else ():
                by_certificate[certificate.fingerprint].add(record.id)
        for index, walked in (
            (table._by_port, by_port),
            (table._by_peer, by_peer),
            (table._by_certificate, by_certificate),
        ):
            assert {key: set(ids) for key, ids in index.items()} == walked

    @invariant()
    def what_is_counted_as_current_is_what_lives(self) -> None:
        standing: Counter[str] = Counter()
        for record in self.box.sbc.connections():
            side = "Server" if record.direction is Direction.INBOUND else "Client"
            standing[f"current{side}Connections"] += record.established
            standing[f"current{side}Handshakes"] += record.state is ConnectionState.NEGOTIATING
        (row,) = self.box.sbc.rows((*ZONE, "sipSigPortTlsStatistics"))
        for side in ("Server", "Client"):
            for leaf in (f"current{side}Connections", f"current{side}Handshakes"):
                assert row[leaf] == standing[leaf], leaf

    # the model

    @property
    def now(self) -> int:
        return self.box.now.uptime

    @property
    def calendar(self) -> int:
        return self.box.now.calendar

    def span(self, life: int) -> int:
        """Return how long a certificate lives that is issued now; certificates count in whole seconds."""
        if life == TO_THE_RECHECK:
            return RATE - (self.now - self.begun) % RATE
        return life

    def own(self, direction: Direction) -> Issued:
        """Return what a new connection has to show."""
        return self.slots[self.named[direction]]

    def arrived(self, number: int, session: Session) -> None:
        """Take a full handshake in, if it can succeed; else check that it has not."""
        if session.authority in self.trusted and self.calendar <= _end(session):
            self.settled(number, session)
        assert (self.box.sbc.connection(number) is not None) == (number in self.live)

    def settled(self, number: int, session: Session) -> None:
        """Take in a connection that has come up, and the name by which its session can be taken up from now on."""
        self.live[number] = Modelled(session, self.now)
        name = self.box.given[number]
        if name not in session.names:
            session.names.append(name)
        self.sessions[name] = session

    def resumable(self, session: Session, name: bytes) -> bool:
        """Whether a peer may take a session up by one of its names at this moment."""
        return (
            not session.ended
            and name in session.names[-MAX_NAMES:]
            and self.now - session.born < RESUMABLE
            and session.own.certificate == self.own(Direction.INBOUND).certificate
            and self.calendar <= _end(session)
            and session.authority in self.trusted
        )

    def recheck(self, at: int) -> None:
        """A re-check runs: who stands on what has expired, or trusts nobody, is closed and cannot come back."""
        then = at - self.now + self.calendar
        for number, each in tuple(self.live.items()):
            if _end(each.session) < then or each.session.authority not in self.trusted:
                each.session.ended = True
                del self.live[number]
        self.checked = (at, frozenset(self.trusted))


class WatchedBox(Box):
    """Compares every certificate that the box is about to show with the one that its profile names at that moment."""

    def __init__(self, model: Certificates) -> None:
        super().__init__(start=testca.START, settings=Settings(ha=HaMode.PAIR))
        self._model = model
        self.begun: dict[int, str] = {}

    def _handshake(self, effect: StartTls) -> None:
        assert effect.credential is not None
        assert effect.credential.certificate == self._model.own(effect.direction).certificate
        self.begun[effect.connection] = effect.credential.certificate.serial
        super()._handshake(effect)


def _walk(version: str) -> Certificates:
    walk = Certificates()
    walk.start(version, [(10 * DAY, "CA1")])
    return walk


def _chain(issued: Issued) -> tuple[bytes, ...]:
    return tuple(each.der for each in (issued.certificate, *issued.chain))


def _pem(issued: Issued) -> bytes:
    return (issued.pem() + issued.key_pem()).encode()


def _end(session: Session) -> int:
    return min(session.own.certificate.not_after, session.shown.certificate.not_after)


Certificates.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCertificates = Certificates.TestCase


def test_a_peer_comes_back_so_often_that_its_first_name_is_forgotten():
    walk = _walk("TLSv1.3")
    (first,) = walk.sessions
    for _ in range(MAX_NAMES - 1):
        walk.come_back(first)
    assert len(set(walk.sessions.values())) == 1
    walk.come_back(first)  # the name given now takes the place of the first one
    walk.come_back(first)
    assert len(set(walk.sessions.values())) == 2


def test_a_certificate_to_a_recheck_in_this_very_second_is_over_before_it_is_there():
    walk = _walk("TLSv1.2")
    walk.advance(SECOND // 2)
    walk.switch_over()
    walk.advance(RATE - SECOND // 4)
    walk.renew(TO_THE_RECHECK, tuple(Direction))
    assert set(walk.named.values()) == {"A"}
    walk.advance(SECOND // 4)
    walk.renew(TO_THE_RECHECK, tuple(Direction))
    assert set(walk.named.values()) == {"B"}
