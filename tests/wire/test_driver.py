"""The driver: effects carried out, time moved and flowing, and everything gone after a stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest
from fakedevice import FakeDevice, listen, listener

from sbcsim.clock import DAY, SECOND, Clock, Instant, Mode, VirtualClock
from sbcsim.device.effects import Close, Closing, Dial, HandshakeFailed, HandshakeFailure, Send, StopListening
from sbcsim.errors import UserError
from sbcsim.events import ClockMoved, LogEvent
from sbcsim.journal import Journal
from sbcsim.net import settling
from sbcsim.net.connections import DIALS
from sbcsim.net.driver import Driver
from sbcsim.net.listen import ACCEPTS, CROWD
from sbcsim.net.wiring import AddressMap, Ports, Wiring


def host_time() -> int:
    return time.monotonic_ns() // 1000  # noqa: TID251 - the clock of these tests is the host's


@contextlib.asynccontextmanager
async def running(
    device: FakeDevice, clock: Clock | None = None, *, patience: float = 1.0, ports: Ports = "ephemeral"
) -> AsyncIterator[Driver]:
    wiring = Wiring(AddressMap(ports=ports), lambda proposal: frozenset(), lambda tree: frozenset())
    driver = Driver(device, clock or VirtualClock(), wiring, Journal(), patience=patience)
    await driver.start()
    try:
        yield driver
    finally:
        await driver.stop()


@pytest.fixture
async def device() -> FakeDevice:
    fake = FakeDevice()
    fake.tls = None
    return fake


def port_of(driver: Driver) -> int:
    return next(iter(driver.listeners.values()))[1]


async def test_dial_outside_loopback_fails_without_a_packet(device: FakeDevice) -> None:
    async with running(device):
        device.do(Dial(3, "10.1.1.1", ("192.0.2.7", 5061)))
        failed = await device.hear("dial_failed")
    assert failed.detail == "dialling 192.0.2.7 is not allowed: it is outside loopback"


async def test_dial_to_nobody_is_refused(device: FakeDevice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        nobody = sock.getsockname()
    async with running(device):
        device.do(Dial(3, "10.1.1.1", nobody))
        assert (await device.hear("dial_failed")).detail == "connection refused"


async def test_dial_comes_from_the_address_of_the_port(device: FakeDevice) -> None:
    async with running(device) as driver:
        with socket.create_server(("127.0.0.1", 0)) as server:
            device.do(Dial(3, "127.0.0.5", server.getsockname()))
            await device.hear("dialed")
            accepted, remote = server.accept()
            accepted.close()
        assert remote == ("127.0.0.5", device.opened[0][1][1])
        assert device.opened[0][1][0] == "127.0.0.5"
        await driver.settle()


async def test_dial_that_is_given_up_leaves_nothing(device: FakeDevice) -> None:
    async with running(device) as driver:
        with socket.create_server(("127.0.0.1", 0)) as server:
            device.do(Dial(3, "", server.getsockname()), Close(3, Closing.RESET), Dial(3, "", server.getsockname()))
            await device.hear("dialed")
            await driver.settle()
            device.do(Send(3, b"x"))
            server.accept()[0].close()
            await device.hear("closed")
    assert [each.what for each in device.heard] == ["dialed", "closed"]


async def test_many_dials_are_begun_some_at_a_time_and_those_closed_before_their_turn_never(device: FakeDevice) -> None:
    async with running(device) as driver:
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
            numbers = range(1, 4 * DIALS)
            device.do(*(Dial(number, "", server.getsockname()) for number in numbers))
            device.do(*(Close(number, Closing.RESET) for number in numbers if number % 2))
            server.setblocking(False)
            waves: list[int] = []
            while sum(waves) < 2 * DIALS - 1:
                await asyncio.sleep(0)
                waves.append(0)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        server.accept()[0].close()
                        waves[-1] += 1
            assert max(waves) <= DIALS
            await device.hear("dialed", 2 * DIALS - 1)
            await driver.settle()
    assert [each.connection for each in device.heard if each.what == "dialed"] == [*numbers][1::2]


async def test_handshakes_that_hang_keep_nobody_out() -> None:
    device = FakeDevice()
    device.effects.append(listen())
    async with running(device) as driver:
        with contextlib.ExitStack() as stack:
            for _ in range(CROWD + ACCEPTS + 8):
                stack.enter_context(socket.create_connection(("127.0.0.1", port_of(driver))))
            await device.hear("accepted", CROWD + ACCEPTS + 8)


async def test_accepted_connection_has_simulated_addresses(device: FakeDevice) -> None:
    key = listener(5061, "10.1.1.1")
    device.effects.append(listen(5061, address="10.1.1.1"))
    async with running(device) as driver:
        assert driver.listeners == {key: ("127.0.0.1", port_of(driver))}
        assert device.bound == {key: f"127.0.0.1:{port_of(driver)}"}
        with socket.create_connection(("127.0.0.1", port_of(driver))) as peer:
            await device.hear("accepted")
            assert device.opened == [(1, ("10.1.1.1", 5061), peer.getsockname())]
        await device.hear("closed")


async def test_taken_port_fails_the_start_and_leaves_nothing(device: FakeDevice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        device.effects += [listen(0), listen(taken.getsockname()[1])]
        with pytest.raises(UserError, match="address already in use"):
            async with running(device, ports="default"):
                pass


async def test_taken_port_later_is_logged(device: FakeDevice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with running(device, ports="default") as driver:
            device.do(listen(taken.getsockname()[1]))
            await asyncio.sleep(0)
            await driver.settle()
            assert driver.listeners == {}
            events = [entry.event for entry in driver._journal]
    assert [event.level for event in events if isinstance(event, LogEvent)] == ["critical"]


async def test_port_may_take_the_place_that_another_leaves(device: FakeDevice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    old, new = listener(number, "10.1.1.1"), listener(number, "10.1.1.2")
    device.effects.append(listen(number, address="10.1.1.1"))
    async with running(device, ports="default") as driver:
        device.do(listen(number, address="10.1.1.2"), StopListening(old))
        await device.hear("listening", 2)
        assert driver.listeners == {new: ("127.0.0.1", number)}


# --- time


async def test_advance_stops_at_every_instant_in_order(device: FakeDevice) -> None:
    clock = VirtualClock()
    for due in (3 * DAY, 1 * DAY, 2 * DAY):
        device.timers[due] = lambda now: None
    async with running(device, clock) as driver:
        moved = await driver.advance(2 * DAY)
        assert [now.uptime for now in device.fired] == [1 * DAY, 2 * DAY]
        assert (moved.fired, moved.spared) == (2, 0)
        assert clock.reading().uptime == 2 * DAY
        await driver.advance_to(clock.reading().calendar + DAY)
        assert [now.uptime for now in device.fired] == [1 * DAY, 2 * DAY, 3 * DAY]
        assert [entry.event for entry in driver._journal] == [ClockMoved(2 * DAY, 2, 0), ClockMoved(DAY, 1, 0)]


async def test_clock_does_not_go_back(device: FakeDevice) -> None:
    clock = VirtualClock()
    async with running(device, clock) as driver:
        with pytest.raises(UserError):
            await driver.advance(-1)
        with pytest.raises(UserError):
            await driver.advance_to(clock.reading().calendar - 1)
        assert (await driver.advance(0)).end == clock.reading()


async def test_network_settles_between_instants(device: FakeDevice) -> None:
    device.effects.append(listen())
    answers: list[tuple[int, int]] = []
    clock = VirtualClock()

    def answered(due: int) -> None:
        device.owed -= 1
        answers.append((due, clock.reading().uptime))

    async with running(device, clock) as driver:

        def ask(now: Instant) -> None:
            device.owed += 1
            device.effects.append(Dial(now.uptime // SECOND, "", ("127.0.0.1", port_of(driver))))

        device.dialed = lambda connection, local, now: answered(connection * SECOND)  # type: ignore[method-assign]
        for due in (1, 2, 3):
            device.timers[due * SECOND] = ask
        await driver.advance(DAY)
    assert answers == [(1 * SECOND, 1 * SECOND), (2 * SECOND, 2 * SECOND), (3 * SECOND, 3 * SECOND)]
    assert device.given_up == 0


async def test_silent_peer_is_given_up_when_patience_runs_out(device: FakeDevice) -> None:
    async with running(device, patience=0.02) as driver:
        device.owed = 1
        await driver.settle()
    assert device.given_up == 1


async def test_little_is_expected_of_peers_known_to_be_silent(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "DOUBT", 0.001)
    async with running(device, patience=60) as driver, asyncio.timeout(30):
        device.owed, device.silent = 1, True
        await driver.settle()
    assert device.given_up == 1


async def test_far_end_that_never_closes_holds_nobody_up(device: FakeDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "DOUBT", 0.001)
    device.effects = [listen()]
    async with running(device, patience=60) as driver, asyncio.timeout(30):
        assert driver._connections is not None
        driver._connections.network.linger = 60
        with socket.create_connection(("127.0.0.1", port_of(driver)), timeout=10) as far:
            await device.hear("accepted")
            device.do(Send(1, b"bye"), Close(1, Closing.GRACEFUL))
            await driver.settle()
            assert far.recv(100) == b"bye"
            assert far.recv(100) == b""


async def test_advances_do_not_interleave(device: FakeDevice) -> None:
    clock = VirtualClock()
    for due in range(1, 11):
        device.timers[due * DAY] = lambda now: None
    async with running(device, clock) as driver:
        await asyncio.gather(driver.advance(5 * DAY), driver.advance(5 * DAY))
        assert clock.reading().uptime == 10 * DAY
    assert [now.uptime for now in device.fired] == [due * DAY for due in range(1, 11)]


async def test_flowing_clock_fires_by_itself(device: FakeDevice) -> None:
    clock = Clock(Mode.REAL, 0, host_time)
    async with running(device, clock) as driver:
        due = clock.reading().uptime + SECOND // 50
        device.timers[due] = lambda now: None
        driver.pump()
        await device.hear("fired")
    assert device.fired[0].uptime >= due


async def test_timer_set_by_a_commit_is_noticed(device: FakeDevice) -> None:
    clock = Clock(Mode.REAL, 0, host_time)
    async with running(device, clock):
        device.timers[clock.reading().uptime + SECOND // 100] = lambda now: None
        device.do()
        await device.hear("fired")


async def test_clock_that_starts_to_flow_fires(device: FakeDevice) -> None:
    clock = Clock(Mode.VIRTUAL, 0, host_time, rate=0)
    device.timers[DAY] = lambda now: None
    async with running(device, clock) as driver:
        driver.set_rate(1e6)
        assert (await device.hear("fired")).detail == DAY


async def test_flowing_clock_can_be_moved(device: FakeDevice) -> None:
    clock = Clock(Mode.REAL, 0, host_time)
    device.timers[DAY] = lambda now: None
    async with running(device, clock) as driver:
        await driver.advance(2 * DAY)
        assert device.fired[0].uptime == DAY
        assert clock.reading().uptime >= 2 * DAY
        device.timers[clock.reading().uptime + SECOND] = lambda now: None
        await driver.advance(0)  # and flows on
        await device.hear("fired", 2)


async def test_timers_that_are_overdue_fire_before_an_input(device: FakeDevice) -> None:
    clock = Clock(Mode.REAL, 0, host_time)
    device.effects.append(listen())
    async with running(device, clock) as driver:
        device.timers[clock.reading().uptime] = lambda now: None  # and nobody told the driver
        with socket.create_connection(("127.0.0.1", port_of(driver))):
            await device.hear("accepted")
        await device.hear("closed")
    assert [each.what for each in device.heard][:3] == ["listening", "fired", "accepted"]


async def test_nobody_waits_where_the_device_has_resigned(device: FakeDevice) -> None:
    device.hopeless = True
    async with running(device, patience=1e9) as driver:
        device.owed = 3
        await driver.settle()
        assert (device.owed, device.given_up) == (0, 1)


# --- the end


async def test_stop_in_the_middle_of_everything_leaves_nothing(device: FakeDevice) -> None:
    clock = Clock(Mode.REAL, 0, host_time)
    fresh = FakeDevice()
    fresh.effects.append(listen())
    fresh.timers[DAY] = lambda now: None
    async with running(fresh, clock) as driver:
        idle = socket.create_connection(("127.0.0.1", port_of(driver)))
        await fresh.hear("accepted")
        with socket.create_server(("127.0.0.1", 0)) as server:
            fresh.do(*(Dial(number, "", server.getsockname()) for number in range(10, 20)))
            await fresh.hear("dialed", 3)
            fresh.do(*(Dial(number, "", server.getsockname()) for number in range(20, 30)))
            driver.pump()
            await driver.stop()
    assert idle.recv(1) == b""
    idle.close()
    assert fresh.wake is None


async def test_stop_ends_whoever_waits_for_the_network(device: FakeDevice) -> None:
    async with running(device, patience=60) as driver:
        device.owed = 1
        waiting = asyncio.create_task(driver.settle())
        await asyncio.sleep(0)
    await waiting


async def test_stop_ends_a_move_of_the_clock(device: FakeDevice) -> None:
    device.timers[DAY] = lambda now: setattr(device, "owed", 1)
    device.timers[2 * DAY] = lambda now: None
    async with running(device, patience=60) as driver:
        moving = asyncio.create_task(driver.advance(3 * DAY))
        await device.hear("fired")
    await moving
    assert [now.uptime for now in device.fired] == [DAY]


async def test_driver_starts_again_after_a_stop(device: FakeDevice) -> None:
    device.effects.append(listen())
    wiring = Wiring(AddressMap(ports="ephemeral"), lambda proposal: frozenset(), lambda tree: frozenset())
    driver = Driver(device, VirtualClock(), wiring, Journal())
    await driver.start()
    await driver.stop()
    device.effects.append(listen())
    await driver.start()
    assert len(driver.listeners) == 1
    await driver.stop()
    await driver.stop()


async def test_handshake_that_never_begins_does_not_hold_the_stop() -> None:
    device = FakeDevice()
    device.effects.append(listen())
    async with running(device) as driver:
        peer = socket.create_connection(("127.0.0.1", port_of(driver)))
        await device.hear("accepted")
    peer.close()
    assert [each.what for each in device.heard] == ["listening", "accepted"]


async def test_reset_during_a_handshake_is_a_failed_one() -> None:
    device = FakeDevice()
    device.effects.append(listen())
    async with running(device) as driver:
        peer = socket.create_connection(("127.0.0.1", port_of(driver)))
        await device.hear("accepted")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        result = (await device.hear("failed")).detail
    assert isinstance(result, HandshakeFailed)
    assert result.failure is HandshakeFailure.CLOSED
    assert result.reason == "reset by peer"
