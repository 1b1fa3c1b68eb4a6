"""Editing the candidate: `set`, `delete`, `edit`, `top`, `up`."""

from __future__ import annotations

import re

from sbcsim.cli.edits import apply
from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.questions import asks_for, refused_answer, value_for
from sbcsim.cli.resolving import line_error, parent, present, require, resolve
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path
from sbcsim.schema.types import Value
from sbcsim.schema.walk import WalkError, format_path, resolve_set

from .command import Command, Right, Words

_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)
_DEEPEST = 100
"""More levels than any path has."""
_MOST_KEYS = 20
"""More keys than any list has."""


def set_(shell: Shell, call: Call) -> Steps:
    """Set leaves and create entries; a missing last value is asked for on a terminal."""
    words = list(call.words)
    try:
        assignments = resolve_set(shell.box.schema, words, shell.level)
    except WalkError as error:
        leaf = asks_for(shell, error)
        if leaf is None:
            raise line_error(error, call.arguments) from None
        words.append((yield from value_for(leaf)))
        try:
            assignments = resolve_set(shell.box.schema, words, shell.level)
        except WalkError as wrong:
            raise refused_answer(call.arguments, wrong) from None
    for assignment in assignments:
        apply(shell.draft, assignment)
    return Output()


def delete(shell: Shell, call: Call) -> Output:
    """Delete a leaf, an entry, a container, or one value of a leaf-list."""
    schema, draft, arguments = shell.box.schema, shell.draft, call.arguments
    found = resolve(schema, arguments, shell.level, values=True)
    if found.node.is_list and not found.entry:
        raise LineError(Fault.INCOMPLETE, arguments[-1].end)
    named = arguments if found.value is None else arguments[:-1]
    require(schema, found.path, named, present(draft.tree))
    if found.value is None:
        there, path = draft.tree.exists(found.path), found.path
    else:
        there, path = found.value in _values(draft.tree.get(found.path)), (*found.path, str(found.value))
    if not there:
        raise LineError(Fault.NOT_THERE, arguments[-1].start)
    draft.delete(path)
    return Output()


def _values(value: Value | None) -> tuple[str | int, ...]:
    return value if isinstance(value, tuple) else ()


def edit(shell: Shell, call: Call) -> Output:
    """Go down to a container or an entry; one that is missing is created, which not everybody may do."""
    found = resolve(shell.box.schema, call.arguments, shell.level)
    if found.node.is_leaf:
        raise LineError(Fault.UNKNOWN_ARGUMENT, call.arguments[-1].start)
    if found.node.is_list and not found.entry:
        raise LineError(Fault.INCOMPLETE, call.arguments[-1].end)
    if found.entry and not shell.draft.tree.exists(found.path):
        Right.WRITE.require(shell)
        shell.draft.create(found.path)
    shell.level = found.path
    return Output()


def rename(shell: Shell, call: Call) -> Output:
    """Give an entry another key; what refers to it is not touched."""
    old, new = _transfer(shell, call)
    if new != old:
        _put(shell, old, new)
        shell.draft.delete(old)
    return Output()


def copy(shell: Shell, call: Call) -> Output:
    """Make another entry with the content of one."""
    old, new = _transfer(shell, call)
    if new == old:
        raise UserError(message("refusal.already_there", path=format_path(new)))
    _put(shell, old, new)
    return Output()


def _transfer(shell: Shell, call: Call) -> tuple[Path, Path]:
    """Return the path of an entry and the path that it would have with the key behind it."""
    schema, arguments = shell.box.schema, call.arguments
    for count in range(1, min(len(arguments), _MOST_KEYS + 1)):
        try:
            found = resolve(schema, arguments[:-count], shell.level)
        except LineError:
            continue
        if found.entry and len(found.node.keys) == count:
            break
    else:
        # Nothing fits: say what is wrong with the path, or that the new key is missing behind it.
        found = resolve(schema, arguments, shell.level)
        if found.node.is_list:
            raise LineError(Fault.INCOMPLETE, arguments[-1].end)
        raise LineError(Fault.UNKNOWN_ARGUMENT, arguments[-1].start)
    require(schema, found.path, arguments[:-count], present(shell.draft.tree))
    new = resolve(schema, (*arguments[: -2 * count], *arguments[-count:]), shell.level).path
    if new != found.path and shell.draft.tree.exists(new):
        raise UserError(message("refusal.already_there", path=format_path(new)))
    return found.path, new


def _put(shell: Shell, old: Path, new: Path) -> None:
    """Write what stands at one path to another one."""
    draft = shell.draft
    for path, _, value in draft.tree.walk(old):
        place = new + path[len(old) :]
        if value is None:
            draft.create(place)
        else:
            draft.set(place, value)


def top(shell: Shell, _: Call) -> Output:
    """Go to the top of the configuration."""
    shell.level = ()
    return Output()


def up(shell: Shell, call: Call) -> Output:
    """Go up one level, or as many as the word says, at most to the top."""
    for _ in range(levels(call)):
        if shell.level:
            shell.level = parent(shell.box.schema, shell.level)
    return Output()


def levels(call: Call) -> int:
    """Return how many levels `up` was told to go; raises LineError for anything but a small number."""
    if not call.arguments:
        return 1
    argument = call.arguments[0]
    if not _NUMBER.fullmatch(argument.word.text):
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    return min(int(argument.word.text), _DEEPEST)


COMMANDS = (
    Command("set", ("set",), set_, Words.ASSIGNMENT, right=Right.WRITE),
    Command("delete", ("delete",), delete, Words.CANDIDATE, right=Right.WRITE),
    Command("edit", ("edit",), edit, Words.CANDIDATE),
    Command("rename", ("rename",), rename, Words.CANDIDATE, right=Right.WRITE),
    Command("copy", ("copy",), copy, Words.CANDIDATE, right=Right.WRITE),
    Command("top", ("top",), top),
    Command("up", ("up",), up),
)
