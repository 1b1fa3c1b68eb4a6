"""Faults in what is answered to a SIP request, whatever carries it."""

from __future__ import annotations

from collections.abc import Callable

from sbcsim.clock import Instant
from sbcsim.sip.message import Request, Response

from .faults import Faults
from .signallingpoints import DUPLICATE, SILENCE, SPLIT, STATUS


def answered(
    faults: Faults, request: Request, response: Response, respond: Callable[[int], Response], now: Instant
) -> Response | None:
    """Return what is answered in place of a response, None for nothing; `respond` makes an answer of a status."""
    if faults.fires(SILENCE, request.method, now) is not None:
        return None
    status = faults.fires(STATUS, request.method, now)
    return response if status is None else respond(int(status))


def pieces(faults: Faults, request: Request, data: bytes, now: Instant) -> tuple[bytes, ...]:
    """Return an answer as the pieces in which it is written to a connection."""
    if faults.fires(SPLIT, request.method, now) is None:
        return (data,)
    return data[: len(data) // 2], data[len(data) // 2 :]


def copies(faults: Faults, request: Request, now: Instant) -> int:
    """Return how often an answer is sent."""
    return 1 if faults.fires(DUPLICATE, request.method, now) is None else 2
