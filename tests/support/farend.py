"""A far end of the box's TLS that may misbehave at every step, and notes all that the box lets it see.

TLS is pyOpenSSL's over memory buffers, on asyncio's streams: a test takes it a flight at a time, or sends bytes of its
own instead. What the box says is noted by alert (0 is close_notify) and by how TCP ended.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

import testca
from OpenSSL import SSL, crypto
from rawrecord import ALERT, APPLICATION, Sealer, records

from sbcsim.pki.mint import Authority, Issued

VERSIONS = {
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
SUITES = {"TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.3": "TLS_AES_256_GCM_SHA384"}


def context(
    version: str,
    issued: Issued | None,
    *,
    server: bool,
    trusts: Authority | None = None,
    asks: bool = True,
    suites: Iterable[str] = (),
) -> SSL.Context:
    """Return the settings of a far end of one version. It takes any certificate, or those of the one that it `trusts`.

    As server it `asks` for one.
    """
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_min_proto_version(VERSIONS[version])
    made.set_max_proto_version(VERSIONS[version])
    suites = [*suites] or [SUITES.get(version, "ALL:@SECLEVEL=0")]
    if version == "TLSv1.3":
        made.set_tls13_ciphersuites(":".join(suites).encode())
    else:
        made.set_cipher_list(":".join(suites).encode())
    if issued is not None:
        made.use_certificate(issued.certificate.x509)
        made.use_privatekey(issued.key)
        for each in issued.chain:
            if not each.self_signed:
                made.add_extra_chain_cert(each.x509)
    made.set_keylog_callback(_learn)
    store = made.get_cert_store()
    assert store is not None
    store.set_flags(testca.NO_CHECK_TIME)
    if trusts is not None:
        store.add_cert(crypto.X509.from_cryptography(trusts.certificate.x509))
    if asks or not server:
        made.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
            lambda _connection, _certificate, _error, _depth, accepted: bool(accepted) or trusts is None,
        )
    return made


class FarEnd:
    """One connection of it. `alerts` are those that the box sent, `end` is how the box ended TCP: fin, reset or "".

    `told` and `heard` are how many plain octets it has sent and received, `said` are those not yet dealt with.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: SSL.Context, *, server: bool
    ) -> None:
        self.alerts: list[int] = []
        self.end = ""
        self.received = b""
        self.said = b""
        self.told = self.heard = 0
        self.port: int = writer.get_extra_info("sockname")[1]
        self.server = server
        self._reader = reader
        self._writer = writer
        self._secrets: dict[str, bytes] = {}
        self._sealer: Sealer | None = None
        self.tls = SSL.Connection(settings, None)
        self.tls.set_app_data(self._secrets)
        self.tls.set_info_callback(self._hear)
        if server:
            self.tls.set_accept_state()
        else:
            self.tls.set_connect_state()

    @classmethod
    async def dial(cls, port: int, settings: SSL.Context, *, buffer: int = 0) -> Self:
        """Connect to the box; `buffer` is how much the host may take in before somebody reads."""
        if not buffer:
            return cls(*await asyncio.open_connection("127.0.0.1", port), settings, server=False)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=1024), settings, server=False)

    # One step at a time.

    def step(self) -> bool:
        """Go on with the handshake as far as the bytes allow; whether it is done. Nothing is sent."""
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            return False
        return True

    def flight(self) -> bytes:
        """Return what TLS wants to send now."""
        pieces = []
        with suppress(SSL.WantReadError):
            while True:
                pieces.append(self.tls.bio_read(65536))
        return b"".join(pieces)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def hear(self) -> bool:
        """Take in what comes next; False when the box has ended the connection."""
        if self.end:
            return False
        try:
            data = await self._reader.read(65536)
        except ConnectionError:
            self.end = "reset"
            return False
        if not data:
            self.end = "fin"
            return False
        self.received += data
        self.tls.bio_write(data)
        return True

    # What is usual.

    async def shake(self) -> bool:
        """Go through the handshake; whether it succeeded."""
        try:
            while not self.step():
                await self.send(self.flight())
                if not await self.hear():
                    return False
        except SSL.Error:
            await self.send(self.flight())
            return False
        last = self.flight()
        await self.send(last)
        newest = self.tls.get_protocol_version_name() == "TLSv1.3"
        sent = (len(records(last)) if self.server else 0) if newest else 1
        self._sealer = Sealer.of(self.tls, self._secrets, server=self.server, sequence=sent)
        return True

    async def read(self) -> bool:
        """Take in plain bytes, in `said`; False when there will be no more."""
        while True:
            try:
                data = self.tls.recv(65536)
            except SSL.WantReadError:
                if not await self.hear():
                    return False
            except SSL.Error:
                return False
            else:
                self.said += data
                self.heard += len(data)
                return True

    async def read_to_the_end(self) -> None:
        """Take in whatever comes, up to the end of TCP."""
        while await self.read():
            pass
        while await self.hear():
            with suppress(SSL.Error):
                self.tls.recv(65536)
        if not self.alerts:  # in the clear, where TLS has given up or has another version in mind
            self.alerts = [body[1] for kind, body in records(self.received) if kind == ALERT and len(body) == 2]

    async def say(self, data: bytes) -> None:
        """Send plain bytes."""
        self.told += len(data)
        await self.say_raw(APPLICATION, data)

    async def say_raw(self, kind: int, content: bytes) -> None:
        """Send a record of any kind on the connection that stands."""
        assert self._sealer is not None
        await self.send(self._sealer.seal(kind, content))

    async def establish(self) -> None:
        """Go through the handshake and through one OPTIONS: the box asks where it has dialled, else we do."""
        assert await self.shake(), f"no handshake: alerts {self.alerts}, {self.end or 'open'}"
        await self.exchange()

    async def exchange(self) -> None:
        """Ask, or answer, one OPTIONS."""
        if self.server:
            while b"\r\n\r\n" not in self.said:
                assert await self.read()
            await self.say(ok(self.said))
        else:
            await self.say(request("OPTIONS", f"{self.port}"))
            while b"SIP/2.0 200" not in self.said:
                assert await self.read(), f"no answer: alerts {self.alerts}, {self.end or 'open'}"
        self.said = b""

    # How it goes away.

    def reset(self) -> None:
        """Reset TCP."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def half_close(self) -> None:
        """Send FIN, and go on listening."""
        self._writer.write_eof()

    async def farewell(self) -> None:
        """Send close_notify."""
        await self.say_raw(ALERT, b"\1\0")

    def close(self) -> None:
        """Let go of the socket."""
        self._writer.close()

    @property
    def seen(self) -> str:
        """What it saw of the box's end: `alert 45, fin`, `close_notify, fin`, `reset`, "" where nothing has ended."""
        alerts = ["close_notify" if alert == 0 else f"alert {alert}" for alert in self.alerts]
        return ", ".join([*alerts, *filter(None, [self.end])])

    def _hear(self, _connection: SSL.Connection, where: int, value: int) -> None:
        if where & SSL.SSL_CB_READ_ALERT == SSL.SSL_CB_READ_ALERT:
            self.alerts.append(value & 0xFF)


def _learn(connection: SSL.Connection, line: bytes) -> None:
    label, _random, secret = line.decode().split()
    connection.get_app_data()[label] = bytes.fromhex(secret)


def request(method: str, word: str, *, filling: int = 0) -> bytes:
    """Return a SIP request, `filling` octets longer than need be."""
    return (
        f"{method} sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK{word};rport\r\n"
        f"From: <sip:a@b>;tag={'1' * (filling + 1)}\r\nTo: <sip:c@d>\r\nCall-ID: {word}\r\nCSeq: 1 {method}\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def ok(asked: bytes) -> bytes:
    """Return 200 OK to a request."""
    kept = re.findall(r"(?mi)^(?:Via|From|To|Call-ID|CSeq): .*$", asked.decode())
    lines = [f"{line.rstrip()};tag=peer" if line.startswith("To:") else line.rstrip() for line in kept]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0\r\n\r\n"]).encode()
