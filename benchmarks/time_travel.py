"""Boxes that ping 16 peers: how long 90 virtual days take, and how long the way back to the start."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbcsim.simulator import Simulator

from .load import options
from .processes import Child
from .registry import AtMost, Figure, benchmark
from .starting import start_box
from .testbed import HOST, box_files, client_context, configure, prepared
from .timing import MILLISECOND, medians

PEERS = 16
DAYS = 90
RENEWAL = (
    "configure",
    "set system security pki certificate NEW fileName new.p12 type local passPhrase benchmark state enabled",
    "set profiles security tlsProfile TLS serverCertName NEW clientCertName NEW",
    "commit",
)


@benchmark("reset")
def reset(quick: bool) -> Iterator[Figure]:
    """Reset a box that has lived for a day with 16 pinged peers, a login and a commit."""
    with prepared() as directory, Child("load", "peers", directory, PEERS) as peers:
        configure(directory, peers.hear()["ports"])
        ours, bare = asyncio.run(_reset(directory, 3 if quick else 50))
    yield Figure("reset", ours, bare, "ms", "start of another simulator with the same configuration", AtMost(10))


async def _reset(directory: Path, rounds: int) -> tuple[float, float]:
    taken: list[tuple[float, float]] = []
    async with Simulator(directory / "box.cli", files=box_files(directory)) as sbc:
        revision = sbc.status().counts.revision
        for _ in range(rounds):
            await sbc.advance(days=1)
            for line in ("configure", "set addressContext default zone Z ipPeer P1 defaultForIp true", "commit"):
                sbc.cli(line)
            if {peer.path_state for peer in sbc.peers()} != {"up"} or sbc.status().counts.revision == revision:
                raise RuntimeError("the box is not in the state that the reset is to be measured from")
            start = time.perf_counter()
            await sbc.reset()
            ours = (time.perf_counter() - start) / MILLISECOND
            taken.append((ours, await start_box(directory)))
    return medians(taken)


@benchmark("days")
def days(quick: bool) -> Iterator[Figure]:
    """Let 90 virtual days pass with 16 peers pinged every minute over TLS: in peace, and with a renewal in between."""
    name = f"{DAYS} virtual days with {PEERS} pinged peers"
    with prepared() as directory, Child("load", "peers", directory, PEERS) as peers:
        ports = peers.hear()["ports"]
        for told, renewing in ((name, False), ("the same, renewed, the old certificate ends on day 60", True)):
            configure(directory, ports, file="box.p12" if renewing else "new.p12")
            found = [asyncio.run(_days(directory, ports, peers, renewing=renewing)) for _ in range(1 if quick else 7)]
            sent = found[-1].sent
            baseline = f"{sent:,} OPTIONS as really sent, by asyncio TLS clients" + ", with handshakes" * renewing
            yield Figure(told, *medians((each.ours, each.bare) for each in found), "s", baseline, AtMost(2))


@dataclass(frozen=True, slots=True)
class _Days:
    """Seconds that the days took, seconds that the bare exchange took, and requests that crossed the wire."""

    ours: float
    bare: float
    sent: int


async def _days(directory: Path, ports: Sequence[int], peers: Child, *, renewing: bool) -> _Days:
    async with Simulator(directory / "box.cli", files=box_files(directory)) as sbc:
        await sbc.advance("5m")
        for line in RENEWAL if renewing else ():
            sbc.cli(line)
        before = peers.go_on()["answered"]
        start = time.perf_counter()
        await sbc.advance(days=DAYS)
        ours = time.perf_counter() - start
        sent = peers.go_on()["answered"] - before
        _check(sbc, "NEW" if renewing else "BOX")
    return _Days(ours, await _exchange(client_context(directory), ports, sent, handshakes=renewing), sent)


def _check(sbc: Simulator, certificate: str) -> None:
    """Make sure that what was timed is what was meant."""
    shown = [each.local_certificate.name for each in sbc.connections() if each.local_certificate is not None]
    if shown != [certificate] * PEERS or {peer.path_state for peer in sbc.peers()} != {"up"}:
        raise RuntimeError(f"after the jump not every peer is up on {certificate}: {shown}")


async def _exchange(context: ssl.SSLContext, ports: Sequence[int], number: int, *, handshakes: bool) -> float:
    """Return the seconds that `number` exchanges take, on one kept connection to each peer, all at a time."""
    start = time.perf_counter()
    streams = [await asyncio.open_connection(HOST, port, ssl=context) for port in ports]

    async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        writer.write(options(port))
        await reader.readuntil(b"\r\n\r\n")

    if not handshakes:
        start = time.perf_counter()
    for _ in range(number // len(ports)):
        await asyncio.gather(*(ping(*stream, port) for stream, port in zip(streams, ports, strict=True)))
    taken = time.perf_counter() - start
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()
    return taken
