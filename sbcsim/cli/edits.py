"""Edits read from text, one after the other: what `set` and `delete` ask for, wherever they were written."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.config.transaction import Candidate
from sbcsim.schema.node import Node, Path
from sbcsim.schema.walk import Assignment, resolve_path, resolve_set

from .parser import Call


@dataclass(frozen=True, slots=True)
class Deletion:
    """The instance path of what is to go; behind a leaf-list, one value of it. `line` is where a text says so."""

    path: Path
    line: int = 0


Edit = Assignment | Deletion


def edits_of(schema: Node, call: Call, line: int = 0) -> list[Edit]:
    """Return what a `set` or `delete` line asks for; raises WalkError."""
    if call.command == "set":
        return list(resolve_set(schema, call.words))
    found = resolve_path(schema, call.words, values=True)
    return [Deletion(found.path if found.value is None else (*found.path, str(found.value)), line)]


def apply(candidate: Candidate, edit: Edit) -> None:
    """Make an edit; raises UserError where there is nothing to delete."""
    if isinstance(edit, Deletion):
        candidate.delete(edit.path)
    elif edit.value is None:
        candidate.create(edit.path)
    elif edit.value == ():
        if candidate.tree.exists(edit.path):  # a leaf-list without values is none
            candidate.delete(edit.path)
    elif edit.append and isinstance(edit.value, tuple):
        candidate.append(edit.path, edit.value)
    else:
        candidate.set(edit.path, edit.value)
