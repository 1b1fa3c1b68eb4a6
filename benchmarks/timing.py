"""How times are taken: both sides in turns, so that a busy host strikes both, and the median of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median

MILLISECOND, MICROSECOND = 1e-3, 1e-6


def in_turns(rounds: int, ours: Callable[[], float], bare: Callable[[], float]) -> tuple[float, float]:
    """Measure both sides once a round; return the median of each."""
    return medians((ours(), bare()) for _ in range(rounds))


def medians(taken: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the median of our measurements and that of the bare ones."""
    ours, bare = zip(*taken, strict=True)
    return median(ours), median(bare)
