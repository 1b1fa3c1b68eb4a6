"""Simulated time: one clock with two readings, durations, and the heap of everything that is due.

All times are integers in microseconds, so that `advance(a); advance(b)` is exactly `advance(a + b)`.
Uptime starts at 0 with the node and measures intervals (path checks, dry-up, resumption). The calendar is the wall
time in UTC since 1970 (certificate dates, certificate checks, logs). Nothing here reads a host clock: the
composition root passes one in.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from .errors import BugError, UserError

MICROSECOND = 1
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FASTEST = 1_000_000
"""The highest rate of a clock."""

_UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)(us|ms|s|m|h|d|w)")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """One moment: node uptime and calendar, both in microseconds."""

    uptime: int
    calendar: int

    def datetime(self) -> datetime:
        """Return the calendar reading as an aware datetime in UTC."""
        return to_datetime(self.calendar)

    def rfc3339(self) -> str:
        """Return the calendar reading as RFC 3339 text, e.g. `2026-01-01T00:00:00Z`."""
        return to_rfc3339(self.calendar)


def to_datetime(calendar: int) -> datetime:
    """Return calendar microseconds as an aware datetime in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=calendar)


def from_datetime(moment: datetime) -> int:
    """Return an aware datetime as calendar microseconds; a naive one is taken as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


EARLIEST = from_datetime(datetime.min.replace(tzinfo=UTC))
LATEST = from_datetime(datetime.max.replace(tzinfo=UTC))
"""The first and the last microsecond of the calendar."""


def to_rfc3339(calendar: int) -> str:
    """Return calendar microseconds as RFC 3339 text in UTC; a fraction only where there is one."""
    return to_datetime(calendar).isoformat().replace("+00:00", "Z")


def from_rfc3339(text: str) -> int:
    """Return RFC 3339 text as calendar microseconds; raises UserError for anything else or without a zone."""
    match = _RFC3339.fullmatch(text)
    if match is not None and match[1] is None:
        raise UserError(f'"{text}" has no time zone: write 2026-01-01T00:00:00Z')
    try:
        calendar = from_datetime(datetime.fromisoformat(text.upper())) if match is not None else None
    except ValueError:
        calendar = None
    if calendar is None or not EARLIEST <= calendar <= LATEST:
        raise UserError(f'"{text}" is not an RFC 3339 time such as 2026-01-01T00:00:00Z')
    return calendar


def parse_duration(text: str) -> int:
    """Return a duration such as `31d`, `1h30m`, `90s`, `250ms` or `0.5d` in microseconds; raises UserError."""
    compact = text.replace(" ", "")
    end = total = 0
    for match in _DURATION.finditer(compact):
        if match.start() != end:
            break
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        end = match.end()
    if not compact or end != len(compact):
        raise UserError(f'"{text}" is not a duration such as 31d, 1h30m or 90s')
    return total


def format_duration(duration: int) -> str:
    """Return microseconds as text that `parse_duration` reads back, largest units first, e.g. `31d` or `1h30m`."""
    if duration == 0:
        return "0s"
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, duration = divmod(duration, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


class Mode(Enum):
    """How the clock flows between moves."""

    REAL = "real"
    VIRTUAL = "virtual"


class Clock:
    """The node's clock. A rate of 1 flows with the host (real), 0 stands still until moved (virtual).

    `host` is a monotonic reading in microseconds; it is only asked while the rate is above 0. Without one the clock
    stands still until it is told what to `follow`.
    """

    def __init__(
        self, mode: Mode, calendar: int, host: Callable[[], int] | None = None, *, rate: float | None = None
    ) -> None:
        self.mode = mode
        self._host = host or _nothing_passes
        self._offset = calendar  # calendar minus uptime
        self._uptime = 0
        self._rate = (1.0 if mode is Mode.REAL else 0.0) if rate is None else rate
        self._held = 0
        self._rebase()

    @property
    def rate(self) -> float:
        """Simulated seconds for each host second; 0 stands still."""
        return self._rate

    def now(self) -> datetime:
        """Return the calendar as an aware datetime in UTC."""
        return self.reading().datetime()

    def reading(self) -> Instant:
        """Return both readings of this moment."""
        uptime = self._uptime
        if self._rate and not self._held:
            uptime += int((self._host() - self._host_base) * self._rate)
        return Instant(uptime, uptime + self._offset)

    def follow(self, host: Callable[[], int]) -> None:
        """Flow by this reading of the host, unless the clock was made with one."""
        if self._host is _nothing_passes:
            self._host = host
            self._rebase()

    def check_rate(self, rate: float) -> None:
        """Raise UserError for a rate that is negative or endless."""
        if not 0 <= rate <= FASTEST:
            raise UserError(f"rate {rate} is out of range: 0 to {FASTEST}")

    def set_rate(self, rate: float) -> None:
        """Let time flow at `rate` from now on; raises UserError for a negative or endless one."""
        self.check_rate(rate)
        self._fold()
        self._rate = float(rate)
        self._rebase()

    def hold(self) -> None:
        """Stop the flow while the clock is moved step by step; holds nest."""
        self._fold()
        self._held += 1

    def release(self) -> None:
        """End one `hold`; the flow goes on from the reading the clock stands at."""
        if not self._held:
            raise BugError("clock released more often than held")
        self._held -= 1
        self._rebase()

    def check(self, uptime: int) -> None:
        """Raise UserError where the clock cannot be moved to `uptime`: into the past, or out of the calendar."""
        if uptime < self.reading().uptime:
            raise UserError("the clock cannot go backwards")
        if uptime + self._offset > LATEST:
            raise UserError("the clock cannot go beyond the year 9999")

    def move_to(self, uptime: int) -> Instant:
        """Move both readings forward to `uptime`; raises UserError as `check` does."""
        self._fold()
        self.check(uptime)
        self._uptime = uptime
        return self.reading()

    def step(self, by: int) -> int:
        """Set the calendar forward by microseconds, as far as it goes; the uptime does not notice. Returns how far."""
        self._fold()
        far = max(0, min(by, LATEST - self._uptime - self._offset))
        self._offset += far
        return far

    def restart(self, calendar: int) -> None:
        """Begin anew with uptime 0 at `calendar`: only a reset of the whole node may do this."""
        self._uptime = 0
        self._offset = calendar
        self._rebase()

    def _fold(self) -> None:
        """Take what has flowed since the last time into the uptime."""
        self._uptime = self.reading().uptime
        self._rebase()

    def _rebase(self) -> None:
        """Let time flow from the host's present reading: what passed while the clock stood still never counts."""
        self._host_base = self._host() if self._rate else 0


def VirtualClock(start: str | datetime | int = "2026-01-01T00:00:00Z", *, rate: float = 0.0) -> Clock:  # noqa: N802
    """Return a virtual clock that stands at `start` (RFC 3339 text, datetime or calendar microseconds).

    With a rate it flows as soon as a simulator has it.
    """
    calendar = from_rfc3339(start) if isinstance(start, str) else start
    return Clock(
        Mode.VIRTUAL,
        from_datetime(calendar) if isinstance(calendar, datetime) else calendar,
        rate=rate,
    )


def _nothing_passes() -> int:
    return 0


class Order(Enum):
    """What fires first among timers due at the same instant (certificate checks before pings)."""

    WARNING = 0
    CERTIFICATE = 1
    PORT = 2
    TIMEOUT = 3
    PING = 4


@dataclass(slots=True)
class Timer:
    """One entry of the heap. `key` names it for its owner; a cancelled timer stays in the heap until popped."""

    due: int
    order: Order
    key: Hashable
    cancelled: bool = False


class TimerQueue:
    """What is due, by uptime, then `Order`, then insertion."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Timer]] = []
        self._by_key: dict[Hashable, Timer] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def footprint(self) -> int:
        """How many entries are held, cancelled ones included."""
        return len(self._heap)

    def set(self, key: Hashable, due: int, order: Order) -> None:
        """Have `key` fire at uptime `due`, replacing what was set for it before."""
        self.cancel(key)
        timer = Timer(due, order, key)
        self._by_key[key] = timer
        self._count += 1
        heapq.heappush(self._heap, (due, order.value, self._count, timer))

    def cancel(self, key: Hashable) -> None:
        """Forget `key`; cancelling what is not set does nothing."""
        timer = self._by_key.pop(key, None)
        if timer is not None:
            timer.cancelled = True
            # Time may stand still for long: what was cancelled must not wait for its turn to be dropped.
            if len(self._heap) > 64 and len(self._heap) > 2 * len(self._by_key):
                self._heap = [entry for entry in self._heap if not entry[3].cancelled]
                heapq.heapify(self._heap)

    def due(self, key: Hashable) -> int | None:
        """Return when `key` fires, None if it is not set."""
        timer = self._by_key.get(key)
        return None if timer is None else timer.due

    def peek(self) -> Timer | None:
        """Return the next timer without taking it."""
        while self._heap and self._heap[0][3].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][3] if self._heap else None

    def pop(self, until: int) -> Timer | None:
        """Take the next timer that is due at or before `until`."""
        timer = self.peek()
        if timer is None or timer.due > until:
            return None
        heapq.heappop(self._heap)
        del self._by_key[timer.key]
        return timer

    def clear(self) -> None:
        """Forget every timer."""
        self._heap.clear()
        self._by_key.clear()
