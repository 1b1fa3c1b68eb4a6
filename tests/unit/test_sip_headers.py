"""Reading header values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from sbcsim.clock import from_rfc3339
from sbcsim.sip import headers
from sbcsim.sip.errors import SipError
from sbcsim.sip.headers import Address, CSeq, Via


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:a@h", Address("", "sip:a@h")),
        ("sip:a@h;tag=1", Address("", "sip:a@h", (("tag", "1"),))),
        ("<sip:a@h;tag=1>", Address("", "sip:a@h;tag=1")),
        ("<sip:a@h?x=y>;tag=1 ; q = 0.5;lr", Address("", "sip:a@h?x=y", (("tag", "1"), ("q", "0.5"), ("lr", None)))),
        ("Bob B.<sip:a@h>", Address("Bob B.", "sip:a@h")),
        (r'"a, \" <b>" <sip:h>;x="; \""', Address(r'"a, \" <b>"', "sip:h", (("x", r'"; \""'),))),
        (
            "<tel:+1>;received=2001:db8::1;host=[::1]",
            Address("", "tel:+1", (("received", "2001:db8::1"), ("host", "[::1]"))),
        ),
    ],
)
def test_address(text: str, expected: Address) -> None:
    assert headers.parse_address(text, "From") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "<sip:a@h",
        "< sip:a@h >",
        "sip:a@h>",
        '"Bob <sip:a@h>',
        "Bell, Alexander <sip:a@h>",
        "a@h",
        "sip:a@h?x=y",
        "<sip:a@h>;",
        "<sip:a@h>;;tag=1",
        "<sip:a@h>;tag=",
        "<sip:a@h> tag=1",
        "Böb <sip:a@h>",
    ],
)
def test_malformed_address(text: str) -> None:
    with pytest.raises(SipError) as caught:
        headers.parse_address(text, "From")
    assert (caught.value.header, caught.value.status, caught.value.fatal) == ("From", 400, False)


def test_offset_points_into_the_value() -> None:
    with pytest.raises(SipError) as caught:
        headers.parse_addresses("<sip:a>, <sip:b>;;", "Contact")
    assert caught.value.offset == len("<sip:a>, <sip:b>")


def test_tag_ignores_case() -> None:
    assert headers.parse_address("<sip:h>;TAG=x", "To").tag == "x"
    assert headers.parse_address("<sip:h>", "To").tag == ""


def test_addresses_split_at_commas_outside_quotes_and_brackets() -> None:
    found = headers.parse_addresses('"a, b" <sip:x,y>;p="1,2", sip:z', "Contact")
    assert [address.uri for address in found] == ["sip:x,y", "sip:z"]


def test_via_list() -> None:
    first, second = headers.parse_vias("SIP / 2.0 / UDP  [::1] : 5060 ;branch=a;rport, SIP/2.0/TLS h.example;ttl=1")
    assert first == Via("UDP", "[::1]", 5060, (("branch", "a"), ("rport", None)))
    assert (str(first), first.branch) == ("SIP/2.0/UDP [::1]:5060;branch=a;rport", "a")
    assert (second.transport, second.sent_by, second.port, second.branch) == ("TLS", "h.example", 0, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 h",
        "SIP/2.0/UDP h;;branch=a",
        "SIP/2.0/UDP h:70000",
        "SIP/2.0/UDP h:99999999999999999999",
        "SIP/2.0/UDP [::g]",
        "SIP/2.0/UDP h, ",
        "SIP/2.0/UDP h h",
    ],
)
def test_malformed_via(text: str) -> None:
    with pytest.raises(SipError) as caught:
        headers.parse_vias(text)
    assert caught.value.header == "Via"


@pytest.mark.parametrize(
    ("via", "source", "expected"),
    [
        ("SIP/2.0/TLS 192.0.2.1;branch=a", ("192.0.2.1", 9), "SIP/2.0/TLS 192.0.2.1;branch=a"),
        ("SIP/2.0/TLS 192.0.2.1;branch=a", ("192.0.2.2", 9), "SIP/2.0/TLS 192.0.2.1;branch=a;received=192.0.2.2"),
        ("SIP/2.0/TLS h.example;branch=a", ("192.0.2.2", 9), "SIP/2.0/TLS h.example;branch=a;received=192.0.2.2"),
        (
            "SIP/2.0/TLS 192.0.2.1;rport;branch=a",
            ("192.0.2.1", 9),
            "SIP/2.0/TLS 192.0.2.1;rport=9;branch=a;received=192.0.2.1",
        ),
        ("SIP/2.0/TLS [2001:DB8::1]", ("2001:db8::1", 9), "SIP/2.0/TLS [2001:DB8::1]"),
        ("SIP/2.0/TLS h;received=1.2.3.4", ("192.0.2.2", 9), "SIP/2.0/TLS h;received=192.0.2.2"),
    ],
)
def test_received_and_rport(via: str, source: tuple[str, int], expected: str) -> None:
    [hop] = headers.parse_vias(via)
    assert str(hop.seen_from(*source)) == expected


def test_cseq() -> None:
    assert headers.parse_cseq("0009  INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"
    assert headers.parse_cseq("2147483647 A").number == 2**31 - 1


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "-1 INVITE", "1 IN VITE", "2147483648 A", "9" * 5000 + " A", "٣ A"]
)
def test_malformed_cseq(text: str) -> None:
    with pytest.raises(SipError):
        headers.parse_cseq(text)


def test_call_id() -> None:
    for text in ("a@b", "a", r'intmeth.word%ZK-!.*_+\'@word`~)(><:\/"][?}{'):
        assert headers.parse_call_id(text) == text
    for text in ("", "a b", "a@b@c", "@a", "ä"):
        with pytest.raises(SipError):
            headers.parse_call_id(text)


def test_tokens() -> None:
    assert headers.parse_tokens("", "Require") == []
    assert headers.parse_tokens("a, b ,c", "Require") == ["a", "b", "c"]
    for text in (",", "a,", "a b"):
        with pytest.raises(SipError):
            headers.parse_tokens(text, "Require")


def test_number() -> None:
    assert headers.parse_number("0070", 255, "Max-Forwards") == 70
    for text in ("", "256", "-1", "+1", "1.0", "0x1", "9" * 5000):
        with pytest.raises(SipError):
            headers.parse_number(text, 255, "Max-Forwards")


def test_date() -> None:
    assert headers.parse_date("Sat, 15 Oct 2005 04:44:56 GMT") == from_rfc3339("2005-10-15T04:44:56Z")
    for text in (
        "Fri, 01 Jan 2010 16:00:00 EST",
        "Fri, 31 Feb 2010 16:00:00 GMT",
        "Fri, 01 Jan 0000 16:00:00 GMT",
        "now",
    ):
        with pytest.raises(SipError):
            headers.parse_date(text)


_LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        " " * _LONG,
        "a" * _LONG,
        "a " * (_LONG // 2),
        '"' * _LONG,
        '"' + "a" * _LONG,
        '"' + "\\" * _LONG,
        "<" * _LONG,
        ";" + "a" * _LONG,
        "<sip:h>" + ";a" * (_LONG // 2) + "=",
        "<sip:h>;a" + " " * _LONG + "!",
        "SIP/2.0/UDP" + " " * _LONG + ";",
        "SIP/2.0/UDP h" + " " * _LONG + "x",
        "1" + " " * _LONG,
        "sip:" + "a@" * (_LONG // 2),
        "sip:" + "a." * (_LONG // 2) + "!",
        "," * _LONG,
    ],
    ids=lambda text: f"{text[:9]!r}",
)
@pytest.mark.parametrize(
    "read",
    [
        lambda text: headers.parse_addresses(text, "Contact"),
        headers.parse_vias,
        headers.parse_cseq,
        headers.parse_call_id,
        headers.parse_date,
        lambda text: headers.parse_tokens(text, "Require"),
    ],
    ids=["addresses", "vias", "cseq", "call-id", "date", "tokens"],
)
def test_huge_hostile_values_cost_linear_time(read: Callable[[str], object], text: str) -> None:
    """A pattern that goes back over a million characters would not end within the time-out of a test."""
    with suppress(SipError):
        read(text)
