"""Clients made for other boxes, or for other prompts: some look around, some give up, and none stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from peers import require_module, require_program
from sshlines import PASSWORD, USER, sessions_left, terminal

from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

GIVES_UP = {
    "juniper": ["set cli screen-width 511"],
    "juniper_junos": ["set cli screen-width 511"],
    "linux": [],
    "infinera_packet": ["enable"],
}
"""Device types of Netmiko whose login fails, and what the box is asked in vain."""

LOOKS_AROUND = {
    "cisco_viptela": ["paginate false"],
    "ciena_saos10": ["set session more off"],
    "cisco_ios": ["terminal width 511", "terminal length 0"],
}
"""Those that log in and can show the configuration."""


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator() as box:
        yield box


def refused(box: Simulator) -> list[str]:
    """Return what was typed in vain so far."""
    return [entry.event.line for entry in box.journal("cli") if not entry.event.ok]


async def netmiko(box: Simulator, device: str, command: str, *, patience: float) -> str:
    """Log in as if to a device of that type, and return the answer to a command, each awaited for so many seconds."""
    module = require_module("netmiko")

    def converse() -> str:
        host, port = box.ports.cli
        with module.ConnectHandler(
            device_type=device, host=host, port=port, username=USER, password=PASSWORD, read_timeout_override=patience
        ) as connection:
            return connection.send_command(command)

    return await asyncio.to_thread(converse)


@pytest.mark.parametrize("device", GIVES_UP)
async def test_a_login_of_netmiko_that_fails_leaves_no_session(box: Simulator, device: str) -> None:
    module = require_module("netmiko")
    async with terminal(box) as staying:
        with pytest.raises((module.ReadTimeout, ValueError)):
            await netmiko(box, device, "show users", patience=2)
        await sessions_left(box, 1)
        assert refused(box) == GIVES_UP[device]
        assert "*1  admin cli" in await staying.type("show users | nomore")


@pytest.mark.parametrize("device", LOOKS_AROUND)
async def test_netmiko_for_another_box_can_look_around(box: Simulator, device: str) -> None:
    shown = await netmiko(box, device, "show configuration system admin", patience=4)
    assert "actualSystemName SBC1;" in shown
    await sessions_left(box)
    assert refused(box)[: len(LOOKS_AROUND[device])] == LOOKS_AROUND[device]


async def test_an_expect_script_that_waits_for_the_wrong_prompt_commits_all_the_same(box: Simulator) -> None:
    """It waits for `>` throughout: in vain in configure mode, then types on when its patience ends."""
    script = f"""
        set timeout 1
        spawn {require_program("ssh")} -F none -o PubkeyAuthentication=no -o StrictHostKeyChecking=no \\
            -o UserKnownHostsFile=/dev/null -p {box.ports.cli.port} {USER}@{box.ports.cli.host}
        expect -timeout 20 "assword: "
        send "{PASSWORD}\\r"
        expect -timeout 20 ">"
        foreach line {{configure "set system admin SBC1 contact somebody" comm exit}} {{
            send "$line\\r"
            expect ">"
        }}
        send "exit\\r"
        expect -timeout 20 eof
        exit [lindex [wait] 3]
    """
    process = await asyncio.create_subprocess_exec(
        require_program("expect"), "-", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(script.encode()), 60)
    assert process.returncode == 0, output.decode()
    await sessions_left(box)
    assert refused(box) == []
    assert "somebody" in box.cli("show configuration system admin SBC1 contact")
