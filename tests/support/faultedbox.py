"""What is asked of a box that something goes wrong with: at the command line, by file transfer, by a far end of TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import testca
from sippeers import TlsStream
from sshlines import CERTIFICATES, LOGIN, PATIENCE, sessions_left, terminal

from sbcsim import Simulator
from sbcsim.pki.credential import Certificate

NEW = "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled"
SHOW = "show configuration profiles security tlsProfile TLS"


async def run(box: Simulator, command: str) -> str:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        return str((await connection.run(command)).stdout)


@asynccontextmanager
async def dialled(box: Simulator, tmp_path: Path) -> AsyncIterator[TlsStream]:
    pem = tmp_path / "peer.pem"
    pem.write_text(testca.peer().pem(with_chain=True) + testca.peer().key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(pem)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*box.ports.sip[0].address)
        stream = TlsStream(reader, writer, context, server=False)
        try:
            await stream.handshake()
            yield stream
        finally:
            stream.close()


def options(call: str) -> bytes:
    return (
        f"OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def until(stream: TlsStream, call: str) -> list[bytes]:
    """Ask, and return what came up to the end of the answer, record by record."""
    stream.write(options(call))
    records = [await stream.read()]
    while f"Call-ID: {call}\r\n".encode() not in b"".join(records) or not records[-1].endswith(b"\r\n\r\n"):
        records.append(await stream.read())
    return records


async def shown(box: Simulator, tmp_path: Path) -> int:
    """Return the serial number of the certificate that a new connection gets."""
    async with dialled(box, tmp_path) as stream:
        der = stream.session.getpeercert(binary_form=True)
        assert der is not None
        return Certificate.from_der(der).serial


async def content(box: Simulator, name: str) -> bytes:
    async with (
        asyncssh.connect(*box.ports.sftp, **LOGIN) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(f"{CERTIFICATES}/{name}", "rb") as file,
    ):
        return bytes(await file.read())


@dataclass(frozen=True)
class Before:
    """The configuration before something goes wrong."""

    lines: str
    revision: int

    @classmethod
    async def of(cls, box: Simulator) -> Before:
        """Return it."""
        return cls(await _lines(box), box.status().counts.revision)

    async def undone(self, box: Simulator) -> None:
        """See that no session, candidate or lock is left, and that every commit since then was a whole one.

        Taking them back gives what stood before: there is nothing that no commit has made, and no half of one.
        """
        box.cli("exit")  # cases that need no terminal type at the console, whose session stays
        await sessions_left(box)
        made = box.status().counts.revision - self.revision
        async with terminal(box) as typed:
            entered = await typed.type("configure exclusive")
            assert entered == (
                "Entering configuration mode exclusive\nWarning: uncommitted changes will be discarded on exit"
            )
            if made:
                await typed.type_all(f"rollback {made - 1}", "commit")
        assert await _lines(box) == self.lines
        await sessions_left(box)


async def _lines(box: Simulator) -> str:
    shown, _, _ = (await run(box, "show configuration | display set")).rpartition("[ok]")
    return shown
