"""A part of the configuration or of the status data as a document: blocks and leaves, ready to be written in any form.

Where a plain `show` is written straight from the tree, the other forms (XML, JSON, paths) and everything that chooses
from the output (`select`, `sort-by`, `display-level`) work on documents, whatever they were made from. A document of
the configuration is made part by part while it is read, so that a great one never lies in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial

from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value

from .listing import NOBODY, Key, Listing, key_order
from .tree import EMPTY, Branch, Tree, locate


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with its value; `given` tells a value that was set from one that is the default."""

    node: Node
    value: Value
    given: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """A container, or an entry of a list with its key; `cut` where its content is left out of the display."""

    node: Node
    key: Key = ()
    parts: Parts = ()
    cut: bool = False


Part = Leaf | Block


@dataclass(frozen=True, slots=True)
class Made:
    """Parts that are made anew each time they are looked at."""

    make: Callable[[], Iterator[Part]]

    def __iter__(self) -> Iterator[Part]:
        return self.make()

    def __bool__(self) -> bool:
        return next(self.make(), None) is not None


Parts = tuple[Part, ...] | Made


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at one place: `parts` lie below the instance path `above`.

    `opened` says that the only part is a block whose content was asked for, so that braces show it without its head.
    """

    above: Path
    parts: Parts
    opened: bool = False


def document(tree: Tree, path: Path = (), *, details: bool = False) -> Document:
    """Return what stands at `path`; with `details`, leaves at their default too."""
    place = locate(tree.schema, path)
    node, below = place.node, tree.at(place)
    if node.is_leaf:
        value = tree.get(path)
        if value is not None:
            return Document(path[:-1], (Leaf(node, value),))
        default = node.default if details else None
        return Document(path[:-1], () if default is None else (Leaf(node, default, given=False),))
    if not path:
        return Document((), _content(node, tree.root, details=details))
    if node.is_list and not place.entry:
        return Document(path[:-1], () if below is None else Made(partial(_entries, node, below, details=details)))
    above, key = path[: -1 - len(node.keys)], path[len(path) - len(node.keys) :]
    if below is None and (place.entry or not details):
        return Document(above, ())
    content = _content(node, EMPTY if below is None else below, details=details)
    return Document(above, (Block(node, key, content),), opened=True)


def _entries(node: Node, entries: Listing, *, details: bool) -> Iterator[Block]:
    for key in entries:
        yield Block(node, key, _content(node, entries[key], details=details))


def _content(node: Node, branch: Branch, *, details: bool) -> Made:
    return Made(partial(_parts, node, branch, details=details))


def _parts(node: Node, branch: Branch, *, details: bool) -> Iterator[Part]:
    for child in node.children.values():
        if not child.config or child.name in node.keys or child.kind is Kind.ACTION:
            continue
        below = branch.get(child.name)
        if child.is_leaf:
            if below is not None:
                yield Leaf(child, below)
            elif details and child.default is not None:
                yield Leaf(child, child.default, given=False)
        elif child.is_list:
            yield from _entries(child, below or NOBODY, details=details)
        elif below is not None or (details and not child.presence):
            parts = _content(child, EMPTY if below is None else below, details=details)
            if below is not None or parts:
                yield Block(child, (), parts)


def selected(shown: Document, names: Collection[str]) -> Document:
    """Return the document with nothing but what is named and the blocks on the way there; entries at the top stay."""

    def keep(parts: Parts, *, top: bool) -> Iterator[Part]:
        for part in parts:
            if part.node.name in names:
                yield part
            elif isinstance(part, Block):
                kept = Made(partial(keep, part.parts, top=False))
                if kept or (top and (part.key or shown.opened)):
                    yield replace(part, parts=kept)

    return replace(shown, parts=Made(partial(keep, shown.parts, top=True)))


def deselected(shown: Document, names: Collection[str]) -> Document:
    """Return the document without what is named."""

    def keep(parts: Parts) -> Iterator[Part]:
        for part in parts:
            if part.node.name not in names:
                yield replace(part, parts=Made(partial(keep, part.parts))) if isinstance(part, Block) else part

    return replace(shown, parts=Made(partial(keep, shown.parts)))


def limited(shown: Document, levels: int) -> Document:
    """Return the document with the content of blocks below so many levels cut."""

    def keep(parts: Parts, left: int) -> Iterator[Part]:
        for part in parts:
            if not isinstance(part, Block) or not part.parts:
                yield part
            elif left <= 1:
                yield replace(part, parts=(), cut=True)
            else:
                yield replace(part, parts=Made(partial(keep, part.parts, left - 1)))

    return replace(shown, parts=Made(partial(keep, shown.parts, levels + shown.opened)))


def arranged(shown: Document, name: str) -> Document:
    """Return the document with its entries in the order of a leaf of theirs; those without it come last."""

    def order(part: Part) -> tuple[int, tuple[tuple[int, int, str], ...]]:
        value = _value(part, name) if isinstance(part, Block) else None
        return (1, ()) if value is None else (0, key_order((value,)))

    return replace(shown, parts=tuple(sorted(shown.parts, key=order)))


def _value(block: Block, name: str) -> str | None:
    """Return the text of a leaf or key of a block, wherever inside its containers."""
    if name in block.node.keys:
        return block.key[block.node.keys.index(name)]
    for part in block.parts:
        if isinstance(part, Leaf):
            if part.node.name == name:
                return text_of(part.node, part.value)
        elif not part.key and (found := _value(part, name)) is not None:
            return found
    return None


def text_of(leaf: Node, value: Value) -> str:
    """Return a value as one text, unquoted."""
    kind = leaf.type
    if kind is None:
        return str(value)
    if leaf.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        return " ".join(kind.format(item) for item in value)
    return kind.format(value)
