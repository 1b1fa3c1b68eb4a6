"""The framing of SIP on a byte stream."""

from __future__ import annotations

import pytest
from sip_cases import FRAMING, PLAIN, WITH_BODY, options, response
from sip_server import verdicts

from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.stream import KeepAlive, Limits, Stream


@pytest.mark.parametrize("name", FRAMING)
def test_framing(name: str) -> None:
    octets, expected = FRAMING[name]
    assert verdicts([octets]) == expected


@pytest.mark.parametrize("name", FRAMING)
def test_framing_byte_by_byte(name: str) -> None:
    octets, expected = FRAMING[name]
    assert verdicts(octets[at : at + 1] for at in range(len(octets))) == expected


def test_ping_split_over_two_reads() -> None:
    stream = Stream()
    assert stream.feed(b"\r\n") == []
    assert stream.feed(b"\r\n") == [KeepAlive.PING]


def test_pong_is_known_when_something_follows() -> None:
    stream = Stream()
    assert stream.feed(b"\r\n") == []
    assert not stream.incomplete
    assert stream.feed(b"S") == [KeepAlive.PONG]
    assert stream.incomplete


def test_body_is_delivered_as_octets() -> None:
    body = bytes(range(256))
    [message] = Stream().feed(options(b"Content-Length: 256\r\n", body))
    assert isinstance(message, Request)
    assert message.body == body


def test_response_is_delivered() -> None:
    [message] = Stream().feed(response(b"SIP/2.0 183 Session Progress"))
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.final) == (183, "Session Progress", False)


def test_status_line_without_blank_after_the_code() -> None:
    [message] = Stream().feed(response(b"SIP/2.0 200"))
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.final) == (200, "", True)


def test_messages_before_a_fatal_error_are_delivered() -> None:
    first, second, error = Stream().feed(PLAIN + WITH_BODY + b"\x00")
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert isinstance(error, SipError)
    assert (error.fatal, error.status, error.request) == (True, 0, None)
    assert (error.layer, error.header, error.offset) == ("sip", "", len(PLAIN + WITH_BODY))


def test_nothing_is_taken_after_a_fatal_error() -> None:
    stream = Stream()
    stream.feed(b"\x00")
    assert stream.over
    assert stream.feed(PLAIN) == []
    assert not stream.incomplete


def test_framing_error_names_the_header_and_carries_the_request() -> None:
    [error] = Stream().feed(options(b"Content-Length: x\r\n"))
    assert isinstance(error, SipError)
    assert (error.header, error.offset, error.status) == ("Content-Length", 0, 400)
    assert error.request is not None
    assert error.request.call_id == "c1"


def test_malformed_start_line_does_not_end_the_stream() -> None:
    broken = PLAIN.replace(b"SIP/2.0\r\nVia", b"SIP/2.0 \r\nVia")
    error, message = Stream().feed(broken + PLAIN)
    assert isinstance(error, SipError)
    assert (error.fatal, error.status, error.offset) == (False, 400, 0)
    assert error.request is not None
    assert error.request.method == "OPTIONS"
    assert isinstance(message, Request)


def test_offset_counts_from_the_beginning_of_the_stream() -> None:
    stream = Stream()
    for _ in range(3):
        stream.feed(PLAIN)
    [error] = stream.feed(b"GET / HTTP/1.1\r\n")
    assert isinstance(error, SipError)
    assert error.offset == 3 * len(PLAIN)


@pytest.mark.parametrize(
    ("limits", "octets", "expected"),
    [
        (Limits(head=len(PLAIN)), PLAIN, ["OPTIONS 200"]),
        (Limits(head=len(PLAIN) - 1), PLAIN, ["513", "close"]),
        (Limits(head=10), PLAIN, ["close"]),
        (Limits(body=5), WITH_BODY, ["OPTIONS 200"]),
        (Limits(body=4), WITH_BODY, ["413", "close"]),
        (Limits(body=0), PLAIN, ["OPTIONS 200"]),
        (Limits(headers=7), PLAIN, ["OPTIONS 200"]),
        (Limits(headers=6), PLAIN, ["513", "close"]),
    ],
)
def test_limits(limits: Limits, octets: bytes, expected: list[str]) -> None:
    assert verdicts([octets], limits) == expected
    assert verdicts((octets[at : at + 1] for at in range(len(octets))), limits) == expected


def test_buffer_does_not_grow_over_many_messages() -> None:
    stream = Stream()
    for _ in range(1000):
        stream.feed(PLAIN + b"\r\n\r\n" + PLAIN[:10])
        stream.feed(PLAIN[10:])
        assert not stream._buffer
