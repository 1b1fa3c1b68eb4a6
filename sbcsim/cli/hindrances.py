"""What a fault puts in the way of a command: a question nobody expects, a refusal, a wait."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from sbcsim.device.managementpoints import EXPIRED, FALSE, QUESTION, SLOW, SYNTAX, WARNING
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .parser import unknown_command
from .questions import confirm
from .refusal import RefusalError
from .shell import Ask, Patience, Shell, Step, Work

_Result = TypeVar("_Result")


def refuse_unknown(shell: Shell, line: str, cleaned: str) -> None:
    """Raise LineError where a fault has a command be one that nobody knows; `cleaned` is without its secrets."""
    if _fires(shell, SYNTAX, line.strip(), cleaned) is not None:
        raise unknown_command(line, shell.mode.start)


def asked_first(
    shell: Shell, line: str, cleaned: str, steps: Generator[Step, str, _Result]
) -> Generator[Step, str, _Result]:
    """Return the steps of a command, behind the question of a fault where somebody can be asked."""
    question = _fires(shell, QUESTION, line.strip(), cleaned) if shell.terminal is not None else None
    return steps if question is None else _behind(message("question.unexpected", question=question), steps)


def _behind(question: str, steps: Generator[Step, str, _Result]) -> Generator[Step, str, _Result]:
    if (yield Ask(question)).strip().lower() not in {"", "y", "yes"}:
        raise RefusalError(message("answer.aborted", reason=message("answer.by_user")))
    return (yield from steps)


def commit_delayed(shell: Shell) -> Generator[Ask | Work, str, None]:
    """Wait before a commit where a fault wants that."""
    milliseconds = _fires(shell, SLOW)
    if milliseconds is not None:
        yield Work(lambda: None, Patience(int(milliseconds) / 1000, _for_nobody))


def commit_warned_of(shell: Shell) -> Generator[Ask | Work, str, list[str]]:
    """Warn of a commit where a fault wants that; raises RefusalError unless the user goes on with it.

    Returns the lines of the warning where there is nobody to ask.
    """
    text = _fires(shell, WARNING)
    if text is None:
        return []
    *above, question = message("question.warnings", text=text).split("\n")
    yield from confirm(shell, question, above=above, enter_means=True)
    return [] if shell.asks else above


def commit_belied(shell: Shell) -> None:
    """Raise UserError behind a commit that a fault has seem to have failed."""
    reason = _fires(shell, FALSE)
    if reason is not None:
        raise UserError(reason)


def pending_expired(shell: Shell) -> None:
    """Take a confirmed commit back that is about to be confirmed, where a fault has its time be over."""
    database = shell.box.database
    if database.pending is not None and _fires(shell, EXPIRED) is not None:
        database.time_out(shell.now)


def _for_nobody(_: Callable[[], None]) -> Callable[[], None]:
    return lambda: None


def _fires(shell: Shell, point: str, subject: str | None = None, shown: str | None = None) -> str | None:
    """Return the value of the fault that fires; whoever runs the simulator meets none of these at its own console."""
    faults = shell.box.faults
    if not faults.at(point) or (shell.login is not None and shell.login.console):
        return None
    return faults.fires(point, shell.author.user if subject is None else subject, shell.now, shown=shown)
