"""Objects that can be enabled: entries with a `state` of their own, disabled until they are enabled."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.schema.node import Node, Path

from .tree import Tree


def switchable(node: Node) -> bool:
    """Whether entries of `node` are such objects."""
    state = node.children.get("state") if node.is_list and node.config else None
    return state is not None and state.config and state.default == "disabled"


def enabled(tree: Tree, entry: Path) -> bool:
    """Whether an object is there and enabled."""
    return tree.exists(entry) and tree.value((*entry, "state")) == "enabled"


def states_of(tree: Tree, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the objects at and below `path`, each with its state."""
    for entry, node in tree.entries(path):
        if switchable(node):
            yield entry, str(tree.value((*entry, "state")))


def object_of(schema: Node, path: Path) -> Path | None:
    """Return the innermost object that `path` leads into."""
    return next((at for node, at in reversed([*instances(schema, path)]) if at != path and switchable(node)), None)


def instances(schema: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    """Yield every container, entry and leaf on the way to `path`, with its instance path."""
    node, at = schema, 0
    while at < len(path):
        node = node.children[path[at]]
        at += 1 + (len(node.keys) if node.is_list else 0)
        yield node, path[:at]
