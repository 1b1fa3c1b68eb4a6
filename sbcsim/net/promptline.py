"""The last line of a terminal: the prompt with what is being typed behind it, and what is shown above it meanwhile."""

from __future__ import annotations

from collections import deque

from sbcsim.cli.editor import LineEditor
from sbcsim.cli.session import Completion, Reply, Session

from .outlet import Outlet

NOTICES_KEPT = 100
"""Notices that wait for a prompt at most; the oldest goes first."""


class PromptLine:
    """The prompt of one terminal, and the editor of the line behind it."""

    def __init__(self, outlet: Outlet) -> None:
        self.editor = LineEditor()
        self._outlet = outlet
        self._outlet.echo = self.editor.take_echo
        self._prompt = ""
        self._notices: deque[str] = deque(maxlen=NOTICES_KEPT)

    @property
    def has_notices(self) -> bool:
        """Whether a notice waits to be shown."""
        return bool(self._notices)

    def ask(self, reply: Reply, session: Session | None) -> None:
        """Make ready for the line, or the key, that an answer of the session asks for; its prompt is said elsewhere."""
        self._prompt = reply.prompt
        self.editor.hidden = reply.hidden
        self.editor.mask = reply.mask
        self.editor.single_keys = reply.keys
        self.editor.plain = reply.plain
        if session is not None:
            self.editor.habits = session.habits

    def complete(self, completion: Completion, *, redraw: bool = False) -> None:
        """Put what completes the line into it, below the choices if there are several."""
        if completion.text or redraw:
            self.redraw("\n" + completion.text)
        self.editor.complete(completion.line)

    def redraw(self, text: str) -> None:
        """Print `text` below the line that is being typed, then the prompt and that line again."""
        self._outlet.print(text)
        self._outlet.print(self._prompt.rpartition("\n")[2])
        self._outlet.print(self.editor.shown())

    def abandon(self) -> None:
        """Drop the line that is being typed, and begin a new one."""
        self._outlet.print("\n")
        self.editor.abandon()

    def keep(self, notice: str) -> None:
        """Keep a notice for when nothing is being typed."""
        self._notices.append(notice)

    def show_notices(self) -> None:
        """Show the notices, unless something has been typed."""
        if not (self.editor.line or self.editor.waiting):
            self.redraw("\n" + "\n".join(f"{text}\n" for text in self._notices))
            self._notices.clear()
