"""Events as scenarios describe them, against the entries of a journal.

A field is compared with a value, or by one word: `{above: 3}`, `{below: 3}`, `{not: x}`, `{oneOf: [x, y]}`,
`{contains: text}`, `{matches: regular expression}`. A dot leads into what a field holds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sbcsim.expectation import explain
from sbcsim.journal import Entry

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "below": operator.lt,
    "contains": lambda value, part: part in value,
    "matches": lambda value, pattern: re.search(pattern, str(value)) is not None,
    "not": operator.ne,
    "oneOf": lambda value, choices: value in choices,
}
"""What a field can be compared by, apart from being the same."""


@dataclass(frozen=True, slots=True)
class EventMatch:
    """A kind of event, and what its fields are to be."""

    kind: str
    where: Mapping[str, Any]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {_shown(wanted)}" for name, wanted in self.where.items())
        return f"{self.kind} with {told}" if told else self.kind

    def among(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries that fit."""
        return [entry for entry in entries if entry.kind == self.kind and not self.misses(entry)]

    def misses(self, entry: Entry) -> list[str]:
        """Return in words what does not fit about an entry of the kind."""
        data = entry.to_json()
        return [
            f"{name} is {value!r}, not {_shown(wanted)}"
            for name, wanted in self.where.items()
            if not _fits(value := _held(data, name), wanted)
        ]

    def explain(self, entries: Iterable[Entry]) -> str:
        """Return why no entry fits: which came nearest, or what happened at all."""
        return explain(str(self), self.kind, entries, self.misses)


def _held(data: object, name: str) -> object:
    for step in name.split("."):
        if not isinstance(data, dict):
            return None
        data = data.get(step)
    return data


def _fits(value: object, wanted: object) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    ((word, other),) = wanted.items()
    try:
        return COMPARISONS[word](value, other)
    except TypeError:  # what may be missing is not above a number
        return False


def _shown(wanted: object) -> str:
    if not isinstance(wanted, Mapping):
        return repr(wanted)
    ((word, other),) = wanted.items()
    return f"{word} {other!r}"
