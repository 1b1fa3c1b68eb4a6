"""pathCheck in detail: what counts as failure, the verdicts, which way pings go, when they stop, and coalescing."""

from __future__ import annotations

import pytest
import testca
from inmemory import FarEnd
from livebox import (
    BASE,
    PEER,
    PINGING,
    SET_PEER,
    SET_PING,
    SET_PORT,
    SET_PROFILE,
    ZONE,
    chain,
    live_box,
    peer,
    tls_counters,
    zone_row,
)

from sbcsim.clock import DAY, MINUTE, SECOND
from sbcsim.device import pathcheck
from sbcsim.device.effects import Transport
from sbcsim.device.settings import Settings

OFF, ON = f"{SET_PEER}pathCheck state disabled", f"{SET_PEER}pathCheck state enabled"
DOWN_EVENT = "sonusSbxPathCheckPingStateDownNotification2"
UP_EVENT = "sonusSbxPathCheckPingStateUpNotification2"


@pytest.fixture
def box():
    return live_box()


def far(box, address=PEER):
    return box.far_ends[address]


def states(box, name="P"):
    """Return the changes of a peer's state with the uptime in seconds."""
    return [
        (entry.at.uptime // SECOND, entry.event.new)
        for entry in box.sbc.journal
        if entry.kind == "pathState" and entry.event.peer == name
    ]


def pings(box, name="P"):
    return [event for event in box.events("pathPing") if event.peer == name]


def dialled(box):
    return [event.remote for event in box.events("connectionOpened") if event.direction == "outbound"]


def timers_of(box, kind):
    table = box.sbc._chassis.timetable
    return [key for queue in (table.acting, table.own, table.keepalives) for key in queue._by_key if key[0] == kind]


# The request.


def test_what_a_ping_looks_like(box):
    (request,) = far(box).asked
    headers = request.headers
    assert request.summary == "OPTIONS sip:192.0.2.10:5061;transport=tls SIP/2.0"
    assert headers.get("Max-Forwards") == "70"
    assert headers.get("From").startswith("<sip:10.0.0.5>;tag=")
    assert headers.get("Contact") == "<sip:10.0.0.5:5061;transport=tls>"
    assert headers.get("Via").startswith("SIP/2.0/TLS 10.0.0.5:5061;branch=z9hG4bK")
    assert headers.get("CSeq").endswith("OPTIONS")
    assert headers.get("Allow") is None


def test_a_new_call_id_each_time(box):
    box.advance("3m")
    calls = [request.call_id for request in far(box).asked]
    assert len(calls) == len(set(calls)) >= 3


def test_status_update_support_adds_allow_and_accept(box):
    box.commit(f"{SET_PEER}pathCheck statusUpdateSupport enabled")
    box.advance("1m")
    headers = far(box).asked[-1].headers
    assert headers.get("Allow") is not None
    assert headers.get("Accept") == "application/sdp"


# Outcomes and verdicts.


@pytest.mark.parametrize(
    ("codes", "status", "failure"),
    [
        ("", 200, False),
        ("", 503, False),
        ("", 404, False),
        ("503", 503, True),
        ("503", 500, False),
        ("all", 200, False),
        ("all", 302, False),
        ("all", 400, True),
        ("all", 699, True),
        ("all4xx", 404, True),
        ("all4xx", 503, False),
        ("all5xx", 503, True),
        ("all6xx", 603, True),
        ("all6xx", 404, False),
    ],
)
def test_which_answers_are_failures(codes, status, failure):
    lines = [line for line in BASE if line != PINGING]
    if codes:
        lines.append(f"{SET_PING}failureResponseCodes {codes}")
    box = live_box(base=(*lines,))
    far(box).behaviour = status
    box.commit(PINGING)
    (event,) = pings(box)
    assert (event.ok, event.reason) == (not failure, str(status))


def test_active_until_one_of_the_criteria_is_met(box):
    assert peer(box).state == "active"
    assert states(box) == [(0, "active")]
    box.advance("60s")
    assert states(box) == [(0, "active"), (60, "up")]
    assert zone_row(box, "peerPathchkStatus")["pingState"] == "up"


def test_one_bad_ping_begins_the_count_anew(box):
    box.commit(OFF)
    box.commit(f"{SET_PING}failureResponseCodes 503 recoveryCount 3", ON)
    box.advance("60s")
    far(box).behaviour = 503
    box.advance("60s")
    far(box).behaviour = "answer"
    box.advance("2m")
    assert peer(box).state == "active"
    box.advance("1m")
    assert peer(box).state == "up"


@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_peer_goes_down_with_the_last_of_so_many_failures_in_a_row(count):
    box = live_box(f"{SET_PING}replyTimeoutCount {count} recoveryCount 1 failureResponseCodes all")
    assert peer(box).state == "up"
    far(box).behaviour = 500
    for _ in range(30):  # what a far end does in the middle of a jump nobody can know
        box.advance("1m")
    assert states(box)[-1] == (60 * count, "down")
    (alarm,) = box.sbc.alarms().current
    assert (alarm.name.event, alarm.name.severity) == (DOWN_EVENT, "Major")
    assert alarm.description == "Peer P in zone Z does not answer path check"
    far(box).behaviour = "answer"
    box.advance("1m")
    assert states(box)[-1] == (31 * 60, "up")
    assert box.sbc.alarms().current == []
    assert box.sbc.alarms().history[-1].name.event == UP_EVENT


@pytest.mark.parametrize(("interval", "limit"), [(60, 32), (600, 32), (20, 20), (1, 1)])
def test_an_answer_must_come_within_32_seconds_or_the_interval(interval, limit):
    box = live_box(f"{SET_PING}sendInterval {interval}")
    far(box).behaviour = "silent"
    sent = [entry.at.uptime for entry in box.sbc.journal if entry.kind == "sip"]
    box.advance_by(10 * interval * SECOND)
    failed = next(entry for entry in box.sbc.journal if entry.kind == "pathPing" and not entry.event.ok)
    assert sent == [0, 0]
    assert failed.at.uptime == (interval + limit) * SECOND
    assert failed.event.reason == "no answer"


def test_provisional_answers_do_not_count(box):
    far(box).behaviour = 180
    box.advance("2m")
    assert pings(box)[-1].reason == "no answer"


def test_an_answer_on_another_connection_or_with_another_call_id_does_not_count(box):
    far(box).behaviour = "owe"
    box.sbc.fire(box.clock.move_to(MINUTE))
    box.pump()
    ((connection, answer),) = far(box).owed
    before = len(pings(box))
    other = box.connect(("10.0.0.5", 5061), chain(testca.peer()))
    box.sbc.received(other, answer, box.now)
    box.sbc.received(connection, answer.replace(b"Call-ID: ", b"Call-ID: x"), box.now)
    assert len(pings(box)) == before
    box.pay(far(box))
    assert len(pings(box)) == before + 1


def test_an_answer_that_comes_too_late_changes_no_verdict_but_ends_the_silence(box):
    far(box).behaviour = "owe"
    box.advance("61s")
    box.advance("40s")
    assert [event.ok for event in pings(box)] == [True, False]
    assert box.sbc._paths.get(("default", "Z", "P")).silent
    box.pay(far(box))
    assert [event.ok for event in pings(box)] == [True, False]
    assert not box.sbc._paths.get(("default", "Z", "P")).silent


def test_icmp_always_succeeds_and_sends_nothing():
    box = live_box(f"{SET_PING}protocol icmp")
    far(box).behaviour = "refuse"
    box.advance("1h")
    assert peer(box).state == "up"
    assert far(box).requests == 0
    assert sum(event.times for event in pings(box)) == 61


# Enabling and disabling.


def test_profile_edits_wait_for_the_toggle(box):
    box.advance("5m")
    box.commit(f"{SET_PING}sendInterval 10 failureResponseCodes all")
    far(box).behaviour = 503
    before = far(box).requests
    box.sbc.fire(box.clock.move_to(6 * MINUTE))
    box.pump()
    assert far(box).requests == before + 1
    assert pings(box)[-1].ok
    box.commit(OFF)
    box.commit(ON)
    assert not pings(box)[-1].ok
    box.advance("30s")
    assert peer(box).state == "down"


def test_disabling_stops_pings_clears_the_alarm_and_keeps_the_connection(box):
    far(box).behaviour = "silent"
    box.advance("10m")
    assert peer(box).state == "down"
    box.commit(OFF)
    assert peer(box).state == "inActive"
    assert box.sbc.alarms().current == []
    assert len(box.sbc.connections()) == 1
    before = far(box).requests
    box.advance("1d")
    assert far(box).requests == before
    assert timers_of(box, "ping") == timers_of(box, "reply") == []
    far(box).behaviour = "answer"
    box.commit(ON)
    assert peer(box).state == "active"
    assert len(far(box).connections) == 1


def test_disabling_with_a_ping_under_way_forgets_it(box):
    far(box).behaviour = "owe"
    box.sbc.fire(box.clock.move_to(MINUTE))
    box.pump()
    box.commit(OFF)
    box.pay(far(box))
    box.advance("10m")
    assert len(pings(box)) == 1
    assert box.sbc.outstanding() == 0
    assert box.sbc._paths._by_call_id == {}


def test_no_more_than_so_many_peers_are_pinged(monkeypatch):
    monkeypatch.setattr(pathcheck, "PINGED_PEERS", 2)
    extra = [f"set {ZONE} ipPeer {name} ipAddress 192.0.2.10 ipPort 5061" for name in ("Q", "R")]
    enable = [f"set {ZONE} ipPeer {name} pathCheck profile PCP state enabled" for name in ("Q", "R")]
    box = live_box(*extra, *enable)
    assert [view.state for view in box.sbc.peers()] == ["active", "active", "inActive"]
    box.commit(OFF)
    box.commit(f"set {ZONE} ipPeer R pathCheck state disabled")
    box.commit(f"set {ZONE} ipPeer R pathCheck state enabled")
    assert [view.state for view in box.sbc.peers()] == ["inActive", "active", "active"]


# Which way pings go.


@pytest.mark.parametrize(
    ("lines", "settings", "address"),
    [
        ([f"{SET_PEER}ipPort 0"], Settings(), ("192.0.2.10", 5061)),
        ([f"{SET_PEER}ipPort 5099"], Settings(), ("192.0.2.10", 5099)),
        ([f"{SET_PEER}ipPort 5060"], Settings(dial_tls_port_plus_one=True), ("192.0.2.10", 5061)),
        ([f"{SET_PEER}ipPort 0"], Settings(dial_tls_port_plus_one=True), ("192.0.2.10", 5061)),
        ([f"{SET_PORT}transportProtocolsAllowed sip-tcp", f"{SET_PEER}ipPort 0"], Settings(), ("192.0.2.10", 5060)),
        (
            [f"{SET_PEER}pathCheck hostName p.example.com"],
            Settings(hosts={"p.example.com": "192.0.2.99"}),
            ("192.0.2.99", 5060),
        ),
        (
            [f"{SET_PEER}pathCheck hostName p.example.com hostPort 0"],
            Settings(hosts={"p.example.com": "192.0.2.99"}),
            ("192.0.2.99", 5061),
        ),
        ([f"{SET_PEER}pathCheck hostName 192.0.2.98 hostPort 7"], Settings(), ("192.0.2.98", 7)),
        ([f"{SET_PEER}ipAddress 2001:DB8::A"], Settings(), ("2001:db8::a", 5061)),
    ],
)
def test_where_a_peer_is_dialled(lines, settings, address):
    box = live_box(settings=settings, base=tuple(line for line in BASE if line != PINGING))
    box.commit(f"{SET_PORT}state disabled mode outOfService")
    box.far_ends[address] = FarEnd(chain=chain(testca.peer()))
    box.commit(*lines, f"{SET_PORT}state enabled mode inService", PINGING)
    assert box.far_ends[address].requests == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            [f"{SET_PEER}pathCheck hostName nowhere.example.com"],
            "hostName nowhere.example.com is not in the host table",
        ),
        ([f"{SET_PROFILE}allowedRoles server"], "tlsProfile TLS allows the server role only"),
        ([f"delete {ZONE} ipPeer P ipAddress"], "ipAddress is not configured"),
    ],
)
def test_a_peer_that_cannot_be_dialled_fails(lines, reason):
    box = live_box(base=tuple(line for line in BASE if line != PINGING))
    box.commit(*lines, PINGING)
    box.advance("1d")
    assert {(event.ok, event.reason) for event in pings(box)} == {(False, reason)}
    assert states(box)[-1] == (120, "down")
    assert sum(event.times for event in pings(box)) == 1 + DAY // MINUTE
    assert not dialled(box)


def test_the_first_preference_that_a_port_in_service_allows_is_used():
    second = (
        f"set {ZONE} sipSigPort 2 ipInterfaceGroupName LIG portNumber 5070 transportProtocolsAllowed sip-tcp "
        "tlsProfileName TLS mode inService state enabled"
    )
    preferences = "preference1 tls-tcp preference2 tcp preference3 none preference4 none"
    box = live_box(second, f"{SET_PING}transportPreference {preferences}")
    assert [record.transport for record in box.sbc.connections()] == [Transport.TLS]
    box = live_box(second)  # by default TCP comes before TLS
    assert [(record.transport, record.sip_sig_port) for record in box.sbc.connections()] == [(Transport.TCP, 2)]
    assert zone_row(box, "sipSigConnStatistics", 1)["tcpConnection"] == 1


def test_an_ipv6_peer_is_dialled_from_an_ipv6_address():
    lines = [line.replace("ipAddress 192.0.2.10", "ipAddress 2001:db8::a") for line in BASE]
    lines = [
        line.replace("ipAddress 10.0.0.5 ", "ipAddress 10.0.0.5 altIpAddress 2001:db8::5 altPrefix 64 ")
        for line in lines
    ]
    box = live_box(base=tuple(lines[:-1]))
    box.far_ends["2001:db8::a", 5061] = FarEnd(chain=chain(testca.peer()))
    box.commit(f"{SET_PORT}state disabled")
    box.commit(f"{SET_PORT}ipAddressV4 10.0.0.5 ipAddressV6 2001:db8::5 state enabled", PINGING)
    (record,) = box.sbc.connections()
    assert record.local[0] == "2001:db8::5"
    assert "sip:[2001:db8::5]" in box.far_ends["2001:db8::a", 5061].asked[0].headers.get("From")


@pytest.mark.parametrize(
    "line", [f"{SET_PEER}ipAddress 192.0.2.11", f"{SET_PEER}ipPort 5062", f"{SET_PEER}pathCheck hostName 192.0.2.11"]
)
def test_a_peer_that_moved_loses_its_connection_at_once(box, line):
    box.advance("5m")
    box.commit(line)
    assert not box.sbc.connections()
    assert box.events("connectionClosed")[-1].reason == "ipPeer moved or deleted"
    assert peer(box).state == "up"
    box.advance("1m")
    assert not pings(box)[-1].ok


def test_a_deleted_peer_leaves_nothing_behind(box):
    far(box).behaviour = "owe"
    box.sbc.fire(box.clock.move_to(MINUTE))
    box.pump()
    box.commit(OFF, f"delete {ZONE} ipPeer P")
    assert not box.sbc.connections()
    assert not box.sbc.peers()
    assert box.sbc.outstanding() == 0
    assert timers_of(box, "ping") == timers_of(box, "reply") == []
    box.pay(far(box))
    box.advance("1d")


def test_a_deleted_zone_takes_its_peers_along(box):
    box.commit(OFF, f"{SET_PORT}state disabled", f"delete {ZONE}")
    assert not box.sbc.connections()
    assert not box.sbc.peers()
    box.advance("1d")


@pytest.mark.parametrize("planned", [False, True])
def test_a_peer_deleted_in_the_middle_of_a_jump_is_not_pinged_any_more(box, planned):
    box.advance("5m")
    if planned:
        assert box.sbc.plan(DAY) is not None
    box.commit(OFF, f"delete {ZONE} ipPeer P")
    before = far(box).requests
    box.advance("2d")
    assert far(box).requests == before


# Ports.


def test_pings_stop_while_no_port_is_in_service_and_nothing_is_judged(box):
    box.advance("5m")
    box.commit(f"{SET_PORT}mode outOfService")
    before, state, fired = far(box).requests, states(box), len(pings(box))
    box.advance("10d")
    assert (far(box).requests, states(box), len(pings(box))) == (before, state, fired)
    box.commit(f"{SET_PORT}mode inService")
    box.advance("60s")
    assert far(box).requests == before + 1
    assert peer(box).state == "up"


def test_waiting_for_a_port_costs_next_to_nothing_on_a_jump(box):
    box.commit(f"{SET_PORT}mode outOfService")
    steps = 0
    while (due := box.sbc.plan(30 * DAY)) is not None:
        box.sbc.fire_planned(box.clock.move_to(due))
        steps += 1
    assert steps < 100


def test_a_draining_port_keeps_its_connection_but_sends_no_more_pings(box):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 60")
    box.advance("5m")
    box.commit(f"{SET_PORT}mode outOfService")
    before = far(box).requests
    box.advance("10m")
    assert far(box).requests == before
    assert len(box.sbc.connections()) == 1


def test_pings_move_to_another_port_while_theirs_drains(box):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 60")
    box.commit(
        f"set {ZONE} sipSigPort 2 ipInterfaceGroupName LIG portNumber 5070 transportProtocolsAllowed sip-tls-tcp "
        "tlsProfileName TLS mode inService state enabled"
    )
    box.advance("5m")
    box.commit(f"{SET_PORT}mode outOfService")
    box.advance("5m")
    assert [record.sip_sig_port for record in box.sbc.connections()] == [1, 2]
    assert peer(box).connection == box.sbc.connections()[1].id
    box.advance("1h")
    assert [record.sip_sig_port for record in box.sbc.connections()] == [2]
    assert all(event.ok for event in pings(box))


# Silent and refusing peers, and coalescing.


def test_a_kept_connection_is_used_for_every_ping(box):
    box.advance("10d")
    assert len(far(box).connections) == 1
    assert sum(event.times for event in pings(box)) == 10 * DAY // MINUTE + 1


def test_a_lost_connection_is_dialled_anew_by_the_next_ping_only(box):
    box.advance("5m")
    box.sbc.closed(box.sbc.connections()[0].id, "reset by peer", box.now)
    assert not box.sbc.connections()
    box.advance("59s")
    assert not box.sbc.connections()
    box.advance("1s")
    assert len(box.sbc.connections()) == 1
    assert peer(box).state == "up"


def test_a_connection_lost_under_a_ping_fails_it(box):
    far(box).behaviour = "owe"
    box.sbc.fire(box.clock.move_to(MINUTE))
    box.pump()
    box.sbc.closed(box.sbc.connections()[0].id, "reset by peer", box.now)
    assert (pings(box)[-1].ok, pings(box)[-1].reason) == (False, "reset by peer")
    assert box.sbc.outstanding() == 0


@pytest.mark.parametrize(
    ("behaviour", "reason"), [("refuse", "connection refused"), ("hang", "tcpConnectTimeout ran out")]
)
def test_a_peer_that_cannot_be_reached_is_dialled_at_every_ping(behaviour, reason):
    box = live_box(base=BASE[:-1])
    far(box).behaviour = behaviour
    box.commit(PINGING)
    box.advance("1d")
    assert {event.reason for event in pings(box) if event.times == 1} == {reason}
    last = 5 if behaviour == "hang" else 0
    assert states(box) == [(0, "active"), (120 + last, "down")]
    box.advance("5s")  # the last dial ends
    assert sum(event.times for event in box.events("dialFailed")) == 1 + DAY // MINUTE
    assert sum(event.times for event in pings(box)) == 1 + DAY // MINUTE
    assert len(box.events("dialFailed")) < 20


def test_every_handshake_of_a_coalesced_ping_is_counted(box):
    far(box).chain = chain(testca.stranger().issue("x", not_before=testca.START, not_after="2030-01-01T00:00:00Z"))
    box.sbc.closed(box.sbc.connections()[0].id, "reset", box.now)
    box.advance("1d")
    counters = tls_counters(box)
    assert counters["serverAuthFailures"] == counters["validationFailures"] == DAY // MINUTE
    assert counters["handshakeFailures"] == DAY // MINUTE


def test_a_down_peer_is_tried_right_after_the_commit_that_may_help():
    box = live_box(f"{SET_PROFILE}allowedRoles server", base=BASE)
    box.advance("1h")
    assert peer(box).state == "down"
    box.commit(f"{SET_PROFILE}allowedRoles clientandserver")
    box.advance("1d")
    assert states(box)[-1] == (3600 + 120, "up")


def test_an_anchor_that_comes_late_helps_at_once_too(box):
    issuer = testca.stranger()
    far(box).chain = chain(issuer.issue("x", not_before=testca.START, not_after="2030-01-01T00:00:00Z"))
    box.sbc.closed(box.sbc.connections()[0].id, "reset", box.now)
    box.advance("1h")
    box.put("stranger.der", issuer.certificate.der)
    box.commit("set system security pki certificate S fileName stranger.der type remote state enabled")
    box.advance("1d")
    assert states(box)[-1] == (3600 + 120, "up")


def test_a_certificate_that_begins_during_a_jump_helps_from_that_instant(box):
    far(box).chain = chain(
        testca.authority().issue("x", not_before="2026-01-02T00:00:30Z", not_after="2030-01-01T00:00:00Z")
    )
    box.sbc.closed(box.sbc.connections()[0].id, "reset", box.now)
    box.advance("3d")
    assert states(box)[-1] == (24 * 3600 + 120, "up")


def test_coalescing_changes_no_figure():
    def run(step):
        box = live_box(
            "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
            f"set {ZONE} ipPeer Q ipAddress 192.0.2.11 ipPort 5061",
            f"set {ZONE} ipPeer Q pathCheck profile PCP state enabled",
            f"{SET_PING}failureResponseCodes all",
        )
        box.far_ends["192.0.2.12", 5061] = FarEnd(behaviour=404, chain=chain(testca.peer()))
        box.commit(
            f"set {ZONE} ipPeer R ipAddress 192.0.2.12 ipPort 5061",
            f"set {ZONE} ipPeer R pathCheck profile PCP state enabled",
        )
        for _ in range(DAY // step):
            box.advance_by(step)
        tables = ("sipSigPortTlsStatistics", "sipSigPortStatistics", "sipSigConnStatistics", "peerPathchkStatus")
        tried = {name: sum(event.times for event in pings(box, name)) for name in "PQR"}
        return [zone_row(box, table) for table in tables], tried, [states(box, name) for name in "PQR"]

    assert run(DAY) == run(20 * MINUTE)
