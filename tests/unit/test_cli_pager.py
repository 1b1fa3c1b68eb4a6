"""Long output: made in pieces, shown in pages, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from clibox import START, FakeBox, Typist
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.cli.pager import AT_ONCE, BATCH, Page, Pager, in_batches
from sbcsim.cli.session import Reply, Session, Terminal
from sbcsim.events import CliLine

LINES = st.lists(st.text("ab ", max_size=30), max_size=40)
PAGES = st.builds(Page, st.integers(1, 12), st.integers(0, 12))


def rows(lines: list[str], page: Page) -> int:
    return sum(map(page.height, lines))


def shown(pager: Pager) -> list[str]:
    """Return what is shown up to the next marker or the end."""
    found = pager.next()
    while not (pager.full or pager.over):
        found += pager.next()
    return found


@given(
    lines=LINES,
    cuts=st.lists(st.integers(0, 40), max_size=4).map(sorted),
    keys=st.lists(st.tuples(st.sampled_from(" \r\n"), PAGES | st.none()), max_size=8),
    first=PAGES,
)
def test_nothing_is_lost_whatever_the_screen_becomes(
    lines: list[str], cuts: list[int], keys: list[tuple[str, Page | None]], first: Page
) -> None:
    batches = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    pager = Pager(iter(batches), ["end"], first)
    seen = shown(pager)
    assert pager.full or seen == [*lines, "end"]
    assert not pager.full or rows(seen, first) <= first.rows or len(seen) == 1
    assert pager.full is (rows(lines, first) > first.rows and len(lines) > 1)
    for key, page in keys:
        if not pager.full:
            break
        assert pager.take(key, page)
        more = shown(pager)
        assert more
        if key != " ":
            assert len(more) == 1
        elif page is not None:
            assert rows(more, page) <= page.rows or len(more) == 1
        seen += more
    if pager.full:
        assert pager.take(" ", None)
        seen += shown(pager)
    assert seen == [*lines, "end"]


def test_a_page_holds_as_many_lines_as_fit() -> None:
    pager = Pager(in_batches("abcdef"), ["end"], Page(3))
    assert shown(pager) == list("abc")
    assert pager.take("\r", Page(3))
    assert shown(pager) == ["d"]
    assert not pager.take("x", Page(3))
    assert pager.take(" ", Page(3))
    assert shown(pager) == ["e", "f", "end"]
    assert pager.over


def test_long_lines_take_the_rows_they_need() -> None:
    pager = Pager(iter([["a" * 21, "b", "c", "d"]]), ["end"], Page(4, 10))
    assert shown(pager) == ["a" * 21, "b"]
    assert pager.take(" ", Page(4, 10))
    assert shown(pager) == ["c", "d", "end"]


def test_q_leaves_the_rest_out_but_not_the_end() -> None:
    pager = Pager(in_batches("abcdef"), ["end"], Page(2))
    assert shown(pager) == ["a", "b"]
    assert pager.take("q", Page(2))
    assert (shown(pager), pager.over) == (["end"], True)


def numbered(made: list[int]) -> Iterator[str]:
    for number in count():
        made.append(number)
        yield str(number)


def test_no_more_lines_are_made_than_can_be_shown() -> None:
    made: list[int] = []
    pager = Pager(in_batches(numbered(made)), ["end"], Page(23))
    assert shown(pager) == [str(number) for number in range(23)]
    assert pager.full
    assert len(made) == BATCH
    pager.cut()
    assert (pager.next(), pager.over, len(made)) == (["end"], True, BATCH)


def test_a_look_at_others_after_a_bounded_number_of_lines() -> None:
    made: list[int] = []
    pager = Pager(in_batches(numbered(made)), ["end"], None)
    assert len(pager.next()) == len(made) == BATCH * AT_ONCE
    nothing: list[int] = []
    pager = Pager(([] for _ in map(nothing.append, count())), ["end"], None)
    assert pager.next() == []
    assert not pager.over
    assert len(nothing) == AT_ONCE


@pytest.fixture
def box() -> FakeBox:
    box = FakeBox()
    typist = Typist(box.session())
    typist.type("configure")
    for number in range(1500):
        typist.type(f"set addressContext C{number}")
    assert typist.type("commit").ok
    return box


def pieces(session: Session, reply: Reply) -> list[Reply]:
    found = [reply]
    while found[-1].more:
        found.append(session.more(START))
    return found


@pytest.mark.parametrize("form", ["| display set", "", "| display xml", "| match C | except nothing"])
def test_a_long_output_comes_in_pieces(box: FakeBox, form: str) -> None:
    session = box.session(None)
    found = pieces(session, session.line(f"show configuration addressContext {form}", START))
    assert len(found) >= 4
    assert {reply.text.count("\n") <= BATCH * AT_ONCE + 1 for reply in found} == {True}
    text = "".join(reply.text for reply in found)
    assert text.endswith("[ok][2026-01-30 10:00:00]\n")
    assert all(f"C{number}" in text for number in (0, 750, 1499))


@pytest.mark.parametrize(
    ("pipe", "wanted"),
    [
        ("count", "Count: 1500 lines\n"),
        ("match nothing", ""),
        ("linnum | match 1500:", "1500: "),
        ("find C1499", "set "),
    ],
)
def test_a_filter_that_shows_little_looks_at_others_as_often(box: FakeBox, pipe: str, wanted: str) -> None:
    session = box.session(None)
    found = pieces(session, session.line(f"show configuration addressContext | display set | {pipe}", START))
    assert len(found) >= 4
    assert "".join(reply.text for reply in found).startswith(wanted)


def test_one_line_is_recorded_once_and_at_once(box: FakeBox) -> None:
    session = box.session(None)
    recorded: list[CliLine] = []
    box.journal.subscribe(lambda entry: recorded.append(entry.event))
    reply = session.line("show configuration | display set", START)
    assert [event.line for event in recorded] == ["show configuration | display set"]
    pieces(session, reply)
    assert len(recorded) == 1
    assert session.line("show configuration | count", START).more
    session.end(START)
    assert [event.line for event in recorded[1:]] == ["show configuration | count"]


def test_a_long_output_can_be_interrupted(box: FakeBox) -> None:
    session = box.session(Terminal(80, 0, keys=True))
    assert session.line("show configuration", START).more
    assert not session.at_prompt
    reply = session.interrupt(START)
    assert (reply.text, reply.prompt) == ("^C\n[ok][2026-01-30 10:00:00]\n", "admin@SBC1> ")
    assert session.line("show users", START).ok


def test_a_snapshot_is_shown(box: FakeBox) -> None:
    session, other = box.session(None), Typist(box.session())
    reply = session.line("show configuration addressContext | display set", START)
    other.type("configure")
    for number in range(1500):
        other.type(f"delete addressContext C{number}")
    assert other.type("commit").ok
    assert sum(piece.text.count("set ") for piece in pieces(session, reply)) == 1500


def test_the_first_page_of_much_is_made_alone(box: FakeBox) -> None:
    session = box.session(Terminal(80, 24, keys=True))
    reply = session.line("show configuration", START)
    assert (reply.text.count("\n"), reply.prompt) == (23, "--More--")
    assert session.key(" ", START).text.count("\n") == 23
    session.resize(Terminal(80, 0))
    found = pieces(session, session.key(" ", START))
    assert sum(reply.text.count("\n") for reply in found) > 2900
    assert found[-1].prompt == "admin@SBC1> "


def test_a_file_that_cannot_be_written_is_told_at_the_end(box: FakeBox) -> None:
    session = box.session(None)
    reply = pieces(session, session.line("show configuration | save /nowhere/file", START))[-1]
    assert reply.text.startswith("Error: failed to write file")
    assert (reply.ok, reply.exit_status) == (False, 1)


def test_a_long_refusal_waits_for_keys_like_any_output(box: FakeBox) -> None:
    session = box.session(Terminal(80, 5, keys=True))
    reply = session.line("frobnicate", START)
    assert (reply.prompt, reply.ok) == ("--More--", False)
    reply = session.key("q", START)
    assert reply.text.endswith("[error][2026-01-30 10:00:00]\n")
    assert session.line("show users", START).ok


def test_one_line_that_is_longer_than_the_page_needs_no_key() -> None:
    pager = Pager(iter([["aa"]]), ["[ok]"], Page(1, 1))
    assert (pager.next(), pager.full, pager.over) == (["aa", "[ok]"], False, True)
