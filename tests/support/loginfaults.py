"""Faults at the login and at commands on the wire, as the tool meets them: a case for each point."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest
from faultedbox import SHOW, run
from sshlines import LOGIN, screen, sessions_left, terminal

from sbcsim import Simulator

# --- SSH


class _Banners(asyncssh.SSHClient):
    """A client that keeps the banners it is shown."""

    def __init__(self) -> None:
        self.banners: list[str] = []

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banners.append(msg)


async def ssh_accept(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("ssh.accept", match="cli", times=1)
    reader, writer = await asyncio.open_connection(*box.ports.cli)
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    assert "serverCertName" in await run(box, SHOW)
    assert box.journal("login")[0].event.accepted


async def ssh_banner(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("ssh.banner", match="*@cli", times=1, value="Authorized use only")
    seen = []
    for _ in range(2):
        connection, client = await asyncssh.create_connection(_Banners, *box.ports.cli, **LOGIN)
        async with connection:
            seen.append(client.banners)
    assert seen == [["Authorized use only\n"], []]


async def ssh_slow(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("ssh.slow", value="60", times=1)
    begun = asyncio.get_running_loop().time()
    assert "serverCertName" in await run(box, SHOW)
    assert asyncio.get_running_loop().time() - begun >= 0.06


async def ssh_password(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("ssh.password", match="admin@sftp", times=1)
    only = LOGIN | {"preferred_auth": "password"}
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(*box.ports.sftp, **only)
    (refused,) = [entry.event for entry in box.journal("login") if not entry.event.accepted]
    assert (refused.user, refused.reason) == ("admin", "wrong password")
    async with asyncssh.connect(*box.ports.cli, **only), asyncssh.connect(*box.ports.sftp, **only):
        pass


async def ssh_key(box: Simulator, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with asyncssh.connect(*box.ports.sftp, **LOGIN) as connection, connection.start_sftp_client() as sftp:
        await sftp.mkdir(".ssh")
        async with sftp.open(".ssh/authorized_keys", "wb") as file:
            await file.write(key.export_public_key())
    login = LOGIN | {"password": None, "client_keys": [key]}
    box.faults.add("ssh.key", match="admin@cli", times=1)
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(*box.ports.cli, **login)
    async with asyncssh.connect(*box.ports.cli, **login):
        pass


async def ssh_channel(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("ssh.channel", times=1)
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match="no resources"):
            await connection.run(SHOW)
        assert "serverCertName" in str((await connection.run(SHOW)).stdout)


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


TIMER = "set profiles security tlsProfile TLS handshakeTimer 7"
COMMITTED = f"configure\n{TIMER}\ncommit\n"


async def piped(box: Simulator, text: str) -> str:
    """Return what comes where lines are given as input without a terminal."""
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        return str((await connection.run(input=text)).stdout)


async def cli_greeting(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.greeting", times=1, value="Maintenance at noon")
    for begins in (True, False):
        async with screen(box) as shown:
            assert (await shown.until("> ")).startswith("Maintenance at noon\r\n\r\nadmin connected from") == begins


async def cli_lost(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.lost", match="commit")
    before = box.status().counts.revision
    with pytest.raises((asyncssh.Error, asyncio.IncompleteReadError)):
        async with terminal(box) as typed:
            await typed.type_all("configure", TIMER, "commit")
    await sessions_left(box)
    assert box.status().counts.revision == before


async def cli_cut(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.cut", match="commit", value="6")
    before = box.status().counts.revision
    assert (await piped(box, COMMITTED)).endswith("]\nCommit")
    assert box.status().counts.revision == before + 1


async def cli_idle(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.idle", match="commit")
    before = box.status().counts.revision
    async with screen(box) as shown:
        for line in COMMITTED.splitlines():
            await shown.until(re.compile("[>%] $"))
            shown.send(f"{line}\r")
        await shown.closed()
    assert shown.text.endswith("commit\r\n\r\nIdle timeout: session closed\r\n")
    assert box.status().counts.revision == before


async def cli_pause(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.pause", match="show users", value="60")
    async with screen(box) as shown:
        await shown.until("> ")
        begun = asyncio.get_running_loop().time()
        shown.send("show users\r")
        await shown.until(re.compile(r"\]\r\nadmin@SBC1> $"))
        assert asyncio.get_running_loop().time() - begun >= 0.06
        assert shown.packets[-1] == "admin@SBC1> "


async def cli_pieces(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.pieces", match="show *", value="10")
    async with screen(box) as shown:
        await shown.until("> ")
        before = len(shown.packets)
        shown.send(f"{SHOW}\r")
        answer = await shown.until(re.compile(r"\]\r\nadmin@SBC1> $"))
        packets = shown.packets[before:]
        assert len(packets) > 4
        assert not any("admin@SBC1> " in each for each in packets)  # the prompt is cut as well
    box.faults.clear()
    async with screen(box) as shown:
        await shown.until("> ")
        shown.send(f"{SHOW}\r")
        assert await shown.until(re.compile(r"\]\r\nadmin@SBC1> $")) == answer


async def cli_hang(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.hang", match="commit", times=1)
    before = box.status().counts.revision
    async with screen(box) as shown:
        for line in COMMITTED.splitlines():
            await shown.until(re.compile("[>%] $"))
            shown.send(f"{line}\r")
        await box.wait_for("commit")
        await box.wait_for("faultFired")
        assert "Commit complete." not in shown.text
        shown.send("\x03")
        await shown.until(re.compile(r"Commit complete\.\r\n.*% $", re.DOTALL))
    assert box.status().counts.revision == before + 1


async def cli_mute(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.mute", match="commit", times=1)
    before = box.status().counts.revision
    async with terminal(box) as typed:
        await typed.type_all("configure", TIMER)
        assert await typed.type("commit") == ""
        assert box.status().counts.revision == before + 1
        assert await typed.type("commit") == "No modifications to commit."


async def cli_notice(box: Simulator, tmp_path: Path) -> None:
    good = await run(box, SHOW)
    box.faults.add("cli.notice", times=1, value="other")
    *before, notice, who, last = (await run(box, SHOW)).splitlines()
    assert notice == "System message at 2026-01-01 00:00:00..."
    assert who == "Commit performed by other via ssh using cli."
    assert [*before, last] == good.splitlines()
    assert await run(box, SHOW) == good


async def cli_prompt(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.prompt", match="configure", value="SBC1 (config)# ")
    async with screen(box) as shown:
        await shown.until("> ")
        shown.send("configure\r")
        assert (await shown.until("# ")).endswith("\r\n\r\n[edit]\r\nSBC1 (config)# ")
        shown.send("exit\r")
        await shown.until("admin@SBC1> ")


async def cli_question(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("cli.question", match="commit", times=2, value="Sure?")
    before = box.status().counts.revision
    async with screen(box) as shown:
        for line in COMMITTED.splitlines():
            await shown.until(re.compile("[>%] $"))
            shown.send(f"{line}\r")
        await shown.until("commit\r\nSure? [yes,no] ")
        shown.send("no\r")
        await shown.until(re.compile(r"Aborted: by user\r\n\[error\].*% $", re.DOTALL))
        assert box.status().counts.revision == before
        shown.send("commit\r")
        await shown.until("Sure? [yes,no] ")
        shown.send("yes\r")
        await shown.until(re.compile(r"Commit complete\.\r\n\[ok\].*% $", re.DOTALL))
    assert box.status().counts.revision == before + 1


async def cli_syntax(box: Simulator, tmp_path: Path) -> None:
    async with terminal(box) as typed:
        nobody_knows = (await typed.type("xyz user")).replace("xyz user", "show users")
        box.faults.add("cli.syntax", match="show users", times=1)
        assert await typed.type("show users") == nobody_knows
        assert "syntax error: expecting\n" in nobody_knows
        assert (await typed.type("show users")).startswith("SID USER")


AT_LOGIN_AND_COMMANDS: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
    "ssh.accept": ssh_accept,
    "ssh.banner": ssh_banner,
    "ssh.slow": ssh_slow,
    "ssh.password": ssh_password,
    "ssh.key": ssh_key,
    "ssh.channel": ssh_channel,
    "cli.login": cli_login,
    "cli.drop": cli_drop,
    "cli.delay": cli_delay,
    "cli.garble": cli_garble,
    "cli.noise": cli_noise,
    "cli.greeting": cli_greeting,
    "cli.lost": cli_lost,
    "cli.cut": cli_cut,
    "cli.idle": cli_idle,
    "cli.pause": cli_pause,
    "cli.pieces": cli_pieces,
    "cli.hang": cli_hang,
    "cli.mute": cli_mute,
    "cli.notice": cli_notice,
    "cli.prompt": cli_prompt,
    "cli.question": cli_question,
    "cli.syntax": cli_syntax,
}
"""The cases by point."""
