"""What it costs to keep a node under a name and to go back to it, in configurations of different sizes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from sbcsim.simulator import Simulator

from .registry import AtMost, Figure, benchmark
from .testbed import PEERS, peer_lines
from .timing import MICROSECOND, MILLISECOND

BATCH = 10
"""Snapshots timed together: one alone is too quick for the clock."""


@benchmark("snapshot")
def snapshot(quick: bool) -> Iterator[Figure]:
    """Take a snapshot of a box and go back to it from a later commit; with a few peers, and with 10,000."""
    sizes = (10, 1_000) if quick else (10, 10_000)
    sides = asyncio.run(_measured(sizes, 5 if quick else 60))
    small, large = sides
    for side in sides:
        copied = f"a dict with {2 * side.peers:,} leaves copied"
        yield Figure(f"snapshot, {side.peers:,} peers", side.taking, side.copying, "us", copied)
    yield Figure(
        "the same, many peers over few", large.taking / small.taking, 1, "x", "the same each time", AtMost(1.2)
    )
    for side in sides:
        again = "start of another simulator with the same configuration"
        yield Figure(f"restore, {side.peers:,} peers", side.restoring, side.starting, "ms", again, AtMost(10))


class _Side:
    """A box with a configuration of so many IP peers, and what was measured on it."""

    def __init__(self, file: Path, peers: int) -> None:
        self.peers = peers
        self._file = file
        lines = ("set addressContext default zone Z id 2", *peer_lines(2 * peers))
        file.write_text("".join(f"{line}\n" for line in lines))
        self._box = self._made()
        self._leaves = dict.fromkeys(range(2 * peers), "leaf")
        self._taken: list[list[float]] = [[], [], [], []]

    @property
    def taking(self) -> float:
        return median(self._taken[0]) / MICROSECOND

    @property
    def copying(self) -> float:
        return median(self._taken[1]) / MICROSECOND

    @property
    def restoring(self) -> float:
        return median(self._taken[2]) / MILLISECOND

    @property
    def starting(self) -> float:
        return median(self._taken[3]) / MILLISECOND

    def box(self) -> Simulator:
        return self._box

    async def measure(self) -> None:
        box = self._box
        start = time.perf_counter()
        for _ in range(BATCH):
            box.snapshot()
        middle = time.perf_counter()
        for _ in range(BATCH):
            self._leaves.copy()
        self._taken[0].append((middle - start) / BATCH)
        self._taken[1].append((time.perf_counter() - middle) / BATCH)
        revision = box.status().counts.revision
        for line in ("configure", f"set {PEERS} P1 ipPort 5071", "commit"):
            box.cli(line)
        if box.status().counts.revision == revision:
            raise RuntimeError("there is nothing to go back from")
        start = time.perf_counter()
        await box.restore()
        self._taken[2].append(time.perf_counter() - start)
        if box.status().counts.revision != revision:
            raise RuntimeError("the box did not go back")

    async def start_another(self) -> None:
        start = time.perf_counter()
        async with self._made():
            self._taken[3].append(time.perf_counter() - start)

    def _made(self) -> Simulator:
        return Simulator(self._file)


async def _measured(sizes: Sequence[int], rounds: int) -> list[_Side]:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-")))
        sides = [_Side(directory / f"{size}.cli", size) for size in sizes]
        for side in sides:
            await stack.enter_async_context(side.box())
        for _ in range(rounds):
            for side in sides:
                await side.measure()
        for side in sides:  # with 10,000 peers a second each
            for _ in range(3):
                await side.start_another()
        return sides
