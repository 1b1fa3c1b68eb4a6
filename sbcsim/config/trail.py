"""How a candidate came about: some rules judge the way that was taken, not only where it leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sbcsim.schema.node import Path

from .change import Change
from .objects import states_of
from .tree import Tree


@dataclass(slots=True)
class Trail:
    """What a candidate remembers of its edits beyond their outcome.

    `last_states` has, for objects deleted in the candidate, the last `state` before that. `rolled_back` are the places
    that a rollback has put back and nobody has edited since: to what a rollback changes, every object counts as
    disabled and out of service first.
    """

    last_states: dict[Path, str] = field(default_factory=dict)
    rolled_back: set[Path] = field(default_factory=set)

    def edited(self, path: Path) -> None:
        """Take note that a leaf or entry was edited by hand."""
        self.rolled_back.discard(path)

    def deleted(self, tree: Tree, path: Path) -> None:
        """Take note that what stands in `tree` at `path` and below is deleted by hand."""
        if self.rolled_back:
            self.rolled_back.difference_update(at for at, _, _ in tree.walk(path))
        self.last_states.update(states_of(tree, path))

    def undone(self, tree: Tree, changes: Iterable[Change]) -> None:
        """Take note that a rollback makes `changes` to `tree`."""
        for change in changes:
            self.rolled_back.add(change.path)
            if change.new is None and not change.node.is_leaf:
                self.last_states.update((entry, "disabled") for entry, _ in states_of(tree, change.path))

    def copy(self) -> Trail:
        """Return a trail that remembers the same."""
        return Trail(dict(self.last_states), set(self.rolled_back))

    def clear(self) -> None:
        """Forget everything."""
        self.last_states.clear()
        self.rolled_back.clear()
