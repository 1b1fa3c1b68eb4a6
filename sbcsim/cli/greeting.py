"""What a terminal shows before the first prompt."""

from __future__ import annotations

from sbcsim.clock import to_datetime
from sbcsim.grammar import message

from .modes import host_name
from .shell import Shell


def greeting(shell: Shell) -> list[str]:
    """Return the lines: an empty one, the last login where that is told, and who has come from where."""
    author, host = shell.author, host_name(shell.box.system_name)
    lines = [""]
    before = None if shell.login is None else shell.login.before
    if before is not None:
        lines.append(
            message(
                "session.last_login",
                user=author.user,
                time=to_datetime(before.since).isoformat(timespec="microseconds"),
                host=host,
                remote=before.remote,
                context=before.context,
                protocol=before.protocol,
            )
        )
    greeted = message("session.greeting", user=author.user, remote=author.remote, protocol=author.protocol, host=host)
    return [*lines, greeted]
