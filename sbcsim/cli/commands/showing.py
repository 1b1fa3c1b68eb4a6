"""`show`: configuration, the candidate, operational data, tables."""

from __future__ import annotations

from sbcsim.cli.grid import configuration_table
from sbcsim.cli.modes import Mode
from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.resolving import Step, present, require, resolve
from sbcsim.cli.shell import Output, Shell, View
from sbcsim.cli.status import Status, operational
from sbcsim.schema.node import Path
from sbcsim.schema.walk import Resolved, Want

from .command import Command, Words


def show_configuration(shell: Shell, call: Call) -> Output:
    """Show the running configuration, in configure mode too: the renewal procedure is typed there as a whole."""
    found = resolve(shell.box.schema, call.arguments, _base(shell))
    require(shell.box.schema, found.path, call.arguments, present(shell.running))
    return Output(view=View(shell.running, found.path))


def show_candidate(shell: Shell, call: Call) -> Output:
    """Show the candidate; held against the running configuration, what was deleted can be named too."""
    draft = shell.draft
    found = resolve(shell.box.schema, call.arguments, shell.level)
    comparing = any(pipe.name == "compare" for pipe in call.pipes)
    trees = (draft.tree, draft.base) if comparing else (draft.tree,)
    require(shell.box.schema, found.path, call.arguments, present(*trees))
    return Output(view=View(draft.tree, found.path, draft))


def show_status(shell: Shell, call: Call) -> Output:
    """Show operational data in braces."""
    status = Status(shell.box)
    found = resolve(shell.box.schema, call.arguments, _base(shell), Want.STATUS)
    _require_operational(shell, call, found, status)
    return Output(tuple(status.lines(found.node, found.path, entry=found.entry)), data=True)


def show_table(shell: Shell, call: Call) -> Output:
    """Show operational data, or a list of the configuration, as a table."""
    status = Status(shell.box)
    found = _tabular(shell, call)
    if operational(found.node):
        _require_operational(shell, call, found, status)
    else:
        require(shell.box.schema, found.path, call.arguments, present(shell.running), Fault.UNKNOWN_ARGUMENT)
    if found.node.is_leaf:
        lines = status.lines(found.node, found.path, entry=False)
    elif operational(found.node):
        lines = status.table(found.node, found.path, entry=found.entry)
    else:
        lines = configuration_table(shell.running, found.node, found.path, entry=found.entry)
    return Output(tuple(lines), data=True)


def _tabular(shell: Shell, call: Call) -> Resolved:
    """Return what the words name in either part of the model; a full name wins over an abbreviation in the other."""
    refusal: LineError | None = None
    ways: list[Resolved] = []
    for want in (Want.STATUS, Want.CONFIG):
        try:
            ways.append(resolve(shell.box.schema, call.arguments, _base(shell), want))
        except LineError as error:
            refusal = error if refusal is None or error.position > refusal.position else refusal
    if not ways:
        assert refusal is not None
        raise refusal
    typed = {argument.word.text for argument in call.arguments}
    return next((way for way in ways if way.node.name in typed), ways[0])


def _require_operational(shell: Shell, call: Call, found: Resolved, status: Status) -> None:
    def exists(step: Step, path: Path) -> bool:
        return not step.is_entry or status.exists(step.node, path)

    require(shell.box.schema, found.path, call.arguments, exists, Fault.UNKNOWN_ARGUMENT)


def _base(shell: Shell) -> Path:
    return shell.level if shell.mode is Mode.CONFIGURE else shell.view_path


COMMANDS = (
    Command("show_configuration", ("show", "configuration"), show_configuration, Words.CONFIGURATION),
    Command("show_candidate", ("show",), show_candidate, Words.CANDIDATE),
    Command("show_status", ("show", "status"), show_status, Words.STATUS),
    Command("show_table", ("show", "table"), show_table, Words.TABLE),
)
