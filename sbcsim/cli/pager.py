"""The output of a command on its way to the user: made piece by piece, shown page by page where the screen is small.

What a command prints may be long, and its reader slow. So lines are made only when they can be shown, a bounded number
at a time, and whoever drives the session decides when to ask for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sbcsim.grammar import message

LINE_KEYS = frozenset("\r\n")
PAGE_KEY = " "
END_KEYS = frozenset("qQ\x03")

Batches = Iterator[list[str]]
"""Lines in lists of at most `BATCH`; an empty one says that work was done which brought no line yet."""

BATCH = 100
AT_ONCE = 5
"""Batches made between two looks at what others want: some milliseconds of work."""


def in_batches(lines: Iterable[str]) -> Batches:
    """Cut lines into batches."""
    each = iter(lines)
    while batch := list(islice(each, BATCH)):
        yield batch


@dataclass(frozen=True, slots=True)
class Page:
    """Room for output: rows above the marker, and columns, 0 where lines are as long as they like."""

    rows: int
    columns: int = 0

    def height(self, line: str) -> int:
        """Return how many rows a line takes: one that is longer than the screen is wide takes several."""
        return max(-(-len(line) // self.columns), 1) if self.columns else 1


_ONE_LINE = Page(1)


class Pager:
    """The output of one command: batches of lines, then its `last` lines, the status line, shown in any case.

    The last lines need no room on the first page: an output that just fits is shown whole.
    """

    def __init__(self, batches: Batches, last: list[str], page: Page | None) -> None:
        self._batches: Batches | None = batches
        self._last = last
        self._waiting: list[str] = []
        self._first = True
        self._turn(page)

    @property
    def over(self) -> bool:
        """Everything has been shown."""
        return self._batches is None and not self._waiting

    def next(self) -> list[str]:
        """Return what is to be shown next, perhaps nothing yet; raises what the making of it raises.

        Then it is `over`, or the page is `full` and waits for a key, or there is more to be asked for.
        """
        for _ in range(AT_ONCE):
            if self._batches is None or (self._page is not None and len(self._waiting) > self._page.rows):
                break
            batch = next(self._batches, None)
            if batch is None:
                self._batches = None
                self._waiting += self._last
            else:
                self._waiting += batch
        count = self._fitting()
        shown, self._waiting = self._waiting[:count], self._waiting[count:]
        return shown

    def take(self, key: str, page: Page | None) -> bool:
        """Act on a key while the page is full; False for one that means nothing here."""
        if key in END_KEYS:
            self.cut()
        elif key in LINE_KEYS or key == PAGE_KEY:
            self._first = False
            self._turn(page if key == PAGE_KEY else _ONE_LINE)
        else:
            return False
        return True

    def cut(self) -> None:
        """Leave out everything but the last lines."""
        self.close()
        self._waiting = list(self._last)
        self._turn(None)

    def close(self) -> None:
        """Make no more lines."""
        self._batches = None

    def _turn(self, page: Page | None) -> None:
        self.full = False
        self._page = page
        self._left = 0 if page is None else page.rows
        self._bare = True  # nothing stands on the page yet

    def _fitting(self) -> int:
        """Return how many of the waiting lines fit on the page, at least one where it is bare."""
        page = self._page
        if page is None:
            return len(self._waiting)
        free = len(self._waiting) - len(self._last) if self._first and self._batches is None else len(self._waiting)
        for count, line in enumerate(self._waiting):
            rows = 0 if count >= free else page.height(line)
            if rows and rows > self._left and not self._bare:
                self.full = True
                return count
            self._left -= rows
            self._bare = False
        return len(self._waiting)


def wiped() -> str:
    """Return what takes the marker off the screen again."""
    return f"\r{' ' * len(message('session.more'))}\r"
