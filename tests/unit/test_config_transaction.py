"""Candidates, commits and their phases, the lock, conflicts, rollback and reset."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drafts import ADMIN, CERTIFICATE, NOW, OTHER, PROFILE, ZONE, commit, database, edit, path_of, refusal

from sbcsim.clock import Instant
from sbcsim.config.history import KEPT
from sbcsim.config.transaction import Author, CommitRecord, ConflictError, Database, LockedError, Proposal
from sbcsim.errors import BugError, UserError
from sbcsim.schema.load import load

TIMER = f"{PROFILE} T1 handshakeTimer"


class Recorder:
    """A subscriber that writes down what it is asked, and refuses what it is told to."""

    def __init__(self, log: list[str], name: str = "", refuses: str = "") -> None:
        self.log = log
        self.name = name
        self.refuses = refuses
        self.proposals: list[Proposal] = []
        self.refusals: list[str] = []

    def _note(self, phase: str, proposal: Proposal) -> None:
        self.log.append(self.name + phase)
        self.proposals.append(proposal)
        if phase == self.refuses:
            raise UserError(f"{phase} refused")

    def prework(self, proposal: Proposal) -> Callable[[], None] | None:
        return lambda: self._note("work", proposal)

    def validate(self, proposal: Proposal) -> None:
        self._note("validate", proposal)

    def prepare(self, proposal: Proposal) -> None:
        self._note("prepare", proposal)

    def abandon(self, proposal: Proposal) -> None:
        self._note("abandon", proposal)

    def apply(self, proposal: Proposal, record: CommitRecord) -> None:
        assert record.changes == proposal.changes
        self._note("apply", proposal)

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        self.refusals.append(reason)


class TestCandidate:
    def test_sees_its_own_edits_and_running_does_not(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        assert candidate.tree.get(path_of(TIMER)) == 7
        assert candidate.modified
        assert not made.running.exists(("profiles",))

    def test_changes_are_in_path_order_with_created_entries(self) -> None:
        candidate = edit(database().open(ADMIN), f"set {CERTIFICATE} C type local", f"set {TIMER} 7")
        assert [(" ".join(each.path), each.old, each.new) for each in candidate.changes()] == [
            (f"{PROFILE} T1", None, True),
            (TIMER, None, 7),
            (f"{CERTIFICATE} C", None, True),
            (f"{CERTIFICATE} C type", None, "local"),
        ]

    def test_edits_that_cancel_out_are_no_changes(self) -> None:
        made = database(f"set {TIMER} 7")
        candidate = edit(made.open(ADMIN), f"set {TIMER} 8", f"set {TIMER} 7", f"set {PROFILE} T2")
        assert candidate.modified
        edit(candidate, f"delete {PROFILE} T2")
        assert not candidate.modified
        assert candidate.commit(NOW) is None
        assert made.revision == 1

    def test_deleting_all_and_setting_it_again_is_no_change(self) -> None:
        made = database(f"set {TIMER} 7")
        candidate = made.open(ADMIN)
        candidate.delete(())
        assert [change.new for change in candidate.changes()] == [None, None]
        assert not edit(candidate, f"set {TIMER} 7").modified

    def test_revert(self) -> None:
        made = database(f"set {TIMER} 7")
        candidate = edit(made.open(ADMIN), f"delete {PROFILE}")
        candidate.revert()
        assert candidate.tree is made.running
        assert not candidate.modified

    @pytest.mark.parametrize(
        "path",
        [
            path_of(f"{PROFILE} NOPE"),
            path_of(f"{TIMER}"),
            path_of(f"{PROFILE} T1 authClient"),
            (*path_of(f"{PROFILE} T1"), "name"),
            ("system",),
            (*path_of("profiles services pathCheckProfile P failureResponseCodes"), "503"),
        ],
    )
    def test_deleting_what_is_not_there(self, path: tuple[str, ...]) -> None:
        candidate = database(f"set {PROFILE} T1 v1_3 enabled").open(ADMIN)
        with pytest.raises(UserError, match=r"^element does not exist$"):
            candidate.delete(path)
        assert not candidate.modified

    def test_leaf_lists(self) -> None:
        codes = path_of("profiles services pathCheckProfile P failureResponseCodes")
        candidate = database().open(ADMIN)
        candidate.append(codes, (503,))
        candidate.append(codes, (404, 503, "all6xx"))
        assert candidate.tree.get(codes) == (503, 404, "all6xx")
        candidate.delete((*codes, "404"))
        assert candidate.tree.get(codes) == (503, "all6xx")
        candidate.set(codes, (500, 500))
        assert candidate.tree.get(codes) == (500,)
        candidate.delete((*codes, "500"))
        assert not candidate.tree.exists(codes)

    def test_creating_a_plain_container_changes_nothing(self) -> None:
        candidate = database().open(ADMIN)
        candidate.create(("profiles", "security"))
        assert not candidate.modified

    def test_secrets_are_encrypted_unless_they_are_already(self) -> None:
        made = database()
        leaf = path_of(f"{CERTIFICATE} C passPhrase")
        candidate = made.open(ADMIN)
        candidate.set(leaf, "geheim")
        stored = candidate.tree.get(leaf)
        assert isinstance(stored, str)
        assert stored.startswith("$8$")
        assert "geheim" not in stored
        assert made.cipher.decrypt(stored) == "geheim"
        candidate.set(leaf, stored)
        assert candidate.tree.get(leaf) == stored


class TestPhases:
    def test_order_of_a_commit(self) -> None:
        made, log = database(), list[str]()
        first, second = Recorder(log, "1"), Recorder(log, "2")
        made.subscribe(first)
        made.subscribe(second)
        record = commit(made, f"set {TIMER} 7")
        assert log == ["1validate", "2validate", "1prepare", "2prepare", "1apply", "2apply"]
        proposal = first.proposals[0]
        assert record is not None
        assert proposal.revision == record.revision == made.revision == 1
        assert proposal.new is made.running
        assert proposal.author is ADMIN
        assert proposal.now == record.at == NOW

    def test_check_only_validates(self) -> None:
        made, log = database(), list[str]()
        made.subscribe(Recorder(log))
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        candidate.check(NOW)
        assert log == ["validate"]
        assert made.revision == 0
        assert candidate.modified

    def test_rules_come_before_subscribers(self) -> None:
        made, log = database(), list[str]()
        made.subscribe(Recorder(log, refuses="validate"))
        assert refusal(made, f"set {ZONE} Z") == f"'{ZONE} Z id' is not configured"
        assert log == []

    def test_a_refused_validation(self) -> None:
        made, log = database(), list[str]()
        made.subscribe(Recorder(log, refuses="validate"))
        assert refusal(made, f"set {TIMER} 7") == "validate refused"
        assert log == ["validate"]
        assert len(made.history) == 0

    def test_a_veto_abandons_those_who_prepared(self) -> None:
        made, log = database(), list[str]()
        for name, refuses in (("1", ""), ("2", ""), ("3", "prepare"), ("4", "")):
            made.subscribe(Recorder(log, name, refuses))
        assert refusal(made, f"set {TIMER} 7") == "prepare refused"
        assert log[4:] == ["1prepare", "2prepare", "3prepare", "2abandon", "1abandon"]
        assert made.revision == 0

    def test_the_candidate_survives_a_refusal(self) -> None:
        made, log = database(), list[str]()
        recorder = Recorder(log, refuses="prepare")
        made.subscribe(recorder)
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        with pytest.raises(UserError):
            candidate.commit(NOW)
        recorder.refuses = ""
        assert candidate.commit(NOW) is not None
        assert not candidate.modified

    def test_prework_runs_before_the_commit(self) -> None:
        made, log = database(), list[str]()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        assert candidate.prework(NOW) is None
        made.subscribe(Recorder(log, "1"))
        made.subscribe(Recorder(log, "2"))
        work = candidate.prework(NOW)
        assert log == []
        assert work is not None
        work()
        assert log == ["1work", "2work"]

    def test_nothing_to_commit_calls_nobody(self) -> None:
        made, log = database(), list[str]()
        made.subscribe(Recorder(log))
        assert made.open(ADMIN).commit(NOW) is None
        assert log == []

    def test_a_stale_proposal_is_a_bug(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        proposal = candidate.proposal(NOW)
        commit(made, f"set {PROFILE} T2")
        with pytest.raises(BugError):
            made.commit(candidate, proposal, {}, "", "")


class TestLock:
    def test_second_exclusive_session_is_refused(self) -> None:
        made = database()
        holder = made.open(OTHER, exclusive=True)
        assert made.lock_holder is OTHER
        with pytest.raises(LockedError) as caught:
            made.open(ADMIN, exclusive=True)
        assert caught.value.text == "configuration locked"
        assert caught.value.holder.description == "other ssh (cli from 192.0.2.8) on since 2026-01-30 10:00:00"
        made.close(holder)
        assert made.lock_holder is None
        assert made.open(ADMIN, exclusive=True).exclusive

    def test_private_commit_against_a_lock(self) -> None:
        made = database()
        private = edit(made.open(ADMIN), f"set {TIMER} 7")
        holder = edit(made.open(OTHER, exclusive=True), f"set {TIMER} 8")
        with pytest.raises(LockedError) as caught:
            private.commit(NOW)
        assert caught.value.text == (
            "the configuration database is locked by session 30 other ssh (cli from 192.0.2.8)"
            " on since 2026-01-30 10:00:00"
        )
        assert holder.commit(NOW) is not None
        made.close(holder)
        assert made.candidates == (private,)

    def test_a_closed_candidate_takes_no_edits(self) -> None:
        made = database()
        candidate = made.open(ADMIN)
        made.close(candidate)
        made.close(candidate)
        for use in (
            lambda: candidate.set(path_of(TIMER), 7),
            lambda: candidate.commit(NOW),
            candidate.revert,
            lambda: candidate.rollback(0),
        ):
            with pytest.raises(UserError, match="configuration session is closed"):
                use()


class TestConflicts:
    def test_commits_of_others_are_merged(self) -> None:
        made = database(f"set {PROFILE} T1")
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        commit(made, f"set {PROFILE} T1 appAuthTimer 9", f"set {PROFILE} T2", author=OTHER)
        assert [change.new for change in candidate.changes()] == [7]
        assert candidate.commit(NOW) is not None
        assert made.running.get(path_of(TIMER)) == 7
        assert made.running.get(path_of(f"{PROFILE} T1 appAuthTimer")) == 9
        assert made.running.exists(path_of(f"{PROFILE} T2"))

    def test_both_create_the_same_entry(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        commit(made, f"set {PROFILE} T1 appAuthTimer 9", author=OTHER)
        assert candidate.conflicts() == ()
        candidate.check(NOW)

    def test_the_same_leaf(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7", f"set {PROFILE} T2")
        commit(made, f"set {TIMER} 8", author=OTHER)
        for run in (candidate.commit, candidate.check):
            with pytest.raises(ConflictError) as caught:
                run(NOW)
            assert caught.value.paths == candidate.conflicts() == (path_of(TIMER),)
            rule = "-" * 74
            assert caught.value.text == (
                f"there are conflicts.\n{rule}\n"
                "Resolve needed before configuration can be committed. View conflicts with\n"
                "the command 'show | compare' and execute the command 'resolved' when\n"
                "done, or exit configuration mode to abort.\n"
                "Conflicting configuration items are indicated with a leading '!'\n"
                f"Conflicting users: other\n{rule}"
            )
        assert candidate.prework(NOW) is None
        assert made.running.get(path_of(TIMER)) == 8
        candidate.resolve()
        assert candidate.conflicts() == ()
        assert [change.old for change in candidate.changes()] == [8, None]
        assert candidate.commit(NOW) is not None
        assert made.running.get(path_of(TIMER)) == 7

    def test_users_are_named_once(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        commit(made, f"set {TIMER} 8", author=OTHER)
        commit(made, f"set {TIMER} 9", author=OTHER)
        commit(made, f"set {TIMER} 10", author=ADMIN)
        commit(made, f"set {PROFILE} T3", author=ADMIN)
        with pytest.raises(ConflictError) as caught:
            candidate.commit(NOW)
        assert caught.value.users == ("other", "admin")

    def test_changed_here_deleted_there(self) -> None:
        made = database(f"set {TIMER} 5")
        candidate = edit(made.open(ADMIN), f"set {PROFILE} T1 appAuthTimer 7")
        commit(made, f"delete {PROFILE} T1", author=OTHER)
        assert candidate.conflicts() == (path_of(f"{PROFILE} T1 appAuthTimer"),)
        candidate.resolve()
        candidate.commit(NOW)
        assert made.running.get(path_of(f"{PROFILE} T1 appAuthTimer")) == 7
        assert made.running.get(path_of(TIMER)) is None

    def test_deleted_here_changed_there(self) -> None:
        made = database(f"set {TIMER} 5")
        candidate = edit(made.open(ADMIN), f"delete {PROFILE} T1")
        commit(made, f"set {PROFILE} T1 appAuthTimer 7", author=OTHER)
        assert candidate.conflicts() == (path_of(f"{PROFILE} T1"),)
        candidate.resolve()
        candidate.commit(NOW)
        assert not made.running.exists(("profiles",))

    def test_revert_ends_a_conflict(self) -> None:
        made = database()
        candidate = edit(made.open(ADMIN), f"set {TIMER} 7")
        commit(made, f"set {TIMER} 8", author=OTHER)
        candidate.revert()
        assert candidate.conflicts() == ()
        assert candidate.tree is made.running

    def test_a_merge_can_break_a_rule(self) -> None:
        made = database(f"set {CERTIFICATE} C fileName c.p12 type local state enabled")
        candidate = edit(made.open(ADMIN), f"set {PROFILE} T1 serverCertName C")
        commit(made, f"set {CERTIFICATE} C state disabled", f"delete {CERTIFICATE} C", author=OTHER)
        assert candidate.conflicts() == ()
        with pytest.raises(UserError, match=r"^illegal reference"):
            candidate.commit(NOW)


class TestHistory:
    def test_rollback_loads_the_inverse_of_the_last_commits(self) -> None:
        made = database()
        states = [made.running]
        for line in (f"set {TIMER} 7", f"set {TIMER} 8", f"set {PROFILE} T2", f"delete {PROFILE} T1"):
            commit(made, line)
            states.append(made.running)
        for number in range(4):
            candidate = made.open(ADMIN)
            candidate.rollback(number)
            assert candidate.tree == states[-2 - number]
            candidate.revert()

    def test_rollback_twice_restores(self) -> None:
        made = database(f"set {TIMER} 7", f"set {PROFILE} T2 authClient false")
        before = made.running
        for _ in range(2):
            candidate = made.open(ADMIN)
            candidate.rollback(0)
            candidate.commit(NOW)
        assert made.running == before
        assert made.revision == 3

    def test_rollback_merges_what_others_committed(self) -> None:
        made = database(f"set {TIMER} 7")
        candidate = made.open(ADMIN)
        commit(made, f"set {TIMER} 8", author=OTHER)
        candidate.rollback(0)
        assert candidate.tree.get(path_of(TIMER)) == 7
        assert candidate.conflicts() == ()

    @pytest.mark.parametrize("number", [-1, 1, 50])
    def test_rollback_to_nowhere(self, number: int) -> None:
        with pytest.raises(UserError, match="does not exist"):
            database(f"set {TIMER} 7").open(ADMIN).rollback(number)

    def test_only_the_last_commits_are_kept(self) -> None:
        made = database()
        for number in range(KEPT + 3):
            commit(made, f"set {TIMER} {number % 60 + 1}")
        assert len(made.history) == KEPT == 50
        assert [record.revision for record in made.history][:2] == [KEPT + 3, KEPT + 2]

    def test_list(self) -> None:
        made = database(f"set {TIMER} 7")
        candidate = edit(made.open(ADMIN), f"set {TIMER} 8")
        candidate.commit(NOW, comment="change", label="ROT")
        assert made.history.lines() == [
            "0      2026-01-30 10:00:00 by admin via cli label ROT comment change",
            "1      2026-01-30 10:00:00 by admin via cli",
        ]


class TestReset:
    def test_back_to_the_start(self) -> None:
        made, log = database(f"set {TIMER} 7"), list[str]()
        made.adopt_start()
        start = made.running
        assert len(made.history) == 0
        commit(made, f"set {CERTIFICATE} C fileName c.p12 type local state enabled", f"set {ZONE} Z id 1")
        holder = edit(made.open(ADMIN, exclusive=True), f"set {TIMER} 8")
        made.subscribe(Recorder(log))
        made.reset()
        assert made.running is start
        assert made.revision == 1
        assert (made.candidates, made.lock_holder, len(made.history), log) == ((), None, 0, [])
        with pytest.raises(UserError):
            holder.commit(NOW)

    def test_indexes_go_back_too(self) -> None:
        made = database(f"set {ZONE} Z1 id 1")
        made.adopt_start()
        commit(made, f"set {ZONE} Z2 id 2")
        made.reset()
        assert refusal(made, f"set {ZONE} Z3 id 2") == ""
        assert refusal(made, f"set {ZONE} Z4 id 1") == f"'{ZONE} Z4 id' (value \"1\"): value is not unique"

    def test_without_a_start_the_box_is_empty(self) -> None:
        made = database(f"set {TIMER} 7")
        made.reset()
        assert not [*made.running.walk()]

    def test_a_start_tree_is_indexed(self) -> None:
        start = database(f"set {ZONE} Z1 id 1").running
        made = Database(load(), start)
        assert refusal(made, f"set {ZONE} Z4 id 1") == f"'{ZONE} Z4 id' (value \"1\"): value is not unique"
