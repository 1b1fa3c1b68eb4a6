"""The state directory: what is kept, what a failing disk leaves, who may open it."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from clibox import Refusing
from drafts import ADMIN, CERTIFICATE, NOW, PROFILE, commit, edit

from sbcsim.clock import Instant
from sbcsim.config.history import KEPT
from sbcsim.config.rows import FileRow, Saved, StateError
from sbcsim.config.store import FILE, FORMAT, Store
from sbcsim.config.transaction import Confirm, Database, Proposal
from sbcsim.errors import UserError
from sbcsim.schema.load import load

LATER = Instant(0, NOW.calendar + 1_000_000)


class Keeping(Refusing):
    """Keeps one document with each commit, and counts what it gave back."""

    def __init__(self) -> None:
        super().__init__()
        self.abandoned = 0

    def kept(self, proposal: Proposal) -> dict[str, bytes | None]:
        return {"of the last": str(proposal.revision).encode(), "never": None}

    def abandon(self, proposal: Proposal) -> None:
        self.abandoned += 1


class Faulty:
    """A connection whose N-th call fails as a broken disk does."""

    def __init__(self, real: sqlite3.Connection, fails_at: int) -> None:
        self._real = real
        self._left = fails_at

    def __getattr__(self, name: str) -> object:
        found = getattr(self._real, name)
        if name not in {"execute", "executemany"}:
            return found

        def call(statement: str, *arguments: object) -> object:
            if statement != "ROLLBACK":
                self._left -= 1
                if not self._left:
                    raise sqlite3.OperationalError("disk I/O error")
            return found(statement, *arguments)

        return call


class Process:
    """One life of a database with its store."""

    def __init__(self, directory: Path, *, now: Instant = NOW) -> None:
        self.store = Store(directory)
        self.saved = None if self.store.new else self.store.load(load(), now)
        if self.saved is None:
            self.made = Database(load())
        else:
            self.made = Database(load(), self.saved.tree, revision=self.saved.revision, history=self.saved.history)
        self.store.everything = lambda: Saved(
            self.made.running, self.made.revision, tuple(self.made.history), {"other": b"x"}
        )
        self.made.recorder = self.store
        self.keeping = Keeping()
        self.made.subscribe(self.keeping)
        if self.saved is None:
            self.store.replace()

    def end(self) -> None:
        self.store.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def process(directory: Path) -> Iterator[Process]:
    process = Process(directory)
    yield process
    process.end()


def again(process: Process, directory: Path, *, now: Instant = NOW) -> Process:
    process.end()
    return Process(directory, now=now)


def test_everything_comes_back(process, directory):
    commit(process.made, f"set {PROFILE} T1 appAuthTimer 9", f"set {CERTIFICATE} A type remote fileName a.der")
    candidate = edit(process.made.open(ADMIN), f"delete {CERTIFICATE} A", "set profiles services pathCheckProfile P")
    codes = "profiles services pathCheckProfile P failureResponseCodes [ 503 all4xx ]"
    edit(candidate, f"set {codes}").commit(NOW, "why", "ROT")
    process.store.put({"alone": b"\0\xff"})
    after = again(process, directory)
    assert after.made.running == process.made.running
    assert after.made.revision == 2
    assert list(after.made.history) == list(process.made.history)
    assert after.saved.documents == {"other": b"x", "of the last": b"2", "alone": b"\0\xff"}
    after.made.open(ADMIN).rollback(1)
    commit(after.made, f"set {PROFILE} T2")
    assert after.made.revision == 3
    after.end()


def test_a_commit_writes_its_change_only(process):
    commit(process.made, *(f"set {CERTIFICATE} C{number} type remote" for number in range(300)))
    before = process.store._sql.total_changes
    commit(process.made, f"set {CERTIFICATE} C7 fileName x.der")
    assert process.store._sql.total_changes - before < 10


def test_history_is_bounded_as_in_memory(process, directory):
    for number in range(KEPT + 5):
        commit(process.made, f"set {PROFILE} T1 appAuthTimer {1 + number % 2}")
    after = again(process, directory)
    assert [record.revision for record in after.made.history] == list(range(KEPT + 5, 5, -1))
    after.end()


def test_only_the_owner_reads_it(process, directory):
    commit(process.made, f"set {PROFILE} T1")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
    assert modes == {FILE: 0o600, f"{FILE}-wal": 0o600}


def test_one_process_at_a_time(process, directory):
    with pytest.raises(StateError, match="in use by another process"):
        Store(directory)
    commit(process.made, f"set {PROFILE} T1")


def test_a_newer_format_is_refused(process, directory):
    process.end()
    with sqlite3.connect(directory / FILE) as sql:
        sql.execute(f"PRAGMA user_version = {FORMAT + 1}")
    sql.close()
    with pytest.raises(StateError, match=f"newer version \\(format {FORMAT + 1}\\); this one reads format {FORMAT}"):
        Store(directory)


def test_an_older_format_is_read_and_raised(process, directory):
    commit(process.made, f"set {PROFILE} T1")
    process.end()
    with sqlite3.connect(directory / FILE) as sql:
        sql.execute("PRAGMA user_version = 1")
    sql.close()
    Store(directory).close()
    with sqlite3.connect(directory / FILE) as sql:
        assert sql.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    sql.close()
    after = again(process, directory)
    assert after.made.running.exists(("profiles", "security", "tlsProfile", "T1"))
    after.end()


def test_what_is_no_state_is_refused_untouched(tmp_path):
    (tmp_path / "letter").write_text("dear")
    mode = tmp_path.stat().st_mode
    with pytest.raises(StateError, match="holds other files"):
        Store(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter"]
    assert tmp_path.stat().st_mode == mode
    with pytest.raises(StateError, match=r"file exists|not a directory"):
        Store(tmp_path / "letter")


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
def test_another_file_of_its_name_is_refused(directory, content):
    directory.mkdir()
    if content is None:
        with sqlite3.connect(directory / FILE) as sql:
            sql.execute("CREATE TABLE cooks (name)")
        sql.close()
    else:
        (directory / FILE).write_bytes(content)
    with pytest.raises(StateError, match=r"not a database|is something else"):
        Store(directory)


def test_the_seed_stays(directory):
    first = Store(directory, 7)
    first.everything = lambda: Saved(Database(load()).running, 0)
    first.replace()
    first.close()
    for seed in (None, 7):
        store = Store(directory, seed)
        assert store.seed == 7
        store.close()
    with pytest.raises(StateError, match="made with seed 7"):
        Store(directory, 8)


def test_a_node_that_never_got_ready_leaves_a_new_directory(directory):
    Store(directory, 3).close()
    store = Store(directory, 4)
    assert store.new
    assert store.seed == 4
    store.close()


def test_a_place_that_this_model_does_not_have_is_refused(process, directory):
    process.store._sql.execute("INSERT INTO leaf VALUES ('[\"system\",\"kitchen\"]', '1')")
    with pytest.raises(StateError, match="'system kitchen', which this version does not know"):
        again(process, directory)


def test_whenever_the_disk_fails_nothing_has_changed(process, directory):
    commit(process.made, f"set {PROFILE} T1")
    real = process.store._sql
    refused = 0
    while True:
        before = process.made.running
        candidate = edit(process.made.open(ADMIN), f"set {PROFILE} T1 appAuthTimer 9", f"set {PROFILE} T2")
        process.store._sql = Faulty(real, refused + 1)
        text = ""
        try:
            candidate.commit(NOW)
        except UserError as error:
            text = error.text
        process.store._sql = real
        process.made.close(candidate)
        if not text:
            break
        assert text == "the state directory cannot be written: disk I/O error"
        refused += 1
        assert process.made.running is before
        assert process.made.revision == 1
        assert process.keeping.abandoned == refused
    assert refused > 5
    after = again(process, directory)
    assert after.made.running == process.made.running
    assert after.made.revision == 2
    after.end()


def test_a_full_disk_refuses_until_there_is_room(process, directory):
    sql = process.store._sql
    pages = sql.execute("PRAGMA page_count").fetchone()[0]
    sql.execute(f"PRAGMA max_page_count = {pages}")
    lines = [f"set {CERTIFICATE} C{number} fileName {'x' * 200}.der" for number in range(200)]
    with pytest.raises(UserError, match="cannot be written: database or disk is full"):
        commit(process.made, *lines)
    sql.execute("PRAGMA max_page_count = 100000")
    commit(process.made, *lines)
    after = again(process, directory)
    assert after.made.running.count(("system", "security", "pki", "certificate")) == 200
    after.end()


def confirmed(process: Process, *lines: str) -> None:
    candidate = edit(process.made.open(ADMIN, exclusive=True), *lines)
    candidate.commit(NOW, confirm=Confirm(10))
    process.made.close(candidate)


def test_what_was_never_confirmed_is_undone_at_the_next_start(process, directory):
    commit(process.made, f"set {PROFILE} T1 appAuthTimer 9", f"set {CERTIFICATE} A type remote")
    before = process.made.running
    confirmed(process, f"set {PROFILE} T1 appAuthTimer 8", f"set {PROFILE} T2 appAuthTimer 5")
    confirmed(process, f"set {PROFILE} T1 appAuthTimer 7", f"delete {CERTIFICATE} A", f"delete {PROFILE} T2")
    process.store.put({"other": b"y"})
    after = again(process, directory, now=LATER)
    assert after.made.running == before
    assert after.made.pending is None
    assert after.made.revision == 4
    assert (after.made.history[0].author.user, after.made.history[0].at) == ("system", LATER)
    assert after.saved.documents == {"of the last": b"1", "other": b"y"}
    candidate = after.made.open(ADMIN)
    candidate.rollback(0)
    assert candidate.tree == process.made.running
    last = again(after, directory)
    assert last.made.revision == 4
    last.end()


@pytest.mark.parametrize("how", ["time_out", "start"])
def test_what_left_no_difference_is_undone_without_a_commit(process, directory, how):
    before = commit(process.made, f"set {PROFILE} T1 appAuthTimer 9").revision
    confirmed(process, f"set {PROFILE} T1 appAuthTimer 8")
    confirmed(process, f"set {PROFILE} T1 appAuthTimer 9")
    if how == "time_out":
        process.made.time_out(NOW)
        assert process.store._meta("pending") is None
    after = again(process, directory, now=LATER)
    assert after.made.running == process.made.running
    assert [record.author.user for record in after.made.history] == ["admin"] * 3
    assert after.made.revision == before + 2
    assert after.saved.documents["of the last"] == (b"3" if how == "time_out" else b"1")
    after.end()


@pytest.mark.parametrize("how", ["commit", "confirm", "abort", "time_out"])
def test_what_was_settled_stays_settled(process, directory, how):
    confirmed(process, f"set {PROFILE} T1")
    if how == "commit":
        commit(process.made, f"set {PROFILE} T2")
    elif how == "time_out":
        process.made.time_out(NOW)
    else:
        getattr(process.made, how)(ADMIN, NOW)
    after = again(process, directory)
    assert after.made.running == process.made.running
    assert after.made.revision == process.made.revision
    after.end()


def test_a_revert_that_the_disk_refuses_happens_and_is_made_up_for(process, directory):
    confirmed(process, f"set {PROFILE} T1")
    real = process.store._sql
    process.store._sql = Faulty(real, 1)
    process.made.time_out(NOW)
    process.store._sql = real
    assert not process.made.running.exists(("profiles",))
    commit(process.made, f"set {PROFILE} T2")
    after = again(process, directory)
    assert after.made.running == process.made.running
    assert [record.revision for record in after.made.history] == [3, 2, 1]
    after.end()


def test_a_reset_that_the_disk_refuses_is_made_up_for(process, directory):
    commit(process.made, f"set {PROFILE} T1")
    process.made.reset()
    real = process.store._sql
    process.store._sql = Faulty(real, 3)
    with pytest.raises(UserError, match="cannot be written"):
        process.store.replace()
    process.store._sql = real
    commit(process.made, f"set {PROFILE} T2")
    after = again(process, directory)
    assert after.made.running == process.made.running
    assert after.made.revision == 1
    after.end()


def test_files(process, directory):
    folder = FileRow(1, 0, "folder", 0o755, 5, 5, "admin", directory=True, open=True)
    file = FileRow(2, 1, "file", 0o644, 1, 2, "admin", directory=False, content=b"one")
    process.store.put_files([folder, file])
    moved = FileRow(2, 0, "moved", 0o600, 1, 3, "admin", directory=False)
    process.store.put_files([moved], [1])
    after = again(process, directory)
    kept = FileRow(2, 0, "moved", 0o600, 1, 3, "admin", directory=False, content=b"one")
    assert after.saved.files == (kept,)
    after.end()
