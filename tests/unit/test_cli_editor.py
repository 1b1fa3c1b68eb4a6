"""The line editor: what is typed comes out as lines, what is shown matches what stands in the line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.cli.editor import Completing, Entered, Habits, Key, LineEditor
from sbcsim.cli.linereader import LineReader

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def events(source, *pieces):
    found = []
    for piece in pieces:
        source.feed(piece)
        while (event := source.next_event()) is not None:
            found.append(event)
    return found


def lines(source, *pieces):
    return [event.line for event in events(source, *pieces)]


def screen(echo):
    """What a terminal of endless width shows of the last line, and where its cursor is."""
    cells, cursor = [], 0
    for char in echo.rpartition("\r\n")[2]:
        if char == "\b":
            cursor -= 1
            assert cursor >= 0
        elif char.isprintable():
            cells[cursor : cursor + 1] = [char]
            cursor += 1
    return "".join(cells).rstrip(" "), cursor


@pytest.mark.parametrize("make", [LineEditor, LineReader])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\rb\r"], ["a", "b"]),
        (["a\nb\n"], ["a", "b"]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["a\r", "\nb\r", "\n"], ["a", "b"]),
        (["a", "\r"], ["a"]),
        (["\r\r"], ["", ""]),
        (["\n\n"], ["", ""]),
        (["\r\n\r\n"], ["", ""]),
        (["a\r\n\nb\n"], ["a", "", "b"]),
        (["a\r", "b\n"], ["a", "b"]),
    ],
)
def test_every_kind_of_enter(make, pieces, expected):
    assert lines(make(), *pieces) == expected


@pytest.mark.parametrize("make", [LineEditor, LineReader])
@given(typed=st.lists(st.text(alphabet="ab \"'é", max_size=5), max_size=6), data=st.data())
@settings(max_examples=100, deadline=None)
def test_splitting_never_matters(make, typed, data):
    text = "".join(line + data.draw(st.sampled_from(["\r", "\n", "\r\n"])) for line in typed)
    whole = make()
    bytewise = make()
    assert events(whole, text) == events(bytewise, *text)
    assert whole.take_echo() == bytewise.take_echo()


def test_every_character_is_echoed_at_once():
    editor = LineEditor()
    for char in 'show configuration | match "a?b"':
        events(editor, char)
        assert editor.take_echo() == char
    assert events(editor, "\n") == [Entered('show configuration | match "a?b"')]
    assert editor.take_echo() == "\r\n"


def test_long_input_is_never_wrapped_or_redrawn():
    editor = LineEditor()
    text = "set " + "x" * 5000
    assert events(editor, text) == []
    assert editor.take_echo() == text


def test_input_waits_behind_each_event():
    editor = LineEditor()
    editor.feed("one\ntwo\n")
    assert editor.next_event() == Entered("one")
    assert editor.take_echo() == "one\r\n"
    editor.feed("three\n")
    assert editor.waiting == 10
    assert editor.next_event() == Entered("two")
    assert editor.next_event() == Entered("three")
    assert editor.next_event() is None
    assert editor.waiting == 0


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("ab\x7fc", "ac"),
        ("ab\x08c", "ac"),
        ("\x7fa", "a"),
        (f"bc{LEFT}{LEFT}a", "abc"),
        (f"ac{LEFT}b{RIGHT}{RIGHT}d", "abcd"),
        ("bc\x01a\x05d", "abcd"),
        ("bc\x1b[Ha\x1b[Fd", "abcd"),
        ("bc\x1b[1~a\x1b[4~d", "abcd"),
        ("bc\x1bOHa\x1bOFd", "abcd"),
        ("abc\x02\x02\x06\x7f", "ac"),
        (f"abc{LEFT}{LEFT}\x1b[3~", "ac"),
        (f"abc{LEFT}{LEFT}\x04", "ac"),
        (f"abc{LEFT}{LEFT}\x0b", "a"),
        (f"abc{LEFT}\x15d", "d"),
        ("show  foo bar\x17", "show  foo "),
        ("show foo  \x17", "show "),
        (f"a bc d{LEFT}{LEFT}\x17", "a  d"),
        ("abc\x15x\x19", "xabc"),
        (f"abc{LEFT}\x0b\x01\x19", "cab"),
        ("a\x00\x1b[200~b\x1b[201~c\x1bOPd\x1bxe", "abcde"),
        ("a\x1b[1;5Cb", "ab"),
        (f"{UP}{DOWN}{RIGHT}{LEFT}\x7f\x1b[3~a", "a"),
    ],
)
def test_editing_keys(typed, line):
    editor = LineEditor()
    assert events(editor, typed) == []
    assert editor.line == line
    assert screen(editor.take_echo())[0] == line.rstrip(" ")
    assert events(LineEditor(), typed + "\r") == [Entered(line)]


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "bc",
                " ",
                "\x7f",
                LEFT,
                RIGHT,
                UP,
                DOWN,
                "\x01",
                "\x05",
                "\x0b",
                "\x15",
                "\x17",
                "\x19",
                "\x1b[3~",
                "\r",
            ]
        )
    )
)
@settings(max_examples=200, deadline=None)
def test_screen_shows_the_line(keys):
    editor = LineEditor()
    echo = ""
    for key in keys:
        events(editor, key)
        echo += editor.take_echo()
        text, cursor = screen(echo)
        assert text == editor.line.rstrip(" ")
        assert screen(editor.shown()) == (text, cursor)


def test_history():
    editor = LineEditor()
    editor.habits = Habits(history=2)
    assert lines(editor, "one\rtwo\rtwo\r \rthree\r") == ["one", "two", "two", " ", "three"]
    assert lines(editor, f"{UP}\r") == ["three"]
    assert lines(editor, f"{UP}{UP}\r") == ["two"]
    assert lines(editor, f"{UP}{UP}{UP}{UP}\r") == ["three"]  # the limit is 2, the oldest two are three and two
    assert lines(editor, f"new{UP}{DOWN}er\r") == ["newer"]
    assert lines(editor, "\x10\x0e\x0e\x10x\r") == ["newerx"]


def test_hidden_line_leaves_no_trace():
    editor = LineEditor()
    events(editor, "before\r")
    editor.take_echo()
    editor.hidden = True
    assert events(editor, f"pass?\tword{LEFT}x{UP}\x7f{UP}") == []
    assert editor.take_echo() == ""
    assert editor.shown() == ""
    assert events(editor, "\r") == [Entered("pass?\tword")]
    assert editor.take_echo() == "\r\n"
    editor.hidden = False
    assert lines(editor, f"{UP}\r") == ["before"]


def test_answer_is_text_and_not_called_back():
    editor = LineEditor()
    assert lines(editor, "before\r") == ["before"]
    editor.take_echo()
    editor.plain = True
    assert events(editor, f"what?\tever{UP}\x10\r") == [Entered("what?\tever")]
    assert editor.take_echo() == "what?\tever\r\n"
    editor.plain = False
    assert lines(editor, f"{UP}\r") == ["before"]


def test_fewer_lines_can_be_called_back_when_the_user_wants_so():
    editor = LineEditor()
    assert len(lines(editor, "one\rtwo\rthree\r")) == 3
    editor.habits = Habits(history=2)
    assert lines(editor, f"{UP}{UP}{UP}\r") == ["two"]
    editor.habits = Habits(history=0)
    assert lines(editor, f"four\r{UP}five\r") == ["four", "five"]


def test_masked_line_shows_its_length_only():
    editor = LineEditor()
    editor.hidden, editor.mask = True, "*"
    assert events(editor, f"se ?cr{LEFT}{LEFT}\x7f{LEFT}{RIGHT}") == []
    echo = editor.take_echo()
    assert screen(echo) == ("*****", 3)
    assert editor.shown() == "*****\b\b"
    assert events(editor, "\x05x") == []
    assert screen(echo + editor.take_echo()) == ("******", 6)
    assert events(editor, "\x15y\r") == [Entered("y")]
    assert set(editor.take_echo()) <= set("*\b \r\n")
    editor.hidden, editor.mask = False, ""
    assert lines(editor, "\x19\r") == [""]  # what was erased is as secret as the rest


def test_question_mark_and_tab_complete_outside_quotes():
    editor = LineEditor()
    assert events(editor, "sh?") == [Completing("sh", listing=True)]
    assert editor.take_echo() == "sh?"
    assert editor.line == "sh"
    assert events(editor, "\t") == [Completing("sh", listing=False)]
    editor.complete("show ")
    assert editor.take_echo() == "ow "
    assert events(editor, "\r") == [Entered("show ")]


@pytest.mark.parametrize("text", ['a "b?', 'a "b\t', 'a "b\\"?', 'a "b" "?', "a \\?", "a \\\t"])
def test_question_mark_and_tab_are_text_in_quotes_and_behind_a_backslash(text):
    editor = LineEditor()
    assert events(editor, text) == []
    assert editor.line == text
    assert editor.take_echo() == text


@pytest.mark.parametrize("text", ['a "b" ', 'a \\" ', 'a "b\\"" '])
def test_closed_and_escaped_quotes_are_no_quotes(text):
    assert events(LineEditor(), text + "?") == [Completing(text, listing=True)]


def test_completion_in_the_middle_keeps_the_rest():
    editor = LineEditor()
    events(editor, f"sho x{LEFT}{LEFT}\t")
    echo = editor.take_echo()
    editor.complete("show")
    echo += editor.take_echo()
    assert editor.line == "show x"
    assert screen(echo) == ("show x", 4)
    editor.complete("other")
    assert screen(echo + editor.take_echo()) == ("other x", 5)


def test_keys_of_the_session():
    editor = LineEditor()
    assert events(editor, "abc\x03") == [Key.INTERRUPT]
    assert editor.line == ""
    assert events(editor, "\x04") == [Key.END_OF_INPUT]
    assert events(editor, "a\x04") == []
    assert events(editor, "a\x1a\x0c") == [Key.LEAVE, Key.REDRAW]
    assert editor.line == "aa"  # whether Ctrl-Z means anything is not for the editor to say
    editor.abandon()
    assert editor.line == ""


def test_line_limit_rings_once_for_a_paste():
    editor = LineEditor(line_limit=4)
    events(editor, "abcdef")
    assert editor.take_echo() == "\aabcd"
    assert events(editor, "\r") == [Entered("abcd")]


def test_reader_cuts_behind_the_limit_and_keeps_the_last_line():
    reader = LineReader(line_limit=4)
    assert lines(reader, "ab", "cd", "ef\nabcd\nrest") == ["abcde", "abcd"]
    assert reader.last() == Entered("rest")
    assert reader.last() is None
    assert reader.take_echo() == ""


def test_reader_gives_keys_no_meaning():
    assert lines(LineReader(), "a\t?\x03\x7fb\n") == ["a\t?\x03\x7fb"]


@pytest.mark.parametrize("make", [LineEditor, LineReader])
@given(pieces=st.lists(st.text(st.characters(max_codepoint=0x2FF), max_size=20), max_size=8), hidden=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_input_gives_lines_and_nothing_else(make, pieces, hidden):
    source = make()
    source.hidden = hidden
    for event in events(source, *pieces):
        if isinstance(event, Entered):
            assert not set(event.line) & set("\r\n")
    assert source.waiting == 0


def test_long_paste_is_linear():
    editor = LineEditor()
    text = "set system admin SBC1 contact x\n" * 10_000
    editor.feed(text)
    count = 0
    while editor.next_event() is not None:
        count += 1
    assert count == 10_000
    assert len(editor.take_echo()) == len(text) + 10_000


def test_space_completes_where_it_was_typed():
    editor = LineEditor()
    editor.habits = Habits(completes_on_space=True)
    assert events(editor, "conf ") == [Completing("conf", listing=False, space=True)]
    editor.complete("configure ")
    assert editor.take_echo() == "configure "
    assert events(editor, " ") == [Completing("configure ", listing=False, space=True)]
    assert events(editor, "private \r") == [Entered("configure private ")]


@pytest.mark.parametrize("data", ["conf exclusive\r", "conf  \r", "conf \n"])
def test_space_in_a_paste_is_a_space(data):
    editor = LineEditor()
    editor.habits = Habits(completes_on_space=True)
    assert events(editor, data) == [Entered(data.rstrip("\r\n"))]
    assert editor.take_echo() == data.rstrip("\r\n") + "\r\n"


@pytest.mark.parametrize(("state", "typed"), [("hidden", "a "), ("plain", "a "), ("", 'set "a '), ("", "set a\\ ")])
def test_space_in_secrets_texts_and_quotes_is_a_space(state, typed):
    editor = LineEditor()
    editor.habits = Habits(completes_on_space=True)
    if state:
        setattr(editor, state, True)
    assert events(editor, typed) == []
    assert editor.line == typed


def test_space_in_the_middle_of_a_line_is_a_space():
    editor = LineEditor()
    editor.habits = Habits(completes_on_space=True)
    assert events(editor, "ab\x02", " ") == []
    assert editor.line == "a b"


@pytest.mark.parametrize("pieces", [["  \r show\r", " x\r"], [" ", "show\r", "\n", " ", " x\r"], ["  show\r\n  x\n"]])
def test_blanks_in_front_of_a_command_are_not_taken_where_the_user_wants_so(pieces):
    editor = LineEditor()
    editor.habits = Habits(completes_on_space=True, ignores_leading_space=True)
    assert [line for line in lines(editor, *pieces) if line] == ["show", "x"]
    assert editor.take_echo().replace("\r\n", "") == "showx"
    editor.plain = True
    assert lines(editor, " yes\r") == [" yes"]
