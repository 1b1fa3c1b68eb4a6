"""What configuration sessions do to each other, told with plain dictionaries: no trees, deltas, tries or indexes.

A configuration is a dictionary from paths to values; an entry of a list has the value True. The lists are those of
`UNIVERSE`, whose only rules are that a zone needs an id and that no two have the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

Path = tuple[str, ...]
Config = dict[Path, str | bool]
Changes = dict[Path, tuple[str | bool | None, str | bool | None]]

PROFILES = [("profiles", "security", "tlsProfile", name) for name in ("T1", "T2", "T3")]
CONTEXT = ("addressContext", "default")
ZONES = [(*CONTEXT, "zone", name) for name in ("Z1", "Z2")]
ENTRIES = {CONTEXT, *PROFILES, *ZONES}
LEAVES: dict[str, tuple[str, ...]] = {"handshakeTimer": ("7", "8"), "authClient": ("true", "false")}
IDS = ("1", "2")
KEPT = 50

CONFLICT = "Aborted: there are conflicts."
LOCKED = "Aborted: the configuration database is locked by session"
BUSY = "Aborted: confirmed commit in progress"
NOTHING_PENDING = "Aborted: no confirmed commit in progress"
NEEDS_EXCLUSIVE = "Aborted: confirmed commit requires exclusive configuration mode"
NOTHING = "No modifications to commit."
COMPLETE = "Commit complete."
PERMANENT = "Commit complete. Configuration is now permanent."


def above(path: Path) -> Iterator[Path]:
    """Yield the entries that a path lies in, outermost first, itself left out."""
    for length in range(1, len(path)):
        if path[:length] in ENTRIES:
            yield path[:length]


def put(config: Config, path: Path, value: str | bool) -> None:
    """Set a leaf or create an entry, with the entries around it."""
    for entry in above(path):
        config[entry] = True
    config[path] = value


def drop(config: Config, path: Path) -> None:
    """Delete a path and everything below it."""
    for each in [each for each in config if each[: len(path)] == path]:
        del config[each]


def difference(old: Config, new: Config) -> Changes:
    """Return old and new value of every path that differs."""
    return {path: (old.get(path), new.get(path)) for path in {*old, *new} if old.get(path) != new.get(path)}


def changed(config: Config, changes: Changes) -> Config:
    """Return a configuration with changes made to it, whatever it held there."""
    made = dict(config)
    for path, (_, new) in sorted(changes.items()):
        if new is None:
            drop(made, path)
        else:
            put(made, path, new)
    return made


def clash(own: Changes, others: Changes) -> set[Path]:
    """Return the own changes that touch a leaf which others touched, or lie in what one of the two deleted."""
    found = set()
    for path, (_, mine) in own.items():
        for other, (_, theirs) in others.items():
            leaf_or_gone = path not in ENTRIES or (mine is None and theirs is None)
            inside_theirs = theirs is None and other in ENTRIES and other in above(path)
            inside_mine = mine is None and path in ENTRIES and path in above(other)
            if (path == other and leaf_or_gone) or inside_theirs or inside_mine:
                found.add(path)
    return found


def complaint(config: Config) -> str:
    """Return how the box refuses a configuration, "" if it does not."""
    for zone in ZONES:
        if zone in config and (*zone, "id") not in config:
            return f"'{' '.join(zone)} id' is not configured"
    if len({config[*zone, "id"] for zone in ZONES if zone in config}) < sum(zone in config for zone in ZONES):
        return "value is not unique"
    return ""


def set_lines(config: Config) -> list[str]:
    """Return the `set` lines of a configuration, sorted."""
    lines = []
    for path, value in config.items():
        if path not in ENTRIES:
            lines.append(f"set {' '.join(path)} {value}")
        elif not any(each != path and each[: len(path)] == path for each in config):
            lines.append(f"set {' '.join(path)}")
    return sorted(lines)


@dataclass
class Draft:
    """Somebody's candidate: what it began with, what it is now, and what others committed since."""

    session: int
    exclusive: bool
    base: Config
    now: Config
    missed: list[Changes] = field(default_factory=list)

    @property
    def own(self) -> Changes:
        return difference(self.base, self.now)

    @property
    def conflicts(self) -> set[Path]:
        own = self.own
        return {path for changes in self.missed for path in clash(own, changes)}


@dataclass
class Pending:
    """A confirmed commit that waits."""

    session: int
    persist: str
    due: int
    before: Config


@dataclass
class Model:
    """The box as its users are told it works. Methods return the first line of the answer, "" where there is none."""

    running: Config = field(default_factory=dict)
    history: list[Changes] = field(default_factory=list)
    drafts: dict[int, Draft] = field(default_factory=dict)
    pending: Pending | None = None

    def configure(self, session: int, *, exclusive: bool) -> str:
        if exclusive and any(draft.exclusive for draft in self.drafts.values()):
            return "Error: configuration database locked by:"
        if exclusive and self.pending and self.pending.session != session:
            return BUSY
        self.drafts[session] = Draft(session, exclusive, dict(self.running), dict(self.running))
        return f"Entering configuration mode {'exclusive' if exclusive else 'private'}"

    def leave(self, session: int) -> None:
        del self.drafts[session]

    def disconnect(self, session: int) -> None:
        self.drafts.pop(session, None)
        if self.pending and self.pending.session == session and not self.pending.persist:
            self._take_back()

    def revert(self, session: int) -> None:
        draft = self.drafts[session]
        draft.base, draft.now, draft.missed = dict(self.running), dict(self.running), []

    def rollback(self, session: int, number: int) -> str:
        if self._merge(session):
            return CONFLICT
        if number >= len(self.history):
            return f"Aborted: rollback {number} does not exist"
        draft = self.drafts[session]
        for changes in self.history[: number + 1]:
            draft.now = changed(draft.now, {path: (new, old) for path, (old, new) in changes.items()})
        return ""

    def resolve(self, session: int) -> None:
        draft = self.drafts[session]
        draft.base, draft.now, draft.missed = dict(self.running), changed(self.running, draft.own), []

    def check(self, session: int) -> str:
        if self._merge(session):
            return CONFLICT.replace("Aborted", "Failed")
        problem = complaint(self.drafts[session].now)
        return f"Failed: {problem}" if problem else "Validation complete"

    def commit(self, session: int, now: int, *, minutes: int = 0, persist: str = "", persist_id: str = "") -> str:
        draft = self.drafts[session]
        if minutes and not draft.exclusive:
            return NEEDS_EXCLUSIVE
        if not draft.own and not self.pending and not persist_id:
            return NOTHING
        conflicting = self._merge(session)
        if any(other.exclusive for other in self.drafts.values() if other is not draft):
            return LOCKED
        refused = self._admit(session, persist_id)
        if refused:
            return refused
        if conflicting:
            return CONFLICT
        problem = complaint(draft.now)
        if problem:
            return f"Aborted: {problem}"
        settles = self.pending is not None
        before, own = dict(self.running), draft.own
        if own:
            self.running = dict(draft.now)
            self._record(own, except_for=session)
        if minutes and (own or self.pending):
            first = self.pending
            self.pending = Pending(
                session,
                persist or (first.persist if first else ""),
                now + 60 * minutes,
                first.before if first else before,
            )
        elif not minutes:
            self.pending = None
        self.revert(session)
        if minutes:
            return "Warning: The configuration will be reverted if you exit the CLI without"
        return PERMANENT if settles else COMPLETE

    def settle(self, session: int, *, persist_id: str = "", abort: bool = False) -> str:
        """Confirm or abort what is pending, without a commit of one's own."""
        refused = self._admit(session, persist_id) or ("" if self.pending else NOTHING_PENDING)
        if refused:
            return refused
        if abort:
            self._take_back()
            return "Confirmed commit has been aborted. Old configuration will now be restored."
        self.pending = None
        return PERMANENT

    def pass_time(self, now: int) -> None:
        if self.pending and self.pending.due <= now:
            self._take_back()

    def _admit(self, session: int, persist_id: str) -> str:
        if self.pending is None:
            return NOTHING_PENDING if persist_id else ""
        if persist_id:
            wrong = f"Aborted: no confirmed commit with persist-id {persist_id} in progress"
            return wrong if persist_id != self.pending.persist else ""
        return "" if session == self.pending.session else BUSY

    def _merge(self, session: int) -> bool:
        """Bring a candidate up to date; with conflicts it stays as it is."""
        draft = self.drafts[session]
        if draft.conflicts:
            return True
        if draft.missed:
            self.resolve(session)
        return False

    def _record(self, changes: Changes, except_for: int | None = None) -> None:
        self.history = [changes, *self.history][:KEPT]
        for draft in self.drafts.values():
            if draft.session != except_for:
                draft.missed.append(changes)

    def _take_back(self) -> None:
        assert self.pending is not None
        before, self.pending = self.pending.before, None
        changes = difference(self.running, before)
        self.running = dict(before)
        if changes:
            self._record(changes)
        for draft in self.drafts.values():
            if not draft.own:
                self.revert(draft.session)
