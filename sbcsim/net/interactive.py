"""Keys and output of an SSH session as they come: what a terminal on a screen is made of."""

from __future__ import annotations

from collections.abc import Callable

import asyncssh

from sbcsim.errors import PeerError


class _Session(asyncssh.SSHClientSession[str]):
    def __init__(self, receive: Callable[[str], None], ended: Callable[[], None]) -> None:
        self._receive = receive
        self._ended = ended

    def data_received(self, data: str, datatype: asyncssh.DataType) -> None:
        del datatype
        self._receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._ended()


class InteractiveShell:
    """One shell with a terminal: `receive` gets what the far end prints, `ended` is called once when it is over."""

    def __init__(self, receive: Callable[[str], None], ended: Callable[[], None]) -> None:
        self._receive = receive
        self._ended = ended
        self._connection: asyncssh.SSHClientConnection | None = None
        self._channel: asyncssh.SSHClientChannel[str] | None = None

    async def open(self, address: tuple[str, int], user: str, password: str, size: tuple[int, int]) -> None:
        """Log in with a terminal of so many columns and lines; raises PeerError where that fails."""
        host, port = address
        try:
            self._connection = await asyncssh.connect(
                host, port, username=user, password=password, known_hosts=None, client_keys=None, config=None
            )
            self._channel, _ = await self._connection.create_session(
                lambda: _Session(self._receive, self._ended), term_type="vt100", term_size=size, errors="replace"
            )
        except (OSError, asyncssh.Error) as error:
            await self.close()
            raise PeerError(f"no session: {error}", layer="tcp") from None

    def type(self, text: str) -> None:
        """Send what was typed; it is lost where the session is over."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(text)

    def resize(self, size: tuple[int, int]) -> None:
        """Tell the far end of another size."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.change_terminal_size(*size)

    async def close(self) -> None:
        """End the session; ending it twice does nothing."""
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()
