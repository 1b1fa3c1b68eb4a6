"""Operational data in braces and in tables: `show status`, `show table`.

Operational lists and containers get their rows from the box; a list of the configuration leads to its entries in the
running configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sbcsim.config.document import Block, Document, Leaf, Part
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import Want, children, format_path, quote

from .grid import Grid
from .shell import Box
from .tables import cell

_INDENT = "    "
Row = Mapping[str, Value]


def operational(node: Node) -> bool:
    """Tell whether the box has rows for a node: status data, or a list of the configuration with status columns."""
    return not node.config or bool(node.columns)


def columns_of(node: Node) -> tuple[Node, ...]:
    """Return the leaves of a list or container in the order of its columns, keys first."""
    if node.columns:
        return tuple(node.children[name] for name in node.columns)
    names = [*node.keys, *(name for name in node.children if name not in node.keys)]
    return tuple(node.children[name] for name in names if node.children[name].is_leaf)


def key_of(node: Node, row: Row) -> tuple[str, ...]:
    """Return the key of a row as canonical strings."""
    return tuple(_text(node.children[name], row[name]) for name in node.keys)


class Status:
    """The data of one box at one moment: what was asked for once is not asked for again."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._running = box.database.running
        self._rows: dict[Path, dict[tuple[str, ...], Row]] = {}

    def rows(self, node: Node, path: Path) -> Mapping[tuple[str, ...], Row]:
        """Return the rows of a list by key, those of the configuration empty; a container has one, with the key ()."""
        if not operational(node):
            return {key: {} for key in self._running.keys(path)} if node.is_list else {(): {}}
        found = self._rows.get(path)
        if found is None:
            found = self._rows[path] = {key_of(node, row): row for row in self._box.rows(path)}
        return found

    def exists(self, node: Node, path: Path) -> bool:
        """Tell whether a list has the entry that `path` ends with."""
        size = len(node.keys)
        return path[-size:] in self.rows(node, path[:-size]) if operational(node) else self._running.exists(path)

    def lines(self, node: Node, path: Path, *, entry: bool) -> Iterator[str]:
        """Yield what stands at `path`: the content of a container or entry, the entries of a list, or one leaf."""
        if node.is_leaf:
            yield from self._leaf(node, path)
        elif node.is_list and not entry:
            yield from self._entries(node, path, "")
        else:
            yield from self._content(node, path, "", self._row(node, path))

    def document(self, node: Node, path: Path, *, entry: bool) -> Document:
        """Return what stands at `path` as a document."""
        if node.is_leaf:
            value = self._value(node, path)
            return Document(path[:-1], () if value is None else (Leaf(node, value),))
        if node.is_list and not entry:
            return Document(path[:-1], tuple(self._blocks(node, path)))
        size = len(node.keys)
        row = self._row(node, path)
        parts = tuple(self._parts(node, path, row))
        shown = (Block(node, path[len(path) - size :], parts),) if parts or row else ()
        return Document(path[: len(path) - size - 1], shown, opened=True) if path else Document((), parts)

    def grid(self, node: Node, path: Path, *, entry: bool) -> Grid | None:
        """Return the table of a list, of one of its entries, or of a container; None where there is no row."""
        if node.is_leaf or not path:
            return None
        rows = [self._row(node, path)] if entry else self.rows(node, path).values()
        leaves = columns_of(node)
        cells = [[cell(leaf, row.get(leaf.name)) for leaf in leaves] for row in rows if row]
        keys = len(node.keys) if [leaf.name for leaf in leaves[: len(node.keys)]] == list(node.keys) else 0
        return Grid(leaves, cells, keys) if cells and leaves else None

    def _row(self, node: Node, path: Path) -> Row:
        """Return the row of an entry or container, empty where there is none."""
        if not operational(node):
            return {}
        size = len(node.keys)
        return self.rows(node, path[: len(path) - size]).get(path[len(path) - size :], {})

    def _leaf(self, leaf: Node, path: Path) -> Iterator[str]:
        value = self._value(leaf, path)
        if value is not None:
            yield f"{leaf.name} {_shown(leaf, value)};"

    def _value(self, leaf: Node, path: Path) -> Value | None:
        assert leaf.parent is not None
        if operational(leaf.parent):
            return self._row(leaf.parent, path[:-1]).get(leaf.name)
        return self._running.value(path)

    def _blocks(self, node: Node, path: Path) -> Iterator[Block]:
        for key, row in self.rows(node, path).items():
            parts = tuple(self._parts(node, (*path, *key), row))
            if parts or row:
                yield Block(node, key, parts)

    def _parts(self, node: Node, path: Path, row: Row) -> Iterator[Part]:
        for leaf in columns_of(node):
            if leaf.name not in node.keys and leaf.name in row:
                yield Leaf(leaf, row[leaf.name])
        for child in children(node, Want.STATUS):
            below = (*path, child.name)
            if child.is_list:
                yield from self._blocks(child, below)
            elif child.kind is Kind.CONTAINER:
                of_child = self._row(child, below)
                parts = tuple(self._parts(child, below, of_child))
                if parts or of_child:
                    yield Block(child, (), parts)

    def _entries(self, node: Node, path: Path, indent: str) -> Iterator[str]:
        for key, row in self.rows(node, path).items():
            yield from self._wrapped(node, (*path, *key), key, indent, row)

    def _wrapped(self, node: Node, path: Path, key: Iterable[str], indent: str, row: Row) -> Iterator[str]:
        """Yield an entry or container with its braces; without operational data it is left out."""
        content = list(self._content(node, path, indent + _INDENT, row))
        if content or row:
            yield f"{indent}{format_path((node.name, *key))} {{"
            yield from content
            yield f"{indent}}}"

    def _content(self, node: Node, path: Path, indent: str, row: Row) -> Iterator[str]:
        leaves = [leaf for leaf in columns_of(node) if leaf.name not in node.keys and leaf.name in row]
        width = max((len(leaf.name) for leaf in leaves), default=0)
        for leaf in leaves:
            yield f"{indent}{leaf.name:<{width}} {_shown(leaf, row[leaf.name])};"
        for child in children(node, Want.STATUS):
            below = (*path, child.name)
            if child.is_list:
                yield from self._entries(child, below, indent)
            elif child.kind is Kind.CONTAINER:
                yield from self._wrapped(child, below, (), indent, self._row(child, below))


def _text(leaf: Node, value: Value) -> str:
    return str(value) if leaf.type is None else leaf.type.format(value)


def _shown(leaf: Node, value: Value) -> str:
    if leaf.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        return f"[ {' '.join(quote(_text(leaf, item)) for item in value)} ]"
    return quote(_text(leaf, value))
