"""The two modes of the command line, their prompts, and the line that names the edit level."""

from __future__ import annotations

from enum import Enum

from sbcsim.grammar import message
from sbcsim.schema.node import Path
from sbcsim.schema.walk import format_path

from .parser import Start


class Mode(Enum):
    """Operational mode looks and acts, configure mode edits; the value is where its lines begin in the grammar."""

    OPERATIONAL = Start.OPER
    CONFIGURE = Start.CONF

    @property
    def start(self) -> Start:
        """Where the grammar begins."""
        return self.value

    def prompt(self, user: str, system_name: str) -> str:
        """Return the prompt; the host part is the system name up to its first dot."""
        key = "session.prompt_oper" if self is Mode.OPERATIONAL else "session.prompt_conf"
        return message(key, user=user, host=host_name(system_name))


def host_name(system_name: str) -> str:
    """Return the system name up to its first dot, as prompts and greetings show it."""
    return system_name.partition(".")[0]


def level_line(path: Path) -> str:
    """Return `[edit]` or `[edit profiles security]`."""
    return message("session.level", path=format_path(path)) if path else message("session.level_root")
