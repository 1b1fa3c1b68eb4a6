"""The screen of a terminal, as far as the box's command line needs one: it writes, goes back, and writes again.

Lines are kept as they were written and are only broken where they are shown, so that a cursor that goes back over the
edge of the screen is right at any width, and a change of the width loses nothing.
"""

from __future__ import annotations

import re

MOST_LINES = 2_000
"""Lines that are kept."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[^\[])")
_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*)?\Z")


class Screen:
    """What stands on a terminal: `feed` it with what the far end prints."""

    def __init__(self) -> None:
        self._lines: list[str] = [""]
        self._row = 0
        self._column = 0
        self._pending = ""

    @property
    def text(self) -> str:
        """Everything that is kept, unbroken."""
        return "\n".join(self._lines)

    def feed(self, text: str) -> None:
        """Take what was printed; an escape sequence that is not complete waits for the rest."""
        text = self._pending + text
        begun = _BEGUN.search(text)
        self._pending = begun[0] if begun else ""
        text = text.removesuffix(self._pending) if begun else text
        position = 0
        for sequence in _SEQUENCE.finditer(text):
            self._write(text[position : sequence.start()])
            self._obey(sequence[0])
            position = sequence.end()
        self._write(text[position:])

    def rows(self, width: int, height: int) -> tuple[list[str], tuple[int, int]]:
        """Return the last rows, broken at that width, and row and column of the cursor among them."""
        shown: list[str] = []
        cursor = 0, 0
        for number, line in enumerate(self._lines[-height:], max(0, len(self._lines) - height)):
            if number == self._row:
                cursor = len(shown) + self._column // width, self._column % width
                line = line.ljust(self._column + 1)  # noqa: PLW2901 - the cursor stands behind the text
            shown += [line[at : at + width] for at in range(0, len(line), width)] or [""]
        cut = max(0, len(shown) - height)
        return shown[cut:], (cursor[0] - cut, cursor[1])

    def _write(self, text: str) -> None:
        for piece in re.split(r"([\x00-\x1f\x7f])", text):
            if piece == "\n":
                self._next_line()
            elif piece == "\r":
                self._column = 0
            elif piece == "\b":
                self._column = max(0, self._column - 1)
            elif piece and piece.isprintable():
                line = self._lines[self._row].ljust(self._column)
                end = self._column + len(piece)
                self._lines[self._row] = line[: self._column] + piece + line[end:]
                self._column = end

    def _next_line(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append("")
        if len(self._lines) > MOST_LINES:
            del self._lines[0]
            self._row -= 1

    def _obey(self, sequence: str) -> None:
        if sequence in {"\x1b[K", "\x1b[0K"}:
            self._lines[self._row] = self._lines[self._row][: self._column]
        elif sequence in {"\x1b[2J", "\x1bc"}:
            self._lines, self._row, self._column = [""], 0, 0
