"""Lines of an input that is no terminal."""

from __future__ import annotations

import re

from .editor import LINE_LIMIT, Entered

_LINE_END = re.compile("[\r\n]")


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

    def take_interrupt(self) -> bool:
        """Return False: no character interrupts."""
        return False

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
