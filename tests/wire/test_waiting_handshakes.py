"""Handshakes that wait in their middle for a verdict on the far end's certificates, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from enginebox import CA, NOW, OWN, PEER, context, leave, port_of, read_to_the_end, running
from fakedevice import FakeDevice, Heard, anchors, credential, listen

from sbcsim.device.effects import Close, Closing, Dial, HandshakeDone, HandshakeFailed, HandshakeFailure, OcspVerdict
from sbcsim.net.driver import Driver

SHOWN = (PEER.certificate.der, CA.certificate.der)
both_versions = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@pytest.fixture
async def device() -> FakeDevice:
    fake = FakeDevice()
    fake.credential, fake.anchors, fake.at, fake.asks = credential(OWN), anchors(CA), NOW, True
    fake.effects.append(listen())
    return fake


@pytest.fixture
async def driver(device: FakeDevice) -> AsyncIterator[Driver]:
    async with running(device) as driver:
        yield driver


async def dial_in(driver: Driver, tmp_path: Path, version: str = "TLSv1.2") -> asyncio.Task[asyncio.StreamWriter]:
    async def dial() -> asyncio.StreamWriter:
        made = context(tmp_path, PEER, version=version)
        return (await asyncio.open_connection("127.0.0.1", port_of(driver), ssl=made))[1]

    return asyncio.create_task(dial())


async def shown(device: FakeDevice, count: int = 1) -> Heard:
    return await device.hear("shown", count)


@both_versions
async def test_a_server_lets_a_client_in_when_it_is_told(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    dialling = await dial_in(driver, tmp_path, version)
    seen = await shown(device)
    assert (seen.connection, seen.detail) == (1, SHOWN)
    assert not any(each.what == "done" for each in device.heard)
    device.do(OcspVerdict(1, revoked=False))
    done = (await device.hear("done")).detail
    assert isinstance(done, HandshakeDone)
    assert (done.version, done.peer_chain) == (version, SHOWN)
    await leave(await dialling)


@both_versions
async def test_a_server_refuses_a_revoked_client(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    seen = asyncio.create_task(read_to_the_end(driver, context(tmp_path, PEER, version=version)))
    await shown(device)
    device.do(OcspVerdict(1, revoked=True))
    failed = (await device.hear("failed")).detail
    assert failed == HandshakeFailed(
        HandshakeFailure.PEER_REVOKED, "certificate revoked", alert_sent=44, peer_leaf=PEER.certificate.der
    )
    assert "CERTIFICATE_REVOKED" in await seen


@both_versions
@pytest.mark.parametrize("revoked", [False, True])
async def test_a_client_waits_as_well(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str, *, revoked: bool
) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await leave(writer)
        ended.set()

    server = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=context(tmp_path, PEER, server=True, version=version)
    )
    async with server:
        device.do(Dial(7, "127.0.0.1", server.sockets[0].getsockname()))
        assert (await shown(device)).detail == SHOWN
        device.do(OcspVerdict(7, revoked=revoked))
        if revoked:
            failed = (await device.hear("failed")).detail
            assert isinstance(failed, HandshakeFailed)
            assert (failed.failure, failed.alert_sent) == (HandshakeFailure.PEER_REVOKED, 44)
        else:
            await device.hear("done")
            device.do(Close(7, Closing.GRACEFUL))
            await ended.wait()


async def test_others_do_not_wait(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    waiting = [await dial_in(driver, tmp_path, "TLSv1.3") for _ in range(20)]
    await shown(device, 20)
    device.asks = False
    other = await dial_in(driver, tmp_path)
    await device.hear("done")
    await leave(await other)
    for number in range(1, 21):
        device.do(OcspVerdict(number, revoked=False))
    await device.hear("done", 21)
    for each in waiting:
        await leave(await each)


@both_versions
async def test_what_is_sent_in_the_meantime_is_read_afterwards(
    device: FakeDevice, driver: Driver, tmp_path: Path, version: str
) -> None:
    """Over TLS 1.3 a client speaks when its own side is done."""
    dialling = await dial_in(driver, tmp_path, version)
    await shown(device)
    if version == "TLSv1.3":
        writer = await dialling
        writer.write(b"x" * 200_000)
        device.do(OcspVerdict(1, revoked=False))
    else:
        device.do(OcspVerdict(1, revoked=False))
        writer = await dialling
        writer.write(b"x" * 200_000)
    await writer.drain()
    got = 0
    for count in range(1, 1000):
        data = (await device.hear("data", count)).detail
        assert isinstance(data, bytes)
        got += len(data)
        if got == 200_000:
            break
    await leave(writer)


async def test_a_far_end_that_leaves_is_waited_for_no_longer(
    device: FakeDevice, driver: Driver, tmp_path: Path
) -> None:
    dialling = await dial_in(driver, tmp_path, "TLSv1.3")
    await shown(device)
    (await dialling).transport.abort()
    failed = (await device.hear("failed")).detail
    assert isinstance(failed, HandshakeFailed)
    assert failed.failure is HandshakeFailure.CLOSED
    device.do(OcspVerdict(1, revoked=False))
    await driver.settle()
    assert [each.what for each in device.heard].count("failed") == 1


@pytest.mark.parametrize("how", Closing)
async def test_the_device_may_end_it(device: FakeDevice, driver: Driver, tmp_path: Path, how: Closing) -> None:
    seen = asyncio.create_task(read_to_the_end(driver, context(tmp_path, PEER, version="TLSv1.3")))
    await shown(device)
    device.do(Close(1, how))
    await driver.settle()
    assert await seen == "closed"
    assert not {"done", "failed"} & {each.what for each in device.heard}


async def test_a_stop_leaves_nothing(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    dialling = [await dial_in(driver, tmp_path, "TLSv1.3") for _ in range(3)]
    await shown(device, 3)
    await driver.stop()
    for each in dialling:
        await leave(await each)
    assert not {"done", "failed"} & {each.what for each in device.heard}


async def test_who_waits_is_not_waited_for_by_the_clock(device: FakeDevice, driver: Driver, tmp_path: Path) -> None:
    dialling = await dial_in(driver, tmp_path, "TLSv1.3")
    await shown(device)
    async with asyncio.timeout(5):
        await driver.advance(1_000_000)
    device.do(OcspVerdict(1, revoked=False))
    await driver.settle()
    assert device.heard[-1].what == "done"
    await leave(await dialling)
