"""The rude box on the wire: a careful tool rotates a certificate at every seed, and the same seed is the same box."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest
import testca
from boxes import LINES, certificate_files
from faultedbox import NEW
from sshlines import sessions_left, terminal, upload

from sbcsim import Simulator
from sbcsim.device.rude import RUDE

Fired = list[tuple[str, str]]
_Result = TypeVar("_Result")


@asynccontextmanager
async def rude_box(tmp_path: Path, seed: int) -> AsyncIterator[Simulator]:
    config = tmp_path / "box.cli"
    config.write_text("\n".join(LINES) + "\n")
    options = {"clock": f"virtual@{testca.START}", "files": certificate_files(), "seed": seed, "rude": True}
    async with Simulator(config, **options) as box:
        yield box


async def again(step: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do something that begins with a connection, once more if that is turned away."""
    try:
        return await step()
    except (asyncssh.Error, OSError):
        return await step()


async def rotate(box: Simulator) -> None:
    """Do what a careful tool does: bring the file, import it, use it, and read back what is in force."""

    async def commit() -> None:
        async with terminal(box) as typed:
            await typed.type_all("configure", NEW, "set profiles security tlsProfile TLS serverCertName NEW")
            assert "Commit complete." in await typed.type("commit")

    async def read() -> str:
        async with terminal(box) as typed:
            return await typed.type("show configuration profiles security tlsProfile TLS serverCertName")

    await again(lambda: upload(box, "new.p12", certificate_files()["new.p12"]))
    await again(commit)
    assert "NEW" in await again(read)
    await sessions_left(box)


def told(box: Simulator, after: int = 0) -> Fired:
    return [(entry.event.point, entry.event.subject) for entry in box.journal("faultFired", after=after)]


@pytest.mark.parametrize("seed", range(1, 6))
async def test_a_careful_tool_survives_every_seed(tmp_path: Path, seed: int) -> None:
    async with rude_box(tmp_path, seed) as box:
        async with asyncio.timeout(60):
            await rotate(box)
        assert told(box)
        assert {each.name for each in box.certificates() if each.state == "enabled"} == {"CA", "OLD", "NEW"}


async def test_the_same_seed_does_the_same_and_another_one_does_not(tmp_path: Path) -> None:
    lists = []
    for seed in (3, 3, 4):
        async with rude_box(tmp_path, seed) as box:
            await rotate(box)
            lists.append(told(box))
    assert lists[0] == lists[1]
    assert lists[0] != lists[2]


async def test_a_reset_and_a_snapshot_begin_with_the_same_chance(tmp_path: Path) -> None:
    async with rude_box(tmp_path, 3) as box:
        box.snapshot("start")
        await rotate(box)
        first = told(box)
        for back in (box.reset, lambda: box.restore("start")):
            box.faults.clear()
            box.faults.add("sip.silence")
            await back()
            assert [each.fault.point for each in box.faults] == [each.point for each in RUDE]
            before = box.events.last
            await rotate(box)
            assert told(box, before) == first


async def test_a_box_says_that_it_is_rude(tmp_path: Path) -> None:
    async with rude_box(tmp_path, 3) as box:
        assert box.status().rude
        assert "rude" not in box.ready().to_json()
    async with Simulator() as friendly:
        assert not friendly.status().rude
        assert list(friendly.faults) == []
