"""Messages in datagrams: one each, whole or not at all; and what an unreliable transport asks of both ends."""

from __future__ import annotations

import pytest

from sbcsim.clock import SECOND
from sbcsim.device.pathcheck import REPLY_SECONDS
from sbcsim.sip import options
from sbcsim.sip.datagram import read
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.transaction import T1, reply_to, sendings, stateless_tag, timer_e

SOURCE = ("192.0.2.9", 40000)


def octets(*more: str, body: str = "", via: str = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1") -> bytes:
    lines = ["OPTIONS sip:a@192.0.2.1 SIP/2.0", f"Via: {via}", "From: <sip:b@192.0.2.9>;tag=1", "To: <sip:a@192.0.2.1>"]
    lines += ["Call-ID: c", "CSeq: 1 OPTIONS", "Max-Forwards: 70", *more]
    return "\r\n".join([*lines, "", body]).encode()


def request(**kept: str) -> Request:
    found = read(octets(**kept))
    assert isinstance(found, Request)
    return found


@pytest.mark.parametrize(
    ("more", "body", "expected"),
    [
        ((), "", b""),
        ((), "all of it", b"all of it"),
        (("Content-Length: 0",), "", b""),
        (("Content-Length: 3",), "all of it", b"all"),
        (("l: 0009",), "all of it", b"all of it"),
    ],
)
def test_the_datagram_ends_the_body_where_nothing_else_does(more, body, expected):
    found = read(octets(*more, body=body))
    assert isinstance(found, Request)
    assert found.body == expected
    found.check()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("Content-Length: 10",), "body shorter than Content-Length"),
        (("Content-Length: " + "9" * 5000,), "body shorter than Content-Length"),
        (("Content-Length: 1", "l: 1"), "header given more than once"),
        (("Content-Length: -1",), "not a number"),
        (("no header",), "malformed header line"),
        (tuple(f"X-{number}: 1" for number in range(300)), "too many headers"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_can_be_answered(more, reason):
    found = read(octets(*more, body="body"))
    assert isinstance(found, SipError)
    assert found.reason == reason
    assert not found.fatal
    answer = options.refuse(found, source=SOURCE, to_tag="t")
    assert answer is not None
    assert answer.status // 100 in {4, 5}


@pytest.mark.parametrize("data", [b"hello", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\xff" * 2000, octets()[:-4]])
def test_what_is_no_sip_is_not_answered(data):
    found = read(data)
    assert isinstance(found, SipError)
    assert options.refuse(found, source=SOURCE, to_tag="t") is None


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\r\n", b"\0\0\0\0"])
def test_what_only_keeps_the_way_open_says_nothing(data):
    assert read(data) is None


def test_line_ends_may_stand_in_front():
    assert isinstance(read(b"\r\n\r\n" + octets()), Request)
    status = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"
    assert isinstance(read(status), Response)


# Timers E and F.


def test_a_request_is_repeated_as_rfc_3261_draws_it():
    waits = [timer_e(sent) for sent in range(1, 11)]
    assert [wait / SECOND for wait in waits] == [0.5, 1, 2, 4, 4, 4, 4, 4, 4, 4]
    assert sum(waits) < 64 * T1 == REPLY_SECONDS * SECOND
    assert timer_e(1, proceeding=True) == 4 * SECOND


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, 1), (1, 2), (2, 3), (4, 4), (10, 5), (32, 11)])
def test_how_often_a_request_goes_out_within_a_time(seconds, expected):
    assert sendings(int(seconds * SECOND)) == expected


# Answers.


def answer(via: str) -> Response:
    return options.respond(request(via=via), 200, source=SOURCE, to_tag="t")


@pytest.mark.parametrize(
    ("via", "target"),
    [
        ("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", ("192.0.2.9", 5060)),
        ("SIP/2.0/UDP 192.0.2.9:5099;branch=z9hG4bK1", ("192.0.2.9", 5099)),
        ("SIP/2.0/UDP host.example.com:5099;branch=z9hG4bK1", ("192.0.2.9", 5099)),
        ("SIP/2.0/UDP 10.9.9.9:5099;branch=z9hG4bK1;rport", SOURCE),
        ("SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bK1, SIP/2.0/UDP 10.9.9.8", SOURCE),
        ("SIP/2.0/UDP 192.0.2.9:5099;maddr=192.0.2.7;branch=z9hG4bK1", ("192.0.2.7", 5099)),
        ("SIP/2.0/UDP 192.0.2.9;maddr=elsewhere.example.com;branch=z9hG4bK1", ("192.0.2.9", 5060)),
    ],
)
def test_an_answer_goes_where_rfc_3261_and_rfc_3581_send_it(via, target):
    assert reply_to(answer(via), SOURCE) == target


def test_a_repeated_request_gets_the_same_tag_and_another_one_another():
    first = request()
    assert stateless_tag(first, "0") == stateless_tag(request(), "0")
    other = request(via="SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2")
    assert len({stateless_tag(first, "0"), stateless_tag(other, "0"), stateless_tag(first, "1")}) == 3
