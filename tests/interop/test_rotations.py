"""One complete rotation by every stock client: bring the file, type the procedure, and the wire shows the renewed one.

The clients are as they come, with the scripts of `examples/clients` where there are some.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import testca
from peers import missing, require_installed, require_module, require_program
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER, pinged_box, tls_port
from sippeers import Peer, Seen, peer

from sbcsim.net.login import HOST_KEYS
from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
DIRECTORY = "/opt/sonus/external"
OLD, NEW = testca.sbc().certificate.serial, testca.sbc_renewed().certificate.serial
LINES = (IMPORT, SERVER, CLIENT, DISABLE, DELETE)
PROMPT = r"admin@SBC1[>%] $"
LOOSE = (
    *("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "PubkeyAuthentication=no", "-o", "BatchMode=no"),
)
PATIENCE = 60.0


@dataclass
class Stage:
    """A box with the certificate OLD on two connections, and the files that an operator has at hand."""

    box: Simulator
    far: Peer
    pinged: Seen
    dialled: Seen
    directory: Path

    @property
    def cli(self) -> tuple[str, int]:
        return tuple(self.box.ports.cli)

    @property
    def sftp(self) -> tuple[str, int]:
        return tuple(self.box.ports.sftp)

    @property
    def file(self) -> Path:
        return self.directory / "new.p12"

    @property
    def lines(self) -> Path:
        return self.directory / "procedure.cli"

    async def run(self, *command: object, given: str = "", **environment: str) -> str:
        """Run a program to its end; its password comes from the ways that programs know."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.directory,
            env={**os.environ, "LC_ALL": "C.UTF-8", "SSHPASS": "admin", "SBC_PASSWORD": "admin", **environment},
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(given.encode()), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def copy(self) -> None:
        """Bring the file with OpenSSH's scp."""
        where = f"admin@{self.sftp[0]}:{DIRECTORY}/"
        scp = (require_program("sshpass"), "-e", require_program("scp"), *LOOSE)
        await self.run(*scp, "-P", self.sftp[1], self.file, where)

    async def has_rotated(self) -> None:
        """Check on the wire what a rotation is for, and what it does not touch."""
        newcomer = await self.far.dial(tls_port(self.box))
        assert newcomer.serial == NEW
        assert await self.far.ping(newcomer) == 200
        assert self.far.live == [OLD, OLD, NEW]
        assert await self.far.ping(self.dialled) == 200
        assert [each.name for each in self.box.certificates() if each.type == "local"] == ["NEW"]
        assert {entry.event.ok for entry in self.box.journal(kind=["cli", "sftp"])} == {True}
        while len(self.box._sbc.sessions):
            await self.far_gone()

    async def far_gone(self) -> None:
        """Wait until one more client is gone."""
        gone = asyncio.Event()
        stop = self.box.events.subscribe(lambda entry: gone.set() if entry.kind == "logout" else None)
        try:
            if len(self.box._sbc.sessions):
                await asyncio.wait_for(gone.wait(), PATIENCE)
        finally:
            stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with peer(testca.peer(), tmp_path) as far:
        await far.listen()
        async with pinged_box(tmp_path, far.port, testca.sbc()) as box:
            await box.advance("0s")  # the first ping has been answered
            (pinged,) = far.connections
            stage = Stage(box, far, pinged, await far.dial(tls_port(box)), tmp_path)
            stage.file.write_bytes(testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
            stage.lines.write_text("".join(f"{line}\n" for line in LINES))
            yield stage


def script(name: str) -> str:
    """Return the program of an installed package."""
    path = Path(sys.executable).with_name(name)
    return str(path) if path.exists() else missing(f"the program {name} is not installed")


async def in_thread(converse: Callable[[], None]) -> None:
    await asyncio.wait_for(asyncio.to_thread(converse), PATIENCE)


async def by_expect(stage: Stage) -> None:
    ssh, sftp = require_program("ssh"), require_program("sftp")
    typed = "\n".join(f'    type {{{line}}} "\\[ok\\]"' for line in ("configure", *LINES, "commit", "exit"))
    text = f"""
        set timeout 30
        proc type {{line wanted}} {{
            send -- "$line\\r"
            expect -re $wanted {{}} "error" {{ exit 8 }} timeout {{ exit 9 }}
            expect -re "@SBC1\\[>%\\] $" {{}} timeout {{ exit 10 }}
        }}
        spawn {sftp} {" ".join(LOOSE)} -P {stage.sftp[1]} admin@{stage.sftp[0]}
        expect "assword: " {{ send "admin\\r" }} timeout {{ exit 2 }}
        expect "sftp> " {{ send "put {stage.file} {DIRECTORY}/\\r" }} timeout {{ exit 3 }}
        expect "100%" {{}} timeout {{ exit 4 }}
        expect "sftp> " {{ send "bye\\r" }} timeout {{ exit 5 }}
        expect eof
        spawn {ssh} {" ".join(LOOSE)} -p {stage.cli[1]} admin@{stage.cli[0]}
        expect "assword: " {{ send "admin\\r" }} timeout {{ exit 6 }}
        expect -re "@SBC1> $" {{}} timeout {{ exit 7 }}
{typed}
        send "exit\\r"
        expect eof
        exit [lindex [wait] 3]
    """
    file = stage.directory / "rotate.exp"
    file.write_text(text)
    await stage.run(require_program("expect"), file)


async def by_piped_input(stage: Stage) -> None:
    await stage.copy()
    ssh = (require_program("sshpass"), "-e", require_program("ssh"), *LOOSE)
    given = "".join(f"{line}\n" for line in ("configure", *LINES, "commit", "exit", "exit"))
    output = await stage.run(*ssh, "-T", "-p", stage.cli[1], f"admin@{stage.cli[0]}", given=given)
    assert "Commit complete.\n[ok]" in output


async def by_plink(stage: Stage) -> None:
    options = ("-batch", "-hostkey", HOST_KEYS.ready()[0].get_fingerprint("sha256"), "-pw", "admin")
    pscp = (require_program("pscp"), "-sftp", *options, "-P", stage.sftp[1])
    await stage.run(*pscp, stage.file, f"admin@{stage.sftp[0]}:{DIRECTORY}/")
    given = "".join(f"{line}\n" for line in ("set paginate false", "configure", *LINES, "commit", "exit", "exit"))
    plink = (require_program("plink"), "-t", *options, "-P", stage.cli[1])
    assert "Commit complete.\r\n[ok]" in await stage.run(*plink, f"admin@{stage.cli[0]}", given=given)


async def by_pexpect(stage: Stage) -> None:
    pexpect, ssh = require_module("pexpect"), require_program("ssh")
    await stage.copy()

    def converse() -> None:
        words = [*LOOSE, "-p", str(stage.cli[1]), f"admin@{stage.cli[0]}"]
        child = pexpect.spawn(ssh, words, timeout=30, encoding="utf-8")
        child.expect("(?i)password: ")
        child.sendline("admin")
        child.expect(PROMPT)
        for line in ("configure", *LINES, "commit", "exit"):
            child.sendline(line)
            child.expect(PROMPT)
            assert "[ok]" in child.before
        child.sendline("exit")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0

    await in_thread(converse)


async def by_paramiko(stage: Stage) -> None:
    paramiko = require_module("paramiko")

    def connect(address: tuple[str, int]):
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(*address, username="admin", password="admin", allow_agent=False, look_for_keys=False)
        return client

    def converse() -> None:
        with connect(stage.sftp) as client, client.open_sftp() as sftp:
            sftp.put(str(stage.file), f"{DIRECTORY}/new.p12")
        with connect(stage.cli) as client:
            shell = client.invoke_shell()
            shell.settimeout(30)

            def answer(ends: tuple[str, ...]) -> str:
                seen = ""
                while not seen.endswith(ends):
                    seen += shell.recv(4096).decode()
                return seen

            prompts = ("admin@SBC1> ", "admin@SBC1% ")
            answer(prompts)
            for line in ("configure", *LINES, "commit", "exit"):
                shell.send(line)
                shell.send("\r")
                assert "[ok]" in answer(prompts)

    await in_thread(converse)


async def by_netmiko(stage: Stage) -> None:
    netmiko = require_module("netmiko")
    await stage.copy()

    def converse() -> None:
        host, port = stage.cli
        login = {"username": "admin", "password": "admin", "allow_agent": False, "use_keys": False}
        with netmiko.ConnectHandler(device_type="generic", host=host, port=port, **login) as connection:
            for line in ("configure", *LINES, "commit", "exit"):
                assert "[ok]" in connection.send_command(line, expect_string=r"[\w.-]+@[\w.-]+[>%] ?$")

    await in_thread(converse)


async def by_scrapli(stage: Stage) -> None:
    require_installed("scrapli")
    await stage.copy()
    with stage.lines.open("a") as file:
        file.write("commit\n")
    words = (sys.executable, EXAMPLES / "rotate_scrapli.py", *stage.cli, stage.lines)
    assert "Commit complete." in await stage.run(*words)


async def by_robot(stage: Stage) -> None:
    require_installed("SSHLibrary")
    values = {
        "HOST": stage.cli[0],
        "CLI_PORT": stage.cli[1],
        "SFTP_PORT": stage.sftp[1],
        "PASSWORD": "admin",
        "FILE": stage.file,
        "LINES": stage.lines,
    }
    options = [word for name, value in values.items() for word in ("--variable", f"{name}:{value}")]
    await stage.run(script("robot"), "--outputdir", stage.directory, *options, EXAMPLES / "rotate.robot")


async def by_ansible(stage: Stage) -> None:
    require_program("sshpass")
    values = {"cli_port": stage.cli[1], "sftp_port": stage.sftp[1], "file": stage.file, "lines": stage.lines}
    options = [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
    words = (script("ansible-playbook"), "-i", f"{stage.cli[0]},", *options, EXAMPLES / "rotate.yml")
    home = str(stage.directory)
    names = ("HOME", "ANSIBLE_HOME", "ANSIBLE_SSH_CONTROL_PATH_DIR")
    output = await stage.run(*words, ANSIBLE_NOCOLOR="1", **dict.fromkeys(names, home))
    assert "failed=0" in output


CLIENTS = {name.removeprefix("by_"): client for name, client in globals().items() if name.startswith("by_")}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_complete_rotation(stage: Stage, client: str) -> None:
    await CLIENTS[client](stage)
    await stage.has_rotated()
