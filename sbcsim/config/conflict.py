"""When the changes of two people cannot both be made: they touch the same leaf, or one deletes what the other edits."""

from __future__ import annotations

from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path

from .change import Change


class ConflictError(UserError):
    """Others committed changes to what this candidate changed too."""

    def __init__(self, paths: tuple[Path, ...], users: tuple[str, ...]) -> None:
        super().__init__(message("refusal.conflicts", users=" ".join(users)), path=paths[0], tag="in-use")
        self.paths = paths
        self.users = users


def clashing(own: tuple[Change, ...], others: tuple[Change, ...]) -> set[Path]:
    """Return the own changes that touch a leaf which others touched, or one side deleted what the other changed."""
    their_paths = {change.path for change in others if change.node.is_leaf or change.new is None}
    their_deletions = {change.path for change in others if not change.node.is_leaf and change.new is None}
    own_deletions = {change.path for change in own if not change.node.is_leaf and change.new is None}
    found = {
        change.path
        for change in own
        if ((change.node.is_leaf or change.new is None) and change.path in their_paths)
        or any(change.path[:length] in their_deletions for length in range(1, len(change.path)))
    }
    for change in others:
        found.update(
            change.path[:length] for length in range(1, len(change.path)) if change.path[:length] in own_deletions
        )
    return found
