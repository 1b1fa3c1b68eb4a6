"""The one error tree: who erred decides the class.

`UserError`: somebody typed or sent something the box refuses; the text is the box's own.
`PeerError`: the far end of a connection broke a protocol.
`ScenarioError`: a file given to the simulator is wrong; it names file, line and column.
`BugError`: sbcsim itself is wrong.
"""

from __future__ import annotations


class SbcsimError(Exception):
    """Every error that sbcsim raises on purpose."""


class UserError(SbcsimError):
    """The box refuses what a user asked for.

    `text` is what the box prints, without a prefix such as `Aborted: `. `path` is the instance path the refusal
    is about, () where there is none. `tag` is the NETCONF error-tag (RFC 6241 appendix A), `app_tag` its
    error-app-tag.
    """

    def __init__(
        self, text: str, *, path: tuple[str, ...] = (), tag: str = "operation-failed", app_tag: str | None = None
    ) -> None:
        super().__init__(text)
        self.text = text
        self.path = path
        self.tag = tag
        self.app_tag = app_tag


class PeerError(SbcsimError):
    """The far end of a connection broke its protocol.

    `layer` is "sip", "tls", "tcp" or "http"; `fatal` says that the byte stream cannot go on.
    """

    def __init__(self, reason: str, *, layer: str, fatal: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.layer = layer
        self.fatal = fatal


class ScenarioError(SbcsimError):
    """A file given to the simulator is wrong at `line` and `column`, both counted from 1 (0: the whole file)."""

    def __init__(self, reason: str, *, file: str, line: int = 0, column: int = 0) -> None:
        place = file if not line else f"{file}:{line}:{column}" if column else f"{file}:{line}"
        super().__init__(f"{place}: {reason}")
        self.reason = reason
        self.file = file
        self.line = line
        self.column = column


class BugError(SbcsimError):
    """sbcsim did something that it must never do; please report it."""
