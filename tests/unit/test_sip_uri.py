"""SIP URIs taken apart and put together."""

from __future__ import annotations

import pytest

from sbcsim.sip import relay
from sbcsim.sip.errors import SipError
from sbcsim.sip.uri import Uri, host_text, parse, same_host, scheme, secure, split_host_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:example.com", Uri("sip", "", "example.com")),
        ("sip:a@example.com:5061", Uri("sip", "a", "example.com", 5061)),
        ("sips:a:secret@192.0.2.1", Uri("sips", "a:secret", "192.0.2.1")),
        ("sip:a@[2001:db8::1]:5060;transport=tls;lr", Uri("sip", "a", "[2001:db8::1]", 5060, "transport=tls;lr")),
        ("sip:a@h?Route=%3Csip:x%3E", Uri("sip", "a", "h", headers="Route=%3Csip:x%3E")),
        ("sip:user;par=u%40example.net@example.com", Uri("sip", "user;par=u%40example.net", "example.com")),
        ("sip:a?b;c@h;d?e=f", Uri("sip", "a?b;c", "h", 0, "d", "e=f")),
    ],
)
def test_parts(text: str, expected: Uri) -> None:
    assert parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sips:a@h", True), ("SIPS:h", True), ("sip:sips:x@h", False), ("sip:h", False), ("tel:1", False)],
)
def test_which_uris_are_secure(text: str, expected: bool) -> None:
    assert secure(text) is expected


@pytest.mark.parametrize(
    ("transport", "plain", "safe"),
    [("UDP", "", ""), ("TCP", ";transport=tcp", ";transport=tcp"), ("TLS", ";transport=tls", ";transport=tcp")],
)
def test_a_secure_contact_carries_tls_by_its_scheme(transport: str, plain: str, safe: str) -> None:
    assert relay.contact("1", "192.0.2.1", 5061, transport) == f"<sip:1@192.0.2.1:5061{plain}>"
    assert relay.contact("1", "192.0.2.1", 5061, transport, secure=True) == f"<sips:1@192.0.2.1:5061{safe}>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@h",
        "sip:a@b@h",
        "sip:a@",
        "sip:h:",
        "sip:h:65536",
        "sip:h:5060x",
        "sip:[::1",
        "sip:[::g]",
        "sip:[fe80::1%25eth0]",
        "sip:a b@h",
        "sip:<h>",
        "alan@example.com",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(SipError) as caught:
        parse(text)
    assert caught.value.status == 400


def test_other_schemes_are_opaque() -> None:
    assert scheme("Nobody.Knows+This:totally;opaque?content") == "nobody.knows+this"
    with pytest.raises(SipError) as caught:
        parse("isbn:2983792873")
    assert caught.value.status == 416


def test_scheme_ignores_case() -> None:
    assert parse("SIPS:h") == Uri("sips", "", "h")


def test_host_and_port() -> None:
    assert split_host_port("h") == ("h", 0)
    assert split_host_port("[::1]:1") == ("[::1]", 1)
    assert host_text("192.0.2.1") == "192.0.2.1"
    assert host_text("::1") == host_text("[::1]") == "[::1]"


@pytest.mark.parametrize(
    ("written", "address", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("[2001:DB8:0::1]", "2001:db8::1", True),
        ("[2001:db8::2]", "2001:db8::1", False),
        ("[::1]", "127.0.0.1", False),
        ("host.example.com", "192.0.2.1", False),
    ],
)
def test_same_host(written: str, address: str, same: bool) -> None:
    assert same_host(written, address) is same


def test_parameters_are_found_whatever_their_case_and_left_out() -> None:
    found = parse("sip:b@h;MAddr=192.0.2.7;lr;x=maddr?h=maddr")
    assert (found.value("maddr"), found.value("lr"), found.value("h")) == ("192.0.2.7", "", "")
    assert str(found.without("maddr")) == "sip:b@h;lr;x=maddr?h=maddr"
    assert found.without("none") == found
