"""What comes before the first prompt: the change of a password that somebody else gave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.cli.session import Reply
from sbcsim.clock import SECOND, Instant
from sbcsim.device.sessions import Sessions

OLD, NEW, AGAIN = "Enter old password: ", "Enter new password: ", "Re-enter new password: "
GREETING = "\nadmin connected from 192.0.2.7 using ssh on SBC1\n"


@pytest.fixture
def box() -> FakeBox:
    box = FakeBox()
    box.users.put("admin", replace(box.users.get("admin"), must_change=True))
    return box


def entering(box: FakeBox) -> Typist:
    login = box.sessions.open("admin", START, context="cli", remote="192.0.2.7", must_change=True)
    return Typist(box.session(author=login.author))


def answers(typist: Typist, *lines: str) -> Reply:
    for line in lines:
        reply = typist.type(line, echo=False)
    return reply


def test_three_hidden_questions_then_the_greeting(box: FakeBox) -> None:
    typist = entering(box)
    assert typist.prompt == OLD
    assert answers(typist, "admin") == Reply("", NEW, hidden=True)
    assert answers(typist, "Another-1") == Reply("", AGAIN, hidden=True)
    assert not typist.session.at_prompt
    assert answers(typist, "Another-1") == Reply(GREETING, "admin@SBC1> ")
    assert typist.session.at_prompt
    assert box.users.check("admin", "Another-1")
    assert not box.users.must_change("admin")
    assert typist.type("show users").ok
    assert "*Password of admin changed by admin from 192.0.2.7" in repr(list(box.journal))
    assert "Another-1" not in repr(list(box.journal))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("wrong", "Another-1", "Another-1"), "wrong password"),
        (("admin", "Another-1", "Another-2"), "passwords do not match"),
        (("admin", "another", "another"), "password does not meet the password rules"),
        (("admin", "", ""), "password does not meet the password rules"),
    ],
)
def test_three_tries(box: FakeBox, lines: tuple[str, ...], reason: str) -> None:
    typist = entering(box)
    for _ in range(2):
        assert answers(typist, *lines) == Reply(f"Aborted: {reason}\n", OLD, hidden=True)
    assert answers(typist, *lines) == Reply(f"Aborted: {reason}\n", "", ok=False, exit_status=1)
    assert box.users.check("admin", "admin")
    assert box.users.must_change("admin")


def test_a_mistake_may_be_mended(box: FakeBox) -> None:
    typist = entering(box)
    answers(typist, "admin", "x", "y")
    assert answers(typist, "admin", "Another-1", "Another-1").text == GREETING


def test_there_is_no_way_around_it(box: FakeBox) -> None:
    for leave in ("interrupt", "end_of_input"):
        typist = entering(box)
        answers(typist, "admin")
        assert getattr(typist.session, leave)(START).exit_status == 1
    typist = entering(box)
    assert typist.session.complete("show ", START, listing=True).text == ""
    typist.session.end(START)
    assert not [entry for entry in box.journal if entry.kind == "cli"]


def test_the_user_may_be_gone_meanwhile(box: FakeBox) -> None:
    typist = entering(box)
    box.users.put("admin", None)
    assert answers(typist, "admin", "Another-1", "Another-1").text == "Aborted: wrong password\n"


def test_without_terminal_nothing_is_asked(box: FakeBox) -> None:
    login = box.sessions.open("admin", START, context="cli", remote="192.0.2.7", must_change=True)
    assert box.session(None, author=login.author).start(START) == Reply("", "")


def test_the_last_login_is_told_where_that_is_wanted(box: FakeBox) -> None:
    def greeting(remote: str, seconds: int) -> str:
        now = Instant(seconds * SECOND, START.calendar + seconds * SECOND)
        login = box.sessions.open("admin", now, context="cli", remote=remote)
        return box.session(author=login.author, now=now).start(now).text

    assert greeting("192.0.2.7", 0) == GREETING
    assert greeting("192.0.2.8", 1) == GREETING.replace(".7", ".8")
    box.sessions = Sessions(lambda _user: 5, remembers=True)
    assert greeting("192.0.2.7", 0) == GREETING
    box.sessions.open("admin", START, context="netconf", remote="192.0.2.9")
    box.sessions.open("other", START, context="cli", remote="192.0.2.9")
    box.sessions.open("admin", START, context="cli", remote="192.0.2.9", counted=False, console=True)
    assert greeting("192.0.2.8", 3600) == (
        "\nUser admin last logged in 2026-01-30T10:00:00.000000+00:00, to SBC1, from 192.0.2.7 using cli-ssh"
        + GREETING.replace(".7", ".8")
    )
    box.sessions.forget()
    assert greeting("192.0.2.7", 0) == GREETING
