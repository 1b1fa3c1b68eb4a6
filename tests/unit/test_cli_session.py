"""Sessions: prompts, questions, slow work, scripts, what gets recorded, and what stays secret."""

from __future__ import annotations

import time

import pytest
from clibox import SCREEN, START, FakeBox, Refusing, Typist
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.cli.modes import Mode
from sbcsim.cli.session import LONGEST_LINE, Completion, Reply, Terminal
from sbcsim.errors import BugError, UserError
from sbcsim.schema.load import load
from sbcsim.schema.walk import Word, resolve_set

EDIT = "set system security pki certificate NEW fileName a.p12"


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    return Typist(box.session())


def test_empty_lines_and_comments_give_a_prompt_only(typist: Typist) -> None:
    for line in ("", "   ", "! a comment", "/* a comment */"):
        assert typist.type(line) == Reply("", "admin@SBC1> ")


def test_host_part_is_cut_at_the_first_dot(box: FakeBox) -> None:
    box.system_name = "sbc.example.com"
    assert Typist(box.session()).prompt == "admin@sbc> "


def test_status_line_shows_node_time(typist: Typist) -> None:
    typist.later(90 * 86400)
    assert typist.type("show cli").text.endswith("[ok][2026-04-30 10:00:00]\n")


def test_exit_closes_without_text(typist: Typist) -> None:
    assert typist.type("exit") == Reply("", "", exit_status=0)


@pytest.mark.parametrize(
    ("answer", "mode"),
    [("yes", Mode.OPERATIONAL), ("y", Mode.OPERATIONAL), ("no", Mode.CONFIGURE), ("", Mode.CONFIGURE)],
)
def test_leaving_with_changes_is_confirmed(typist: Typist, answer: str, mode: Mode) -> None:
    typist.type("configure")
    typist.type(EDIT)
    reply = typist.type("exit")
    assert (reply.text, reply.prompt) == ("There are uncommitted changes.\n", "Discard changes and continue? [yes,no] ")
    reply = typist.type(answer)
    assert typist.session.mode is mode
    assert reply.text.startswith("Aborted: by user\n[error]") is (mode is Mode.CONFIGURE)


def test_no_confirm_asks_nothing(typist: Typist) -> None:
    typist.type("configure no-confirm")
    typist.type(EDIT)
    assert typist.type("exit").prompt == "admin@SBC1> "


def test_revert_asks(typist: Typist) -> None:
    typist.type("configure")
    typist.type(EDIT)
    assert typist.type("revert").prompt == "All configuration changes will be lost. Proceed? [yes,NO] "
    assert not typist.type("").ok
    typist.type("revert")
    assert typist.type("yes").ok
    assert typist.answer("show") == "No entries found.\n"


def test_interrupt_answers_a_question(typist: Typist, box: FakeBox) -> None:
    typist.type("configure")
    typist.type(EDIT)
    typist.type("exit")
    reply = typist.session.interrupt(START)
    assert reply.text.startswith("^C\nAborted: by user\n[error]")
    assert typist.session.mode is Mode.CONFIGURE
    assert typist.session.interrupt(START) == Reply("^C\n", "admin@SBC1% ")


def test_missing_value_is_asked_for(typist: Typist) -> None:
    typist.type("configure")
    assert typist.type("set system security pki certificate NEW state").prompt == "[disabled,enabled]: "
    assert typist.type("en").ok
    reply = typist.type("set system security pki certificate NEW passPhrase")
    assert (reply.prompt, reply.hidden, reply.mask) == ("(<AES encrypted string>): ", True, "*")
    typist.type("open sesame")
    assert "passPhrase $8$" in typist.answer("show system security pki certificate NEW")
    typist.type("set system security pki certificate NEW type")
    assert 'syntax error: "paper" is not a valid value.' in typist.type("paper").text


def test_missing_value_is_an_error_without_a_terminal(box: FakeBox) -> None:
    session = box.session(None)
    session.line("configure", START)
    reply = session.line("set system security pki certificate NEW state", START)
    assert reply.text.startswith("-" * 45 + "^\nsyntax error: incomplete path\n[error]")
    assert reply.exit_status == 1


def test_line_goes_on_behind_a_backslash(typist: Typist) -> None:
    typist.type("configure")
    assert typist.type("set system security pki \\").prompt == "> "
    assert typist.type("certificate NEW type local").ok
    assert typist.answer("show system security pki certificate NEW") == "type local;\n"


@pytest.mark.parametrize(
    ("lines", "dashes"),
    [
        (("set system security pki \\", "certificate NEW frob x"), len("> certificate NEW ")),
        (("set system \\", "security pki \\", "certificate NEW type"), len("> certificate NEW type")),
        (("set system security frob \\", "certificate NEW"), len("admin@SBC1% set system security ")),
    ],
)
def test_caret_stands_under_the_word_of_a_line_that_goes_on(
    typist: Typist, lines: tuple[str, ...], dashes: int
) -> None:
    typist.type("set autowizard false")
    typist.type("configure")
    for line in lines[:-1]:
        assert typist.type(line).prompt == "> "
    assert typist.answer(lines[-1]).splitlines()[0] == "-" * dashes + "^"


def test_a_line_that_goes_on_is_completed_from_its_beginning(typist: Typist) -> None:
    typist.type("configure")
    typist.type("set system secu\\")
    assert typist.session.complete("rity pk", START, listing=False).line == "rity pki "
    assert typist.session.space("rity pk", START).line == "rity pki "
    assert "  pki " in typist.session.complete("rity ", START, listing=True).text
    typist.type(" \\")
    assert typist.session.complete("", START, listing=False).line == ""
    typist.type("")
    typist.type("set sys\\")
    assert typist.session.complete("", START, listing=False).line == "tem "
    typist.type("")
    typist.type('set system admin SBC1 banner bannerText "a\\')
    assert typist.session.complete("b ", START, listing=True) == Completion("b ")


def test_overlong_line_is_refused(typist: Typist) -> None:
    assert typist.type("show " + "x" * LONGEST_LINE).text.startswith("Aborted: line too long\n[error]")


def test_slow_work_is_handed_out(box: FakeBox) -> None:
    done: list[str] = []
    box.database.subscribe(Refusing(work=lambda: done.append("work")))
    session = box.session()
    for line in ("configure", EDIT):
        session.line(line, START)
    reply = session.line("commit", START)
    assert reply.work is not None
    assert (reply.text, reply.prompt) == ("", "")
    with pytest.raises(BugError):
        session.line("show", START)
    assert box.database.revision == 0
    reply.work()
    assert session.resume(START).text.startswith("Commit complete.\n[ok]")
    assert (done, box.database.revision) == (["work"], 1)
    with pytest.raises(BugError):
        session.resume(START)


def test_a_commit_that_began_is_made_though_the_client_left(box: FakeBox) -> None:
    box.database.subscribe(Refusing(work=lambda: None))
    session = box.session(None)
    reply = session.run(f"configure; {EDIT}; commit; delete system security pki certificate NEW; commit", START)
    assert reply.work is not None
    reply.work()
    session.conclude(START)
    assert box.database.revision == 1
    assert [session.mode for session in box.sessions] == [""]


def test_refusal_by_a_subscriber(box: FakeBox) -> None:
    def veto(_: object) -> None:
        raise UserError("'a b': no")

    box.database.subscribe(Refusing(veto=veto))
    typist = Typist(box.session())
    typist.type("configure")
    typist.type(EDIT)
    assert typist.answer("commit") == "Aborted: 'a b': no\n"
    assert typist.answer("commit check") == "Failed: 'a b': no\n"
    assert typist.answer("validate") == "Failed: 'a b': no\n"
    assert "fileName a.p12;" in typist.answer("show system security pki certificate NEW")


def test_two_private_sessions_conflict(box: FakeBox) -> None:
    one, two = Typist(box.session()), Typist(box.session())
    for typist, file in ((one, "one.p12"), (two, "two.p12")):
        typist.type("configure")
        typist.type(f"set system security pki certificate NEW fileName {file}")
    assert (
        "Current configuration users:\nadmin ssh (cli from 192.0.2.7) on since 2026-01-30 10:00:00 private mode\n"
        in (two.screen)
    )
    assert one.answer("commit") == "Commit complete.\n"
    refused = two.answer("commit")
    assert refused.startswith("Aborted: there are conflicts.\n" + "-" * 74 + "\nResolve needed before")
    assert refused.endswith("Conflicting users: admin\n" + "-" * 74 + "\n")
    assert "!" in two.answer("show | compare")
    two.type("resolved")
    assert two.answer("commit") == "Commit complete.\n"
    assert two.answer("run show configuration system security pki certificate NEW fileName") == "fileName two.p12;\n"


def test_commit_against_the_lock(box: FakeBox) -> None:
    one, two = Typist(box.session()), Typist(box.session())
    two.type("configure")
    one.type("configure exclusive")
    two.type(EDIT)
    assert two.answer("commit") == (
        "Aborted: the configuration database is locked by session 1 admin ssh (cli from 192.0.2.7) on since "
        "2026-01-30 10:00:00\n"
    )


def test_end_closes_the_candidate(box: FakeBox) -> None:
    session = box.session()
    session.line("configure exclusive", START)
    session.line(EDIT, START)
    session.line("exit", START)
    assert box.database.lock_holder is not None
    session.end(START)
    assert box.database.candidates == ()


def test_end_of_input(box: FakeBox) -> None:
    typist = Typist(box.session())
    typist.type("configure")
    assert typist.session.end_of_input(START).prompt == "admin@SBC1> "
    assert typist.session.end_of_input(START).exit_status == 0
    assert box.session(None).end_of_input(START) == Reply("", "", exit_status=0)


def test_without_a_terminal_there_are_no_prompts(box: FakeBox) -> None:
    session = box.session(None)
    assert session.start(START) == Reply("", "")
    assert session.line("configure", START) == Reply(
        "Entering configuration mode private\n[ok][2026-01-30 10:00:00]\n", ""
    )
    assert session.line(EDIT, START).prompt == ""
    assert session.line("exit", START).ok
    reply = session.line("co", START)
    assert reply.text.startswith("^\nsyntax error: ambiguous command\n")
    assert (reply.ok, reply.exit_status) == (False, 1)


def test_script_stops_at_the_first_error(box: FakeBox) -> None:
    reply = box.session(None).run(f"configure; {EDIT}; commit; nonsense; exit", START)
    assert (reply.exit_status, box.database.revision) == (1, 1)
    assert reply.text.count("[ok]") == 3
    assert reply.text.endswith("[error][2026-01-30 10:00:00]\n")


def test_script_runs_to_its_end(box: FakeBox) -> None:
    box.database.subscribe(Refusing(work=lambda: None))
    session = box.session(None)
    reply = session.run(f"configure\r\n{EDIT}\r\n\r\ncommit\nexit\nexit\nshow cli", START)
    assert reply.work is not None
    assert reply.text.count("[ok]") == 2
    reply.work()
    reply = session.resume(START)
    assert (reply.exit_status, reply.text.count("[ok]")) == (0, 2)


def test_long_scripts_do_not_nest(box: FakeBox) -> None:
    session = box.session(None)
    reply = session.run("show cli;" * 3000, START)
    done = [reply.text.count("[ok]")]
    while reply.more:
        reply = session.more(START)
        done.append(reply.text.count("[ok]"))
    assert (reply.exit_status, sum(done), max(done)) == (0, 3000, 25)


def test_lines_are_recorded_without_secrets(typist: Typist, box: FakeBox) -> None:
    typist.type("configure")
    for line in (
        "set system security pki certificate N passPhrase s3cret state enabled",
        "set system security pki certificate N pass s3cret",
        "set system security pki certificate N passPhrase",
        "set system security pki certificate N passFrase s3cret",
        'set system security pki certificate N passPhrase "s3cret',
        "set system security pki certificate N passPhrase " + "s3cret" * 20,
        "show | match passPhrase",
    ):
        typist.type(line)
        if line.endswith("N passPhrase"):
            typist.type("s3cret", echo=False)
    typist.type("run show history")
    assert "s3cret" not in str([entry.event for entry in box.journal])
    printed = [line for line in typist.screen.splitlines() if not line.startswith("admin@")]
    assert "s3cret" not in "\n".join(printed)
    assert [entry.event.ok for entry in box.journal][1:3] == [True, True]


def test_paging() -> None:
    typist = Typist(FakeBox().session(Terminal(80, 5, keys=True)))
    reply = typist.type("show cli")
    assert (reply.text.count("\n"), reply.prompt, reply.keys) == (4, "--More--", True)
    reply = typist.session.key("\r", START)
    assert reply.text == "\r        \ridle-timeout         1800\n"
    assert typist.session.key("x", START) == Reply("", "", keys=True)
    assert typist.session.key(" ", START).text.count("\n") == 4
    reply = typist.session.key("q", START)
    assert (reply.text, reply.prompt) == ("\r        \r[ok][2026-01-30 10:00:00]\n", "admin@SBC1> ")
    for line in ("show cli | nomore", "set paginate false", "show cli"):
        assert not typist.type(line).keys


def test_resize_changes_the_page() -> None:
    typist = Typist(FakeBox().session(Terminal(80, 0, keys=True)))
    assert not typist.type("show cli").keys
    typist.session.resize(Terminal(80, 10, keys=True))
    assert typist.type("show cli").keys


WORDS = st.sampled_from(
    [
        "set", "show", "configuration", "status", "table", "delete", "edit", "up", "top", "run", "commit", "check",
        "configure", "exclusive", "exit", "quit", "system", "security", "pki", "certificate", "NEW", "state", "enabled",
        "addressContext", "default", "zone", "Z", "id", "7", "sipSigPort", "1", "|", "display", "match", "compare",
        "count", "[", "]", '"', '""', "\\", "profiles", "tlsProfile", "T", "no", "yes", "rollback", "revert", "request",
        "alarms", "clear", "help", "-1", "99999999999999999999", "\x00", "é", "$8$", "passPhrase", "{", "}", "details",
        "validate", "resolved", "users", "history", "find", "until", "(", "*", "linnum", "set-path",
    ]
)  # fmt: skip
LINES = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=9).map(" ".join))


def test_the_end_of_the_input_ends_a_line_that_goes_on(box: FakeBox, typist: Typist) -> None:
    typist.type("configure")
    typist.type("set profiles security tlsProfile A \\")
    reply = typist.show(typist.session.end_of_input(START))
    assert (reply.ok, reply.text) == (True, "\n[ok][2026-01-30 10:00:00]\n")
    assert typist.answer("show | display set") == "set profiles security tlsProfile A\n"
    piped = Typist(box.session(None))
    piped.type("show cli | count \\")
    assert piped.session.reads_input
    assert piped.show(piped.session.end_of_input(START)).text == "Count: 15 lines\n[ok][2026-01-30 10:00:00]\n"
    assert not piped.session.reads_input
    assert piped.session.end_of_input(START).exit_status == 0


def test_more_words_than_any_path_has_hold_nobody_up(typist: Typist) -> None:
    typist.type("configure")
    begun = time.process_time()
    for verb in ("copy", "rename"):
        assert "syntax error" in typist.answer(f"{verb} profiles security tlsProfile {'a ' * 20_000}")
    assert time.process_time() - begun < 10  # where each number of keys is tried, it takes more than twenty


def test_a_list_of_many_values_holds_nobody_up() -> None:
    words = [
        Word(word)
        for word in ["addressContext", "A", "ipInterfaceGroup", "G", "ipInterface", "I", "altMediaIpAddresses"]
    ]
    values = tuple(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(30_000))
    begun = time.process_time()
    (assignment,) = resolve_set(load(), [*words, Word("", values=(*values, *values))])
    assert assignment.value == values
    assert time.process_time() - begun < 4  # where each value is looked for among all, it takes half a minute


def test_more_pipes_than_any_line_needs_are_refused(typist: Typist) -> None:
    assert typist.answer("show cli" + " | match a" * 50).startswith("autowizard")
    caret, text = typist.answer("show cli" + " | match a" * 5_000).splitlines()
    assert (len(caret), text) == (len("admin@SBC1> show cli") + 50 * 10 + 4, "syntax error: unknown argument")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LINES, st.sampled_from("ltqc")), max_size=12), st.booleans())
def test_any_line_gives_a_reply(lines: list[tuple[str, str]], terminal: bool) -> None:
    session = FakeBox().session(SCREEN if terminal else None)
    for line, what in [("configure", "l"), *lines]:
        if what == "l":
            reply = session.line(line, START)
            assert not reply.text or reply.text.endswith("\n")
            if reply.exit_status is not None:
                break
        elif what == "c":
            session.interrupt(START)
        else:
            found = session.complete(line, START, listing=what == "q")
            assert found.line.startswith(line) or found.line.count(" ") >= line.count(" ")
    session.end(START)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_script_ends(script: str) -> None:
    assert FakeBox().session(None).run(script, START).exit_status in {0, 1}
