"""However clients come and go, nothing of them stays: no session, no candidate, no lock, no connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncssh
import pytest
from sshlines import LOGIN, terminal

from sbcsim.simulator import Simulator

PROMPTS = ["> ", "% "]


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator() as box:
        for line in (
            "configure",
            "set system admin SBC1 accountManagement bruteForceAttack state disabled",
            "commit and-quit",
        ):
            assert "[ok]" in box.cli(line)
        box.cli("exit")
        yield box


async def shell(connection: asyncssh.SSHClientConnection) -> asyncssh.SSHClientProcess[str]:
    return await connection.create_process(term_type="vt100", term_size=(80, 24))


def say(process: asyncssh.SSHClientProcess[str], text: str) -> None:
    with suppress(BrokenPipeError):  # there were too many, and this one has been sent away
        process.stdin.write(text)


async def connects_only(box: Simulator) -> None:
    _, writer = await asyncio.open_connection(*box.ports.cli)
    writer.close()


async def talks_nonsense(box: Simulator) -> None:
    reader, writer = await asyncio.open_connection(*box.ports.cli)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
    await reader.read()
    writer.close()


async def guesses_wrong(box: Simulator) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(*box.ports.cli, **(LOGIN | {"password": "wrong"}))


async def gives_up_in_the_middle(box: Simulator) -> None:
    class Client(asyncssh.SSHClient):
        def connection_made(self, conn):
            self.connection = conn

        def password_auth_requested(self):
            self.connection.abort()
            return "admin"

    with suppress(asyncssh.Error, OSError):
        await asyncssh.connect(*box.ports.cli, **(LOGIN | {"password": None}), client_factory=Client)


async def logs_in_only(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN):
        pass


async def runs_something(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        result = await connection.run("show users")
        assert "admin" in result.stdout or result.stdout == "Maximum number of sessions reached\n"


async def pipes_and_leaves(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        process = await connection.create_process()
        say(process, "configure exclusive\nset system admin SBC1 location X\n")
        connection.abort()


async def vanishes_in_configure_mode(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        process = await shell(connection)
        for line in ("configure exclusive", "set system admin SBC1 location X", "commit confirmed 10"):
            with suppress(asyncio.IncompleteReadError):
                await process.stdout.readuntil(PROMPTS)
            say(process, line + "\r")
        connection.abort()


async def exits(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        process = await shell(connection)
        say(process, "configure\rexit\rexit\r")
        await process.wait()


async def asks_for_what_is_not_there(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(subsystem="netconf")


async def transfers_nothing(box: Simulator) -> None:
    async with asyncssh.connect(*box.ports.sftp, **LOGIN) as connection:
        await connection.start_sftp_client()
        connection.abort()


CLIENTS: tuple[Callable[[Simulator], Awaitable[None]], ...] = (
    connects_only,
    talks_nonsense,
    guesses_wrong,
    gives_up_in_the_middle,
    logs_in_only,
    runs_something,
    pipes_and_leaves,
    vanishes_in_configure_mode,
    exits,
    asks_for_what_is_not_there,
    transfers_nothing,
)


async def test_nothing_stays_of_anybody(box):
    await asyncio.gather(*(client(box) for client in CLIENTS * 3))
    ports = (box._management.system.cli, box._management.system.sftp)
    while left := [connection for port in ports for connection in port.connections]:
        await asyncio.gather(*(connection.wait_closed() for connection in left))
    assert len(box._sbc.sessions) == 0
    assert box._database.candidates == ()
    assert box._database.pending is None
    assert "location" not in box.cli("show configuration system admin")
    logins = [entry.event for entry in box.journal("login")]
    assert sum(login.accepted for login in logins) == len(box.journal("logout"))
    async with terminal(box) as one, terminal(box) as two:
        users = await one.type("show users")
        assert users.count(" cli ") == 3  # and the console of this test
        await two.type("configure exclusive")
        users = await one.type("show users | match exclusive")
        assert len(users.splitlines()) == 1
        await one.type("configure")
        users = await one.type("run show users")
        assert [line.split()[-1] for line in users.splitlines()[1:]] == ["exclusive", "private", "00:00:00"]
        assert users.splitlines()[2].startswith("*")
