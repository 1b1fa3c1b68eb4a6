"""How a command refuses, beyond what the line itself shows to be wrong."""

from __future__ import annotations

from sbcsim.errors import UserError
from sbcsim.grammar import message


class RefusalError(Exception):
    """The command ends in `[error]` after `lines`, which are printed as they are."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class InterruptError(UserError):
    """The user pressed Ctrl-C while the command was at a question, a wait or a place to let others act."""

    def __init__(self) -> None:
        super().__init__(message("answer.by_user"))
