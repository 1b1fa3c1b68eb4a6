"""CLI properties: each one acts, for its own session and no longer than that."""

from __future__ import annotations

import pytest
from clibox import START, FakeBox, Typist

from sbcsim.cli.editor import Habits
from sbcsim.cli.session import Terminal


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


@pytest.fixture
def typist(box: FakeBox) -> Typist:
    return Typist(box.session(Terminal(40, 6, keys=True)))


def shown(typist: Typist, name: str) -> str:
    line = typist.answer(f'show cli | match "^{name} "')
    return line.split()[1]


def test_how_commands_are_typed(typist: Typist) -> None:
    assert typist.session.habits == Habits(completes_on_space=True, ignores_leading_space=False, history=100)
    for line in ("set complete-on-space false", "set ignore-leading-space true", "set history 5"):
        assert typist.type(line).ok
    assert typist.session.habits == Habits(completes_on_space=False, ignores_leading_space=True, history=5)


def test_history(typist: Typist) -> None:
    typist.type("set history 2")
    for number in range(4):
        typist.type(f"help up | match {number}")
    assert typist.answer("show history").splitlines() == [
        "01-30 10:00:00 -- help up | match 3",
        "01-30 10:00:00 -- show history",
    ]


def test_timestamp_stands_above_everything_a_command_prints(box: FakeBox, typist: Typist) -> None:
    typist.type("set paginate false")
    assert typist.answer("set timestamp true") == ""
    typist.later(61)
    assert typist.answer("help up") == "Jan 30 10:01:01\nHelp for command: up\nGo up in the path\n"
    assert typist.answer("nonsense | count").startswith("Jan 30 10:01:01\n------------^\n")
    typist.type("configure")
    typist.type("set system security pki certificate NEW type local")
    assert typist.answer("exit") == "Jan 30 10:01:01\nThere are uncommitted changes.\n"
    assert typist.answer("no").startswith("Aborted: by user\n")
    typist.type("run set timestamp false")
    assert typist.answer("top") == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("set display-level 0", '"0" is out of range.'),
        ("set history -3", '"-3" is out of range.'),
        ("set idle-timeout 999999999999999", '"999999999999999" is out of range.'),
        ("set screen length many", '"many" is not a valid value.'),
        ("set screen width 1.5", '"1.5" is not a valid value.'),
        ("set paginate no", '"no" is not a valid value.'),
    ],
)
def test_wrong_values(typist: Typist, line: str, problem: str) -> None:
    value = line.rpartition(" ")[2]
    caret = "-" * (len("admin@SBC1> ") + line.index(value)) + "^"
    typist.type("set paginate false")
    assert typist.answer(line) == f"{caret}\nsyntax error: {problem}\n"


def test_screen_follows_the_terminal_until_it_is_set(typist: Typist) -> None:
    typist.session.resize(Terminal(50, 7, keys=True))
    typist.type("set paginate false")
    assert (shown(typist, "screen-width"), shown(typist, "screen-length")) == ("50", "7")
    typist.type("set screen length 0")
    typist.session.resize(Terminal(60, 8, keys=True))
    assert (shown(typist, "screen-width"), shown(typist, "screen-length")) == ("60", "0")
    typist.type("set paginate true")
    assert not typist.type("show cli").keys


def test_lines_wider_than_the_screen_leave_less_on_a_page(typist: Typist) -> None:
    typist.type("set screen width 10")
    reply = typist.type("show cli")
    assert (reply.keys, reply.text.count("\n")) == (True, 1)
    typist.session.key("q", START)
    typist.type("set screen width 0")
    assert typist.type("show cli").text.count("\n") == 5


def test_more_goes_on_page_by_page_where_paging_is_off(typist: Typist) -> None:
    typist.type("set paginate false")
    assert typist.type("show cli | more").keys
    assert typist.session.key(" ", START).keys
    assert typist.session.key("q", START).text.endswith("[ok][2026-01-30 10:00:00]\n")
    assert not typist.type("show cli").keys


def test_terminal_is_the_one_that_was_asked_for(box: FakeBox) -> None:
    assert shown(Typist(box.session(Terminal(80, 0, kind="vt100"))), "terminal") == "vt100"
    assert shown(Typist(box.session(None)), "terminal") == "generic"


def test_properties_end_with_the_session(box: FakeBox, typist: Typist) -> None:
    typist.type("set paginate false")
    assert shown(Typist(box.session(Terminal(80, 0))), "paginate") == "true"
