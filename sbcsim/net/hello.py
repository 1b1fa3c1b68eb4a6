"""TLS handshake messages in the clear, as far as resumption needs them: which sessions are offered, which are named.

Everything here is a guess at bytes that OpenSSL judges afterwards: what cannot be read offers and names nothing. Every
handshake of a server comes by, so the octets are counted off instead of being taken apart.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from sbcsim.device.effects import SessionId

_CLIENT_HELLO, _SERVER_HELLO, _NEW_SESSION_TICKET = 1, 2, 4
"""HandshakeType, RFC 8446 section 4."""

_HANDSHAKE = 22
"""ContentType of a record."""

_SESSION_TICKET, _PRE_SHARED_KEY = 35, 41
"""ExtensionType: RFC 5077, RFC 8446."""

_EXTENSION = struct.Struct(">HH")
"""Kind and size in front of its content."""

_LONGEST_RECORD = (1 << 14) + 256
_LONGEST_HELLO = 1 << 17

_SESSION_ID_AT = 34
"""Where the length of the session id stands in both hellos: behind version and random."""


def offered(data: bytes) -> tuple[SessionId, ...] | None:
    """Return the sessions that a client offers to take up, best first; None while its ClientHello is incomplete."""
    message = b""
    at = 0
    while len(data) >= at + 6:
        size = _number(data, at + 3, 2)
        if data[at] != _HANDSHAKE or not 0 < size <= _LONGEST_RECORD or data[5] != _CLIENT_HELLO:
            return ()
        message += data[at + 5 : at + 5 + size]
        at += 5 + size
        if len(message) >= 4:
            end = 4 + _number(message, 1, 3)
            if end > _LONGEST_HELLO:
                return ()
            if len(message) >= end:
                return _offers(message[4:end])
    return () if data and data[0] != _HANDSHAKE else None


def named(flight: bytes) -> tuple[bytes, bytes]:
    """Return how a server names the session in a flight below TLS 1.3: the session id and the ticket, b"" for none."""
    session_id = ticket = b""
    at = 0
    # OpenSSL begins a record with each message. The record that is none is the one after which nothing is in the clear.
    while len(flight) > at + 5 and flight[at] == _HANDSHAKE:
        size = _number(flight, at + 3, 2)
        if flight[at + 5] == _SERVER_HELLO:
            session_id = _vector(flight, at + 9 + _SESSION_ID_AT, 1)
        elif flight[at + 5] == _NEW_SESSION_TICKET:
            ticket = ticket_in(flight[at + 9 : at + 5 + size], version_1_3=False)
        at += 5 + size
    return session_id, ticket


def ticket_in(body: bytes, *, version_1_3: bool) -> bytes:
    """Return the ticket of a NewSessionTicket message of our own."""
    at = 4  # behind the lifetime
    if version_1_3:
        at += 4  # age_add
        at += 1 + body[at]  # nonce
    return _vector(body, at, 2)


def ticket_name(ticket: bytes) -> SessionId:
    """Return the name of a session that is known by a ticket: what clients of OpenSSL print as its Session-ID."""
    return hashlib.sha256(ticket).digest()


def _offers(body: bytes) -> tuple[SessionId, ...]:
    session_id = _vector(body, _SESSION_ID_AT, 1)
    at = _SESSION_ID_AT + 1 + len(session_id)
    at += 2 + _number(body, at, 2)  # cipher suites
    at += 1 + _number(body, at, 1)  # compression methods
    at += 2
    offers: list[SessionId] = []
    while at + 4 <= len(body):
        kind, size = _EXTENSION.unpack_from(body, at)
        if size and kind == _SESSION_TICKET:
            offers.append(ticket_name(body[at + 4 : at + 4 + size]))
        elif kind == _PRE_SHARED_KEY:
            offers[:0] = map(ticket_name, _identities(body[at + 4 : at + 4 + size]))
        at += 4 + size
    if session_id:
        offers.append(session_id)
    return tuple(offers)


def _identities(extension: bytes) -> Iterator[bytes]:
    at, end = 2, 2 + _number(extension, 0, 2)
    while at < min(end, len(extension)):
        identity = _vector(extension, at, 2)
        yield identity
        at += 2 + len(identity) + 4  # obfuscated age


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _vector(data: bytes, at: int, size: int) -> bytes:
    start = at + size
    return data[start : start + _number(data, at, size)]
