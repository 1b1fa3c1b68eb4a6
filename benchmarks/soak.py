"""The certificate replaced again and again while peers never stop shaking hands: does one fail, does memory grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from .processes import Child
from .registry import AtMost, Figure, benchmark
from .sessions import Shell, connected
from .testbed import PASS_PHRASE, Testbed, configure, testbed, write

CERTIFICATES = "/opt/sonus/external"
JOURNAL = 5_000
KEPT = (
    *(f"set oam eventLog typeAdmin {kind} fileCount 1 fileSize 256" for kind in ("audit", "security", "system")),
    "set profiles security tlsProfile TLS sessionResumpTimer 5",
)
"""What the box keeps of what has been: so little that all of it is full long before half of the rotations are over."""

FLAT = AtMost(3)
BASELINE = "pyOpenSSL on memory buffers that reads certificate and key again as often"


class Rotate(Protocol):
    """Replace the certificate of a server by another one with a greater serial number."""

    async def __call__(self) -> int:
        """Return the serial number once every new connection is to show it."""


@benchmark("soak")
def soak(quick: bool) -> Iterator[Figure]:
    """Replace the certificate 1,000 times by SFTP and the CLI, under handshakes without a break."""
    number = 30 if quick else 1000
    with testbed() as bed:
        configure(bed.directory, (), *KEPT)
        ours = asyncio.run(_ours(bed, number))
        other = asyncio.run(_bare(bed, number))
    name = f"{number:,} rotations under {ours.handshakes:,} handshakes"
    yield Figure(f"{name}: failed ones", ours.failed, other.failed, "", BASELINE, AtMost(0))
    yield Figure("memory grown over the second half of them", ours.growth, other.growth, "%", BASELINE, FLAT)


@dataclass(frozen=True, slots=True)
class _Run:
    """What became of one server; `memory` is that of its process after each rotation."""

    handshakes: int
    failed: int
    memory: Sequence[int]

    @property
    def growth(self) -> float:
        """Return by how many percent the process was greater in the last tenth than in the one behind the middle."""
        middle, tenth = len(self.memory) // 2, max(len(self.memory) // 10, 1)
        return 100 * (median(self.memory[-tenth:]) / median(self.memory[middle : middle + tenth]) - 1)


async def _ours(bed: Testbed, number: int) -> _Run:
    with Child("servers", "box", bed.directory, JOURNAL, 1) as server:
        ports = server.hear()
        async with _operator(bed, ports["cli"][1], ports["sftp"][1]) as rotate:
            return await _run(bed, server, ports["tls"][1], rotate, number)


async def _bare(bed: Testbed, number: int) -> _Run:
    with Child("servers", "pyopenssl", bed.directory) as server:

        async def rotate() -> int:
            issued = bed.renew()
            write(bed.directory, "box", issued)
            server.go_on()
            return int(issued.certificate.serial, 16)

        return await _run(bed, server, server.hear()["tls"][1], rotate, number)


async def _run(bed: Testbed, server: Child, port: int, rotate: Rotate, number: int) -> _Run:
    with Child("load", "steady", bed.directory, port) as load:
        load.hear()
        load.go_on()
        memory: list[int] = []
        serial = 0
        for _ in range(number):
            serial = await rotate()
            memory.append(server.memory())
        seen = load.go_on()
    if seen["newest"] != serial or seen["went_back"]:
        raise RuntimeError(f"certificate {serial:x} is configured, {seen['newest']:x} is the newest that was shown")
    return _Run(seen["handshakes"], len(seen["failed"]), memory)


@asynccontextmanager
async def _operator(bed: Testbed, cli: int, sftp: int) -> AsyncIterator[Rotate]:
    """Be somebody who brings a file and types the lines of the renewal, in sessions that last."""
    async with (
        connected(cli) as connection,
        Shell(connection, terminal=True) as shell,
        connected(sftp) as transfer,
        transfer.start_sftp_client() as files,
    ):
        await shell.type("configure")
        names = ["BOX", "NEXT"]
        certificate = "system security pki certificate"

        async def rotate() -> int:
            old, new = names
            issued = bed.renew()
            async with files.open(f"{CERTIFICATES}/{new}.p12", "wb") as file:
                await file.write(issued.pkcs12(PASS_PHRASE))
            for line in (
                f"set {certificate} {new} fileName {new}.p12 type local passPhrase {PASS_PHRASE} state enabled",
                f"set profiles security tlsProfile TLS serverCertName {new} clientCertName {new}",
                f"set {certificate} {old} state disabled",
                f"delete {certificate} {old}",
                "commit",
            ):
                await shell.type(line)
            names.reverse()
            return int(issued.certificate.serial, 16)

        yield rotate
