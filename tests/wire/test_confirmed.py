"""A confirmed commit through the real SSH server, with everybody else logged in."""

from __future__ import annotations

import asyncssh
from sshlines import terminal

from sbcsim.simulator import Simulator

LINES = ("configure exclusive", "set profiles security tlsProfile T1", "commit confirmed 2")
MESSAGE = "confirmed commit operation not confirmed by admin from cli\r\nconfiguration rolled back\r\nadmin@SBC1> "


async def watcher(box: Simulator, connection: asyncssh.SSHClientConnection) -> asyncssh.SSHClientProcess[str]:
    process = await connection.create_process(term_type="vt100", term_size=(80, 24))
    await process.stdout.readuntil("admin@SBC1> ")
    return process


async def test_every_session_is_told_when_time_is_out():
    async with (
        Simulator() as box,
        terminal(box) as typing,
        asyncssh.connect(
            *box.ports.cli, username="admin", password="admin", known_hosts=None, client_keys=None, config=None
        ) as connection,
    ):
        other = await watcher(box, connection)
        await typing.type_all(*LINES)
        await other.stdout.readuntil("admin@SBC1> ")  # of the commit itself
        await box.advance("2m")
        seen = await other.stdout.readuntil("admin@SBC1> ")
        assert seen.startswith("\r\nMessage from system at 2026-01-01 00:02:00...\r\n")
        assert seen.endswith(MESSAGE)
        own = await typing.read()
        assert "configuration rolled back\n" in own
        assert [entry.event.state for entry in box.journal("confirmedCommit")] == ["pending", "rolled back"]


async def test_the_end_of_the_connection_rolls_back():
    async with Simulator() as box:
        async with terminal(box) as typing:
            await typing.type_all(*LINES)
            assert "T1" in box.cli("show configuration profiles security")
        async with asyncssh.connect(
            *box.ports.cli, username="admin", password="admin", known_hosts=None, client_keys=None, config=None
        ) as connection:
            shown = await connection.run("show configuration profiles")
            assert "T1" not in shown.stdout
