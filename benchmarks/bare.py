"""The baselines: servers of the bare libraries that do the least that could be compared with the box."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import cast

import asyncssh
from OpenSSL import SSL

from .testbed import PEERS

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
    """Lets everybody in who knows the password."""

    def password_auth_supported(self) -> bool:
        """Return that passwords are what it takes."""
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Compare."""
        return password == PASSWORD


def show(process: asyncssh.SSHServerProcess[str]) -> None:
    """Serve one command: print a fixed text."""
    process.stdout.write(SHOWN)
    process.exit(0)


STATUS = "[ok][2026-01-01 00:00:00]"
PROMPT = "admin@SBC1% "


class LineServer(asyncssh.SSHServerSession[str]):
    """Echoes on a terminal and answers every line in as many words as the box; `show` prints so many lines."""

    def __init__(self, shown: int) -> None:
        self._channel: asyncssh.SSHServerChannel[str] | None = None
        self._terminal = self._paused = False
        self._shown = shown
        self._left = 0

    def connection_made(self, chan: asyncssh.SSHServerChannel[str]) -> None:
        """Take the channel."""
        self._channel = chan

    def pty_requested(self, *_: object) -> bool:
        """Grant a terminal."""
        self._terminal = True
        return True

    def shell_requested(self) -> bool:
        """Grant a shell."""
        return True

    def session_started(self) -> None:
        """Show the first prompt."""
        if self._terminal:
            self._write(PROMPT)

    def data_received(self, data: str, datatype: int | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Answer every line."""
        if data.startswith("show"):
            self._left = self._shown
            self._show()
        elif self._terminal:
            self._write(data.replace("\r", f"\r\n{STATUS}\r\n\r\n[edit]\r\n{PROMPT}"))
        else:
            self._write(f"{STATUS}\n" * data.count("\n"))

    def eof_received(self) -> bool:
        """Say goodbye."""
        assert self._channel is not None
        self._channel.exit(0)
        return False

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        self._show()

    def _show(self) -> None:
        """Print a hundred lines, and the others in later turns of the loop."""
        if self._paused or not self._left:
            return
        number = min(self._left, 100)
        self._left -= number
        lines = [f"set {PEERS} P{each} ipAddress 10.0.0.1\r\n" for each in range(number)]
        end = "" if self._left else f"{STATUS}\r\n\r\n[edit]\r\n{PROMPT}"
        self._write("".join(lines) + end)
        asyncio.get_running_loop().call_soon(self._show)

    def _write(self, text: str) -> None:
        assert self._channel is not None
        self._channel.write(text)
