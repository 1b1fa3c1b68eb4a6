"""The host's clock: the one place where it is read."""

from __future__ import annotations

import time

from sbcsim.clock import Clock, Mode, from_rfc3339
from sbcsim.errors import UserError

VIRTUAL_START = "2026-01-01T00:00:00Z"
"""When a virtual clock begins that is not told otherwise."""


def make_clock(text: str) -> Clock:
    """Return the clock that a word asks for: `real`, `virtual`, `virtual@2026-01-01T00:00:00Z`; raises UserError."""
    word, at, start = text.partition("@")
    if word == "virtual":
        return Clock(Mode.VIRTUAL, from_rfc3339(start if at else VIRTUAL_START))
    if text == "real":
        return Clock(Mode.REAL, host_calendar())
    raise UserError(f'"{text}" is not a clock: real, virtual or virtual@{VIRTUAL_START}')


def host_uptime() -> int:
    """Return the host's uptime in microseconds."""
    return time.monotonic_ns() // 1000  # noqa: TID251 - this is where the host's clock comes in


def host_calendar() -> int:
    """Return the host's time of day in microseconds since 1970."""
    return time.time_ns() // 1000  # noqa: TID251 - this is where the host's clock comes in
