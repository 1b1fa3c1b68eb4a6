"""How times are taken: both sides in turns, so that a busy host strikes both, and the median of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

SECOND, MILLISECOND, MICROSECOND = 1.0, 1e-3, 1e-6


def timed(work: Callable[[], object], unit: float = SECOND) -> float:
    """Return how long `work` takes, in multiples of `unit`."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / unit


def in_turns(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """Measure every side once a round, one after the other; return the median of each."""
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for found, side in zip(taken, sides, strict=True):
            found.append(side())
    return [median(found) for found in taken]
