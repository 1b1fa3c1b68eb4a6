"""Snapshots: a node as it was at some moment, by name, to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .clock import Instant
from .device.nodestate import NodeMoment
from .errors import UserError

MOST = 32
"""Snapshots that are kept at the same time."""

LONGEST = 64
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One snapshot."""

    name: str
    taken: Instant
    revision: int
    node: NodeMoment


class Snapshots:
    """Every snapshot of one simulator, by name."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept.values())

    def keep(self, snapshot: Kept) -> None:
        """Keep a snapshot, in place of one of the same name; raises UserError for a bad name or one too many."""
        name = snapshot.name
        if not name or len(name) > LONGEST or not name.isprintable() or "/" in name:
            raise UserError(f'"{name}" is no name for a snapshot: 1 to {LONGEST} printable characters without /')
        if name not in self._kept and len(self._kept) == MOST:
            raise UserError(f"there are {MOST} snapshots already: drop one first", tag="resource-denied")
        self._kept.pop(name, None)
        self._kept[name] = snapshot

    def find(self, name: str) -> Kept:
        """Return a snapshot; raises UserError where there is none of that name."""
        if name not in self._kept:
            known = ", ".join(self._kept) or "none"
            raise UserError(f'no snapshot "{name}"; there are: {known}', tag="data-missing")
        return self._kept[name]

    def drop(self, name: str | None = None) -> None:
        """Forget a snapshot, or all of them; raises UserError where there is none of that name."""
        if name is None:
            self._kept.clear()
        else:
            del self._kept[self.find(name).name]
