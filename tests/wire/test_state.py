"""A state directory, as processes that come one after the other find it."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncssh
import boxes
import killing
import pytest
from sshlines import terminal, upload

from sbcsim.errors import UserError
from sbcsim.simulator import Simulator

KILLS = 50


def test_a_kill_at_any_moment_loses_nothing_that_was_answered() -> None:
    words = [sys.executable, killing.__file__, "2026", str(KILLS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    states, kills = told["states"], told["kills"]
    assert len(kills) == KILLS
    assert sum(kill["signal"] == signal.SIGALRM for kill in kills) > KILLS / 2
    for kill in kills:
        answered = kill["answered"]  # the next step may have been kept without an answer
        assert kill["kept"] in states[answered - 1 : answered + 1], f"behind step {answered}"


async def test_everything_is_there_again(tmp_path: Path) -> None:
    config = tmp_path / "box.cli"
    config.write_text(boxes.CONFIG)
    state = tmp_path / "state"
    files = boxes.certificate_files()
    async with Simulator(config=config, files=files, state=state) as box, terminal(box) as cli:
        await upload(box, "other.p12", files["new.p12"])
        await cli.type_all("configure", "set system admin SBC1 location Here", "commit comment moved")
        shown = await cli.type("run show configuration | display set | nomore")
        history = await cli.type("show system admin SBC1 location")
        listeners = [(each.zone, each.transport) for each in box.ports.sip]
        key = await asyncssh.get_server_host_key(*box.ports.cli, server_host_key_algs=["ssh-ed25519"])
    async with Simulator(config=config, state=state) as box, terminal(box) as cli:
        assert await cli.type("show configuration | display set | nomore") == shown
        assert [each.name for each in box.certificates() if each.state == "enabled"] == ["CA", "OLD"]
        assert [(each.zone, each.transport) for each in box.ports.sip] == listeners
        again = await asyncssh.get_server_host_key(*box.ports.sftp, server_host_key_algs=["ssh-ed25519"])
        assert again.public_data == key.public_data
        await cli.type_all("configure", "set system security pki certificate NEW fileName other.p12 type local")
        await cli.type_all("set system security pki certificate NEW passPhrase secret state enabled", "commit")
        await cli.type_all("rollback 1")
        assert await cli.type("show system admin SBC1 location") != history
        assert "element does not exist" in await cli.type("show system security pki certificate NEW")


async def test_a_configuration_file_is_taken_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first.cli", tmp_path / "second.cli"
    first.write_text("set system admin SBC1 location First\n")
    second.write_text("set system admin SBC1 contact Second\n")
    state = tmp_path / "state"

    async def opened(*config: Path, line: str = "") -> str:
        async with Simulator(config=config, state=state) as box, terminal(box) as cli:
            await cli.type_all("configure")
            if line:
                await cli.type_all(line, "commit")
            return await cli.type("show system admin SBC1")

    await opened(first, line="set system admin SBC1 location Moved")
    shown = await opened(first, second)
    assert "Moved" in shown
    assert "Second" in shown


async def test_the_state_after_a_reset_is_that_of_the_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Simulator(state=state) as box:
        async with terminal(box) as cli:
            await cli.type_all("configure", "set system admin SBC1 location Here", "commit")
        await box.reset()
    async with Simulator(state=state) as box:
        assert "Here" not in box.cli("show configuration system admin SBC1")


async def test_only_the_owner_reads_it_and_only_one_process_has_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Simulator(state=state, seed=3) as box:
        await upload(box, "new.p12", boxes.certificate_files()["new.p12"])
        found = [state, *state.iterdir()]
        assert len(found) > 1
        assert {stat.S_IMODE(each.stat().st_mode) for each in found[1:]} == {0o600}
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        with pytest.raises(UserError, match="in use by another process"):
            Simulator(state=state)
    with pytest.raises(UserError, match="seed 3"):
        Simulator(state=state, seed=4)
    async with Simulator(state=state) as box:
        assert box.status().seed == 3


async def test_a_password_stays_changed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Simulator(state=state, users={"admin": "admin"}) as box:
        box._users.add("admin", "An0ther-one")
    async with Simulator(state=state, users={"admin": "admin"}) as box:
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                *box.ports.cli, username="admin", password="admin", known_hosts=None, client_keys=None, config=None
            )
        assert box._users.check("admin", "An0ther-one")
