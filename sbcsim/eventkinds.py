"""Every kind of event that the journal knows."""

from __future__ import annotations

from . import callevents, events
from .events import Event

MODULES = (events, callevents)
"""Where events are written down."""


def kinds() -> dict[str, type[Event]]:
    """Return every kind of event with its class, sorted by kind."""
    return {event.kind: event for event in sorted(Event.__subclasses__(), key=lambda each: each.kind) if event.kind}
