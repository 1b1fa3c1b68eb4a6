"""10,000 TLS connections in one process: their weight, and how long others wait while all are torn down or opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import Child
from .registry import AtMost, Figure, benchmark
from .testbed import configure, prepared

PINGED, KEPT = 2000, 8000
"""As many as the box pings at most, over connections of its own; the others are opened by the far end."""

LINES = (
    "set addressContext default zone Z sipSigPort 1 mode outOfService",
    # Never at the same instant as a re-check: the next pings would be part of the tear-down.
    "set profiles services pathCheckProfile PING sendInterval 70",
)
BASELINE = "the same connections of pyOpenSSL on memory buffers alone"


@benchmark("crowd")
def crowd(quick: bool) -> Iterator[Figure]:
    """Hold 10,000 TLS connections, 2,000 of them for path checks; tear all down at a re-check; have 2,000 come back."""
    pinged, kept = (20, 80) if quick else (PINGED, KEPT)
    with prepared() as directory:
        ours, bare = (_held(directory, kind, pinged, kept) for kind in ("box", "bare"))
    all_ = f"{pinged + kept:,} TLS connections"
    yield Figure(f"memory for each of {all_} with path checks", ours.each, bare.each, "KiB", BASELINE, AtMost(40))
    down, name = "all torn down", f"{all_} torn down at a re-check"
    yield Figure(name, ours.expired["seconds"], bare.expired["seconds"], "s", BASELINE, AtMost(1.5))
    for what, taken, limit in ((down, "expired", 20), ("dialled again", "again", 80), ("dialling in", "storm", 80)):
        number = f"{pinged + kept if taken == 'expired' else pinged:,}"
        waits = (getattr(side, taken)["longest"] for side in (ours, bare))
        yield Figure(f"longest wait of another task, {number} {what}", *waits, "ms", BASELINE, AtMost(limit))


@dataclass(frozen=True, slots=True)
class _Crowd:
    """What one side needed: KiB for each connection, and what it said of each stage."""

    each: float
    expired: dict[str, Any]
    again: dict[str, Any]
    storm: dict[str, Any]


def _held(directory: Path, kind: str, pinged: int, kept: int) -> _Crowd:
    with Child("holders", "far", directory, pinged) as far:
        ports = far.hear()["ports"]
        configure(directory, ports if kind == "box" else (), *LINES)
        with Child("holders", kind, directory, *(ports if kind == "bare" else ())) as holder:
            holder.hear()
            before = holder.memory()
            serving = holder.go_on("serve")
            far.go_on(f"{serving['tls']} {kept} 16")
            _check(serving["up"], pinged)
            _check(holder.go_on("count")["connections"], pinged + kept)
            each = (holder.memory() - before) / (pinged + kept) / 1024
            expired = holder.go_on("expire")
            _check(expired["connections"], 0)
            again = holder.go_on("again")
            _check(again["connections"], pinged)
            holder.go_on("count")
            far.go_on(f"{serving['tls']} {pinged} {pinged}")
            storm = holder.go_on("count")
            _check(storm["connections"], 2 * pinged)
    return _Crowd(each, expired, again, storm)


def _check(found: int, expected: int) -> None:
    """Make sure that what is measured is what was meant."""
    if found != expected:
        raise RuntimeError(f"{found} connections stand instead of {expected}")
