"""Seeded random streams: one per purpose, so that a new consumer never shifts the numbers of another."""

from __future__ import annotations

import hashlib
from random import Random  # noqa: TID251 - the one place that makes streams


def stream(seed: int, purpose: str) -> Random:
    """Return the random stream of `purpose` under `seed`; the same pair gives the same numbers in every process."""
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return Random(int.from_bytes(digest[:16], "big"))  # noqa: S311 - reproducible by design, never a secret
