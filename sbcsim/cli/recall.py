"""Earlier lines, to be called back by ^P and ^N."""

from __future__ import annotations


class Recall:
    """The last lines, at most `limit` of them, and how far back the user has gone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: list[str] = []
        self._at = 0
        self._unsent = ""  # what stood in the line before the first one was called back

    @property
    def limit(self) -> int:
        """How many lines are remembered."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._forget()
        self.restart()

    def add(self, line: str) -> None:
        """Remember a line unless it is empty or the last one again."""
        if line.strip() and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
            self._forget()

    def restart(self) -> None:
        """Begin at the last line again."""
        self._at = len(self._lines)

    def older(self, line: str) -> str | None:
        """Return the line before the one that stands there now, None where there is none."""
        if not self._at:
            return None
        if self._at == len(self._lines):
            self._unsent = line
        self._at -= 1
        return self._lines[self._at]

    def newer(self) -> str | None:
        """Return the line behind the one that was called back, at the end what was being typed; None where it ends."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._unsent if self._at == len(self._lines) else self._lines[self._at]

    def _forget(self) -> None:
        del self._lines[: max(len(self._lines) - self._limit, 0)]
