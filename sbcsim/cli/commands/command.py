"""What a command is: its name in the grammar, its keywords, its function, and what its words name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sbcsim.cli.parser import Call
from sbcsim.cli.shell import Output, Shell, Steps


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
