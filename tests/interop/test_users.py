"""Users and rights as OpenSSH meets them: keys brought by ssh-copy-id, locks, passwords that must be changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from peers import require_program

from sbcsim.device.passwords import PasswordChange
from sbcsim.device.settings import Settings
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

OPTIONS = (
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "NumberOfPasswordPrompts=1"),
)
BY_PASSWORD = ("-F", "none", *OPTIONS, "-o", "PubkeyAuthentication=no")
CERTIFICATES = "/opt/sonus/external"
FIRST = "Aborted: password must be changed on a terminal first\n"

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a directory whose path is short enough for a Unix socket in it."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def run(home: Path) -> Run:
    """Return a function that runs a program with the password `secret`; it returns status, output and complaints."""
    askpass = home / "askpass"
    askpass.write_text("#!/bin/sh\necho secret\n")
    askpass.chmod(0o700)
    environment = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "HOME": str(home), "LC_ALL": "C"}

    async def call(program: str, *arguments: object) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            require_program(program),
            *map(str, arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        output, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    return call


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator(users={"admin": "admin", "jo": "secret"}) as box:
        for line in ("configure", "set oam localAuth user jo group Guest", "commit and-quit"):
            assert "[ok]" in box.cli(line)
        yield box


async def test_a_key_is_brought_by_ssh_copy_id(box, run, home):
    (home / ".ssh").mkdir()
    key = home / ".ssh" / "id_ed25519"
    status, _, errors = await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    assert status == 0, errors
    login = ("-F", "none", *OPTIONS, "-i", key, "-o", "BatchMode=yes", "-p", box.ports.cli.port)
    status, _, errors = await run("ssh", *login, "jo@127.0.0.1", "show users")
    assert status == 255
    assert "Permission denied" in errors
    status, output, errors = await run(
        "ssh-copy-id", "-s", "-i", f"{key}.pub", "-p", box.ports.sftp.port, *OPTIONS, "jo@127.0.0.1"
    )
    assert status == 0, (output, errors)
    status, output, _ = await run("ssh", *login, "jo@127.0.0.1", "show users | match jo")
    assert (status, output.split()[1]) == (0, "jo")
    assert "ssh-ed25519 " in box._sbc.files.read("/home/Guest/jo/.ssh/authorized_keys").decode()


async def test_a_guest_brings_nothing_but_to_the_own_home(box, run, tmp_path):
    (tmp_path / "new.p12").write_bytes(b"new")
    for form in ((), ("-O",)):
        copy = ("scp", *form, *BY_PASSWORD, "-P", box.ports.sftp.port, tmp_path / "new.p12")
        status, _, errors = await run(*copy, f"jo@127.0.0.1:{CERTIFICATES}/")
        assert status == 1
        assert "ermission denied" in errors
        status, _, errors = await run(*copy, "jo@127.0.0.1:")
        assert (status, errors) == (0, "")
    assert box._sbc.files.certificate_file("new.p12") is None
    assert box._sbc.files.read("/home/Guest/jo/new.p12") == b"new"
    login = ("ssh", *BY_PASSWORD, "-p", box.ports.cli.port, "jo@127.0.0.1")
    status, output, _ = await run(*login, "configure; set system admin SBC1 location X; commit")
    assert (status, output.splitlines()[-2]) == (1, "Aborted: permission denied")


async def test_a_locked_user_is_refused_like_a_wrong_password(box, run):
    login = ("ssh", *BY_PASSWORD, "-p", box.ports.cli.port)
    told = set()
    for user in ("admin", "admin", "admin", "admin"):  # the password that is offered is not admin's
        told.add(await run(*login, f"{user}@127.0.0.1", "show users"))
    box._users.add("admin", "secret")
    told.add(await run(*login, "admin@127.0.0.1", "show users"))
    assert len(told) == 1
    await box.advance("30s")
    assert (await run(*login, "admin@127.0.0.1", "show users"))[0] == 0


async def test_a_password_that_must_be_changed_is_said_to_programs(run, tmp_path):
    settings = Settings(password_change=PasswordChange.FIRST)
    async with Simulator(users={"admin": "secret"}, settings=settings) as box:
        cli = ("-p", box.ports.cli.port, "admin@127.0.0.1")
        assert await run("ssh", *BY_PASSWORD, *cli, "show users") == (1, FIRST, "")
        assert await run("ssh", *BY_PASSWORD, "-T", *cli) == (1, FIRST, "")
        status, _, errors = await run("sftp", *BY_PASSWORD, "-P", box.ports.sftp.port, "admin@127.0.0.1")
        assert status == 255
        assert FIRST in errors
        (tmp_path / "new.p12").write_bytes(b"new")
        status, _, errors = await run(
            "scp", *BY_PASSWORD, "-P", box.ports.sftp.port, tmp_path / "new.p12", f"admin@127.0.0.1:{CERTIFICATES}/"
        )
        assert status != 0
        assert FIRST in errors
        assert box._sbc.files.certificate_file("new.p12") is None
