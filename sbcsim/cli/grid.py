"""Lists of the configuration as tables: the leaves of containers stand in line, nested lists beside their entry.

Where an entry takes several rows because of a list inside it, its own cells are blank from the second row on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sbcsim.config.tree import Tree
from sbcsim.schema.node import Kind, Node, Path

from .tables import cell, table

Rows = list[list[str]]


def configuration_table(tree: Tree, node: Node, path: Path, *, entry: bool) -> Iterator[str]:
    """Yield the table of a list, of one of its entries, or of a container; nothing where there is nothing."""
    if not tree.exists(path):
        return iter(())
    rows = _stacked(tree, node, path) if node.is_list and not entry else _rows(tree, node, path)
    return table([leaf.name for leaf in _columns(node)], rows)


def _children(node: Node) -> list[Node]:
    """Return what a list or container shows, keys first."""
    children = [node.children[name] for name in node.keys]
    return children + [child for child in node.children.values() if child.config and child.name not in node.keys]


def _columns(node: Node) -> list[Node]:
    columns: list[Node] = []
    for child in _children(node):
        if child.is_leaf:
            columns.append(child)
        elif child.kind is not Kind.ACTION:
            columns += _columns(child)
    return columns


def _rows(tree: Tree, node: Node, path: Path) -> Rows:
    """Return the rows of one entry or container."""
    blocks: list[Rows] = []
    for child in _children(node):
        below = (*path, child.name)
        if child.is_leaf:
            blocks.append([[cell(child, tree.value(below))]])
        elif child.is_list:
            blocks.append(_stacked(tree, child, below) or [["-"] * len(_columns(child))])
        elif child.kind is Kind.CONTAINER:
            blocks.append(_rows(tree, child, below))
    return _side_by_side(blocks)


def _stacked(tree: Tree, node: Node, path: Path) -> Rows:
    """Return the rows of all entries of a list, one below the other."""
    return [row for key in tree.keys(path) for row in _rows(tree, node, (*path, *key))]


def _side_by_side(blocks: Sequence[Rows]) -> Rows:
    height = max((len(block) for block in blocks), default=0)
    filled = [block + [[""] * len(block[0])] * (height - len(block)) for block in blocks if block]
    return [[text for block in filled for text in block[number]] for number in range(height)]
