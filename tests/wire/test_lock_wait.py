"""A commit that meets another session's lock: refused at once, or after some patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sshlines import Terminal, terminal

from sbcsim.device.settings import LOCK_PATIENCE, Settings
from sbcsim.simulator import Simulator

EDIT = "set system admin SBC1 location X"
LOCKED = "[error] Aborted: the configuration database is locked by session "


@pytest.fixture
async def box() -> AsyncIterator[Simulator]:
    async with Simulator(settings=Settings(lock_wait=True)) as box:
        yield box


async def waiting(box: Simulator, cli: Terminal) -> None:
    """Type a commit that has to wait, and return when it does."""
    loop, database = asyncio.get_running_loop(), box._database
    begun = asyncio.Event()
    watch = database.watch_lock

    def watched(watcher):
        loop.call_soon(begun.set)
        return watch(watcher)

    database.watch_lock = watched
    cli._process.stdin.write("commit\r")
    await begun.wait()


async def test_by_default_it_is_refused_at_once():
    async with Simulator() as box, terminal(box) as holder, terminal(box) as cli:
        await cli.type_all("configure", EDIT)
        await holder.type("configure exclusive")
        assert (await cli.type("commit")).startswith(LOCKED)


async def test_it_is_made_as_soon_as_the_lock_is_given_back(box):
    assert box._database.lock_patience == LOCK_PATIENCE == 15
    async with terminal(box) as holder, terminal(box) as cli:
        await cli.type_all("configure", EDIT)
        await holder.type("configure exclusive")
        await waiting(box, cli)
        assert "location" not in box.cli("show configuration system admin")
        await holder.type("exit")
        assert "Commit complete." in await cli.read()
        assert (await cli.type("commit")) == "No modifications to commit."
    assert box._database._lock_watchers == []


async def test_it_is_refused_when_patience_is_over(box):
    box._database.lock_patience = 0.05
    async with terminal(box) as holder, terminal(box) as cli:
        await cli.type_all("configure", EDIT)
        await holder.type("configure exclusive")
        assert (await cli.type("commit")).startswith(LOCKED)
        assert (await holder.type("commit")) == "No modifications to commit."
    assert box._database._lock_watchers == []


async def test_an_interrupt_ends_the_wait(box):
    async with terminal(box) as holder, terminal(box) as cli:
        await cli.type_all("configure", EDIT)
        await holder.type("configure exclusive")
        await waiting(box, cli)
        cli._process.stdin.write("\x03")
        assert "^C\nAborted: by user\n[error]" in await cli.read()
        assert box._database._lock_watchers == []
        await holder.type("exit")
        assert "Commit complete." in await cli.type("commit")


@pytest.mark.parametrize("way", ["client", "switch", "stop"])
async def test_who_leaves_in_the_meantime_commits_nothing(way):
    async with Simulator(settings=Settings(lock_wait=True), ha="1to1") as box, terminal(box) as holder:
        await holder.type("configure exclusive")
        async with terminal(box) as cli:
            await cli.type_all("configure", EDIT)
            await waiting(box, cli)
            gone = asyncio.Event()
            box.events.subscribe(lambda entry: gone.set() if entry.kind == "logout" else None)
            if way == "client":
                cli._process.channel.get_connection().abort()
                await gone.wait()
                await holder.type("exit")
            elif way == "switch":
                await box.switch_over()
            else:
                await box._management.close()
            await cli._process.wait_closed()
        assert "location" not in box.cli("show configuration system admin")
        assert box._database._lock_watchers == []


async def test_the_console_does_not_wait(box):
    async with terminal(box) as holder:
        await holder.type("configure exclusive")
        for line in ("configure", EDIT):
            assert "[ok]" in box.cli(line)
        assert "Aborted: the configuration database is locked" in box.cli("commit")
