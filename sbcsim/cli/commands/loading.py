"""Configuration as text in and out: `load`, `save`."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from sbcsim.cli.edits import Deletion, Edit, apply
from sbcsim.cli.home import read_text
from sbcsim.cli.parser import Call
from sbcsim.cli.reading import read
from sbcsim.cli.refusal import RefusalError
from sbcsim.cli.resolving import steps
from sbcsim.cli.shell import Ask, Output, Pause, Shell, Step, Steps, Work
from sbcsim.cli.views import ConfigurationView
from sbcsim.config.transaction import Candidate
from sbcsim.errors import ScenarioError, UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path

from .command import Command, Right

_AT_ONCE = 200
"""Edits between two looks at what others want: a long text must not hold them up."""


def load(shell: Shell, call: Call) -> Steps:
    """Load a text into the candidate: beside what is there, in place of everything, or of the entries it holds."""
    ways = {option.name for option in call.options}
    name, text = yield from _text(shell, call)
    best_effort = any(pipe.name == "best-effort" for pipe in call.pipes)
    edits, mistakes = yield from _understood(shell, name, text, best_effort=best_effort)
    if mistakes and not best_effort:
        raise _refusal(mistakes[0])
    with shell.draft.all_or_nothing() as draft:
        if "override" in ways:
            draft.delete(())
        elif "replace" in ways:
            _clear(draft, shell.box.schema, edits)
        for number, edit in enumerate(edits, 1):
            try:
                apply(draft, edit)
            except UserError as refusal:
                if not best_effort:
                    raise _not_made(refusal, name, edit) from None
            if number % _AT_ONCE == 0:
                yield Pause()
    return Output(tuple(line for error in mistakes for line in _refusal(error).lines))


def _text(shell: Shell, call: Call) -> Generator[Step, str, tuple[str, str]]:
    """Return the name of what is loaded, and its text."""
    if call.arguments:
        name = call.arguments[0].word.text
        return name, read_text(shell, name)
    if not shell.reads:
        raise UserError(message("answer.nothing_to_read"))
    return "terminal", (yield Ask(message("session.continued") if shell.terminal else "", lines=True))


def _understood(
    shell: Shell, name: str, text: str, *, best_effort: bool
) -> Generator[Step, str, tuple[list[Edit], list[ScenarioError]]]:
    """Return the edits of a text and the mistakes in it, of which only the first is looked for without best effort."""
    mistakes: list[ScenarioError] = []
    edits: list[Edit] = []

    def failed(error: ScenarioError) -> None:
        mistakes.append(error)
        if not best_effort:
            raise error

    def work() -> None:
        try:
            edits.extend(read(text, shell.box.schema, failed, file=name))
        except ScenarioError:
            return  # it is among the mistakes

    yield Work(work)
    yield Pause()
    return edits, mistakes


def _not_made(refusal: UserError, name: str, edit: Edit) -> RefusalError:
    """Return the refusal of an edit that was understood: something is to be deleted that is not there."""
    reason = message("answer.aborted", reason=refusal.text)
    return _refusal(ScenarioError(reason, file=name, line=edit.line if isinstance(edit, Deletion) else 0))


def _refusal(error: ScenarioError) -> RefusalError:
    return RefusalError(error.reason, message("answer.error_at", file=error.file, line=error.line))


def _clear(draft: Candidate, schema: Node, edits: Sequence[Edit]) -> None:
    """Delete the entries that a text gives content of their own; those it only leads through stay."""
    named: dict[Path, None] = {}
    for edit in edits:
        if isinstance(edit, Deletion):
            continue
        entries = [edit.path[: step.end] for step in steps(schema, edit.path) if step.is_entry]
        if entries and (edit.value is not None or entries[-1] == edit.path):
            named[entries[-1]] = None
    for path in named:
        if draft.tree.exists(path):
            draft.delete(path)


def save(shell: Shell, call: Call) -> Output:
    """Write the candidate to a file."""
    return Output(view=ConfigurationView(shell.draft.tree, (), shell.draft), file=call.arguments[0].word.text)


COMMANDS = (
    Command("load", ("load",), load, right=Right.WRITE),
    Command("save", ("save",), save),
)
