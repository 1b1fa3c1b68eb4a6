"""Real SSH clients against the CLI and file transfer ports: OpenSSH, PuTTY, lftp, curl, netmiko, pexpect."""

import asyncio
import os
import re
import stat

import pytest
from fakecli import PROMPT, FakeBox, cli_port, sftp_port
from peers import missing, require_module, require_program

from sbcsim.device.files import CERTIFICATE_DIRECTORY as CERTS
from sbcsim.net.login import HOST_KEYS

pytestmark = pytest.mark.interop

HOST = "admin@127.0.0.1"
OPTIONS = (
    *("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"),
)
BY_PASSWORD = ("-o", "PubkeyAuthentication=no")


@pytest.fixture
def box():
    return FakeBox()


@pytest.fixture
async def cli(box):
    async with cli_port(box) as port:
        yield port


@pytest.fixture
async def sftp(box):
    async with sftp_port(box) as port:
        if port.working:
            await asyncio.wait(port.working)
        yield port


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "new.p12"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


async def run(*command, given=b"", environment=None, status=0):
    """Run a program to its end; return its output and what it had to complain about."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C", **(environment or {})},
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(given), 30)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == status, (output, errors)
    return output.decode(), errors.decode()


@pytest.fixture
def openssh(tmp_path):
    """Return a function that runs an OpenSSH program, giving it the password by its own askpass mechanism."""
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\necho admin\n")
    askpass.chmod(askpass.stat().st_mode | stat.S_IXUSR)
    environment = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "HOME": str(tmp_path)}

    async def call(program, *arguments, **options):
        return await run(require_program(program), *OPTIONS, *arguments, environment=environment, **options)

    return call


# the command line


@pytest.mark.parametrize("auth", ["password", "keyboard-interactive"])
async def test_ssh_command(box, cli, openssh, auth):
    order = ("-o", f"PreferredAuthentications={auth}")
    assert await openssh("ssh", *BY_PASSWORD, *order, "-p", cli.port, HOST, "show status") == ("<show status>\n", "")
    output, _ = await openssh("ssh", *BY_PASSWORD, "-p", cli.port, HOST, "one; bad; two", status=1)
    assert output == "<one>\nsyntax error\n[error]\n"
    output, _ = await openssh("ssh", *BY_PASSWORD, "-tt", "-p", cli.port, HOST, "one")
    assert output == "<one>\r\n"
    assert [session.terminal for session in box.opened] == [None] * 3


async def test_ssh_key(box, cli, tmp_path):
    await run(require_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    box.users.add("robot", "", keys=[(tmp_path / "id.pub").read_text()])
    ssh = require_program("ssh")
    login = (ssh, *OPTIONS, "-i", tmp_path / "id", "-o", "BatchMode=yes", "-p", cli.port)
    assert await run(*login, "robot@127.0.0.1", "one") == ("<one>\n", "")
    _, errors = await run(*login, HOST, "one", status=255)
    assert "Permission denied" in errors


@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"])
async def test_ssh_host_keys(cli, openssh, algorithm):
    if cli.working:
        await asyncio.wait(cli.working)
    chosen = ("-o", f"HostKeyAlgorithms={algorithm}")
    assert await openssh("ssh", *BY_PASSWORD, *chosen, "-p", cli.port, HOST, "one") == ("<one>\n", "")


async def test_ssh_piped_without_terminal(box, cli, openssh):
    output, _ = await openssh("ssh", *BY_PASSWORD, "-T", "-p", cli.port, HOST, given=b"one\ntwo\nexit\n")
    assert output == "<one>\n<two>\n"
    output, _ = await openssh("ssh", *BY_PASSWORD, "-T", "-p", cli.port, HOST, given=b"one\nbad\nnever\n", status=1)
    assert output == "<one>\nsyntax error\n[error]\n"
    assert box.opened[1].lines == ["one", "bad"]


async def test_ssh_piped_with_terminal(cli, openssh):
    output, _ = await openssh("ssh", *BY_PASSWORD, "-tt", "-p", cli.port, HOST, given=b"sho\t x\nexit\n")
    assert output.endswith(f"{PROMPT}show  x\r\n<show  x>\r\n{PROMPT}exit\r\n")


async def test_ssh_paste_of_ten_thousand_lines(box, cli, openssh):
    paste = b"".join(b"set system admin SBC1 contact line%d\n" % number for number in range(10_000))
    output, _ = await openssh("ssh", *BY_PASSWORD, "-T", "-p", cli.port, HOST, given=paste)
    assert output.count("\n") == 10_000


async def test_sshpass(cli):
    ssh = require_program("ssh")
    sshpass = (require_program("sshpass"), "-p", "admin", ssh, *OPTIONS, *BY_PASSWORD, "-p", cli.port, HOST)
    assert await run(*sshpass, "one") == ("<one>\n", "")


async def test_wrong_password(box, cli):
    ssh = (require_program("ssh"), *OPTIONS, *BY_PASSWORD, "-p", cli.port, HOST, "one")
    await run(require_program("sshpass"), "-p", "wrong", *ssh, status=5)
    assert {event.accepted for event in box.events("login")} == {False}


async def test_plink(cli):
    fingerprint = host_key()
    plink = (require_program("plink"), "-batch", "-hostkey", fingerprint, "-P", cli.port, "-pw", "admin", HOST)
    output, _ = await run(*plink, "one")
    assert output == "<one>\n"
    output, _ = await run(plink[0], "-t", *plink[1:], given=b"show x\nexit\n")
    assert output.endswith(f"{PROMPT}show x\r\n<show x>\r\n{PROMPT}exit\r\n")


async def test_expect(cli):
    script = f"""
        set timeout 20
        spawn {require_program("ssh")} {" ".join((*OPTIONS, *BY_PASSWORD))} -p {cli.port} {HOST}
        expect "assword: " {{ send "admin\\r" }} timeout {{ exit 3 }}
        expect "> " {{ send "show status\\r" }} timeout {{ exit 4 }}
        expect "<show status>\\r\\n" {{}} timeout {{ exit 5 }}
        expect "> " {{ send "exit\\r" }} timeout {{ exit 6 }}
        expect eof
        exit [lindex [wait] 3]
    """
    await run(require_program("expect"), "-", given=script.encode())


async def test_pexpect(cli):
    pexpect = require_module("pexpect")
    ssh = require_program("ssh")

    def converse():
        arguments = [*OPTIONS, *BY_PASSWORD, "-p", str(cli.port), HOST]
        child = pexpect.spawn(ssh, arguments, timeout=20, encoding="utf-8", dimensions=(24, 40))
        child.expect("(?i)password: ")
        child.sendline("admin")
        child.expect_exact(PROMPT)
        long = "show " + "x" * 300
        child.sendline(long)
        child.expect_exact(f"{long}\r\n<{long}>\r\n{PROMPT}")
        child.send("co?")
        child.expect_exact(f"Possible completions:\r\n  configure\r\n  commit\r\n{PROMPT}co")
        child.sendintr()
        child.expect_exact(f"^C\r\n{PROMPT}")
        child.sendcontrol("d")
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus

    assert await asyncio.to_thread(converse) == 0


@pytest.mark.parametrize("device", ["generic", "terminal_server"])
async def test_netmiko(box, cli, device):
    netmiko = require_module("netmiko")

    def converse():
        with netmiko.ConnectHandler(
            device_type=device,
            host="127.0.0.1",
            port=cli.port,
            username="admin",
            password="admin",
            allow_agent=False,
            use_keys=False,
        ) as connection:
            return [connection.send_command(line, expect_string=r"[\w.-]+@[\w.-]+[>%] ?$") for line in ("one", "two")]

    assert [answer.strip() for answer in await asyncio.to_thread(converse)] == ["<one>", "<two>"]


# file transfer


def stored(box, upload, name="new.p12"):
    assert box.files.certificate_file(name) == upload.read_bytes()


async def test_openssh_sftp(box, sftp, openssh, upload, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text(
        f"put {upload}\nchmod 600 new.p12\nls -l\nrename new.p12 b.p12\nget b.p12 {tmp_path}/back\n-rm nope\n"
    )
    output, _ = await openssh("sftp", *BY_PASSWORD, "-P", sftp.port, "-b", batch, f"{HOST}:{CERTS}")
    assert re.search(r"-rw------- +\S+ admin +admin +256000 .* new\.p12", output)
    stored(box, upload, "b.p12")
    assert (tmp_path / "back").read_bytes() == upload.read_bytes()


async def test_openssh_sftp_fails_where_it_must(sftp, openssh, upload, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text(f"put {upload} /opt/new.p12\n")
    _, errors = await openssh("sftp", *BY_PASSWORD, "-P", sftp.port, "-b", batch, HOST, status=1)
    assert "ermission denied" in errors


@pytest.mark.parametrize("form", [(), ("-O",), ("-p",), ("-O", "-p")])
async def test_openssh_scp(box, sftp, openssh, upload, tmp_path, form):
    await openssh("scp", *form, *BY_PASSWORD, "-P", sftp.port, upload, f"{HOST}:{CERTS}/b.p12")
    stored(box, upload, "b.p12")
    await openssh("scp", *form, *BY_PASSWORD, "-P", sftp.port, upload, f"{HOST}:{CERTS}")
    stored(box, upload)
    await openssh("scp", *form, *BY_PASSWORD, "-P", sftp.port, f"{HOST}:{CERTS}/b.p12", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == upload.read_bytes()
    await openssh("scp", *form, *BY_PASSWORD, "-P", sftp.port, upload, f"{HOST}:/opt/b.p12", status=1)


@pytest.mark.parametrize("form", [(), ("-O",)])
async def test_openssh_scp_shorter_file_over_longer(box, sftp, openssh, upload, form):
    box.files.write(f"{CERTS}/new.p12", b"x" * 999_999, now=sftp.now())
    await openssh("scp", *form, *BY_PASSWORD, "-P", sftp.port, upload, f"{HOST}:{CERTS}")
    stored(box, upload)


async def test_openssh_shell_on_the_file_port(sftp, openssh):
    output, _ = await openssh("ssh", *BY_PASSWORD, "-p", sftp.port, HOST, "ls", status=1)
    assert output == "shell access is not simulated\n"


async def test_openssh_sftp_on_the_cli_port(cli, openssh):
    _, errors = await openssh("sftp", *BY_PASSWORD, "-P", cli.port, HOST, status=255)
    assert "subsystem request failed" in errors


async def test_curl(box, sftp, upload):
    curl = require_program("curl")
    version, _ = await run(curl, "--version")
    if "sftp" not in version:
        missing("this curl does not speak sftp")
    where = f"sftp://127.0.0.1:{sftp.port}/{CERTS}/c.p12"
    await run(curl, "-sS", "-k", "-u", "admin:admin", "-T", upload, where)
    stored(box, upload, "c.p12")


async def test_lftp(box, sftp, upload, tmp_path):
    script = (
        "set sftp:auto-confirm yes; set net:max-retries 1; set net:timeout 20; set xfer:clobber yes; "
        f"cd {CERTS}; put {upload}; get new.p12 -o {tmp_path}/back; bye"
    )
    options = " ".join((*OPTIONS, *BY_PASSWORD))
    connect = f"set sftp:connect-program 'ssh -a -x {options}'; "
    where = ("-u", "admin,admin", f"sftp://127.0.0.1:{sftp.port}")
    await run(require_program("lftp"), "--norc", "-e", connect + script, *where, environment={"HOME": str(tmp_path)})
    stored(box, upload)
    assert (tmp_path / "back").read_bytes() == upload.read_bytes()


def host_key():
    """Return the fingerprint that PuTTY's tools are to accept."""
    return HOST_KEYS.ready()[0].get_fingerprint("sha256")


async def test_psftp(box, sftp, upload, tmp_path):
    commands = tmp_path / "commands"
    commands.write_text(f"cd {CERTS}\nput {upload} d.p12\nls\nget d.p12 {tmp_path}/back\nquit\n")
    options = ("-batch", "-hostkey", host_key(), "-P", sftp.port, "-l", "admin", "-pw", "admin")
    output, _ = await run(require_program("psftp"), *options, "-b", commands, "127.0.0.1")
    assert "d.p12" in output
    stored(box, upload, "d.p12")
    assert (tmp_path / "back").read_bytes() == upload.read_bytes()


@pytest.mark.parametrize("form", ["-sftp", "-scp"])
async def test_pscp(box, sftp, upload, form):
    options = ("-batch", "-hostkey", host_key(), "-P", sftp.port, "-l", "admin", "-pw", "admin")
    await run(require_program("pscp"), *options, form, upload, f"{HOST}:{CERTS}/e.p12")
    stored(box, upload, "e.p12")
