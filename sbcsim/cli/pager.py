"""Output that is longer than the screen: shown page by page, with a marker at the end of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sbcsim.grammar import message

LINE_KEYS = frozenset("\r\n")
PAGE_KEY = " "
END_KEYS = frozenset("qQ\x03")


@dataclass(frozen=True, slots=True)
class Page:
    """Room for output: rows above the marker, and columns, 0 where lines are as long as they like."""

    rows: int
    columns: int = 0

    def fitting(self, lines: Sequence[str]) -> int:
        """Return how many of the lines fit, at least one: a line longer than the screen is wide takes several rows."""
        left = self.rows
        for count, line in enumerate(lines):
            left -= max(-(-len(line) // self.columns), 1) if self.columns else 1
            if left < 0:
                return max(count, 1)
        return len(lines)


class Pager:
    """Holds back what does not fit on the page. What ends the output, its status line, is shown in any case."""

    def __init__(self) -> None:
        self._rest: list[str] = []

    @property
    def waiting(self) -> bool:
        """Something is held back."""
        return bool(self._rest)

    def begin(self, lines: Sequence[str], last: str, page: Page | None) -> list[str]:
        """Take output with its last line and return what to show of it, everything where there are no pages."""
        fits = len(lines) if page is None else page.fitting(lines)
        if fits == len(lines):
            return [*lines, last]
        self._rest = [*lines[fits:], last]
        return list(lines[:fits])

    def more(self, key: str, page: Page | None) -> list[str] | None:
        """Return what a key has shown next, None for a key that means nothing here."""
        if key in LINE_KEYS:
            return self._take(1)
        if key == PAGE_KEY:
            return self._take(len(self._rest) if page is None else page.fitting(self._rest))
        if key in END_KEYS:
            return self._take(len(self._rest))[-1:]
        return None

    def drop(self) -> None:
        """Forget what is held back."""
        self._rest.clear()

    def _take(self, count: int) -> list[str]:
        shown, self._rest = self._rest[:count], self._rest[count:]
        return shown


def wiped() -> str:
    """Return what takes the marker off the screen again."""
    return f"\r{' ' * len(message('session.more'))}\r"
