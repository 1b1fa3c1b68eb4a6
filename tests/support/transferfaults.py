"""Faults in file transfers on the wire, as the tool meets them: a case for each point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from boxes import certificate_files
from faultedbox import NEW, content, run
from sshlines import CERTIFICATES, LOGIN, upload

from sbcsim import Simulator


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


@asynccontextmanager
async def transfers(box: Simulator) -> AsyncIterator[asyncssh.SFTPClient]:
    async with asyncssh.connect(*box.ports.sftp, **LOGIN) as connection, connection.start_sftp_client() as sftp:
        yield sftp


PATH = f"{CERTIFICATES}/file"


async def sftp_subsystem(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.subsystem", match="admin", times=1)
    async with asyncssh.connect(*box.ports.sftp, **LOGIN) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()
    await upload(box, "file", b"content")


async def sftp_quota(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.quota", value="70000", times=1)
    with pytest.raises(asyncssh.SFTPFailure, match="Disk quota exceeded"):
        await upload(box, "file", b"x" * 200_000)
    assert await content(box, "file") == b"x" * 70_000
    (put,) = [entry.event for entry in box.journal("sftp") if entry.event.operation == "put"]
    assert (put.ok, put.reason) == (False, "Disk quota exceeded")
    await upload(box, "file", b"x" * 200_000)
    assert await content(box, "file") == b"x" * 200_000


async def sftp_garble(box: Simulator, tmp_path: Path) -> None:
    good = certificate_files()["new.p12"]
    box.faults.add("sftp.garble", match="*/new.p12", times=1)
    await upload(box, "new.p12", good)
    bad = await content(box, "new.p12")
    assert len(bad) == len(good)
    assert sum(one != other for one, other in zip(bad, good, strict=True)) == len(good) // 3
    refused = await run(box, f"configure; {NEW}; commit")
    assert '(value "new.p12"): not a certificate file' in refused
    await upload(box, "new.p12", good)
    assert await content(box, "new.p12") == good


async def sftp_close(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.close", match="*/file", times=1)
    with pytest.raises(asyncssh.SFTPFailure):
        await upload(box, "file", b"content")
    assert [entry.event.ok for entry in box.journal("sftp")] == [False]
    assert await content(box, "file") == b"content"


async def sftp_read(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.read", value="60", times=1)
    begun = asyncio.get_running_loop().time()
    assert await content(box, "file") == b"content"
    assert asyncio.get_running_loop().time() - begun >= 0.06


async def sftp_short(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.short", value="4", times=1)
    assert await content(box, "file") == b"cont"
    assert await content(box, "file") == b"content"


async def sftp_list(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.list", match=PATH, times=1)
    async with transfers(box) as sftp:
        first, second = [set(await sftp.listdir(CERTIFICATES)) for _ in range(2)]
        assert second - first == {"file"}
        assert await sftp.exists(PATH)


async def sftp_size(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.size", match=PATH, value="3", times=1)
    async with transfers(box) as sftp:
        assert [(await sftp.stat(PATH)).size for _ in range(2)] == [3, 7]
        async with sftp.open(PATH, "rb") as file:
            assert (await file.stat()).size == 7


async def sftp_setstat(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.setstat", match=PATH, times=2)
    async with transfers(box) as sftp:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.chmod(PATH, 0o600)
        async with sftp.open(PATH, "r+b") as file:
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await file.truncate(3)
        await sftp.chmod(PATH, 0o600)
        attributes = await sftp.stat(PATH)
    assert (attributes.size, (attributes.permissions or 0) & 0o777) == (7, 0o600)


async def sftp_rename(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.rename", match=PATH, times=2)
    async with transfers(box) as sftp:
        for rename in (sftp.rename, sftp.posix_rename):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await rename(PATH, f"{PATH}2")
        await sftp.rename(PATH, f"{PATH}2")
    assert [e.event.ok for e in box.journal("sftp") if e.event.operation == "rename"] == [False, False, True]


async def sftp_remove(box: Simulator, tmp_path: Path) -> None:
    await upload(box, "file", b"content")
    box.faults.add("sftp.remove", match=PATH, times=1)
    async with transfers(box) as sftp:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.remove(PATH)
        assert await sftp.exists(PATH)
        await sftp.remove(PATH)
        assert not await sftp.exists(PATH)


async def sftp_exit(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sftp.exit", match="admin", times=1, value="3")
    statuses = []
    for _ in range(2):
        async with asyncssh.connect(*box.ports.sftp, **LOGIN) as connection:
            channel, _session = await connection.create_session(
                asyncssh.SSHClientSession, subsystem="sftp", encoding=None
            )
            channel.write(bytes.fromhex("00000005 01 00000003"))  # SSH_FXP_INIT, version 3
            channel.write_eof()
            await channel.wait_closed()
            statuses.append(channel.get_exit_status())
    assert statuses == [3, 0]


AT_TRANSFERS: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "sftp.open": sftp_open,
    "sftp.write": sftp_write,
    "sftp.truncate": sftp_truncate,
    "sftp.stall": sftp_stall,
    "sftp.drop": sftp_drop,
    "sftp.subsystem": sftp_subsystem,
    "sftp.quota": sftp_quota,
    "sftp.garble": sftp_garble,
    "sftp.close": sftp_close,
    "sftp.read": sftp_read,
    "sftp.short": sftp_short,
    "sftp.list": sftp_list,
    "sftp.size": sftp_size,
    "sftp.setstat": sftp_setstat,
    "sftp.rename": sftp_rename,
    "sftp.remove": sftp_remove,
    "sftp.exit": sftp_exit,
}
"""The cases by point."""
