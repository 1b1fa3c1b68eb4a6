"""Any datagram is one message, one known error or nothing; and whatever comes, the box says at most one thing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inmemory import Box
from livebox import BASE
from sip_cases import FRAMING, PLAIN, WITH_BODY, options, response

from sbcsim.sip.datagram import read
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response

MODEST = settings(max_examples=200, deadline=None)

_PIECES = st.sampled_from(
    [
        PLAIN,
        WITH_BODY,
        options(),
        response(b"SIP/2.0 200 OK"),
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"OPTIONS sip:b SIP/2.0\r\n",
        b"Content-Length: 3\r\n",
        b"l:1\r\n",
        b"Via: SIP/2.0/UDP h;branch=z9hG4bK1;maddr=192.0.2.1\r\n",
        b"Via: SIP/2.0/UDP h:99999;rport\r\n",
        *(octets for octets, _ in FRAMING.values() if len(octets) < 1000),
    ]
)
_OCTETS = st.lists(st.one_of(_PIECES, st.binary(max_size=12)), max_size=6).map(b"".join)


@pytest.fixture(scope="module")
def box() -> Box:
    made = Box()
    lines = [line.replace("sip-tls-tcp", "sip-udp") for line in BASE if "InterfaceGroup" in line]
    made.commit(*(line.replace("tlsProfileName TLS ", "") for line in lines))
    return made


@MODEST
@given(_OCTETS)
def test_whatever_comes_is_read_without_an_accident(octets: bytes) -> None:
    found = read(octets)
    if isinstance(found, Request | Response):
        again = read(found.to_bytes())
        assert isinstance(again, type(found))
        assert again.start_line == found.start_line
        assert again.body == found.body
    elif isinstance(found, SipError):
        assert not found.fatal
    else:
        assert not octets.strip(b"\r\n\0")


@MODEST
@given(_OCTETS)
def test_whatever_comes_is_answered_once_at_most_and_no_answer_is_answered(box: Box, octets: bytes) -> None:
    answers = box.say_by_udp(octets)
    assert len(answers) <= 1
    for answer in answers:
        assert isinstance(read(answer.data), Response)
        assert box.say_by_udp(answer.data) == []
