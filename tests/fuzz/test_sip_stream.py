"""Any octets, cut in any way, give the same items or the one known error, in linear time."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sip_cases import FRAMING, PLAIN, WITH_BODY, options, response
from sip_server import answer

from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Headers, Request, Response
from sbcsim.sip.options import refuse, respond
from sbcsim.sip.stream import Item, KeepAlive, Limits, Stream

MODEST = settings(max_examples=150, deadline=None)
SMALL = Limits(head=600, body=40, headers=12)

_PIECES = st.sampled_from(
    [
        PLAIN,
        WITH_BODY,
        response(b"SIP/2.0 200 OK"),
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b"OPTIONS sip:b SIP/2.0\r\n",
        b"Content-Length: 3\r\n",
        b"l:1\r\n",
        b"Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\n",
        b'To: "a, b" <sip:a@b>;tag="\\""\r\n',
        b"Contact:\r\n\t<sip:x>\r\n",
        *(octets for octets, _ in FRAMING.values() if len(octets) < 1000),
    ]
)
_OCTETS = st.lists(st.one_of(_PIECES, st.binary(max_size=12)), max_size=6).map(b"".join)


def _fed(octets: bytes, cuts: list[int], limits: Limits) -> list[str]:
    stream = Stream(limits)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    items: list[Item] = []
    for start, end in pairwise(edges):
        items += stream.feed(octets[start:end])
    return [*map(_told, items), f"incomplete {stream.incomplete}"]


def _told(item: Item) -> str:
    """Return everything there is to an item; errors have no equality of their own."""
    if isinstance(item, SipError):
        return repr((item.reason, item.status, item.header, item.offset, item.fatal, item.request))
    return repr(item)


@MODEST
@given(_OCTETS, st.lists(st.integers(0, 3000), max_size=8))
def test_cuts_do_not_matter(octets: bytes, cuts: list[int]) -> None:
    for limits in (Limits(), SMALL):
        whole = _fed(octets, [], limits)
        assert _fed(octets, cuts, limits) == whole
        assert _fed(octets, list(range(len(octets))), limits) == whole


@pytest.mark.parametrize("name", FRAMING)
@given(st.data())
@settings(max_examples=8, deadline=None)
def test_cuts_do_not_matter_to_known_mistakes(name: str, data: st.DataObject) -> None:
    octets, _ = FRAMING[name]
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=8))
    assert _fed(octets, cuts, Limits()) == _fed(octets, [], Limits())


def _read_everything(message: Request | Response) -> None:
    """Read every value that has a reader."""
    for name in (
        "via",
        "vias",
        "sender",
        "recipient",
        "contacts",
        "call_id",
        "cseq",
        "max_forwards",
        "expires",
        "date",
    ):
        with suppress(SipError):
            getattr(message, name)
    assert message.summary.isprintable()


@MODEST
@given(_OCTETS)
def test_only_one_kind_of_error(octets: bytes) -> None:
    for item in Stream().feed(octets):
        if isinstance(item, SipError):
            reply = refuse(item, source=("192.0.2.1", 1), to_tag="t")
            assert reply is None or reply.to_bytes()
        elif isinstance(item, Request):
            _read_everything(item)
            try:
                reply = answer(item, source=("2001:db8::1", 1), to_tag="t")
            except SipError as error:
                reply = refuse(error, source=("2001:db8::1", 1), to_tag="t")
            assert reply is None or reply.to_bytes()
        elif isinstance(item, Response):
            _read_everything(item)
        else:
            assert item in KeepAlive


_VALUES = st.one_of(
    st.text(st.characters(blacklist_characters="\r\n", max_codepoint=0x2FF), max_size=60),
    st.lists(
        st.sampled_from(
            [
                '"',
                "\\",
                "<",
                ">",
                ",",
                ";",
                "=",
                ":",
                "@",
                "[",
                "]",
                " ",
                "\t",
                "sip:a@b",
                "SIP/2.0/TLS",
                "tag",
                "1",
                "%",
            ]
        ),
        max_size=25,
    ).map("".join),
)


@MODEST
@given(st.sampled_from(["Via", "From", "To", "Contact", "Call-ID", "CSeq", "Date", "Expires", "Require"]), _VALUES)
def test_any_header_value_gives_a_value_or_the_error(name: str, value: str) -> None:
    request = Request(method="OPTIONS", uri="sip:b", headers=Headers([(name, value), (name, "x")]))
    alone = Request(method="OPTIONS", uri=value, headers=Headers([(name, value)]))
    for message in (request, alone):
        _read_everything(message)
        for read in (message.check, lambda message=message: message.require):
            with suppress(SipError):
                read()
    reply = respond(alone, 200, source=("192.0.2.1", 1), to_tag="t")
    assert reply.status == 200


_NAMES = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,20}", fullmatch=True).filter(
    lambda name: name.lower() not in {"l", "content-length"}
)
_CLEAN = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=("Cs",)), max_size=40).map(
    lambda text: text.strip(" \t")
)


@MODEST
@given(st.lists(st.tuples(_NAMES, _CLEAN), max_size=20), st.binary(max_size=60), st.binary(max_size=10))
def test_what_is_written_is_read_back(fields: list[tuple[str, str]], body: bytes, odd: bytes) -> None:
    odd_text = odd.replace(b"\r", b"").replace(b"\n", b"").strip(b" \t").decode("utf-8", "surrogateescape")
    headers = Headers([*fields, ("X-Octets", odd_text)])
    request = Request(method="NEWMETHOD", uri="soap.beep://x?y", headers=headers, body=body)
    octets = request.to_bytes()
    [read] = Stream().feed(octets)
    assert isinstance(read, Request)
    assert read.to_bytes() == octets
    assert read.headers.fields[:-1] == headers.fields
    assert (read.method, read.uri, read.body) == (request.method, request.uri, body)


class _CountingBuffer(bytearray):
    """Counts the octets that searches look at and that copies move."""

    looked_at = 0

    def find(self, wanted: bytes, start: int, stop: int) -> int:  # type: ignore[override]
        found = super().find(wanted, start, stop)
        self.looked_at += (found + len(wanted) if found >= 0 else min(stop, len(self))) - min(start, len(self))
        return found

    def __getitem__(self, index: int | slice) -> int | bytearray:  # type: ignore[override]
        self.looked_at += 1 if isinstance(index, int) else len(range(*index.indices(len(self))))
        return super().__getitem__(index)


def _work(octets: bytes, size: int) -> int:
    """Return how many octets are looked at when `octets` come in pieces of `size`."""
    stream = Stream(Limits(head=10**6, body=10**6, headers=10**6))
    stream._buffer = counting = _CountingBuffer()
    for at in range(0, len(octets), size):
        stream.feed(octets[at : at + size])
        assert stream._buffer is counting
    return counting.looked_at


@pytest.mark.parametrize(
    "octets",
    [
        options(b"X: " + b"a" * 20_000 + b"\r\nContent-Length: 0\r\n"),
        options(b"X: a\r\n" * 4_000 + b"Content-Length: 0\r\n"),
        options(b"X: a\r\n" + b" \r\n" * 6_000 + b"Content-Length: 0\r\n"),
        options(b"Content-Length: 20000\r\n", b"a" * 20_000),
        b"OPTIONS " + b"a" * 20_000,
        b"\r\n" * 10_000,
        PLAIN * 100,
    ],
    ids=["long header", "many headers", "many folds", "body", "start line", "pings", "pipelined"],
)
@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_work_is_linear(octets: bytes, size: int) -> None:
    assert _work(octets, size) <= 12 * len(octets)
