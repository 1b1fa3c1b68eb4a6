"""Faults in what is answered to a SIP request, whatever carries it."""

from __future__ import annotations

import re
from collections.abc import Callable

from sbcsim.clock import Instant, Order, parse_duration
from sbcsim.sip.message import Request, Response

from .chassis import Chassis
from .faults import Faults
from .signallingpoints import BROKEN, DELAY, DUPLICATE, GARBLE, LENGTH, MERGE, SILENCE, SPLIT, STATUS

LATE = "late answer"
"""The timer of an answer that comes late."""

_LENGTH = re.compile(rb"(\r\nContent-Length: *)(\d+)", re.IGNORECASE)
_CSEQ = re.compile(rb"\r\nCSeq:[^\r\n]*", re.IGNORECASE)

_BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "startLine": lambda data: data.replace(b"SIP/2.0 ", b"SIP-2.0 ", 1),
    "header": lambda data: data.replace(b"\r\n", b"\r\nThis header has no colon\r\n", 1),
    "cseq": lambda data: _CSEQ.sub(b"", data, count=1),
}
assert _BREAKS.keys() == set(BROKEN)


SILENT = 0
"""In place of a status: nothing is answered."""


def wanted(faults: Faults, method: str, now: Instant) -> int | None:
    """Return the status that is answered whatever would have been, `SILENT` for no answer at all, None for no fault."""
    if faults.fires(SILENCE, method, now) is not None:
        return SILENT
    status = faults.fires(STATUS, method, now)
    return None if status is None else int(status)


def written(faults: Faults, method: str, response: Response, now: Instant) -> bytes:
    """Return an answer to a `method` as it is written: garbled, or with a wrong length, where a fault wants that."""
    data = response.to_bytes()
    if faults.any:
        broken = faults.fires(GARBLE, method, now)
        if broken is not None:
            data = _BREAKS[broken](data)
        more = faults.fires(LENGTH, method, now)
        if more is not None:
            data = _LENGTH.sub(lambda found: found[1] + b"%d" % (int(found[2]) + int(more)), data, count=1)
    return data


def waits(faults: Faults, method: str, now: Instant) -> bool:
    """Whether an answer waits for the next one on its connection."""
    return faults.any and faults.fires(MERGE, method, now) is not None


def pieces(faults: Faults, method: str, data: bytes, now: Instant) -> tuple[bytes, ...]:
    """Return an answer as the pieces in which it is written to a connection."""
    if faults.fires(SPLIT, method, now) is None:
        return (data,)
    return data[: len(data) // 2], data[len(data) // 2 :]


def copies(faults: Faults, method: str, now: Instant) -> int:
    """Return how often an answer is sent."""
    return 1 if faults.fires(DUPLICATE, method, now) is None else 2


class LateAnswers:
    """Answers that are sent when their time has come."""

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._waiting: dict[int, Callable[[Instant], None]] = {}
        self._last = 0

    def send(self, request: Request, answer: Callable[[Instant], None], now: Instant) -> None:
        """Have a request answered: now, or later where a fault wants that."""
        faults = self._chassis.faults
        delay = faults.fires(DELAY, request.method, now) if faults.any else None
        if delay is None:
            answer(now)
            return
        self._last += 1
        self._waiting[self._last] = answer
        due = now.uptime + parse_duration(delay)
        self._chassis.timetable.own.set((LATE, self._last), due, Order.TIMEOUT)

    def due(self, number: int, now: Instant) -> None:
        """Send an answer whose time has come."""
        self._waiting.pop(number)(now)

    def clear(self) -> None:
        """Send none of them: the application begins anew."""
        for number in self._waiting:
            self._chassis.timetable.own.cancel((LATE, number))
        self._waiting.clear()
