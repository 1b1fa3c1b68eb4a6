"""A pair of servers on real sockets: where each is met, and what clients and peers notice of a switchover."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncssh
import boxes
import httpx
import pytest
import testca
from clibox import Refusing
from sshlines import LOGIN, terminal, upload

import sbcsim
from sbcsim.errors import UserError

SWITCH = "request system admin SBC1 switchover"
QUESTION = "The active server will hand over to the standby server. Continue?"


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Any]:
    config = tmp_path / "box.cli"
    config.write_text(boxes.CONFIG)
    async with AsyncExitStack() as stack:

        async def start(ha: str) -> sbcsim.Simulator:
            box = sbcsim.Simulator(config=config, files=boxes.certificate_files(), ha=ha)
            return await stack.enter_async_context(box)

        yield start


def roles(box: sbcsim.Simulator) -> list[str]:
    rows = box._sbc.rows(("system", "serverStatus"))
    return [f"{row['name']} {row['mgmtRedundancyRole']}" for row in rows]


async def test_the_operator_is_asked_and_the_session_ends(started) -> None:
    box = await started("1to1")
    async with terminal(box) as cli:
        assert await cli.type(SWITCH) == QUESTION
        assert await cli.type("no") == "[error] Aborted: by user"
        assert roles(box) == ["SBC1a active", "SBC1b standby"]
        assert await cli.type(SWITCH) == QUESTION
        cli._process.stdin.write("yes\r")
        rest = await cli._process.stdout.read()
        assert "result success" in rest
        await cli._process.wait_closed()
    assert roles(box) == ["SBC1a standby", "SBC1b active"]
    async with terminal(box) as cli:  # the system's address belongs to the server that has taken over
        assert "SBC1b" in await cli.type("show table system serverStatus | match active")


async def test_others_are_told_before_their_sessions_end(started) -> None:
    box = await started("1to1")
    async with terminal(box) as cli, terminal(box, address=box.ports.servers[1].cli) as other:
        other._process.stdin.write("show sta")
        await other._process.stdout.readuntil("show sta")
        await box.switch_over()
        for each in (cli, other):
            rest = await each._process.stdout.read()
            assert "System message at 2026-01-01 00:00:00...\r\nNode switchover in progress.\r\n" in rest
    assert not list(box._sbc.sessions)


async def test_a_commit_in_preparation_is_not_made(started) -> None:
    box = await started("1to1")
    loop = asyncio.get_running_loop()
    begun, release = asyncio.Event(), threading.Event()
    box._database.subscribe(Refusing(work=lambda: (loop.call_soon_threadsafe(begun.set), release.wait(10))))
    async with terminal(box) as cli:
        await cli.type_all("configure exclusive", "set system admin SBC1 location X")
        cli._process.stdin.write("commit\r")
        await begun.wait()
        await box.switch_over()
        assert box._database.candidates == ()
        release.set()
        await asyncio.wait(tuple(box._management.system.cli.working))
        await cli._process.wait_closed()
    assert "location" not in box.cli("show configuration system admin")


async def test_a_confirmed_commit_is_taken_back_by_the_end_of_its_session(started) -> None:
    box = await started("1to1")
    for persist, kept in (("", False), (" persist me", True)):
        async with terminal(box) as cli:
            await cli.type_all(
                "configure exclusive", "set system admin SBC1 location X", f"commit confirmed 10{persist}"
            )
            await box.advance("60s")  # until the standby server is ready again
            await box.switch_over()
            assert ("location" in box.cli("show configuration system admin")) is kept
            await cli._process.wait_closed()


async def test_a_script_ends_where_it_switches_over(started) -> None:
    box = await started("1to1")
    script = f"{SWITCH}; configure; set system admin SBC1 location X; commit"
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        result = await connection.run(script)
    assert result.stdout == 'result success\nreason ""\n[ok][2026-01-01 00:00:00]\n'
    assert result.exit_status == 0
    assert roles(box) == ["SBC1a standby", "SBC1b active"]
    assert "location" not in box.cli("show configuration system admin")


async def test_peers_are_reset_and_the_next_connection_shows_the_new_certificate(started, tmp_path) -> None:
    box = await started("1to1")
    context = testca.client_context(testca.peer(), tmp_path)
    address = box.ports.sip[0].address
    reader, writer = await asyncio.open_connection(*address, ssl=context)
    for line in (
        "configure",
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        "set profiles security tlsProfile TLS serverCertName NEW",
        "commit",
    ):
        assert "Aborted" not in box.cli(line)
    await box.switch_over()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.transport.abort()
    reader, writer = await asyncio.open_connection(*address, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
    assert int(shown, 16) == int(testca.sbc_renewed().certificate.serial, 16)
    writer.transport.abort()
    assert box.ports.sip[0].address == address


async def test_the_standby_shows_everything_and_changes_nothing(started) -> None:
    box = await started("1to1")
    standby = box.ports.servers[1]
    assert standby.name == "SBC1b"
    async with terminal(box, address=standby.cli) as cli:
        assert "serverCertName OLD" in await cli.type("show configuration profiles security tlsProfile TLS")
        refused = "[error] Aborted: node is in readonly mode"
        assert await cli.type(SWITCH) == refused
        assert await cli.type("reset-password admin") == refused
        assert await cli.type("change-password") == refused
        await cli.type_all("configure", "set system admin SBC1 location X")
        assert await cli.type("commit") == refused
        assert await cli.type("run commit") == refused
    await box.switch_over()
    async with terminal(box, address=standby.cli) as cli:
        await cli.type_all("configure", "set system admin SBC1 location X", "commit")
    async with terminal(box, address=box.ports.servers[0].cli) as cli:
        assert await cli.type(SWITCH) == refused


@pytest.mark.parametrize(("ha", "mirrored"), [("1to1", True), ("cloud", False)])
async def test_files_go_to_the_server_that_is_met(started, ha, mirrored) -> None:
    box = await started(ha)
    first, second = box.ports.servers

    def names() -> list[bool]:
        return [box._sbc.files_of(each).exists("/opt/sonus/external/up.p12") for each in box._sbc.servers]

    await upload(box, "up.p12", b"x", address=second.sftp)
    assert names() == [mirrored, True]
    await upload(box, "up.p12", b"x")
    assert names() == [True, True]
    await box.reset()
    assert names() == [False, False]
    await upload(box, "up.p12", b"x", address=first.sftp)
    assert names() == [True, mirrored]


async def test_files_of_the_start_are_on_both(started) -> None:
    box = await started("cloud")
    await box.switch_over()
    assert box._sbc._chassis.certificates.credential("OLD") is not None


async def test_over_http(started) -> None:
    box = await started("1to1")
    async with httpx.AsyncClient(base_url=f"http://{box.ports.control.host}:{box.ports.control.port}") as client:
        answer = await client.post("/v1/switchover")
        assert answer.status_code == 200
        assert answer.json() == {"now": "2026-01-01T00:00:00Z", "active": "SBC1b", "standby": "SBC1a"}
        answer = await client.post("/v1/switchover")
        assert answer.status_code == 409
        assert answer.json()["detail"] == "standby server is not synchronized"
        await client.post("/v1/clock/advance", json={"by": "60s"})
        assert (await client.post("/v1/switchover")).status_code == 200
        ready = (await client.get("/v1/ready")).json()
        assert [server["name"] for server in ready["servers"]] == ["SBC1a", "SBC1b"]


async def test_a_single_server_has_no_other(started) -> None:
    box = await started("none")
    assert box.ports.servers == ()
    with pytest.raises(UserError, match="no standby server"):
        await box.switch_over()
    with pytest.raises(UserError, match='"both" is no redundancy'):
        sbcsim.Simulator(ha="both")
