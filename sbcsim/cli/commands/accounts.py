"""`change-password` and `reset-password`, and the change that some have to make before anything else."""

from __future__ import annotations

from collections.abc import Generator

from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.shell import Ask, Output, Shell, Steps, Work
from sbcsim.device.administration import Administration
from sbcsim.device.passwords import PasswordRules
from sbcsim.errors import UserError
from sbcsim.events import LogEvent
from sbcsim.grammar import message

from .command import Command, Right, Words

_TRIES = 3


def change_password(shell: Shell, _: Call) -> Steps:
    """Change the own password after asking for the old one."""
    if shell.terminal is None:
        raise UserError(message("answer.no_terminal"))
    yield from _changed(shell)
    return Output()


def reset_password(shell: Shell, call: Call) -> Steps:
    """Give a user another password."""
    users, argument = shell.box.users, call.arguments[0]
    name = argument.word.text
    if users.get(name) is None:
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    if shell.terminal is None:
        raise UserError(message("answer.no_terminal"))
    new, again = yield from _new_password()
    if users.get(name) is None:  # removed while it was asked for
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    _require_same(new, again)
    users.reset_password(name, new, _rules(shell))
    _tell(shell, name)
    return Output()


def change_at_login(shell: Shell) -> Generator[Ask | Work, str, str]:
    """Have the user of a session change the password before anything else; return "", or why it has come to nothing."""
    refusal = ""
    for _ in range(_TRIES):
        try:
            yield from _changed(shell, above=f"{refusal}\n" if refusal else "")
        except UserError as error:
            refusal = message("answer.aborted", reason=error.text)
        else:
            return ""
    return refusal


def _changed(shell: Shell, *, above: str = "") -> Generator[Ask | Work, str, None]:
    """Have the user of a session change the own password; raises UserError."""
    users, user = shell.box.users, shell.author.user
    old = yield Ask(above + message("question.old_password"), hidden=True)
    new, again = yield from _new_password()
    if not users.check(user, old):
        raise UserError(message("answer.wrong_password"))
    _require_same(new, again)
    users.change_password(user, old, new, _rules(shell))
    _tell(shell, user)


def _new_password() -> Generator[Ask | Work, str, tuple[str, str]]:
    new = yield Ask(message("question.new_password"), hidden=True)
    again = yield Ask(message("question.new_password_again"), hidden=True)
    return new, again


def _require_same(new: str, again: str) -> None:
    if new != again:
        raise UserError(message("answer.passwords_differ"))


def _rules(shell: Shell) -> PasswordRules:
    return Administration(shell.running, shell.box.system_name).password_rules


def _tell(shell: Shell, user: str) -> None:
    author = shell.author
    text = f"*Password of {user} changed by {author.user} from {author.remote}"
    shell.box.journal.add(shell.now, LogEvent("SEC", "info", text))


COMMANDS = (
    Command("change_password", ("change-password",), change_password, acts=True),
    Command("reset_password", ("reset-password",), reset_password, Words.USER, right=Right.WRITE, acts=True),
)
