"""A user who is locked by failed logins, met by real clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncssh
import pytest

from sbcsim.simulator import Simulator


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator() as box:
        yield box


def connect(box: Simulator, password: str = "admin", *, sftp: bool = False, **options):
    given = {"known_hosts": None, "client_keys": None, "agent_path": None, "config": None}
    address = box.ports.sftp if sftp else box.ports.cli
    return asyncssh.connect(*address, username="admin", password=password, **(given | options))


async def refused(box: Simulator, password: str, **options) -> None:
    with pytest.raises(asyncssh.PermissionDenied, match="Permission denied for user admin"):
        await connect(box, password, preferred_auth=options.pop("auth", "password"), **options)


def reasons(box: Simulator) -> list[tuple[str, str]]:
    return [(entry.event.service, entry.event.reason) for entry in box.journal("login") if not entry.event.accepted]


async def test_failures_on_all_ports_count_together_and_look_alike(box):
    await refused(box, "wrong")
    await refused(box, "wrong", sftp=True)
    await refused(box, "wrong", auth="keyboard-interactive")
    for sftp in (False, True):
        for auth in ("password", "keyboard-interactive"):
            await refused(box, "admin", sftp=sftp, auth=auth)
    assert reasons(box) == [
        ("cli", "wrong password"),
        ("sftp", "wrong password"),
        ("cli", "wrong password, now locked"),
        *[("cli", "locked")] * 2,
        *[("sftp", "locked")] * 2,
    ]
    await box.advance("30s")
    async with connect(box) as connection:
        log = await connection.run("show users")
        assert log.exit_status == 0
    async with (
        connect(box, sftp=True) as connection,
        connection.start_sftp_client() as client,
        client.open("/var/log/sonus/sbx/evlog/0000001.SEC") as file,
    ):
        lines = (await file.read()).splitlines()
    assert sum("*User admin from 127.0.0.1 was refused (cli): " in line for line in lines) == 4
    assert ".Minor   .AUTH: *User admin from 127.0.0.1 was refused (cli): wrong password, now locked" in "\n".join(
        lines
    )
    assert ".Info    .AUTH: *User admin from 127.0.0.1 logged in (cli)" in "\n".join(lines)


async def test_a_key_opens_what_is_locked_and_counts_for_nothing(box):
    key = asyncssh.generate_private_key("ssh-ed25519")
    box._users.add("admin", "admin", keys=[key.export_public_key().decode()])
    for _ in range(2):
        await refused(box, "wrong")
    async with connect(box, client_keys=[key], preferred_auth="publickey"):
        pass
    await refused(box, "wrong")
    await refused(box, "admin")
    async with connect(box, client_keys=[key], preferred_auth="publickey") as connection:
        assert (await connection.run("show users")).exit_status == 0


async def test_one_client_that_guesses_on(box):
    guesses = iter(["one", "two", "three", "admin", "admin", "admin"])

    class Client(asyncssh.SSHClient):
        def password_auth_requested(self):
            return next(guesses)

    with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
        await connect(box, None, client_factory=Client, preferred_auth="password")
    assert [reason for _, reason in reasons(box)][2:] == ["wrong password, now locked", *["locked"] * 3]
    assert len(box._sbc.sessions) == 0
    await box.reset()
    async with connect(box):
        pass
