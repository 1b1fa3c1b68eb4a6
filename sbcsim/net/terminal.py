"""A person at a terminal, and the files they upload: SSH and SFTP from the client's side."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import asyncssh

_ANY_PROMPT = re.compile(r"(?:^|\n)(\S+@\S+[>%] )")
_PROMPT = re.compile(rf"{_ANY_PROMPT.pattern}\Z")

_NOTICE = "\nSystem message at "


class Terminal:
    """An SSH session with a terminal on the box's CLI: types lines, returns what the box printed."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._options = {
            "host": host,
            "port": port,
            "username": user,
            "password": password,
            "known_hosts": None,
            "client_keys": None,
            "config": None,
        }
        self._connection: asyncssh.SSHClientConnection | None = None
        self._process: asyncssh.SSHClientProcess[str] | None = None
        self.prompt = ""

    async def __aenter__(self) -> Self:
        self._connection = await asyncssh.connect(**self._options)
        self._process = await self._connection.create_process(term_type="vt100", term_size=(200, 0))
        await self._read()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session; ending it twice does nothing."""
        if self._process is not None:
            self._process.close()
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()

    @property
    def live(self) -> bool:
        """Whether the session still stands, as far as is known here."""
        return self._process is not None and not self._process.is_closing()

    async def type(self, line: str) -> str:
        """Type a line and Enter; returns what came before the next prompt, without the echo and notices before it."""
        assert self._process is not None
        self._process.stdin.write(line + "\r")
        answer = await self._read()
        while answer.startswith(_NOTICE):  # somebody else committed before the line was typed
            prompt = _ANY_PROMPT.search(answer)
            answer = answer[prompt.end() :] if prompt else await self._read()
        _, _, body = answer.partition("\n")
        return body

    async def _read(self) -> str:
        assert self._process is not None
        text = ""
        while (found := _PROMPT.search(text)) is None:
            part = await self._process.stdout.read(65536)
            if not part:
                raise ConnectionResetError("the CLI session ended")
            text += part.replace("\r\n", "\n")
        self.prompt = found[1]
        return text[: found.start(1)]


async def upload(address: tuple[str, int], user: str, password: str, path: str, content: bytes) -> None:
    """Put a file onto the box by SFTP."""
    async with _sftp(address, user, password) as sftp, sftp.open(path, "wb") as file:
        await file.write(content)


async def remove(address: tuple[str, int], user: str, password: str, path: str) -> None:
    """Remove a file from the box by SFTP."""
    async with _sftp(address, user, password) as sftp:
        await sftp.remove(path)


@asynccontextmanager
async def _sftp(address: tuple[str, int], user: str, password: str) -> AsyncIterator[asyncssh.SFTPClient]:
    host, port = address
    async with (
        asyncssh.connect(
            host, port, username=user, password=password, known_hosts=None, client_keys=None, config=None
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp
