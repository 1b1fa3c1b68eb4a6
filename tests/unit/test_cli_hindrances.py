"""What a fault puts in the way of a command, as a session in memory meets it."""

from __future__ import annotations

import pytest
from clibox import START, FakeBox

from sbcsim.cli.session import Reply, Session

TIMER = "set profiles security tlsProfile TLS handshakeTimer 7"


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


def typed(session: Session, *lines: str) -> Reply:
    """Type lines; return the reply to the last one, once its work is done."""
    reply = Reply("", "")
    for line in lines:
        reply = session.line(line, START)
        while reply.work is not None or reply.more:
            reply = session.resume(START) if reply.work is not None else session.more(START)
    return reply


def test_a_question_comes_before_the_command(box):
    session = box.session()
    box.faults.add("cli.question", match="configure", value="Really?")
    assert typed(session, "configure").prompt == "Really? [yes,no] "
    assert typed(session, "no").text == "Aborted: by user\n[error][2026-01-30 10:00:00]\n"
    assert not box.database.candidates
    for answer in ("", "yes", "y"):
        assert "Entering configuration mode private" in typed(session, "configure", answer).text
        typed(session, "exit")


def test_nobody_is_asked_without_a_terminal(box):
    box.faults.add("cli.question")
    assert "Entering configuration mode private" in typed(box.session(None), "configure").text
    assert not [entry for entry in box.journal if entry.kind == "faultFired"]


def test_a_warning_wants_an_answer_before_anything_is_committed(box):
    box.faults.add("commit.warning", value="1 call would end")
    session = box.session()
    asked = typed(session, "configure", TIMER, "commit")
    assert (asked.text, asked.prompt) == (
        "The following warnings were generated:\n  1 call would end\n", "Proceed? [yes,no] ",
    )  # fmt: skip
    assert "Aborted: by user" in typed(session, "no").text
    assert box.database.revision == 0
    assert typed(session, "commit", "").text.startswith("Commit complete.\n[ok]")
    assert box.database.revision == 1


def test_where_nobody_is_asked_the_warning_stands_above_the_answer(box):
    box.faults.add("commit.warning", value="1 call would end")
    for number, start in enumerate(("configure", "configure no-confirm"), 1):
        session = box.session(None) if number == 1 else box.session()
        answer = typed(session, start, f"{TIMER[:-1]}{number}", "commit").text
        assert answer.startswith("The following warnings were generated:\n  1 call would end\nCommit complete.\n[ok]")


def test_a_refused_command_reads_as_an_unknown_one(box):
    session = box.session()
    unknown = typed(session, "  xyz").text
    box.faults.add("cli.syntax", match="show users")
    assert typed(session, "  show users").text == unknown
    assert "syntax error: expecting\n" in unknown


def test_a_slow_commit_waits_before_it_begins(box):
    session = box.session()
    typed(session, "configure", TIMER)
    box.faults.add("commit.slow", value="2500", times=1)
    reply = session.line("commit", START)
    assert reply.patience is not None
    assert reply.patience.seconds == 2.5
    assert box.database.revision == 0
    reply = session.resume(START)
    while reply.work is not None or reply.more:
        reply = session.resume(START) if reply.work is not None else session.more(START)
    assert box.database.revision == 1


def test_a_wait_for_a_slow_commit_can_be_given_up(box):
    session = box.session()
    typed(session, "configure", TIMER)
    box.faults.add("commit.slow", times=1)
    session.line("commit", START)
    session.interrupt(START)
    assert "Aborted: by user" in session.resume(START).text
    assert box.database.revision == 0


def test_the_secret_of_a_line_is_not_journalled(box):
    box.faults.add("cli.syntax", match="*hunter2*")
    session = box.session()
    typed(session, "configure", "set system security pki certificate NEW passPhrase hunter2")
    (fired,) = [entry.event for entry in box.journal if entry.kind == "faultFired"]
    assert "certificate NEW" in fired.subject
    assert "hunter2" not in fired.subject


def test_only_a_pending_commit_expires(box):
    box.faults.add("commit.expired")
    session = box.session()
    typed(session, "configure exclusive", TIMER, "commit")
    assert box.database.revision == 1
    assert not [entry for entry in box.journal if entry.kind == "faultFired"]
    typed(session, TIMER.replace("7", "8"), "commit confirmed")
    assert "No modifications to commit." in typed(session, "commit").text
    assert box.database.running.get(("profiles", "security", "tlsProfile", "TLS", "handshakeTimer")) == 7
