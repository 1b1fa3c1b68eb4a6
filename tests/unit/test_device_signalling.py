"""SIP on connections: who may speak, what is answered while a port drains, and what breaks the rules."""

from __future__ import annotations

import pytest
import testca
from livebox import LISTENER, SET_PORT, SET_PROFILE, ZONE, chain, live_box, tls_counters, zone_row

from sbcsim.device.connections import ConnectionState
from sbcsim.device.effects import Direction, StartTls

KNOWN, UNKNOWN = ("192.0.2.10", 40001), ("203.0.113.9", 40002)


def message(method="OPTIONS", *extra, version="SIP/2.0", uri="sip:10.0.0.5", cseq=None, body=b""):
    fields = [
        f"{method} {uri} {version}",
        "Via: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bKx;rport",
        "From: <sip:a@b>;tag=1",
        "To: <sip:c@d>",
        "Call-ID: x",
        f"CSeq: 1 {cseq or method}",
        "Max-Forwards: 70",
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


@pytest.fixture
def box():
    return live_box()


@pytest.fixture
def up(box):
    return box.connect(LISTENER, chain(testca.peer()), remote=KNOWN)


# Authentication by SIP, where no certificate is asked for.


def waiting(box, remote):
    box.commit(f"{SET_PROFILE}authClient false")
    number = box.connect(LISTENER, remote=remote)
    assert box.sbc.connection(number).state is ConnectionState.WAITING_SIP_AUTH
    return number


def test_no_certificate_is_asked_for(box):
    box.slow_handshakes = True
    box.commit(f"{SET_PROFILE}authClient false")
    number = box.connect(LISTENER)
    effect = box.handshaking[number]
    assert isinstance(effect, StartTls)
    assert effect.direction is Direction.INBOUND
    assert not effect.settings.require_certificate


def test_a_known_peer_is_let_in_by_its_first_request(box):
    number = waiting(box, KNOWN)
    assert zone_row(box, "sipSigConnStatus", 1)["state"] == "waitingSipAuth"
    assert status(box.say(number, message())) == 200
    assert box.sbc.connection(number).state is ConnectionState.UP
    box.advance("1h")
    assert box.sbc.connection(number) is not None
    assert "higherAuthTimeout" not in tls_counters(box)


@pytest.mark.parametrize(
    ("method", "answered", "counter"),
    [("INVITE", 488, "noAuth488"), ("OPTIONS", 0, "noAuthDrops"), ("BYE", 0, "noAuthDrops")],
)
def test_anybody_else_is_turned_down_or_dropped(box, method, answered, counter):
    number = waiting(box, UNKNOWN)
    assert status(box.say(number, message(method))) == answered
    assert tls_counters(box)[counter] == 1
    assert box.sbc.connection(number).state is ConnectionState.WAITING_SIP_AUTH


def test_who_does_not_prove_to_be_a_peer_is_closed_by_the_app_auth_timer(box):
    number = waiting(box, UNKNOWN)
    box.say(number, message())
    box.advance("4s")
    assert box.sbc.connection(number) is not None
    box.advance("1s")
    assert box.sbc.connection(number) is None
    assert tls_counters(box)["higherAuthTimeout"] == 1
    assert box.events("connectionClosed")[-1].reason == "appAuthTimer ran out"


def test_a_peer_that_was_added_meanwhile_is_known(box):
    number = waiting(box, UNKNOWN)
    box.commit(f"set {ZONE} ipPeer NEWCOMER ipAddress {UNKNOWN[0]}")
    assert status(box.say(number, message())) == 200


def test_a_peer_of_another_zone_is_unknown(box):
    box.commit(
        "set addressContext default zone ELSEWHERE id 9",
        f"set addressContext default zone ELSEWHERE ipPeer X ipAddress {UNKNOWN[0]}",
    )
    number = waiting(box, UNKNOWN)
    assert status(box.say(number, message())) == 0


def test_a_certificate_needs_no_request(box, up):
    assert box.sbc.connection(up).state is ConnectionState.UP


# Draining.


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER"])
def test_a_draining_port_answers_new_requests_with_503(box, up, method):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 10")
    box.commit(f"{SET_PORT}mode outOfService")
    assert zone_row(box, "sipSigPortStatus")["state"] == "inService"
    assert status(box.say(up, message(method))) == 503
    row = zone_row(box, "sipSigPortStatistics")
    assert (row["tx503s"], row["tx500s"]) == (1, 1)
    box.commit(f"{SET_PORT}mode inService")
    assert status(box.say(up, message())) == 200
    assert box.sbc.connection(up) is not None


def test_a_draining_port_still_accepts(box):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 10")
    box.commit(f"{SET_PORT}mode outOfService")
    number = box.connect(LISTENER, chain(testca.peer()))
    assert status(box.say(number, message())) == 503
    assert status(box.say(number, message("ACK"))) == 0


@pytest.mark.parametrize(("method", "answered"), [("BYE", 481), ("CANCEL", 481), ("INFO", 481)])
def test_what_belongs_to_a_dialog_is_not_turned_away_from_a_draining_port(box, up, method, answered):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 10")
    box.commit(f"{SET_PORT}mode outOfService")
    within = message(method).replace(b"To: <sip:c@d>", b"To: <sip:c@d>;tag=2")
    assert status(box.say(up, within)) == answered


def test_a_draining_port_says_what_is_wrong_with_a_broken_request(box, up):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 10")
    box.commit(f"{SET_PORT}mode outOfService")
    assert status(box.say(up, message(cseq="INVITE"))) == 400


def test_an_end_of_the_drain_closes_what_is_left(box, up):
    box.commit(f"{SET_PORT}action dryup dryUpTimeout 1")
    box.commit(f"{SET_PORT}mode outOfService")
    box.advance("60s")
    assert box.sbc.connection(up) is None
    assert not box.listening
    assert zone_row(box, "sipSigPortStatus")["state"] == "outOfService"


# Answers and errors.


@pytest.mark.parametrize(
    ("method", "answered"),
    [("OPTIONS", 200), ("INVITE", 403), ("BYE", 405), ("CANCEL", 481), ("NONSENSE", 403), ("ACK", 0)],
)
def test_what_is_answered(box, up, method, answered):
    assert status(box.say(up, message(method))) == answered


def test_options_are_answered_to_anybody(box):
    number = box.connect(LISTENER, chain(testca.peer()), remote=UNKNOWN)
    assert status(box.say(number, message())) == 200


@pytest.mark.parametrize(
    ("data", "answered"),
    [
        (message(cseq="INVITE"), 400),
        (message("OPTIONS", "Require: nonsense"), 420),
        (message(version="SIP/3.0"), 505),
        (message(uri="nonsense:x"), 416),
    ],
)
def test_a_broken_request_is_answered_and_the_connection_goes_on(box, up, data, answered):
    assert status(box.say(up, data)) == answered
    assert box.sbc.connection(up) is not None
    assert status(box.say(up, message())) == 200


@pytest.mark.parametrize(
    ("data", "answered"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 0),
        (message().replace(b"Content-Length: 0\r\n", b""), 400),
        (message().replace(b"Content-Length: 0", b"Content-Length: 99999999999"), 413),
        (b"\x16\x03\x01garbage", 0),
    ],
)
def test_what_breaks_the_framing_ends_the_connection_after_the_answer(box, up, data, answered):
    assert status(box.say(up, data)) == answered
    assert box.sbc.connection(up) is None
    assert up in box.closed
    (event,) = box.events("sipRefused")
    assert (event.closed, event.answered) == (True, answered)
    assert tls_counters(box)["receiveFailures"] == 1
    (line,) = [each for each in box.sbc.event_log.lines("debug") if "*Sip:" in each]
    assert f"connection {up}" in line


def test_what_came_in_counts_even_where_it_ends_the_connection(box, up):
    before = zone_row(box, "sipSigPortStatistics")
    data = message() + b"garbage\r\n\r\n"
    box.say(up, data)
    after = zone_row(box, "sipSigPortStatistics")
    assert (after["rxPdus"] - before["rxPdus"], after["rxBytes"] - before["rxBytes"]) == (1, len(data))


def test_nothing_is_taken_behind_a_fatal_error(box, up):
    box.say(up, b"garbage\r\n\r\n" + message())
    assert box.sent[up] == b""
    assert [event.connection for event in box.events("sip") if event.direction == "in" and event.connection == up] == []


@pytest.mark.parametrize("cut", [1, 7, 50, 10_000])
def test_octets_come_in_any_pieces(box, up, cut):
    data = b"\r\n\r\n" + message() + b"\r\n\r\n" + message("INVITE")
    answers = b"".join(box.say(up, data[at : at + cut]) for at in range(0, len(data), cut))
    assert answers.startswith(b"\r\nSIP/2.0 200 OK")
    assert answers.count(b"SIP/2.0 ") == 2
    assert b"\r\n\r\n\r\nSIP/2.0 403" in answers
    record = box.sbc.connection(up)
    assert (record.messages_in, record.bytes_in) == (2, len(data))
    assert (record.messages_out, record.bytes_out) == (2, len(answers))


def test_keep_alives_are_answered_and_are_no_messages(box, up):
    box.advance("1m")
    assert box.say(up, b"\r\n\r\n") == b"\r\n"
    assert box.say(up, b"\r\n") == b""
    record = box.sbc.connection(up)
    assert (record.messages_in, record.messages_out) == (0, 0)
    assert record.last_used == box.now


def test_a_response_that_nobody_asked_for_is_noted_and_dropped(box, up):
    answer = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.0.0.5;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\n"
    answer += b"To: <sip:c@d>;tag=2\r\nCall-ID: nobody\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    assert box.say(up, answer) == b""
    assert box.sbc.connection(up) is not None
    assert box.events("sip")[-1].summary == "SIP/2.0 200 OK"
