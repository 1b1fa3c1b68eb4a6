"""SNMP traps as net-snmp's receiver takes them: every version, informs, and keys that it has worked out itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from openssl_program import Program
from peers import require_program
from tlsbox import commit, tls_box

from sbcsim.events import LogEvent
from sbcsim.journal import Entry
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

SNMP = "set oam snmp "
ENGINE = bytes.fromhex("80000b3f0453424331")  # what a box named SBC1 is unless told otherwise
PASSWORDS = ("auth password", "privacy password")
EXPIRES = "1.3.6.1.4.1.2879.2.8.1.2.1.12.0.21"
HASHES: dict[str, Callable[..., Any]] = {"MD5": hashlib.md5, "SHA": hashlib.sha1}


@contextlib.asynccontextmanager
async def receiver(directory: Path, *configuration: str) -> AsyncIterator[tuple[Program, int]]:
    """Run snmptrapd; yields it, and the UDP port that it listens on."""
    file = directory / "snmptrapd.conf"
    file.write_text("".join(f"{line}\n" for line in ("authCommunity log secret", *configuration)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        require_program("snmptrapd"), "-f", "-Lo", "-On", "-m", "", "-C", "-c", file, f"udp:127.0.0.1:{port}",
        stdin=PIPE, stdout=PIPE, stderr=STDOUT, env={**os.environ, "SNMP_PERSISTENT_DIR": str(directory)},
    )  # fmt: skip
    program = Program(process)
    try:
        await program.read_until("NET-SNMP version")
        yield program, port
    finally:
        await program.end()


@contextlib.asynccontextmanager
async def box_for(directory: Path, port: int, *lines: str) -> AsyncIterator[Simulator]:
    """Run a box whose certificate OLD raises an alarm at the first midnight, and that sends its traps to a port."""
    async with tls_box(directory) as box:
        commit(
            box,
            "set system security certExpiryCheck expiryWarningThreshold 58",
            f"{SNMP}communityString C snmpCommunityName secret",
            *lines,
            f"{SNMP}trapTarget NMS ipAddress 127.0.0.1 port {port} state enabled",
        )
        yield box


async def received(directory: Path, *ours: str, theirs: tuple[str, ...] = ()) -> str:
    """Have a box raise its alarm, and return what the receiver printed."""
    async with receiver(directory, *theirs) as (program, port), box_for(directory, port, *ours) as box:
        await box.advance(days=1)
        await program.read_until(r"58 days.*\n")
    return program.output


def values(output: str) -> dict[str, str]:
    """Return what came in, by number."""
    return dict(re.findall(r"\.(1\.3[\d.]+) = (?:\w+: )?\"?(.*?)\"?(?:\t|\r?\n)", output))


OBJECTS = {
    "1.3.6.1.4.1.32473.2879.1.1.0": "SBC1",
    "1.3.6.1.4.1.32473.2879.1.2.0": "Major",
    "1.3.6.1.4.1.32473.2879.1.3.0": "1",
    "1.3.6.1.4.1.32473.2879.1.4.0": "2026-01-02T00:00:00+00:00",
    "1.3.6.1.4.1.32473.2879.1.5.0": "Certificate OLD expires in 58 days",
    "1.3.6.1.4.1.32473.2879.1.6.0": "OLD",
    "1.3.6.1.4.1.32473.2879.1.7.0": "58",
}


@pytest.mark.parametrize("kind", ["v2", "inform"])
async def test_version_2(tmp_path: Path, kind: str) -> None:
    seen = values(await received(tmp_path, f"{SNMP}trapTarget NMS trapType {kind}"))
    assert seen.pop("1.3.6.1.2.1.1.3.0").startswith("(8640000) 1 day")
    assert seen.pop("1.3.6.1.6.3.1.1.4.1.0") == f".{EXPIRES}"
    assert seen == OBJECTS


async def test_version_1(tmp_path: Path) -> None:
    output = await received(tmp_path, f"{SNMP}trapTarget NMS trapType v1")
    assert "TRAP, SNMP v1, community secret" in output
    assert f".{EXPIRES.removesuffix('.0.21')} Enterprise Specific Trap (21) Uptime: 1 day" in output
    assert values(output) == OBJECTS


def localized(password: str, kind: str) -> bytes:
    """Return a user's key on our engine (RFC 3414, appendix A.2)."""
    repeated = (password.encode() * (1_048_576 // len(password) + 1))[:1_048_576]
    general = HASHES[kind](repeated).digest()
    return HASHES[kind](general + ENGINE + general).digest()


@pytest.mark.parametrize(
    ("auth", "privacy"),
    [("", ""), ("MD5", ""), ("SHA", ""), ("MD5", "DES"), ("SHA", "AES")],
    ids=["neither", "MD5", "SHA", "MD5 and DES", "SHA and AES"],
)
async def test_version_3(tmp_path: Path, auth: str, privacy: str) -> None:
    level, least = {
        (False, False): ("noAuthNoPriv", "noauth"),
        (True, False): ("authNoPriv", "auth"),
        (True, True): ("authPriv", "priv"),
    }[bool(auth), bool(privacy)]
    ours = [
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel {level}",
        f"{SNMP}users jo group admin",
    ]
    if auth:
        ours.append(f"{SNMP}users jo authProtocol HMAC{auth} authKey {localized(PASSWORDS[0], auth).hex(':')}")
    if privacy:
        protocol = {"AES": "AES128"}.get(privacy, privacy)
        ours.append(f"{SNMP}users jo privProtocol {protocol} privKey {localized(PASSWORDS[1], auth)[:16].hex(':')}")
    theirs = f'createUser -e 0x{ENGINE.hex()} jo {auth or "MD5"} "{PASSWORDS[0]}" {privacy or "DES"} "{PASSWORDS[1]}"'
    output = await received(tmp_path, *ours, theirs=(theirs, f"authUser log jo {least}"))
    seen = values(output)
    assert {oid: seen.get(oid) for oid in OBJECTS} == OBJECTS


async def test_a_restarted_box_is_believed(tmp_path: Path) -> None:
    """A receiver takes nothing from an engine that has gone back in time."""
    theirs = f'createUser -e 0x{ENGINE.hex()} jo SHA "{PASSWORDS[0]}"'
    ours = (
        f"{SNMP}trapTarget NMS trapType v3 targetUserName jo targetSecurityLevel authNoPriv",
        f"{SNMP}users jo authProtocol HMACSHA authKey {localized(PASSWORDS[0], 'SHA').hex(':')}",
    )
    async with receiver(tmp_path, theirs, "authUser log jo auth") as (program, port):
        for count in (1, 2):
            async with box_for(tmp_path, port, *ours) as box:
                await box.advance(days=1)
                await program.read_until(rf"(?s)(58 days.*?\n.*?){{{count}}}")


def says(entry: Entry, text: str) -> bool:
    """Tell whether an entry of the journal is a line of a log with a text in it."""
    return isinstance(entry.event, LogEvent) and text in entry.event.text


async def test_a_receiver_that_does_not_answer_an_inform(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        told = asyncio.Event()
        async with box_for(tmp_path, port, f"{SNMP}trapTarget NMS trapType inform") as box:
            box.events.subscribe(
                lambda entry: told.set() if "gets no traps" in getattr(entry.event, "text", "") else None
            )
            await box.advance(days=1)
            async with asyncio.timeout(20):
                await told.wait()
            lost = [entry.event.text for entry in box.journal("log")]
    assert lost[-1].startswith(f"trap target NMS at 127.0.0.1:{port} gets no traps: No SNMP response")


async def test_what_is_lost_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysnmp.hlapi.v3arch", None)
    told = asyncio.Event()
    async with box_for(tmp_path, 162, f"{SNMP}trapTarget FAR ipAddress 192.0.2.9 state enabled") as box:
        box.events.subscribe(lambda entry: told.set() if says(entry, "NMS") else None)
        await box.advance(days=3)
        await told.wait()
        lost = [entry.event.text for entry in box.journal("log") if "no traps" in entry.event.text]
    assert lost == [
        "trap target FAR at 192.0.2.9:162 gets no traps: dialling 192.0.2.9 is not allowed: it is outside loopback",
        (
            'trap target NMS at 127.0.0.1:162 gets no traps: the extra "snmp" is not installed: '
            "pip install 'sbcsim[snmp]'"
        ),
    ]
