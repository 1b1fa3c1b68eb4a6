"""Every fault on the wire, as the tool or the far end meets it; and what is left when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
import testca
from boxes import LINES, certificate_files
from sippeers import TlsStream
from sshlines import CERTIFICATES, LOGIN, PATIENCE, sessions_left, terminal, upload

from sbcsim import Simulator
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.settings import LOCK_PATIENCE, Settings
from sbcsim.pki.credential import Certificate

NEW = "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled"
SHOW = "show configuration profiles security tlsProfile TLS"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Simulator]:
    config = tmp_path / "box.cli"
    config.write_text("\n".join(LINES) + "\n")
    async with Simulator(config, clock=f"virtual@{testca.START}", files=certificate_files()) as box:
        yield box


async def run(box: Simulator, command: str) -> str:
    async with asyncssh.connect(*box.ports.cli, **LOGIN) as connection:
        return str((await connection.run(command)).stdout)


@asynccontextmanager
async def dialled(box: Simulator, tmp_path: Path) -> AsyncIterator[TlsStream]:
    pem = tmp_path / "peer.pem"
    pem.write_text(testca.peer().pem(with_chain=True) + testca.peer().key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(pem)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*box.ports.sip[0].address)
        stream = TlsStream(reader, writer, context, server=False)
        try:
            await stream.handshake()
            yield stream
        finally:
            stream.close()


def options(call: str) -> bytes:
    return (
        f"OPTIONS sip:10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def until(stream: TlsStream, call: str) -> list[bytes]:
    """Ask, and return what came up to the end of the answer, record by record."""
    stream.write(options(call))
    records = [await stream.read()]
    while f"Call-ID: {call}\r\n".encode() not in b"".join(records) or not records[-1].endswith(b"\r\n\r\n"):
        records.append(await stream.read())
    return records


async def shown(box: Simulator, tmp_path: Path) -> int:
    """Return the serial number of the certificate that a new connection gets."""
    async with dialled(box, tmp_path) as stream:
        der = stream.session.getpeercert(binary_form=True)
        assert der is not None
        return Certificate.from_der(der).serial


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


async def content(box: Simulator, name: str) -> bytes:
    async with (
        asyncssh.connect(*box.ports.sftp, **LOGIN) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(f"{CERTIFICATES}/{name}", "rb") as file,
    ):
        return bytes(await file.read())


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


# --- TLS


async def tls_accept(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.accept", match="Z", times=1)
    with pytest.raises(OSError):  # noqa: PT011 - a reset, or the end of a stream within the handshake
        await shown(box, tmp_path)
    assert await shown(box, tmp_path) == testca.sbc().certificate.serial


async def tls_stale(box: Simulator, tmp_path: Path) -> None:
    await run(box, f"configure; {NEW}; set profiles security tlsProfile TLS serverCertName NEW; commit")
    old, new = testca.sbc().certificate.serial, testca.sbc_renewed().certificate.serial
    assert await shown(box, tmp_path) == new
    box.faults.add("tls.stale", value="OLD", times=1)
    assert await shown(box, tmp_path) == old
    assert await shown(box, tmp_path) == new


async def tls_abrupt(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("tls.abrupt", times=1)
    for end in ("reset", "close_notify"):
        async with dialled(box, tmp_path) as stream:
            await until(stream, "a")
            (connection,) = box.connections()
            assert await box.close_connection(connection.id)
            if end == "reset":
                with pytest.raises(ConnectionResetError):
                    await stream.read()
            else:
                assert await stream.read() == b""


# --- SIP


async def sip_silence(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.silence", times=1)
    async with dialled(box, tmp_path) as stream:
        stream.write(options("first"))
        assert b"first" not in b"".join(await until(stream, "second"))


async def sip_status(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.status", times=1)
    async with dialled(box, tmp_path) as stream:
        assert (await until(stream, "a"))[0].startswith(b"SIP/2.0 503 ")
        assert (await until(stream, "b"))[0].startswith(b"SIP/2.0 200 ")


async def sip_duplicate(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.duplicate", times=1)
    async with dialled(box, tmp_path) as stream:
        came = await until(stream, "a") + await until(stream, "b")
    assert b"".join(came).count(b"Call-ID: a\r\n") == 2


async def sip_split(box: Simulator, tmp_path: Path) -> None:
    box.faults.add("sip.split", times=1)
    async with dialled(box, tmp_path) as stream:
        assert len(await until(stream, "a")) == 2
        assert len(await until(stream, "b")) == 1


CASES: dict[str, Callable[[Simulator, Path], Awaitable[None]]] = {
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
    "tls.accept": tls_accept,
    "tls.stale": tls_stale,
    "tls.abrupt": tls_abrupt,
    "sip.silence": sip_silence,
    "sip.status": sip_status,
    "sip.duplicate": sip_duplicate,
    "sip.split": sip_split,
}


@pytest.mark.parametrize("point", POINTS)
async def test_the_fault_is_met_as_it_is_described(box: Simulator, tmp_path: Path, point: str) -> None:
    await CASES[point](box, tmp_path)
    fired = [entry.event for entry in box.journal("faultFired")]
    assert fired
    assert {event.point for event in fired} == {point}
    box.faults.clear()
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
