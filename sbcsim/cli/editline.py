"""The line that is being typed: its characters, the cursor, and what the terminal has to show for every change.

The cursor moves by backspaces and by writing characters again, so that no terminal's width is ever needed.
"""

from __future__ import annotations

_BELL = "\a"


class EditLine:
    """Characters around a cursor; `take_echo` returns what to send to the terminal for what has been done to them."""

    def __init__(self, limit: int) -> None:
        self.hidden = False
        """The line is a secret: no echo, or the mask."""
        self.mask = ""
        """What stands on the screen for each character of a secret."""
        self._limit = limit
        self._left: list[str] = []
        self._right: list[str] = []  # behind the cursor, nearest character last
        self._erased = ""
        self._echo: list[str] = []

    @property
    def text(self) -> str:
        """The whole line."""
        return self.left + "".join(reversed(self._right))

    @property
    def left(self) -> str:
        """What stands left of the cursor."""
        return "".join(self._left)

    @property
    def at_end(self) -> bool:
        """The cursor stands behind the last character."""
        return not self._right

    @property
    def empty(self) -> bool:
        """Nothing has been typed."""
        return not (self._left or self._right)

    @property
    def literal(self) -> bool:
        """The cursor stands inside a quoted string or behind a backslash: what is typed there is meant as it is."""
        inside = escaped = False
        for char in self._left:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = not inside
        return inside or escaped

    # the screen

    def take_echo(self) -> str:
        """Return and forget what the terminal should show."""
        text = "".join(self._echo)
        self._echo.clear()
        return text

    def shown(self) -> str:
        """Return the text that draws the line again behind a new prompt."""
        if self.hidden and not self.mask:
            return ""
        return self._drawn(self.text) + "\b" * len(self._right)

    def show(self, text: str) -> None:
        """Have the terminal show a text that is no part of the line, unless nothing of it is to be seen."""
        if self.mask or not self.hidden:
            self._echo.append(text)

    def end(self) -> str:
        """Move to the next line of the screen and return this one, which is then empty."""
        text = self.text
        self._echo.append("\r\n")
        if self.hidden:
            self._erased = ""
        self.clear()
        return text

    def clear(self) -> None:
        """Drop the line without showing it."""
        self._left.clear()
        self._right.clear()

    # changes

    def insert(self, text: str) -> None:
        """Insert text at the cursor; what is too much rings the bell."""
        room = self._limit - len(self._left) - len(self._right)
        if len(text) > room:
            self._echo.append(_BELL)
            text = text[:room]
        self._left.extend(text)
        self.show(self._drawn(text))
        if self._right:
            self._show_right()

    def replace(self, text: str, *, keep_right: bool = False) -> None:
        """Put other text left of the cursor, and nothing behind it unless that is to be kept."""
        old = len(self._left) + len(self._right)
        self.show("\b" * len(self._left))
        self._left = list(text)
        if not keep_right:
            self._right.clear()
        self.show(self._drawn(text))
        self._show_right(max(0, old - len(self._left) - len(self._right)))

    def complete(self, text: str) -> None:
        """Replace what stands left of the cursor, showing no more than the difference where only something is added."""
        old = self.left
        if text == old:
            return
        if text.startswith(old):
            self.insert(text[len(old) :])
            return
        self.replace(text, keep_right=True)

    def erase_left(self) -> None:
        """Erase the character left of the cursor."""
        if self._left:
            self._left.pop()
            self.show("\b")
            self._show_right(1)

    def erase_right(self) -> None:
        """Erase the character at the cursor."""
        if self._right:
            self._right.pop()
            self._show_right(1)

    def erase_all(self) -> None:
        """Erase the line and keep it to be inserted again."""
        self._erased = self.text
        self.replace("")

    def erase_to_end(self) -> None:
        """Erase from the cursor on and keep that to be inserted again."""
        gone = len(self._right)
        self._erased = "".join(reversed(self._right))
        self._right.clear()
        self._show_right(gone)

    def erase_word(self) -> None:
        """Erase the word left of the cursor and keep it to be inserted again."""
        old = self.left
        kept = old.rstrip(" ")
        kept = kept[: kept.rfind(" ") + 1]
        gone = len(old) - len(kept)
        self._erased = old[len(kept) :]
        del self._left[len(kept) :]
        self.show("\b" * gone)
        self._show_right(gone)

    def insert_erased(self) -> None:
        """Insert what was last erased as a whole."""
        self.insert(self._erased)

    # moves

    def move_left(self) -> None:
        """Move the cursor over one character to the left."""
        if self._left:
            self._right.append(self._left.pop())
            self.show("\b")

    def move_right(self) -> None:
        """Move the cursor over one character to the right."""
        if self._right:
            char = self._right.pop()
            self._left.append(char)
            self.show(self._drawn(char))

    def move_to_start(self) -> None:
        """Move the cursor before the first character."""
        self.show("\b" * len(self._left))
        self._right.extend(reversed(self._left))
        self._left.clear()

    def move_to_end(self) -> None:
        """Move the cursor behind the last character."""
        self.show(self._drawn("".join(reversed(self._right))))
        self._left.extend(reversed(self._right))
        self._right.clear()

    def _drawn(self, text: str) -> str:
        """Return what stands on the screen for a piece of the line."""
        return self.mask * len(text) if self.hidden else text

    def _show_right(self, erased: int = 0) -> None:
        """Write what is behind the cursor, blank out `erased` characters behind it, and go back."""
        self.show(self._drawn("".join(reversed(self._right))) + " " * erased + "\b" * (len(self._right) + erased))
