"""Candidates and commits: everybody edits a tree of his own, and one at a time becomes the running configuration.

A commit goes through fixed phases: merge with what others committed meanwhile; the rules; `validate` and `prepare` of
every subscriber, each of which may refuse; then record, durably where there is a recorder, and switch the tree; then
`apply`, which may not fail. Until the switch nothing has happened; after it everything has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sbcsim.clock import Instant
from sbcsim.errors import BugError, UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node

from .candidate import Candidate
from .change import Change, Touched
from .confirmed import Confirm, Pending, extended
from .conflict import ConflictError
from .history import SYSTEM, Author, CommitRecord, History
from .proposal import Kept, Proposal, Recorder, Subscriber
from .rules import Review, Rules, State
from .secret import Cipher
from .trail import Trail
from .tree import Tree

__all__ = [
    "SYSTEM",
    "Author",
    "Candidate",
    "Change",
    "CommitRecord",
    "Confirm",
    "ConflictError",
    "Database",
    "LockedError",
    "Pending",
    "Proposal",
    "Subscriber",
]


class LockedError(UserError):
    """Somebody else holds the configuration in exclusive mode."""

    def __init__(self, text: str, holder: Author) -> None:
        super().__init__(text, tag="lock-denied")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that was committed at one moment."""

    state: State
    revision: int
    history: History


class Database:
    """The running configuration, its history, the open candidates, the lock and the pending confirmed commit.

    `revision` and `history` are given for a configuration that goes on where an earlier process left it.
    """

    def __init__(
        self,
        schema: Node,
        start: Tree | None = None,
        *,
        cipher: Cipher | None = None,
        revision: int = 0,
        history: Iterable[CommitRecord] = (),
    ) -> None:
        self.schema = schema
        self.cipher = cipher or Cipher()
        self.history = History(history)
        self.recorder: Recorder | None = None
        """Who makes commits durable."""
        self._rules = Rules(schema)
        self._state = self._rules.state(start or Tree(schema))
        self._revision = revision
        self._start = self.moment()
        self._subscribers: list[Subscriber] = []
        self._candidates: list[Candidate] = []
        self._lock_watchers: list[Callable[[], None]] = []
        self.lock_patience = 0.0
        """How many real seconds somebody who commits should wait for another's lock."""
        self._pending: Pending | None = None
        self.claimed: Callable[[Author], Author | None] = lambda _: None
        """Tells who else claims the lock, beside those with a candidate, when somebody wants it or commits."""

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
    def pending(self) -> Pending | None:
        """The confirmed commit that waits to be made permanent."""
        return self._pending

    @property
    def lock_holder(self) -> Author | None:
        """Who edits in exclusive mode."""
        return next((candidate.author for candidate in self._candidates if candidate.exclusive), None)

    def open(self, author: Author, *, exclusive: bool = False) -> Candidate:
        """Return a new candidate; `exclusive` is refused while somebody has it, or a confirmed commit pending."""
        holder = self.lock_holder
        if exclusive and holder is None:
            holder = self.claimed(author)
        if exclusive and holder is not None:
            raise LockedError(message("refusal.configuration_locked"), holder)
        if exclusive and self._pending is not None:
            self._pending.admit(author, "")
        candidate = Candidate(self, author, exclusive=exclusive)
        self._candidates.append(candidate)
        return candidate

    def close(self, candidate: Candidate) -> None:
        """Drop a candidate with its changes, and the lock with it; closing twice does nothing."""
        if candidate in self._candidates:
            self._candidates.remove(candidate)
            if candidate.exclusive:
                self._tell_lock_watchers()

    def watch_lock(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` whenever the lock is given back; returns what ends that."""
        self._lock_watchers.append(watcher)
        return lambda: self._lock_watchers.remove(watcher)

    def _tell_lock_watchers(self) -> None:
        for watcher in tuple(self._lock_watchers):
            watcher()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have `subscriber` take part in every later commit, after those who subscribed before."""
        self._subscribers.append(subscriber)

    def adopt_start(self, *, new: bool = True) -> None:
        """Make the present state what `reset` returns to; what set a `new` box up is no part of its history."""
        if new:
            self.history.clear()
        self._start = self.moment()

    def moment(self) -> Moment:
        """Return what is committed now, for a later `reset`."""
        return Moment(self._state, self._revision, self.history.copy())

    def reset(self, to: Moment | None = None) -> None:
        """Return to a moment, or to the start; candidates and what is pending are gone, no subscriber is called."""
        start = to or self._start
        self._state, self._revision = start.state, start.revision
        self._candidates.clear()
        self._tell_lock_watchers()
        self._pending = None
        self.history = start.history.copy()

    def is_open(self, candidate: Candidate) -> bool:
        """Whether a candidate is still in use."""
        return candidate in self._candidates

    def refuse_if_locked(self, candidate: Candidate) -> None:
        """Raise LockedError if somebody other than the author of `candidate` holds the lock."""
        others = (other.author for other in self._candidates if other.exclusive and other is not candidate)
        holder = next(others, None) or self.claimed(candidate.author)
        if holder is not None:
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

    def validate(self, proposal: Proposal, trail: Trail) -> State:
        """Run the rules and every subscriber's `validate`; returns the state to switch to."""
        state = self._state.after(proposal.new, proposal.changes)
        self._rules.check(Review(proposal.old, proposal.new, proposal.changes, self._state, state, trail))
        for subscriber in self._subscribers:
            subscriber.validate(proposal)
        return state

    def commit(
        self,
        candidate: Candidate,
        proposal: Proposal,
        trail: Trail,
        comment: str,
        label: str,
        confirm: Confirm | None = None,
    ) -> CommitRecord:
        """Run all phases of a commit; whatever is raised, nothing has changed."""
        if proposal.old.root is not self.running.root:
            raise BugError("the proposal was not made for the running configuration")
        state = self.validate(proposal, trail)
        self._prepare(proposal)
        record = CommitRecord(proposal.revision, proposal.now, proposal.author, proposal.changes, comment, label)
        pending = None
        if confirm is not None:
            pending = extended(self._pending, confirm, proposal.author, self._state, proposal.changes, proposal.now)
        try:
            self._record(record, self._kept(proposal), pending)
        except UserError:
            self._abandon(self._subscribers, proposal)
            raise
        self._settle(pending, proposal.now)
        self._switch(state, proposal, record, candidate)
        return record

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        """Tell every subscriber that a commit was refused."""
        for subscriber in self._subscribers:
            subscriber.refused(author, now, reason)

    # confirmed commits

    def admit(self, author: Author, persist_id: str) -> Pending | None:
        """Return what is pending; raises UserError where this session may not settle it, or an id fits nothing."""
        if self._pending is None:
            if persist_id:
                raise UserError(message("refusal.nothing_pending"), tag="invalid-value")
            return None
        self._pending.admit(author, persist_id)
        return self._pending

    def confirm(self, author: Author, now: Instant, persist_id: str = "", again: Confirm | None = None) -> None:
        """Make the pending commit permanent, or with `again` have it wait anew; raises UserError."""
        pending = self.admit(author, persist_id)
        if pending is None:
            raise UserError(message("refusal.nothing_pending"))
        after = None if again is None else extended(pending, again, author, pending.before, (), now)
        self._record(None, {}, after)
        self._settle(after, now)

    def abort(self, author: Author, now: Instant, persist_id: str = "") -> None:
        """Take the pending commit back at once; raises UserError."""
        pending = self.admit(author, persist_id)
        if pending is None:
            raise UserError(message("refusal.nothing_pending"))
        self._take_back(pending, author, now)

    def time_out(self, now: Instant) -> None:
        """Take the pending commit back: nobody has made it permanent in time."""
        if self._pending is not None:
            self._take_back(self._pending, SYSTEM, now)

    def session_over(self, author: Author, now: Instant) -> None:
        """Take back the pending commit of a session that ends, unless it was to outlast it."""
        pending = self._pending
        if pending is not None and not pending.persist and pending.author.session == author.session:
            self._take_back(pending, SYSTEM, now)

    def _take_back(self, pending: Pending, author: Author, now: Instant) -> None:
        """Go back to what stood before the pending commit; no rule, subscriber or disk can refuse it.

        It is a commit of its own, unless later commits have left nothing to go back from.
        """
        touched = Touched()
        for path in pending.touched:
            touched.add(self.schema, path)
        old, new = self.running, pending.before.tree
        changes = touched.changes(old, new)
        proposal = Proposal(old, new, changes, now, author, self._revision + bool(changes), reverts=pending)
        for subscriber in self._subscribers:
            try:
                subscriber.prepare(proposal)
            except UserError as refusal:
                self.refused(author, now, refusal.text)
        record = CommitRecord(proposal.revision, now, author, changes)
        self._record_if_possible(record if changes else None, self._kept(proposal), now)
        self._switch(pending.before, proposal, record)
        for candidate in self._candidates:
            candidate.follow()
        self._settle(None, now)

    # phases

    def _prepare(self, proposal: Proposal) -> None:
        prepared: list[Subscriber] = []
        try:
            for subscriber in self._subscribers:
                subscriber.prepare(proposal)
                prepared.append(subscriber)
        except BaseException:
            self._abandon(prepared, proposal)
            raise

    def _abandon(self, prepared: list[Subscriber], proposal: Proposal) -> None:
        for subscriber in reversed(prepared):
            subscriber.abandon(proposal)

    def _kept(self, proposal: Proposal) -> Kept:
        if self.recorder is None:
            return {}
        return {name: content for each in self._subscribers for name, content in each.kept(proposal).items()}

    def _record(self, record: CommitRecord | None, kept: Kept, pending: Pending | None) -> None:
        if self.recorder is not None:
            self.recorder.record(record, kept, pending)

    def _record_if_possible(self, record: CommitRecord | None, kept: Kept, now: Instant) -> None:
        try:
            self._record(record, kept, None)
        except UserError as refusal:
            # The disk still says that the commit is pending: a restart would take it back, too.
            self.refused(SYSTEM, now, refusal.text)
            if self.recorder is not None:
                self.recorder.fall_behind()

    def _settle(self, pending: Pending | None, now: Instant) -> None:
        if pending is not self._pending:
            self._pending = pending
            for subscriber in self._subscribers:
                subscriber.awaits(pending, now)

    def _switch(
        self, state: State, proposal: Proposal, record: CommitRecord, candidate: Candidate | None = None
    ) -> None:
        self._state, self._revision = state, proposal.revision
        if record.changes:
            self.history.add(record)
        for other in self._candidates:
            if other is not candidate:
                other.overtaken_by(record)
        for subscriber in self._subscribers:
            subscriber.apply(proposal, record)
