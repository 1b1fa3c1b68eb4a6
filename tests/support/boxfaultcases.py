"""Faults of the box as a whole, as far ends and tools meet them: a case for each point."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from faultedbox import dialled, run, until
from handshakefaults import visit
from sippeers import TlsStream
from sshlines import upload
from tlsbox import SET_PROFILE, commit

from sbcsim import Simulator
from sbcsim.clock import DAY, SECOND
from sbcsim.errors import UserError


async def change(box: Simulator, seconds: int) -> None:
    """Commit something, and let what follows be done; the clock stands."""
    commit(box, f"{SET_PROFILE}handshakeTimer {seconds}")
    await box.advance("0s")


async def answers(stream: TlsStream, call: str) -> bool:
    return b"".join(await until(stream, call)).startswith(b"SIP/2.0 200 ")


def logged(box: Simulator, text: str) -> bool:
    return any(text in entry.event.text for entry in box.journal("log"))


async def box_restart(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("box.restart", match="commit", nth=2, times=1)
    async with dialled(box, tmp_path) as stream:
        await change(box, 7)
        assert await answers(stream, "a")
        await change(box, 8)
        with pytest.raises(ConnectionResetError):
            await stream.read()
    assert logged(box, "Application restarted: systemSoftReset")
    (entry,) = box.journal("faultFired")
    assert (entry.event.subject, entry.at) == ("commit", box.journal("commit")[-1].at)
    assert "handshakeTimer 8" in await run(box, "show configuration profiles security tlsProfile TLS | display set")


async def box_switchover(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("box.switchover", match="commit", times=2)
    async with dialled(box, tmp_path) as stream:
        await change(box, 7)
        with pytest.raises(ConnectionResetError):
            await stream.read()
    box.expect("switchover", active="SBC1b", reason="failure of the active server")
    assert [alarm.name for alarm in box.alarms().current] == ["sonusCpRedundGroupSwitchOverNotification"]
    async with dialled(box, tmp_path) as stream:
        await change(box, 8)  # the new standby server has not caught up
        assert await answers(stream, "a")
    assert logged(box, "No switchover: ")
    assert len(box.journal("switchover")) == 1


async def out_of_order(box: Simulator, tmp_path: Path, point: str, match: str) -> None:
    """Meet an outage of ten minutes with a connection that stands; it lasts when this returns."""
    address = box.ports.sip[0].address
    box.faults.add(point, match="commit", times=1, value="10m default/none/*")
    await change(box, 7)
    assert logged(box, f"{point} 10m default/none/*: no")
    box.faults.add(point, match="commit", times=1, value=f"10m default/{match}")
    async with dialled(box, tmp_path) as stream:
        await change(box, 8)
        assert await stream.read() == b""
    box.expect("portState", object="sipSigPort default/Z/1", new="outOfService")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    await change(box, 9)
    await box.advance("599s")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def box_port(box: Simulator, tmp_path: Path) -> None:
    await out_of_order(box, tmp_path, "box.port", "Z/?")
    await box.advance("1s")
    async with dialled(box, tmp_path) as stream:
        assert await answers(stream, "a")
    states = [entry.event.reason for entry in box.journal("portState") if entry.event.old == "inService"]
    assert states == ["out of order"]


async def box_interface(box: Simulator, tmp_path: Path) -> None:
    await out_of_order(box, tmp_path, "box.interface", "LIG/LIF")
    box.expect("portState", object="ipInterface default/LIG/LIF", old="inService", new="outOfService")
    box.faults.clear()
    await box.advance("0s")
    box.expect("portState", object="ipInterface default/LIG/LIF", old="outOfService", new="inService")


async def box_clock(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("box.clock", match="clockMoved", times=1, value="90d")
    before = box.clock.reading()
    async with dialled(box, tmp_path) as stream:
        await box.advance("1s")
        after = box.clock.reading()
        assert (after.uptime - before.uptime, after.calendar - before.calendar) == (SECOND, 90 * DAY + SECOND)
        await box.advance("1s")  # the job of each midnight that was jumped over runs at once
        warned = [entry.event for entry in box.journal("certificateWarning") if entry.event.name == "OLD"]
        assert (len(warned), warned[-1].days, warned[-1].alarm) == (90, 0, True)
        assert await answers(stream, "a")  # on a certificate that has expired, until the re-check
        await box.advance("1d")
        assert await stream.read() == b""
    assert logged(box, "Time stepped forward by 90d from 2026-01-01T00:00:01Z")


async def standby_behind(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("standby.behind", match="login", times=1, value="5m")
    await run(box, "show status system serverStatus")
    await box.advance("299s")
    with pytest.raises(UserError, match="ynchroni"):
        await box.switch_over()
    await box.advance("1s")
    box.expect("synchronised", standby="SBC1b")
    await box.switch_over()


async def standby_file(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("standby.file", match="sftp", times=1, value="old.*")
    await upload(box, "another.p12", b"x")
    await box.advance("0s")
    assert logged(box, "Files lost on SBC1b: old.p12")
    await box.switch_over()
    assert logged(box, "Certificate OLD not loaded: old.p12 not found")
    assert (await visit(box, tmp_path)).end.endswith("ALERT_HANDSHAKE_FAILURE")
    await box.advance("1m")
    await box.switch_over()
    async with dialled(box, tmp_path) as stream:
        assert await answers(stream, "a")


async def recheck_late(box: Simulator, tmp_path: Path) -> None:
    await box.advance(to="2026-03-01T12:00:00Z")
    box.faults.add("recheck.late", match="SBC1a", times=1, value="2h")
    async with dialled(box, tmp_path) as stream:
        await box.advance(to="2026-03-02T01:59:59Z")
        assert await answers(stream, "a")
        await box.advance("1s")
        assert await stream.read() == b""
    (check, *_) = box.journal("certificateCheck")[-1:]
    assert (check.at.rfc3339(), check.event.failed) == ("2026-03-02T02:00:00Z", 1)
    await box.advance("1d")  # a full period from there
    assert box.journal("certificateCheck")[-1].at.rfc3339() == "2026-03-03T02:00:00Z"


async def recheck_miss(box: Simulator, tmp_path: Path) -> None:
    await box.advance(to="2026-03-01T12:00:00Z")
    box.faults.add("recheck.miss", match="127.0.0.1:*", times=1)
    async with dialled(box, tmp_path) as missed, dialled(box, tmp_path) as found:
        await box.advance("1d")
        assert await answers(missed, "a")
        assert await found.read() == b""
        await box.advance("1d")
        assert await missed.read() == b""
    assert [entry.event.failed for entry in box.journal("certificateCheck")[-2:]] == [1, 1]


BOX: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "box.restart": box_restart,
    "box.switchover": box_switchover,
    "box.port": box_port,
    "box.interface": box_interface,
    "box.clock": box_clock,
    "standby.behind": standby_behind,
    "standby.file": standby_file,
    "recheck.late": recheck_late,
    "recheck.miss": recheck_miss,
}
