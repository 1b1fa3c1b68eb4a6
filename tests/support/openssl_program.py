"""The program `openssl` beside a test: what it prints is read as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator

from peers import require_program


class Program:
    """A running openssl: its output is read as it comes, its input stays open so that it does not end early."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.output = ""

    async def read_until(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches; fail where it ends without."""
        assert self._process.stdout is not None
        async with asyncio.timeout(15):
            while (match := re.search(pattern, self.output)) is None:
                piece = await self._process.stdout.read(4096)
                assert piece, f"ended without {pattern!r}:\n{self.output}"
                self.output += piece.decode()
        return match

    async def read_all(self) -> str:
        """Wait for the end and return all output."""
        assert self._process.stdout is not None
        async with asyncio.timeout(15):
            self.output += (await self._process.stdout.read()).decode()
        return self.output

    async def write(self, text: str) -> None:
        """Type something."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        await self._process.stdin.drain()

    async def end(self) -> None:
        """Kill it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()


@contextlib.asynccontextmanager
async def openssl(*arguments: str) -> AsyncIterator[Program]:
    """Run the program `openssl`, skipping the test where there is none; it is killed at the end."""
    program_path = require_program("openssl")
    process = await asyncio.create_subprocess_exec(program_path, *arguments, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    program = Program(process)
    try:
        yield program
    finally:
        await program.end()
