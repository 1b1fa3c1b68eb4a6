"""A move of the clock as who asks for it sees it: how far it goes, and what is told of what happened meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import Instant, format_duration, from_datetime, from_rfc3339, parse_duration
from .control.models import Advanced
from .errors import UserError
from .journal import Entry
from .net.clockmoves import Moved

LATEST = from_rfc3339("9999-01-01T00:00:00Z")
"""The clock goes no further: calendars end soon after."""

SHOWN = 1000
"""How many journal entries the answer to a move of the clock carries."""

_NOT_TOLD = frozenset({"sip", "clockMoved"})
"""Kinds of them that it does not carry."""


@dataclass(frozen=True, slots=True)
class Move:
    """A way to go, in microseconds: `by` so many, or `to` a calendar time."""

    by: int | None = None
    to: int | None = None

    @staticmethod
    def asked_for(by: str | timedelta | None, to: str | datetime | None, units: Mapping[str, float]) -> Move:
        """Return a move that is given in one of three ways; raises UserError where it is given in none or several."""
        if [by is not None, to is not None, bool(units)].count(True) != 1:
            raise UserError("advance takes one of: a duration, to=, or days= and the like")
        if to is not None:
            return Move(to=from_rfc3339(to) if isinstance(to, str) else from_datetime(to))
        if isinstance(by, str):
            return Move(by=parse_duration(by))
        return Move(by=(by or timedelta(**units)) // timedelta(microseconds=1))

    def check(self, now: Instant) -> None:
        """Raise UserError where the move leads too far."""
        if max(self.to or 0, now.calendar + (self.by or 0)) > LATEST:
            raise UserError("the clock goes no further than the year 9999")


async def told(moved: Moved, entries: Iterable[Entry]) -> Advanced:
    """Return what is told of a move and of the journal's entries of that time."""
    counts: Counter[str] = Counter()
    shown: deque[Entry] = deque(maxlen=SHOWN)
    async for entry in _in_turns(entries, 2_000):
        counts[entry.kind] += 1
        if entry.kind not in _NOT_TOLD:
            shown.append(entry)
    omitted = counts.total() - sum(counts[kind] for kind in _NOT_TOLD) - len(shown)
    del counts["clockMoved"]
    return Advanced(
        start=moved.start.datetime(),
        now=moved.end.datetime(),
        uptime=moved.end.uptime / 1_000_000,
        by=format_duration(moved.end.uptime - moved.start.uptime),
        due=moved.fired + moved.spared,
        coalesced=moved.spared,
        counts=dict(counts),
        fired=tuple([entry.to_json() async for entry in _in_turns(shown, 100)]),
        omitted=omitted,
    )


async def _in_turns(entries: Iterable[Entry], at_once: int) -> AsyncIterator[Entry]:
    """Go through entries, and let others have their turn after so many."""
    for number, entry in enumerate(entries, 1):
        yield entry
        if number % at_once == 0:
            await asyncio.sleep(0)
