"""The rules that the torture messages of RFC 4475 try, with short messages of our own."""

from __future__ import annotations

import pytest
from sip_server import verdicts
from throughbox import in_a_datagram, on_a_stream, unchanged

from sbcsim.sip.message import Request
from sbcsim.sip.stream import Stream

GOOD = {
    "line": "OPTIONS sip:bob@example.com SIP/2.0",
    "via": "Via: SIP/2.0/TCP 192.0.2.50:5060;branch=z9hG4bKrule",
    "forwards": "Max-Forwards: 70",
    "from": "From: <sip:alice@example.org>;tag=rule",
    "to": "To: <sip:bob@example.com>",
    "call": "Call-ID: rule@192.0.2.50",
    "cseq": "CSeq: 5 OPTIONS",
    "more": "",
    "length": "Content-Length: 0",
}

RULES: dict[str, tuple[dict[str, str], list[str]]] = {
    # Valid, however odd.
    "folding and blanks everywhere": (
        {
            "via": "v  :\r\n SIP  / 2.0\r\n\t/ TCP   192.0.2.50  ;\r\n branch  =\r\n z9hG4bKrule , SIP/2.0/UDP h",
            "to": "TO :\r\n  sip:bob@example.com ;   x    = y",
            "from": 'fRoM:"Al \\\\\\" ice"   <sip:alice@example.org>\r\n  ;\r\n  tag\r\n = rule',
            "cseq": "cseq: 0005\r\n  OPTIONS",
            "forwards": "mAx-FoRwArDs: 0070",
            "more": "s :\r\nOdd: ;;,,;;,;\r\nNew: a\r\n b",
            "length": "L  :   0",
        },
        ["OPTIONS 200"],
    ),
    "every character of a token": (
        {"line": "!m%*_+`'~.-9 sip:bob@example.com SIP/2.0", "cseq": "CSeq: 5 !m%*_+`'~.-9"},
        ["!m%*_+`'~.-9 501"],
    ),
    "control characters quoted": ({"to": 'To: "\\\x00 \\\x07 \\\x7f" <sip:bob@example.com>'}, ["OPTIONS 200"]),
    "question mark and semicolon in the user part": (
        {"line": "OPTIONS sip:b?o;b=1@example.com SIP/2.0"},
        ["OPTIONS 200"],
    ),
    "escaped at-sign in the user part": ({"line": "OPTIONS sip:sips%3Ab%40h@example.com SIP/2.0"}, ["OPTIONS 200"]),
    "escaped method is another method": (
        {"line": "OPTION%53 sip:bob@example.com SIP/2.0", "cseq": "CSeq: 5 OPTION%53"},
        ["OPTION%53 501"],
    ),
    "escaped header name is another header": ({"more": "C%6Fntent-Length: 9"}, ["OPTIONS 200"]),
    "escaped null": ({"to": "To: sip:null-%00-null@example.com"}, ["OPTIONS 200"]),
    "no blank before the angle bracket": ({"from": "From: alice<sip:alice@example.org>;tag=rule"}, ["OPTIONS 200"]),
    "long values": ({"to": f'To: "{"I " * 900}"<sip:bob@example.com;{"p" * 900}={"v" * 900}>'}, ["OPTIONS 200"]),
    "many hops": ({"more": "\r\n".join(f"vIa: SIP/2.0/TCP h{hop}.example.com" for hop in range(60))}, ["OPTIONS 200"]),
    "unknown transport in a Via": ({"via": "Via: SIP/2.0/PIGEON h;branch=z9hG4bKrule"}, ["OPTIONS 200"]),
    "branch that is the bare cookie": ({"via": "Via: SIP/2.0/TCP h;branch=z9hG4bK"}, ["OPTIONS 200"]),
    "no branch": ({"via": "Via: SIP/2.0/TCP h"}, ["OPTIONS 200"]),
    "no tag in From": ({"from": "From: <sip:alice@example.org>"}, ["OPTIONS 200"]),
    "no forwards left": ({"forwards": "Max-Forwards: 0"}, ["OPTIONS 200"]),
    "unknown schemes in From and To": ({"from": "From: <http://h/>;tag=1", "to": "To: isbn:298"}, ["OPTIONS 200"]),
    "headers of no interest with bad values": (
        {"more": "Date: today EST\r\nContact: ;;;\r\nExpires: 1e999\r\nWarning: overture"},
        ["OPTIONS 200"],
    ),
    "empty reason": ({"line": "SIP/2.0 100 "}, ["response 100"]),
    "reason in another script": ({"line": "SIP/2.0 200 = 2**3 * 5**2 но сто"}, ["response 200"]),
    # Malformed start lines: the message is skipped, the stream goes on.
    "address in angle brackets": ({"line": "OPTIONS <sip:bob@example.com> SIP/2.0"}, ["400"]),
    "blank within the address": ({"line": "OPTIONS sip:bob@example.com; lr SIP/2.0"}, ["400"]),
    "two blanks in the start line": ({"line": "OPTIONS  sip:bob@example.com  SIP/2.0"}, ["400"]),
    "blank at the end of the start line": ({"line": "OPTIONS sip:bob@example.com SIP/2.0  "}, ["400"]),
    "no scheme": ({"line": "OPTIONS bob@example.com SIP/2.0"}, ["400"]),
    "status code beyond three digits": ({"line": "SIP/2.0 4294967301 Big"}, ["dropped"]),
    "status code of no class": ({"line": "SIP/2.0 799 Odd"}, ["dropped"]),
    # Values that every server reads.
    "separators in a Via": ({"via": "Via: SIP/2.0/TCP 192.0.2.15;;,;,,"}, ["OPTIONS 400"]),
    "unterminated quote": ({"to": 'To: "Bob <sip:bob@example.com>'}, ["OPTIONS 400"]),
    "blanks in angle brackets": ({"to": "To: < sip:bob@example.com >"}, ["OPTIONS 400"]),
    "comma in a name without quotes": ({"from": "From: Ice, Al <sip:alice@example.org>;tag=1"}, ["OPTIONS 400"]),
    "question mark outside angle brackets": ({"to": "To: sip:bob@example.com?Route=x"}, ["OPTIONS 400"]),
    "sequence number out of range": ({"cseq": "CSeq: 36893488147419103232 OPTIONS"}, ["OPTIONS 400"]),
    "sequence number out of range in a response": (
        {"line": "SIP/2.0 503 Service Unavailable", "cseq": "CSeq: 9292394834772304023312 OPTIONS"},
        ["dropped"],
    ),
    # Meaning.
    "headers in the Request-URI": ({"line": "OPTIONS sip:bob@example.com?Route=%3Csip:h%3E SIP/2.0"}, ["OPTIONS 400"]),
    "another version": ({"line": "OPTIONS sip:bob@example.com SIP/7.0", "via": "Via: SIP/7.0/UDP h"}, ["OPTIONS 505"]),
    "another method in CSeq": ({"cseq": "CSeq: 5 INVITE"}, ["OPTIONS 400"]),
    "another unknown method in CSeq": ({"line": "NEW sip:bob@example.com SIP/2.0"}, ["NEW 400"]),
    "From, To and Call-ID missing": ({"from": "", "to": "", "call": ""}, ["OPTIONS 400"]),
    "Via missing": ({"via": ""}, ["OPTIONS -"]),
    "CSeq twice": ({"more": "CSeq: 59 OPTIONS"}, ["OPTIONS 400"]),
    "Call-ID twice": ({"more": "i: other"}, ["OPTIONS 400"]),
    "unknown scheme": ({"line": "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"}, ["OPTIONS 416"]),
    "unknown extensions": ({"more": "Require: nothing, atAll\r\nProxy-Require: neither"}, ["OPTIONS 420"]),
    "method that is not served": ({"line": "REGISTER sip:h SIP/2.0", "cseq": "CSeq: 5 REGISTER"}, ["REGISTER 405"]),
    # Framing.
    "negative length": ({"length": "Content-Length: -999"}, ["400", "close"]),
    "two lengths": ({"more": "Content-Length: 13"}, ["400", "close"]),
    "no length": ({"length": ""}, ["400", "close"]),
    "body that does not come": ({"length": "Content-Length: 9999"}, ["incomplete"]),
    "no version": ({"line": "OPTIONS sip:bob@example.com"}, ["close"]),
}


def octets(name: str) -> bytes:
    """Return the good message with the changes of a rule."""
    changes, _ = RULES[name]
    return "".join(f"{line}\r\n" for line in (GOOD | changes).values() if line).encode() + b"\r\n"


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str) -> None:
    data = octets(name)
    _, expected = RULES[name]
    assert verdicts([data]) == expected
    assert verdicts(data[at : at + 1] for at in range(len(data))) == expected


@pytest.mark.parametrize(
    "name", [name for name, (_, found) in RULES.items() if found[-1] not in {"close", "incomplete"}]
)
def test_the_next_message_is_unharmed(name: str) -> None:
    _, expected = RULES[name]
    assert verdicts([octets(name) + octets("no branch")]) == [*expected, "OPTIONS 200"]


THROUGH_THE_BOX = {
    "OPTIONS 200": ">OPTIONS",
    "OPTIONS 416": "416",
    "OPTIONS 420": ">OPTIONS",
    "REGISTER 405": ">REGISTER",
    "OPTIONS 400": "400",
    "OPTIONS 505": "505",
    "NEW 400": "400",
    "OPTIONS -": "",
    "!m%*_+`'~.-9 501": ">!m%*_+`'~.-9",
    "OPTION%53 501": ">OPTION%53",
    "response 100": "",
    "response 200": "",
    "dropped": "",
    "incomplete": "",
}
"""What a box between two peers makes of what a server that takes no calls answers so: most of it passes."""

OTHERWISE = {"no forwards left": "483"}

IN_DATAGRAMS = {
    "no length": ">OPTIONS",
    "negative length": "400",
    "two lengths": "400",
    "body that does not come": "400",
    "no version": "",
}


def through(name: str) -> str:
    """Return what is to become of a message in the box."""
    _, expected = RULES[name]
    return OTHERWISE.get(name) or " ".join(THROUGH_THE_BOX.get(each, each) for each in expected)


@pytest.mark.parametrize("name", RULES)
def test_rule_through_the_box(name: str) -> None:
    assert on_a_stream(octets(name)).words == through(name)
    assert in_a_datagram(octets(name)).words == IN_DATAGRAMS.get(name, through(name))


@pytest.mark.parametrize("name", [name for name in RULES if ">" in through(name)])
def test_what_the_box_passes_on_is_unchanged(name: str) -> None:
    (before,) = Stream().feed(octets(name))
    assert isinstance(before, Request)
    for outcome in (on_a_stream(octets(name)), in_a_datagram(octets(name))):
        (after,) = outcome.passed
        after.check()
        assert unchanged(before, after)
