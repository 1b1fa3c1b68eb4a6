"""Lists of the configuration as grids: the leaves of containers stand in line, nested lists beside their entry.

Where an entry takes several rows because of a list inside it, its own cells are blank from the second row on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from sbcsim.config.document import Block, Document, Leaf
from sbcsim.config.listing import key_order
from sbcsim.schema.node import Kind, Node

from .tables import cell

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells in rows under columns. `keys` columns at the left tell the entries apart."""

    columns: tuple[Node, ...]
    rows: Rows
    keys: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def selected(self, names: Collection[str]) -> Grid:
        """Return the keys and the columns that are named, or whose container is."""
        kept = [index for index, column in enumerate(self.columns) if index < self.keys or _named(column, names)]
        return self._reduced(kept)

    def deselected(self, names: Collection[str]) -> Grid:
        """Return the columns that are not named."""
        kept = [index for index, column in enumerate(self.columns) if index < self.keys or not _named(column, names)]
        return self._reduced(kept)

    def arranged(self, name: str) -> Grid:
        """Return the grid in the order of a column; rows that belong to one entry stay together."""
        at = self.names.index(name)
        entries: list[Rows] = []
        for row in self.rows:
            if not entries or any(row[: self.keys]):
                entries.append([])
            entries[-1].append(row)
        entries.sort(key=lambda entry: (entry[0][at] == "-", key_order((entry[0][at],))))
        return Grid(self.columns, [row for entry in entries for row in entry], self.keys)

    def _reduced(self, kept: Sequence[int]) -> Grid:
        rows = [[row[index] for index in kept] for row in self.rows]
        return Grid(tuple(self.columns[index] for index in kept), [row for row in rows if any(row)], self.keys)


def _named(column: Node, names: Collection[str]) -> bool:
    node: Node | None = column
    while node is not None and not node.is_list:
        if node.name in names:
            return True
        node = node.parent
    return node is not None and node.name in names and node.parent is not None


def grid_of(shown: Document) -> Grid | None:
    """Return the grid of a list, of one of its entries or of a container, None for anything else."""
    rows: Rows = []
    node = None
    for part in shown.parts:
        if isinstance(part, Leaf) or node not in {None, part.node}:
            return None
        node = part.node
        rows += _rows(part)
    return None if node is None else Grid(_columns(node), rows, len(node.keys))


@cache
def _children(node: Node) -> tuple[Node, ...]:
    """Return what a list or container shows, keys first."""
    keys = (node.children[name] for name in node.keys)
    others = (child for child in node.children.values() if child.config and child.name not in node.keys)
    return (*keys, *(child for child in others if child.kind is not Kind.ACTION))


@cache
def _columns(node: Node) -> tuple[Node, ...]:
    return tuple(column for child in _children(node) for column in ((child,) if child.is_leaf else _columns(child)))


def _rows(block: Block) -> Rows:
    """Return the rows of one entry or container."""
    node, keys = block.node, dict(zip(block.node.keys, block.key, strict=False))
    leaves: dict[Node, Leaf] = {}
    blocks: dict[Node, list[Block]] = {}
    for part in block.parts:
        if isinstance(part, Leaf):
            leaves[part.node] = part
        else:
            blocks.setdefault(part.node, []).append(part)
    made: list[Rows] = []
    line: list[str] = []  # cells that stand beside each other, as long as there is one row
    for child in _children(node):
        if child.name in keys:
            line.append(keys[child.name])
        elif child.is_leaf:
            leaf = leaves.get(child)
            line.append(cell(child, None if leaf is None else leaf.value))
        else:
            empty = (Block(child),) if child.kind is Kind.CONTAINER else ()
            rows = [row for each in blocks.get(child, empty) for row in _rows(each)]
            if len(rows) > 1:
                made += [line], rows
                line = []
            else:
                line += rows[0] if rows else ["-"] * len(_columns(child))
    return _side_by_side([*made, [line]]) if made else [line]


def _side_by_side(blocks: Sequence[Rows]) -> Rows:
    height = max((len(block) for block in blocks), default=0)
    filled = [block + [[""] * len(block[0])] * (height - len(block)) for block in blocks if block]
    return [[text for block in filled for text in block[number]] for number in range(height)]
