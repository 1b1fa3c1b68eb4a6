"""The way of text to the client of a channel."""

from __future__ import annotations

from collections.abc import Callable

import asyncssh

_PIECE = 8_192  # a prompt behind more than this goes into a packet of its own


class Outlet:
    """Text for the client, behind the echo of what has been read of its input; `flush` sends it."""

    def __init__(self) -> None:
        self.channel: asyncssh.SSHServerChannel[str] | None = None
        self.on_terminal = False
        """Lines end in CR LF."""
        self.echo: Callable[[], str] = str
        """Returns and forgets what the input has to echo."""
        self._text: list[str] = []

    def print(self, text: str) -> None:
        """Show text behind the echo of the input read so far."""
        self._text.append(self.echo())
        self._text.append(text.replace("\n", "\r\n") if self.on_terminal else text)

    def flush(self) -> None:
        """Send what is to be shown, a prompt at its end in one piece: programs wait for it."""
        text = "".join(self._text) + self.echo()
        self._text.clear()
        if not text or self.channel is None or self.channel.is_closing():
            return
        body = text.rfind("\n") + 1 if len(text) > _PIECE else 0
        for piece in (text[:body], text[body:]):
            if piece:
                self.channel.write(piece)

    def discard(self) -> None:
        """Forget what has not been sent."""
        self._text.clear()

    def close(self) -> None:
        """Send nothing any more."""
        self.channel = None
