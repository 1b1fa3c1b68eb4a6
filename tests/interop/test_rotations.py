"""One complete rotation by every stock client, judged on the wire: bring the file, type the procedure, leave.

The clients are as they come; most are driven by the programs of `examples/clients`, which is thereby tested too.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
import testca
from heldstage import Stage, held_stage
from peers import missing, require_installed, require_program
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER
from sshlines import CERTIFICATES, PASSWORD, USER, sessions_left

from sbcsim.net.login import HOST_KEYS

pytestmark = pytest.mark.interop

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
LINES = (IMPORT, SERVER, CLIENT, DISABLE, DELETE)
PATIENCE = 60.0


class Ended(NamedTuple):
    """How a client ended: whether it says that it succeeded, and all it printed."""

    ok: bool
    output: str


@dataclass
class Desk:
    """What the operator has at hand: where the box is, the new file, and the lines to type."""

    stage: Stage
    directory: Path

    def __post_init__(self) -> None:
        self.file.write_bytes(testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
        self.write(*LINES)

    @property
    def cli(self) -> tuple[str, int]:
        return self.stage.box.ports.cli

    @property
    def sftp(self) -> tuple[str, int]:
        return self.stage.box.ports.sftp

    @property
    def file(self) -> Path:
        return self.directory / "new.p12"

    @property
    def lines(self) -> Path:
        return self.directory / "procedure.cli"

    def write(self, *lines: str) -> None:
        """Write the lines to type."""
        self.lines.write_text("".join(f"{line}\n" for line in lines))

    async def run(self, *command: object, given: str = "", **environment: str) -> Ended:
        """Run a client to its end."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.directory,
            env={**os.environ, "LC_ALL": "C.UTF-8", "SSHPASS": PASSWORD, "HOME": str(self.directory), **environment},
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(given.encode()), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Ended(process.returncode == 0, output.decode())


Client = Callable[[Desk], Awaitable[Ended]]


def example(name: str, *interpreter: str, programs: tuple[str, ...] = (), modules: tuple[str, ...] = ()) -> Client:
    """Return the client that an example drives; the example takes HOST CLI_PORT SFTP_PORT FILE LINES."""

    def rotate(desk: Desk) -> Awaitable[Ended]:
        found = [require_program(each) for each in (*interpreter, *programs)]
        for each in modules:
            require_installed(each)
        words = found[: len(interpreter)] or [sys.executable]
        return desk.run(*words, EXAMPLES / name, *desk.cli, desk.sftp[1], desk.file, desk.lines)

    return rotate


def installed_script(name: str) -> str:
    """Return the program that a Python package brings."""
    path = Path(sys.executable).with_name(name)
    return str(path) if path.exists() else missing(f"the program {name} is not installed")


async def robot_framework(desk: Desk) -> Ended:
    require_installed("SSHLibrary")
    (host, cli_port), (_, sftp_port) = desk.cli, desk.sftp
    values = {"HOST": host, "CLI_PORT": cli_port, "SFTP_PORT": sftp_port, "FILE": desk.file, "LINES": desk.lines}
    options = [word for name, value in values.items() for word in ("-v", f"{name}:{value}")]
    return await desk.run(installed_script("robot"), "--outputdir", desk.directory, *options, EXAMPLES / "rotate.robot")


async def ansible_raw(desk: Desk) -> Ended:
    require_program("sshpass")
    (host, cli_port), (_, sftp_port) = desk.cli, desk.sftp
    values = {"cli_port": cli_port, "sftp_port": sftp_port, "file": desk.file, "lines": desk.lines}
    options = [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
    configuration = desk.directory / "ansible.cfg"
    configuration.touch()
    own = str(desk.directory)  # nothing of the account that runs the tests is read or written
    return await desk.run(
        installed_script("ansible-playbook"), "-i", f"{host},", *options, EXAMPLES / "rotate.yml",
        ANSIBLE_NOCOLOR="1", ANSIBLE_HOME=own, ANSIBLE_SSH_CONTROL_PATH_DIR=own, ANSIBLE_CONFIG=str(configuration),
    )  # fmt: skip


async def plink_with_piped_input(desk: Desk) -> Ended:
    """PuTTY's programs: a terminal, and the whole pipe in one write. Only what was printed tells the outcome."""
    options = ("-batch", "-hostkey", HOST_KEYS.ready()[0].get_fingerprint("sha256"), "-pw", PASSWORD)
    pscp, plink = require_program("pscp"), require_program("plink")
    where = f"{USER}@{desk.sftp[0]}"
    given = f"set paginate false\nconfigure no-confirm\n{desk.lines.read_text()}commit\nexit\nexit\n"
    copied = await desk.run(pscp, "-sftp", *options, "-P", desk.sftp[1], desk.file, f"{where}:{CERTIFICATES}/")
    assert copied.ok, copied.output
    return await desk.run(plink, "-t", *options, "-P", desk.cli[1], where, given=given)


async def source_of_an_uploaded_file(desk: Desk) -> Ended:
    """As scripts of laboratories do: both files go up by SFTP, and one command runs the lines on the box."""
    loose = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    sshpass, sftp, ssh = require_program("sshpass"), require_program("sftp"), require_program("ssh")
    desk.lines.write_text(f"configure\n{desk.lines.read_text()}commit\n")
    put = f"put {desk.file} {CERTIFICATES}/\nput {desk.lines} /home/Administrator/{USER}/\n"
    where = f"{USER}@{desk.cli[0]}"
    batch = ("-o", "BatchMode=no", "-b", "-")
    copied = await desk.run(sshpass, "-e", sftp, *loose, *batch, "-P", desk.sftp[1], where, given=put)
    assert copied.ok, copied.output
    return await desk.run(sshpass, "-e", ssh, *loose, "-p", desk.cli[1], where, f"source {desk.lines.name}")


CLIENTS: dict[str, Client] = {
    "Expect": example("rotate.exp", "expect", programs=("ssh", "sftp")),
    "OpenSSH with piped input": example("rotate.sh", "sh", programs=("ssh", "scp", "sshpass")),
    "pexpect": example("rotate_pexpect.py", modules=("pexpect",), programs=("ssh", "scp")),
    "paramiko": example("rotate_paramiko.py", modules=("paramiko",)),
    "Netmiko": example("rotate_netmiko.py", modules=("netmiko",)),
    "scrapli": example("rotate_scrapli.py", modules=("scrapli", "paramiko"), programs=("ssh",)),
    "Robot Framework": robot_framework,
    "Ansible": ansible_raw,
    "source": source_of_an_uploaded_file,
}

WITH_WRONG_PASS_PHRASE = [line.replace(testca.PASS_PHRASE, "wrong") for line in LINES]
REFUSAL = "Aborted: 'system security pki certificate NEW passPhrase': wrong pass phrase for file"

rotate = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with held_stage(tmp_path) as stage:
        yield Desk(stage, tmp_path)


def refused(desk: Desk) -> list[str]:
    """Return what was typed in vain."""
    return [entry.event.line for entry in desk.stage.box.journal("cli") if not entry.event.ok]


@rotate
async def test_a_complete_rotation(desk: Desk, client: Client) -> None:
    ended = await client(desk)
    assert ended.ok, ended.output
    assert {entry.event.ok for entry in desk.stage.box.journal(["cli", "sftp"])} == {True}
    await desk.stage.has_rotated()
    await sessions_left(desk.stage.box)


@rotate
async def test_a_client_fails_where_the_box_refuses(desk: Desk, client: Client) -> None:
    desk.write(*WITH_WRONG_PASS_PHRASE)
    ended = await client(desk)
    assert (ended.ok, refused(desk)[:1]) == (False, ["commit"]), ended.output
    assert REFUSAL in ended.output
    await desk.stage.has_not_rotated()
    await sessions_left(desk.stage.box)


async def test_plink_with_piped_input(desk: Desk) -> None:
    ended = await plink_with_piped_input(desk)
    assert (ended.ok, refused(desk)) == (True, []), ended.output
    assert "Commit complete.\r\n[ok]" in ended.output
    await desk.stage.has_rotated()
    await sessions_left(desk.stage.box)


async def test_plink_goes_on_after_a_refusal(desk: Desk) -> None:
    desk.write(*WITH_WRONG_PASS_PHRASE)
    ended = await plink_with_piped_input(desk)
    assert (ended.ok, refused(desk)) == (True, ["commit"]), ended.output
    assert REFUSAL in ended.output
    await desk.stage.has_not_rotated()
    await sessions_left(desk.stage.box)


# --- the kinds of PKCS#12 that operators bring

piped = CLIENTS["OpenSSH with piped input"]
OBJECT = "system security pki certificate NEW"
MORE_THAN_ONE = f"Aborted: '{OBJECT} fileName' (value \"new.p12\"): more than one certificate in file\n"


async def export(desk: Desk, *options: str, pass_phrase: str = testca.PASS_PHRASE) -> None:
    """Have OpenSSL make the new file; an option may name ca.pem or old.pem."""
    paths = testca.files(testca.sbc_renewed(), desk.directory)
    (desk.directory / "ca.pem").write_text(testca.authority().certificate.pem())
    (desk.directory / "old.pem").write_text(testca.sbc().pem())
    made = await desk.run(
        require_program("openssl"), "pkcs12", "-export", "-in", paths.certificate, "-inkey", paths.key,
        "-passout", f"pass:{pass_phrase}", "-out", desk.file, *options,
    )  # fmt: skip
    assert made.ok, made.output


async def is_refused(desk: Desk, text: str) -> None:
    """Try the rotation, which the box refuses in these words."""
    ended = await piped(desk)
    assert (ended.ok, refused(desk)) == (False, ["commit"]), ended.output
    assert text in ended.output
    await desk.stage.has_not_rotated()


@pytest.mark.parametrize(
    "options", [(), ("-legacy",), ("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES")], ids=" ".join
)
async def test_encryptions_of_today_and_of_old_programs(desk: Desk, options: tuple[str, ...]) -> None:
    await export(desk, *options)
    ended = await piped(desk)
    assert ended.ok, ended.output
    await desk.stage.has_rotated()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("-nokeys",), f"Aborted: '{OBJECT} fileName' (value \"new.p12\"): no private key in file\n"),
        (("-certfile", "ca.pem"), MORE_THAN_ONE),
        (("-certfile", "old.pem"), MORE_THAN_ONE),
    ],
    ids=["without key", "with chain", "two end certificates"],
)
async def test_a_file_with_too_little_or_too_much_in_it(desk: Desk, options: tuple[str, ...], text: str) -> None:
    await export(desk, *options)
    await is_refused(desk, text)


@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=" ".join)
async def test_a_wrong_pass_phrase(desk: Desk, options: tuple[str, ...]) -> None:
    await export(desk, *options, pass_phrase="another")
    await is_refused(desk, f"Aborted: '{OBJECT} passPhrase': wrong pass phrase for file \"new.p12\"\n")


async def test_the_key_of_another_certificate(desk: Desk) -> None:
    """OpenSSL makes no such file, others do."""
    strange = replace(testca.sbc_renewed(), key=testca.stranger().key)
    desk.file.write_bytes(strange.pkcs12(testca.PASS_PHRASE))
    await is_refused(
        desk, f"Aborted: '{OBJECT} fileName' (value \"new.p12\"): private key does not match the certificate\n"
    )
