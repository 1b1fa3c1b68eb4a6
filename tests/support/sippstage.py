"""SIPp on both sides of a box that carries calls, behind stunnel where a side speaks TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from calledbox import Dated, Transport, called_box, dated, ways
from hostports import free_port, listening
from sipp import Sipp
from sippcalls import CALLEE, CALLER, plans, played
from stunnel import Tunnel, stunnel

from sbcsim.simulator import Simulator

PATIENCE = 30.0
"""Host seconds until calls are taken not to come about."""

_MODES = {"UDP": "u1", "TCP": "t1", "TLS": "t1"}
"""What SIPp calls them: one socket for all calls."""


class Switch:
    """What calls that stand wait for: SIPp's other controller, to which each of them says so."""

    def __init__(self) -> None:
        self.port = 0
        self._held: dict[bytes, asyncio.StreamWriter] = {}
        self._changed = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    async def listen(self) -> asyncio.Server:
        """Wait for SIPp."""
        server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def held(self, count: int) -> None:
        """Wait until so many calls stand."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self._held) == count)

    def release(self) -> None:
        """Let all calls go on."""
        for call, writer in self._held.items():
            writer.write(b"Call-ID: " + call + b"\r\nGo: on\r\n\r\n\x1b")
        self._held.clear()

    async def left(self) -> None:
        """Wait until SIPp has left."""
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with suppress(asyncio.IncompleteReadError):  # SIPp has ended
            while told := await reader.readuntil(b"\x1b"):
                async with self._changed:
                    self._held[told.split()[1]] = writer
                    self._changed.notify_all()
        writer.close()


@asynccontextmanager
async def switch() -> AsyncIterator[Switch]:
    """Return a switch to which one SIPp listens."""
    made = Switch()
    async with await made.listen():
        yield made
        await made.left()


@dataclass
class SippStage:
    """The box, its certificates, and where SIPp listens on each side; the caller sends to the port `target`.

    `near` and `far` are what SIPp is to speak, on its side of the tunnels.
    """

    box: Simulator
    certificates: Dated
    directory: Path
    near: Transport
    far: Transport
    caller: int
    callee: int
    target: int

    @asynccontextmanager
    async def called(self, count: int, *more: str, scenario: str = CALLEE) -> AsyncIterator[Sipp]:
        """Have somebody wait for so many calls."""
        transport = self.far
        arguments = ("-t", _MODES[transport], "-p", str(self.callee), "-m", str(count), *more)
        async with Sipp(self.directory / "callee", played(scenario, transport), *arguments) as callee:
            if transport != "UDP":
                await listening(self.callee)
            yield callee

    def calls(
        self,
        count: int,
        plan: Iterable[str],
        *more: str,
        rate: int = 200,
        at_once: int = 10,
        scenario: str = CALLER,
        name: str = "caller",
    ) -> Sipp:
        """Return a caller who makes so many calls, as planned."""
        directory = self.directory / name
        directory.mkdir()
        transport = self.near
        return Sipp(
            directory,
            played(scenario, transport),
            *("-t", _MODES[transport], "-p", str(self.caller), "-m", str(count), "-r", str(rate), "-l", str(at_once)),
            *("-inf", str(plans(directory / "plans.csv", plan)), *more, f"127.0.0.1:{self.target}"),
        )


@asynccontextmanager
async def sipp_stage(
    directory: Path, near: Transport, far: Transport, *lines: str, ha: Literal["none", "1to1"] = "none"
) -> AsyncIterator[SippStage]:
    """Start the box and what stands between it and SIPp."""
    certificates, where = dated(), ways(near, far)
    caller, callee, target = where.caller, where.callee, where.near.listens
    tunnels = []
    if near == "TLS":
        caller, target = free_port(), free_port()
        tunnels += [Tunnel(target, where.near.listens, inward=False), Tunnel(where.caller, caller, inward=True)]
    if far == "TLS":
        callee = free_port()
        tunnels += [Tunnel(where.callee, callee, inward=True)]
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(called_box(directory, where, certificates, *lines, ha=ha))
        if tunnels:
            await stack.enter_async_context(stunnel(directory, certificates.peer, tunnels))
        yield SippStage(box, certificates, directory, near, far, caller, callee, target)
