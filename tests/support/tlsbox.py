"""A simulator with one TLS port, and OpenSSL's client as whoever comes to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import testca
from boxes import LINES, certificate_files
from openssl_program import Program, openssl
from pingedbox import tls_port

from sbcsim.device.settings import Settings
from sbcsim.pki.mint import Issued
from sbcsim.simulator import Simulator

OPTIONS = (
    "OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKx;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
SET_PROFILE = "set profiles security tlsProfile TLS "


def tls_box(directory: Path, *lines: str, settings: Settings | None = None) -> Simulator:
    """Return a simulator with one TLS port that runs `lines` as well; its clock stands still."""
    configuration = directory / "box.cli"
    configuration.write_text("\n".join((*LINES, *lines)) + "\n")
    return Simulator(configuration, clock=f"virtual@{testca.START}", files=certificate_files(), settings=settings)


def commit(box: Simulator, *lines: str) -> None:
    """Type lines into a session of the box's own, all in one commit."""
    for line in ("configure", *lines, "commit", "exit"):
        answer = box.cli(line)
        assert "[error]" not in answer, f"{line}: {answer}"


def counters(box: Simulator) -> dict[str, int]:
    """Return the TLS counters of the port that are not 0."""
    shown = box.cli("show status addressContext default zone Z sipSigPortTlsStatistics")
    return {name: int(value) for name, value in re.findall(r"(\w+) +(\d+);", shown) if int(value)}


@dataclass
class Visit:
    """What `openssl s_client` saw. `tickets` are the Session-IDs of what it was given over TLS 1.3."""

    output: str

    @property
    def reused(self) -> bool:
        """Whether it took up an earlier session."""
        return "\nReused, " in self.output

    @property
    def version(self) -> str:
        """The protocol version."""
        return re.findall(r"\n(?:New|Reused), (\S+), Cipher is", self.output)[0]

    @property
    def cipher(self) -> str:
        """The suite."""
        return re.findall(r"\n(?:New|Reused), \S+, Cipher is (\S+)", self.output)[0]

    @property
    def names(self) -> list[str]:
        """The Session-IDs that it printed and that are not empty."""
        return re.findall(r"Session-ID: ([0-9A-F]+)\n", self.output)

    @property
    def lifetimes(self) -> set[int]:
        """The lifetimes of tickets that it was told."""
        return {int(hint) for hint in re.findall(r"lifetime hint: (\d+)", self.output)}

    @property
    def alert(self) -> int:
        """The alert that ended the handshake, 0 for none."""
        found = re.search(r"SSL alert number (\d+)", self.output)
        return int(found[1]) if found else 0


class Caller:
    """Somebody with a certificate, and with a file in which OpenSSL keeps a session."""

    def __init__(self, box: Simulator, directory: Path, issued: Issued | None, *arguments: str) -> None:
        files = testca.files(issued, directory) if issued is not None else None
        own = ["-cert", str(files.certificate), "-key", str(files.key)] if files is not None else []
        self._arguments = [*own, *arguments]
        self._box = box
        self._session = directory / "session.pem"

    @asynccontextmanager
    async def stay(
        self, *arguments: str, keep: bool = False, back: bool = False, request: str = OPTIONS
    ) -> AsyncIterator[Program]:
        """Connect and ask: `keep` the session, or come `back` with the one that was kept; yields once it is answered.

        What is answered has been secured; a handshake that fails is over when this yields.
        """
        kept = ["-sess_out", str(self._session)] if keep else []
        shown = ["-sess_in", str(self._session)] if back else []
        where = ["-connect", f"127.0.0.1:{tls_port(self._box)}"]
        async with openssl("s_client", *where, *self._arguments, *kept, *shown, *arguments) as program:
            await program.write(request)
            await program.read_until(r"SIP/2\.0 \d|SSL alert number|no peer certificate available")
            yield program

    async def call(self, *arguments: str, keep: bool = False, back: bool = False) -> Visit:
        """Connect, ask and leave; see `stay`."""
        async with self.stay(*arguments, keep=keep, back=back) as program:
            with suppress(ConnectionError):  # where the handshake has failed it is leaving by itself
                await program.write("Q\n")
            return Visit(await program.read_all())
