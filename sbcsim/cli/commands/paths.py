"""The path that `show` is relative to in operational mode: `set-path`, `top`, `up`."""

from __future__ import annotations

from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.resolving import parent, present, require, resolve
from sbcsim.cli.shell import Output, Shell

from .command import Command, Words
from .editing import levels


def set_path(shell: Shell, call: Call) -> Output:
    """Set the path, relative to where it stands."""
    found = resolve(shell.box.schema, call.arguments, shell.view_path)
    if found.node.is_leaf:
        raise LineError(Fault.UNKNOWN_ARGUMENT, call.arguments[-1].start)
    if found.node.is_list and not found.entry:
        raise LineError(Fault.INCOMPLETE, call.arguments[-1].end)
    require(shell.box.schema, found.path, call.arguments, present(shell.running))
    shell.view_path = found.path
    return Output()


def top_path(shell: Shell, _: Call) -> Output:
    """Return to the top."""
    shell.view_path = ()
    return Output()


def up_path(shell: Shell, call: Call) -> Output:
    """Go up one level, or as many as the word says."""
    for _ in range(levels(call)):
        if shell.view_path:
            shell.view_path = parent(shell.box.schema, shell.view_path)
    return Output()


COMMANDS = (
    Command("set_path", ("set-path",), set_path, Words.CONFIGURATION),
    Command("top_path", ("top",), top_path),
    Command("up_path", ("up",), up_path),
)
