"""What a ClientHello offers to take up, against hellos of OpenSSL and of the RFCs, whole, in pieces and broken."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from sbcsim.net import hello

SESSION_ID = bytes(range(32))


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + vector(2, data)


def psk(*identities: bytes) -> bytes:
    listed = b"".join(vector(2, each) + b"\0\0\0\7" for each in identities)
    return extension(41, vector(2, listed) + vector(2, vector(1, bytes(32))))


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def record(fragment: bytes, kind: int = 22) -> bytes:
    return bytes([kind, 3, 1]) + vector(2, fragment)


def client_hello(session_id: bytes = b"", *extensions: bytes) -> bytes:
    body = b"\3\3" + bytes(32) + vector(1, session_id) + vector(2, b"\x13\1") + vector(1, b"\0")
    return message(1, body + (vector(2, b"".join(extensions)) if extensions else b""))


def of_openssl() -> bytes:
    connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    connection.set_connect_state()
    with suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(65536)


@pytest.mark.parametrize(
    ("sent", "offers"),
    [
        (client_hello(), ()),
        (client_hello(SESSION_ID), (SESSION_ID,)),
        (client_hello(b"", extension(35, b"")), ()),
        (client_hello(SESSION_ID, extension(0, b"x"), extension(35, b"ticket")), (sha(b"ticket"), SESSION_ID)),
        (
            client_hello(SESSION_ID, extension(35, b"ticket"), psk(b"first", b"second")),
            (sha(b"first"), sha(b"second"), sha(b"ticket"), SESSION_ID),
        ),
    ],
)
def test_what_is_offered_best_first(sent, offers):
    assert hello.offered(record(sent)) == offers


def test_a_hello_of_openssl_that_offers_nothing_known():
    offers = hello.offered(of_openssl())
    assert offers is not None
    assert [len(each) for each in offers] == [32]  # the session id that TLS 1.3 clients make up


@given(st.data())
def test_a_hello_in_pieces_is_waited_for(data):
    sent = client_hello(SESSION_ID, extension(35, b"t" * 300), psk(b"p" * 200))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent) - 1), max_size=4, unique=True)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    whole = b"".join(map(record, pieces))
    end = data.draw(st.integers(0, len(whole) - 1))
    assert hello.offered(whole[:end]) is None
    assert hello.offered(whole + b"rest") == (sha(b"p" * 200), sha(b"t" * 300), SESSION_ID)


@pytest.mark.parametrize(
    "sent",
    [
        b"G", b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\x03\x01", record(b"\2\x28", kind=21), record(message(2, b"x")),
        b"\x16\3\1\0\0\0\0\0\0", b"\x16\3\1\xff\xff\1", record(b"\1\xff\xff\xff"), record(b"\1\0") + record(b"x", 23),
    ],
)  # fmt: skip
def test_what_is_no_hello_offers_nothing_and_is_not_waited_for(sent):
    assert hello.offered(sent) == ()


@given(st.binary(max_size=400))
def test_whatever_comes_in_gets_an_answer(data):
    for sent in (data, record(client_hello()[:4] + data), record(message(1, data))):
        hello.offered(sent)
    hello.named(data)
    hello.named(record(message(2, data)) + record(message(4, data)))


def server_hello(session_id: bytes) -> bytes:
    return message(2, b"\3\3" + bytes(32) + vector(1, session_id) + b"\xc0\x30\0")


def ticket(data: bytes) -> bytes:
    return message(4, b"\0\0\x0e\x10" + vector(2, data))


@pytest.mark.parametrize(
    ("flight", "names"),
    [
        (b"", (b"", b"")),
        (record(server_hello(SESSION_ID)) + record(message(11, b"certificate")), (SESSION_ID, b"")),
        (record(server_hello(b"")) + record(ticket(b"ticket")) + record(b"\1", 20), (b"", b"ticket")),
        (record(ticket(b"ticket")) + record(b"\1", 20) + record(b"encrypted"), (b"", b"ticket")),
        (record(b"\1", 20) + record(b"\2 encrypted"), (b"", b"")),
    ],
)
def test_how_a_server_names_a_session(flight, names):
    assert hello.named(flight) == names


def test_the_ticket_in_a_message():
    assert hello.ticket_in(b"\0\0\x0e\x10" + vector(2, b"old"), version_1_3=False) == b"old"
    new = b"\0\0\x0e\x10" + b"\1\2\3\4" + vector(1, b"nonce") + vector(2, b"new") + vector(2, b"")
    assert hello.ticket_in(new, version_1_3=True) == b"new"
