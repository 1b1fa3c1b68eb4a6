"""What a fault may say more precisely: each form of value, and why a text is none of that form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sbcsim.clock import SECOND, parse_duration
from sbcsim.errors import UserError

Form = Callable[[str], str]
"""Returns what is wrong with a value, "" where nothing is."""

LONGEST = 3660 * 24 * 3600 * SECOND
"""The longest duration of a fault in microseconds, ten years: nobody waits for more."""

FATAL_ALERTS = frozenset(
    {10, 20, 21, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70, 71, 80, 86, 109, 110, 112, 115, 116, 120}
)
"""The alerts that end a handshake (RFC 8446, section 6.2, and RFC 5246, section 7.2.2)."""


@dataclass(frozen=True, slots=True)
class Outage:
    """How long something is out of order, in microseconds, and what: a path of keys with `*` and `?`."""

    duration: int
    match: str


def duration(value: str) -> str:
    """Take a duration such as `90s` or `1h30m`."""
    try:
        length = parse_duration(value)
    except UserError as error:
        return error.text
    return "" if 0 < length <= LONGEST else f'"{value}" is not between one microsecond and ten years'


def alert(value: str) -> str:
    """Take the number of an alert that ends a handshake."""
    known = value.isascii() and value.isdigit() and len(value) <= 3 and int(value) in FATAL_ALERTS
    return "" if known else f'"{value}" is no fatal alert: {", ".join(map(str, sorted(FATAL_ALERTS)))}'


def octets(value: str) -> str:
    """Take a number of octets, at least one."""
    fits = value.isascii() and value.isdigit() and len(value) < 7 and int(value) > 0
    return "" if fits else f'"{value}" is no number of octets from 1 to 999999'


def one_of(*words: str) -> Form:
    """Return the form of a choice."""

    def choice(value: str) -> str:
        return "" if value in words else f'"{value}" is none of {", ".join(words)}'

    return choice


def outage(value: str) -> str:
    """Take a duration, and behind a space what it hits, as in `60s default/ZONE1/*`; without that all of its kind."""
    length, _, match = value.partition(" ")
    wrong = duration(length)
    if wrong or not match:
        return wrong or (f'"{value}" ends in a space' if length != value else "")
    keys = match.split("/")
    return "" if len(keys) == 3 and all(keys) else f'"{match}" has not three keys, as default/ZONE1/1 has'


def read_outage(value: str) -> Outage:
    """Return what an `outage` says."""
    length, _, match = value.partition(" ")
    return Outage(parse_duration(length), match or "*/*/*")
