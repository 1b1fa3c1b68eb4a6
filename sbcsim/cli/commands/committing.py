"""`commit` and `validate`."""

from __future__ import annotations

from collections.abc import Generator

from sbcsim.cli.parser import Call
from sbcsim.cli.refusal import RefusalError
from sbcsim.cli.shell import Ask, Output, Shell, Steps, Work
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .command import Command, Right


def commit(shell: Shell, call: Call) -> Steps:
    """Make the candidate the running configuration, or with `check` only see whether it could be."""
    options = {option.name: option.argument.word.text if option.argument else "" for option in call.options}
    if "check" in options:
        return (yield from validate(shell, call))
    if not shell.draft.modified:
        shown = [message("answer.commit_nothing")]
    else:
        yield from _prework(shell)
        shell.draft.commit(shell.now, options.get("comment", ""), options.get("label", ""))
        shown = [message("answer.commit_complete")]
        if any(pipe.name == "details" for pipe in call.pipes):
            shown = [message(f"answer.{step}") for step in ("validating", "preparing", "applying")] + shown
    if "and-quit" in options:
        shell.leave_configure()
    return Output(tuple(shown))


def validate(shell: Shell, _: Call) -> Steps:
    """See whether a commit would be accepted."""
    try:
        yield from _prework(shell)
        shell.draft.check(shell.now)
    except UserError as refusal:
        raise RefusalError(*message("answer.failed", reason=refusal.text).split("\n")) from None
    return Output((message("answer.validation_complete"),))


def _prework(shell: Shell) -> Generator[Ask | Work, str, None]:
    """Have slow work that the commit needs, such as opening a PKCS#12 file, done before it."""
    work = shell.draft.prework(shell.now)
    if work is not None:
        yield Work(work)


def confirm_pending(_: Shell, __: Call) -> Output:
    """Make a pending confirmed commit permanent: there is none."""
    raise UserError(message("answer.no_pending"))


COMMANDS = (
    Command("commit", ("commit",), commit, right=Right.WRITE),
    Command("validate", ("validate",), validate),
    Command("confirm_pending", ("commit",), confirm_pending),
    Command("abort_pending", ("commit", "abort"), confirm_pending),
)
