"""What a command is: its name in the grammar, its keywords, its function, and what its words name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sbcsim.cli.parser import Call
from sbcsim.cli.shell import Output, Shell, Steps
from sbcsim.errors import UserError
from sbcsim.grammar import message


class Right(Enum):
    """What a user must be allowed to do; the groups of users are those of the box."""

    READ = "read"
    """Every group."""
    ACT = "act"
    """Run actions: Administrator, Operator and FieldService."""
    WRITE = "write"
    """Change the configuration: Administrator."""

    def granted(self, shell: Shell) -> bool:
        """Tell whether the user of a session has it, as things are now: rights may change while one is logged in."""
        if self is Right.READ or (shell.login is not None and shell.login.console):
            return True
        account = shell.box.users.get(shell.author.user)
        return account is not None and (account.may_write if self is Right.WRITE else account.may_act)

    def require(self, shell: Shell) -> None:
        """Raise UserError where the user of a session does not have it."""
        if not self.granted(shell):
            raise UserError(message("answer.permission_denied"), tag="access-denied")


class Words(Enum):
    """What the plain words of a command name; completion offers what fits."""

    NOTHING = "nothing"
    CONFIGURATION = "configuration"
    """A place in the running configuration."""
    CANDIDATE = "candidate"
    """A place in the candidate."""
    ASSIGNMENT = "assignment"
    """A place in the candidate that need not exist, leaves with values."""
    STATUS = "status"
    """Operational data."""
    TABLE = "table"
    """Operational data or configuration."""
    ACTION = "action"
    """An action and its inputs."""
    COMMAND = "command"
    """The name of a command."""
    USER = "user"
    """The name of a user."""
    REVISION = "revision"
    """A line of the rollback list."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the grammar.

    `name` is the rule behind `->` in `cli.lark`; `keywords` are what is typed for it, options left out.
    """

    name: str
    keywords: tuple[str, ...]
    run: Callable[[Shell, Call], Output | Steps]
    words: Words = Words.NOTHING
    right: Right = Right.READ
    acts: bool = False
    """It changes the box itself, which only the active server lets one do."""
