"""Byte streams that other SIP stacks get wrong, each with what a good server makes of it."""

from __future__ import annotations

HEADERS = (
    b"Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bKa\r\n"
    b"From: <sip:a@example.com>;tag=1\r\n"
    b"To: <sip:b@example.com>\r\n"
    b"Call-ID: c1\r\n"
    b"Max-Forwards: 70\r\n"
)


def options(extra: bytes = b"Content-Length: 0\r\n", body: bytes = b"") -> bytes:
    """Return an OPTIONS request with `extra` header lines and a body."""
    return b"OPTIONS sip:b@example.com SIP/2.0\r\n" + HEADERS + b"CSeq: 1 OPTIONS\r\n" + extra + b"\r\n" + body


def request(line: bytes, cseq: bytes) -> bytes:
    """Return a request with its own request line and CSeq method, without a body."""
    return line + b"\r\n" + HEADERS + b"CSeq: 1 " + cseq + b"\r\nContent-Length: 0\r\n\r\n"


def response(line: bytes, extra: bytes = b"Content-Length: 0\r\n") -> bytes:
    """Return a response to an OPTIONS with its own status line."""
    return line + b"\r\n" + HEADERS + b"CSeq: 1 OPTIONS\r\n" + extra + b"\r\n"


PLAIN = options()
WITH_BODY = options(b"Content-Type: text/plain\r\nContent-Length: 5\r\n", b"hello")
OK = "OPTIONS 200"

FRAMING: dict[str, tuple[bytes, list[str]]] = {
    "one message": (PLAIN, [OK]),
    "three pipelined, one with a body": (PLAIN + WITH_BODY + PLAIN, [OK, OK, OK]),
    "ping, then a message": (b"\r\n\r\n" + PLAIN, ["ping", OK]),
    "ping between messages": (PLAIN + b"\r\n\r\n" + PLAIN, [OK, "ping", OK]),
    "two pings": (b"\r\n\r\n\r\n\r\n", ["ping", "ping"]),
    "pong, then a message": (b"\r\n" + PLAIN, ["pong", OK]),
    "pong between messages": (PLAIN + b"\r\n" + PLAIN, [OK, "pong", OK]),
    "ping and pong, then a message": (b"\r\n\r\n\r\n" + PLAIN, ["ping", "pong", OK]),
    "half a ping": (b"\r\n", []),
    "body of line ends is no ping": (options(b"Content-Length: 4\r\n", b"\r\n\r\n") + PLAIN, [OK, OK]),
    "body that looks like a request": (
        options(b"Content-Length: %d\r\n" % len(PLAIN), PLAIN) + PLAIN,
        [OK, OK],
    ),
    "compact length": (options(b"l:5\r\n", b"hello") + PLAIN, [OK, OK]),
    "blank before the colon": (options(b"Content-Length : 5\r\n", b"hello") + PLAIN, [OK, OK]),
    "tab before the colon of a compact length": (options(b"L\t:\t5\r\n", b"hello") + PLAIN, [OK, OK]),
    "leading zeros": (options(b"Content-Length: 0005\r\n", b"hello") + PLAIN, [OK, OK]),
    "folded length": (options(b"Content-Length:\r\n 5\r\n", b"hello") + PLAIN, [OK, OK]),
    "body cut short": (WITH_BODY[:-1], ["incomplete"]),
    "head cut short": (PLAIN[:-2], ["incomplete"]),
    "negative length": (options(b"Content-Length: -5\r\n") + PLAIN, ["400", "close"]),
    "signed length": (options(b"Content-Length: +5\r\n", b"hello") + PLAIN, ["400", "close"]),
    "length in words": (options(b"Content-Length: five\r\n") + PLAIN, ["400", "close"]),
    "length in digits that are not ASCII": (
        options("Content-Length: \N{ARABIC-INDIC DIGIT FIVE}\r\n".encode()) + PLAIN,
        ["400", "close"],
    ),
    "empty length": (options(b"Content-Length:\r\n") + PLAIN, ["400", "close"]),
    "length twice": (options(b"Content-Length: 5\r\nl: 0\r\n", b"hello") + PLAIN, ["400", "close"]),
    "same length twice": (options(b"Content-Length: 0\r\nContent-Length: 0\r\n") + PLAIN, ["400", "close"]),
    "two lengths in one line": (options(b"Content-Length: 5, 5\r\n", b"hello") + PLAIN, ["400", "close"]),
    "no length": (options(b"") + PLAIN, ["400", "close"]),
    "body beyond the limit": (options(b"Content-Length: 1048577\r\n") + PLAIN, ["413", "close"]),
    "length of five thousand digits": (options(b"Content-Length: " + b"9" * 5000 + b"\r\n"), ["413", "close"]),
    "head without end": (b"OPTIONS sip:b SIP/2.0\r\n" + HEADERS + b"X: " + b"a" * 70_000, ["513", "close"]),
    "head of short lines without end": (
        b"OPTIONS sip:b SIP/2.0\r\n" + HEADERS + b"X: a\r\n" * 20_000,
        ["513", "close"],
    ),
    "too many headers": (options(b"X: a\r\n" * 300 + b"Content-Length: 0\r\n"), ["513", "close"]),
    "start line without end": (b"OPTIONS " + b"a" * 70_000, ["close"]),
    "web request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + PLAIN, ["close"]),
    "web response": (b"HTTP/1.1 200 OK\r\n\r\n" + PLAIN, ["close"]),
    "TLS on a port without TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ["close"]),
    "blank before the start line": (b" " + PLAIN, ["close"]),
    "CR without LF": (b"\rX" + PLAIN, ["close"]),
    "lines that end with LF only": (PLAIN.replace(b"\r\n", b"\n") + PLAIN, ["400", "close"]),
    "one line that ends with LF only": (PLAIN.replace(b"70\r\n", b"70\n") + PLAIN, ["400", "close"]),
    "CR inside a header": (PLAIN.replace(b": 70", b": 7\r0") + PLAIN, ["400", "close"]),
    "header line without a colon": (options(b"Foobar roobar\r\nContent-Length: 0\r\n") + PLAIN, ["400", "close"]),
    "header without a name": (options(b": x\r\nContent-Length: 0\r\n") + PLAIN, ["400", "close"]),
    "blank inside a header name": (options(b"Content Length: 5\r\nContent-Length: 0\r\n"), ["400", "close"]),
    "folded start line": (PLAIN.replace(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n odd\r\nVia"), ["400", "close"]),
    "malformed request line, then a message": (
        request(b"OPTIONS  sip:b@example.com SIP/2.0", b"OPTIONS") + PLAIN,
        ["400", OK],
    ),
    "malformed status line, then a message": (response(b"SIP/2.0 99999 Odd") + PLAIN, ["dropped", OK]),
    "broken response": (response(b"SIP/2.0 200 OK", b"") + PLAIN, ["close"]),
    "broken ACK is not answered": (
        b"ACK sip:b SIP/2.0\r\n" + HEADERS + b"CSeq: 1 ACK\r\n\r\n" + PLAIN,
        ["close"],
    ),
    "broken request without Via is not answered": (b"OPTIONS sip:b SIP/2.0\r\nTo: <sip:b>\r\n\r\n", ["close"]),
}
"""Name of the case: the octets, and what `sip_server.verdicts` says."""
