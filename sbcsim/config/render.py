"""The configuration as text: braces (`show`), `set` lines (`| display set`) and differences (`| compare`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import format_path, quote

from .change import Change
from .listing import Key
from .tree import EMPTY, Branch, Tree, locate, names

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


def curly(tree: Tree, path: Path = (), *, details: bool = False) -> Iterator[str]:
    """Yield what stands at `path` in braces: of an entry or container its content, of a list its entries.

    With `details`, leaves at their default are shown too, marked as such. Nothing there gives no lines.
    """
    place = locate(tree.schema, path)
    node, below = place.node, tree.at(place)
    if node.is_leaf:
        value = tree.get(path)
        if value is not None:
            yield f"{node.name} {spell_value(node, value)};"
        elif details and node.default is not None:
            yield f"{node.name} {spell_value(node, node.default)};{DEFAULT}"
    elif node.is_list and not place.entry:
        for key in below or ():
            yield from _block(node, key, below[key], 0, details=details)
    elif below is not None or (details and not place.entry):
        yield from _content(node, EMPTY if below is None else below, 0, details=details)


def _content(node: Node, branch: Branch, level: int, *, details: bool) -> Iterator[str]:
    shown = [*_shown(node, branch, details=details)]
    width = max((len(child.name) for child, _, _ in shown if child.is_leaf), default=0)
    indent = INDENT * level
    for child, below, given in shown:
        if child.is_leaf:
            yield f"{indent}{child.name:<{width}} {spell_value(child, below)};{'' if given else DEFAULT}"
        elif child.is_list:
            for key in below:
                yield from _block(child, key, below[key], level, details=details)
        else:
            yield from _block(child, (), below, level, details=details)


def _shown(node: Node, branch: Branch, *, details: bool) -> Iterator[tuple[Node, Any, bool]]:
    """Yield what to show of a container or entry with its value or content, and whether it was given explicitly."""
    for name in node.children if details else names(node, branch):
        child = node.children[name]
        below = branch.get(name)
        if below is not None:
            yield child, below, True
        elif not child.config or name in node.keys:
            continue
        elif child.is_leaf and child.default is not None:
            yield child, child.default, False
        elif child.kind is Kind.CONTAINER and _shows(child, details=details):
            yield child, EMPTY, False


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


def set_lines(tree: Tree, path: Path = (), *, details: bool = False) -> Iterator[str]:
    """Yield what stands at and below `path` as absolute `set` lines, which load into an equal configuration."""
    place = locate(tree.schema, path)
    node, below = place.node, tree.at(place)
    text = "".join(f" {quote(word)}" for word in path)
    if node.is_leaf:
        value = tree.value(path) if details else tree.get(path)
        if value is not None:
            yield _set_line(path, node, value)
    elif node.is_list and not place.entry:
        for key in below or ():
            yield from _sets(node, f"{text} {format_path(key)}", below[key], details=details)
    elif below is not None:
        yield from _sets(node, text, below, details=details)


def _sets(node: Node, text: str, branch: Branch, *, details: bool) -> Iterator[str]:
    """Yield the lines of a container or entry, whose path is spelt in `text` with a blank before each word."""
    empty = True
    for child, below, given in _shown(node, branch, details=details):
        at = f"{text} {child.name}"
        if child.is_leaf:
            empty = False
            yield f"set{at} {spell_value(child, below)}"
        elif child.is_list:
            empty = False  # a list has entries, and each has a line
            for key in below:
                yield from _sets(child, f"{at} {format_path(key)}", below[key], details=details)
        elif given:
            empty = False
            yield from _sets(child, at, below, details=details)
    if empty and text:
        yield f"set{text}"


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
) -> Iterator[str]:
    """Yield what differs below `path`, with parents: `-` and `+` in column 0, `!` where in conflict."""
    outline = _Outline(old, new, len(path), frozenset(conflicts))
    for change in changes:
        if change.path[: len(path)] == path:
            yield from outline.add(change)
    yield from outline.finish()


class _Outline:
    """The blocks that are open while changes are written; paths up to `top` long are not shown."""

    def __init__(self, old: Tree, new: Tree, top: int, conflicts: frozenset[Path]) -> None:
        self._old, self._new = old, new
        self._top = top
        self._conflicts = conflicts
        self._open: list[tuple[Path, str]] = []

    def add(self, change: Change) -> Iterator[str]:
        """Yield one change inside its parents."""
        blocks = [block for block in _blocks(self._old.schema, change.path) if len(block) > self._top]
        while self._open and self._open[-1][0] not in blocks:
            yield self._close()
        for block in blocks[len(self._open) :]:
            yield self._begin(block)
        if not change.node.is_leaf:
            return
        sign = "!" if self._in_conflict(change.path) else ""
        if change.old is not None:
            yield self._line(sign or "-", f"{change.node.name} {spell_value(change.node, change.old)};")
        if change.new is not None:
            yield self._line(sign or "+", f"{change.node.name} {spell_value(change.node, change.new)};")

    def finish(self) -> Iterator[str]:
        """Yield the ends of the blocks that are open."""
        while self._open:
            yield self._close()

    def _begin(self, block: Path) -> str:
        there_before, there_after = self._old.exists(block), self._new.exists(block)
        sign = " " if there_before and there_after else "-" if there_before else "+"
        if sign != " " and self._in_conflict(block):
            sign = "!"
        place = locate(self._old.schema, block)
        name = block[-1 - len(place.node.keys) :] if place.entry else block[-1:]
        line = self._line(sign, f"{format_path(name)} {{")
        self._open.append((block, sign))
        return line

    def _close(self) -> str:
        _, sign = self._open.pop()
        return self._line(sign, "}")

    def _in_conflict(self, path: Path) -> bool:
        return bool(self._conflicts) and any(path[:length] in self._conflicts for length in range(1, len(path) + 1))

    def _line(self, sign: str, text: str) -> str:
        return f"{sign}{INDENT * len(self._open)}{text}"


def _blocks(schema: Node, path: Path) -> Iterator[Path]:
    """Yield the containers and entries on the way to `path`, itself included, that are written with braces."""
    node: Any = schema
    at = 0
    while at < len(path):
        node = node.children[path[at]]
        at += 1 + len(node.keys)
        if not node.is_leaf:
            yield path[:at]
