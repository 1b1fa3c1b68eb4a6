"""`change-password`."""

from __future__ import annotations

from sbcsim.cli.parser import Call
from sbcsim.cli.shell import Ask, Output, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .command import Command


def change_password(shell: Shell, _: Call) -> Steps:
    """Change the own password after asking for the old one."""
    users, user = shell.box.users, shell.author.user
    account = users.get(user)
    if account is None or shell.terminal is None:
        raise UserError(message("answer.no_terminal"))
    old = yield Ask(message("question.old_password"), hidden=True)
    new = yield Ask(message("question.new_password"), hidden=True)
    again = yield Ask(message("question.new_password_again"), hidden=True)
    if not users.check(user, old):
        raise UserError(message("answer.wrong_password"))
    if new != again:
        raise UserError(message("answer.passwords_differ"))
    if not new:
        raise UserError(message("answer.weak_password"))
    users.add(user, new, group=account.group, keys=account.keys)
    return Output()


COMMANDS = (Command("change_password", ("change-password",), change_password),)
