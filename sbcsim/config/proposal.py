"""What a commit would do, and who has a say in it: subscribers may refuse, a recorder keeps it on a disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sbcsim.clock import Instant

from .change import Change
from .confirmed import Pending
from .history import Author, CommitRecord
from .tree import Tree

Kept = Mapping[str, bytes | None]
"""Documents that survive a restart together with the configuration, by name; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a commit would do. `revision` is the one it will get, `reverts` the confirmed commit that it takes back."""

    old: Tree
    new: Tree
    changes: tuple[Change, ...]
    now: Instant
    author: Author
    revision: int
    reverts: Pending | None = None


class Subscriber(Protocol):
    """Somebody who acts on commits and may refuse them.

    A commit that reverts a confirmed commit cannot be refused: `validate` is not asked, and `prepare` may fail.
    """

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        """Return slow, pure work that may run elsewhere before the commit; its results are found again then."""

    def validate(self, proposal: Proposal) -> None:
        """Raise UserError if the proposal cannot be accepted; runs for commits and for mere checks."""

    def prepare(self, proposal: Proposal) -> None:
        """Take what the commit needs; raise UserError to refuse."""

    def abandon(self, proposal: Proposal) -> None:
        """Give back what `prepare` took: somebody else refused."""

    def kept(self, proposal: Proposal) -> Kept:
        """Return the documents that change with the commit and must survive a restart as the configuration does."""

    def awaits(self, pending: Pending | None, now: Instant) -> None:
        """Take note that a confirmed commit is pending or, with None, no more; before `apply`, behind a revert's."""

    def apply(self, proposal: Proposal, record: CommitRecord) -> None:
        """Act on the commit, which has happened; may not fail."""

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Take note of a commit that was refused, whoever refused it; nothing has changed."""


class Recorder(Protocol):
    """Somebody who makes commits durable."""

    def record(self, record: CommitRecord | None, kept: Kept, pending: Pending | None) -> None:
        """Keep a commit, or with None only what has become of a confirmed one; raises UserError, nothing kept then."""

    def fall_behind(self) -> None:
        """Take note of a change that could not be recorded: the next record begins with the whole state."""
