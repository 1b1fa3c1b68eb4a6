"""A password that must be changed first, on the wire: by people, by programs, by file transfer, by key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncssh
import pytest

from sbcsim.device.passwords import PasswordChange
from sbcsim.device.settings import Settings
from sbcsim.simulator import Simulator

FIRST = "Aborted: password must be changed on a terminal first\n"


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator(settings=Settings(password_change=PasswordChange.FIRST)) as box:
        yield box


def connect(box: Simulator, password: str | None = "admin", *, sftp: bool = False, user: str = "admin", **options):
    given = {"known_hosts": None, "client_keys": None, "agent_path": None, "config": None}
    address = box.ports.sftp if sftp else box.ports.cli
    return asyncssh.connect(*address, username=user, password=password, **(given | options))


async def type_in(process: asyncssh.SSHClientProcess[str], *answers: str) -> str:
    for answer in answers:
        await process.stdout.readuntil(": ")
        process.stdin.write(answer + "\r")
    return await process.stdout.readuntil(["> ", "old password: "])


async def test_somebody_on_a_terminal_changes_it_and_goes_on(box):
    async with connect(box) as connection:
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        answers = ("admin", "Another-1", "Another-1")
        shown = await type_in(process, *answers)
        assert shown == "\r\n\r\nadmin connected from 127.0.0.1 using ssh on SBC1\r\nadmin@SBC1> "
        assert (await connection.run("show users")).exit_status == 0  # now everything is open
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(box)
    async with connect(box, "Another-1") as connection:
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        assert "password" not in await process.stdout.readuntil("> ")


async def test_after_three_mistakes_the_channel_closes(box):
    async with connect(box) as connection:
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        for _ in range(3):
            process.stdin.write("admin\rx\ry\r")
        result = await process.wait()
        assert result.stdout == (
            "Enter old password: \r\nEnter new password: \r\nRe-enter new password: \r\n"
            "Aborted: passwords do not match\r\n" * 3
        )
        assert result.exit_status == 1
    assert len(box._sbc.sessions) == 0


async def test_without_terminal_nothing_can_be_done(box):
    async with connect(box) as connection:
        for command in ("show users", None):
            result = await connection.run(command)
            assert (result.stdout, result.exit_status) == (FIRST, 1)
        result = await connection.run("show users", term_type="vt100")
        assert (result.stdout, result.exit_status) == (FIRST.replace("\n", "\r\n"), 1)
    async with connect(box, sftp=True) as connection:
        process = await connection.create_process(subsystem="sftp")
        result = await process.wait()
        assert (result.stderr, result.exit_status) == (FIRST, 1)
        result = await connection.run("scp -t /opt/sonus/external")
        assert (result.stderr, result.exit_status) == (FIRST, 1)


async def test_a_key_is_not_asked(box):
    key = asyncssh.generate_private_key("ssh-ed25519")
    account = box._users.add("admin", "admin", keys=[key.export_public_key().decode()])
    box._users.put("admin", replace(account, must_change=True))
    async with connect(box, None, client_keys=[key]) as connection:
        assert (await connection.run("show users")).exit_status == 0
    async with connect(box, client_keys=[key], preferred_auth="password") as connection:
        assert (await connection.run("show users")).stdout == FIRST


@pytest.mark.parametrize(("policy", "asked"), [(PasswordChange.RESET, True), (PasswordChange.NEVER, False)])
async def test_who_was_given_one_by_an_administrator(policy, asked):
    async with Simulator(settings=Settings(password_change=policy)) as box:
        for line in ("configure", "set oam localAuth user jo group Operator", "commit and-quit"):
            assert "[ok]" in box.cli(line)
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(box, "", user="jo")
        async with connect(box) as connection:
            process = await connection.create_process(term_type="vt100", term_size=(80, 24))
            await process.stdout.readuntil("> ")
            process.stdin.write("reset-password jo\r")
            shown = await type_in(process, "Given-by-1", "Given-by-1")
            assert shown.startswith("\r\n[ok][")
        async with connect(box, "Given-by-1", user="jo") as connection:
            process = await connection.create_process(term_type="vt100", term_size=(80, 24))
            assert ("old password" in await process.stdout.readuntil([": ", "> "])) is asked
