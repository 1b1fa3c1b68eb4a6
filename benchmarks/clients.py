"""Clients in processes of their own: `python -m benchmarks.clients probe|shells PORT ...`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from .processes import say, wait_to_go_on
from .servers import SHELLS_A_USER
from .sessions import Shell, connected
from .timing import MILLISECOND

PAUSE = 0.001


async def probe(port: int) -> None:
    """Type and erase a character again and again; say, when asked, how long the longest echo took since last time."""
    async with connected(port) as connection, Shell(connection, terminal=True) as shell:
        asked = asyncio.create_task(asyncio.to_thread(wait_to_go_on))
        longest, number = 0.0, 0
        say()
        while True:
            start = time.perf_counter()
            shell.send(b"x")
            await shell.expect(b"x")
            longest, number = max(longest, time.perf_counter() - start), number + 1
            shell.send(b"\x7f")
            await asyncio.sleep(PAUSE)
            shell.forget()
            if asked.done():
                if not asked.result():
                    return
                say(longest=longest / MILLISECOND, number=number)
                longest, number = 0.0, 0
                asked = asyncio.create_task(asyncio.to_thread(wait_to_go_on))


async def shells(port: int, *stages: int) -> None:
    """Open further connections in stages, each with a shell at a terminal in which one line was typed."""
    number = 0
    say()
    async with AsyncExitStack() as stack:
        for stage in stages:
            if not await asyncio.to_thread(wait_to_go_on):
                return
            for _ in range(stage):
                user = f"u{number // SHELLS_A_USER}"
                connection = await stack.enter_async_context(connected(port, user))
                shell = await stack.enter_async_context(Shell(connection, terminal=True))
                await shell.type("configure")
                number += 1
            say(shells=number)
        await asyncio.to_thread(wait_to_go_on)


if __name__ == "__main__":
    _clients: dict[str, Callable[..., Awaitable[None]]] = {"probe": probe, "shells": shells}
    asyncio.run(_clients[sys.argv[1]](*map(int, sys.argv[2:])))
