"""The screen of the terminal in the coach: what stands there after what was printed, at any width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.cli.editline import EditLine
from sbcsim.learn.screen import MOST_LINES, Screen


def fed(*texts: str) -> Screen:
    screen = Screen()
    for text in texts:
        screen.feed(text)
    return screen


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("one\r\ntwo", "one\ntwo"),
        ("abc\b\bX", "aXc"),
        ("abc\b \b", "ab "),
        ("long\rto", "tong"),
        ("abc\r\x1b[K", ""),
        ("abc\b\x1b[0Kd", "abd"),
        ("a\x1b[2Jb", "b"),
        ("a\x07\x00b", "ab"),
        ("a\x1b[1;31mb\x1b[0m", "ab"),
        ("\b\bx", "x"),
        ("a\r\n\r\nb", "a\n\nb"),
    ],
)
def test_what_was_printed_stands_there(printed: str, text: str) -> None:
    assert fed(printed).text == text
    assert fed(*printed).text == text


def test_lines_are_broken_where_they_are_shown() -> None:
    screen = fed("abcdefgh\r\nij")
    assert screen.rows(3, 9) == (["abc", "def", "gh", "ij "], (3, 2))
    assert screen.rows(80, 9) == (["abcdefgh", "ij "], (1, 2))
    assert screen.rows(3, 2) == (["gh", "ij "], (1, 2))


def test_the_cursor_goes_back_over_the_edge_of_the_screen() -> None:
    screen = fed("abcdef\b\b\b\b\bX")
    assert screen.rows(3, 9) == (["aXc", "def"], (0, 2))
    assert fed("abc").rows(3, 9) == (["abc", " "], (1, 0))


def test_only_so_many_lines_are_kept() -> None:
    screen = fed("line\r\n" * (MOST_LINES + 5), "end")
    assert screen.text.count("\n") == MOST_LINES - 1
    assert screen.text.endswith("line\nend")


EDITS = st.lists(
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5),
        st.sampled_from(["erase_left", "erase_right", "move_left", "move_right", "move_to_start", "move_to_end",
                         "erase_word", "erase_to_end", "erase_all", "insert_erased"]).map(lambda name: (name,)),
    ),
    max_size=30,
)  # fmt: skip


@given(EDITS, st.integers(2, 20))
def test_an_edited_line_stands_there_as_it_is(edits: list[str | tuple[str]], width: int) -> None:
    line, screen = EditLine(200), Screen()
    for edit in edits:
        if isinstance(edit, str):
            line.insert(edit)
        else:
            getattr(line, edit[0])()
        screen.feed(line.take_echo())
    assert screen.text.rstrip(" ") == line.text.rstrip(" ")
    rows, (row, column) = screen.rows(width, 1_000)
    assert row * width + column == len(line.left)
    assert "".join(rows).rstrip(" ") == line.text.rstrip(" ")
