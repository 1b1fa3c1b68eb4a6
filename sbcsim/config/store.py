"""The state directory: a SQLite database with everything that survives the process.

Every change is written, and has reached the disk, before whoever made it gets an answer (WAL, synchronous=FULL); what
is written is the change, never the whole. A kill at any moment leaves the state before or after it. The database is
locked for as long as the process lives, so that a directory has one owner. What a confirmed commit changed is kept
aside with the values before, until it is settled: a process that ends before that begins the next time without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sbcsim.clock import Instant
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node

from .change import Change
from .confirmed import Pending
from .history import KEPT, SYSTEM, CommitRecord
from .proposal import Kept
from .rows import (
    FileRow,
    Saved,
    StateError,
    node_at,
    path_text,
    read_path,
    read_record,
    read_tree,
    read_value,
    record_row,
    value_text,
)
from .tree import path_order

FILE = "state.db"
FORMAT = 2
"""Raised with every change that an older version could not read; this one reads all that came before.

2: accounts remember earlier passwords, and whether theirs must be changed.
"""

_APPLICATION = 0x53424353  # "SBCS": tells the file from other SQLite databases
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE leaf (path TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE history (
    revision INTEGER PRIMARY KEY, uptime INTEGER, calendar INTEGER, author TEXT, comment TEXT, label TEXT, changes TEXT
);
CREATE TABLE document (name TEXT PRIMARY KEY, content BLOB);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, parent INTEGER, name TEXT, mode INTEGER, accessed INTEGER, modified INTEGER, owner TEXT,
    directory INTEGER, open INTEGER, fixed INTEGER, content BLOB
);
CREATE TABLE leaf_before (path TEXT PRIMARY KEY, there INTEGER, value TEXT) WITHOUT ROWID;
CREATE TABLE document_before (name TEXT PRIMARY KEY, there INTEGER, content BLOB);
"""
_PUT_FILE = """
INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    parent = excluded.parent, name = excluded.name, mode = excluded.mode, accessed = excluded.accessed,
    modified = excluded.modified, owner = excluded.owner, content = coalesce(excluded.content, content)
"""
_CONTENT = ("leaf", "history", "document", "file", "leaf_before", "document_before")


class Store:
    """The database of one state directory, from opening to `close`; raises StateError where it cannot be used.

    `seed` is the one the secrets in it are encrypted with: that of the first start, which another one may not replace.
    """

    def __init__(self, directory: Path, seed: int | None = None) -> None:
        self._directory = directory
        self._behind = False
        self.everything: Callable[[], Saved] | None = None
        """Returns the present state, for when it has to be written as a whole."""
        try:
            self._sql = _opened(directory)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"state directory {directory}: {_reason(error)}") from None
        try:
            self._prepare(seed)
        except BaseException:
            self._sql.close()
            raise

    def close(self) -> None:
        """Let go of the directory."""
        self._sql.close()

    @property
    def new(self) -> bool:
        """Nothing has been kept here yet."""
        return self._meta("revision") is None

    def load(self, schema: Node, now: Instant) -> Saved:
        """Return everything that was kept, without a commit that was never confirmed; raises StateError."""
        try:
            self._take_back(schema, now)
            sql = self._sql
            tree = read_tree(schema, sql.execute("SELECT path, value FROM leaf"))
            rows = sql.execute("SELECT * FROM history ORDER BY revision DESC")
            history = tuple(read_record(schema, row) for row in rows)
            documents = dict(sql.execute("SELECT name, content FROM document"))
            files = tuple(_file_row(row) for row in sql.execute("SELECT * FROM file"))
            return Saved(tree, int(self._meta("revision") or 0), history, documents, files)
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise StateError(f"state directory {self._directory}: not readable: {error}") from None

    # writing

    def replace(self) -> None:
        """Write the present state as a whole in place of what was there; raises UserError, and then owes it."""
        self._behind = True
        with self._writing():
            """Being behind is all it takes."""

    def record(self, record: CommitRecord | None, kept: Kept, pending: Pending | None) -> None:
        """Keep a commit, or with None what has become of a confirmed one; raises UserError, nothing kept then."""
        with self._writing():
            if record is not None and pending is not None:
                self._keep_before(record.changes, kept)
            if pending is None:
                self._forget_before()
            else:
                self._set_meta("pending", pending.author.user)
            if record is not None:
                self._keep(record)
            self._put_documents(kept)

    def fall_behind(self) -> None:
        """Take note of a change that could not be recorded: the next record begins with the whole state."""
        self._behind = True

    def put(self, documents: Kept) -> None:
        """Keep documents, outside of any commit; raises UserError."""
        with self._writing():
            # What is newer than a confirmed commit is not taken back with it.
            self._sql.executemany(
                "DELETE FROM document_before WHERE name = ? AND there", [(name,) for name in documents]
            )
            self._put_documents(documents)

    def put_files(self, rows: Sequence[FileRow], removed: Iterable[int] = ()) -> None:
        """Keep files, and forget others, at one go; raises UserError."""
        with self._writing():
            self._sql.executemany("DELETE FROM file WHERE id = ?", [(number,) for number in removed])
            self._put_files(rows)

    # inside

    def _prepare(self, seed: int | None) -> None:
        try:
            sql = self._sql
            (application,), (version,) = (
                sql.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
            )
            tables = sql.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if application != _APPLICATION and (application or tables):
                raise StateError(f"state directory {self._directory}: {FILE} is something else")
            if version > FORMAT:
                raise StateError(
                    f"state directory {self._directory} was written by a newer version (format {version}); "
                    f"this one reads format {FORMAT}"
                )
            if not tables:
                script = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {FORMAT};"
                sql.executescript(f"BEGIN;{_TABLES}{script}COMMIT;")
            elif version < FORMAT:
                sql.execute(f"PRAGMA user_version = {FORMAT}")
            kept = self._meta("seed")
            if self.new:
                self.seed = seed or 0
            elif seed is not None and seed != kept:
                raise StateError(
                    f"state directory {self._directory} was made with seed {kept}, which its secrets are encrypted "
                    f"with: seed {seed} cannot read them"
                )
            else:
                self.seed = int(kept or 0)
        except sqlite3.Error as error:
            raise StateError(f"state directory {self._directory}: {_reason(error)}") from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._sql.execute("BEGIN")
            try:
                if self._behind:
                    self._replace()
                yield
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise UserError(message("refusal.not_recorded", reason=_reason(error)), tag="resource-denied") from None
        self._behind = False

    def _replace(self) -> None:
        assert self.everything is not None
        saved = self.everything()
        for table in _CONTENT:
            self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        self._forget_before()
        self._set_meta("seed", self.seed)
        self._set_meta("revision", saved.revision)
        self._sql.executemany(
            "INSERT INTO leaf VALUES (?, ?)",
            ((path_text(path), value_text(node, value)) for path, node, value in saved.tree.walk()),
        )
        self._sql.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", map(record_row, saved.history))
        self._put_documents(saved.documents)
        self._put_files(saved.files)

    def _keep(self, record: CommitRecord) -> None:
        gone, there = [], []
        for change in record.changes:
            path = path_text(change.path)
            if change.new is None:
                gone.append((path,))
            else:
                there.append((path, value_text(change.node, change.new)))
        self._sql.executemany("DELETE FROM leaf WHERE path = ?", gone)
        self._sql.executemany("INSERT OR REPLACE INTO leaf VALUES (?, ?)", there)
        self._sql.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", record_row(record))
        self._sql.execute("DELETE FROM history WHERE revision <= ?", (record.revision - KEPT,))
        self._set_meta("revision", record.revision)

    def _put_documents(self, documents: Kept) -> None:
        gone = [(name,) for name, content in documents.items() if content is None]
        there = [(name, content) for name, content in documents.items() if content is not None]
        self._sql.executemany("DELETE FROM document WHERE name = ?", gone)
        self._sql.executemany("INSERT OR REPLACE INTO document VALUES (?, ?)", there)

    def _put_files(self, rows: Sequence[FileRow]) -> None:
        self._sql.executemany(
            _PUT_FILE,
            (tuple(getattr(row, each) for each in FileRow.__slots__) for row in rows),
        )

    def _keep_before(self, changes: Iterable[Change], kept: Kept) -> None:
        """Put the present values aside that a confirmed commit changes; of several commits, those before the first."""
        self._sql.executemany(
            "INSERT OR IGNORE INTO leaf_before VALUES (?, ?, ?)",
            [
                (path_text(change.path), change.old is not None, value_text(change.node, change.old))
                for change in changes
            ],
        )
        for name in kept:
            self._sql.execute(
                "INSERT OR IGNORE INTO document_before VALUES (?1, (SELECT count(*) FROM document WHERE name = ?1), "
                "(SELECT content FROM document WHERE name = ?1))",
                (name,),
            )

    def _forget_before(self) -> None:
        self._sql.execute("DELETE FROM leaf_before")
        self._sql.execute("DELETE FROM document_before")
        self._sql.execute("DELETE FROM meta WHERE name = 'pending'")

    def _take_back(self, schema: Node, now: Instant) -> None:
        """Undo a confirmed commit that was pending when the last process ended, as a commit of its own if need be."""
        if self._meta("pending") is None:
            return
        changes = []
        for text, was_there, before, there, after in self._sql.execute(
            "SELECT b.path, b.there, b.value, l.path IS NOT NULL, l.value "
            "FROM leaf_before b LEFT JOIN leaf l USING (path)"
        ):
            path = read_path(text)
            node = node_at(schema, path)
            old = read_value(node, after) if there else None
            new = read_value(node, before) if was_there else None
            if old != new:
                changes.append(Change(path, node, old, new))
        changes.sort(key=lambda change: path_order(schema, change.path))
        kept: dict[str, bytes | None] = {
            name: content if there else None
            for name, there, content in self._sql.execute("SELECT * FROM document_before")
        }
        revision = int(self._meta("revision") or 0) + 1
        self.record(CommitRecord(revision, now, SYSTEM, tuple(changes)) if changes else None, kept, None)

    def _meta(self, name: str) -> int | str | None:
        row = self._sql.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _set_meta(self, name: str, value: int | str) -> None:
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _opened(directory: Path) -> sqlite3.Connection:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / FILE
    if not file.exists() and next(directory.iterdir(), None) is not None:
        raise StateError(f"{directory} holds other files: a state directory is empty at first")
    directory.chmod(0o700)
    file.touch(mode=0o600)
    file.chmod(0o600)  # the files that SQLite puts beside it get the same
    sql = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        sql.execute("PRAGMA locking_mode = EXCLUSIVE")
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = FULL")
        sql.executescript("BEGIN IMMEDIATE; COMMIT;")  # takes the lock
    except BaseException:
        sql.close()
        raise
    return sql


def _file_row(row: tuple[Any, ...]) -> FileRow:
    number, parent, name, mode, accessed, modified, owner, directory, opened, fixed, content = row
    return FileRow(
        number,
        parent,
        name,
        mode,
        accessed,
        modified,
        owner,
        directory=bool(directory),
        open=bool(opened),
        fixed=bool(fixed),
        content=content,
    )


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "in use by another process"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
