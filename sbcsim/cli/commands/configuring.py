"""Into configure mode and out of it: `configure`, `exit`, `quit`."""

from __future__ import annotations

from sbcsim.cli.parser import Call
from sbcsim.cli.questions import confirm
from sbcsim.cli.refusal import RefusalError
from sbcsim.cli.resolving import parent
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.config.transaction import LockedError
from sbcsim.grammar import message

from .command import Command, Right


def configure(shell: Shell, call: Call) -> Output:
    """Open a candidate, private to this session or under the exclusive lock."""
    options = {option.name for option in call.options}
    exclusive = "exclusive" in options
    if exclusive:
        Right.WRITE.require(shell)  # the lock keeps others from committing
    others = [
        message("answer.current_user", holder=candidate.author.description, mode=_name(exclusive=candidate.exclusive))
        for candidate in shell.box.database.candidates
    ]
    try:
        shell.enter_configure(exclusive=exclusive)
    except LockedError as locked:
        notice = message("answer.locked", holder=locked.holder.description)
        raise RefusalError(notice, message("answer.aborted", reason=locked.text)) from None
    shell.unasked = shell.unasked or "no-confirm" in options
    shown = [message("answer.entering", mode=_name(exclusive=exclusive))]
    if others:
        shown += [message("answer.current_users"), *others]
    if exclusive:
        shown.append(message("answer.exclusive_warning"))
    return Output(tuple(shown))


def leave(shell: Shell, _: Call) -> Output:
    """End the session."""
    shell.exit_status = 0
    return Output()


def exit_level(shell: Shell, call: Call) -> Steps:
    """Go up one level; at the top leave configure mode."""
    if shell.level:
        shell.level = parent(shell.box.schema, shell.level)
        return Output()
    return (yield from leave_configure(shell, call))


def leave_configure(shell: Shell, _: Call) -> Steps:
    """Leave configure mode; uncommitted changes are discarded after a question."""
    if shell.draft.modified:
        yield from confirm(
            shell, message("question.discard"), above=(message("answer.uncommitted"),), enter_means=False
        )
    shell.leave_configure()
    return Output()


def _name(*, exclusive: bool) -> str:
    return "exclusive" if exclusive else "private"


COMMANDS = (
    Command("configure", ("configure",), configure),
    Command("leave", ("exit",), leave),
    Command("exit_level", ("exit",), exit_level),
    Command("leave_configure", ("exit", "configuration-mode"), leave_configure),
)
