"""SIPp: the scenario that it plays, and whether it went as that says."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from peers import require_program

PATIENCE = 60.0
"""Host seconds until SIPp is taken to hang."""


class Sipp:
    """One run of SIPp, in a directory where it writes what it has seen. Whoever leaves the context ends it."""

    def __init__(self, directory: Path, scenario: str, *arguments: str) -> None:
        self._directory = directory
        self._scenario = scenario
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        program = require_program("sipp")
        directory = self._directory
        directory.mkdir(exist_ok=True)
        file = directory / "scenario.xml"
        file.write_text(self._scenario)
        self._process = await asyncio.create_subprocess_exec(
            *(program, "-sf", file, "-i", "127.0.0.1", "-nostdin", "-skip_rlimit", "-trace_msg", "-trace_err"),
            *("-message_file", directory / "messages.log", "-error_file", directory / "errors.log"),
            *self._arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=directory,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process."""
        assert self._process is not None
        return self._process

    @property
    def messages(self) -> str:
        """What it has sent and received."""
        file = self._directory / "messages.log"
        return file.read_text() if file.exists() else ""

    @property
    def errors(self) -> str:
        """What it found wrong."""
        file = self._directory / "errors.log"
        return file.read_text() if file.exists() else ""

    async def ended(self) -> int:
        """Wait for its end; 0 says that every call went as the scenario says."""
        try:
            return await asyncio.wait_for(self.process.wait(), PATIENCE)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()

    async def succeeded(self) -> None:
        """Wait for its end, and check that every call went as the scenario says."""
        code = await self.ended()
        assert code == 0, f"SIPp ended with {code}\n{self.errors[-4000:]}"

    async def leave(self) -> int:
        """Have it end as soon as no call stands."""
        self.process.send_signal(signal.SIGUSR1)
        return await self.ended()
