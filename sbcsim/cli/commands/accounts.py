"""`change-password` and `reset-password`."""

from __future__ import annotations

from itertools import groupby, zip_longest

from sbcsim.cli.parser import Call, Fault, LineError
from sbcsim.cli.shell import Ask, Output, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .command import Command, Right, Words


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
    if not meets_rules(shell, old, new):
        raise UserError(message("answer.weak_password"))
    users.add(user, new, group=account.group, keys=account.keys)
    return Output()


def reset_password(shell: Shell, call: Call) -> Steps:
    """Give a user another password."""
    users, argument = shell.box.users, call.arguments[0]
    account = users.get(argument.word.text)
    if account is None:
        raise LineError(Fault.UNKNOWN_ARGUMENT, argument.start)
    if shell.terminal is None:
        raise UserError(message("answer.no_terminal"))
    new = yield Ask(message("question.new_password"), hidden=True)
    again = yield Ask(message("question.new_password_again"), hidden=True)
    if new != again:
        raise UserError(message("answer.passwords_differ"))
    if not meets_rules(shell, "", new):
        raise UserError(message("answer.weak_password"))
    users.add(account.name, new, group=account.group, keys=account.keys)
    return Output()


def meets_rules(shell: Shell, old: str, new: str) -> bool:
    """Tell whether a new password fits `system admin passwordRules`; earlier passwords than `old` are not known."""

    def rule(name: str) -> int:
        value = shell.running.value(("system", "admin", shell.box.system_name, "passwordRules", name))
        return value if isinstance(value, int) else 0

    changed = sum(before != after for before, after in zip_longest(old, new))
    longest_run = max((len(list(run)) for _, run in groupby(new)), default=0)
    counts = {
        "minimumLength": len(new),
        "minimumNumberOfUppercaseChars": sum(map(str.isupper, new)),
        "minimumNumberOfLowercaseChars": sum(map(str.islower, new)),
        "minimumNumberOfDigits": sum(map(str.isdigit, new)),
        "minimumNumberOfOtherChars": sum(not character.isalnum() for character in new),
        "minimumDiffWithOldPassword": changed,
    }
    enough = all(count >= rule(name) for name, count in counts.items())
    return enough and longest_run <= rule("maximumRepeatingCharsCount") and bool(new)


COMMANDS = (
    Command("change_password", ("change-password",), change_password, acts=True),
    Command("reset_password", ("reset-password",), reset_password, Words.USER, right=Right.WRITE, acts=True),
)
