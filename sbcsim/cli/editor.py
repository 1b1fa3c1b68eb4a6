"""The line editor of a terminal session: characters in, echo and finished lines out.

Every character is echoed when it is taken, never redrawn because of the terminal's width: programs wait for the echo
and read it back. CR, LF and CR LF are one Enter each, however they are spread over reads. The editor stops behind
each event, so that input which comes early waits, unread, until the session is ready for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

LINE_LIMIT = 65_536
HISTORY_LIMIT = 100
_ESCAPE = "\x1b"
_BELL = "\a"
_LINE_END = re.compile("[\r\n]")
_PLAIN = re.compile("[^\x00-\x1f\x7f-\x9f?]+")  # no control characters, and nothing that completes


class Key(Enum):
    """Keys that the session acts on by itself."""

    INTERRUPT = "Ctrl-C"
    END_OF_INPUT = "Ctrl-D on an empty line"
    LEAVE = "Ctrl-Z"
    REDRAW = "Ctrl-L"


@dataclass(frozen=True, slots=True)
class Entered:
    """Enter was pressed."""

    line: str


@dataclass(frozen=True, slots=True)
class Completing:
    """TAB, `?` (listing) or Space was pressed with `line` left of the cursor; no Space is in the line yet."""

    line: str
    listing: bool
    space: bool = False


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key was pressed while the session wanted single keys."""

    key: str


Event = Entered | Completing | Pressed | Key


class LineEditor:
    """Turns what a terminal sends into events; `feed` it, then ask for `next_event` until it returns None."""

    def __init__(self, *, line_limit: int = LINE_LIMIT, history_limit: int = HISTORY_LIMIT) -> None:
        self.hidden = False
        """The next line is a secret: no echo, no completion, no history."""
        self.plain = False
        """The next line is text of its own: no completion, no history."""
        self.mask = ""
        """What stands on the screen for each character of a secret."""
        self.spaces = False
        """Space completes, too, where it is the last key so far: not in what is pasted, or sent by a program."""
        self.single_keys = False
        """Every character is a key of its own, without echo: output waits behind a marker."""
        self._line_limit = line_limit
        self._history_limit = history_limit
        self._history: list[str] = []
        self._recalled = 0
        self._unsent = ""  # what stood in the line before the history was entered
        self._input = ""
        self._read = 0
        self._left: list[str] = []
        self._right: list[str] = []  # behind the cursor, nearest character last
        self._escape = ""
        self._after_return = False
        self._erased = ""
        self._echo: list[str] = []

    # input

    def feed(self, data: str) -> None:
        """Take characters; they wait until `next_event` reads them."""
        self._input = self._input[self._read :] + data
        self._read = 0

    @property
    def waiting(self) -> int:
        """How many characters have not been read."""
        return len(self._input) - self._read

    def next_event(self) -> Event | None:
        """Read on to the next event; None when the input is used up."""
        while self._read < len(self._input):
            if not (self._escape or self._after_return or self._right or self.single_keys):
                self._take_plain()
                if self._read >= len(self._input):
                    break
            char = self._input[self._read]
            self._read += 1
            event = self._take(char)
            if event is not None:
                return event
        self._input, self._read = "", 0
        return None

    # output

    def take_echo(self) -> str:
        """Return and forget what the terminal should show for the input read so far."""
        text = "".join(self._echo)
        self._echo.clear()
        return text

    @property
    def line(self) -> str:
        """The line as it stands."""
        return "".join(self._left) + "".join(reversed(self._right))

    def shown(self) -> str:
        """Return the text that draws the line again behind a new prompt."""
        if self.hidden and not self.mask:
            return ""
        return self._drawn(self.line) + "\b" * len(self._right)

    # changes from outside

    def clear(self) -> None:
        """Drop the line without showing it."""
        self._left.clear()
        self._right.clear()

    def complete(self, line: str) -> None:
        """Replace what stands left of the cursor by `line`."""
        old = "".join(self._left)
        if line == old:
            return
        if line.startswith(old):
            self._insert(line[len(old) :])
            return
        self._replace(line, keep_right=True)

    # single characters

    def _take_plain(self) -> None:
        """Take a run of ordinary characters at once: pasted configurations are long."""
        end = self._read
        data = self._input
        plain = _PLAIN.match(data, end)
        end = plain.end() if plain else end
        if self.spaces and end == len(data) and data[end - 1] == " ":
            end -= 1  # `_take` looks at it
        if end > self._read:
            self._insert(data[self._read : end])
            self._read = end

    def _take(self, char: str) -> Event | None:
        after_return, self._after_return = self._after_return, False
        if self._escape:
            self._take_escape(char)
            return None
        if char == "\n" and after_return:
            return None
        if char in "\r\n":
            self._after_return = char == "\r"
            return Pressed(char) if self.single_keys else self._enter()
        if self.single_keys:
            return Pressed(char)
        if char in "\t?" and not (self.hidden or self.plain) and not self._in_quotes():
            if char == "?":
                self._show(char)
            return Completing("".join(self._left), listing=char == "?")
        if char == " " and self._completes():
            return Completing("".join(self._left), listing=False, space=True)
        if char == _ESCAPE:
            self._escape = char
        elif char in self._EVENTS and (char != "\x04" or not self.line):
            return self._event(self._EVENTS[char])
        elif char in self._KEYS:
            self._KEYS[char](self)
        elif _PLAIN.match(char) or char in "\t?":
            self._insert(char)
        return None

    def _take_escape(self, char: str) -> None:
        self._escape += char
        if len(self._escape) == 2 and char in "[O":
            return
        if self._escape.startswith(_ESCAPE + "[") and not "@" <= char <= "~" and len(self._escape) < 16:
            return
        sequence, self._escape = self._escape, ""
        if sequence in self._SEQUENCES:
            self._SEQUENCES[sequence](self)

    def _enter(self) -> Event:
        line = self.line
        self._echo.append("\r\n")
        if line.strip() and not (self.hidden or self.plain) and (not self._history or self._history[-1] != line):
            self._history.append(line)
            del self._history[: -self._history_limit]
        if self.hidden:
            self._erased = ""
        self._recalled = len(self._history)
        self.clear()
        return Entered(line)

    def _event(self, key: Key) -> Event:
        if key in {Key.INTERRUPT, Key.LEAVE}:
            self._recalled = len(self._history)
            self.clear()
        return key

    def _completes(self) -> bool:
        """Tell whether a Space that has just been read completes the word before it."""
        typed = self._read >= len(self._input) and not self._right
        return typed and self.spaces and not (self.hidden or self.plain) and not self._in_quotes()

    def _in_quotes(self) -> bool:
        inside = escaped = False
        for char in self._left:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = not inside
        return inside

    # editing; the cursor moves by backspace and by writing characters again, so no width is ever needed

    def _show(self, text: str) -> None:
        if self.mask or not self.hidden:
            self._echo.append(text)

    def _drawn(self, text: str) -> str:
        """Return what stands on the screen for a piece of the line."""
        return self.mask * len(text) if self.hidden else text

    def _show_right(self, erased: int = 0) -> None:
        """Write what is behind the cursor, blank out `erased` characters behind it, and go back."""
        self._show(self._drawn("".join(reversed(self._right))) + " " * erased + "\b" * (len(self._right) + erased))

    def _insert(self, text: str) -> None:
        room = self._line_limit - len(self._left) - len(self._right)
        if len(text) > room:
            self._echo.append(_BELL)
            text = text[:room]
        self._left.extend(text)
        self._show(self._drawn(text))
        if self._right:
            self._show_right()

    def _replace(self, line: str, *, keep_right: bool = False) -> None:
        old = len(self._left) + len(self._right)
        self._show("\b" * len(self._left))
        self._left = list(line)
        if not keep_right:
            self._right.clear()
        self._show(self._drawn(line))
        self._show_right(max(0, old - len(self._left) - len(self._right)))

    def _erase_left(self) -> None:
        if self._left:
            self._left.pop()
            self._show("\b")
            self._show_right(1)

    def _erase_right(self) -> None:
        if self._right:
            self._right.pop()
            self._show_right(1)

    def _erase_line(self) -> None:
        self._erased = self.line
        self._replace("")

    def _erase_to_end(self) -> None:
        gone = len(self._right)
        self._erased = "".join(reversed(self._right))
        self._right.clear()
        self._show_right(gone)

    def _erase_word(self) -> None:
        old = "".join(self._left)
        kept = old.rstrip(" ")
        kept = kept[: kept.rfind(" ") + 1]
        gone = len(old) - len(kept)
        self._erased = old[len(kept) :]
        del self._left[len(kept) :]
        self._show("\b" * gone)
        self._show_right(gone)

    def _insert_erased(self) -> None:
        self._insert(self._erased)

    def _move_left(self) -> None:
        if self._left:
            self._right.append(self._left.pop())
            self._show("\b")

    def _move_right(self) -> None:
        if self._right:
            char = self._right.pop()
            self._left.append(char)
            self._show(self._drawn(char))

    def _move_to_start(self) -> None:
        self._show("\b" * len(self._left))
        self._right.extend(reversed(self._left))
        self._left.clear()

    def _move_to_end(self) -> None:
        self._show(self._drawn("".join(reversed(self._right))))
        self._left.extend(reversed(self._right))
        self._right.clear()

    def _older(self) -> None:
        if self._recalled > 0 and not self.hidden:
            if self._recalled == len(self._history):
                self._unsent = self.line
            self._recalled -= 1
            self._replace(self._history[self._recalled])

    def _newer(self) -> None:
        if self._recalled < len(self._history) and not self.hidden:
            self._recalled += 1
            at_end = self._recalled == len(self._history)
            self._replace(self._unsent if at_end else self._history[self._recalled])

    _EVENTS: ClassVar[dict[str, Key]] = {
        "\x03": Key.INTERRUPT,
        "\x04": Key.END_OF_INPUT,
        "\x0c": Key.REDRAW,
        "\x1a": Key.LEAVE,
    }
    _KEYS: ClassVar[dict[str, Callable[[LineEditor], None]]] = {
        "\x01": _move_to_start,
        "\x02": _move_left,
        "\x04": _erase_right,
        "\x05": _move_to_end,
        "\x06": _move_right,
        "\x08": _erase_left,
        "\x0b": _erase_to_end,
        "\x0e": _newer,
        "\x10": _older,
        "\x15": _erase_line,
        "\x17": _erase_word,
        "\x19": _insert_erased,
        "\x7f": _erase_left,
    }
    _SEQUENCES: ClassVar[dict[str, Callable[[LineEditor], None]]] = {
        "\x1b[A": _older,
        "\x1bOA": _older,
        "\x1b[B": _newer,
        "\x1bOB": _newer,
        "\x1b[C": _move_right,
        "\x1bOC": _move_right,
        "\x1b[D": _move_left,
        "\x1bOD": _move_left,
        "\x1b[H": _move_to_start,
        "\x1b[1~": _move_to_start,
        "\x1bOH": _move_to_start,
        "\x1b[F": _move_to_end,
        "\x1b[4~": _move_to_end,
        "\x1bOF": _move_to_end,
        "\x1b[3~": _erase_right,
    }


class LineReader:
    """Lines of an input that is no terminal: nothing is echoed, nothing is edited, nothing has a special meaning.

    A line beyond the limit is cut one character behind it, so that the session can tell and refuse it.
    """

    def __init__(self, *, line_limit: int = LINE_LIMIT) -> None:
        self.hidden = False
        self._room = line_limit + 1
        self._input = ""
        self._read = 0
        self._line: list[str] = []
        self._length = 0
        self._after_return = False

    def feed(self, data: str) -> None:
        """Take characters; they wait until `next_event` reads them."""
        self._input = self._input[self._read :] + data
        self._read = 0

    @property
    def waiting(self) -> int:
        """How many characters have not been read."""
        return len(self._input) - self._read

    def next_event(self) -> Entered | None:
        """Read on to the end of the next line; None when the input is used up."""
        while self._read < len(self._input):
            if self._after_return:
                self._after_return = False
                if self._input[self._read] == "\n":
                    self._read += 1
                    continue
            end = _LINE_END.search(self._input, self._read)
            self._keep(self._input[self._read : end.start() if end else None])
            if end is None:
                break
            self._read = end.end()
            self._after_return = end[0] == "\r"
            return self._finish()
        self._input, self._read = "", 0
        return None

    def last(self) -> Entered | None:
        """Return the line that the input ended in without an Enter, if there is one."""
        return self._finish() if self._line else None

    def take_echo(self) -> str:
        """Return nothing: there is no echo."""
        return ""

    def _keep(self, text: str) -> None:
        text = text[: self._room - self._length]
        if text:
            self._line.append(text)
            self._length += len(text)

    def _finish(self) -> Entered:
        line = "".join(self._line)
        self._line.clear()
        self._length = 0
        return Entered(line)
