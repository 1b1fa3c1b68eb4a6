"""Many boxes in one process: how long until all serve, and what each of them takes.

`python -m benchmarks.boxes KIND DIRECTORY NUMBER` is the process: it starts one, so that what is paid once is paid, and
so many more when it is told to.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import asyncssh

from sbcsim.loopthread import LoopThread
from sbcsim.simulator import Simulator
from sbcsim.synchronous import SyncSimulator

from . import bare
from .processes import Child, say, take_line
from .registry import AtMost, Figure, benchmark
from .testbed import HOST, box_files, prepared, server_context

SETS = "as many times two asyncssh servers, an asyncio TLS server and a listening socket"


@benchmark("boxes")
def boxes(quick: bool) -> Iterator[Figure]:
    """Start 64 configured boxes in one process: on one event loop, and each in a thread of its own."""
    number = 4 if quick else 64
    with prepared() as directory:
        for ours, other, where in (
            ("loop", "bare", "on one event loop"),
            ("threads", "bare_threads", "in a thread each"),
        ):
            seconds, memory = _measured(ours, directory, number)
            bare_seconds, bare_memory = _measured(other, directory, number)
            told = f"{number} boxes {where}"
            yield Figure(f"{told}, until all serve", seconds, bare_seconds, "s", SETS, AtMost(1.0))
            yield Figure(f"{told}, memory for each", memory, bare_memory, "KiB", SETS, AtMost(1024))


def _measured(kind: str, directory: Path, number: int) -> tuple[float, float]:
    """Return the seconds for all, and the KiB for each."""
    with Child("boxes", kind, directory, number) as child:
        child.hear()
        before = child.memory()
        seconds = float(child.go_on()["seconds"])
        return seconds, (child.memory() - before) / number / 1024


def _simulator(directory: Path) -> tuple[list[Path], dict[str, bytes]]:
    return [directory / "box.cli"], box_files(directory)


async def hold_loop(directory: Path, number: int) -> None:
    config, files = _simulator(directory)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Simulator(config, files=files))
        say()
        await asyncio.to_thread(take_line)
        start = time.perf_counter()
        for _ in range(number):
            await stack.enter_async_context(Simulator(config, files=files))
        say(seconds=time.perf_counter() - start)
        await asyncio.to_thread(take_line)


async def hold_bare(directory: Path, number: int) -> None:
    async with AsyncExitStack() as stack:
        await _serve_bare(directory, stack)
        say()
        await asyncio.to_thread(take_line)
        start = time.perf_counter()
        for _ in range(number):
            await _serve_bare(directory, stack)
        say(seconds=time.perf_counter() - start)
        await asyncio.to_thread(take_line)


async def hold_threads(directory: Path, number: int) -> None:
    config, files = _simulator(directory)
    with ExitStack() as stack:
        stack.enter_context(SyncSimulator(config, files=files))
        say()
        take_line()
        start = time.perf_counter()
        for _ in range(number):
            stack.enter_context(SyncSimulator(config, files=files))
        say(seconds=time.perf_counter() - start)
        take_line()


async def hold_bare_threads(directory: Path, number: int) -> None:
    with ExitStack() as stack:
        _serve_bare_thread(directory, stack)
        say()
        take_line()
        start = time.perf_counter()
        for _ in range(number):
            _serve_bare_thread(directory, stack)
        say(seconds=time.perf_counter() - start)
        take_line()


async def _serve_bare(directory: Path, stack: AsyncExitStack) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    for _ in range(2):
        ssh = await asyncssh.listen(HOST, 0, server_factory=bare.PasswordServer, server_host_keys=[key])
        await stack.enter_async_context(ssh)
    loop = asyncio.get_running_loop()
    tls = await loop.create_server(bare.Canned, HOST, 0, ssl=server_context(directory, "box"))
    control = await loop.create_server(asyncio.Protocol, HOST, 0)
    for server in (tls, control):
        await stack.enter_async_context(server)


def _serve_bare_thread(directory: Path, stack: ExitStack) -> None:
    thread, inside = LoopThread("bare"), AsyncExitStack()
    thread.start()
    stack.callback(thread.stop)
    stack.callback(lambda: thread.wait(inside.aclose))
    thread.wait(lambda: _serve_bare(directory, inside))


if __name__ == "__main__":
    _kinds: dict[str, Callable[[Path, int], Coroutine[None, None, None]]] = {
        "loop": hold_loop, "bare": hold_bare, "threads": hold_threads, "bare_threads": hold_bare_threads,
    }  # fmt: skip
    asyncio.run(_kinds[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
