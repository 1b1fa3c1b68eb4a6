"""Lines typed into the box by a real SSH client, and files brought to it by SFTP, as a tool would do both."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from sbcsim.simulator import Simulator

USER = PASSWORD = "admin"
LOGIN = {"username": USER, "password": PASSWORD, "known_hosts": None, "client_keys": None, "config": None}
CERTIFICATES = "/opt/sonus/external"

_PROMPT = re.compile(r"(\r\n\[edit[^\]\r]*\]\r\n)?admin@SBC1[>%] $|\[yes,(no|NO)\] $")
_STATUS = re.compile(r"\[(ok|error)\]\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]\n$")


class Terminal:
    """A CLI session on a terminal. Whoever types waits for the prompt first, as an Expect script does."""

    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self._process = process

    async def read(self) -> str:
        """Return what the box prints up to its next prompt or question, with LF line ends and without the prompt."""
        return _PROMPT.sub("", await self._process.stdout.readuntil(_PROMPT)).replace("\r\n", "\n")

    async def type(self, line: str) -> str:
        """Type one line; return the answer without echo, prompt and status line, with `[error]` in front of a refusal.

        A question is an answer without a status line, and is answered by the next line.
        """
        self._process.stdin.write(line + "\r")
        echo, _, answer = (await self.read()).partition("\n")
        assert echo == line
        status = _STATUS.search(answer)
        text = answer[: status.start()] if status is not None else answer
        return f"[error] {text.strip()}" if status is not None and status[1] == "error" else text.strip()

    async def type_all(self, *lines: str) -> str:
        """Type lines that are all accepted; return the last answer."""
        answer = ""
        for line in lines:
            answer = await self.type(line)
            assert not answer.startswith("[error]"), f"{line}: {answer}"
        return answer


@asynccontextmanager
async def terminal(box: Simulator, *, address: tuple[str, int] | None = None) -> AsyncIterator[Terminal]:
    """Log in to the CLI, of the system or at another address."""
    async with (
        asyncssh.connect(*(address or box.ports.cli), **LOGIN) as connection,
        connection.create_process(term_type="xterm", term_size=(80, 24)) as process,
    ):
        session = Terminal(process)
        await session.read()
        yield session


async def upload(box: Simulator, name: str, content: bytes, *, address: tuple[str, int] | None = None) -> None:
    """Bring a file to the certificate directory, of the active server or at another address."""
    async with (
        asyncssh.connect(*(address or box.ports.sftp), **LOGIN) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(f"{CERTIFICATES}/{name}", "wb") as file,
    ):
        await file.write(content)
