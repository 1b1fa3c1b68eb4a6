"""Connections over renewals, expiries, bounces and bad peers, held to what a certificate rotation relies on.

Two boxes live through the same: one moves its clock in one go, the other in two. After every step both must be
alike, and each must agree with a small model of its own: which certificate the profile names, when the re-checks
run, what every connection was shown when it began.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import testca
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inmemory import Box, FarEnd

from sbcsim.clock import DAY, HOUR, MINUTE, SECOND
from sbcsim.device.connections import ConnectionState
from sbcsim.device.effects import Direction, StartTls
from sbcsim.device.listeners import PortState
from sbcsim.pki.mint import Issued

ZONE = ("addressContext", "default", "zone", "Z")
PORT = "set addressContext default zone Z sipSigPort 1 "
PEER = "set addressContext default zone Z ipPeer P "
LISTENER = ("10.0.0.5", 5061)
NAMES = ("A", "B", "C")
LEAVES = {Direction.INBOUND: "serverCertName", Direction.OUTBOUND: "clientCertName"}
LASTING = "2039-01-01T00:00:00Z"
FOREVER = 10**20
RESUMABLE = DAY

BASE = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate A fileName A.pem type local state enabled",
    f"set profiles security tlsProfile TLS serverCertName A clientCertName A sessionResumpTimer {RESUMABLE // SECOND}",
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 3 recoveryCount 2",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled"
    ),
    f"{PEER}ipAddress 192.0.2.10 ipPort 5061",
    f"{PEER}pathCheck profile PCP state enabled",
)

SPANS = st.one_of(
    st.integers(1, 200).map(lambda count: count * SECOND),
    st.integers(1, 200).map(lambda count: count * 17 * MINUTE),
    st.integers(1, 30).map(lambda count: count * DAY),
    st.integers(1, 30 * DAY),
)
# How long a certificate lives: from now on, or to about the next re-check.
LIVES = st.one_of(
    st.sampled_from([HOUR, 30 * HOUR, 10 * DAY, 400 * DAY]).map(lambda span: ("from now", span)),
    st.sampled_from([-HOUR, -SECOND, 0, SECOND]).map(lambda beyond: ("re-check", beyond)),
)
OPTIONS = (
    b"OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bKx;rport\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def chain(issued: Issued) -> tuple[bytes, ...]:
    return (issued.certificate.der, testca.authority("ec").certificate.der)


def pem(issued: Issued) -> bytes:
    return (issued.pem() + issued.key_pem()).encode()  # read in a fraction of the time that PKCS#12 takes


class WatchedBox(Box):
    """A box that compares every certificate it is about to show with the one its profile should name."""

    def __init__(self, named: dict[Direction, Issued]) -> None:
        super().__init__(start=testca.START)
        self.named = named
        self.shown: dict[int, str] = {}
        self.ends: dict[int, int] = {}
        self.read = 0

    def _handshake(self, effect: StartTls) -> None:
        serial = effect.credential.certificate.serial
        assert serial == self.named[effect.direction].certificate.serial
        assert effect.connection not in self.shown
        self.shown[effect.connection] = serial
        super()._handshake(effect)
        record = self.sbc.connection(effect.connection)
        if record is not None:
            ends = min(each.not_after for each in record.certificates())
            self.ends[record.id] = ends - self.now.calendar + self.now.uptime

    def advance_by(self, micros: int) -> None:
        """Settle first, as the driver does."""
        if self.sbc.outstanding():
            self.sbc.give_up(self.now)
            self.pump()
        super().advance_by(micros)


class Connections(RuleBasedStateMachine):
    """What may happen to a box with one sipSigPort and one pinged peer."""

    @initialize(late=st.booleans())
    def start(self, late: bool) -> None:
        own = testca.sbc("2026-01-20T12:00:00Z", key_type="ec")
        self.own = {"A": own}
        self.names = dict.fromkeys(Direction, "A")
        self.named = dict.fromkeys(Direction, own)
        self.rate = 24 * HOUR
        self.rated = 0
        self.distrust: list[tuple[int, int]] = [(0, 0)]
        self.callers = 0
        self.met: dict[bytes, tuple[tuple[bytes, ...], tuple[str, int], int, int]] = {}
        self.behaviour: str | int = "answer"
        self.boxes = (WatchedBox(self.named), WatchedBox(self.named))
        for box in self.boxes:
            for port in (5061, 5062):
                box.far_ends["192.0.2.10", port] = FarEnd(chain(testca.peer(not_after=LASTING, key_type="ec")), late)
            box.put("ca.der", testca.authority("ec").certificate.der)
            box.put("A.pem", pem(own))
        self.commit(*BASE)

    # steps

    @rule(life=LIVES, far=st.integers(1, 2))
    @precondition(lambda self: self.boxes[0].listening)
    def connect(self, life: tuple[str, int], far: int) -> None:
        """A peer dials in; some have a certificate that ends soon."""
        self.callers += 1
        caller = testca.authority("ec").issue(
            "caller.example.com", not_before=self.now.calendar - DAY, not_after=self.now.calendar + self.span(life)
        )
        shown = chain(caller)
        remote = (f"192.0.2.{10 * far}", 40000 + self.callers)
        for box in self.boxes:
            name = box.given.get(box.connect(LISTENER, shown, remote))
            if name is not None:
                ends = min(caller.certificate.not_after, self.named[Direction.INBOUND].certificate.not_after)
                self.met[name] = (shown, remote, self.now.uptime, ends)

    @rule(data=st.data())
    @precondition(lambda self: self.boxes[0].listening and self.met)
    def come_back(self, data: st.DataObject) -> None:
        """A peer that dialled in before comes back with its session."""
        name = data.draw(st.sampled_from(sorted(self.met)))
        shown, remote, born, ends = self.met[name]
        for box in self.boxes:
            record = box.sbc.connection(box.connect(LISTENER, shown, remote, (name,)))
            if record is not None and record.resumed:
                assert self.now.uptime - born < RESUMABLE
                assert self.now.calendar <= ends
                assert self.distrust[-1][1] < FOREVER
                assert record.credential.certificate == self.named[Direction.INBOUND].certificate

    @rule(
        life=LIVES,
        roles=st.sampled_from([(Direction.INBOUND,), (Direction.OUTBOUND,), tuple(Direction)]),
        one_commit=st.booleans(),
        drop=st.booleans(),
    )
    def renew(self, life: tuple[str, int], roles: tuple[Direction, ...], one_commit: bool, drop: bool) -> None:
        """A new certificate under a name that may have been used before, and the profile re-pointed to it."""
        name = next(each for each in NAMES if each not in self.names.values())
        issued = testca.authority("ec").renew(
            testca.sbc(key_type="ec"), not_before=self.now.calendar - DAY, not_after=self.now.calendar + self.span(life)
        )
        for box in self.boxes:
            box.put(f"{name}.pem", pem(issued))
        if name in self.own:
            self.commit(*self._drop(name))
        imported = f"set system security pki certificate {name} fileName {name}.pem type local"
        pointed = [f"set profiles security tlsProfile TLS {LEAVES[role]} {name}" for role in roles]
        before = set(self.names.values())
        self.own[name] = issued
        self.names.update(dict.fromkeys(roles, name))
        # Both boxes share the model, and neither shakes hands before the commit that re-points has been carried out.
        self.named.update(dict.fromkeys(roles, issued))
        gone = sorted(before - set(self.names.values())) if drop else []
        lines = [f"{imported} state enabled", *pointed, *(line for each in gone for line in self._drop(each))]
        if one_commit:
            self.commit(*lines)
        else:
            for line in lines:
                self.commit(line)

    @rule(span=SPANS, cut=st.floats(0, 1))
    def advance(self, span: int, cut: float) -> None:
        """Time passes: in one go for one box, in two for the other."""
        first, second = self.boxes
        part = int(span * cut)
        first.advance_by(span)
        second.advance_by(part)
        second.advance_by(span - part)

    @rule(beyond=st.sampled_from([-SECOND, 0, 1, SECOND, HOUR, 3 * DAY]), cut=st.floats(0, 1))
    def expire(self, beyond: int, cut: float) -> None:
        """Time passes to about the end of a certificate in use."""
        now = self.now.calendar
        ends = [each.not_after for record in self.records() for each in record.certificates() if each.not_after > now]
        span = min(ends, default=now) + beyond - now
        if 0 < span < 500 * DAY:
            self.advance(span, cut)

    @rule(gap=st.sampled_from([0, SECOND, 5 * MINUTE]), mode_only=st.booleans())
    def bounce(self, gap: int, mode_only: bool) -> None:
        """The operator bounces the port."""
        self.commit(PORT + "action force mode outOfService" + ("" if mode_only else " state disabled"))
        for box in self.boxes:
            assert not box.listening
            assert not box.sbc.connections()
            box.advance_by(gap)
        self.commit(PORT + "mode inService state enabled")

    @rule(dry_up=st.booleans())
    def stop(self, dry_up: bool) -> None:
        """The port is taken out of service and stays so."""
        self.commit(PORT + ("action dryup dryUpTimeout 30" if dry_up else "action force") + " mode outOfService")

    @rule()
    def serve(self) -> None:
        """The port comes back."""
        self.commit(PORT + "mode inService state enabled")

    @rule(data=st.data(), alert=st.sampled_from([0, 0, 45]))
    @precondition(lambda self: self.records())
    def remote_closes(self, data: st.DataObject, alert: int) -> None:
        """A far end closes or resets a connection."""
        number = data.draw(st.sampled_from([record.id for record in self.records()]))
        for box in self.boxes:
            box.sbc.closed(number, "reset by peer", box.now, alert)
            box.pump()

    @rule(data=st.data())
    @precondition(lambda self: any(record.direction is Direction.INBOUND for record in self.records()))
    def ask(self, data: st.DataObject) -> None:
        """A peer that dialled in sends OPTIONS; a port that drains takes no new requests."""
        inbound = [record.id for record in self.records() if record.direction is Direction.INBOUND]
        number = data.draw(st.sampled_from(inbound))
        for box in self.boxes:
            assert box.say(number, OPTIONS).startswith(b"SIP/2.0 503 " if self.draining else b"SIP/2.0 200 ")

    @rule(behaviour=st.sampled_from(["answer", "answer", "silent", "refuse", "hang", 503]))
    def behave(self, behaviour: str | int) -> None:
        """The pinged peer changes its ways, and the next pings tell the box."""
        for box in self.boxes:
            for far in box.far_ends.values():
                far.behaviour = behaviour
            box.advance_by(93 * SECOND)

    @rule(hours=st.sampled_from([8, 24, 25, 100, None]))
    def change_rate(self, hours: int | None) -> None:
        """The interval of the re-check changes, which begins it anew."""
        rate = None if hours is None else hours * HOUR
        self.commit(f"set system security certExpiryCheck certReCheckRate {hours or 'disable'}")
        if rate != self.rate:
            self.rate, self.rated = rate, self.now.uptime

    @rule(state=st.sampled_from(["enabled", "enabled", "disabled"]))
    def trust(self, state: str) -> None:
        """The authority of all peers is disabled or enabled."""
        self.commit(f"set system security pki certificate CA state {state}")
        begin, end = self.distrust[-1]
        if state == "disabled" and end < FOREVER:
            self.distrust.append((self.now.uptime, FOREVER))
        elif state == "enabled" and end == FOREVER:
            self.distrust[-1] = (begin, self.now.uptime)

    @rule(state=st.sampled_from(["enabled", "enabled", "disabled"]))
    def check_path(self, state: str) -> None:
        """The path check is turned off or on."""
        self.commit(f"{PEER}pathCheck state {state}")

    @rule(port=st.sampled_from([5061, 5062]))
    def move_peer(self, port: int) -> None:
        """The peer moves to another port, or is said to."""
        self.commit(f"{PEER}ipPort {port}")

    # what always holds

    @invariant()
    def both_ways_of_moving_the_clock_lead_to_the_same(self) -> None:
        first, second = (snapshot(box) for box in self.boxes)
        assert first == second

    @invariant()
    def a_connection_keeps_its_certificate(self) -> None:
        for box in self.boxes:
            for record in box.sbc.connections():
                if record.state is not ConnectionState.CONNECTING:
                    assert record.credential.certificate.serial == box.shown[record.id]

    @invariant()
    def nothing_lives_past_the_recheck_that_should_have_closed_it(self) -> None:
        if self.rate is None:
            return
        now = self.now
        last = self.rated + (now.uptime - self.rated) // self.rate * self.rate
        if last == self.rated:
            return
        begin, again = self.distrust[-1]
        for record in self.records():
            assert not (begin < last <= again and record.since.uptime < last), f"{record} trusts nobody"
            for certificate in record.certificates():
                end = certificate.not_after - now.calendar + now.uptime
                assert not (end < last and record.since.uptime < last), f"{record} expired {certificate}"
                assert now.uptime - max(end, self.rated) < self.rate

    @invariant()
    def the_recheck_closes_nothing_else_and_nothing_late(self) -> None:
        for box in self.boxes:
            for entry in box.sbc.journal.after(box.read, frozenset({"connectionClosed"})):
                at = entry.at.uptime
                if entry.event.reason.startswith("certificate re-check"):
                    assert (at - self.rated) % self.rate == 0
                if entry.event.reason == "certificate re-check: expired":
                    end = box.ends[entry.event.connection]
                    assert end < at <= max(end, self.rated) + self.rate
                if entry.event.reason == "certificate re-check: untrusted":
                    assert any(begin < at <= end for begin, end in self.distrust)
            box.read = box.sbc.journal.last

    @invariant()
    def indexes_and_counters_agree_with_the_live_connections(self) -> None:
        for box in self.boxes:
            check_indexes(box)
            check_counters(box)

    # means

    @property
    def now(self) -> Any:
        return self.boxes[0].now

    @property
    def draining(self) -> bool:
        (port,) = self.boxes[0].sbc._ports
        return port.state is PortState.DRAINING

    def span(self, life: tuple[str, int]) -> int:
        start, span = life
        if start == "re-check" and self.rate is not None:
            span += self.rate - (self.now.uptime - self.rated) % self.rate
        return max(span, MINUTE)

    def records(self) -> list[Any]:
        return [record for record in self.boxes[0].sbc.connections() if record.established]

    def commit(self, *lines: str) -> None:
        for box in self.boxes:
            box.commit(*lines)

    def _drop(self, name: str) -> tuple[str, str]:
        self.own.pop(name)
        path = f"system security pki certificate {name}"
        return f"set {path} state disabled", f"delete {path}"


def snapshot(box: Box) -> dict[str, Any]:
    """Return everything about a box that must not depend on how its clock was moved."""
    sbc = box.sbc
    found: dict[str, Any] = {
        table: sbc.rows((*ZONE, table))
        for table in (
            *("sipSigPortStatus", "sipSigPortStatistics", "sipSigConnStatus", "sipSigConnStatistics"),
            *("sipSigPortTlsStatistics", "sipSigTlsSessionStatus", "peerPathchkStatus"),
        )
    }
    found["now"] = box.now
    found["listening"] = box.listening
    found["peers"] = sbc.peers()
    found["certificates"] = sbc.certificates(box.now)
    found["alarms"] = [(each.description, each.first, each.last, each.count) for each in sbc.alarms().current]
    found["connections"] = [
        (record.id, record.since, record.last_used, record.messages_in, record.messages_out, box.shown.get(record.id))
        for record in sbc.connections()
    ]
    totals: Counter[Any] = Counter()
    for entry in sbc.journal:
        event = entry.event
        if entry.kind == "pathPing":
            totals[event.ok, event.peer] += event.times
        elif entry.kind == "handshake":
            totals[event.ok, event.direction, event.local_certificate.serial, event.alert_received] += event.times
        elif entry.kind == "alertReceived":
            totals[event.alert] += event.times
        elif entry.kind == "dialFailed":
            totals[event.reason] += event.times
    found["totals"] = totals
    # Each at its own instant; but one connection that a far end ends stands for those of all pings that it replaces.
    exact = {"connectionClosed", "pathState", "portState", "certificateCheck", "certificateWarning", "alarmRaised"}
    found["events"] = [
        (entry.at, entry.event)
        for entry in sbc.journal
        if entry.kind in exact and getattr(entry.event, "by", "") != "remote"
    ]
    return found


def check_indexes(box: Box) -> None:
    """Compare every index with a walk over all connections."""
    table = box.sbc._plane.table
    by_port, by_peer, by_certificate = defaultdict(set), defaultdict(set), defaultdict(set)
    for record in table:
        by_port[record.port].add(record.id)
        if record.peer is not None:
            by_peer[record.peer].add(record.id)
        if record.established:
            for certificate in record.certificates():
                by_certificate[certificate.fingerprint].add(record.id)
    live = {record.id for record in table}
    for index, expected in (
        (table._by_port, by_port),
        (table._by_peer, by_peer),
        (table._by_certificate, by_certificate),
    ):
        assert {key: set(ids) for key, ids in index.items()} == expected
    assert box.sbc._plane.opening <= live
    timers = box.sbc._chassis.timetable.own._by_key
    assert {key[1] for key in timers if key[0] in {"connect", "handshake", "auth"}} <= live
    assert not set(box.closed) & live


def check_counters(box: Box) -> None:
    """Compare what the tables count with the live connections and with what the journal tells."""
    standing: Counter[str] = Counter()
    for record in box.sbc.connections():
        side = "Server" if record.direction is Direction.INBOUND else "Client"
        if record.established:
            standing[f"current{side}Connections"] += 1
        elif record.state is ConnectionState.NEGOTIATING:
            standing[f"current{side}Handshakes"] += 1
    for entry in box.sbc.journal:
        if entry.kind == "handshake" and entry.event.ok:
            side = "Server" if entry.event.direction == "inbound" else "Client"
            standing[f"total{side}Connections"] += entry.event.times
            standing["sessionResumptions"] += entry.event.resumed
    (tls,) = box.sbc.rows((*ZONE, "sipSigPortTlsStatistics"))
    (plain,) = box.sbc.rows((*ZONE, "sipSigConnStatistics"))
    for side in ("Server", "Client"):
        for leaf in (f"current{side}Connections", f"current{side}Handshakes", f"total{side}Connections"):
            assert tls[leaf] == standing[leaf], leaf
    resumed = sum(record.resumed for record in box.sbc.connections())
    assert tls["currentServerSessions"] == tls["currentServerConnections"] - resumed
    assert tls["totalServerSessions"] == tls["totalServerConnections"] - standing["sessionResumptions"]
    assert tls["sessionResumptions"] == standing["sessionResumptions"]
    assert plain["activeTlsTcpConnection"] == tls["currentServerConnections"] + tls["currentClientConnections"]
    assert plain["totalTlsTcpConnection"] == tls["totalServerConnections"] + tls["totalClientConnections"]
    assert plain["tcpConnection"] == 0


Connections.TestCase.settings = settings(
    max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestConnections = Connections.TestCase
