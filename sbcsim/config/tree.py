"""The configuration as an immutable tree: every edit gives a new tree that shares all it did not touch.

A tree is a nest: containers and list entries are an `immutables.Map` of element names, lists a `Listing` of keys.
Only what was set explicitly is stored, keys live in their entry's place in the list and nowhere else. Containers
without presence vanish with their last content; entries stay until they are deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from immutables import Map

from sbcsim.errors import BugError
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value

from .listing import NOBODY, Key, Listing, key_order

Branch = Map[Any, Any]
"""The content of a container or an entry, by element name; below a list's name stands a `Listing`."""

Token = str | Key
"""One step down from a branch to what lies below it."""

EMPTY: Branch = Map()
"""No content."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance path leads: its node and the steps from the root.

    `lasting` says for each step whether the branch there may be empty (list entries, presence containers). For a
    list, `entry` tells one of its entries from the list as a whole.
    """

    node: Node
    tokens: tuple[Token, ...]
    lasting: tuple[bool, ...]
    entry: bool

    @property
    def lasts(self) -> bool:
        """The place exists by itself, even without content: an entry or a presence container."""
        return bool(self.lasting) and self.lasting[-1]

    @property
    def is_key(self) -> bool:
        """The place is a key leaf of the entry above it."""
        parent = self.node.parent
        return self.node.is_leaf and parent is not None and self.node.name in parent.keys


def locate(schema: Node, path: Path) -> Place:
    """Return where `path` leads; a path that the model does not know is a mistake of the caller."""
    node, at, entry = schema, 0, False
    tokens: list[Token] = []
    lasting: list[bool] = []
    while at < len(path):
        child = node.children.get(path[at])
        if child is None or not child.config or child.kind is Kind.ACTION:
            raise BugError(f"no configuration at '{' '.join(path)}'")
        node, entry = child, False
        tokens.append(path[at])
        lasting.append(node.presence)
        at += 1
        if node.is_list and at < len(path):
            key = path[at : at + len(node.keys)]
            if len(key) < len(node.keys):
                raise BugError(f"incomplete key in '{' '.join(path)}'")
            tokens.append(key)
            lasting.append(True)
            at += len(node.keys)
            entry = True
    return Place(node, tuple(tokens), tuple(lasting), entry)


def tokens_of(schema: Node, path: Path) -> tuple[Token, ...]:
    """Return the steps from the root to `path`."""
    return locate(schema, path).tokens


def listing_of(schema: Node, path: Path) -> Path | None:
    """Return the path of the leaf-list that `path` names one value of, None if it leads to something else."""
    node, at = schema, 0
    while at < len(path):
        child = node.children.get(path[at])
        if child is None:
            return None
        node = child
        at += 1
        if node.kind is Kind.LEAF_LIST:
            return path[:at] if at == len(path) - 1 else None
        if node.is_list:
            at += len(node.keys)
    return None


@lru_cache(maxsize=4096)
def _positions(node: Node) -> dict[str, int]:
    return {name: position for position, name in enumerate(node.children)}


def path_order(schema: Node, path: Path) -> tuple[Any, ...]:
    """Return a sort key that puts paths in the order of `show`: by schema, entries by key, numbers numerically."""
    order: list[tuple[Any, ...]] = []
    node = schema
    for token in locate(schema, path).tokens:
        if isinstance(token, str):
            order.append((_positions(node)[token],))
            node = node.children[token]
        else:
            order.append(key_order(token))
    return tuple(order)


def names(node: Node, branch: Branch) -> Iterable[str]:
    """Return the names of what stands in a container or entry, in schema order."""
    return sorted(branch, key=_positions(node).__getitem__) if len(branch) > 1 else branch


def content(node: Node, branch: Branch) -> Iterator[tuple[Node, Key, Any]]:
    """Yield what stands in a container or entry, in schema order: child, key (of an entry), value or branch."""
    for name in names(node, branch):
        child, below = node.children[name], branch[name]
        if child.is_list:
            for key in below:
                yield child, key, below[key]
        else:
            yield child, (), below


class Tree:
    """One immutable state of the configuration."""

    __slots__ = ("root", "schema")

    def __init__(self, schema: Node, root: Branch = EMPTY) -> None:
        self.schema = schema
        self.root = root

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tree):
            return NotImplemented
        return self.schema is other.schema and (self.root is other.root or self.root == other.root)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Tree {' '.join(self.root) or 'empty'}>"

    def at(self, place: Place) -> Any:  # noqa: ANN401 - a branch or a value
        """Return the branch or value at a place, None where nothing stands."""
        below: Any = self.root
        for token in place.tokens:
            below = below.get(token)
            if below is None:
                return None
        return below

    def get(self, path: Path) -> Value | None:
        """Return the value a leaf was set to explicitly; a key leaf has its entry's key."""
        return self._leaf(path)[1]

    def value(self, path: Path) -> Value | None:
        """Return the value of a leaf, its default where it was not set."""
        node, value = self._leaf(path)
        return node.default if value is None else value

    def exists(self, path: Path) -> bool:
        """Whether a leaf is set, an entry is there, or a container or list has content."""
        place = locate(self.schema, path)
        if place.is_key:
            return self._key_value(place) is not None
        return self.at(place) is not None

    def count(self, path: Path) -> int:
        """Return how many entries a list has."""
        return len(self.listing(path))

    def listing(self, path: Path) -> Listing:
        """Return the entries of a list."""
        branch = self.at(locate(self.schema, path))
        return NOBODY if branch is None else branch

    def keys(self, path: Path) -> tuple[Key, ...]:
        """Return the keys of a list's entries in order, numerically where a key is a number."""
        return tuple(self.listing(path))

    def leaves(self, path: Path = ()) -> Iterator[tuple[Path, Node, Value]]:
        """Yield every explicit leaf at or below `path`, in schema and key order."""
        for at, node, value in self.walk(path):
            if value is not None:
                yield at, node, value

    def entries(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """Yield every list entry and presence container at or below `path`, outer ones first."""
        for at, node, value in self.walk(path):
            if value is None:
                yield at, node

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node, Value | None]]:
        """Yield entries and presence containers (with None) and leaves (with their value), in order."""
        place = locate(self.schema, path)
        below = self.at(place)
        if below is None:
            return
        if place.node.is_leaf:
            yield path, place.node, below
        elif place.node.is_list and not place.entry:
            for key in below:
                yield from _walk(place.node, path + key, below[key])
        else:
            yield from _walk(place.node, path, below)

    def with_value(self, path: Path, value: Value) -> Tree:
        """Return the tree with a leaf set; missing entries above it are created."""
        return self.with_value_at(locate(self.schema, path), value)

    def with_value_at(self, place: Place, value: Value) -> Tree:
        """Return the tree with the leaf at a place set; missing entries above it are created."""
        if not place.node.is_leaf or place.is_key:
            raise BugError(f"{place.node!r} takes no value")
        return Tree(self.schema, _put(self.root, place.tokens, value))

    def with_entry(self, path: Path) -> Tree:
        """Return the tree with an entry or presence container; what it has already stays."""
        place = locate(self.schema, path)
        if not place.lasts:
            raise BugError(f"'{' '.join(path)}' cannot stand without content")
        if self.at(place) is not None:
            return self
        return Tree(self.schema, _put(self.root, place.tokens, EMPTY))

    def without(self, path: Path) -> Tree:
        """Return the tree without what stands at `path` and below; deleting nothing gives the same tree."""
        if not path:
            return Tree(self.schema)
        place = locate(self.schema, path)
        if self.at(place) is None:
            return self
        return Tree(self.schema, _drop(self.root, place.tokens, place.lasting, 0))

    def _leaf(self, path: Path) -> tuple[Node, Value | None]:
        place = locate(self.schema, path)
        if not place.node.is_leaf:
            raise BugError(f"'{' '.join(path)}' is not a leaf")
        return place.node, self._key_value(place) if place.is_key else self.at(place)

    def _key_value(self, place: Place) -> Value | None:
        entry: Any = self.root
        for token in place.tokens[:-1]:
            entry = entry.get(token)
            if entry is None:
                return None
        parent, key, kind = place.node.parent, place.tokens[-2], place.node.type
        assert parent is not None
        assert kind is not None
        return kind.parse(key[parent.keys.index(place.node.name)])


def _walk(node: Node, path: Path, branch: Branch) -> Iterator[tuple[Path, Node, Value | None]]:
    if node.is_list or node.presence:
        yield path, node, None
    for child, key, below in content(node, branch):
        at = (*path, child.name, *key)
        if child.is_leaf:
            yield at, child, below
        else:
            yield from _walk(child, at, below)


def _put(branch: Any, tokens: tuple[Token, ...], value: Value | Branch) -> Any:  # noqa: ANN401 - Branch or Listing
    if len(tokens) == 1:
        return branch.set(tokens[0], value)
    below = branch.get(tokens[0])
    if below is None:
        below = EMPTY if isinstance(tokens[1], str) else NOBODY
    return branch.set(tokens[0], _put(below, tokens[1:], value))


def _drop(branch: Any, tokens: tuple[Token, ...], lasting: tuple[bool, ...], depth: int) -> Any:  # noqa: ANN401 - the same
    token = tokens[depth]
    if depth == len(tokens) - 1:
        return branch.delete(token)
    below = _drop(branch[token], tokens, lasting, depth + 1)
    if not below and not lasting[depth]:
        return branch.delete(token)
    return branch.set(token, below)
