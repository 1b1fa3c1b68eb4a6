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

from .editline import EditLine
from .recall import Recall

LINE_LIMIT = 65_536
HISTORY_LIMIT = 100
INTERRUPT = "\x03"
_ESCAPE = "\x1b"
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


@dataclass(frozen=True, slots=True)
class Habits:
    """How a user wants to type commands.

    `completes_on_space`: Space completes, too, where it is the last key so far: not in what is pasted, or sent by a
    program. `ignores_leading_space`: blanks in front of a command are not taken. `history` is how many lines can be
    called back.
    """

    completes_on_space: bool = False
    ignores_leading_space: bool = False
    history: int = HISTORY_LIMIT


class LineEditor:
    """Turns what a terminal sends into events; `feed` it, then ask for `next_event` until it returns None."""

    def __init__(self, *, line_limit: int = LINE_LIMIT) -> None:
        self.plain = False
        """The next line is an answer or text of its own: no completion, no history."""
        self.single_keys = False
        """Every character is a key of its own, without echo: output waits behind a marker."""
        self._habits = Habits()
        self._line = EditLine(line_limit)
        self._recall = Recall(self._habits.history)
        self._input = ""
        self._read = 0
        self._escape = ""
        self._after_return = False

    @property
    def hidden(self) -> bool:
        """The next line is a secret: no echo, no completion, no history."""
        return self._line.hidden

    @hidden.setter
    def hidden(self, hidden: bool) -> None:
        self._line.hidden = hidden

    @property
    def mask(self) -> str:
        """What stands on the screen for each character of a secret."""
        return self._line.mask

    @mask.setter
    def mask(self, mask: str) -> None:
        self._line.mask = mask

    @property
    def habits(self) -> Habits:
        """How commands are typed."""
        return self._habits

    @habits.setter
    def habits(self, habits: Habits) -> None:
        if habits.history != self._habits.history:
            self._recall.limit = habits.history
        self._habits = habits

    # input

    def feed(self, data: str) -> None:
        """Take characters; they wait until `next_event` reads them."""
        self._input = self._input[self._read :] + data
        self._read = 0

    @property
    def waiting(self) -> int:
        """How many characters have not been read."""
        return len(self._input) - self._read

    def take_interrupt(self) -> bool:
        """Tell whether Ctrl-C is among what has not been read, and forget that and what was typed before it."""
        at = self._input.rfind(INTERRUPT, self._read)
        if at < 0:
            return False
        self._read = at + 1
        return True

    def next_event(self) -> Event | None:
        """Read on to the next event; None when the input is used up."""
        while self._read < len(self._input):
            if self._after_return:
                self._after_return = False
                if self._input[self._read] == "\n":
                    self._read += 1
                    continue
            if self._line.at_end and not (self._escape or self.single_keys):
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
        return self._line.take_echo()

    @property
    def line(self) -> str:
        """The line as it stands."""
        return self._line.text

    def shown(self) -> str:
        """Return the text that draws the line again behind a new prompt."""
        return self._line.shown()

    # changes from outside

    def abandon(self) -> None:
        """Drop the line without showing it."""
        self._line.clear()
        self._recall.restart()

    def complete(self, line: str) -> None:
        """Replace what stands left of the cursor by `line`."""
        self._line.complete(line)

    # single characters

    def _take_plain(self) -> None:
        """Take a run of ordinary characters at once: pasted configurations are long."""
        start = self._read
        data = self._input
        if self._skips_blanks:
            while start < len(data) and data[start] == " ":
                start += 1
            self._read = start
        plain = _PLAIN.match(data, start)
        end = plain.end() if plain else start
        if self._habits.completes_on_space and end == len(data) and end > start and data[end - 1] == " ":
            end -= 1  # `_take` looks at it
        if end > start:
            self._line.insert(data[start:end])
            self._read = end

    def _take(self, char: str) -> Event | None:
        if self._escape:
            self._take_escape(char)
            return None
        if char in "\r\n":
            self._after_return = char == "\r"
            return Pressed(char) if self.single_keys else self._enter()
        if self.single_keys:
            return Pressed(char)
        if char in "\t? " and self._completes(char):
            if char == "?":
                self._line.show(char)
            return Completing(self._line.left, listing=char == "?", space=char == " ")
        if char == _ESCAPE:
            self._escape = char
        elif char in self._EVENTS and (char != "\x04" or self._line.empty):
            return self._event(self._EVENTS[char])
        elif char in self._KEYS:
            self._KEYS[char](self._line)
        elif char in self._RECALLS:
            self._RECALLS[char](self)
        elif _PLAIN.match(char) or char in "\t?":
            self._line.insert(char)
        return None

    def _take_escape(self, char: str) -> None:
        self._escape += char
        if len(self._escape) == 2 and char in "[O":
            return
        if self._escape.startswith(_ESCAPE + "[") and not "@" <= char <= "~" and len(self._escape) < 16:
            return
        sequence, self._escape = self._escape, ""
        key = self._SEQUENCES.get(sequence, "")
        if key in self._KEYS:
            self._KEYS[key](self._line)
        elif key:
            self._RECALLS[key](self)

    def _enter(self) -> Event:
        line = self._line.end()
        if self._takes_commands:
            self._recall.add(line)
        self._recall.restart()
        return Entered(line)

    def _event(self, key: Key) -> Event:
        if key is Key.INTERRUPT:
            self.abandon()
        return key

    @property
    def _skips_blanks(self) -> bool:
        return self._habits.ignores_leading_space and self._takes_commands and self._line.empty

    @property
    def _takes_commands(self) -> bool:
        return not (self.hidden or self.plain)

    def _completes(self, char: str) -> bool:
        """Tell whether a key that completes does so here; elsewhere it is an ordinary character."""
        if not self._takes_commands or self._line.literal:
            return False
        typed = self._read >= len(self._input) and self._line.at_end
        return char != " " or (typed and self._habits.completes_on_space)

    def _older(self) -> None:
        if self._takes_commands and (line := self._recall.older(self._line.text)) is not None:
            self._line.replace(line)

    def _newer(self) -> None:
        if self._takes_commands and (line := self._recall.newer()) is not None:
            self._line.replace(line)

    _EVENTS: ClassVar[dict[str, Key]] = {
        INTERRUPT: Key.INTERRUPT,
        "\x04": Key.END_OF_INPUT,
        "\x0c": Key.REDRAW,
        "\x1a": Key.LEAVE,
    }
    _KEYS: ClassVar[dict[str, Callable[[EditLine], None]]] = {
        "\x01": EditLine.move_to_start,
        "\x02": EditLine.move_left,
        "\x04": EditLine.erase_right,
        "\x05": EditLine.move_to_end,
        "\x06": EditLine.move_right,
        "\x08": EditLine.erase_left,
        "\x0b": EditLine.erase_to_end,
        "\x15": EditLine.erase_all,
        "\x17": EditLine.erase_word,
        "\x19": EditLine.insert_erased,
        "\x7f": EditLine.erase_left,
    }
    _RECALLS: ClassVar[dict[str, Callable[[LineEditor], None]]] = {"\x0e": _newer, "\x10": _older}
    _SEQUENCES: ClassVar[dict[str, str]] = {
        "\x1b[A": "\x10",
        "\x1bOA": "\x10",
        "\x1b[B": "\x0e",
        "\x1bOB": "\x0e",
        "\x1b[C": "\x06",
        "\x1bOC": "\x06",
        "\x1b[D": "\x02",
        "\x1bOD": "\x02",
        "\x1b[H": "\x01",
        "\x1b[1~": "\x01",
        "\x1b[7~": "\x01",
        "\x1bOH": "\x01",
        "\x1b[F": "\x05",
        "\x1b[4~": "\x05",
        "\x1b[8~": "\x05",
        "\x1bOF": "\x05",
        "\x1b[3~": "\x04",
    }
    """What the keys of a terminal that send several characters stand for."""
