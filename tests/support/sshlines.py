"""Lines typed into the box by a real SSH client, and files brought to it by SFTP, as a tool would do both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from sbcsim.simulator import Simulator

USER = PASSWORD = "admin"
LOGIN = {"username": USER, "password": PASSWORD, "known_hosts": None, "client_keys": None, "config": None}
CERTIFICATES = "/opt/sonus/external"
PATIENCE = 20.0
"""Host seconds until something that must come is taken for missing."""

_PROMPT = re.compile(r"(\r\n\[edit[^\]\r]*\]\r\n)?admin@SBC1[>%] $|\[yes,(no|NO)\] $")
_STATUS = re.compile(r"\[(ok|error)\]\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]\n$")


class Screen(asyncssh.SSHClientSession[str]):
    """A CLI session as it comes over the wire: every byte, and the packets they came in."""

    channel: asyncssh.SSHClientChannel[str]

    def __init__(self) -> None:
        self.packets: list[str] = []
        self._taken = 0  # packets before this one have been returned by `until`
        self._changed = asyncio.Event()
        self._closed = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[str]) -> None:
        self.channel = chan

    def data_received(self, data: str, datatype: int | None) -> None:
        self.packets.append(data)
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._changed.set()

    @property
    def text(self) -> str:
        """All that has come."""
        return "".join(self.packets)

    def send(self, text: str) -> None:
        """Type, in one packet."""
        self.channel.write(text)

    async def until(self, end: str | re.Pattern[str]) -> str:
        """Wait until what has come since the last call ends so; a pattern says itself that it means the end."""
        async with asyncio.timeout(PATIENCE):
            while True:
                text = "".join(self.packets[self._taken :])
                if text.endswith(end) if isinstance(end, str) else end.search(text):
                    self._taken = len(self.packets)
                    return text
                assert not self._closed, text
                await self._wait()

    async def closed(self) -> None:
        """Wait until the box has closed the session."""
        async with asyncio.timeout(PATIENCE):
            while not self._closed:
                await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


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
async def terminal(
    box: Simulator, *, address: tuple[str, int] | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Terminal]:
    """Log in to the CLI, of the system or at another address."""
    async with (
        asyncssh.connect(*(address or box.ports.cli), **LOGIN) as connection,
        connection.create_process(term_type="xterm", term_size=size) as process,
    ):
        session = Terminal(process)
        await session.read()
        yield session


@asynccontextmanager
async def screen(box: Simulator, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Screen]:
    """Log in to the CLI without waiting for anything."""
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        channel, session = await connection.create_session(Screen, term_type="vt100", term_size=size)
        yield session
        channel.close()


async def sessions_left(box: Simulator, count: int = 0) -> None:
    """Wait until so many CLI sessions are left."""
    changed = asyncio.Event()
    stop = box.events.subscribe(lambda entry: changed.set())
    try:
        async with asyncio.timeout(PATIENCE):
            while box.status().counts.sessions != count:
                changed.clear()
                await changed.wait()
    finally:
        stop()


async def upload(box: Simulator, name: str, content: bytes, *, address: tuple[str, int] | None = None) -> None:
    """Bring a file to the certificate directory, of the active server or at another address."""
    async with (
        asyncssh.connect(*(address or box.ports.sftp), **LOGIN) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(f"{CERTIFICATES}/{name}", "wb") as file,
    ):
        await file.write(content)
