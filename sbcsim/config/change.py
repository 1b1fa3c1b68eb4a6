"""What differs between two trees, found by looking only where somebody edited.

A candidate remembers the places it touched; the changes are the difference of the two trees at those places. So their
cost grows with the edit, not with the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value

from .listing import NOBODY, Listing, key_order
from .tree import EMPTY, Branch, Token, Tree, tokens_of

Trie = dict[Any, Any]
"""Tokens to tries below; None in place of a trie covers everything there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. For list entries and presence containers `old` and `new` are True (there) or None (not there)."""

    path: Path
    node: Node
    old: Value | None
    new: Value | None

    def inverse(self) -> Change:
        """Return the change that undoes this one."""
        return Change(self.path, self.node, self.new, self.old)


class Touched:
    """The places that edits touched, as a trie; a touched place covers all below it."""

    __slots__ = ("_everything", "_trie")

    def __init__(self) -> None:
        self._trie: Trie = {}
        self._everything = False

    def __bool__(self) -> bool:
        return self._everything or bool(self._trie)

    def add(self, schema: Node, path: Path) -> None:
        """Remember `path` and everything below it."""
        self.add_steps(tokens_of(schema, path))

    def add_steps(self, tokens: tuple[Token, ...]) -> None:
        """Remember the place that these steps from the root lead to, and everything below it."""
        if not tokens:
            self._everything = True
            return
        level = self._trie
        for token in tokens[:-1]:
            below = level.setdefault(token, {})
            if below is None:
                return
            level = below
        level[tokens[-1]] = None

    def copy(self) -> Touched:
        """Return the same places, to which others can be added."""
        made = Touched()
        made._trie, made._everything = deepcopy(self._trie), self._everything
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._trie = {}
        self._everything = False

    def changes(self, old: Tree, new: Tree) -> tuple[Change, ...]:
        """Return the differences of two trees at the touched places, in path order, entries before their content."""
        if old.root is new.root:
            return ()
        trie = None if self._everything else self._trie
        return tuple(_container(old.schema, (), old.root, new.root, trie))


def apply(tree: Tree, changes: Iterable[Change]) -> Tree:
    """Return `tree` with every change made; the changes must be in path order."""
    for change in changes:
        if change.new is None:
            tree = tree.without(change.path)
        elif change.node.is_leaf:
            tree = tree.with_value(change.path, change.new)
        else:
            tree = tree.with_entry(change.path)
    return tree


def _container(node: Node, path: Path, old: Branch, new: Branch, trie: Trie | None) -> Iterator[Change]:
    if old is new:
        return
    names: Iterable[str] = node.children
    if trie is not None:
        names = trie if len(trie) == 1 else [name for name in names if name in trie]
    for name in names:
        before, after = old.get(name), new.get(name)
        if before is after:
            continue
        child = node.children[name]
        below = None if trie is None else trie[name]
        at = (*path, child.name)
        if child.is_leaf:
            if before != after:
                yield Change(at, child, before, after)
        elif child.is_list:
            yield from _list(child, at, before or NOBODY, after or NOBODY, below)
        else:
            yield from _lasting(child, at, before, after, below)


def _list(node: Node, path: Path, old: Listing, new: Listing, trie: Trie | None) -> Iterator[Change]:
    keys: Iterable[Any] = old or new
    if trie is not None:
        keys = sorted(trie, key=key_order)
    elif old and new:
        keys = sorted({*old, *new}, key=key_order)
    for key in keys:
        yield from _lasting(node, path + key, old.get(key), new.get(key), None if trie is None else trie[key])


def _lasting(node: Node, path: Path, old: Branch | None, new: Branch | None, trie: Trie | None) -> Iterator[Change]:
    """Yield the changes of an entry or container that may be missing on either side."""
    if (node.is_list or node.presence) and (old is None) is not (new is None):
        yield Change(path, node, None if old is None else True, None if new is None else True)
    missing = old is None or new is None
    yield from _container(
        node,
        path,
        EMPTY if old is None else old,
        EMPTY if new is None else new,
        # What came or went as a whole is compared as a whole, wherever the edits were.
        None if missing else trie,
    )
