"""The baselines: servers of the bare libraries that do the least that could be compared with the box."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import cast

import asyncssh
from OpenSSL import SSL

CANNED = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKcanned\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n"
    b"To: <sip:b@127.0.0.1>;tag=2\r\nCall-ID: canned\r\nCSeq: 1 OPTIONS\r\nAllow: INVITE, ACK, BYE, OPTIONS\r\n"
    b"Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"
)
SHOWN = "CA { fileName ca.der; state enabled; type remote; }\n" * 6
USER = PASSWORD = "admin"


class Canned(asyncio.Protocol):
    """Answers whatever ends in an empty line with the same 200 OK."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hear that TLS stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            assert self._transport is not None
            self._transport.write(self.answer(request))

    def answer(self, request: bytes) -> bytes:  # noqa: ARG002 - for those who look at it
        """Return the response to a request."""
        return CANNED


class Echo(Canned):
    """Answers 200 OK with the header fields that make it the answer to its request: the least a pinged peer needs."""

    def __init__(self, answered: Counter[str]) -> None:
        super().__init__()
        self._answered = answered

    def answer(self, request: bytes) -> bytes:
        """Return the response to a request."""
        self._answered["requests"] += 1
        kept = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
        fields = [line for line in request.split(b"\r\n")[1:] if line.lower().startswith(kept)]
        fields = [line + b";tag=bare" if line.lower().startswith(b"to:") else line for line in fields]
        return b"\r\n".join([b"SIP/2.0 200 OK", *fields, b"Content-Length: 0", b"", b""])


class MemoryBuffers(asyncio.Protocol):
    """TLS of pyOpenSSL over memory buffers, as the box does it, with the canned answer on top and nothing else."""

    def __init__(self, context: SSL.Context) -> None:
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._transport: asyncio.Transport | None = None
        self._up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hear that TCP stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, then answer every request, which is taken to come in one record."""
        self._tls.bio_write(data)
        with suppress(SSL.WantReadError):
            if not self._up:
                self._tls.do_handshake()
                self._up = True
            while self._tls.recv(16384):
                self._tls.send(CANNED)
        with suppress(SSL.WantReadError):
            assert self._transport is not None
            self._transport.write(self._tls.bio_read(65536))


class PasswordServer(asyncssh.SSHServer):
    """Lets one user in by password."""

    def password_auth_supported(self) -> bool:
        """Return that passwords are what it takes."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compare."""
        return (username, password) == (USER, PASSWORD)


def show(process: asyncssh.SSHServerProcess[str]) -> None:
    """Serve one command: print a fixed text."""
    process.stdout.write(SHOWN)
    process.exit(0)
