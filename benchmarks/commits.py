"""What a commit costs in configurations of different sizes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from immutables import Map

from sbcsim.clock import VirtualClock
from sbcsim.config.transaction import Author, Database
from sbcsim.config.tree import Tree
from sbcsim.device.sbc import Sbc
from sbcsim.schema.load import load

from .registry import AtMost, Figure, benchmark
from .timing import MICROSECOND

AUTHOR = Author("admin", "cli", 1, "127.0.0.1", "ssh")
PEERS = ("addressContext", "default", "zone", "Z", "ipPeer")
BATCH = 20


@benchmark("commit")
def commit(quick: bool) -> Iterator[Figure]:
    """Commit one leaf on a whole device whose configuration has ever more leaves."""
    sizes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000)
    sides = [_Side(size) for size in sizes]
    for _ in range(5 if quick else 100):
        for side in sides:
            side.measure()
    for size, side in zip(sizes, sides, strict=True):
        baseline = f"set one key of an immutables.Map with {size:,} keys"
        yield Figure(f"commit of one leaf, {size:,} leaves", side.ours, side.bare, "us", baseline)
    yield Figure(
        f"the same, {sizes[-1]:,} leaves over {sizes[0]:,}",
        sides[-1].ours / sides[0].ours,
        sides[-1].bare / sides[0].bare,
        "x",
        "the same of the maps",
        AtMost(1.2),
    )


class _Side:
    """A device with a configuration of `size` leaves, and a map with as many keys."""

    def __init__(self, size: int) -> None:
        tree = Tree(load()).with_value(("addressContext", "default", "zone", "Z", "id"), 1)
        for number in range(size // 2):
            peer = (*PEERS, f"P{number}")
            tree = tree.with_value((*peer, "ipAddress"), f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
            tree = tree.with_value((*peer, "ipPort"), 5061)
        self._clock = VirtualClock("2026-01-01T00:00:00Z")
        self._database = Database(load(), tree)
        self._sbc = Sbc(self._database, self._clock)
        self._sbc.start(self._clock.reading())
        self._map = Map({f"P{number}": number for number in range(size)})
        self._leaf = (*PEERS, f"P{size // 4}", "ipPort")
        self._key = f"P{size // 2}"
        self._number = 0
        self._taken: tuple[list[float], list[float]] = ([], [])

    def measure(self) -> None:
        for _ in range(BATCH):
            self._number += 1
            start = time.perf_counter()
            self._commit(1024 + self._number % 10_000)
            middle = time.perf_counter()
            self._map = self._map.set(self._key, -self._number)
            end = time.perf_counter()
            self._taken[0].append((middle - start) / MICROSECOND)
            self._taken[1].append((end - middle) / MICROSECOND)

    @property
    def ours(self) -> float:
        return median(self._taken[0])

    @property
    def bare(self) -> float:
        return median(self._taken[1])

    def _commit(self, value: int) -> None:
        candidate = self._database.open(AUTHOR)
        candidate.set(self._leaf, value)
        candidate.commit(self._clock.reading())
        self._database.close(candidate)
        self._sbc.take_effects()
