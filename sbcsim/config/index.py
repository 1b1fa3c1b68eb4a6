"""What the rules look up backwards: who refers to an entry, who holds a unique value, who uses an address or port.

All indexes are persistent: a proposal gets its own, made from the running one and its changes, and dropping it costs
nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from immutables import Map

from sbcsim.errors import BugError
from sbcsim.schema.node import Node, Path, SchemaPath
from sbcsim.schema.types import LeafrefType, Value

from .change import Change
from .tree import tokens_of

_NOBODY: Map[Path, None] = Map()


@dataclass(frozen=True, slots=True)
class Index:
    """An immutable map from a key to a set of paths; sets are maps too, so that a large one costs no more to edit."""

    held: Map[Hashable, Map[Path, None]] = Map()  # noqa: RUF009 - immutable

    def at(self, key: Hashable) -> Map[Path, None]:
        """Return the paths under a key."""
        return self.held.get(key, _NOBODY)

    def with_path(self, key: Hashable, path: Path) -> Index:
        """Return the index with `path` under `key`."""
        return Index(self.held.set(key, self.at(key).set(path, None)))

    def without_path(self, key: Hashable, path: Path) -> Index:
        """Return the index without `path` under `key`."""
        there = self.at(key)
        if path not in there:
            return self
        rest = there.delete(path)
        return Index(self.held.set(key, rest) if rest else self.held.delete(key))


class Unique(NamedTuple):
    """What may stand only once: a schema path with the value of the leaf, or the keys of the entry, there."""

    path: SchemaPath
    value: Hashable


Target = Path | Unique
"""What a reference points at: an entry, or where only its name is known what is unique about it."""


def targets(schema: Node, path: Path, node: Node, value: Value) -> Iterator[Target]:
    """Yield what a reference leaf with `value` points at."""
    kind = node.type
    if not isinstance(kind, LeafrefType):
        raise BugError(f"{node!r} is not a reference")
    if _by_name(schema, kind.target, len(kind.anchor)):
        for item in value if isinstance(value, tuple) else (value,):
            yield Unique(kind.target[:-1], (kind.format(item),))
        return
    start = _anchored(schema, path, len(kind.anchor))
    names = kind.target[len(kind.anchor) : -1]
    for item in value if isinstance(value, tuple) else (value,):
        yield (*start, *names, kind.format(item))


@lru_cache(maxsize=256)
def _by_name(schema: Node, target: SchemaPath, anchored: int) -> bool:
    """Whether a reference crosses lists whose entries it cannot tell, so that it finds its target by name only."""
    node = schema
    for depth, name in enumerate(target[:-2]):
        node = node.children[name]
        if node.is_list and depth >= anchored:
            return True
    return False


def _anchored(schema: Node, path: Path, depth: int) -> Path:
    """Return the beginning of `path` down to the entry `depth` element names below the root."""
    taken: list[str] = []
    names = 0
    for token in tokens_of(schema, path):
        if isinstance(token, tuple):
            taken.extend(token)
        elif names == depth:
            break
        else:
            names += 1
            taken.append(token)
    return tuple(taken)


def check_references(schema: Node) -> None:
    """Refuse a model whose references do not point at the single key of a list in reach, or one with unique names."""
    for node in schema.walk():
        if not (node.config and node.is_leaf and isinstance(node.type, LeafrefType)):
            continue
        kind = node.type
        at = schema.descend(kind.target)
        if at.parent is None or at.parent.keys != (at.name,):
            raise BugError(f"{node!r} does not refer to the only key of a list")
        if _by_name(schema, kind.target, len(kind.anchor)) and not at.parent.unique_globally:
            raise BugError(f"{node!r} refers into a list whose entry it cannot name")


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes that follow from single changes.

    `referrers`: entry (or its unique name) -> the leaves that refer to it. `holders`: value that must be unique -> the
    leaves or entries that have it.
    """

    referrers: Index = Index()
    holders: Index = Index()

    def after(self, schema: Node, changes: Iterable[Change]) -> Indexes:
        """Return the indexes of the tree in which `changes` are made."""
        referrers, holders = self.referrers, self.holders
        for change in changes:
            node, path = change.node, change.path
            if isinstance(node.type, LeafrefType):
                if change.old is not None:
                    for target in targets(schema, path, node, change.old):
                        referrers = referrers.without_path(target, path)
                if change.new is not None:
                    for target in targets(schema, path, node, change.new):
                        referrers = referrers.with_path(target, path)
            if node.unique_globally:
                if change.old is not None:
                    holders = holders.without_path(unique_key(change, change.old), path)
                if change.new is not None:
                    holders = holders.with_path(unique_key(change, change.new), path)
        return Indexes(referrers, holders)


def unique_key(change: Change, value: Value) -> Unique:
    """Return what may stand only once: the value of a leaf, or the keys of an entry, with where the model has it."""
    node = change.node
    return Unique(node.path, change.path[-len(node.keys) :] if node.is_list else value)
