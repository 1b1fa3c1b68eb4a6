"""The configuration as rows of text: one for each leaf and entry, one for each commit, one for each file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from immutables import Map

from sbcsim.clock import Instant
from sbcsim.errors import BugError, UserError
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value

from .change import Change
from .history import Author, CommitRecord
from .listing import Listing
from .tree import Tree, locate

RecordRow = tuple[int, int, int, str, str, str, str]
"""Revision, uptime and calendar, author, comment, label, changes."""


class StateError(UserError):
    """A state directory that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file or directory. `content` is None for a directory, and where only the rest of a file has changed."""

    id: int
    parent: int
    name: str
    mode: int
    accessed: int
    modified: int
    owner: str
    directory: bool
    open: bool = False
    fixed: bool = False
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """Everything that survives the process. `history` is newest first; `documents` are kept for others, by name."""

    tree: Tree
    revision: int
    history: tuple[CommitRecord, ...] = ()
    documents: Mapping[str, bytes] = field(default_factory=dict)
    files: tuple[FileRow, ...] = ()


def path_text(path: Path) -> str:
    """Return an instance path as text."""
    return json.dumps(path, ensure_ascii=False, separators=(",", ":"))


def read_path(text: str) -> Path:
    """Return what `path_text` was given."""
    return tuple(json.loads(text))


def value_text(node: Node, value: Value | None) -> str | None:
    """Return a leaf's value as text, None for an entry."""
    return _json(value) if node.is_leaf else None


def read_value(node: Node, text: str | None) -> Value:
    """Return the value of a row that is there; True for an entry."""
    if not node.is_leaf or text is None:
        return True
    value: Value = _value(json.loads(text))
    return value


def node_at(schema: Node, path: Path) -> Node:
    """Return where a row belongs; raises StateError for a path that this model does not have."""
    try:
        return locate(schema, path).node
    except BugError:
        raise StateError(f"the state holds '{' '.join(path)}', which this version does not know") from None


def read_tree(schema: Node, rows: Iterable[tuple[str, str | None]]) -> Tree:
    """Return the tree that rows of path and value stand for, in whatever order they come."""
    root: dict[Any, Any] = {}
    for text, value in rows:
        path = read_path(text)
        node_at(schema, path)
        place = locate(schema, path)
        below = root
        for token in place.tokens[:-1]:
            below = below.setdefault(token, {})
        if place.node.is_leaf:
            below[place.tokens[-1]] = read_value(place.node, value)
        else:
            below.setdefault(place.tokens[-1], {})
    return Tree(schema, _branch(root))


def record_row(record: CommitRecord) -> RecordRow:
    """Return a commit as a row."""
    changes = [(change.path, change.old, change.new) for change in record.changes]
    at, author = record.at, _json(asdict(record.author))
    return record.revision, at.uptime, at.calendar, author, record.comment, record.label, _json(changes)


def read_record(schema: Node, row: RecordRow) -> CommitRecord:
    """Return what `record_row` was given."""
    revision, uptime, calendar, author, comment, label, text = row
    changes = tuple(
        Change(tuple(path), node_at(schema, tuple(path)), _value(old), _value(new))
        for path, old, new in json.loads(text)
    )
    return CommitRecord(revision, Instant(uptime, calendar), Author(**json.loads(author)), changes, comment, label)


def _branch(content: dict[Any, Any]) -> Any:  # noqa: ANN401 - Branch or Listing
    below = {token: _branch(part) if isinstance(part, dict) else part for token, part in content.items()}
    return Listing(below.items()) if isinstance(next(iter(below), None), tuple) else Map(below)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _value(value: Any) -> Any:  # noqa: ANN401 - from JSON
    return tuple(value) if isinstance(value, list) else value
