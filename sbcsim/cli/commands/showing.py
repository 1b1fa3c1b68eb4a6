"""`show`: configuration, the candidate, operational data, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sbcsim.cli.modes import Mode
from sbcsim.cli.parser import Argument, Call, Fault, LineError
from sbcsim.cli.pipes import levels
from sbcsim.cli.resolving import Step, present, require, resolve
from sbcsim.cli.shell import Output, Shell
from sbcsim.cli.status import Status, operational
from sbcsim.cli.views import ConfigurationView, StatusView, TableView
from sbcsim.config.tree import Tree
from sbcsim.schema.node import Path
from sbcsim.schema.walk import Resolved, Want, children, matching, node_for

from .command import Command, Words

_LEVEL_WORD = "displaylevel"
_SHORTEST_LEVEL_WORD = "disp"  # keys that begin like this are refused, so nothing else can be meant


def show_configuration(shell: Shell, call: Call) -> Output:
    """Show the running configuration, in configure mode too: the renewal procedure is typed there as a whole."""
    words, deep = _leveled(call)
    found = resolve(shell.box.schema, words, _base(shell))
    require(shell.box.schema, found.path, words, _there(shell, call, shell.running))
    return Output(view=ConfigurationView(shell.running, found.path, shell.candidate), levels=deep)


def show_candidate(shell: Shell, call: Call) -> Output:
    """Show the candidate; held against the running configuration, what was deleted can be named too."""
    draft = shell.draft
    if (other := _abbreviated(shell, call.arguments)) is not None:
        return other(shell, replace(call, arguments=call.arguments[1:]))
    words, deep = _leveled(call)
    found = resolve(shell.box.schema, words, shell.level)
    require(shell.box.schema, found.path, words, _there(shell, call, draft.tree))
    return Output(view=ConfigurationView(draft.tree, found.path, draft), levels=deep)


def _abbreviated(shell: Shell, words: Sequence[Argument]) -> Callable[[Shell, Call], Output] | None:
    """Return what else is to be shown where the first word abbreviates its name, and none of an element."""
    if not words or words[0].word.quoted:
        return None
    text = words[0].word.text
    if matching(children(node_for(shell.box.schema, shell.level), Want.CONFIG), text):
        return None
    found = [name for name in _OTHERS if text and name.startswith(text)]
    return _OTHERS[found[0]] if len(found) == 1 else None


def _there(shell: Shell, call: Call, tree: Tree) -> Callable[[Step, Path], bool]:
    """Return what tells whether something can be shown: it is in the tree, or a pipe brings it to light."""
    pipes = {pipe.name for pipe in call.pipes}
    trees = (tree, shell.candidate.tree, shell.candidate.base) if shell.candidate and "compare" in pipes else (tree,)
    exists = present(*trees)
    if "details" not in pipes and shell.properties["show-defaults"] != "true":
        return exists
    return lambda step, path: exists(step, path) or (step.node.is_leaf and step.node.default is not None)


def compare(shell: Shell, call: Call) -> Output:
    """Show how the candidate differs from the running configuration."""
    draft = shell.draft
    found = resolve(shell.box.schema, call.arguments, shell.level)
    require(shell.box.schema, found.path, call.arguments, present(draft.tree, draft.base))
    return Output(tuple(ConfigurationView(draft.tree, found.path, draft).compared()))


def show_status(shell: Shell, call: Call) -> Output:
    """Show operational data in braces."""
    status = Status(shell.box)
    words, deep = _leveled(call)
    found = resolve(shell.box.schema, words, _base(shell), Want.STATUS)
    _require_operational(shell, words, found, status)
    return Output(view=StatusView(status, found.node, found.path, found.entry), levels=deep)


def show_table(shell: Shell, call: Call) -> Output:
    """Show operational data, or a list of the configuration, as a table."""
    status = Status(shell.box)
    words, _ = _leveled(call)  # a table has one level
    found = _tabular(shell, words)
    if operational(found.node):
        _require_operational(shell, words, found, status)
    else:
        require(shell.box.schema, found.path, words, present(shell.running), Fault.UNKNOWN_ARGUMENT)
    if operational(found.node) or found.node.is_leaf:
        shown = StatusView(status, found.node, found.path, found.entry)
        return Output(view=shown if found.node.is_leaf else TableView(shown))
    return Output(view=TableView(ConfigurationView(shell.running, found.path)))


def _leveled(call: Call) -> tuple[Sequence[Argument], int | None]:
    """Return the words in front of `displaylevel N`, and how many levels that allows."""
    words = call.arguments
    for at, argument in enumerate(words):
        text = argument.word.text
        if not argument.word.quoted and len(text) >= len(_SHORTEST_LEVEL_WORD) and _LEVEL_WORD.startswith(text):
            if at + 1 == len(words):
                raise LineError(Fault.INCOMPLETE, argument.end)
            if at + 2 < len(words):
                raise LineError(Fault.UNKNOWN_ARGUMENT, words[at + 2].start)
            return words[:at], levels(words[at + 1])
    return words, None


def _tabular(shell: Shell, words: Sequence[Argument]) -> Resolved:
    """Return what the words name in either part of the model; a full name wins over an abbreviation in the other."""
    refusal: LineError | None = None
    ways: list[Resolved] = []
    for want in (Want.STATUS, Want.CONFIG):
        try:
            ways.append(resolve(shell.box.schema, words, _base(shell), want))
        except LineError as error:
            refusal = error if refusal is None or error.position > refusal.position else refusal
    if not ways:
        assert refusal is not None
        raise refusal
    typed = {argument.word.text for argument in words}
    return next((way for way in ways if way.node.name in typed), ways[0])


def _require_operational(shell: Shell, words: Sequence[Argument], found: Resolved, status: Status) -> None:
    def exists(step: Step, path: Path) -> bool:
        return not step.is_entry or status.exists(step.node, path)

    require(shell.box.schema, found.path, words, exists, Fault.UNKNOWN_ARGUMENT)


def _base(shell: Shell) -> Path:
    return shell.level if shell.mode is Mode.CONFIGURE else shell.view_path


_OTHERS = {"configuration": show_configuration, "status": show_status, "table": show_table}

COMMANDS = (
    Command("show_configuration", ("show", "configuration"), show_configuration, Words.CONFIGURATION),
    Command("show_candidate", ("show",), show_candidate, Words.CANDIDATE),
    Command("compare", ("compare",), compare, Words.CANDIDATE),
    Command("show_status", ("show", "status"), show_status, Words.STATUS),
    Command("show_table", ("show", "table"), show_table, Words.TABLE),
)
