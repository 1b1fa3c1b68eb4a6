"""The configuration as text: braces (`show`), `set` lines (`| display set`) and differences (`| compare`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import format_path, quote

from .change import Change
from .listing import Key
from .tree import EMPTY, Branch, Tree, locate

INDENT = "    "

DEFAULT = " # default"
"""What stands behind a leaf that nobody set."""


def spell_value(leaf: Node, value: Value) -> str:
    """Return the value of a leaf as it is shown: a leaf-list as `[ a b ]`, a bit set as comma list."""
    kind = leaf.type
    assert kind is not None
    if leaf.kind is Kind.LEAF_LIST and isinstance(value, tuple):
        return f"[ {' '.join(quote(kind.format(item)) for item in value)} ]"
    return quote(kind.format(value))


def curly(tree: Tree, path: Path = (), *, details: bool = False) -> list[str]:
    """Return what stands at `path` in braces: of an entry or container its content, of a list its entries.

    With `details`, leaves at their default are shown too, marked as such. Nothing there gives no lines.
    """
    place = locate(tree.schema, path)
    node, below = place.node, tree.at(place)
    if node.is_leaf:
        value = tree.get(path)
        if value is not None:
            return [f"{node.name} {spell_value(node, value)};"]
        return (
            [f"{node.name} {spell_value(node, node.default)};{DEFAULT}"] if details and node.default is not None else []
        )
    if node.is_list and not place.entry:
        keys = below or ()
        return [line for key in keys for line in _block(node, key, below[key], 0, details=details)]
    if below is None and (place.entry or not details):
        return []
    return list(_content(node, EMPTY if below is None else below, 0, details=details))


def _content(node: Node, branch: Branch, level: int, *, details: bool) -> Iterator[str]:
    width = max((len(leaf.name) for leaf, _, _ in _leaves(node, branch, details=details)), default=0)
    leaves = {leaf.name: (value, given) for leaf, value, given in _leaves(node, branch, details=details)}
    for child in node.children.values():
        if child.name in leaves:
            value, given = leaves[child.name]
            yield f"{INDENT * level}{child.name:<{width}} {spell_value(child, value)};{'' if given else DEFAULT}"
        elif child.is_list and child.name in branch:
            entries = branch[child.name]
            for key in entries:
                yield from _block(child, key, entries[key], level, details=details)
        elif child.kind is Kind.CONTAINER and child.config and (child.name in branch or _shows(child, details=details)):
            yield from _block(child, (), branch.get(child.name, EMPTY), level, details=details)


def _leaves(node: Node, branch: Branch, *, details: bool) -> Iterator[tuple[Node, Value, bool]]:
    """Yield the leaves to show with their value and whether it was given explicitly; keys stand in the entry's head."""
    for child in node.children.values():
        if not child.is_leaf or not child.config or child.name in node.keys:
            continue
        value = branch.get(child.name)
        if value is not None:
            yield child, value, True
        elif details and child.default is not None:
            yield child, child.default, False


def _shows(container: Node, *, details: bool) -> bool:
    """Whether a container that is not there shows defaults."""
    if not details or container.presence:
        return False
    return any(
        (child.is_leaf and child.config and child.default is not None)
        or (child.kind is Kind.CONTAINER and child.config and _shows(child, details=details))
        for child in container.children.values()
    )


def _block(node: Node, key: Key, branch: Branch, level: int, *, details: bool) -> Iterator[str]:
    yield f"{INDENT * level}{format_path((node.name, *key))} {{"
    yield from _content(node, branch, level + 1, details=details)
    yield f"{INDENT * level}}}"


def set_lines(tree: Tree, path: Path = (), *, details: bool = False) -> list[str]:
    """Return what stands at and below `path` as absolute `set` lines, which load into an equal configuration."""
    place = locate(tree.schema, path)
    node, below = place.node, tree.at(place)
    if node.is_leaf:
        value = tree.value(path) if details else tree.get(path)
        return [] if value is None else [_set_line(path, node, value)]
    if below is None:
        return []
    if node.is_list and not place.entry:
        return [line for key in below for line in _sets(node, path + key, below[key], details=details)]
    return list(_sets(node, path, below, details=details))


def _sets(node: Node, path: Path, branch: Branch, *, details: bool) -> Iterator[str]:
    anything = False
    leaves = {leaf.name: value for leaf, value, _ in _leaves(node, branch, details=details)}
    for child in node.children.values():
        at = (*path, child.name)
        lines: Iterable[str] = ()
        if child.name in leaves:
            lines = (_set_line(at, child, leaves[child.name]),)
        elif child.is_list and child.name in branch:
            entries = branch[child.name]
            lines = (line for key in entries for line in _sets(child, at + key, entries[key], details=details))
        elif child.kind is Kind.CONTAINER and child.name in branch:
            lines = _sets(child, at, branch[child.name], details=details)
        for line in lines:
            anything = True
            yield line
    if not anything and path:
        yield f"set {format_path(path)}"


def _set_line(path: Path, node: Node, value: Value) -> str:
    return f"set {format_path(path)} {spell_value(node, value)}"


def change_lines(changes: Iterable[Change]) -> list[str]:
    """Return changes as `set` and `delete` lines, secrets replaced: what a journal may keep."""
    lines: list[str] = []
    gone: Path | None = None
    for change in changes:
        if gone is not None and change.path[: len(gone)] == gone and change.new is None:
            continue
        if change.new is None:
            lines.append(f"delete {format_path(change.path)}")
            if not change.node.is_leaf:
                gone = change.path
        elif not change.node.is_leaf:
            lines.append(f"set {format_path(change.path)}")
        elif change.node.secret:
            lines.append(f"set {format_path(change.path)} ********")
        else:
            lines.append(_set_line(change.path, change.node, change.new))
    return lines


def compare(
    old: Tree, new: Tree, changes: Iterable[Change], *, path: Path = (), conflicts: Collection[Path] = ()
) -> list[str]:
    """Return what differs below `path`, with parents: `-` and `+` in column 0, `!` where in conflict."""
    outline = _Outline(old, new, len(path), frozenset(conflicts))
    for change in changes:
        if change.path[: len(path)] == path:
            outline.add(change)
    return outline.finish()


class _Outline:
    """Lines under construction and the blocks that are open; paths up to `top` long are not shown."""

    def __init__(self, old: Tree, new: Tree, top: int, conflicts: frozenset[Path]) -> None:
        self._old, self._new = old, new
        self._top = top
        self._conflicts = conflicts
        self._open: list[tuple[Path, str]] = []
        self._lines: list[str] = []

    def add(self, change: Change) -> None:
        """Write one change inside its parents."""
        blocks = [block for block in _blocks(self._old.schema, change.path) if len(block) > self._top]
        while self._open and self._open[-1][0] not in blocks:
            self._close()
        for block in blocks[len(self._open) :]:
            self._begin(block)
        if not change.node.is_leaf:
            return
        sign = "!" if self._in_conflict(change.path) else ""
        if change.old is not None:
            self._write(sign or "-", f"{change.node.name} {spell_value(change.node, change.old)};")
        if change.new is not None:
            self._write(sign or "+", f"{change.node.name} {spell_value(change.node, change.new)};")

    def finish(self) -> list[str]:
        """Close every block and return the text."""
        while self._open:
            self._close()
        return self._lines

    def _begin(self, block: Path) -> None:
        there_before, there_after = self._old.exists(block), self._new.exists(block)
        sign = " " if there_before and there_after else "-" if there_before else "+"
        if sign != " " and self._in_conflict(block):
            sign = "!"
        place = locate(self._old.schema, block)
        name = block[-1 - len(place.node.keys) :] if place.entry else block[-1:]
        self._write(sign, f"{format_path(name)} {{")
        self._open.append((block, sign))

    def _close(self) -> None:
        _, sign = self._open.pop()
        self._write(sign, "}")

    def _in_conflict(self, path: Path) -> bool:
        return any(path[:length] in self._conflicts for length in range(1, len(path) + 1))

    def _write(self, sign: str, text: str) -> None:
        self._lines.append(f"{sign}{INDENT * len(self._open)}{text}")


def _blocks(schema: Node, path: Path) -> Iterator[Path]:
    """Yield the containers and entries on the way to `path`, itself included, that are written with braces."""
    node: Any = schema
    at = 0
    while at < len(path):
        node = node.children[path[at]]
        at += 1 + len(node.keys)
        if not node.is_leaf:
            yield path[:at]
