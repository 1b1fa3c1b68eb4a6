"""The rotation itself on the device in memory: what serves the old certificate, for how long, and what ends it."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box, FarEnd

from sbcsim.clock import DAY, MINUTE
from sbcsim.errors import UserError

BASE = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName OLD clientCertName OLD",
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
LISTENER = ("10.0.0.5", 5061)
PORT = "set addressContext default zone Z sipSigPort 1 "


def chain(issued) -> tuple[bytes, ...]:
    return (issued.certificate.der, testca.authority().certificate.der)


@pytest.fixture
def box() -> Box:
    box = Box(start=testca.START)
    box.far_ends["192.0.2.10", 5061] = FarEnd(chain=chain(testca.peer()))
    box.put("ca.der", testca.authority().certificate.der)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.put("new.p12", testca.sbc_renewed().pkcs12("secret"))
    box.commit(*BASE)
    return box


def names(box: Box) -> list[str]:
    return [record.credential.name for record in box.sbc.connections()]


def renew(box: Box) -> None:
    box.commit(
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        "set profiles security tlsProfile TLS serverCertName NEW clientCertName NEW",
        "set system security pki certificate OLD state disabled",
        "delete system security pki certificate OLD",
    )


def peer(box: Box):
    return box.sbc.peers()[0]


def test_first_ping_goes_out_at_the_commit_and_the_peer_comes_up_by_the_recovery_count(box):
    assert peer(box).state == "active"
    assert box.far_ends["192.0.2.10", 5061].requests == 1
    box.advance("60s")
    assert peer(box).state == "up"


def test_a_renewal_changes_no_live_connection_however_long_the_pings_go_on(box):
    inbound = box.connect(LISTENER, chain(testca.peer()))
    box.advance("5m")
    renew(box)
    box.advance("10d")
    assert names(box) == ["OLD", "OLD"]
    assert box.sbc.connection(inbound) is not None


def test_a_new_connection_has_the_renewed_certificate_in_both_directions(box):
    box.advance("5m")
    renew(box)
    number = box.connect(LISTENER, chain(testca.peer()))
    assert box.sbc.connection(number).credential.name == "NEW"
    outbound = next(record for record in box.sbc.connections() if record.role == "client")
    box.sbc.closed(outbound.id, "reset by peer", box.now)
    box.advance("60s")
    outbound = next(record for record in box.sbc.connections() if record.role == "client")
    assert outbound.credential.name == "NEW"


def test_the_recheck_closes_exactly_what_expired_and_the_next_ping_dials_with_the_renewed_one(box):
    box.connect(LISTENER, chain(testca.peer()))
    box.advance("1h")
    renew(box)
    kept = box.connect(LISTENER, chain(testca.peer()))
    box.advance("59d")  # the old one ends on day 59, the re-check runs once a day
    assert names(box).count("OLD") == 2
    box.advance("1d")
    assert names(box) == ["NEW", "NEW"]
    assert box.sbc.connection(kept) is not None
    assert box.far_ends["192.0.2.10", 5061].seen[-1] == testca.sbc_renewed().certificate.serial
    check = [event for event in box.events("certificateCheck") if event.failed]
    assert [(event.checked, event.failed) for event in check] == [(3, 2)]
    reporters = [alarm.name.event for alarm in box.sbc.alarms().current]
    assert reporters.count("sonusSbxFailedCertificateReCheck") == 2
    assert peer(box).state == "up"


def test_redial_after_the_tear_down_happens_at_its_own_instant(box):
    box.advance("1h")
    renew(box)
    box.advance("70d")
    closed = next(entry for entry in box.sbc.journal if entry.kind == "connectionClosed")
    opened = [entry for entry in box.sbc.journal if entry.kind == "connectionOpened"][-1]
    assert closed.at.uptime % DAY == 0
    assert opened.at.uptime == closed.at.uptime  # a ping was due at that very instant, behind the check


def test_without_a_renewed_certificate_the_peer_sends_alert_45_and_the_path_goes_down(box):
    box.advance("70d")
    failed = [event for event in box.events("handshake") if not event.ok]
    assert {event.alert_received for event in failed} == {45}
    assert peer(box).state == "down"
    counters = box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortTlsStatistics"))[0]
    assert counters["fatelAlertsReceived"] == sum(event.times for event in failed) > 10_000
    assert counters["currentClientConnections"] == counters["currentClientHandshakes"] == 0


def test_a_bounce_of_the_port_forces_the_renewed_certificate_at_once(box):
    inbound = box.connect(LISTENER, chain(testca.peer()))
    renew(box)
    box.commit(PORT + "mode outOfService state disabled")
    assert not box.sbc.connections()
    assert inbound in box.closed
    assert not box.listening
    box.commit(PORT + "mode inService state enabled")
    box.advance("60s")
    assert names(box) == ["NEW"]
    assert len(box.listening) == 1


def test_mode_and_state_in_one_commit_both_ways_is_no_bounce(box):
    before = [record.id for record in box.sbc.connections()]
    box.commit(PORT + "mode outOfService", PORT + "mode inService")
    assert [record.id for record in box.sbc.connections()] == before


def test_dry_up_keeps_connections_until_its_end_and_coming_back_early_bounces_nothing(box):
    box.commit(PORT + "action dryup dryUpTimeout 10")
    before = [record.id for record in box.sbc.connections()]
    box.commit(PORT + "mode outOfService")
    box.advance("9m")
    assert [record.id for record in box.sbc.connections()] == before
    box.commit(PORT + "mode inService")
    box.advance("20m")
    assert [record.id for record in box.sbc.connections()] == before
    box.commit(PORT + "mode outOfService")
    pings = box.far_ends["192.0.2.10", 5061].requests
    box.advance("10m")
    assert not box.sbc.connections()
    assert box.far_ends["192.0.2.10", 5061].requests == pings  # pings stop with the drain


def test_bouncing_the_interface_closes_the_ports_connections_and_reopens(box):
    renew(box)
    interface = "set addressContext default ipInterfaceGroup LIG ipInterface LIF "
    box.commit(interface + "mode outOfService state disabled")
    assert not box.sbc.connections()
    box.commit(interface + "mode inService state enabled")
    box.advance("60s")
    assert names(box) == ["NEW"]


def test_what_does_not_force_it(box):
    renew(box)
    box.commit("set profiles security tlsProfile TLS handshakeTimer 7")
    box.commit("set profiles services pathCheckProfile PCP sendInterval 30")
    box.advance("2h")
    assert names(box) == ["OLD"]


def test_recheck_disabled_lets_connections_live_on_an_expired_certificate(box):
    box.commit("set system security certExpiryCheck certReCheckRate disable")
    renew(box)
    box.advance("200d")
    assert names(box) == ["OLD"]


def test_an_expired_peer_chain_is_torn_down_too(box):
    short = testca.peer("short.example.com", not_after="2026-01-10T00:00:00Z")
    number = box.connect(LISTENER, chain(short))
    box.advance("8d")
    assert box.sbc.connection(number) is not None
    box.advance("3d")
    assert box.sbc.connection(number) is None
    assert names(box) == ["OLD"]


def test_a_disabled_anchor_closes_at_the_recheck_only(box):
    box.advance("10m")
    box.commit("set system security pki certificate CA state disabled")
    assert names(box) == ["OLD"]
    box.advance("1d")
    assert "certificate re-check: untrusted" in {event.reason for event in box.events("connectionClosed")}


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["delete system security pki certificate OLD"], "illegal reference 'profiles security tlsProfile TLS"),
        (["set system security pki certificate OLD state disabled"], "certificate is in use by"),
        (
            [
                "set system security pki certificate NEW fileName new.p12 type local passPhrase secret",
                "set profiles security tlsProfile TLS serverCertName NEW",
            ],
            "certificate is not enabled",
        ),
        (
            ["set system security pki certificate NEW fileName new.p12 type local passPhrase wrong state enabled"],
            'passPhrase\': wrong pass phrase for file "new.p12"',
        ),
        (
            ["set system security pki certificate NEW fileName none.p12 type local passPhrase x state enabled"],
            '(value "none.p12"): file not found in /opt/sonus/external',
        ),
    ],
)
def test_mistakes_are_refused_and_leave_the_service_as_it_was(box, lines, text):
    before = (box.database.running, [record.id for record in box.sbc.connections()])
    with pytest.raises(UserError) as caught:
        box.commit(*lines)
    assert text in caught.value.text
    assert (box.database.running, [record.id for record in box.sbc.connections()]) == before


def test_expired_at_import_is_refused_with_its_date(box):
    old = testca.sbc("2025-12-20T00:00:00Z")
    box.put("gone.p12", old.pkcs12("x"))
    with pytest.raises(UserError) as caught:
        box.commit("set system security pki certificate G fileName gone.p12 type local passPhrase x state enabled")
    assert caught.value.text == (
        "'system security pki certificate G state' (value \"enabled\"): certificate expired on 2025-12-20 00:00:00"
    )


def test_the_daily_warning_counts_days_as_documented(box):
    box.commit("set system security certExpiryCheck expiryWarningThreshold 30 expirationPeriodicWarning 3")
    box.advance("62d")
    days = [event.days for event in box.events("certificateWarning") if event.name == "OLD" and event.alarm]
    assert days == [30, 27, 24, 21, 18, 15, 12, 9, 6, 3, 0, 0, 0, 0]


def test_a_silent_peer_is_down_after_the_jump_and_up_again_when_it_speaks(box):
    far = box.far_ends["192.0.2.10", 5061]
    box.advance("5m")
    far.behaviour = "silent"
    box.advance("1d")
    assert peer(box).state == "down"
    far.behaviour = "answer"
    box.advance("10m")
    assert peer(box).state == "up"


def test_a_silent_peer_is_listened_for_once_in_each_move_of_the_clock(box, monkeypatch):
    far = box.far_ends["192.0.2.10", 5061]
    box.advance("5m")
    far.behaviour = "silent"
    box.advance("1d")
    given_up = []
    monkeypatch.setattr(box.sbc, "give_up", lambda now, give_up=box.sbc.give_up: (given_up.append(now), give_up(now)))
    for _ in range(5):
        box.advance("1m")
    assert len(given_up) == 5
    box.advance("1d")
    assert len(given_up) < 10


def test_a_refusing_peer_goes_down_at_the_exact_ping(box):
    far = box.far_ends["192.0.2.10", 5061]
    box.advance("5m")
    far.behaviour = "refuse"
    for record in box.sbc.connections():
        box.sbc.closed(record.id, "reset by peer", box.now)
    box.advance("1d")
    down = next(entry for entry in box.sbc.journal if entry.kind == "pathState" and entry.event.new == "down")
    assert down.at.uptime == 8 * MINUTE
    failures = sum(event.times for event in box.events("pathPing") if not event.ok)
    assert failures == (DAY - 5 * MINUTE + 5 * MINUTE) // MINUTE


def test_a_jump_is_the_same_whole_or_in_pieces():
    def run(*pieces: str):
        box = Box(start=testca.START)
        box.far_ends["192.0.2.10", 5061] = FarEnd(chain=chain(testca.peer()))
        box.put("ca.der", testca.authority().certificate.der)
        box.put("old.p12", testca.sbc().pkcs12("secret"))
        box.put("new.p12", testca.sbc_renewed().pkcs12("secret"))
        box.commit(*BASE)
        renew(box)
        for piece in pieces:
            box.advance(piece)
        tables = ("sipSigPortTlsStatistics", "sipSigPortStatistics", "sipSigConnStatus", "peerPathchkStatus")
        rows = [box.sbc.rows(("addressContext", "default", "zone", "Z", table)) for table in tables]
        alarms = [(alarm.description, alarm.last, alarm.count) for alarm in box.sbc.alarms().current]
        return rows, alarms, box.now, peer(box)

    assert run("90d") == run("1s", "7d", "13h", "45d", "17m", "59s", "10d", "27d10h42m")


def test_ninety_days_of_settled_pings_cost_a_handful_of_real_ones(box):
    box.advance("10m")
    before = box.far_ends["192.0.2.10", 5061].requests
    box.advance("40d")
    assert box.far_ends["192.0.2.10", 5061].requests - before < 10
    answered = sum(event.times for event in box.events("pathPing") if event.ok)
    assert answered == 1 + (40 * DAY + 10 * MINUTE) // MINUTE


def test_options_from_a_peer_are_answered_on_the_connection_they_came_on(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    request = (
        b"OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bKx;rport\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
        b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    assert box.say(number, request).startswith(b"SIP/2.0 200 OK\r\n")
    assert box.say(number, b"\r\n\r\n") == b"\r\n"


def test_bytes_that_are_not_sip_close_the_connection(box):
    number = box.connect(LISTENER, chain(testca.peer()))
    box.say(number, b"GET / HTTP/1.1\r\n\r\n")
    assert box.sbc.connection(number) is None
    assert box.events("sipRefused")[0].closed


def test_reset_brings_back_the_start(box):
    box.sbc.adopt_start()
    listening = set(box.listening)
    renew(box)
    box.advance("100d")
    start = box.sbc.database.running
    box.clock.restart(box.now.calendar - box.now.uptime)
    box.sbc.reset(box.now)
    box.pump()
    assert box.now.uptime == 0
    assert box.listening == listening
    assert names(box) == ["OLD"]
    assert not box.sbc.alarms().current
    assert box.sbc.database.running != start


def test_handshake_timer_closes_who_never_speaks_tls(box, monkeypatch):
    monkeypatch.setattr(box, "_handshake", lambda effect: None)
    box.connect(LISTENER)
    box.advance("4s")
    assert box.sbc.connections()[-1].state.value == "negotiating"
    box.advance("1s")
    counters = box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortTlsStatistics"))[0]
    assert (counters["handshakeTimeouts"], counters["handshakeFailures"]) == (1, 1)
    assert counters["currentServerHandshakes"] == 0


def test_event_logs_tell_of_the_tear_down(box):
    renew(box)
    box.advance("70d")
    assert any("sonusSbxFailedCertificateReCheck" in line for line in box.sbc.event_log.lines("system"))
    assert any("certificate NEWlocal is" in line for line in box.sbc.event_log.lines("security"))


def test_a_peer_certificate_that_cannot_be_read_again_ends_the_connection(box):
    number = box.connect(LISTENER, (b"\x30\x03nonsense",))
    assert box.sbc.connection(number) is None
    assert number in box.closed
    assert box.events("handshake")[-1].reason.startswith("not an X.509 certificate")
    counters = box.sbc.rows(("addressContext", "default", "zone", "Z", "sipSigPortTlsStatistics"))[0]
    assert (counters["clientAuthFailures"], counters["currentServerHandshakes"]) == (1, 0)


def test_a_refused_commit_is_in_the_journal(box):
    with pytest.raises(UserError):
        box.commit("set system security pki certificate OLD state disabled")
    refused = box.events("commitRefused")[0]
    assert refused.user == "admin"
    assert "certificate is in use" in refused.reason


def test_tls_needs_the_port_above_port_number(box):
    with pytest.raises(UserError) as caught:
        box.commit(PORT + "state disabled", PORT + "portNumber 65535")
    assert caught.value.text.endswith("SIP Signaling port cannot use port 65536: the last one is 65535")


def test_a_moment_is_come_back_to_with_files_users_keys_and_alarms(box):
    box.advance("45d")
    before = list(box.sbc.alarms().current)
    assert before
    moment, calendar = box.sbc.moment(), box.now.calendar
    renew(box)
    box.sbc.users.add("late", "secret")
    box.put("late.p12", b"late")
    box.commit("set system admin SBC1 accountManagement sessionIdleTimeout idleTimeout 7")
    box.advance("100d")
    assert list(box.sbc.alarms().current) != before
    box.clock.restart(calendar)
    box.sbc.reset(box.now, moment)
    box.pump()
    assert (names(box), box.now.calendar, box.now.uptime) == (["OLD"], calendar, 0)
    assert list(box.sbc.alarms().current) == before
    assert box.sbc.users.get("late") is None
    assert not box.sbc.files.exists("/opt/sonus/external/late.p12")
    box.advance("1h")
    renew(box)
    assert names(box) == ["OLD"]
    box.advance("100d")
    assert names(box) == ["NEW"]
