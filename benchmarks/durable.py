"""What a commit costs that is on the disk before it is answered, in configurations of different sizes."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from sbcsim.simulator import Simulator

from .registry import AtMost, Figure, benchmark
from .testbed import PEERS, peer_lines
from .timing import MILLISECOND

_INSERT = "one row inserted into SQLite with the same settings, as long as the commit's"


@benchmark("durable")
def durable(quick: bool) -> Iterator[Figure]:
    """Commit one leaf of a box with a state directory (SQLite, WAL, synchronous=FULL)."""
    sizes = (200, 2_000) if quick else (1_000, 10_000, 100_000)
    ours, bare = asyncio.run(_measured(sizes, 5 if quick else 200))
    for size, each in zip(sizes, ours, strict=True):
        yield Figure(f"durable commit of one leaf, {size:,} leaves", each, bare, "ms", _INSERT)
    yield Figure(
        f"the same, {sizes[-1]:,} leaves over {sizes[0]:,}",
        ours[-1] / ours[0],
        1,
        "x",
        "the same row each time",
        AtMost(1.2),
    )


async def _measured(sizes: tuple[int, ...], rounds: int) -> tuple[list[float], float]:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-", dir=".")))
        boxes = [await stack.enter_async_context(_box(directory / str(size), size)) for size in sizes]
        row = _Row(directory / "bare.db")
        taken: list[list[float]] = [[] for _ in (*boxes, row)]
        for number in range(rounds):
            for box, times in zip(boxes, taken, strict=False):
                box.cli("configure")
                box.cli(f"set {PEERS} P1 ipPort {1024 + number}")
                start = time.perf_counter()
                answer = box.cli("commit")
                times.append(time.perf_counter() - start)
                if "Commit complete" not in answer:
                    raise RuntimeError(answer)
            taken[-1].append(row.insert())
        row.close()
        *ours, bare = (median(times) / MILLISECOND for times in taken)
        return ours, bare


def _box(directory: Path, size: int) -> Simulator:
    file = directory.with_suffix(".cli")
    file.write_text("".join(f"{line}\n" for line in ("set addressContext default zone Z id 2", *peer_lines(size))))
    return Simulator(file, state=directory, control="off")


class _Row:
    """A database with one table, and the same guarantees as the box's."""

    def __init__(self, file: Path) -> None:
        self._sql = sqlite3.connect(file, isolation_level=None)
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            self._sql.execute(f"PRAGMA {pragma}")
        self._sql.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, text TEXT)")

    def insert(self) -> float:
        start = time.perf_counter()
        self._sql.execute("INSERT INTO row (text) VALUES (?)", ("x" * 300,))
        return time.perf_counter() - start

    def close(self) -> None:
        self._sql.close()
