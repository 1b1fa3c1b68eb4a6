"""How a command refuses, beyond what the line itself shows to be wrong."""

from __future__ import annotations


class RefusalError(Exception):
    """The command ends in `[error]` after `lines`, which are printed as they are."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines
