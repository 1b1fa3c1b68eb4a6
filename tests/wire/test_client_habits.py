"""What automation made for other boxes types first: the right answer, and a session that goes on."""

from __future__ import annotations

import asyncssh
import pytest
from sshlines import LOGIN, Terminal

from sbcsim.simulator import Simulator

WELCOME = (
    "set screen length 0",
    "set screen width 0",
    "set screen width 512",
    "set idle-timeout 0",
    "set paginate false",
    "set complete-on-space false",
    "set autowizard false",
    "",
)
"""Unicon, scrapli, scripts for other boxes with the same engine, and the Enter before every command of Netmiko."""

STRANGE = (
    "term len 0",
    "terminal length 0",
    "set cli screen-length 0",
    "set cli screen-width 511",
    "set cli complete-on-space off",
    "set cli timestamp disable",
    "paginate false",
    "set session more off",
    "page-off",
    "environment no more",
    "enable",
    "logout",
    "show running-config",
    "terminal width 512",
)
"""Cisco, Juniper, Ciena, Nokia and other habits."""


@pytest.mark.parametrize("size", [(0, 0), (80, 24), (511, 1000), (132, 43)])
async def test_the_session_survives_every_habit(size: tuple[int, int]) -> None:
    async with (
        Simulator() as box,
        asyncssh.connect(*box.ports.cli, **LOGIN) as connection,
        connection.create_process(term_type="vt100", term_size=size) as process,
    ):
        session = Terminal(process)
        await session.read()
        for line in WELCOME:
            assert await session.type(line) == "", line
        for line in STRANGE:
            answer = await session.type(line)
            assert answer.startswith("[error] "), line
            assert "syntax error: " in answer, line
        for mode, line in (("", ""), ("configure", "exit")):
            if mode:
                await session.type_all(mode)
            long = f"show configuration system admin SBC1 {'x' * 600}"
            assert (await session.type(long)).startswith("[error]")  # its echo came back in one piece
            if line:
                await session.type_all(line)
        assert "*1" in await session.type_all("show users")
