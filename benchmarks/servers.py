"""The measured servers, each in a process of its own: `python -m benchmarks.servers KIND DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import asyncssh

from sbcsim.device.settings import Settings
from sbcsim.simulator import Simulator

from . import bare
from .processes import say, wait_to_go_on
from .testbed import HOST, box_files, memory_context, server_context

USERS, SHELLS_A_USER = 100, 5
"""Users of the box that is typed on, and how many sessions each of them may have."""


async def serve_box(directory: Path, journal: int = Settings().journal_limit, rate: int = 0) -> None:
    """Serve, with so many entries in the journal at most and a clock that goes at `rate`."""
    settings = Settings(journal_limit=journal)
    async with Simulator(directory / "box.cli", files=box_files(directory), settings=settings) as sbc:
        sbc.set_rate(rate)
        tls = next(each.address for each in sbc.ports.sip if each.transport == "tls")
        say(cli=sbc.ports.cli, sftp=sbc.ports.sftp, tls=tls)
        await asyncio.to_thread(wait_to_go_on)


async def serve_calls(directory: Path) -> None:
    """Serve a box with routes; its first zone is where callers come in."""
    async with Simulator(directory / "calls.cli", files=box_files(directory)) as sbc:
        say(tls=next(each.address for each in sbc.ports.sip if each.zone == "Z"))
        await asyncio.to_thread(wait_to_go_on)


async def serve_tls(directory: Path) -> None:
    context = server_context(directory, "box")
    server = await asyncio.get_running_loop().create_server(bare.Canned, HOST, 0, ssl=context, backlog=1024)
    async with server:
        say(tls=server.sockets[0].getsockname())
        await asyncio.to_thread(wait_to_go_on)


async def serve_pyopenssl(directory: Path) -> None:
    """Serve; each line of the parent has the certificate read again."""
    context = memory_context(directory, "box")
    server = await asyncio.get_running_loop().create_server(lambda: bare.MemoryBuffers(context), HOST, 0, backlog=1024)
    async with server:
        say(tls=server.sockets[0].getsockname())
        while await asyncio.to_thread(wait_to_go_on):
            context = memory_context(directory, "box")
            say()


async def serve_ssh(_directory: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        HOST, 0, server_factory=bare.PasswordServer, server_host_keys=[key], process_factory=bare.show
    )
    async with server:
        say(cli=(HOST, server.get_port()))
        await asyncio.to_thread(wait_to_go_on)


async def serve_cli(directory: Path) -> None:
    users = dict.fromkeys((bare.USER, *(f"u{number}" for number in range(USERS))), bare.PASSWORD)
    async with Simulator(directory / "box.cli", users=users) as sbc:
        say(cli=sbc.ports.cli, sftp=sbc.ports.sftp)
        await asyncio.to_thread(wait_to_go_on)


async def serve_echo(_directory: Path, shown: int = 0) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Server(bare.PasswordServer):
        def session_requested(self) -> bare.LineServer:
            return bare.LineServer(shown)

    server = await asyncssh.listen(
        HOST, 0, server_factory=Server, server_host_keys=[key], encoding="utf-8", line_editor=False
    )
    async with server:
        say(cli=(HOST, server.get_port()))
        await asyncio.to_thread(wait_to_go_on)


if __name__ == "__main__":
    _servers: dict[str, Callable[..., Coroutine[None, None, None]]] = {
        "box": serve_box,
        "calls": serve_calls,
        "cli": serve_cli,
        "tls": serve_tls,
        "pyopenssl": serve_pyopenssl,
        "ssh": serve_ssh,
        "echo": serve_echo,
    }
    asyncio.run(_servers[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:])))
