"""The status tables: each counter of sipSigPortTlsStatistics provoked, and what the other tables show."""

from __future__ import annotations

import pytest
import testca
from inmemory import FarEnd
from livebox import (
    BASE,
    LISTENER,
    PEER,
    SET_PORT,
    SET_PROFILE,
    ZONE,
    chain,
    live_box,
    renew,
    tls_counters,
    zone_row,
)

from sbcsim.clock import DAY
from sbcsim.config.transaction import Author
from sbcsim.device.counters import CONNECTION_LEAVES, PORT_LEAVES, TLS_LEAVES
from sbcsim.device.effects import Ending, HandshakeFailed, HandshakeFailure, Notice
from sbcsim.device.status import TABLES
from sbcsim.schema import load

OPERATOR = Author(user="admin", context="cli", session=1, remote="127.0.0.1", protocol="ssh")
ZONE_PATH = ("addressContext", "default", "zone", "Z")
SERVED = {"totalServerConnections": 1, "totalServerSessions": 1}
LIVE = {"currentServerConnections": 1, "currentServerSessions": 1}


@pytest.fixture
def box():
    """A box without a peer of its own: nothing but the test moves the counters."""
    return live_box(base=BASE[:-2])


def inbound(box, issued=None):
    return box.connect(LISTENER, chain(issued or testca.peer()))


def fail(box, failure, **alerts):
    box.slow_handshakes = True
    number = inbound(box)
    box.sbc.handshake_failed(number, HandshakeFailed(failure, failure.value, **alerts), box.now)


# What provokes which counters: the name of a case, what is done, and every counter that is not 0 after it.


def begin(box):
    box.slow_handshakes = True
    inbound(box)


def succeed(box):
    inbound(box)


def leave(box):
    box.sbc.closed(inbound(box), "closed by peer", box.now)


def resume(box):
    number = inbound(box)
    box.connect(LISTENER, offers=(box.given[number],))


def resume_and_leave(box):
    resume(box)
    for record in box.sbc.connections():
        box.sbc.closed(record.id, "closed by peer", box.now)


def warn(box):
    box.sbc.noticed(inbound(box), Notice.WARNING, 90, box.now)


def renegotiate(box):
    box.sbc.noticed(inbound(box), Notice.HELLO, 100, box.now)


def end(ending):
    def provoke(box):
        box.sbc.closed(inbound(box), ending.value, box.now, 0, ending)

    provoke.__name__ = ending.name.lower()
    return provoke


def stall(box):
    begin(box)
    box.advance("5s")


def hide(box):
    box.commit(f"{SET_PROFILE}authClient false")
    box.connect(LISTENER)
    box.advance("5s")


def alert_at_work(box):
    box.sbc.closed(inbound(box), "peer sent alert 46", box.now, 46)


def alert_in_handshake(box):
    begin(box)
    box.sbc.closed(box.sbc.connections()[0].id, "peer sent alert 46", box.now, 46)


def speak_nonsense(box):
    box.say(inbound(box), b"GET / HTTP/1.1\r\n\r\n")


def ping(box, **far):
    box.far_ends[PEER] = FarEnd(**far)
    box.commit(*BASE[-2:])


def begin_outbound(box):
    box.slow_handshakes = True
    ping(box, chain=chain(testca.peer()))


def succeed_outbound(box):
    ping(box, chain=chain(testca.peer()))


def leave_outbound(box):
    succeed_outbound(box)
    box.sbc.closed(box.sbc.connections()[0].id, "closed by peer", box.now)


def distrust_outbound(box):
    ping(box, chain=chain(testca.stranger().issue("x", not_before=testca.START, not_after="2030-01-01T00:00:00Z")))


def refused_outbound(box):
    ping(box, chain=chain(testca.peer()), behaviour="refuse")


def no_server_certificate(box):
    box.commit("delete profiles security tlsProfile TLS serverCertName")
    inbound(box)


def expired_client(box):
    inbound(box, testca.peer("gone.example.com", not_after="2025-12-31T00:00:00Z"))


def invite_before_authentication(box):
    box.commit(f"{SET_PROFILE}authClient false")
    fields = "Via: SIP/2.0/TLS a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
    fields += "Call-ID: x\r\nMax-Forwards: 70\r\n"
    number = box.connect(LISTENER, remote=("203.0.113.9", 1))
    for method in ("INVITE", "OPTIONS", "OPTIONS"):
        request = f"{method} sip:x SIP/2.0\r\n{fields}CSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        box.say(number, request.encode())


CASES = [
    (begin, {"currentServerHandshakes": 1}),
    (succeed, SERVED | LIVE),
    (leave, SERVED),
    (
        resume,
        {
            "currentServerConnections": 2,
            "totalServerConnections": 2,
            "currentServerSessions": 1,
            "totalServerSessions": 1,
            "sessionResumptions": 1,
        },
    ),
    (resume_and_leave, {"totalServerConnections": 2, "totalServerSessions": 1, "sessionResumptions": 1}),
    (warn, SERVED | LIVE | {"warningAlertsReceived": 1}),
    (renegotiate, SERVED | LIVE | {"midConnectionHello": 1}),
    (end(Ending.CUT), SERVED),
    (end(Ending.RESET), SERVED | {"receiveFailures": 1}),
    (end(Ending.UNREADABLE), SERVED | {"receiveFailures": 1}),
    (end(Ending.UNSENT), SERVED | {"sendFailures": 1}),
    (stall, {"handshakeTimeouts": 1, "handshakeFailures": 1}),
    (hide, SERVED | {"higherAuthTimeout": 1}),
    (alert_at_work, SERVED | {"fatelAlertsReceived": 1}),
    (alert_in_handshake, {"fatelAlertsReceived": 1, "handshakeFailures": 1}),
    (speak_nonsense, SERVED | {"receiveFailures": 1}),
    (begin_outbound, {"currentClientHandshakes": 1}),
    (succeed_outbound, {"currentClientConnections": 1, "totalClientConnections": 1}),
    (leave_outbound, {"totalClientConnections": 1}),
    (distrust_outbound, {"serverAuthFailures": 1, "validationFailures": 1, "handshakeFailures": 1}),
    (refused_outbound, {}),
    (no_server_certificate, {"noCipherSuite": 1, "handshakeFailures": 1}),
    (expired_client, {"clientAuthFailures": 1, "validationFailures": 1, "handshakeFailures": 1}),
    (invite_before_authentication, SERVED | LIVE | {"noAuth488": 1, "noAuthDrops": 2}),
]


@pytest.mark.parametrize(("provoke", "expected"), CASES, ids=[case[0].__name__ for case in CASES])
def test_every_counter_is_provoked(box, provoke, expected):
    provoke(box)
    assert tls_counters(box) == expected


FAILURES = {
    HandshakeFailure.NO_COMMON_CIPHER: {"noCipherSuite"},
    HandshakeFailure.NO_COMMON_VERSION: {"noCipherSuite"},
    HandshakeFailure.NO_LOCAL_CERTIFICATE: {"noCipherSuite"},
    HandshakeFailure.NO_PEER_CERTIFICATE: {"noClientCert"},
    HandshakeFailure.PEER_EXPIRED: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.PEER_NOT_YET_VALID: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.PEER_UNKNOWN_CA: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.PEER_INVALID: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.PEER_NAME: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.PEER_REVOKED: {"clientAuthFailures", "validationFailures"},
    HandshakeFailure.ALERT_RECEIVED: {"fatelAlertsReceived"},
    HandshakeFailure.CLOSED: set(),
    HandshakeFailure.PROTOCOL: {"receiveFailures"},
}


@pytest.mark.parametrize("failure", list(HandshakeFailure))
def test_every_failure_of_a_handshake_has_its_counters(box, failure):
    fail(box, failure)
    assert tls_counters(box) == dict.fromkeys({*FAILURES[failure], "handshakeFailures"}, 1)
    (line,) = [each for each in box.sbc.event_log.lines("security") if "*Tls:" in each]
    assert line.endswith(f"*Tls: handshake with 127.0.0.1:40000 failed: {failure.value}\n")


def test_what_is_current_adds_up_whatever_happened(box):
    for provoke, _ in CASES[:-8]:
        provoke(box)
        box.slow_handshakes = False
    box.advance("10s")
    live = len(box.sbc.connections())
    counters = tls_counters(box)
    assert counters["currentServerConnections"] == live > 0
    assert "currentServerHandshakes" not in counters
    box.commit(f"{SET_PORT}mode outOfService")
    assert not any(leaf.startswith("current") for leaf in tls_counters(box))
    assert zone_row(box, "sipSigConnStatistics")["activeTlsTcpConnection"] == 0


def test_counters_are_kept_over_a_bounce(box):
    leave(box)
    box.commit(f"{SET_PORT}mode outOfService state disabled")
    box.commit(f"{SET_PORT}mode inService state enabled")
    assert tls_counters(box) == SERVED


def test_resetting_statistics_keeps_what_stands_now(box):
    succeed(box)
    box.say(box.sbc.connections()[0].id, b"\r\n\r\n")
    for action in ("sipSigPortResetAll", "sipSigConnResetAll"):
        assert box.sbc.request(ZONE_PATH, action, {}, OPERATOR, box.now) == [("reason", "statistics reset")]
    assert tls_counters(box) == LIVE
    assert zone_row(box, "sipSigConnStatistics") == {
        "index": 1,
        "tcpConnection": 0,
        "totalTcpConnection": 0,
        "activeTlsTcpConnection": 1,
        "totalTlsTcpConnection": 0,
    }
    assert set(zone_row(box, "sipSigPortStatistics").values()) == {0, 1}


# The tables as such.


def leaves_of(schema_path):
    node = load.load()
    for name in schema_path:
        node = node.children[name]
    return [child.name for child in node.children.values() if child.is_leaf]


def rows_of(box, table):
    keys = {"addressContext": "default", "zone": "Z", "ipInterfaceGroup": "LIG"}
    path = tuple(word for name in table[:-1] for word in ((name, keys[name]) if name in keys else (name,)))
    return box.sbc.rows((*path, table[-1]))


def test_rows_use_the_leaves_of_the_model():
    box = live_box("set system security certExpiryCheck expiryWarningThreshold 90")
    inbound(box)
    box.advance("3d")
    filled = {table[-1]: rows for table in TABLES if (rows := rows_of(box, table))}
    assert len(filled) >= 14
    for table in TABLES:
        for row in filled.get(table[-1], ()):
            assert set(row) <= set(leaves_of(table))


@pytest.mark.parametrize(
    ("table", "leaves"),
    [
        ("sipSigPortTlsStatistics", TLS_LEAVES),
        ("sipSigPortStatistics", PORT_LEAVES),
        ("sipSigConnStatistics", CONNECTION_LEAVES),
    ],
)
def test_counters_are_in_the_order_of_the_table(table, leaves):
    assert leaves_of(("addressContext", "zone", table)) == ["index", *leaves]


def test_a_connection_in_its_table(box):
    box.commit(*BASE[-2:])
    number = inbound(box)
    box.slow_handshakes = True
    inbound(box)
    box.sbc.received(number, b"\r\n\r\n", box.now)
    box.clock.move_to(90_000_000)
    rows = box.sbc.rows((*ZONE_PATH, "sipSigConnStatus"))
    assert [(row["connectionId"], row["role"], row["state"], row["transport"]) for row in rows] == [
        (1, "client", "up", "tls-tcp"),
        (2, "server", "up", "tls-tcp"),
        (3, "server", "negotiating", "tls-tcp"),
    ]
    assert (rows[1]["peerIpAddress"], rows[1]["peerPortNum"]) == ("127.0.0.1", 40000)
    assert (rows[1]["bytesRcvd"], rows[1]["bytesSent"], rows[1]["idleTime"]) == (4, 2, 90)


def test_a_connection_says_what_waits_on_it_and_whether_it_is_to_end(box):
    ping(box, behaviour="hang")
    number = inbound(box)
    box.sbc.received(number, b"OPTIONS sip:x", box.now)
    box.commit(f"{SET_PORT}action dryup mode outOfService")
    rows = box.sbc.rows((*ZONE_PATH, "sipSigConnStatus"))
    assert [(row["state"], row["pduSendQueued"], row["pduRecvQueued"], row["aging"]) for row in rows] == [
        ("connecting", 1, 0, "yes"),
        ("up", 0, 1, "yes"),
    ]


def test_a_closed_connection_leaves_the_table_and_its_number_is_never_used_again(box):
    first = inbound(box)
    box.sbc.closed(first, "closed by peer", box.now)
    assert box.sbc.rows((*ZONE_PATH, "sipSigConnStatus")) == []
    assert inbound(box) == first + 1


def test_plain_connections_are_counted_apart():
    box = live_box(base=(*BASE[:-3], BASE[-3].replace("sip-tls-tcp", "sip-tcp,sip-tls-tcp")))
    number = box.connect(("10.0.0.5", 5060))
    row = zone_row(box, "sipSigConnStatistics")
    assert [row[leaf] for leaf in CONNECTION_LEAVES] == [1, 1, 0, 0]
    box.sbc.closed(number, "closed by peer", box.now)
    row = zone_row(box, "sipSigConnStatistics")
    assert [row[leaf] for leaf in CONNECTION_LEAVES] == [0, 1, 0, 0]


def test_ports_of_a_zone_are_its_own_in_index_order(box):
    box.commit(
        *(
            f"set {ZONE} sipSigPort {index} ipInterfaceGroupName LIG portNumber {6000 + 10 * index}"
            for index in (10, 2)
        ),
        "set addressContext default zone OTHER id 7 sipSigPort 3 ipInterfaceGroupName LIG portNumber 7000",
    )
    rows = box.sbc.rows((*ZONE_PATH, "sipSigPortStatus"))
    assert [(row["index"], row["state"], row["portNumber"]) for row in rows] == [
        (1, "inService", 5060),
        (2, "outOfService", 6020),
        (10, "outOfService", 6100),
    ]


def test_the_certificate_tables(box):
    renew(box)
    box.advance("36h")
    rows = {row["name"]: row for row in box.sbc.rows(("system", "security", "pki", "certificate"))}
    new = testca.sbc_renewed().certificate
    assert rows["NEW"] == {
        "name": "NEW",
        "type": "local",
        "state": "enabled",
        "subject": new.subject,
        "issuer": new.issuer,
        "serialNumber": new.serial,
        "validFrom": "2025-12-15T00:00:00+00:00",
        "validTo": "2027-01-01T00:00:00+00:00",
        "daysToExpiry": 363,
    }
    box.commit("set system security pki certificate NEVER type remote")
    rows = {row["name"]: row for row in box.sbc.rows(("system", "security", "pki", "certificate"))}
    assert rows["NEVER"] == {"name": "NEVER", "type": "remote", "state": "disabled"}
    (statistics,) = box.sbc.rows(("system", "security", "pki", "certStatistics"))
    assert statistics == {"systemName": "SBC1", "localCerts": 1, "caCerts": 1}


def test_days_to_expiry_go_below_zero(box):
    box.advance("60d")
    (row,) = [each for each in box.sbc.rows(("system", "security", "pki", "certificate")) if each["name"] == "OLD"]
    assert row["daysToExpiry"] == -1
    view = next(each for each in box.sbc.certificates(box.now) if each.name == "OLD")
    assert view.days == -1


def test_the_server_table(box):
    box.clock.move_to(99 * DAY + 13_794_000_000)
    (row,) = box.sbc.rows(("system", "serverStatus"))
    assert row["name"] == "SBC1a"
    assert row["upTime"] == "99 Days 03:49:54"
    assert row["currentTime"] == "2026/04/10 03:49:54 "
    assert len(box.sbc.rows(("system", "syncStatus"))) == 4


def test_an_interface_that_is_out(box):
    path = ("addressContext", "default", "ipInterfaceGroup", "LIG", "ipInterfaceStatus")
    (row,) = box.sbc.rows(path)
    assert (row["operState"], row["oosReason"], row["fixedIpV4"]) == ("resAllocated", "notApplicable", "10.0.0.5")
    box.commit("set addressContext default ipInterfaceGroup LIG ipInterface LIF mode outOfService state disabled")
    (row,) = box.sbc.rows(path)
    assert (row["operState"], row["oosReason"]) == ("admnDisabled", "admin")
