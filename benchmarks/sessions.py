"""SSH sessions from the client's side: typed lines, pasted lines, single keys, and files put beside them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import asyncssh

from . import bare
from .processes import PATIENCE
from .testbed import HOST

_STATUS = re.compile(rb"^\[(ok|error)\]\[", re.MULTILINE)
_PROMPT = re.compile(rb"\S+@\S+[>%] \Z")
_LOGIN = {"password": bare.PASSWORD, "known_hosts": None, "client_keys": None, "agent_path": None, "config": None}


@asynccontextmanager
async def connected(port: int, user: str = bare.USER) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Connect and log in."""
    async with asyncssh.connect(HOST, port, username=user, **_LOGIN) as connection:
        yield connection


async def upload(address: tuple[str, int], name: str, content: str | bytes) -> None:
    """Put a file onto the box, into the user's home unless `name` says where."""
    async with (
        connected(address[1]) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(name, "w" if isinstance(content, str) else "wb") as file,
    ):
        await file.write(content)


class Shell(asyncssh.SSHClientSession[bytes]):
    """One shell: what is typed goes in, what the box prints is waited for."""

    def __init__(self, connection: asyncssh.SSHClientConnection, *, terminal: bool) -> None:
        self._connection = connection
        self._terminal = terminal
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._printed = bytearray()
        self._news = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        terminal = {"term_type": "vt100", "term_size": (200, 0)} if self._terminal else {}
        self._channel, _ = await self._connection.create_session(lambda: self, encoding=None, **terminal)
        if self._terminal:
            await self._until(_PROMPT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._channel is not None
        self._channel.close()
        await self._channel.wait_closed()

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Take output."""
        self._printed += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Take the end."""
        self._closed = True
        self._news.set()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._channel is not None
        self._channel.write(data)

    def hold(self) -> None:
        """Read no more, so that the server has to wait."""
        assert self._channel is not None
        self._channel.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        assert self._channel is not None
        self._channel.resume_reading()

    async def type(self, line: str) -> str:
        """Type a line and Enter; return what is printed up to the status line, or on a terminal the next prompt."""
        self._printed.clear()
        self.send(line.encode() + (b"\r" if self._terminal else b"\n"))
        await self._until(_PROMPT if self._terminal else _STATUS)
        printed = self._printed.decode()
        if "[error]" in printed:
            raise RuntimeError(f"{line}: {printed}")
        return printed

    async def paste(self, lines: Sequence[str]) -> None:
        """Send many lines at once and wait until each of them has its status line."""
        self._printed.clear()
        end = "\r" if self._terminal else "\n"
        self.send("".join(line + end for line in lines).encode())
        left = len(lines)
        while left:
            await self._wait()
            text, _, rest = bytes(self._printed).rpartition(b"\n")
            left -= len(_STATUS.findall(text))
            if b"[error]" in text:
                raise RuntimeError(f"a line was refused: {text.decode()}")
            self._printed[:] = rest

    async def expect(self, end: bytes) -> bytes:
        """Wait until what is printed ends in something; return it all."""
        await self._until(re.compile(re.escape(end) + rb"\Z"))
        printed = bytes(self._printed)
        self._printed.clear()
        return printed

    async def prompt(self) -> None:
        """Wait for the prompt, whatever comes before it."""
        await self._until(_PROMPT)

    def forget(self) -> None:
        """Forget what was printed so far."""
        self._printed.clear()

    async def _until(self, pattern: re.Pattern[bytes]) -> None:
        while not pattern.search(self._printed, max(len(self._printed) - 4096, 0)):
            await self._wait()

    async def _wait(self) -> None:
        if self._closed:
            raise RuntimeError(f"the session has ended: {self._printed[-300:].decode()}")
        async with asyncio.timeout(PATIENCE):
            await self._news.wait()
        self._news.clear()
