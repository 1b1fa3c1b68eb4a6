"""Editing the candidate: `set`, `delete`, `edit`, `top`, `up`."""

from __future__ import annotations

from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.questions import value_for
from sbcsim.cli.redaction import without_secret
from sbcsim.cli.resolving import line_error, parent, present, require, resolve
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.schema.types import Value
from sbcsim.schema.walk import Assignment, Problem, WalkError, resolve_set

from .command import Command, Right, Words


def set_(shell: Shell, call: Call) -> Steps:
    """Set leaves and create entries; a missing last value is asked for on a terminal."""
    words = list(call.words)
    try:
        assignments = resolve_set(shell.box.schema, words, shell.level)
    except WalkError as error:
        leaf = error.choices[0] if error.problem is Problem.INCOMPLETE and error.choices else None
        if leaf is None or not leaf.is_leaf or shell.terminal is None or shell.properties["autowizard"] != "true":
            raise without_secret(line_error(error, call.arguments), error, call.arguments, shell.box.schema) from None
        words.append((yield from value_for(leaf)))
        try:
            assignments = resolve_set(shell.box.schema, words, shell.level)
        except WalkError as wrong:
            raise LineError(Fault.BAD_VALUE, call.arguments[-1].end, text=wrong.text) from None
    for assignment in assignments:
        _assign(shell, assignment)
    return Output()


def _assign(shell: Shell, assignment: Assignment) -> None:
    value = assignment.value
    if value is None:
        shell.draft.create(assignment.path)
    elif assignment.append and isinstance(value, tuple):
        shell.draft.append(assignment.path, value)
    else:
        shell.draft.set(assignment.path, value)


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
    """Go down to a container or an entry; entries that are missing are created."""
    found = resolve(shell.box.schema, call.arguments, shell.level)
    if found.node.is_leaf:
        raise LineError(Fault.UNKNOWN_ARGUMENT, call.arguments[-1].start)
    if found.node.is_list and not found.entry:
        raise LineError(Fault.INCOMPLETE, call.arguments[-1].end)
    if not shell.draft.tree.exists(found.path):
        shell.draft.create(found.path)
    shell.level = found.path
    return Output()


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
    if not argument.word.text.isascii() or not argument.word.text.isdecimal() or len(argument.word.text) > 2:
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    return int(argument.word.text)


COMMANDS = (
    Command("set", ("set",), set_, Words.ASSIGNMENT, right=Right.WRITE),
    Command("delete", ("delete",), delete, Words.CANDIDATE, right=Right.WRITE),
    Command("edit", ("edit",), edit, Words.CANDIDATE, right=Right.WRITE),
    Command("top", ("top",), top),
    Command("up", ("up",), up),
)
