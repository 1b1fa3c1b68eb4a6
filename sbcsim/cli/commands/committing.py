"""`commit` and `validate`, and what settles a confirmed commit."""

from __future__ import annotations

from collections.abc import Generator

from sbcsim.cli.hindrances import commit_belied, commit_delayed, commit_warned_of, pending_expired
from sbcsim.cli.parser import Argument, Call, Fault, LineError
from sbcsim.cli.refusal import RefusalError
from sbcsim.cli.shell import Ask, Output, Patience, Shell, Steps, Work
from sbcsim.config.confirmed import DEFAULT_MINUTES, LONGEST_MINUTES, Confirm
from sbcsim.errors import UserError
from sbcsim.grammar import message

from .command import Command, Right


def commit(shell: Shell, call: Call) -> Steps:
    """Make the candidate the running configuration, or with `check` only see whether it could be."""
    options = {option.name: option.argument.word.text if option.argument else "" for option in call.options}
    confirm = _confirm(call)
    draft, database = shell.draft, shell.box.database
    if confirm is None and "check" not in options:
        pending_expired(shell)
    if confirm is not None and not draft.exclusive:
        raise UserError(message("refusal.needs_exclusive"))
    if "check" in options:
        return (yield from validate(shell, call))
    if not draft.modified and database.pending is None and "persist-id" not in options:
        shown = [message("answer.commit_nothing")]
    else:
        warnings = yield from commit_warned_of(shell)
        yield from commit_delayed(shell)
        yield from _lock(shell)
        yield from _prework(shell)
        settles = database.pending is not None
        draft.commit(
            shell.now,
            options.get("comment", ""),
            options.get("label", ""),
            confirm=confirm,
            persist_id=options.get("persist-id", ""),
        )
        commit_belied(shell)
        shown = [message("answer.commit_permanent" if settles and confirm is None else "answer.commit_complete")]
        if any(pipe.name == "details" for pipe in call.pipes):
            shown = [message(f"answer.{step}") for step in ("validating", "preparing", "applying")] + shown
        if confirm is not None:
            shown = message("answer.commit_confirmed", minutes=confirm.minutes).split("\n") + shown
        shown = warnings + shown
    if "and-quit" in options:
        shell.leave_configure()
    return Output(tuple(shown))


def _confirm(call: Call) -> Confirm | None:
    """Return what `confirmed` asks for, None without it."""
    given = {option.name: option.argument for option in call.options}
    persist = given.get("persist")
    if "confirmed" not in given:
        if persist is not None:
            raise UserError(message("refusal.persist_without_confirmed"))
        return None
    return Confirm(_minutes(given["confirmed"]), "" if persist is None else persist.word.text)


def _minutes(argument: Argument | None) -> int:
    if argument is None:
        return DEFAULT_MINUTES
    text = argument.word.text
    if not (text.isascii() and text.isdecimal()):
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.invalid", value=text))
    if len(text) > len(str(LONGEST_MINUTES)) or not 1 <= int(text) <= LONGEST_MINUTES:
        raise LineError(Fault.BAD_VALUE, argument.start, text=message("value.range", value=text))
    return int(text)


def validate(shell: Shell, _: Call) -> Steps:
    """See whether a commit would be accepted."""
    try:
        yield from _prework(shell)
        shell.draft.check(shell.now)
    except UserError as refusal:
        raise RefusalError(*message("answer.failed", reason=refusal.text).split("\n")) from None
    return Output((message("answer.validation_complete"),))


def _lock(shell: Shell) -> Generator[Ask | Work, str, None]:
    """Wait for somebody else's lock, if that is wanted; a lock that is still there then is met by the commit."""
    database = shell.box.database
    holder = database.lock_holder
    if database.lock_patience and holder is not None and holder.session != shell.author.session:
        yield Work(_nothing, Patience(database.lock_patience, database.watch_lock))


def _nothing() -> None:
    """Do nothing: the wait is all."""


def _prework(shell: Shell) -> Generator[Ask | Work, str, None]:
    """Have slow work that the commit needs, such as opening a PKCS#12 file, done before it."""
    work = shell.draft.prework(shell.now)
    if work is not None:
        yield Work(work)


def confirm_pending(shell: Shell, call: Call) -> Output:
    """Make a pending confirmed commit permanent."""
    pending_expired(shell)
    shell.box.database.confirm(shell.author, shell.now, _persist_id(call))
    return Output((message("answer.commit_permanent"),))


def abort_pending(shell: Shell, call: Call) -> Output:
    """Take a pending confirmed commit back."""
    shell.box.database.abort(shell.author, shell.now, _persist_id(call))
    return Output((message("answer.commit_aborted"),))


def _persist_id(call: Call) -> str:
    return next((option.argument.word.text for option in call.options if option.argument), "")


COMMANDS = (
    Command("commit", ("commit",), commit, right=Right.WRITE, acts=True),
    Command("validate", ("validate",), validate),
    Command("confirm_pending", ("commit",), confirm_pending, right=Right.WRITE, acts=True),
    Command("abort_pending", ("commit", "abort"), abort_pending, right=Right.WRITE, acts=True),
)
