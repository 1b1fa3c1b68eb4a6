"""Files of the user who types: `save`, `load` and `source` name them relative to the user's home."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.device.filenodes import FileError, FileProblem
from sbcsim.device.users import Account
from sbcsim.grammar import message

from .refusal import RefusalError
from .shell import Shell


def read_text(shell: Shell, name: str) -> str:
    """Return the text of a file; raises RefusalError."""
    try:
        data = shell.box.files.read(_path(shell, name))
    except FileError:
        raise RefusalError(message("answer.no_file")) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusalError(message("answer.not_text")) from None


def write_lines(shell: Shell, name: str, lines: Iterable[str], *, append: bool = False) -> None:
    """Write lines to a file, behind what it has with `append`; raises RefusalError, and what it had is still there."""
    data = "".join(f"{line}\n" for line in lines).encode()
    files, account = shell.box.files, _account(shell)
    try:
        path = _path(shell, name)
        file = files.open(path, shell.now, account=account, write=True, create=True, append=append)
        file.write(0, data, shell.now)
        if not append:
            file.set_attributes(shell.now, size=len(data))
        file.sync()
    except FileError as error:
        if error.problem is FileProblem.PERMISSION_DENIED:
            raise _denied() from None
        raise RefusalError(message("answer.not_written", reason=error.text)) from None


def names(shell: Shell) -> tuple[str, ...]:
    """Return the names of the files in the home, none where that is not there."""
    files = shell.box.files
    try:
        home = _account(shell).home
        return tuple(sorted(name for name, _ in files.entries(home))) if files.exists(home) else ()
    except (FileError, RefusalError):
        return ()


def _path(shell: Shell, name: str) -> str:
    files = shell.box.files
    return files.resolve(name, files.make_home(_account(shell), shell.now))


def _account(shell: Shell) -> Account:
    """Return the account of the session as it is now; the console does without one. Raises RefusalError."""
    account = shell.box.users.get(shell.author.user)
    if shell.login is not None and shell.login.console:
        return Account(shell.author.user)
    if account is None:
        raise _denied()
    return account


def _denied() -> RefusalError:
    return RefusalError(message("answer.aborted", reason=message("answer.permission_denied")))
