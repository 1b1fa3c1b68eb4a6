"""What a command is: its name in the grammar, its keywords, its function, and what its words name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sbcsim.cli.parser import Call
from sbcsim.cli.shell import Output, Shell, Steps

_ACTING = frozenset({"Operator", "FieldService"})


class Right(Enum):
    """What a user must be allowed to do; the groups of users are those of the box."""

    READ = "read"
    """Every group."""
    ACT = "act"
    """Run actions: Administrator, Operator and FieldService."""
    WRITE = "write"
    """Change the configuration: Administrator."""


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

    def allowed(self, shell: Shell) -> bool:
        """Tell whether the user of a session may run this; one without an account is the simulator itself."""
        account = shell.box.users.get(shell.author.user)
        if account is None or self.right is Right.READ or account.may_write:
            return True
        return self.right is Right.ACT and account.group in _ACTING
