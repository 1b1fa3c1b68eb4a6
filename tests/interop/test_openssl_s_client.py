"""OpenSSL's own client and server against ours: who shows which certificate, and which alert ends a bad handshake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakedevice import FakeDevice, anchors, credential, listen, settings
from openssl_program import Program, openssl

from sbcsim.clock import DAY, VirtualClock, from_rfc3339
from sbcsim.device.effects import Close, Closing, Dial, HandshakeDone, HandshakeFailed, HandshakeFailure, Send
from sbcsim.journal import Journal
from sbcsim.net.driver import Driver
from sbcsim.net.wiring import AddressMap, Wiring
from sbcsim.pki.mint import Authority, Issued

pytestmark = pytest.mark.interop

NOW = from_rfc3339("2026-06-01T00:00:00Z")
BEGIN, END = "2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z"
AFTER, BEFORE = from_rfc3339(END) + DAY, from_rfc3339(BEGIN) - DAY

CA = Authority("CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OTHER_CA = Authority("Other CA", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z")
OWN = CA.subordinate("Issuing CA").issue("sbc.example.com", not_before=BEGIN, not_after=END)
RENEWED = CA.issue("sbc.example.com", not_before=BEGIN, not_after="2030-01-01T00:00:00Z", serial=0x77)
PEER = CA.issue("peer.example.com", not_before=BEGIN, not_after=END)
STRANGER = OTHER_CA.issue("peer.example.com", not_before=BEGIN, not_after=END)

both_versions = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])


class Files:
    """Certificates as files for OpenSSL, which judges them at NOW unless told otherwise."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def trust(self, *authorities: Authority, at: int = NOW) -> list[str]:
        path = self._directory / "ca.pem"
        path.write_text("".join(each.certificate.pem() for each in authorities))
        return ["-CAfile", str(path), "-attime", str(at // 1_000_000)]

    def own(self, issued: Issued | None) -> list[str]:
        if issued is None:
            return []
        path = self._directory / "own.pem"
        path.write_text(issued.pem() + issued.key_pem())
        return ["-cert", str(path), "-key", str(path)]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
async def device() -> FakeDevice:
    fake = FakeDevice()
    fake.credential = credential(OWN)
    fake.anchors = anchors(CA)
    fake.at = NOW
    fake.tls = settings()
    fake.effects.append(listen())
    return fake


@pytest.fixture
async def driver(device: FakeDevice) -> AsyncIterator[Driver]:
    wiring = Wiring(AddressMap(ports="ephemeral"), lambda proposal: frozenset(), lambda tree: frozenset())
    driver = Driver(device, VirtualClock(), wiring, Journal())
    await driver.start()
    yield driver
    await driver.stop()


def client(driver: Driver, files: Files, version: str, issued: Issued | None) -> list[str]:
    port = next(iter(driver.listeners.values()))[1]
    return [
        "s_client", "-connect", f"127.0.0.1:{port}", version, "-showcerts", "-verify_return_error",
        *files.trust(CA), *files.own(issued),
    ]  # fmt: skip


def server(files: Files, version: str, issued: Issued, trust: Authority, at: int = NOW) -> list[str]:
    return [
        "s_server", "-accept", "127.0.0.1:0", version, "-naccept", "1", "-Verify", "5", "-verify_return_error",
        *files.trust(trust, at=at), *files.own(issued),
    ]  # fmt: skip


async def port_of(program: Program) -> int:
    return int((await program.read_until(r"ACCEPT .*:(\d+)"))[1])


@both_versions
async def test_s_client_sees_our_certificate_and_gets_its_answer(
    device: FakeDevice, driver: Driver, files: Files, version: str
) -> None:
    async with openssl(*client(driver, files, version, PEER)) as program:
        await program.write("are you there\n")
        await program.read_until(r"\nare you there")
        assert OWN.pem().strip() in program.output
        assert "Verification: OK" in program.output
        device.credential = credential(RENEWED)
        async with openssl(*client(driver, files, version, PEER)) as later:
            await later.write("and you\n")
            await later.read_until(r"\nand you")
            assert RENEWED.pem().strip() in later.output
        await program.write("still there\n")
        await program.read_until(r"\nstill there")
    result = (await device.hear("done")).detail
    assert isinstance(result, HandshakeDone)
    assert result.peer_chain[0] == PEER.der()


@both_versions
@pytest.mark.parametrize(
    ("at", "issued", "alerts", "failure"),
    [
        (AFTER, PEER, (45, 45), HandshakeFailure.PEER_EXPIRED),
        (BEFORE, PEER, (42, 42), HandshakeFailure.PEER_NOT_YET_VALID),
        (NOW, STRANGER, (48, 48), HandshakeFailure.PEER_UNKNOWN_CA),
        (NOW, None, (40, 116), HandshakeFailure.NO_PEER_CERTIFICATE),
    ],
    ids=["expired", "not yet valid", "unknown CA", "no certificate"],
)
async def test_s_client_gets_the_right_alert(
    device: FakeDevice,
    driver: Driver,
    files: Files,
    version: str,
    at: int,
    issued: Issued | None,
    alerts: tuple[int, int],
    failure: HandshakeFailure,
) -> None:
    alert = alerts[version == "-tls1_3"]
    device.at = at
    async with openssl(*client(driver, files, version, issued)) as program:
        output = await program.read_all()
    assert f"SSL alert number {alert}\n" in output
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert (result.failure, result.alert_sent) == (failure, alert)


@both_versions
async def test_s_client_learns_that_we_have_no_certificate(
    device: FakeDevice, driver: Driver, files: Files, version: str
) -> None:
    device.credential = None
    async with openssl(*client(driver, files, version, PEER)) as program:
        assert "SSL alert number 40\n" in await program.read_all()


@both_versions
async def test_s_server_sees_our_certificate(device: FakeDevice, driver: Driver, files: Files, version: str) -> None:
    async with openssl(*server(files, version, PEER, CA)) as program:
        device.do(Dial(5, "127.0.0.1", ("127.0.0.1", await port_of(program))))
        result = (await device.hear("done")).detail
        assert isinstance(result, HandshakeDone)
        assert result.peer_chain == (PEER.der(), CA.certificate.der)
        device.do(Send(5, b"ping of ours\n"))
        await program.read_until(r"ping of ours")
        assert OWN.pem().strip() in program.output
        device.do(Close(5, Closing.GRACEFUL))
        output = await program.read_all()
        assert "DONE" in output or "CONNECTION CLOSED" in output
        await driver.settle()


@both_versions
@pytest.mark.parametrize(
    ("at", "issued", "alert", "failure"),
    [
        (AFTER, PEER, 45, HandshakeFailure.PEER_EXPIRED),
        (BEFORE, PEER, 42, HandshakeFailure.PEER_NOT_YET_VALID),
        (NOW, STRANGER, 48, HandshakeFailure.PEER_UNKNOWN_CA),
    ],
    ids=["expired", "not yet valid", "unknown CA"],
)
async def test_s_server_gets_the_right_alert(
    device: FakeDevice,
    driver: Driver,
    files: Files,
    version: str,
    at: int,
    issued: Issued,
    alert: int,
    failure: HandshakeFailure,
) -> None:
    device.at = at
    async with openssl(*server(files, version, issued, CA)) as program:
        device.do(Dial(5, "127.0.0.1", ("127.0.0.1", await port_of(program))))
        assert f"SSL alert number {alert}\n" in await program.read_all()
    result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert (result.failure, result.alert_sent, result.peer_leaf) == (failure, alert, issued.der())


@both_versions
@pytest.mark.parametrize(
    ("trust", "at", "shown", "alerts"),
    [
        (CA, AFTER, True, (45, 45)),
        (CA, BEFORE, True, (42, 42)),
        (OTHER_CA, NOW, True, (48, 48)),
        (CA, NOW, False, (40, 116)),
    ],
    ids=["expired", "not yet valid", "unknown CA", "no certificate"],
)
async def test_alert_of_s_server_reaches_the_device(
    device: FakeDevice,
    driver: Driver,
    files: Files,
    version: str,
    trust: Authority,
    at: int,
    shown: bool,
    alerts: tuple[int, int],
) -> None:
    device.credential = credential(OWN) if shown else None
    async with openssl(*server(files, version, PEER, trust, at)) as program:
        device.do(Dial(5, "127.0.0.1", ("127.0.0.1", await port_of(program))))
        if version == "-tls1_2":
            result = (await device.hear("failed")).detail
            assert isinstance(result, HandshakeFailed)
            assert (result.failure, result.alert_received) == (HandshakeFailure.ALERT_RECEIVED, alerts[0])
        else:  # over TLS 1.3 a client has finished before its certificate is judged
            assert (await device.hear("closed")).alert == alerts[1]
            assert [each.what for each in device.heard if each.connection == 5] == ["dialed", "done", "closed"]
