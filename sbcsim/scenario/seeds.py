"""Seeds as a command line names them: `7`, `1..10`, `1,5,20..30`."""

from __future__ import annotations

import re

from sbcsim.errors import UserError

MOST = 100_000
"""Seeds of one command: whoever asks for more has mistyped."""

_RANGE = re.compile(r"(\d+)(?:\.\.(\d+))?")


def seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a text names, each once, in its order; raises UserError for what names none."""
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise UserError(f"{part.strip() or text!r} names no seeds: they are numbers and ranges such as 1..10")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise UserError(f"{part.strip()} is empty: {last} is less than {first}")
        if last - first + len(found) >= MOST:
            raise UserError(f"{text} names more than {MOST} seeds")
        found.update(dict.fromkeys(range(first, last + 1)))
    return tuple(found)
