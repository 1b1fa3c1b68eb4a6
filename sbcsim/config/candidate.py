"""A candidate: somebody's edits on top of the running configuration, until they are committed or dropped.

It is (base tree, own tree, touched places): opening, dropping and reverting one costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sbcsim.clock import Instant
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path
from sbcsim.schema.types import Value

from .change import Change, Touched, apply
from .confirmed import Confirm
from .conflict import ConflictError, clashing
from .history import Author, CommitRecord
from .proposal import Proposal
from .trail import Trail
from .tree import Place, Tree, listing_of, locate

if TYPE_CHECKING:
    from .transaction import Database


class Candidate:
    """Somebody's edits on top of the running configuration. Made by `Database.open`."""

    def __init__(self, database: Database, author: Author, *, exclusive: bool) -> None:
        self.author = author
        self.exclusive = exclusive
        self._database = database
        self._base = self._tree = database.running
        self._touched = Touched()
        self._missed: list[CommitRecord] = []
        self._trail = Trail()

    @property
    def tree(self) -> Tree:
        """The configuration as this candidate has it."""
        return self._tree

    @property
    def base(self) -> Tree:
        """The running configuration that the edits were made on."""
        return self._base

    @property
    def modified(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.changes())

    def changes(self) -> tuple[Change, ...]:
        """Return the own changes, in path order."""
        return self._touched.changes(self._base, self._tree)

    def set(self, path: Path, value: Value) -> None:
        """Set a leaf, or replace the values of a leaf-list; entries above are created. Secrets are encrypted."""
        place = self._edit(path)
        if isinstance(value, tuple):
            value = tuple(dict.fromkeys(value))
        if place.node.secret and isinstance(value, str):
            value = self._database.cipher.sealed(value)
        self._tree = self._tree.with_value_at(place, value)

    def append(self, path: Path, values: Iterable[str | int]) -> None:
        """Add values to a leaf-list behind those it has."""
        there = self._tree.get(path)
        self.set(path, (*(there if isinstance(there, tuple) else ()), *values))

    def create(self, path: Path) -> None:
        """Create an entry or presence container; a plain container needs no creating."""
        if self._edit(path).lasts:
            self._tree = self._tree.with_entry(path)

    def delete(self, path: Path) -> None:
        """Delete what stands at `path` and below, or one value of a leaf-list; raises UserError if it is not there."""
        leaf_list = listing_of(self._tree.schema, path)
        if leaf_list is not None:
            rest = self._without_listed(leaf_list, path[-1])
            if rest:
                self.set(leaf_list, rest)
                return
            path = leaf_list
        if path and (locate(self._tree.schema, path).is_key or not self._tree.exists(path)):
            raise _not_there(path)
        self._edit(path)
        self._trail.deleted(self._tree, path)
        self._tree = self._tree.without(path)

    @contextmanager
    def all_or_nothing(self) -> Iterator[Candidate]:
        """Take all edits made inside back where they end in an error."""
        before = self._tree, self._touched.copy(), self._trail.copy()
        try:
            yield self
        except BaseException:
            self._tree, self._touched, self._trail = before
            raise

    def revert(self) -> None:
        """Drop all edits: the candidate equals the running configuration."""
        self._require_open()
        self._begin_anew()

    def rollback(self, number: int) -> None:
        """Load what undoes the last `number` + 1 commits; objects that it changes count as disabled first."""
        self._require_open()
        self._merge()
        undo = tuple(self._database.history.inverse(number))
        for change in undo:
            self._touched.add(self._tree.schema, change.path)
        self._trail.undone(self._tree, undo)
        self._tree = apply(self._tree, undo)

    def conflicts(self) -> tuple[Path, ...]:
        """Return the own changes that others committed changes to, in path order."""
        return self._conflicts()[0]

    def resolve(self) -> None:
        """Let the own changes win over what others committed."""
        self._require_open()
        self._rebase()

    def proposal(self, now: Instant) -> Proposal:
        """Return what a commit would do now; raises ConflictError."""
        self._require_open()
        self._merge()
        database = self._database
        return Proposal(self._base, self._tree, self.changes(), now, self.author, database.revision + 1)

    def prework(self, now: Instant) -> Callable[[], None] | None:
        """Return slow, pure work worth doing before `commit` or `check`, None if there is none or they will refuse."""
        self._require_open()
        if self.conflicts():
            return None
        return self._database.prework(self.proposal(now))

    def check(self, now: Instant) -> None:
        """Raise UserError if a commit would be refused by a rule or a subscriber."""
        self._database.validate(self.proposal(now), self._trail)

    def commit(
        self,
        now: Instant,
        comment: str = "",
        label: str = "",
        *,
        confirm: Confirm | None = None,
        persist_id: str = "",
    ) -> CommitRecord | None:
        """Make the candidate the running configuration; None if there is nothing to commit. Raises UserError.

        With `confirm` it will be taken back unless confirmed; without, it confirms what is pending.
        """
        self._require_open()
        database = self._database
        try:
            if confirm is not None and not self.exclusive:
                raise UserError(message("refusal.needs_exclusive"))
            database.refuse_if_locked(self)
            pending = database.admit(self.author, persist_id)
            proposal = self.proposal(now)
            if not proposal.changes:
                if pending is not None:
                    database.confirm(self.author, now, persist_id, confirm)
                self._begin_anew()
                return None
            record = database.commit(self, proposal, self._trail, comment, label, confirm)
        except UserError as refusal:
            database.refused(self.author, now, refusal.text)
            raise
        self._begin_anew()
        return record

    def follow(self) -> None:
        """Show the running configuration from now on, unless there are edits on an earlier one."""
        if not self.modified:
            self._begin_anew()

    def overtaken_by(self, record: CommitRecord) -> None:
        """Take note that somebody else committed."""
        self._missed.append(record)

    def _require_open(self) -> None:
        if not self._database.is_open(self):
            raise UserError(message("refusal.session_over"))

    def _edit(self, path: Path) -> Place:
        self._require_open()
        place = locate(self._tree.schema, path)
        self._touched.add_steps(place.tokens)
        self._trail.edited(path)
        return place

    def _without_listed(self, path: Path, text: str) -> tuple[str | int, ...]:
        kind, there = locate(self._tree.schema, path).node.type, self._tree.get(path)
        assert kind is not None
        values = there if isinstance(there, tuple) else ()
        rest = tuple(value for value in values if kind.format(value) != text)
        if len(rest) == len(values):
            raise _not_there((*path, text))
        return rest

    def _begin_anew(self) -> None:
        self._base = self._tree = self._database.running
        self._touched.clear()
        self._missed.clear()
        self._trail.clear()

    def _merge(self) -> None:
        if not self._missed:
            return
        paths, users = self._conflicts()
        if paths:
            raise ConflictError(paths, users)
        self._rebase()

    def _rebase(self) -> None:
        changes = self.changes()
        self._base = self._database.running
        self._tree = apply(self._base, changes)
        self._missed.clear()

    def _conflicts(self) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """Return the own changes that conflict with missed commits, and whose those were."""
        own = self.changes() if self._missed else ()
        paths: dict[Path, None] = {}
        users: dict[str, None] = {}
        for record in self._missed:
            touched = clashing(own, record.changes)
            if touched:
                paths.update(dict.fromkeys(touched))
                users[record.author.user] = None
        return tuple(change.path for change in own if change.path in paths), tuple(users)


def _not_there(path: Path) -> UserError:
    return UserError(message("refusal.element_not_there"), path=path, tag="data-missing")
