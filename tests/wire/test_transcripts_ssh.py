"""The golden transcripts, typed through a real SSH client on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import asyncssh
import pytest
from clibox import START
from sshlines import LOGIN
from transcripts import FILES, TYPED, box_of, moment, others_commit, read, typed_before, without_times

from sbcsim.cli.session import Session
from sbcsim.clock import Instant
from sbcsim.net.ssh import start_cli_server

WAITING = re.compile(r"admin@SBC1[>%] $|\[yes,(?:no|NO)\] $")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_transcript(file: Path) -> None:
    case = read(file)
    box = box_of(case)
    now: list[Instant] = [moment(case["since"]) if "since" in case else START]
    server = await start_cli_server(
        host="127.0.0.1",
        port=0,
        factory=lambda author, terminal: Session(box, author, terminal, now[0]),
        users=box.users,
        sessions=box.sessions,
        journal=box.journal,
        now=lambda: now[0],
    )
    try:
        async with (
            asyncssh.connect("127.0.0.1", server.port, **LOGIN) as connection,
            connection.create_process(term_type="vt100", term_size=(80, 0)) as process,
        ):

            async def type_in(line: str) -> str:
                process.stdin.write(f"{line}\r")
                return await process.stdout.readuntil(WAITING)

            screen = await process.stdout.readuntil(WAITING)
            now[0] = START
            if case["mode"] != "greeting":
                for line in typed_before(case):
                    screen = await type_in(line)
                    assert "[ok]" in screen
                if "committed" in case:
                    others_commit(box, case)
                screen = screen.rpartition("\n")[2]
            for line in TYPED.findall(case["screen"]):
                if line.endswith("?"):
                    process.stdin.write(line)
                    screen += (await process.stdout.readuntil(f"{line[:-1]}?")) + await process.stdout.readuntil(
                        line[:-1]
                    )
                    screen = screen.removesuffix(line[:-1])
                    process.stdin.write("\x03")
                    await process.stdout.readuntil(WAITING)
                elif line:
                    screen += await type_in(line)
    finally:
        await server.close()
    shown = without_times(screen.replace("\r\n", "\n"))
    assert shown == without_times(case["screen"].replace("192.0.2.7", "127.0.0.1"))
