"""Tables: `show table`, `show users`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sbcsim.schema.node import Kind, Node
from sbcsim.schema.types import Value

_BOUNDARY = re.compile(r"-|(?<=[a-z0-9])(?=[A-Z])")


def head_words(name: str) -> list[str]:
    """Return the words of a leaf's name for the head of its column: `peerPortNum` gives PEER, PORT, NUM."""
    return [word.upper() for word in _BOUNDARY.split(name) if word]


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table: the head one word a line with the last words at the bottom, a rule, the rows, an empty line.

    Every column, the last one too, is followed by two blanks.
    """
    heads = [head_words(name) for name in names]
    widths = [
        max(max(map(len, head), default=0), max((len(row[index]) for row in rows), default=0))
        for index, head in enumerate(heads)
    ]
    depth = max(map(len, heads), default=0)
    for level in range(depth):
        words = [head[level - depth + len(head)] if level >= depth - len(head) else "" for head in heads]
        yield _row(words, widths)
    yield "-" * (sum(widths) + 2 * len(widths))
    for row in rows:
        yield _row(row, widths)
    yield ""


def cell(node: Node, value: Value | None) -> str:
    """Return what a table shows for a leaf: `-` where there is nothing, never quotes."""
    if value is None:
        return "-"
    kind = node.type
    assert kind is not None
    if node.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        return f"[ {' '.join(kind.format(item) for item in value)} ]"
    return kind.format(value)


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield plain columns with one blank between them, as `show users` has them; the last one is not padded."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(head) - 1)]
    for line in lines:
        yield " ".join([*(f"{text:<{width}}" for text, width in zip(line, widths, strict=False)), line[-1]])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{text:<{width}}  " for text, width in zip(cells, widths, strict=True))
