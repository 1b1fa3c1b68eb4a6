"""The command line of the box as a part of the screen: a real SSH session, with what is typed and what it prints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.widget import Widget

from sbcsim.errors import PeerError
from sbcsim.net.interactive import InteractiveShell

from .screen import Screen

_KEYS = {
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "delete": "\x1b[3~", "enter": "\r", "backspace": "\x7f", "tab": "\t", "escape": "\x1b",
}  # fmt: skip
"""What a terminal sends for the keys that are no characters."""

Access = Callable[[], tuple[tuple[str, int], str, str]]
"""Tells address, user and password."""


def _typed(event: events.Key) -> str:
    """Return what a terminal sends for a key, "" for one that it does not know."""
    with_control, _, letter = event.key.rpartition("ctrl+")
    if not with_control and event.key != letter and len(letter) == 1 and letter.isalpha():
        return chr(ord(letter) & 0x1F)
    return _KEYS.get(event.key) or event.character or ""


class TerminalPane(Widget, can_focus=True):
    """The session. Where it has ended, Enter begins another."""

    DEFAULT_CSS = """
    TerminalPane { background: black; color: #d0d0d0; padding: 0 1; }
    """

    def __init__(self, access: Access) -> None:
        super().__init__(id="terminal")
        self.screen_text = Screen()
        self._access = access
        self._shell: InteractiveShell | None = None
        self._logging_in = asyncio.Lock()

    async def log_in(self) -> None:
        """Begin a session, unless there is one."""
        async with self._logging_in:
            if self._shell is not None:
                return
            shell = self._shell = InteractiveShell(self._receive, lambda: self._ended(shell))
            try:
                await shell.open(*self._access(), self._columns_and_rows())
            except PeerError as error:
                self._shell = None
                self._receive(f"\r\n{error}; press Enter to try again\r\n")

    async def log_out(self) -> None:
        """End the session."""
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()

    async def on_unmount(self) -> None:
        """End the session at the box."""
        await self.log_out()

    def render(self) -> Text:
        """Draw what stands there, with the cursor."""
        width, height = self._columns_and_rows()
        rows, (row, column) = self.screen_text.rows(width, height)
        text = Text("\n".join(rows), no_wrap=True, overflow="crop", end="")
        if self.has_focus and self._shell is not None:
            offset = sum(len(each) + 1 for each in rows[:row]) + column
            text.stylize("reverse", offset, offset + 1)
        return text

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self._shell is None:
            if event.key == "enter":
                await self.log_in()
            return
        self._shell.type(_typed(event))

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if self._shell is not None:
            self._shell.type(event.text.replace("\r\n", "\r").replace("\n", "\r"))

    def _on_resize(self, event: events.Resize) -> None:
        del event
        if self._shell is not None:
            self._shell.resize(self._columns_and_rows())

    def _columns_and_rows(self) -> tuple[int, int]:
        return max(20, self.content_size.width), max(2, self.content_size.height)

    def _receive(self, text: str) -> None:
        self.screen_text.feed(text)
        self.refresh()

    def _ended(self, shell: InteractiveShell) -> None:
        if self._shell is shell:
            self._shell = None
            self._receive("\r\n[The session has ended. Press Enter to log in again.]\r\n")
