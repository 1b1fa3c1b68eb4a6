"""The file transfer port on real sockets, driven by asyncssh and paramiko as clients."""

import asyncio
import stat
from dataclasses import replace

import asyncssh
import pytest
from fakecli import NOW, FakeBox, sftp_port

from sbcsim.clock import SECOND
from sbcsim.device.files import CERTIFICATE_DIRECTORY, EVENT_LOG_DIRECTORY, FILE_LIMIT, MountedFile

CERT = f"{CERTIFICATE_DIRECTORY}/new.p12"
START = "/home/Administrator/admin"


@pytest.fixture
def box():
    return FakeBox()


@pytest.fixture
async def server(box):
    async with sftp_port(box) as port:
        yield port


def connect(server, user="admin"):
    return asyncssh.connect(
        "127.0.0.1",
        server.port,
        username=user,
        password=user,
        known_hosts=None,
        client_keys=None,
        agent_path=None,
        config=None,
    )


@pytest.fixture
async def connection(server):
    async with connect(server) as made:
        yield made


@pytest.fixture
async def client(connection):
    async with connection.start_sftp_client() as made:
        yield made


def told(box):
    return [(event.operation, event.path, event.size, event.ok, event.reason) for event in box.events("sftp")]


async def test_upload_and_download(box, client, tmp_path):
    local = tmp_path / "new.p12"
    local.write_bytes(bytes(range(256)) * 300)
    await client.put(local, CERTIFICATE_DIRECTORY)
    assert box.files.certificate_file("new.p12") == local.read_bytes()
    await client.get(CERT, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == local.read_bytes()
    assert told(box) == [("put", CERT, 76_800, True, ""), ("get", CERT, 76_800, True, "")]


async def test_start_directory(box, client):
    assert await client.realpath(".") == START
    assert await client.realpath("../../../opt/./sonus//external") == CERTIFICATE_DIRECTORY
    async with client.open("new.p12", "wb") as file:
        await file.write(b"x")
    assert box.files.read(f"{START}/new.p12") == b"x"
    assert box.files.certificate_file("new.p12") is None


async def test_times_and_modes_are_the_nodes(client):
    async with client.open(CERT, "wb", asyncssh.SFTPAttrs(permissions=0o600)) as file:
        await file.write(b"12345")
        assert (await file.stat()).size == 5
        await file.setstat(asyncssh.SFTPAttrs(size=3))
    attributes = await client.stat(CERT)
    assert (attributes.size, attributes.mtime) == (3, NOW.calendar // SECOND)
    assert attributes.permissions == stat.S_IFREG | 0o600
    await client.setstat(CERT, asyncssh.SFTPAttrs(permissions=0o640, atime=1, mtime=2))
    attributes = await client.lstat(CERT)
    assert (attributes.permissions, attributes.atime, attributes.mtime) == (stat.S_IFREG | 0o640, 1, 2)


async def test_listing(box, client):
    box.files.write(CERT, b"12345", NOW)
    box.files.mount(EVENT_LOG_DIRECTORY, lambda: {"1.ACT": MountedFile(3, 0, lambda: b"log")})
    names = {name.filename: name for name in await client.readdir(CERTIFICATE_DIRECTORY)}
    assert set(names) == {".", "..", "new.p12"}
    assert names["new.p12"].longname == "-rw-r--r-- 1 root     root            5 Jan  1 00:00 new.p12"
    assert [name.longname for name in await client.readdir(EVENT_LOG_DIRECTORY)][-1] == (
        "-r--r--r-- 1 root     root            3 Jan  1  1970 1.ACT"
    )
    assert sorted(await client.listdir("/")) == [".", "..", "home", "opt", "tmp", "var"]
    async with client.open(f"{EVENT_LOG_DIRECTORY}/1.ACT") as log:
        assert await log.read() == "log"


async def test_directories_and_names(box, client):
    sub = f"{CERTIFICATE_DIRECTORY}/sub"
    await client.mkdir(sub)
    with pytest.raises(asyncssh.SFTPFailure):
        await client.mkdir(sub)
    box.files.write(CERT, b"new", NOW)
    await client.rename(CERT, f"{sub}/a")
    box.files.write(CERT, b"newer", NOW)
    with pytest.raises(asyncssh.SFTPFailure):
        await client.rename(CERT, f"{sub}/a")
    await client.posix_rename(CERT, f"{sub}/a")
    assert box.files.read(f"{sub}/a") == b"newer"
    with pytest.raises(asyncssh.SFTPFailure):
        await client.rmdir(sub)
    await client.remove(f"{sub}/a")
    await client.rmdir(sub)
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        await client.stat(sub)
    assert [(operation, ok) for operation, _, _, ok, _ in told(box)] == [
        ("mkdir", True),
        ("mkdir", False),
        ("rename", True),
        ("rename", False),
        ("rename", True),
        ("rmdir", False),
        ("remove", True),
        ("rmdir", True),
    ]


async def test_refusals(box, client):
    for path in ("/x", "/opt/x", f"{EVENT_LOG_DIRECTORY}/x"):
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.open(path, "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.mkdir(path)
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        await client.open("/etc/passwd")
    with pytest.raises(asyncssh.SFTPOpUnsupported):
        await client.symlink("/etc/passwd", f"{CERTIFICATE_DIRECTORY}/link")
    with pytest.raises(asyncssh.SFTPOpUnsupported):
        await client.link(CERT, f"{CERTIFICATE_DIRECTORY}/link")
    with pytest.raises(asyncssh.SFTPOpUnsupported):
        await client.readlink(CERT)
    with pytest.raises(asyncssh.SFTPOpUnsupported):
        await client.statvfs("/")
    with pytest.raises(asyncssh.SFTPFailure):
        await client.open(f"{START}/".encode() + b"\xff", "wb")
    assert told(box)[0] == ("put", "/x", 0, False, "Permission denied")


async def test_other_groups_write_to_their_homes_only(box, server):
    box.files.write(CERT, b"secret", NOW)
    async with connect(server, "guest") as connection, connection.start_sftp_client() as client:
        assert await client.realpath(".") == "/home/Guest/guest"
        async with client.open(CERT, "rb") as file:
            assert await file.read() == b"secret"
        async with client.open("own.txt", "wb") as file:
            await file.write(b"mine")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.open(CERT, "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.remove(CERT)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.rename("own.txt", CERT)
        async with client.open(CERT, "rb") as file:
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await file.truncate(0)
    assert box.files.read("/home/Guest/guest/own.txt") == b"mine"
    assert box.files.certificate_file("new.p12") == b"secret"


async def test_rights_are_those_of_the_moment(box, server):
    async with connect(server) as connection, connection.start_sftp_client() as client:
        await client.mkdir(f"{CERTIFICATE_DIRECTORY}/one")
        box.users.put("admin", replace(box.users.get("admin"), group="Guest"))
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.mkdir(f"{CERTIFICATE_DIRECTORY}/two")
        box.users.put("admin", None)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.mkdir("three")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()


async def test_file_limit_is_journalled(box, client):
    with pytest.raises(asyncssh.SFTPFailure):
        async with client.open(CERT, "wb") as file:
            await file.write(b"x", FILE_LIMIT)
    assert told(box) == [("put", CERT, 0, False, "File too large")]


async def test_interrupted_upload_stays(box, server):
    closed = asyncio.Event()
    box.journal.subscribe(lambda entry: closed.set() if entry.kind == "sftp" else None)
    async with connect(server) as connection:
        client = await connection.start_sftp_client()
        file = await client.open(CERT, "wb")
        await file.write(b"half of it")
        connection.abort()
    await asyncio.wait_for(closed.wait(), 10)
    assert box.files.certificate_file("new.p12") == b"half of it"
    assert told(box) == [("put", CERT, 10, True, "")]


@pytest.mark.parametrize("recurse", [False, True])
async def test_old_scp_both_ways(box, connection, tmp_path, recurse):
    local = tmp_path / "new.p12"
    local.write_bytes(b"pkcs12" * 10_000)
    await asyncssh.scp(local, (connection, CERTIFICATE_DIRECTORY), preserve=True, recurse=recurse)
    assert box.files.certificate_file("new.p12") == local.read_bytes()
    assert box.files.attributes(CERT).modified == int(local.stat().st_mtime) * SECOND
    await asyncssh.scp((connection, CERT), tmp_path / "back", recurse=recurse)
    assert (tmp_path / "back").read_bytes() == local.read_bytes()
    with pytest.raises(asyncssh.SFTPFailure, match="Permission denied"):
        await asyncssh.scp(local, (connection, "/opt/x"))


@pytest.mark.parametrize("tty", [None, "vt100"])
@pytest.mark.parametrize("command", [None, "ls", "sftp-server"])
async def test_there_is_no_shell(connection, command, tty):
    result = await connection.run(command, term_type=tty)
    assert result.stdout == "shell access is not simulated" + ("\r\n" if tty else "\n")
    assert result.exit_status == 1


async def test_other_subsystems_are_refused(connection):
    with pytest.raises(asyncssh.ChannelOpenError):
        await connection.create_process(subsystem="netconf")


@pytest.mark.parametrize("sent", [b"", b"\0\0\0\5", b"\0\0\0\5\1\0\0\0\3"])
async def test_exit_status_after_sftp(connection, client, sent):
    channel, _ = await connection.create_session(asyncssh.SSHClientProcess, subsystem="sftp", encoding=None)
    channel.write(sent)
    channel.write_eof()
    await channel.wait_closed()
    assert channel.get_exit_status() == 0
    assert await client.realpath(".") == START


async def test_transfers_are_logins_but_no_sessions(box, server):
    async with connect(server) as connection, connection.start_sftp_client():
        assert len(box.sessions) == 0
    assert [(event.service, event.accepted) for event in box.events("login")] == [("sftp", True)]


async def test_garbage_ends_the_channel_only(connection, client):
    channel, _ = await connection.create_session(asyncssh.SSHClientProcess, subsystem="sftp", encoding=None)
    channel.write(b"\0\0\0\5garbage" * 10)
    await channel.wait_closed()
    assert await client.realpath(".") == START


async def test_paramiko(box, server, tmp_path):
    paramiko = pytest.importorskip("paramiko")
    local = tmp_path / "new.p12"
    local.write_bytes(b"x" * 100_000)

    def transfer():
        ssh = paramiko.SSHClient()
        ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        ssh.connect(
            "127.0.0.1", server.port, "admin", "admin", allow_agent=False, look_for_keys=False, disabled_algorithms={}
        )
        try:
            sftp = ssh.open_sftp()
            sftp.put(str(local), CERT)  # compares the size afterwards
            sftp.chdir(CERTIFICATE_DIRECTORY)
            names = sftp.listdir()
            sftp.get("new.p12", str(tmp_path / "back"))
            sftp.close()
            return names
        finally:
            ssh.close()

    assert await asyncio.to_thread(transfer) == ["new.p12"]
    assert (tmp_path / "back").read_bytes() == local.read_bytes()
