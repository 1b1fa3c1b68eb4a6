"""SIPp on both sides of a box that carries calls, behind stunnel where a side speaks TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from calledbox import Dated, Transport, called_box, dated, ways
from hostports import free_port, listening
from sipp import Sipp
from sippcalls import CALLEE, CALLER, plans, played
from stunnel import Tunnel, stunnel

from sbcsim.simulator import Simulator

_MODES = {"UDP": "u1", "TCP": "t1", "TLS": "t1"}
"""What SIPp calls them: one socket for all calls."""


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
    async def called(self, count: int, *, hold: int = 100, scenario: str = CALLEE) -> AsyncIterator[Sipp]:
        """Have somebody wait for so many calls."""
        transport = self.far
        arguments = ("-t", _MODES[transport], "-p", str(self.callee), "-m", str(count))
        async with Sipp(self.directory / "callee", played(scenario, transport, hold=hold), *arguments) as callee:
            if transport != "UDP":
                await listening(self.callee)
            yield callee

    def calls(
        self,
        count: int,
        plan: Iterable[str],
        *,
        rate: int = 200,
        at_once: int = 100,
        hold: int = 100,
        scenario: str = CALLER,
        name: str = "caller",
    ) -> Sipp:
        """Return a caller who makes so many calls, as planned."""
        directory = self.directory / name
        directory.mkdir()
        transport = self.near
        return Sipp(
            directory,
            played(scenario, transport, hold=hold),
            *("-t", _MODES[transport], "-p", str(self.caller), "-m", str(count), "-r", str(rate), "-l", str(at_once)),
            *("-inf", str(plans(directory / "plans.csv", plan)), f"127.0.0.1:{self.target}"),
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
