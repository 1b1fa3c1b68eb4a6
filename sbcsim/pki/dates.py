"""Dates of what an authority makes: at simulated times, absolute or counted from a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sbcsim.clock import SECOND, Instant, from_datetime, from_rfc3339, parse_duration
from sbcsim.errors import UserError

Moment = int | datetime | timedelta | str
"""A date: calendar microseconds, aware datetime, RFC 3339 text; or from now by a clock: a timedelta, `+30d`, `-1h`."""

Now = Callable[[], Instant]
"""What time it is, e.g. `box.clock.reading`."""


def calendar(moment: Moment, now: Now | None) -> int:
    """Return a date as calendar microseconds, rounded down to the second: that is all that a certificate can say.

    Raises UserError for text that is neither, and for a date from now where nobody says what time it is.
    """
    if isinstance(moment, timedelta):
        found = _reading(now, str(moment)) + moment // timedelta(microseconds=1)
    elif isinstance(moment, str) and moment[:1] in {"+", "-"}:
        duration = parse_duration(moment[1:])
        found = _reading(now, moment) + (duration if moment[0] == "+" else -duration)
    elif isinstance(moment, str):
        found = from_rfc3339(moment)
    else:
        found = from_datetime(moment) if isinstance(moment, datetime) else moment
    return found - found % SECOND


def _reading(now: Now | None, moment: str) -> int:
    if now is None:
        raise UserError(f'"{moment}" is counted from a clock: give the authority one, e.g. now=box.clock.reading')
    return now().calendar
