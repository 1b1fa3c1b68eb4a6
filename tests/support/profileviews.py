"""What the programs of others say of the box under a tlsProfile: `sslscan`, `openssl s_client`, `openssl s_server`.

Each view takes a directory for its files and the lines that are set, plays a box that runs them, and says in a few
words what it has seen.
"""

from __future__ import annotations

import asyncio
import base64
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import testca
from cryptography import x509
from failurerow import UNTIL
from meeting import CLIENT, PING, SERVER, Meeting, meeting
from openssl_program import openssl
from peers import require_program
from pingedbox import tls_port
from tlsbox import Caller, Visit, commit

from sbcsim.pki.mint import Issued

ANY_VERSION = ("-min_protocol", "TLSv1", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
"""Arguments of OpenSSL for whoever speaks everything."""


def nobody() -> None:
    """Show no certificate."""


@cache
def of_elliptic_curves() -> Issued:
    return testca.authority().issue("sbc.example.com", key_type="ec", not_after=UNTIL)


Looks = Callable[[Path, tuple[str, ...]], Awaitable[str]]


def serial_behind(title: str, output: str) -> str:
    """Return which own certificate of the box a program printed."""
    found = re.search(rf"{title}\n(-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n)", output, re.DOTALL)
    if found is None:
        return "nothing"
    serial = x509.load_pem_x509_certificate(found[1].encode()).serial_number
    own = {"OLD": testca.sbc(), "NEW": testca.sbc_renewed(), "EC": of_elliptic_curves()}
    return next(name for name, issued in own.items() if int(issued.certificate.serial, 16) == serial)


async def scan(directory: Path, *lines: str, arguments: tuple[str, ...] = ()) -> ET.Element:
    """Return what sslscan says of the box."""
    program = require_program("sslscan")
    async with meeting(directory, SERVER, "TLSv1.2", *lines) as met:
        files = testca.files(testca.peer(), directory)
        process = await asyncio.create_subprocess_exec(
            program, "--xml=-", "--no-heartbleed", "--no-groups", "--no-compression", "--no-fallback",
            "--no-renegotiation", "--no-check-certificate", f"--pk={files.key}", f"--certs={files.certificate}",
            *arguments, f"127.0.0.1:{tls_port(met.box)}", stdout=PIPE, stderr=DEVNULL,
        )  # fmt: skip
        output, _ = await process.communicate()
        found = ET.fromstring(output).find("ssltest")
        assert found is not None, output
        return found


async def scanned(directory: Path, lines: tuple[str, ...]) -> str:
    """Say which versions there are, and the suites of each in the order in which the box prefers them."""
    found = await scan(directory, *lines)
    spoken = defaultdict(list)
    for each in found.iterfind("protocol[@enabled='1']"):
        spoken[f"{each.get('type', '').upper()}v{each.get('version')}"] = []
    for each in found.iterfind("cipher"):
        spoken[str(each.get("sslversion"))].append(str(each.get("cipher")))
    return "; ".join(" ".join([version, *suites]) for version, suites in sorted(spoken.items()))


async def called(
    directory: Path,
    lines: tuple[str, ...],
    *,
    arguments: tuple[str, ...] = (),
    issued: Callable[[], Issued | None] = testca.peer,
) -> str:
    """Say what a client is answered: version, suite, and the certificate of the box, or the alert."""
    own = {"ec.p12": of_elliptic_curves().pkcs12("secret")} if any("ec.p12" in line for line in lines) else {}
    async with meeting(directory, SERVER, "TLSv1.2", *lines, files=own) as met:
        visit = await Caller(met.box, directory, issued(), *arguments).call()
        return said(visit)


def said(visit: Visit) -> str:
    """Return a visit in words."""
    if visit.alert:
        return f"alert {visit.alert}"
    asked = "" if "Acceptable client certificate CA names" in visit.output else ", not asked"
    # Beside the suite stands the oldest version that has it.
    version = re.search(r"Protocol *: (\S+)", visit.output)
    shown = serial_behind("Server certificate", visit.output)
    return f"{version[1] if version else visit.version} {visit.cipher}, shown {shown}{asked}"


async def called_twice(directory: Path, lines: tuple[str, ...]) -> str:
    """Say whether a client may take its session up."""
    async with meeting(directory, SERVER, "TLSv1.2", *lines) as met:
        caller = Caller(met.box, directory, testca.peer())
        await caller.call(keep=True)
        if not (directory / "session.pem").exists():
            return "nothing to come back with"
        await met.box.advance(seconds=100)
        return "resumed" if (await caller.call(back=True)).reused else "new"


async def stalled(directory: Path, lines: tuple[str, ...]) -> str:
    """Say how long a client is waited for that waits for the box to speak first."""
    async with (
        meeting(directory, SERVER, "TLSv1.2", *lines) as met,
        openssl("s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{tls_port(met.box)}") as program,
    ):
        return await seconds_until(met, "connectionOpened", "handshake", program.read_all)


async def unknown(directory: Path, lines: tuple[str, ...]) -> str:
    """Say how long a client stays that neither shows a certificate nor says a word."""
    async with (
        meeting(directory, SERVER, "TLSv1.2", *lines) as met,
        openssl("s_client", "-connect", f"127.0.0.1:{tls_port(met.box)}") as program,
    ):
        return await seconds_until(met, "handshake", "connectionClosed", program.read_all)


async def seconds_until(met: Meeting, begin: str, end: str, ended: Callable[[], Awaitable[str]]) -> str:
    """Move the clock a second at a time until the journal tells an end, and the program sees it too."""
    await met.until(lambda: bool(met.box.journal(begin)))
    seconds = 0
    while not met.box.journal(end) and seconds < 100:
        await met.box.advance(seconds=1)
        seconds += 1
    await ended()
    return f"{seconds} s"


async def answered(
    directory: Path,
    lines: tuple[str, ...],
    *,
    issued: Callable[[], Issued] = testca.peer,
) -> str:
    """Say what a server is offered: version, suites in order, and the certificate of the box, or the alert."""
    files = testca.files(issued(), directory)
    async with openssl(
        "s_server", "-accept", "127.0.0.1:0", "-Verify", "1", "-cert", str(files.certificate), "-key", str(files.key),
        "-CAfile", str(files.authority), *ANY_VERSION,
    ) as program:  # fmt: skip
        port = int((await program.read_until(r"ACCEPT .*:(\d+)"))[1])
        async with meeting(directory, CLIENT, "TLSv1.2", *lines, port=port) as met:
            commit(met.box, PING)
            await met.until(lambda: bool(met.box.journal(("handshake", "pathPing"))))
            if not met.box.journal("connectionOpened"):
                return met.box.journal("pathPing")[0].event.reason
            found = await program.read_until(r"OPTIONS sip:|SSL alert number (\d+)")
            if found[1]:
                return f"alert {found[1]}"
    text = re.search(r"SESSION PARAMETERS-----\n(.*?)\n-----END", program.output, re.DOTALL)
    suites = re.search(r"Shared ciphers:(\S+)", program.output)
    assert text is not None
    assert suites is not None
    # An SSL_SESSION of OpenSSL begins with its own version, 1, and that of the protocol.
    version = re.search(rb"\x02\x01\x01\x02\x02\x03(.)", base64.b64decode(text[1]), re.DOTALL)
    assert version is not None
    shown = serial_behind("Client certificate", program.output)
    return f"{('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3')[version[1][0] - 1]} {suites[1]}, shown {shown}"
