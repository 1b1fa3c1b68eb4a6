"""The commands of the CLI, one module for each family.

To add one: give it a rule in `grammar/cli.lark`, a help text in `grammar/messages.toml`, and an entry in `COMMANDS`
of the module of its family; a new family is named in `_FAMILIES` below.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from sbcsim.cli.parser import Call, Start
from sbcsim.cli.shell import Ask, Output, Shell, Work

from . import (
    accounts,
    committing,
    configuring,
    editing,
    helping,
    paths,
    properties,
    requesting,
    showing,
    undoing,
)
from .command import Command, Words

__all__ = ["TABLE", "Command", "Words", "execute", "words_behind"]

_FAMILIES = (
    accounts, committing, configuring, editing, helping, paths, properties, requesting, showing, undoing,
)  # fmt: skip

TABLE: dict[str, Command] = {command.name: command for family in _FAMILIES for command in family.COMMANDS}
"""Every command by its name in the grammar."""

_STAYING = frozenset({"edit", "top", "up"})


def execute(shell: Shell, call: Call) -> Generator[Ask | Work, str, Output]:
    """Run a call to its end, asking and working on the way; raises LineError, RefusalError or UserError."""
    if call.inner is not None:
        inner = replace(call.inner, pipes=call.pipes)
        return (yield from (_from_top(shell, inner) if call.command == "from_top" else execute(shell, inner)))
    result = TABLE[call.command].run(shell, call)
    if isinstance(result, Output):
        return result
    return (yield from result)


def _from_top(shell: Shell, call: Call) -> Generator[Ask | Work, str, Output]:
    """Run a command as if from the top level; only the commands that move stay where they went."""
    level, shell.level = shell.level, ()
    try:
        return (yield from execute(shell, call))
    finally:
        if call.command not in _STAYING and shell.candidate is not None:
            shell.level = level


def words_behind(keywords: tuple[str, ...], start: Start) -> Words:
    """Return what the words behind the keywords of a line name."""
    if keywords[:1] == ("run",):
        keywords, start = keywords[1:], Start.OPER
    elif keywords[:1] == ("top",) and start is Start.CONF:
        keywords = keywords[1:]
    found = [command for command in TABLE.values() if command.keywords == keywords]
    return found[0].words if found else Words.NOTHING
