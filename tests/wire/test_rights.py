"""Rights on the wire: members of every group, by every way into the box."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncssh
import pytest

from sbcsim.device.files import CERTIFICATE_DIRECTORY
from sbcsim.simulator import Simulator

READERS = ("Operator", "FieldService", "Guest", "Calea", "SecurityAuditor")
EDIT = "set system admin SBC1 location X"
CERTIFICATE = f"{CERTIFICATE_DIRECTORY}/new.p12"


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    users = {"admin": "admin"} | {name.lower(): "secret" for name in READERS}
    async with Simulator(users=users, files={"new.p12": b"old"}) as box:
        for line in ("configure", *(f"set oam localAuth user {each.lower()} group {each}" for each in READERS)):
            assert "[ok]" in box.cli(line)
        assert "Commit complete." in box.cli("commit and-quit")
        yield box


def connect(box: Simulator, user: str, password: str = "secret", *, sftp: bool = False):
    address = box.ports.sftp if sftp else box.ports.cli
    return asyncssh.connect(
        *address, username=user, password=password, known_hosts=None, client_keys=None, agent_path=None, config=None
    )


def facts(box: Simulator) -> object:
    files = box._sbc.files
    names = [name for name, _ in files.entries(CERTIFICATE_DIRECTORY)]
    return box.status().counts.revision, names, files.certificate_file("new.p12"), box._users.documents()


@pytest.mark.parametrize("group", READERS)
async def test_readers_change_nothing_by_any_way_in(box, group, tmp_path):
    before, user = facts(box), group.lower()
    (tmp_path / "new.p12").write_bytes(b"new")
    async with connect(box, user) as connection:
        for lines in (f"configure; {EDIT}; commit", "configure exclusive", f"show cli | save {CERTIFICATE}"):
            result = await connection.run(lines)
            assert (result.stdout.splitlines()[-2], result.exit_status) == ("Aborted: permission denied", 1)
        result = await connection.run(None, input=f"configure\n{EDIT}\ncommit\n")
        assert (result.stdout.splitlines()[-2], result.exit_status) == ("Aborted: permission denied", 1)
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        for line in ("configure", EDIT, "commit", "exit", "reset-password admin"):
            await process.stdout.readuntil(["> ", "% "])
            process.stdin.write(line + "\r")
        process.stdin.write_eof()
        shown = await process.stdout.read()
        assert "Aborted: permission denied\r\n[error]" in shown
        assert "Enter new password" not in shown
    async with connect(box, user, sftp=True) as connection:
        async with connection.start_sftp_client() as client:
            assert await client.realpath(".") == f"/home/{group}/{user}"
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.put(tmp_path / "new.p12", CERTIFICATE)
            await client.put(tmp_path / "new.p12")
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.posix_rename("new.p12", CERTIFICATE)
        with pytest.raises(asyncssh.SFTPError, match="Permission denied"):
            await asyncssh.scp(tmp_path / "new.p12", (connection, CERTIFICATE))
    assert facts(box) == before


async def test_a_user_who_is_deleted_is_thrown_out(box):
    async with connect(box, "guest") as cli, connect(box, "guest", sftp=True) as sftp, connect(box, "calea") as other:
        process = await cli.create_process(term_type="vt100", term_size=(80, 24))
        await process.stdout.readuntil("> ")
        client = await sftp.start_sftp_client()
        assert "Commit complete." in "".join(
            map(box.cli, ("configure", "delete oam localAuth user guest", "commit and-quit"))
        )
        await asyncio.gather(cli.wait_closed(), sftp.wait_closed())
        client.exit()
        assert (await other.run("show users | match guest")).stdout.count("guest") == 0
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(box, "guest")


async def test_an_operator_runs_actions(box):
    async with connect(box, "operator") as connection:
        result = await connection.run("request alarms clear history; configure; request alarms clear history")
        assert result.exit_status == 0
    async with connect(box, "guest") as connection:
        result = await connection.run("request alarms clear history")
        assert (result.stdout.splitlines()[0], result.exit_status) == ("Aborted: permission denied", 1)


async def test_the_console_is_never_a_readers(box):
    async with Simulator(users={"aaron": "secret", "zoe": "secret"}) as other:
        for line in ("configure", "set oam localAuth user aaron group Guest", "commit"):
            assert "[ok]" in other.cli(line)
        assert "[ok]" in other.cli(EDIT)
