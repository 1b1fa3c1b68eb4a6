"""Tables and words that the pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"``(.+?)``")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table behind an empty line, or none without rows; a bar in a cell is escaped."""
    lines = [_row(row) for row in rows]
    return ["", _row(head), "|".join(["", *("---" for _ in head), ""]), *lines] if lines else []


def prose(docstring: str) -> str:
    """Return a docstring as running text: what it shows indented becomes a block."""
    return _MARKUP.sub(r"`\1`", docstring.strip())


def summary(docstring: str) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join(docstring.strip().partition("\n\n")[0].split())


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
