"""Candidates and commits: everybody edits a tree of his own, and one at a time becomes the running configuration.

A candidate is (base tree, own tree, touched places). Opening, dropping and reverting one costs nothing. A commit goes
through fixed phases: merge with what others committed meanwhile; the rules; `validate` and `prepare` of every
subscriber, each of which may refuse; then record and switch the tree; then `apply`, which may not fail. Until the
switch nothing has happened; after it everything has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sbcsim.clock import Instant
from sbcsim.errors import BugError, UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value

from .change import Change, Touched, apply
from .conflict import ConflictError, clashing
from .history import Author, CommitRecord, History
from .rules import Review, Rules, State, states_of
from .secret import Cipher
from .tree import Place, Tree, listing_of, locate

__all__ = [
    "Author",
    "Candidate",
    "Change",
    "CommitRecord",
    "ConflictError",
    "Database",
    "LockedError",
    "Proposal",
    "Subscriber",
]


class LockedError(UserError):
    """Somebody else holds the configuration in exclusive mode."""

    def __init__(self, text: str, holder: Author) -> None:
        super().__init__(text, tag="lock-denied")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a commit would do. `revision` is the one it will get."""

    old: Tree
    new: Tree
    changes: tuple[Change, ...]
    now: Instant
    author: Author
    revision: int


class Subscriber(Protocol):
    """Somebody who acts on commits and may refuse them."""

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        """Return slow, pure work that may run elsewhere before the commit; its results are found again then."""

    def validate(self, proposal: Proposal) -> None:
        """Raise UserError if the proposal cannot be accepted; runs for commits and for mere checks."""

    def prepare(self, proposal: Proposal) -> None:
        """Take what the commit needs; raise UserError to refuse."""

    def abandon(self, proposal: Proposal) -> None:
        """Give back what `prepare` took: somebody else refused."""

    def apply(self, proposal: Proposal, record: CommitRecord) -> None:
        """Act on the commit, which has happened; may not fail."""

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Take note of a commit that was refused, whoever refused it; nothing has changed."""


class Database:
    """The running configuration, its history, the open candidates and the lock."""

    def __init__(self, schema: Node, start: Tree | None = None, *, cipher: Cipher | None = None) -> None:
        self.schema = schema
        self.cipher = cipher or Cipher()
        self.history = History()
        self._rules = Rules(schema)
        self._state = self._start = self._rules.state(start or Tree(schema))
        self._revision = self._start_revision = 0
        self._subscribers: list[Subscriber] = []
        self._candidates: list[Candidate] = []

    @property
    def running(self) -> Tree:
        """The running configuration."""
        return self._state.tree

    @property
    def revision(self) -> int:
        """How many commits led to the running configuration."""
        return self._revision

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The open candidates, oldest first."""
        return tuple(self._candidates)

    @property
    def lock_holder(self) -> Author | None:
        """Who edits in exclusive mode."""
        return next((candidate.author for candidate in self._candidates if candidate.exclusive), None)

    def open(self, author: Author, *, exclusive: bool = False) -> Candidate:
        """Return a new candidate; raises LockedError when `exclusive` is asked for and somebody has it."""
        holder = self.lock_holder
        if exclusive and holder is not None:
            raise LockedError(message("refusal.configuration_locked"), holder)
        candidate = Candidate(self, author, exclusive=exclusive)
        self._candidates.append(candidate)
        return candidate

    def close(self, candidate: Candidate) -> None:
        """Drop a candidate with its changes, and the lock with it; closing twice does nothing."""
        if candidate in self._candidates:
            self._candidates.remove(candidate)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have `subscriber` take part in every later commit, after those who subscribed before."""
        self._subscribers.append(subscriber)

    def adopt_start(self) -> None:
        """Make the running configuration the one that `reset` returns to, without a history."""
        self._start, self._start_revision = self._state, self._revision
        self.history.clear()

    def reset(self) -> None:
        """Return to the start configuration; candidates and history are gone, no subscriber is called."""
        self._state, self._revision = self._start, self._start_revision
        self._candidates.clear()
        self.history.clear()

    def is_open(self, candidate: Candidate) -> bool:
        """Whether a candidate is still in use."""
        return candidate in self._candidates

    def refuse_if_locked(self, candidate: Candidate) -> None:
        """Raise LockedError if somebody other than `candidate` holds the lock."""
        for other in self._candidates:
            if other.exclusive and other is not candidate:
                holder = other.author
                text = message("refusal.database_locked", session=holder.session, holder=holder.description)
                raise LockedError(text, holder)

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        """Return the slow work of all subscribers as one function, None if there is none."""
        jobs = [job for job in (each.prework(proposal) for each in self._subscribers) if job is not None]
        if not jobs:
            return None

        def work() -> None:
            for job in jobs:
                job()

        return work

    def validate(self, proposal: Proposal, last_states: dict[Path, str]) -> State:
        """Run the rules and every subscriber's `validate`; returns the state to switch to."""
        state = self._state.after(proposal.new, proposal.changes)
        self._rules.check(Review(proposal.old, proposal.new, proposal.changes, self._state, state, last_states))
        for subscriber in self._subscribers:
            subscriber.validate(proposal)
        return state

    def commit(
        self, candidate: Candidate, proposal: Proposal, last_states: dict[Path, str], comment: str, label: str
    ) -> CommitRecord:
        """Run all phases of a commit; whatever is raised, nothing has changed."""
        if proposal.old.root is not self.running.root:
            raise BugError("the proposal was not made for the running configuration")
        state = self.validate(proposal, last_states)
        self._prepare(proposal)
        record = CommitRecord(proposal.revision, proposal.now, proposal.author, proposal.changes, comment, label)
        self._state, self._revision = state, proposal.revision
        self.history.add(record)
        for other in self._candidates:
            if other is not candidate:
                other.overtaken_by(record)
        for subscriber in self._subscribers:
            subscriber.apply(proposal, record)
        return record

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Tell every subscriber that a commit was refused."""
        for subscriber in self._subscribers:
            subscriber.refused(author, now, reason)

    def _prepare(self, proposal: Proposal) -> None:
        prepared: list[Subscriber] = []
        try:
            for subscriber in self._subscribers:
                subscriber.prepare(proposal)
                prepared.append(subscriber)
        except BaseException:
            for subscriber in reversed(prepared):
                subscriber.abandon(proposal)
            raise


class Candidate:
    """Somebody's edits on top of the running configuration. Made by `Database.open`."""

    def __init__(self, database: Database, author: Author, *, exclusive: bool) -> None:
        self.author = author
        self.exclusive = exclusive
        self._database = database
        self._base = self._tree = database.running
        self._touched = Touched()
        self._missed: list[CommitRecord] = []
        # The last `state` that an entry had before it was deleted here: deleting is allowed after disabling only.
        self._last_states: dict[Path, str] = {}

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
        node = self._edit(path).node
        if isinstance(value, tuple):
            value = tuple(dict.fromkeys(value))
        if node.secret and isinstance(value, str):
            value = self._database.cipher.sealed(value)
        self._tree = self._tree.with_value(path, value)

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
        for entry, state in states_of(self._tree, path):
            self._last_states[entry] = state
        self._tree = self._tree.without(path)

    def revert(self) -> None:
        """Drop all edits: the candidate equals the running configuration."""
        self._require_open()
        self._begin_anew()

    def rollback(self, number: int) -> None:
        """Load what undoes the last `number` + 1 commits; entries that go with it count as disabled first."""
        self._require_open()
        self._merge()
        undo = tuple(self._database.history.inverse(number))
        for change in undo:
            self._touched.add(self._tree.schema, change.path)
            if change.new is None and not change.node.is_leaf:
                for entry, _ in states_of(self._tree, change.path):
                    self._last_states[entry] = "disabled"
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
        self._database.validate(self.proposal(now), self._last_states)

    def commit(self, now: Instant, comment: str = "", label: str = "") -> CommitRecord | None:
        """Make the candidate the running configuration; None if there is nothing to commit. Raises UserError."""
        self._require_open()
        try:
            self._database.refuse_if_locked(self)
            proposal = self.proposal(now)
            if not proposal.changes:
                self._begin_anew()
                return None
            record = self._database.commit(self, proposal, self._last_states, comment, label)
        except UserError as refusal:
            self._database.refused(self.author, now, refusal.text)
            raise
        self._begin_anew()
        return record

    def overtaken_by(self, record: CommitRecord) -> None:
        """Take note that somebody else committed."""
        self._missed.append(record)

    def _require_open(self) -> None:
        if not self._database.is_open(self):
            raise UserError(message("refusal.session_over"))

    def _edit(self, path: Path) -> Place:
        self._require_open()
        self._touched.add(self._tree.schema, path)
        return locate(self._tree.schema, path)

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
        self._last_states.clear()

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
