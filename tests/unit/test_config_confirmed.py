"""Confirmed commits: pending until somebody settles them, and taken back exactly."""

from __future__ import annotations

import pytest
from clibox import Refusing
from drafts import ADMIN, CERTIFICATE, NOW, OTHER, PROFILE, edit

from sbcsim.clock import MINUTE, Instant
from sbcsim.config.transaction import Author, Confirm, Database, Pending, Proposal
from sbcsim.errors import UserError
from sbcsim.schema.load import load

THIRD = Author("third", "cli", 32, "192.0.2.9", "ssh", NOW.calendar)


class Listening(Refusing):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self.fails = False

    def prepare(self, proposal: Proposal) -> None:
        if self.fails:
            raise UserError("port in use")

    def awaits(self, pending: Pending | None, now: Instant) -> None:
        self.told.append(None if pending is None else pending.due.uptime)

    def apply(self, proposal: Proposal, record: object) -> None:
        self.told.append("back" if proposal.reverts is not None else "forth")

    def refused(self, author: Author, now: Instant, reason: str) -> None:
        self.told.append(reason)


@pytest.fixture
def made() -> Database:
    return Database(load())


def confirmed(made: Database, *lines: str, minutes: int = 10, persist: str = "", author: Author = ADMIN) -> None:
    candidate = edit(made.open(author, exclusive=True), *lines)
    candidate.commit(NOW, confirm=Confirm(minutes, persist))
    made.close(candidate)


def refusal(made: Database, *lines: str, author: Author = OTHER, persist_id: str = "") -> str:
    candidate = edit(made.open(author), *lines)
    with pytest.raises(UserError) as caught:
        candidate.commit(NOW, persist_id=persist_id)
    made.close(candidate)
    return caught.value.text


def test_it_is_in_force_at_once_and_taken_back_when_time_is_out(made):
    listening = Listening()
    made.subscribe(listening)
    before = made.running
    confirmed(made, f"set {PROFILE} T1", minutes=2)
    assert made.running != before
    assert made.pending.minutes == 2
    made.time_out(NOW)
    assert made.running == before
    assert made.pending is None
    assert made.revision == 2
    assert [record.author.user for record in made.history] == ["system", "admin"]
    assert listening.told == [NOW.uptime + 2 * MINUTE, "forth", "back", None]


def test_a_commit_makes_it_permanent_with_what_it_brings(made):
    confirmed(made, f"set {PROFILE} T1")
    candidate = edit(made.open(ADMIN), f"set {PROFILE} T2")
    candidate.commit(NOW)
    assert made.pending is None
    made.time_out(NOW)
    assert made.running.keys(("profiles", "security", "tlsProfile")) == (("T1",), ("T2",))


def test_a_commit_without_changes_makes_it_permanent(made):
    confirmed(made, f"set {PROFILE} T1")
    assert made.open(ADMIN).commit(NOW) is None
    assert made.pending is None
    assert made.revision == 1


def test_several_are_taken_back_together(made):
    before = made.running
    confirmed(made, f"set {PROFILE} T1")
    confirmed(made, f"set {PROFILE} T2", f"set {PROFILE} T1 appAuthTimer 9", minutes=30)
    assert made.pending.due.uptime == NOW.uptime + 30 * MINUTE
    made.abort(ADMIN, NOW)
    assert made.running == before
    assert made.revision == 3


def test_one_that_left_no_difference_is_taken_back_without_a_commit(made):
    listening = Listening()
    made.subscribe(listening)
    confirmed(made, f"set {PROFILE} T1")
    confirmed(made, f"delete {PROFILE} T1", minutes=30)
    made.time_out(NOW)
    assert made.pending is None
    assert (made.revision, len(made.history)) == (2, 2)
    assert listening.told[-2:] == ["back", None]
    edit(made.open(OTHER), f"set {PROFILE} T2").commit(NOW)
    assert made.revision == 3


def test_nobody_else_commits_meanwhile(made):
    confirmed(made, f"set {PROFILE} T1")
    assert refusal(made, f"set {PROFILE} T2") == "confirmed commit in progress"
    with pytest.raises(UserError, match="confirmed commit in progress"):
        made.open(OTHER, exclusive=True)
    for act in (made.confirm, made.abort):
        with pytest.raises(UserError, match="confirmed commit in progress"):
            act(OTHER, NOW)
    assert made.open(ADMIN, exclusive=True).exclusive


def test_the_end_of_its_session_takes_it_back(made):
    confirmed(made, f"set {PROFILE} T1")
    made.session_over(OTHER, NOW)
    assert made.pending is not None
    made.session_over(ADMIN, NOW)
    assert made.pending is None
    assert not made.running.exists(("profiles",))


def test_with_a_persist_id_it_outlasts_its_session_and_others_settle_it(made):
    confirmed(made, f"set {PROFILE} T1", persist="night")
    made.session_over(ADMIN, NOW)
    assert made.pending is not None
    assert refusal(made) == "confirmed commit in progress"
    assert refusal(made, persist_id="day") == "no confirmed commit with persist-id day in progress"
    made.open(OTHER).commit(NOW, persist_id="night")
    assert made.pending is None
    assert made.running.exists(("profiles",))


def test_an_id_without_anything_pending_is_refused(made):
    assert refusal(made, f"set {PROFILE} T1", persist_id="night") == "no confirmed commit in progress"
    for act in (made.confirm, made.abort):
        with pytest.raises(UserError, match="no confirmed commit in progress"):
            act(ADMIN, NOW)


def test_only_exclusive_sessions_may(made):
    candidate = edit(made.open(ADMIN), f"set {PROFILE} T1")
    with pytest.raises(UserError, match="requires exclusive configuration mode"):
        candidate.commit(NOW, confirm=Confirm())


def test_a_refused_one_leaves_nothing_pending(made):
    candidate = edit(made.open(ADMIN, exclusive=True), f"set {PROFILE} T1 serverCertName GONE")
    with pytest.raises(UserError, match="illegal reference"):
        candidate.commit(NOW, confirm=Confirm())
    assert made.pending is None
    assert made.revision == 0


def test_no_rule_and_no_subscriber_refuses_to_take_it_back(made):
    listening = Listening()
    made.subscribe(listening)
    # Going back deletes an object that is enabled, which G2 refuses to everybody else.
    confirmed(made, f"set {CERTIFICATE} NEW type local fileName new.p12 state enabled")
    listening.fails = True
    made.time_out(NOW)
    assert not made.running.exists(("system",))
    assert "port in use" in listening.told


def test_a_candidate_without_edits_shows_what_it_was_taken_back_to(made):
    candidate = edit(made.open(ADMIN, exclusive=True), f"set {PROFILE} T1")
    candidate.commit(NOW, confirm=Confirm())
    assert candidate.tree.exists(("profiles",))
    made.abort(ADMIN, NOW)
    assert not candidate.tree.exists(("profiles",))
    assert not candidate.modified


def test_a_candidate_with_edits_that_change_nothing_shows_it_too(made):
    confirmed(made, f"set {PROFILE} T1")
    candidate = edit(made.open(OTHER), f"set {PROFILE} T2", f"delete {PROFILE} T2")
    made.time_out(NOW)
    assert candidate.tree == made.running
    assert not candidate.modified


def test_edits_stay_and_merge_when_it_is_taken_back(made):
    confirmed(made, f"set {PROFILE} T1")
    mine = edit(made.open(ADMIN), f"set {PROFILE} T2")
    other = edit(made.open(OTHER), f"set {PROFILE} T1 appAuthTimer 9")
    made.time_out(NOW)
    mine.commit(NOW)
    assert made.running.keys(("profiles", "security", "tlsProfile")) == (("T2",),)
    assert other.conflicts()


def test_reset_forgets_it(made):
    confirmed(made, f"set {PROFILE} T1")
    made.reset()
    assert made.pending is None
    made.time_out(NOW)
    assert made.revision == 0
