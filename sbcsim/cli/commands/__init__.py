"""The commands of the CLI, one module for each family.

To add one: give it a rule in `grammar/cli.lark`, a help text in `grammar/messages.toml`, and an entry in `COMMANDS`
of the module of its family; a new family is named in `_FAMILIES` below.
"""

from __future__ import annotations

from dataclasses import replace

from sbcsim.cli.parser import Call, Start
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path

from . import (
    accounts,
    committing,
    configuring,
    editing,
    helping,
    loading,
    paths,
    properties,
    requesting,
    showing,
    sourcing,
    undoing,
)
from .command import Command, Words

__all__ = ["TABLE", "Command", "Words", "execute", "words_behind"]

_FAMILIES = (
    accounts, committing, configuring, editing, helping, loading, paths, properties, requesting, showing, sourcing,
    undoing,
)  # fmt: skip

TABLE: dict[str, Command] = {command.name: command for family in _FAMILIES for command in family.COMMANDS}
"""Every command by its name in the grammar."""

_STAYING = frozenset({"edit", "top", "up"})


def execute(shell: Shell, call: Call) -> Steps:
    """Run a call to its end, asking and working on the way; raises LineError, RefusalError or UserError."""
    if call.inner is not None:
        # `run show` looks from where operational mode stands; everything else begins at the root.
        shows = call.command == "run" and call.inner.command.startswith("show")
        level = shell.view_path if shows else ()
        return (yield from _elsewhere(shell, replace(call.inner, pipes=call.pipes), level))
    command = TABLE[call.command]
    command.right.require(shell)
    if command.acts and shell.login is not None and shell.login.standby:
        raise UserError(message("answer.readonly_node"))
    result = command.run(shell, call)
    if isinstance(result, Output):
        return result
    return (yield from result)


def _elsewhere(shell: Shell, call: Call, level: Path) -> Steps:
    """Run a command as if from another level; only the commands that move stay where they went."""
    before, shell.level = shell.level, level
    try:
        return (yield from execute(shell, call))
    finally:
        if call.command not in _STAYING and shell.candidate is not None:
            shell.level = before


def words_behind(keywords: tuple[str, ...], start: Start) -> Words:
    """Return what the words behind the keywords of a line name."""
    if keywords[:1] == ("run",):
        keywords, start = keywords[1:], Start.OPER
    elif keywords[:1] == ("top",) and start is Start.CONF:
        keywords = keywords[1:]
    found = [command for command in TABLE.values() if command.keywords == keywords]
    return found[0].words if found else Words.NOTHING
