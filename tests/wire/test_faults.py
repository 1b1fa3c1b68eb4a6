"""Every fault on the wire, as the tool or the far end meets it; and what is left when it is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import testca
from boxes import LINES, certificate_files
from boxfaultcases import BOX
from commitfaults import AT_COMMITS
from faultedbox import NEW, SHOW, Before, content, dialled, run, until
from handshakefaults import HANDSHAKES
from loginfaults import AT_LOGIN_AND_COMMANDS
from signallingfaults import SIGNALLING
from sshlines import CERTIFICATES, LOGIN, PATIENCE, sessions_left, terminal, upload
from transferfaults import AT_TRANSFERS, PATH, transfers

from sbcsim import Simulator
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import LOCK_PATIENCE, Settings

CASES = AT_LOGIN_AND_COMMANDS | AT_COMMITS | AT_TRANSFERS | SIGNALLING | HANDSHAKES | BOX


@pytest.fixture
async def box(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """A box, with a pair of servers where the point that is tried needs one."""
    config = tmp_path / "box.cli"
    config.write_text("\n".join(LINES) + "\n")
    point = POINTS.get(request.node.callspec.params["point"]) if hasattr(request.node, "callspec") else None
    ha = "none" if point is None or HaMode.NONE in point.on else "cloud"
    async with Simulator(config, clock=f"virtual@{testca.START}", files=certificate_files(), ha=ha) as box:
        yield box


def test_every_point_has_a_case() -> None:
    assert CASES.keys() == POINTS.keys()


@pytest.mark.parametrize("point", POINTS)
async def test_the_fault_is_met_as_it_is_described_and_leaves_a_sound_box(
    box: Simulator, tmp_path: Path, point: str
) -> None:
    before = await Before.of(box)
    await CASES[point](box, tmp_path)
    fired = [entry.event for entry in box.journal("faultFired")]
    assert fired
    assert {event.point for event in fired} == {point}
    box.faults.clear()
    await before.undone(box)
    assert box.missing() == []
    assert "[error]" not in await run(box, f"configure; {NEW}; commit; {SHOW}")
    await upload(box, "refused", b"x")
    async with dialled(box, tmp_path) as stream:
        assert b"".join(await until(stream, "a")).startswith(b"SIP/2.0 200 ")
    assert len(box.journal("faultFired")) == len(fired)


@pytest.mark.parametrize("point", POINTS)
async def test_what_has_no_chance_never_fires(box: Simulator, tmp_path: Path, point: str) -> None:
    box.faults.add(point, probability=0, value="" if POINTS[point].default or not POINTS[point].value else "CA")
    good = await run(box, f"configure; {NEW}; commit; {SHOW}")
    assert "Commit complete." in good
    await upload(box, "file", b"content")
    assert await content(box, "file") == b"content"
    async with transfers(box) as sftp:
        await sftp.chmod(PATH, 0o600)
        await sftp.rename(PATH, f"{PATH}2")
        assert "file2" in await sftp.listdir(CERTIFICATES)
        await sftp.remove(f"{PATH}2")
    async with dialled(box, tmp_path) as stream:
        assert b"".join(await until(stream, "a")).startswith(b"SIP/2.0 200 ")
        assert await box.close_connection(box.connections()[-1].id)
        assert await stream.read() == b""
    assert box.journal("faultFired") == []


async def test_a_secret_on_a_line_that_is_hit_is_not_journalled(box: Simulator) -> None:
    box.faults.add("cli.noise", match="set *")
    async with terminal(box) as typed:
        await typed.type("configure")
        with contextlib.suppress(AssertionError):  # the echo is followed by the noise
            await typed.type(NEW)
    (entry,) = box.journal("faultFired")
    assert "certificate NEW" in entry.event.subject
    assert "secret" not in entry.event.subject


async def test_a_command_is_met_once_whatever_stands_around_it(box: Simulator) -> None:
    box.faults.add("cli.noise", match="set timestamp false", times=1)
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection, asyncio.timeout(PATIENCE):
        process = await connection.create_process(term_type="vt100")
        process.stdin.write("\rset \\\rtimestamp false\r")
        await process.stdout.readuntil("Message from root\r\n")
    (entry,) = box.journal("faultFired")
    assert entry.event.subject == "set timestamp false"


async def test_ctrl_c_ends_a_wait_for_a_lock_though_answers_come_late(tmp_path: Path) -> None:
    config = tmp_path / "box.cli"
    config.write_text("\n".join(LINES) + "\n")
    options = {"clock": f"virtual@{testca.START}", "files": certificate_files(), "settings": Settings(lock_wait=True)}
    async with Simulator(config, **options) as box:
        box.faults.add("cli.delay", match="commit", value="300")
        box.cli("configure exclusive")
        async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection, asyncio.timeout(LOCK_PATIENCE / 2):
            process = await connection.create_process(term_type="vt100")
            process.stdin.write("configure\rset profiles security tlsProfile TLS handshakeTimer 7\rcommit\r")
            await process.stdout.readuntil("commit\r\n")
            process.stdin.write("\x03")
            assert "Aborted: by user" in await process.stdout.readuntil("by user")


async def test_ctrl_c_ends_a_late_answer_and_a_lost_client_leaves_nothing(box: Simulator) -> None:
    box.faults.add("cli.delay", value="999999")
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        process = await connection.create_process(term_type="vt100")
        process.stdin.write("configure exclusive\n")
        changed = asyncio.Event()
        box.events.subscribe(lambda entry: changed.set() if entry.kind == "faultFired" else None)
        async with asyncio.timeout(PATIENCE):
            while not box.journal("faultFired"):
                changed.clear()
                await changed.wait()
            process.stdin.write("\x03")
            await process.stdout.readuntil("% ")
    box.faults.clear()
    await sessions_left(box)
    async with terminal(box) as typed:
        assert not (await typed.type("configure exclusive")).startswith("[error]")


async def test_no_line_behind_a_dropped_connection_is_taken(box: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that came in one go must not go on where nobody listens any more, however fast the box is."""
    monkeypatch.setattr("sbcsim.net.channel._SLICE_SECONDS", PATIENCE)
    box.faults.add("cli.drop", match="show *")
    before = box.status().counts.revision
    timer = "set profiles security tlsProfile TLS handshakeTimer 7"
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        await connection.run(input=f"configure\n{timer}\nshow profiles\ncommit\n")
    await sessions_left(box)
    assert box.status().counts.revision == before


async def test_an_answer_that_never_comes_ends_with_its_client(box: Simulator) -> None:
    """The commit stands; the session and its lock are gone with the connection."""
    box.faults.add("cli.hang", match="commit*")
    before = box.status().counts.revision
    script = "configure exclusive\nset profiles security tlsProfile TLS handshakeTimer 7\ncommit\n"
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        process = await connection.create_process()
        process.stdin.write(script)
        await box.wait_for("faultFired", point="cli.hang")
        assert box.status().counts.sessions == 1
    await sessions_left(box)
    assert box.status().counts.revision == before + 1
    async with terminal(box) as typed:
        assert not (await typed.type("configure exclusive")).startswith("[error]")


async def test_a_reset_ends_an_answer_that_never_comes(box: Simulator) -> None:
    box.faults.add("cli.hang", match="show *")
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        hangs = asyncio.ensure_future(connection.run(SHOW))
        await box.wait_for("faultFired", point="cli.hang")
        async with asyncio.timeout(PATIENCE):
            await box.reset()
            with contextlib.suppress(asyncssh.Error, OSError):
                await hangs
    assert list(box.faults) == []
    assert "serverCertName" in await run(box, SHOW)
