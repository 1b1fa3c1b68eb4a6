"""What a test expects of the journal, and in which words it is told what happened instead.

    expect(box.events, "handshake", ok=True, direction="inbound", local_certificate__name="NEW")

A field is compared with a value, or given to a function that says whether it is right; `__` leads into what a field
holds.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .errors import UserError
from .eventkinds import kinds
from .events import Event
from .journal import Entry, Journal


class ExpectationError(AssertionError):
    """Nothing in the journal is as expected; the text tells what came nearest."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A kind of event, and what its fields are to hold."""

    kind: str
    fields: Mapping[str, object]

    @staticmethod
    def of(kind: str, fields: Mapping[str, object], events: Mapping[str, type[Event]] | None = None) -> Expectation:
        """Return an expectation of one of `events`, those of the box unless given.

        Raises UserError for a kind or a field that there is not among them.
        """
        events = kinds() if events is None else events
        if kind not in events:
            raise UserError(f"no journal kind {kind}; there are {', '.join(events)}")
        known = [field.name for field in dataclasses.fields(events[kind])]
        for name in fields:
            if name.partition("__")[0] not in known:
                raise UserError(f"{kind} has no field {name}; it has {', '.join(known) or 'none'}")
        return Expectation(kind, dict(fields))

    def __str__(self) -> str:
        told = ", ".join(f"{_dotted(name)}={_shown(wanted)}" for name, wanted in self.fields.items())
        return f"{self.kind} with {told}" if told else self.kind

    @property
    def kinds(self) -> frozenset[str]:
        """The kind, as the journal wants to be asked for it."""
        return frozenset([self.kind])

    def misses(self, event: Event) -> list[str]:
        """Return in words what is not as expected, nothing where all is."""
        if event.kind != self.kind:
            return [f"it is {event.kind}"]
        return [
            miss for name, wanted in self.fields.items() if (miss := _miss(_dotted(name), _held(event, name), wanted))
        ]

    def first(self, entries: Iterable[Entry]) -> Entry | None:
        """Return the first entry that is as expected."""
        return next((entry for entry in entries if not self.misses(entry.event)), None)

    def explain(self, entries: Iterable[Entry]) -> str:
        """Return why nothing among `entries` is as expected: which came nearest, or what happened at all."""
        return explain(str(self), self.kind, entries, lambda entry: self.misses(entry.event))


def explain(expected: str, kind: str, entries: Iterable[Entry], misses: Callable[[Entry], list[str]]) -> str:
    """Return in words why no entry of a kind is as expected; `misses` tells what is wrong with one."""
    all_of_them = list(entries)
    near = [(misses(entry), entry) for entry in all_of_them if entry.kind == kind]
    if near:
        wrong, entry = min(near, key=lambda each: (len(each[0]), -each[1].number))
        count = f"the nearest of {len(near)}" if len(near) > 1 else "the only one"
        return f"expected {expected}; {count} is #{entry.number} at {entry.at.rfc3339()}: {'; '.join(wrong)}"
    happened = Counter(entry.kind for entry in all_of_them)
    told = ", ".join(f"{count} {kind}" for kind, count in happened.most_common()) or "nothing"
    return f"expected {expected}; there is none. What happened: {told}"


def expect(
    journal: Journal,
    kind: str,
    after: int,
    fields: Mapping[str, object],
    events: Mapping[str, type[Event]] | None = None,
) -> Entry:
    """Return the first entry behind number `after` that is as expected; raises ExpectationError.

    `events` are the kinds that the journal knows, those of the box unless given.
    """
    expectation = Expectation.of(kind, fields, events)
    found = expectation.first(journal.after(after, expectation.kinds))
    if found is None:
        raise ExpectationError(expectation.explain(journal.after(after)))
    return found


def _held(event: object, name: str) -> object:
    value = event
    for step in name.split("__"):
        if value is None:
            return None
        if not hasattr(value, step):
            raise UserError(f"{type(value).__name__} has no {step}, as {_dotted(name)} would need")
        value = getattr(value, step)
    return value


def _miss(name: str, value: object, wanted: object) -> str:
    if callable(wanted):
        return "" if wanted(value) else f"{name} is {value!r}, of which {_shown(wanted)} says no"
    return "" if value == wanted else f"{name} is {value!r}, not {wanted!r}"


def _dotted(name: str) -> str:
    return name.replace("__", ".")


def _shown(wanted: object) -> str:
    return getattr(wanted, "__name__", repr(wanted)) if callable(wanted) else repr(wanted)
