"""The one bounded, numbered journal of everything that happens.

Assertions, the control API, the event log files, alarms and metrics read it; nothing else records what happened.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from .clock import Instant, to_rfc3339
from .events import Event


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: number, moment, event."""

    number: int
    at: Instant
    event: Event

    @property
    def kind(self) -> str:
        """The kind of the event, e.g. "handshake"."""
        return self.event.kind

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data: camelCase names, RFC 3339 times."""
        return {
            "number": self.number,
            "time": self.at.rfc3339(),
            "uptime": self.at.uptime / 1_000_000,
            "kind": self.kind,
            **to_json(self.event),
        }


MOMENTS = frozenset({"not_after", "not_before"})
"""Fields that hold calendar microseconds, and are RFC 3339 texts in JSON."""


def camel(name: str) -> str:
    """Return a snake_case name in camelCase."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def to_json(value: object) -> dict[str, object]:
    """Return a frozen dataclass as JSON data with camelCase names; `not_after` and the like become RFC 3339."""
    data: dict[str, object] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        item = getattr(value, field.name)
        if dataclasses.is_dataclass(item):
            item = to_json(item)
        elif isinstance(item, tuple):
            item = [_plain(part) for part in item]
        elif field.name in MOMENTS:
            item = to_rfc3339(item)
        data[camel(field.name)] = item
    return data


def _plain(part: object) -> object:
    if isinstance(part, tuple):
        return list(part)
    return to_json(part) if dataclasses.is_dataclass(part) else part


class Journal:
    """The bounded, numbered record of everything that happened; numbers never repeat and never go back."""

    def __init__(self, limit: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._readers: list[Callable[[Entry], None]] = []
        self._untold: deque[Entry] = deque()
        self._number = 0
        self.counts: Counter[str] = Counter()
        """How many events there were of each kind, also those that the journal no longer holds."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    @property
    def last(self) -> int:
        """The number of the newest entry, 0 when there is none."""
        return self._number

    def add(self, at: Instant, event: Event) -> Entry:
        """Append an event and tell every reader; what one of them adds is told when all have heard this."""
        self._number += 1
        self.counts[event.kind] += 1
        entry = Entry(self._number, at, event)
        self._entries.append(entry)
        self._untold.append(entry)
        if len(self._untold) == 1:
            self._tell()
        return entry

    def _tell(self) -> None:
        try:
            while self._untold:
                for reader in tuple(self._readers):
                    reader(self._untold[0])
                self._untold.popleft()
        finally:
            self._untold.clear()

    def after(self, number: int, kinds: frozenset[str] = frozenset(), limit: int | None = None) -> list[Entry]:
        """Return the entries behind `number`, oldest first, of `kinds` only if any are given, at most `limit`."""
        if number >= self._number or not self._entries:
            return []
        skip = max(0, number - self._entries[0].number + 1)
        behind = islice(self._entries, skip, None)
        return list(islice((entry for entry in behind if not kinds or entry.kind in kinds), limit))

    def subscribe(self, reader: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `reader` with every later entry; returns the function that ends it."""
        self._readers.append(reader)
        return lambda: self._readers.remove(reader)

    def clear(self) -> None:
        """Forget all entries, and count anew; numbering goes on."""
        self._entries.clear()
        self.counts.clear()
