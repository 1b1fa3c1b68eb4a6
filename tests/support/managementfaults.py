"""Faults of the management side on the wire, as the tool meets them: a case for each point."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest
from faultedbox import NEW, SHOW, content, run
from sshlines import LOGIN, terminal, upload

from sbcsim import Simulator

# --- CLI


async def cli_login(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.login", times=1)
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        refused = await connection.run(SHOW)
        assert refused.exit_status == 1
        assert "essions" in str(refused.stdout)
    assert "serverCertName" in await run(box, SHOW)


async def cli_drop(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.drop", match="commit*")
    before = box.status().counts.revision
    with pytest.raises((asyncssh.Error, asyncio.IncompleteReadError)):
        async with terminal(box) as typed:
            await typed.type_all("configure", "set profiles security tlsProfile TLS handshakeTimer 7", "commit")
    assert box.status().counts.revision == before + 1
    assert "handshakeTimer 7" in await run(box, f"{SHOW} | display set")


async def cli_delay(box: Simulator, tmp_path: Path) -> None:
    good = await run(box, SHOW)
    box.faults.add("cli.delay", value="60", match="show *")
    begun = asyncio.get_running_loop().time()
    assert await run(box, SHOW) == good
    assert asyncio.get_running_loop().time() - begun >= 0.06
    async with terminal(box) as typed:
        assert "serverCertName" in await typed.type(SHOW)
        assert await typed.type("configure") == "Entering configuration mode private"


async def cli_garble(box: Simulator, tmp_path: Path) -> None:
    good = await run(box, SHOW)
    box.faults.add("cli.garble", times=1)
    bad = await run(box, SHOW)
    assert bad != good
    assert len(bad) == len(good)
    assert sum(one != other for one, other in zip(bad, good, strict=True)) == sum(map(str.isalpha, good)) // 3
    assert await run(box, SHOW) == good


async def cli_noise(box: Simulator, tmp_path: Path) -> None:
    good = await run(box, SHOW)
    box.faults.add("cli.noise", value="Broadcast message: maintenance at noon")
    assert await run(box, SHOW) == f"Broadcast message: maintenance at noon\n{good}"


# --- commits and certificates


async def commit_veto(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("commit.veto", times=1, value="no resources")
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", "set profiles security tlsProfile TLS handshakeTimer 7")
        assert await typed.type("commit") == "[error] Aborted: no resources"
        assert box.status().counts.revision == before
        assert await typed.type("commit") == "Commit complete."
    assert box.status().counts.revision == before + 1


async def pki_unreadable(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("pki.unreadable", match="NEW", times=1)
    async with terminal(box) as typed:
        await typed.type_all("configure", NEW)
        refused = await typed.type("commit")
        assert refused.startswith("[error]")
        assert "new.p12" in refused
        assert [each.name for each in box.certificates()] == ["CA", "OLD"]
        assert await typed.type("commit") == "Commit complete."
    assert [each.name for each in box.certificates()] == ["CA", "NEW", "OLD"]


# --- file transfer


async def sftp_open(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.open", match="*/refused")
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        await upload(box, "refused", b"x")
    await upload(box, "granted", b"x")


async def sftp_write(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.write", times=1)
    with pytest.raises(asyncssh.SFTPFailure, match="No space left on device"):
        await upload(box, "file", b"x" * 100)
    assert await content(box, "file") == b""
    await upload(box, "file", b"x" * 100)
    assert await content(box, "file") == b"x" * 100


async def sftp_truncate(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.truncate", value="70000", times=1)
    await upload(box, "file", b"x" * 200_000)
    assert await content(box, "file") == b"x" * 70_000
    await upload(box, "file", b"x" * 200_000)
    assert await content(box, "file") == b"x" * 200_000


async def sftp_stall(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.stall", value="60", times=1)
    begun = asyncio.get_running_loop().time()
    await upload(box, "file", b"content")
    assert asyncio.get_running_loop().time() - begun >= 0.06
    assert await content(box, "file") == b"content"


async def sftp_drop(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.drop", times=1)
    with pytest.raises((asyncssh.SFTPError, asyncssh.ConnectionLost)):
        await upload(box, "file", b"content")
    assert [entry for entry in box.journal("sftp") if entry.event.ok] == []
    await upload(box, "file", b"content")
    assert await content(box, "file") == b"content"


MANAGEMENT: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "cli.login": cli_login,
    "cli.drop": cli_drop,
    "cli.delay": cli_delay,
    "cli.garble": cli_garble,
    "cli.noise": cli_noise,
    "commit.veto": commit_veto,
    "pki.unreadable": pki_unreadable,
    "sftp.open": sftp_open,
    "sftp.write": sftp_write,
    "sftp.truncate": sftp_truncate,
    "sftp.stall": sftp_stall,
    "sftp.drop": sftp_drop,
}
