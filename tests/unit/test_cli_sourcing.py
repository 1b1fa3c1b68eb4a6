"""`source`: commands from a file, and what must never come out of a session whatever is typed or sourced."""

from __future__ import annotations

import pytest
from clibox import START, FakeBox, Refusing, Typist

from sbcsim.cli.session import Reply, Session, Terminal
from sbcsim.device.users import Account
from sbcsim.events import CliLine

HOME = Account("admin").home
PROFILE = "profiles security tlsProfile"


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    return Typist(box.session())


def put(box: FakeBox, name: str, text: str) -> None:
    box.files.make_home(Account("admin"), START)
    box.files.write(f"{HOME}/{name}", text.encode(), START)


def test_outputs_and_status_lines_of_both_modes(box: FakeBox, typist: Typist) -> None:
    put(
        box,
        "renew.cli",
        f"! by hand\r\nconfigure\r\n\nset {PROFILE} A \\\nhandshakeTimer 7\nshow | display set\nexit\n",
    )
    before = len(typist.screen)
    assert typist.type("source renew.cli").ok
    assert typist.screen[before:].replace("[2026-01-30 10:00:00]", "") == (
        "source renew.cli\n"
        "Entering configuration mode private\n[ok]\n[ok]\n"
        f"set {PROFILE} A handshakeTimer 7\n[ok]\n[ok]\n[ok]\nadmin@SBC1> "
    )
    lines = [entry.event.line for entry in box.journal if isinstance(entry.event, CliLine)]
    assert lines == ["configure", f"set {PROFILE} A handshakeTimer 7", "show | display set", "exit", "source renew.cli"]


def test_comments_over_several_lines(box: FakeBox, typist: Typist) -> None:
    put(box, "said", "/* one\n two; three\n*/ show cli | count\n/* four */ ! five\n/* six\n")
    answer = typist.answer("source said")
    assert answer.startswith("Count: 15 lines\n^\nsyntax error: expecting\n")
    assert answer.endswith("\nError: said:5\n")


def test_questions_count_as_confirmed(box: FakeBox, typist: Typist) -> None:
    put(box, "leave", f"configure\nset {PROFILE} A\nexit\n")
    assert "?" not in typist.answer("source leave")
    assert typist.prompt == "admin@SBC1> "


def test_stops_at_the_first_error(box: FakeBox, typist: Typist) -> None:
    put(box, "bad", "show cli | count\n\nnonsense\nconfigure\n")
    answer = typist.answer("source bad")
    assert answer.startswith("Count: 15 lines\n^\nsyntax error: expecting\n")
    assert answer.endswith("\nError: bad:3\n")
    assert typist.prompt == "admin@SBC1> "
    assert "Error: failed to open file" in typist.answer("source nowhere")


def test_missing_values_are_not_asked_for(box: FakeBox, typist: Typist) -> None:
    put(box, "ask", f"configure\nset {PROFILE} A handshakeTimer\n")
    assert "syntax error: incomplete path\n" in typist.answer("source ask")
    assert typist.session._shell.terminal is not None
    put(box, "load", "load merge terminal\n")
    assert "there is no terminal to read from" in typist.answer("source load")


def test_files_that_source_one_another(box: FakeBox, typist: Typist) -> None:
    put(box, "loop", "source loop\n")
    answer = typist.answer("source loop")
    assert "Aborted: too many files source one another" in answer
    assert typist.session._shell.sources == 0
    assert typist.type("show cli").ok


def test_exit_ends_the_session(box: FakeBox, typist: Typist) -> None:
    put(box, "bye", "show cli | count\nexit\nshow cli\n")
    reply = typist.type("source bye")
    assert reply.exit_status == 0
    assert "Count: 15 lines" in reply.text


def test_slow_work_and_long_files(box: FakeBox, typist: Typist) -> None:
    put(box, "long", "configure\n" + "".join(f"set {PROFILE} P{number}\n" for number in range(100)) + "exit\n")
    reply = typist.session.line("source long", typist.now)
    assert reply.more
    assert typist.show(reply).ok


def test_an_interrupt_stops_behind_the_line_that_is_running(box: FakeBox, typist: Typist) -> None:
    worked: list[str] = []
    box.works["history"] = lambda: worked.append("history")
    put(box, "long", f"configure\nset {PROFILE} A\nrun request alarms clear history\nset {PROFILE} B\n")
    typist.screen += "source long\n"
    reply = typist.session.line("source long", typist.now)
    while reply.work is None:
        reply = typist.session.more(typist.now)
    assert typist.session.interrupt(typist.now) == Reply("", "")  # the work that has begun is done
    reply.work()
    assert typist.session.resume(typist.now).more
    before = len(typist.screen)
    reply = typist.show(typist.session.interrupt(typist.now))
    assert not reply.ok
    assert typist.screen[before:].replace("[2026-01-30 10:00:00]", "") == (
        "^C\nEntering configuration mode private\n[ok]\n[ok]\n[ok]\nAborted: by user\n[error]\n\n[edit]\nadmin@SBC1% "
    )
    assert len(box.requests) == len(worked) == 1
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"


def test_an_interrupt_denies_nothing_that_has_been_done(box: FakeBox, typist: Typist) -> None:
    box.database.subscribe(Refusing(work=int))
    put(box, "renew", f"configure\nset {PROFILE} A\ncommit\nset {PROFILE} B\n")
    reply = typist.session.line("source renew", typist.now)
    while reply.work is None:
        reply = typist.session.more(typist.now)
    reply = typist.session.resume(typist.now)
    assert reply.more
    reply = typist.show(typist.session.interrupt(typist.now))
    assert "\nCommit complete.\n[ok][2026-01-30 10:00:00]\nAborted: by user\n[error]" in typist.screen
    assert box.database.running.keys(("profiles", "security", "tlsProfile")) == (("A",),)
    lines = [(entry.event.line, entry.event.ok) for entry in box.journal if isinstance(entry.event, CliLine)]
    assert lines[-2:] == [("commit", True), ("source renew", False)]


def test_an_interrupt_in_the_middle_of_a_line_is_the_failure_of_that_line(box: FakeBox, typist: Typist) -> None:
    put(box, "many", "".join(f"set {PROFILE} P{number}\n" for number in range(1000)))
    put(box, "long", f"configure\nset {PROFILE} A\nload merge many\nset {PROFILE} B\n")
    reply = typist.session.line("source long", typist.now)
    while reply.work is None:
        reply = typist.session.more(typist.now)
    reply.work()
    reply = typist.session.resume(typist.now)
    assert reply.more
    assert typist.session.more(typist.now).more
    reply = typist.session.interrupt(typist.now)
    assert reply.text.endswith(
        "Aborted: by user\n[error][2026-01-30 10:00:00]\nError: long:3\n[error][2026-01-30 10:00:00]\n"
    )
    assert typist.answer("show | display set") == f"set {PROFILE} A\n"


def test_the_window_may_change_and_no_confirm_be_wanted_meanwhile(box: FakeBox, typist: Typist) -> None:
    box.works["history"] = int
    put(box, "quiet", f"configure no-confirm\nrun request alarms clear history\nset {PROFILE} A\n")
    reply = typist.session.line("source quiet", typist.now)
    while reply.work is None:
        reply = typist.session.more(typist.now)
    typist.session.resize(Terminal(100, 50))
    typist.show(typist.session.resume(typist.now))
    assert "screen-length        50\n" in typist.answer("run show cli")
    assert typist.type("exit").prompt == "admin@SBC1> "


def test_a_reader_sources_no_writes(box: FakeBox) -> None:
    box.users.add("viewer", "viewer", group="Guest")
    put(box, "write", f"configure\nset {PROFILE} A\n")
    author = box.sessions.open("viewer", START, context="cli", remote="192.0.2.9").author
    viewer = Typist(box.session(author=author))
    viewer.type(f"source {HOME}/write")
    assert f"Aborted: permission denied\n[error][2026-01-30 10:00:00]\nError: {HOME}/write:2\n" in viewer.screen


def test_nothing_goes_on_in_a_session_that_the_box_has_ended(box: FakeBox, typist: Typist) -> None:
    box.answers["clear"] = ()
    cut = box.request

    def request(*given: object) -> object:
        box.sessions.end()
        return cut(*given)

    box.request = request
    put(box, "cut", f"request alarms clear history\nconfigure\nset {PROFILE} A\ncommit\n")
    reply = typist.type("source cut")
    assert (reply.text.count("[ok]"), reply.prompt, reply.exit_status) == (2, "", 0)
    piped = Typist(box.session(None))
    reply = piped.show(piped.session.run(f"request alarms clear history; configure; set {PROFILE} A; commit", START))
    assert (reply.text.count("[ok]"), reply.exit_status) == (1, 0)
    assert box.database.revision == 0


def test_client_gone_in_the_middle(box: FakeBox, typist: Typist) -> None:
    put(box, "long", "configure\n" + f"set {PROFILE} P\n" * 100)
    assert typist.session.line("source long", typist.now).more
    typist.session.end(typist.now)
    assert box.database.candidates == ()


def test_reset_password(box: FakeBox, typist: Typist) -> None:
    box.users.add("other", "old-One-1", group="Operator", keys=["ssh-ed25519 AAAA"])
    assert "unknown argument" in typist.answer("reset-password nobody")
    assert typist.type("reset-password other").hidden
    typist.type("New-pass-word-1")
    assert typist.type("New-pass-word-1").ok
    assert box.users.check("other", "New-pass-word-1")
    assert (box.users.get("other").group, box.users.get("other").keys) == ("Operator", {"ssh-ed25519 AAAA"})
    for one, two, reason in (("a", "b", "passwords do not match"), ("a", "a", "password does not meet")):
        typist.type("reset-password other")
        typist.type(one)
        assert reason in typist.type(two).text
    assert "admin  other" in typist.session.complete("reset-password ", START, listing=True).text
    author = box.sessions.open("other", START, context="cli", remote="192.0.2.9").author
    viewer = Typist(box.session(author=author))
    viewer.type("reset-password admin")
    assert "Aborted: permission denied" in viewer.screen
    piped = Session(box, box.login(), None, START)
    assert "only be changed on a terminal" in piped.line("reset-password other", START).text


def test_banner_is_asked_for_line_by_line(typist: Typist) -> None:
    typist.type("configure")
    reply = typist.type("set system admin SBC1 banner bannerText")
    assert reply.text == "(<unknown>):\n[Multiline mode, exit with ctrl-D.]\n"
    assert reply.plain
    assert typist.type("No entry?").prompt == "> "
    typist.type("Really.")
    assert typist.show(typist.session.end_of_input(START)).ok
    assert typist.answer("show system admin SBC1 banner bannerText") == 'bannerText "No entry?\\nReally.";\n'
