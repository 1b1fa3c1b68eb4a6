"""The path check's ping, and what the server answers to requests."""

from __future__ import annotations

import pytest

from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Headers, Request, Response
from sbcsim.sip.options import ALLOW, answer, ping, reason_phrase, refuse, respond
from sbcsim.sip.stream import Stream

SOURCE = ("192.0.2.99", 40000)


def a_ping(peer: tuple[str, int] = ("192.0.2.7", 5061), transport: str = "TLS", *, describe: bool = False) -> Request:
    return ping(peer, ("192.0.2.1", 5061), transport, call_id="c1", branch="b1", tag="t1", cseq=3, describe=describe)


def answered(request: Request) -> Response:
    return answer(request, source=SOURCE, to_tag="theirs")


def incoming(method: str = "OPTIONS", uri: str = "sip:b@h", *fields: tuple[str, str], to: str = "<sip:b@h>") -> Request:
    headers = [
        ("Via", 'SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK1;rport, SIP/2.0/TLS h2;x=","'),
        ("Record-Route", "<sip:proxy;lr>"),
        ("v", "SIP/2.0/TLS h3"),
        ("From", "<sip:a@h>;tag=1"),
        ("To", to),
        ("i", "c1"),
        ("CSeq", f"7 {method}"),
        *fields,
    ]
    return Request(method=method, uri=uri, headers=Headers(headers))


def test_ping_over_tls() -> None:
    assert a_ping().to_bytes() == (
        b"OPTIONS sip:192.0.2.7:5061;transport=tls SIP/2.0\r\n"
        b"Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKb1\r\n"
        b"Max-Forwards: 70\r\n"
        b"From: <sip:192.0.2.1>;tag=t1\r\n"
        b"To: <sip:192.0.2.7:5061>\r\n"
        b"Call-ID: c1\r\n"
        b"CSeq: 3 OPTIONS\r\n"
        b"Contact: <sip:192.0.2.1:5061;transport=tls>\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def test_ping_names_its_transport() -> None:
    assert a_ping(transport="TCP").via.transport == "TCP"
    assert a_ping(transport="TCP").uri == "sip:192.0.2.7:5061;transport=tcp"
    assert a_ping(transport="UDP").uri == "sip:192.0.2.7:5061"
    assert a_ping(transport="UDP").contacts[0].uri == "sip:192.0.2.1:5061"


def test_ping_to_ipv6() -> None:
    request = a_ping(peer=("2001:db8::7", 5060))
    assert request.uri == "sip:[2001:db8::7]:5060;transport=tls"
    request.check()


def test_ping_with_status_update_support() -> None:
    assert "Allow" not in a_ping().headers
    assert "Accept" not in a_ping().headers
    assert a_ping(describe=True).headers.get("Allow") == ALLOW
    assert a_ping(describe=True).headers.get("Accept") == "application/sdp"


def test_ping_is_answered_by_ourselves() -> None:
    [request] = Stream().feed(a_ping().to_bytes())
    assert isinstance(request, Request)
    reply = answered(request)
    [read] = Stream().feed(reply.to_bytes())
    assert isinstance(read, Response)
    assert read.status == 200
    read.check()
    assert read.answers(a_ping())


def test_options_answer() -> None:
    reply = answered(incoming())
    assert reply.to_bytes() == (
        b"SIP/2.0 200 OK\r\n"
        b'Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK1;rport=40000;received=192.0.2.99, SIP/2.0/TLS h2;x=","\r\n'
        b"Via: SIP/2.0/TLS h3\r\n"
        b"From: <sip:a@h>;tag=1\r\n"
        b"To: <sip:b@h>;tag=theirs\r\n"
        b"Call-ID: c1\r\n"
        b"CSeq: 7 OPTIONS\r\n"
        b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n"
        b"Accept: application/sdp\r\n"
        b"Supported: \r\n"
        b"Content-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize("uri", ["sip:h", "sips:b@h", "tel:+19725552222", "SIP:h"])
def test_options_to_any_address_is_answered(uri: str) -> None:
    assert answered(incoming("OPTIONS", uri)).status == 200


def test_options_with_no_forwards_left_is_answered() -> None:
    assert answered(incoming("OPTIONS", "sip:h", ("Max-Forwards", "0"))).status == 200


def test_unknown_scheme() -> None:
    assert answered(incoming("OPTIONS", "nobodyKnowsThis:x")).status == 416


def test_required_extensions_are_named() -> None:
    reply = answered(incoming("OPTIONS", "sip:h", ("Require", "a, b"), ("Require", "c")))
    assert (reply.status, reply.headers.get("Unsupported")) == (420, "a, b, c")


def test_malformed_require_is_refused() -> None:
    with pytest.raises(SipError) as caught:
        answer(incoming("OPTIONS", "sip:h", ("Require", "a b")), source=SOURCE, to_tag="x")
    reply = refuse(caught.value, source=SOURCE, to_tag="x")
    assert reply is not None
    assert (reply.status, reply.reason) == (400, "Bad Request")


def test_refusal_copies_what_there_is() -> None:
    broken = Request(method="INVITE", uri="sip:h", headers=Headers([("Via", ";;"), ("To", '"x <sip:h>'), ("X", "y")]))
    with pytest.raises(SipError) as caught:
        answer(broken, source=SOURCE, to_tag="x")
    reply = refuse(caught.value, source=SOURCE, to_tag="x")
    assert reply is not None
    assert list(reply.headers) == [("Via", ";;"), ("To", '"x <sip:h>;tag=x')]


def test_nothing_is_sent_without_a_status_or_a_request() -> None:
    assert refuse(SipError("x", status=0, request=incoming()), source=SOURCE, to_tag="x") is None
    assert refuse(SipError("x", status=400), source=SOURCE, to_tag="x") is None


def test_top_via_stays_as_written_where_it_says_the_truth() -> None:
    request = Request(
        method="OPTIONS", uri="sip:h", headers=Headers([("Via", "SIP / 2.0/TLS  192.0.2.99 ; branch = a")])
    )
    reply = respond(request, 200, source=SOURCE, to_tag="x")
    assert reply.headers.get("Via") == "SIP / 2.0/TLS  192.0.2.99 ; branch = a"


@pytest.mark.parametrize(
    ("to", "status", "expected"),
    [
        ('"tag <sip:b@h>', 400, '"tag <sip:b@h>;tag=theirs'),
        ("sip:b@h", 200, "sip:b@h;tag=theirs"),
        ("<sip:b@h>;tag=ours", 200, "<sip:b@h>;tag=ours"),
        ("<sip:b@h> ; TAG = ours", 200, "<sip:b@h> ; TAG = ours"),
        ("<sip:tag@h>", 200, "<sip:tag@h>;tag=theirs"),
        ("<sip:b@h>", 100, "<sip:b@h>"),
        ("<sip:b@h>", 180, "<sip:b@h>;tag=theirs"),
    ],
)
def test_to_tag(to: str, status: int, expected: str) -> None:
    reply = respond(incoming(to=to), status, source=SOURCE, to_tag="theirs")
    assert reply.headers.get("To") == expected


def test_own_reason_and_headers() -> None:
    reply = respond(incoming(), 503, "Draining", source=SOURCE, to_tag="x", extra=[("Retry-After", "60")])
    assert reply.start_line == "SIP/2.0 503 Draining"
    assert reply.headers.get("Retry-After") == "60"


def test_reason_phrases() -> None:
    assert reason_phrase(481) == "Call/Transaction Does Not Exist"
    assert reason_phrase(599) == "Server Internal Error"
    assert reason_phrase(299) == "OK"
    assert reason_phrase(799) == ""
