"""Times as scenarios write them: RFC 3339, a date, or a distance from the start of the scenario such as +60d."""

from __future__ import annotations

import re

from sbcsim.clock import from_rfc3339, parse_duration, to_datetime
from sbcsim.errors import UserError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def moment(text: str, start: int | None) -> int:
    """Return a moment as calendar microseconds; raises UserError for what is none."""
    if start is not None and text[:1] in {"+", "-"}:
        distance = parse_duration(text[1:])
        found = start + distance if text[0] == "+" else start - distance
        try:
            to_datetime(found)
        except OverflowError:
            raise UserError(f"{text} from the start is in no year that there is") from None
        return found
    if _DATE.fullmatch(text):
        return from_rfc3339(f"{text}T00:00:00Z")
    try:
        return from_rfc3339(text)
    except UserError as error:
        further = "" if start is None else ", nor a distance from the start such as +60d"
        raise UserError(f"{error.text}{further}") from None


def is_distance(text: str) -> bool:
    """Whether a step of the clock is a distance such as 31d, rather than a moment."""
    return not text[:1].isdigit() or not _DATE.match(text)
