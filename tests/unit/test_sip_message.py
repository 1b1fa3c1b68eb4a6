"""Messages: headers by any of their names, the checks every message must pass, octets out."""

from __future__ import annotations

import pytest
from sip_cases import PLAIN, options

from sbcsim.errors import BugError, PeerError
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Headers, Request, Response, header_key
from sbcsim.sip.stream import Stream

GOOD = (
    ("v", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1"),
    ("Via", "SIP/2.0/TLS h2, SIP/2.0/UDP h3"),
    ("f", "<sip:a@h>;tag=1"),
    ("To", "<sip:b@h>"),
    ("i", "c1"),
    ("cSeQ", "7 OPTIONS"),
)


def make(*fields: tuple[str, str], without: str = "", method: str = "OPTIONS", uri: str = "sip:b@h") -> Request:
    kept = [field for field in GOOD if header_key(field[0]) != without]
    return Request(method=method, uri=uri, headers=Headers([*kept, *fields]))


def test_headers_are_found_by_any_spelling_and_keep_their_own() -> None:
    headers = Headers([("v", "1"), ("VIA", "2"), ("X-a", "3")])
    assert headers.all("Via") == ["1", "2"]
    assert headers.get("x-A") == "3"
    assert headers.get("y") is None
    assert "V" in headers
    assert "From" not in headers
    assert list(headers) == [("v", "1"), ("VIA", "2"), ("X-a", "3")]
    assert len(headers) == 3


def test_header_names_that_are_none() -> None:
    assert header_key("") == header_key("a b") == header_key("ä") == header_key("a:") == ""


def test_readers() -> None:
    request = make(("Max-Forwards", "70"), ("Expires", "60"), ("Require", "a, b"), ("Require", "c"), ("m", "<sip:x>"))
    request.check()
    assert [via.sent_by for via in request.vias] == ["192.0.2.1", "h2", "h3"]
    assert request.via.branch == "z9hG4bK1"
    assert (request.sender.tag, request.recipient.tag, request.call_id) == ("1", "", "c1")
    assert (request.cseq.number, request.cseq.method) == (7, "OPTIONS")
    assert (request.max_forwards, request.expires, request.date) == (70, 60, None)
    assert request.require == ("a", "b", "c")
    assert request.contacts[0].uri == "sip:x"
    assert request.target.user == "b"
    assert request.answerable


def test_values_are_opaque_until_read() -> None:
    request = make(("Date", "whenever"), ("Expires", "never"), ("Contact", ";;"), ("Max-Forwards", "300"))
    request.check()
    for name in ("date", "expires", "contacts", "max_forwards"):
        with pytest.raises(SipError):
            getattr(request, name)


@pytest.mark.parametrize("name", ["via", "from", "to", "call-id", "cseq"])
def test_missing_header(name: str) -> None:
    with pytest.raises(SipError, match="missing header") as caught:
        make(without=name).check()
    assert caught.value.header.lower() == name
    assert caught.value.status == 400


@pytest.mark.parametrize("field", [("From", "<sip:a>"), ("t", "<sip:b@h>"), ("Call-ID", "c1"), ("CSeq", "7 OPTIONS")])
def test_header_twice(field: tuple[str, str]) -> None:
    with pytest.raises(SipError, match="more than once"):
        make(field).check()


def test_checks_of_a_request() -> None:
    with pytest.raises(SipError, match="CSeq method"):
        make(method="INVITE").check()
    with pytest.raises(SipError, match="headers in the Request-URI"):
        make(uri="sip:b@h?Subject=x").check()
    with pytest.raises(SipError, match="version") as caught:
        Request(method="OPTIONS", uri="sip:b", headers=Headers(GOOD), version="SIP/7.0").check()
    assert caught.value.status == 505
    make(uri="nobody:knows?this").check()


def test_error_is_a_peer_error() -> None:
    with pytest.raises(PeerError) as caught:
        make(without="to").check()
    assert caught.value.layer == "sip"
    assert not caught.value.fatal


def test_answerable() -> None:
    assert not make(method="ACK").answerable
    assert not make(without="via").answerable


def test_response_belongs_to_its_request() -> None:
    ours = make()
    assert Response(status=200, headers=Headers(GOOD)).answers(ours)
    other_method = Headers([*GOOD[:-1], ("CSeq", "7 INVITE")])
    other_branch = Headers([("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK2"), *GOOD[2:]])
    assert not Response(status=200, headers=other_method).answers(ours)
    assert not Response(status=200, headers=other_branch).answers(ours)


def test_unknown_things_go_out_as_they_came_in() -> None:
    octets = (
        b"NEWMETHOD soap.beep://192.0.2.103:3002 SIP/2.0\r\n"
        b"x-UNKNOWN: ;;,,;;,;\r\nt: \xff\xfe\r\nEMPTY: \r\nX-unknown: 2\r\nl: 3\r\nLast: 1\r\n\r\n\x00\r\n"
    )
    [request] = Stream().feed(octets)
    assert isinstance(request, Request)
    assert request.to_bytes() == octets


def test_folded_lines_are_joined() -> None:
    [request] = Stream().feed(options(b"X: a\r\n  b\r\n\tc\r\nContent-Length: 0\r\n"))
    assert isinstance(request, Request)
    assert request.headers.get("X") == "a b c"


@pytest.mark.parametrize(
    ("fields", "body", "expected"),
    [
        ([], b"", b"Content-Length: 0\r\n\r\n"),
        ([], b"abc", b"Content-Length: 3\r\n\r\nabc"),
        ([("l", "0003")], b"abc", b"l: 0003\r\n\r\nabc"),
        ([("l", "9")], b"abc", b"l: 3\r\n\r\nabc"),
        ([("l", "9"), ("Content-Length", "3")], b"abc", b"l: 3\r\n\r\nabc"),
        ([("l", "")], b"", b"l: 0\r\n\r\n"),
    ],
)
def test_content_length_always_fits(fields: list[tuple[str, str]], body: bytes, expected: bytes) -> None:
    octets = Request(method="A", uri="b:c", headers=Headers(fields), body=body).to_bytes()
    assert octets == b"A b:c SIP/2.0\r\n" + expected


def test_line_breaks_cannot_be_smuggled_out() -> None:
    for value in ("a\r\nInjected: x", "a\nb", "a\rb"):
        with pytest.raises(BugError):
            Request(method="A", uri="b:c", headers=Headers([("X", value)])).to_bytes()


def test_summary_is_fit_for_logs() -> None:
    [request] = Stream().feed(PLAIN)
    assert isinstance(request, Request)
    assert request.summary == "OPTIONS sip:b@example.com SIP/2.0"
    assert Response(status=200, reason="a\x07\udcff \u0434").summary == "SIP/2.0 200 a?? \u0434"
