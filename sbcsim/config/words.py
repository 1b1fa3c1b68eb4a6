"""How paths and values are spelt as words of a line: quoted only where they must be."""

from __future__ import annotations

import re

from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value

_NEEDS_QUOTES = re.compile(r'[\s"\\;{}\[\]!#|]')


def quoted(word: str) -> str:
    """Return a word in double quotes if it is empty or contains what would end it or mean something else."""
    if word and not _NEEDS_QUOTES.search(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def spell(path: Path) -> str:
    """Return a path as words joined by blanks."""
    return " ".join(map(quoted, path))


def spell_value(node: Node, value: Value) -> str:
    """Return the value of a leaf as it is shown: a leaf-list as `[ a b ]`, a bit set as comma list."""
    kind = node.type
    assert kind is not None
    if isinstance(value, tuple) and node.kind is Kind.LEAF_LIST:
        return f"[ {' '.join(quoted(kind.format(item)) for item in value)} ]"
    return quoted(kind.format(value))
