"""SIP over UDP in memory: pings that go out in datagrams, repeated until answered, and requests of anybody."""

from __future__ import annotations

import pytest
import testca
from inmemory import Box, FarEnd
from livebox import BASE, PINGING, SET_PEER, SET_PING, SET_PORT, ZONE, live_box, peer, zone_row

from sbcsim.clock import DAY, MINUTE, SECOND
from sbcsim.device.effects import Transport
from sbcsim.sip.stream import Stream

UDP_BASE = tuple(line.replace("sip-tls-tcp", "sip-udp").replace("ipPort 5061", "ipPort 5060") for line in BASE)
PEER = ("192.0.2.10", 5060)


def udp_box(*lines: str, base: tuple[str, ...] = UDP_BASE, far: FarEnd | None = None) -> Box:
    box = Box()
    box.far_ends[PEER] = far or FarEnd()
    box.put("ca.der", testca.authority().certificate.der)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.commit(*base, *lines)
    return box


def pings(box):
    return [(event.ok, event.reason, event.times) for event in box.events("pathPing")]


def states(box):
    return [(entry.at.uptime / SECOND, entry.event.new) for entry in box.sbc.journal if entry.kind == "pathState"]


def sent_at(box):
    return [
        entry.at.uptime / SECOND
        for entry in box.sbc.journal
        if entry.kind == "sip" and entry.event.direction == "out" and entry.event.summary.startswith("OPTIONS")
    ]


def counters(box):
    row = zone_row(box, "sipSigPortStatistics")
    return {leaf: row[leaf] for leaf in ("txPdus", "rxPdus", "txBytes", "rxBytes")}


# Pings.


def test_a_zone_with_udp_alone_pings_and_comes_up():
    box = udp_box()
    assert peer(box).state == "active"
    box.advance("1m")
    assert peer(box).state == "up"
    assert not box.sbc.connections()
    (listener,) = box.listening
    assert (listener.transport, listener.address) == (Transport.UDP, ("10.0.0.5", 5060))


def test_what_a_ping_over_udp_looks_like():
    (request,) = udp_box().far_ends[PEER].asked
    assert request.summary == "OPTIONS sip:192.0.2.10:5060 SIP/2.0"
    assert request.headers.get("Contact") == "<sip:10.0.0.5:5060>"
    assert request.headers.get("Via").startswith("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK")


def test_the_first_preference_that_a_port_allows_is_used_and_sctp_is_passed_over():
    both = tuple(line.replace("sip-udp", "sip-udp,sip-tcp") for line in UDP_BASE[:-1])
    for preferences, over in [
        ("preference1 udp preference2 tcp preference3 none preference4 none", "udp"),
        ("preference1 tcp preference2 udp preference3 none preference4 none", "tcp"),
        ("preference1 sctp preference2 udp preference3 tcp preference4 none", "udp"),
        ("preference1 sctp preference2 tls-tcp preference3 tcp preference4 none", "tcp"),
    ]:
        box = udp_box(f"{SET_PING}transportPreference {preferences}", PINGING, base=both)
        assert ["tcp" if record.transport is Transport.TCP else "" for record in box.sbc.connections()] == (
            ["tcp"] if over == "tcp" else []
        )
        assert box.far_ends[PEER].requests == 1
    box = udp_box(f"{SET_PING}transportPreference preference1 sctp preference2 none preference3 none preference4 none")
    box.advance("1d")
    assert not box.far_ends[PEER].requests
    assert peer(box).state == "active"


def test_a_changed_preference_takes_pings_to_another_transport_once_the_path_check_is_enabled_again():
    both = tuple(line.replace("sip-udp", "sip-udp,sip-tcp") for line in UDP_BASE)
    box = udp_box(base=both)
    box.commit(f"{SET_PING}transportPreference preference1 tcp preference2 udp preference3 none preference4 none")
    box.advance("5m")
    assert not box.sbc.connections()
    box.commit(f"{SET_PEER}pathCheck state disabled")
    box.commit(f"{SET_PEER}pathCheck state enabled")
    assert [record.transport for record in box.sbc.connections()] == [Transport.TCP]
    box.commit(f"{SET_PING}transportPreference preference1 udp preference2 tcp preference3 none preference4 none")
    box.commit(f"{SET_PEER}pathCheck state disabled")
    before = box.far_ends[PEER].connections
    box.commit(f"{SET_PEER}pathCheck state enabled")
    assert box.far_ends[PEER].asked[-1].via.transport == "UDP"
    assert box.far_ends[PEER].connections == before


def test_a_silent_peer_is_asked_again_and_again_until_the_ping_fails():
    box = udp_box(far=FarEnd("", behaviour="silent"))
    box.advance("32s")
    assert sent_at(box) == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert pings(box) == [(False, "no answer", 1)]
    calls = {request.call_id for request in box.far_ends[PEER].asked}
    branches = {request.via.branch for request in box.far_ends[PEER].asked}
    assert len(calls) == len(branches) == 1


def test_a_short_interval_ends_a_ping_when_the_next_one_is_due():
    box = udp_box(f"{SET_PING}sendInterval 10", far=FarEnd(behaviour="silent"))
    box.advance("10s")
    assert sent_at(box) == [0, 0.5, 1.5, 3.5, 7.5, 10]
    assert pings(box) == [(False, "no answer", 1)]
    box.advance("20s")
    assert states(box) == [(0, "active"), (30, "down")]


@pytest.mark.parametrize("lost", [1, 2, 10])
def test_a_lost_datagram_is_made_good_by_the_next_one(lost):
    box = udp_box(far=FarEnd(lost=lost))
    box.advance("32s")
    assert pings(box) == [(True, "200", 1)]
    assert len(sent_at(box)) == lost + 1


def test_after_a_provisional_answer_the_ping_is_repeated_at_leisure():
    box = udp_box(far=FarEnd(behaviour=100))
    box.advance("20s")
    assert sent_at(box) == [0, 0.5, 4.5, 8.5, 12.5, 16.5]
    assert not pings(box)
    box.far_ends[PEER].behaviour = 200
    box.advance("1s")
    assert pings(box) == [(True, "200", 1)]


def test_answers_that_belong_to_no_ping_change_nothing():
    far = FarEnd(behaviour="owe")
    box = udp_box(far=far)
    (owed,) = far.owed_datagrams
    listener, data = owed
    strange = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
    box.sbc.datagram(listener, PEER, strange, box.now)
    box.sbc.datagram(listener, PEER, data.replace(b"Call-ID: ", b"Call-ID: x"), box.now)
    assert not pings(box)
    box.pay(far)
    assert pings(box) == [(True, "200", 1)]
    box.sbc.datagram(listener, PEER, data, box.now)
    assert pings(box) == [(True, "200", 1)]


def test_failure_codes_count_over_udp_too():
    box = udp_box(f"{SET_PING}failureResponseCodes all5xx", far=FarEnd(behaviour=503))
    box.advance("2m")
    assert states(box) == [(0, "active"), (120, "down")]


def test_a_ping_that_cannot_be_sent_fails_with_the_reason():
    box = udp_box(far=FarEnd(behaviour="refuse"))
    assert pings(box) == [(False, "network is unreachable", 1)]
    box.advance("1d")
    assert {(ok, reason) for ok, reason, _ in pings(box)} == {(False, "network is unreachable")}
    assert box.sbc.outstanding() == 0
    assert sum(times for *_, times in pings(box)) == 1 + DAY // MINUTE


def test_a_port_out_of_service_sends_nothing_and_the_next_ping_after_it_does():
    far = FarEnd(behaviour="silent")
    box = udp_box(far=far)
    box.commit(f"{SET_PORT}mode outOfService")
    assert not box.listening
    before = far.requests
    box.advance("30s")
    assert far.requests == before
    far.behaviour = "answer"
    box.commit(f"{SET_PORT}mode inService")
    box.advance("30s")
    assert pings(box)[-1][0]


def test_a_draining_port_sends_no_more_pings_and_turns_requests_away():
    box = udp_box(f"{SET_PORT}action dryup dryUpTimeout 60")
    box.commit(f"{SET_PORT}mode outOfService")
    before = box.far_ends[PEER].requests
    box.advance("10m")
    assert box.far_ends[PEER].requests == before
    (answer,) = box.say_by_udp(asked())
    assert answer.data.startswith(b"SIP/2.0 503 ")
    assert zone_row(box, "sipSigPortStatistics")["tx503s"] == 1
    box.advance("50m")
    assert not box.listening


def test_a_ping_under_way_is_not_repeated_by_a_port_that_drains():
    box = udp_box(f"{SET_PORT}action dryup dryUpTimeout 60", far=FarEnd(behaviour="owe"))
    box.commit(f"{SET_PORT}mode outOfService")
    box.advance("10s")
    assert box.far_ends[PEER].requests == 1
    box.pay(box.far_ends[PEER])
    assert pings(box) == [(True, "200", 1)]


def test_a_connection_that_was_begun_for_an_earlier_ping_decides_nothing_over_udp():
    both = tuple(line.replace("sip-udp", "sip-udp,sip-tcp") for line in UDP_BASE)
    order = f"{SET_PING}transportPreference preference1 %s preference2 %s preference3 none preference4 none"
    for outcome in ("fails", "comes up"):
        box = udp_box(order % ("tcp", "udp"), base=both, far=FarEnd(behaviour="hang"))
        (dial,) = box.sbc._plane.opening
        box.far_ends[PEER].behaviour = "owe"
        box.commit(f"{SET_PEER}pathCheck state disabled", order % ("udp", "tcp"))
        box.commit(PINGING)
        if outcome == "fails":
            box.sbc.dial_failed(dial, "connection refused", box.now)
        else:
            box.dialled[dial], box.streams[dial] = box.far_ends[PEER], Stream()
            box.sbc.dialed(dial, ("127.0.0.1", 50000), box.now)
            box.pump()
        assert not pings(box)
        assert box.far_ends[PEER].requests == 1
        box.pay(box.far_ends[PEER])
        assert pings(box) == [(True, "200", 1)]


def test_an_answer_ends_the_silence_of_a_peer_that_is_named_by_its_address():
    away = tuple(line.replace("ipAddress 192.0.2.10 ipPort 5060", "ipAddress 192.0.2.99") for line in UDP_BASE)
    box = udp_box(f"{SET_PEER}pathCheck hostName {PEER[0]} hostPort {PEER[1]}", base=away, far=FarEnd())
    box.far_ends[PEER].behaviour = "silent"
    box.advance("10m")
    key = ("default", "Z", "P")
    assert box.sbc._paths.silent(key)
    box.far_ends[PEER].behaviour = "answer"
    box.advance("1m")
    assert pings(box)[-1][:2] == (True, "200")
    assert not box.sbc._paths.silent(key)


def test_answers_over_udp_go_wrong_on_purpose():
    box = udp_box()
    for point in ("sip.silence", "sip.status", "sip.duplicate"):
        box.sbc.faults.add(point, match="OPTIONS", times=1)
    asked_for = [box.say_by_udp(asked()) for _ in range(2)]
    assert asked_for[0] == []
    assert [each.data[:12] for each in asked_for[1]] == [b"SIP/2.0 503 "] * 2
    assert [event.point for event in box.events("faultFired")] == ["sip.silence", "sip.status", "sip.duplicate"]


def test_a_deleted_peer_is_asked_no_more():
    far = FarEnd(behaviour="silent")
    box = udp_box(far=far)
    box.commit(f"{SET_PEER}pathCheck state disabled", f"delete {ZONE} ipPeer P")
    before = far.requests
    box.advance("1d")
    assert far.requests == before
    assert box.sbc.outstanding() == 0


def test_a_peer_that_answers_is_up_after_a_jump_and_counted_for_every_ping():
    box = udp_box()
    box.advance("1d")
    assert peer(box).state == "up"
    assert box.far_ends[PEER].requests < 10
    found = counters(box)
    assert found["txPdus"] == found["rxPdus"] == 1 + DAY // MINUTE


@pytest.mark.parametrize("interval", [10, 60])
@pytest.mark.parametrize("behaviour", ["answer", "silent", "refuse", 404, "comes back", "goes"])
def test_pieces_of_a_jump_end_like_the_whole(behaviour, interval):
    def run(*pieces: str):
        far = FarEnd(behaviour={"comes back": "silent", "goes": "answer"}.get(behaviour, behaviour))
        box = udp_box(f"{SET_PING}sendInterval {interval} failureResponseCodes all", far=far)
        box.advance("10m")
        far.behaviour = {"comes back": "answer", "goes": "silent"}.get(behaviour, behaviour)
        for piece in pieces:
            box.advance(piece)
        sent = sum(event.times for event in box.events("sip") if event.direction == "out")
        outcomes = {ok: sum(times for each, _, times in pings(box) if each is ok) for ok in (True, False)}
        return counters(box), sent, outcomes, peer(box).state

    whole = run("1d")
    assert whole == run("20s", "40s", "10m", "13m", "23h36m")
    assert whole == run(*["30m"] * 48)


# Requests of others.


def asked(method: str = "OPTIONS", via: str = "SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK1", to: str = "") -> bytes:
    return (
        f"{method} sip:10.0.0.5 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@b.example>;tag=1\r\nTo: <sip:10.0.0.5>{to}\r\n"
        f"Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\r\n"
    ).encode()


def test_options_of_anybody_are_answered_to_where_their_via_says():
    box = udp_box()
    (answer,) = box.say_by_udp(asked(), remote=("198.51.100.77", 41000))
    assert answer.data.startswith(b"SIP/2.0 200 OK\r\n")
    assert b"received=198.51.100.77" in answer.data
    assert answer.remote == ("198.51.100.77", 40000)
    assert answer.answers
    (answer,) = box.say_by_udp(asked(via="SIP/2.0/UDP nat.example;rport;branch=z9hG4bK1"), remote=("127.0.0.9", 41000))
    assert answer.remote == ("127.0.0.9", 41000)
    (answer,) = box.say_by_udp(asked(via="SIP/2.0/UDP h;maddr=192.0.2.200;branch=z9hG4bK1"))
    assert (answer.remote, answer.answers) == (("192.0.2.200", 5060), False)


def test_a_repeated_request_gets_the_same_answer():
    box = udp_box()
    (first,) = box.say_by_udp(asked())
    (second,) = box.say_by_udp(asked())
    assert first == second


@pytest.mark.parametrize(("method", "status"), [("INVITE", 403), ("BOGUS", 403), ("CANCEL", 481)])
def test_other_requests_are_answered_as_on_a_connection(method, status):
    (answer,) = udp_box().say_by_udp(asked(method))
    assert answer.data.startswith(f"SIP/2.0 {status} ".encode())


@pytest.mark.parametrize("data", [asked("ACK"), b"\r\n\r\n", b"not SIP at all", b"SIP/2.0 200 OK\r\n\r\n"])
def test_what_wants_no_answer_gets_none(data):
    assert udp_box().say_by_udp(data) == []


def test_what_cannot_be_read_is_noted_with_its_sender_and_answered_if_it_can_be():
    box = udp_box()
    assert box.say_by_udp(b"nonsense") == []
    (answer,) = box.say_by_udp(asked().replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS"))
    assert answer.data.startswith(b"SIP/2.0 400 ")
    refused = box.events("sipRefused")
    assert [(event.remote, event.answered) for event in refused] == [("127.0.0.1:40000", 0), ("127.0.0.1:40000", 400)]
    logged = [event.text for event in box.events("log")]
    assert "*Sip: datagram from 127.0.0.1:40000: malformed CSeq in CSeq" in logged


def test_octets_and_messages_of_datagrams_are_counted():
    box = udp_box(base=UDP_BASE[:-1])
    data = asked()
    (answer,) = box.say_by_udp(data)
    box.say_by_udp(b"\r\n\r\n")
    assert counters(box) == {
        "txPdus": 1, "rxPdus": 1, "txBytes": len(answer.data), "rxBytes": len(data) + 4,
    }  # fmt: skip


def test_a_datagram_for_a_port_that_is_gone_is_dropped():
    box = udp_box()
    (listener,) = box.listening
    before = counters(box)
    box.commit(f"{SET_PORT}mode outOfService")
    box.sbc.datagram(listener, ("127.0.0.1", 40000), asked(), box.now)
    box.pump()
    assert counters(box) == before
    assert not box.datagrams


def test_a_restart_forgets_the_pings_under_way():
    far = FarEnd(behaviour="silent")
    box = udp_box(far=far)
    box.sbc.adopt_start()
    box.advance("10s")
    before = far.requests
    box.sbc.reset(box.now)
    box.pump()
    assert far.requests == before + 1
    start = box.now.uptime / SECOND
    box.advance("10s")
    assert [each - start for each in sent_at(box)][-5:] == [0, 0.5, 1.5, 3.5, 7.5]


def test_a_port_with_every_transport_keeps_them_apart():
    lines = tuple(line.replace("sip-udp", "sip-udp,sip-tcp,sip-tls-tcp") for line in UDP_BASE)
    box = live_box(base=lines)
    assert sorted((each.transport.value, each.address[1]) for each in box.listening) == [
        ("tcp", 5060), ("tls-tcp", 5061), ("udp", 5060),
    ]  # fmt: skip
