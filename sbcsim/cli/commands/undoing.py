"""Taking edits back: `rollback`, `revert`, `resolved`."""

from __future__ import annotations

from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.questions import confirm
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.config.history import KEPT
from sbcsim.grammar import message

from .command import Command, Right, Words


def rollback(shell: Shell, call: Call) -> Output:
    """Load what undoes the last commits into the candidate."""
    number = 0
    if call.arguments:
        argument = call.arguments[0]
        text = argument.word.text
        if text not in {str(each) for each in range(KEPT)}:
            raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
        number = int(text)
    shell.draft.rollback(number)
    return Output()


def revert(shell: Shell, _: Call) -> Steps:
    """Discard all edits after a question."""
    yield from confirm(shell, message("question.revert"), enter_means=False)
    shell.draft.revert()
    return Output()


def revert_unasked(shell: Shell, _: Call) -> Output:
    """Discard all edits."""
    shell.draft.revert()
    return Output()


def resolved(shell: Shell, _: Call) -> Output:
    """Let the own edits win over what others committed meanwhile."""
    shell.draft.resolve()
    return Output()


COMMANDS = (
    Command("rollback", ("rollback",), rollback, Words.REVISION, right=Right.WRITE),
    Command("revert", ("revert",), revert),
    Command("revert_unasked", ("revert", "no-confirm"), revert_unasked),
    Command("resolved", ("resolved",), resolved),
)
