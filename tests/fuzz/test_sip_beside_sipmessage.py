"""The same messages read by us and by `sipmessage`, a parser of other people: both find the same in them.

What is generated is what both take. Where they differ on purpose, one example each stands in `DIFFERENCES`.
"""

from __future__ import annotations

from string import ascii_letters, digits
from urllib.parse import unquote

import pytest
import sipmessage
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.sip import headers, uri
from sbcsim.sip.errors import SipError
from sbcsim.sip.headers import Address, Parameters, Via
from sbcsim.sip.message import Headers, Message, Request, Response
from sbcsim.sip.stream import Stream

MODEST = settings(max_examples=60, deadline=None)

TOKEN = st.text(f"{ascii_letters}{digits}-.!*_+`'~", min_size=1, max_size=12)
LABEL = st.text(ascii_letters, min_size=1, max_size=8)
HOST = st.one_of(
    st.lists(LABEL, min_size=1, max_size=3).map(".".join),
    st.tuples(*[st.integers(0, 255)] * 4).map(lambda parts: ".".join(map(str, parts))),
    st.sampled_from(["[2001:db8::1]", "[::1]", "[fe80::a:b]"]),
)
PORT = st.one_of(st.just(0), st.integers(1, 65535))
USER = st.text(f"{ascii_letters}{digits}-_.!~*'()&=+$,;?/", min_size=1, max_size=12)
PARAMETERS = st.dictionaries(
    TOKEN.filter(lambda name: name not in {"self", "tag"}),
    st.one_of(st.none(), TOKEN, HOST),
    max_size=4,
)
BLANKS = st.sampled_from(["", "", " ", "  "])
NUMBER = st.integers(0, 2**31 - 1)
WORDS = st.text(f'{ascii_letters}{digits} .,;:<>"=()é', max_size=30).map(str.strip)


@st.composite
def uris(draw: st.DrawFn) -> str:
    """Return a SIP, SIPS or TEL URI."""
    kind = draw(st.sampled_from(["sip", "sips", "tel"]))
    names = st.text(ascii_letters, min_size=1, max_size=6)
    parameters = draw(
        st.dictionaries(names.filter(lambda name: name != "self"), st.one_of(st.none(), names), max_size=3)
    )
    tail = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters.items())
    if kind == "tel":
        return f"tel:+{draw(st.text(digits, min_size=1, max_size=15))}{tail}"
    user = draw(st.one_of(st.just(""), USER.map(lambda name: f"{name}@"), st.just("a%20b:pass@")))
    port = draw(PORT)
    return f"{kind}:{user}{draw(HOST)}{f':{port}' if port else ''}{tail}"


@st.composite
def parameters(draw: st.DrawFn) -> str:
    """Return parameters, with blanks where they may stand."""
    text = ""
    for name, value in draw(PARAMETERS).items():
        text += f"{draw(BLANKS)};{draw(BLANKS)}{name}"
        text += "" if value is None else f"{draw(BLANKS)}={draw(BLANKS)}{value}"
    return text


@st.composite
def addresses(draw: st.DrawFn, *, quotes: bool = False) -> str:
    """Return a name-addr; with quotes in one place at most, as they take the last quote of all for the end."""
    displays, tails = ["", "Alice ", "Alice B. "], [""]
    if draw(st.booleans()):
        displays += ['"Bell, Alexander" ', '"<odd> "'] * quotes
    else:
        tails += [';q="quoted, words"'] * quotes
    return f"{draw(st.sampled_from(displays))}<{draw(uris())}>{draw(parameters())}{draw(st.sampled_from(tails))}"


@st.composite
def vias(draw: st.DrawFn) -> str:
    """Return one hop."""
    port = draw(PORT)
    slash = f"{draw(BLANKS)}/{draw(BLANKS)}"
    transport = draw(st.sampled_from(["UDP", "TCP", "TLS", "WSS", "PIGEON"]))
    return f"SIP{slash}2.0{slash}{transport} {draw(HOST)}{f':{port}' if port else ''}{draw(parameters())}"


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return a message as it comes on the wire, compact names and any case included."""
    method = draw(st.one_of(st.sampled_from(["INVITE", "BYE", "OPTIONS"]), TOKEN))
    status = draw(st.integers(100, 699))
    first = draw(st.sampled_from([f"{method} {draw(uris())} SIP/2.0", f"SIP/2.0 {status} {draw(WORDS)}"]))
    body = draw(st.binary(max_size=40))
    several = st.lists(vias(), min_size=1, max_size=3)
    fields = [(draw(st.sampled_from(["Via", "v", "VIA"])), ", ".join(draw(several)))]
    fields += [("Via", draw(vias()))] * draw(st.integers(0, 1))
    fields += [
        (draw(st.sampled_from(["From", "f"])), draw(addresses(quotes=True))),
        (draw(st.sampled_from(["To", "t"])), draw(addresses(quotes=True))),
        (draw(st.sampled_from(["Call-ID", "i"])), draw(TOKEN)),
        ("CSeq", f"{draw(NUMBER)} {method}"),
        ("Max-Forwards", str(draw(st.integers(0, 255)))),
        ("Expires", str(draw(NUMBER))),
        (draw(st.sampled_from(["Contact", "m"])), ", ".join(draw(st.lists(addresses(), min_size=1, max_size=3)))),
        ("X-Odd", draw(WORDS)),
        (draw(st.sampled_from(["Content-Length", "l"])), str(len(body))),
    ]
    head = "".join(f"{name}:{draw(BLANKS)}{value}\r\n" for name, value in fields)
    return f"{first}\r\n{head}\r\n".encode() + body


def same_parameters(ours: Parameters, theirs: sipmessage.Parameters) -> None:
    assert {unquote(name): value if value is None else unquote(value) for name, value in ours} == dict(theirs)


def same_uri(ours: str, theirs: sipmessage.URI) -> None:
    assert uri.scheme(ours) == theirs.scheme
    if theirs.scheme == "tel":
        assert ours[4:].partition(";")[0] == theirs.user
        return
    read = uri.parse(ours)
    assert (read.host, read.port) == (theirs.host, theirs.port or 0)
    user = ":".join(each for each in (theirs.user, theirs.password) if each is not None)
    assert unquote(read.user) == user
    split = [part.partition("=") for part in read.parameters.split(";") if part]
    assert {name: value if equal else None for name, equal, value in split} == dict(theirs.parameters)


def same_address(ours: Address, theirs: sipmessage.Address) -> None:
    same_uri(ours.uri, theirs.uri)
    assert ours.display.strip('"') == theirs.name
    same_parameters(ours.parameters, theirs.parameters)


def same_via(ours: Via, theirs: sipmessage.Via) -> None:
    assert (ours.transport, ours.sent_by, ours.port) == (theirs.transport, theirs.host, theirs.port or 0)
    same_parameters(ours.parameters, theirs.parameters)


def read(octets: bytes) -> Message:
    [item] = Stream().feed(octets)
    assert isinstance(item, Request | Response)
    return item


@MODEST
@given(messages())
def test_both_find_the_same_in_a_message(octets: bytes) -> None:
    ours, theirs = read(octets), sipmessage.Message.parse(octets)
    if isinstance(ours, Request):
        assert isinstance(theirs, sipmessage.Request)
        assert ours.method == theirs.method
        same_uri(ours.uri, theirs.uri)
    else:
        assert isinstance(theirs, sipmessage.Response)
        assert (ours.status, ours.reason) == (theirs.code, theirs.phrase)
    assert ours.body == theirs.body
    assert len(ours.headers) == sum(len(theirs.headers.getlist(name)) for name in theirs.headers.keys())  # noqa: SIM118
    for name in theirs.headers.keys():  # noqa: SIM118 - their headers are no mapping
        assert ours.headers.all(name) == theirs.headers.getlist(name)
    for our_via, their_via in zip(ours.vias, theirs.via, strict=True):
        same_via(our_via, their_via)
    same_address(ours.sender, theirs.from_address)
    same_address(ours.recipient, theirs.to_address)
    for our_contact, their_contact in zip(ours.contacts, theirs.contact, strict=True):
        same_address(our_contact, their_contact)
    assert (ours.cseq.number, ours.cseq.method) == (theirs.cseq.sequence, theirs.cseq.method)
    assert (ours.call_id, ours.max_forwards, ours.expires) == (theirs.call_id, theirs.max_forwards, theirs.expires)


@MODEST
@given(messages())
def test_they_read_what_we_write(octets: bytes) -> None:
    ours = read(octets)
    again = sipmessage.Message.parse(ours.to_bytes())
    first = sipmessage.Message.parse(octets)
    assert str(again.headers) == str(first.headers)
    assert again.body == first.body


@MODEST
@given(vias(), addresses(), uris())
def test_we_read_what_they_write(via: str, address: str, target: str) -> None:
    their_via, their_address = sipmessage.Via.parse(via), sipmessage.Address.parse(address)
    same_via(headers.parse_vias(str(their_via))[0], their_via)
    same_address(headers.parse_address(str(their_address), "From"), their_address)
    same_uri(str(sipmessage.URI.parse(target)), sipmessage.URI.parse(target))


def _ours(reader: str, text: str) -> bool:
    message = Request(method="INVITE", uri="sip:a@h", headers=Headers([(reader, text)]))
    names = {"Via": "vias", "From": "sender", "CSeq": "cseq", "Max-Forwards": "max_forwards"}
    try:
        _ = getattr(message, names[reader])
    except SipError:
        return False
    return True


def _theirs(reader: str, text: str) -> bool:
    parsers = {"Via": sipmessage.Via.parse_many, "From": sipmessage.Address.parse, "CSeq": sipmessage.CSeq.parse}
    try:
        parsers.get(reader, int)(text)
    except ValueError:
        return False
    return True


DIFFERENCES = {
    "port beyond 65535": ("Via", "SIP/2.0/UDP h:70000", False, True),
    "address that is no IPv6 address": ("Via", "SIP/2.0/UDP [1:2]", False, True),
    "another version": ("Via", "SIP/7.0/UDP h", True, False),
    "underline in a host name": ("Via", "SIP/2.0/UDP my_host", True, False),
    "tab between": ("Via", "SIP/2.0/UDP\th", True, True),
    "escaped quote in a display name": ("From", r'"a\"b" <sip:a@h>', True, True),
    "semicolon in a quoted parameter": ("From", '<sip:a@h>;p="a;b"', True, True),
    "unknown scheme": ("From", "<http://h/>;tag=1", True, False),
    "sequence number beyond 2**31": ("CSeq", "4294967296 INVITE", False, True),
    "digits that are not ASCII": ("CSeq", "\N{ARABIC-INDIC DIGIT ONE} INVITE", False, True),
    "signed number": ("Max-Forwards", "+7", False, True),
    "number with an underline": ("Max-Forwards", "1_0", False, True),
    "more hops than there may be": ("Max-Forwards", "256", False, True),
}
"""Header, value, whether we take it, whether they do."""


@pytest.mark.parametrize("name", DIFFERENCES)
def test_where_they_differ(name: str) -> None:
    reader, text, ours, theirs = DIFFERENCES[name]
    assert (_ours(reader, text), _theirs(reader, text)) == (ours, theirs)


def test_quotes_end_where_they_end() -> None:
    """They take the last quote of a list for the end of the first name."""
    text = '"Alice" <sip:a@h>, "Bob" <sip:b@h>'
    assert [each.uri for each in headers.parse_addresses(text, "Contact")] == ["sip:a@h", "sip:b@h"]
    assert [each.uri.user for each in sipmessage.Address.parse_many(text)] == ["b"]
