"""SIP over UDP on real sockets: where the box listens, what it refuses to bind, whom it answers, how it pings."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakedevice import FakeDevice, listen, listener
from udppeer import UdpPeer, udp_peer

from sbcsim.clock import VirtualClock
from sbcsim.device.effects import ListenerKey, SendDatagram, StopListening, Transport
from sbcsim.journal import Journal
from sbcsim.net.driver import Driver
from sbcsim.net.listeners import SENDINGS
from sbcsim.net.wiring import AddressMap, Wiring
from sbcsim.simulator import Simulator

PORT = "addressContext default zone Z sipSigPort 1"
GROUP = "addressContext default ipInterfaceGroup LIG ipInterface LIF"
CONFIGURATION = f"""\
set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 3 recoveryCount 2
set {GROUP} ceName SBC1a portName pkt0 ipAddress 198.51.100.5 prefix 24 mode inService state enabled
set addressContext default zone Z id 2
set {PORT} ipInterfaceGroupName LIG portNumber 5060 transportProtocolsAllowed sip-udp mode inService state enabled
"""
PEER = """\
set addressContext default zone Z ipPeer P ipAddress 192.0.2.10 ipPort 5060
set addressContext default zone Z ipPeer P pathCheck profile PING state enabled
"""


def box_with(directory: Path, *lines: str, maps: tuple[str, ...] = ()) -> Simulator:
    file = directory / "box.cli"
    file.write_text(CONFIGURATION + "".join(lines))
    return Simulator(file, maps=maps)


@asynccontextmanager
async def pinging_box(directory: Path, *, deaf: int = 0) -> AsyncIterator[tuple[Simulator, UdpPeer]]:
    """Return a box and the peer that it pings; that does not hear the first `deaf` datagrams."""
    async with udp_peer() as peer:
        peer.deaf = deaf
        async with box_with(directory, PEER, maps=(f"192.0.2.10:5060=127.0.0.1:{peer.port}",)) as box:
            yield box, peer


def place(box: Simulator) -> tuple[str, int]:
    (sip,) = box.ports.sip
    assert sip.transport == "udp"
    return sip.address.host, sip.address.port


def commit(box: Simulator, *lines: str) -> str:
    said = [box.cli(line) for line in ("configure", *lines, "commit")]
    box.cli("rollback" if "[error]" in said[-1] else "exit")
    return "\n".join(said)


def outcomes(box: Simulator) -> list[tuple[bool, str]]:
    return [(entry.event.ok, entry.event.reason) for entry in box.journal("pathPing")]


async def test_the_ready_line_names_the_socket_and_anybody_gets_an_answer_there(tmp_path: Path) -> None:
    async with box_with(tmp_path) as box, udp_peer() as peer:
        (sip,) = box.ready().sip
        assert (sip.zone, sip.sip_sig_port, sip.transport) == ("Z", 1, "udp")
        answer = await peer.ask(place(box), via="10.9.9.9;rport", call="a")
        assert answer.startswith("SIP/2.0 200 OK\r\n")
        assert f"Via: SIP/2.0/UDP 10.9.9.9;rport={peer.port};branch=z9hG4bKa;received=127.0.0.1\r\n" in answer
        assert peer.sources == [place(box)]  # from where it was asked: a way through address translation is kept
        async with udp_peer() as other:
            peer.say(
                f"OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{other.port};branch=z9hG4bKb\r\n"
                "From: <sip:p@h>;tag=b\r\nTo: <sip:box>\r\nCall-ID: b\r\nCSeq: 1 OPTIONS\r\n\r\n",
                place(box),
            )
            await other.until(lambda: bool(other.heard))
            assert other.heard[0].startswith("SIP/2.0 200 OK\r\n")


async def test_a_taken_port_refuses_the_commit_and_a_free_one_does_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = taken.getsockname()
        async with box_with(tmp_path, maps=(f"198.51.100.5:5070=127.0.0.1:{where[1]}",)) as box:
            second = (
                "set addressContext default zone Z sipSigPort 2 ipInterfaceGroupName LIG portNumber 5070 "
                "transportProtocolsAllowed sip-udp mode inService state enabled"
            )
            refused = commit(box, second)
            assert f"127.0.0.1:{where[1]} of the host: address already in use" in refused
            assert len(box.ports.sip) == 1
            taken.close()
            assert "Commit complete." in commit(box, second)
            assert [each.address.port for each in box.ports.sip][1] == where[1]


async def test_tcp_and_udp_may_have_the_same_number(tmp_path: Path) -> None:
    both = CONFIGURATION.replace("sip-udp", "sip-udp,sip-tcp")
    (tmp_path / "box.cli").write_text(both)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    async with Simulator(tmp_path / "box.cli", maps=[f"198.51.100.5:5060=127.0.0.1:{number}"]) as box:
        assert {(each.transport, each.address.port) for each in box.ports.sip} == {("tcp", number), ("udp", number)}


async def test_a_peer_is_pinged_and_comes_up_and_a_lost_datagram_costs_nothing(tmp_path: Path) -> None:
    async with pinging_box(tmp_path) as (box, peer):
        await peer.until(lambda: bool(peer.heard))
        await box.advance(minutes=1)
        peer.deaf = 1
        await box.advance(minutes=1)
        await box.advance(seconds=1)
        (state,) = box.peers()
        assert (state.path_state, state.connection) == ("up", None)
        assert outcomes(box) == [(True, "200")] * 3
        texts = peer.heard
        assert len(texts) == 4
        assert texts[2] == texts[3]
        assert texts[0].startswith("OPTIONS sip:192.0.2.10:5060 SIP/2.0\r\n")
        assert set(peer.sources) == {place(box)}


async def test_a_peer_that_is_gone_goes_down_and_one_that_comes_back_comes_up(tmp_path: Path) -> None:
    async with pinging_box(tmp_path) as (box, peer):
        await box.advance(minutes=10)
        assert box.peers()[0].path_state == "up"
        peer.deaf = 1_000_000
        await box.advance(minutes=10)
        assert box.peers()[0].path_state == "down"
        peer.deaf = 0
        await box.advance(minutes=10)
        assert box.peers()[0].path_state == "up"


async def test_a_peer_outside_loopback_is_sent_nothing(tmp_path: Path) -> None:
    async with box_with(tmp_path, PEER) as box:
        await box.advance(seconds=1)
        assert outcomes(box) == [(False, "dialling 192.0.2.10 is not allowed: it is outside loopback")]
        await box.advance(minutes=5)
        assert box.peers()[0].path_state == "down"


async def test_time_that_flows_repeats_a_ping_as_well(tmp_path: Path) -> None:
    async with pinging_box(tmp_path, deaf=2) as (box, peer):
        box.set_rate(100)
        await peer.until(lambda: len(peer.heard) >= 3)
        box.set_rate(0)
        assert len({text.split("Call-ID: ")[1].split("\r\n")[0] for text in peer.heard[:3]}) == 1


async def test_a_port_that_bounces_is_silent_meanwhile_and_found_again_in_the_same_place(tmp_path: Path) -> None:
    async with box_with(tmp_path) as box, udp_peer() as peer:
        where = place(box)
        commit(box, f"set {PORT} mode outOfService state disabled")
        assert not box.ports.sip
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(where)
            probe.send(b"x")
            assert probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        commit(box, f"set {PORT} state enabled mode inService")
        assert place(box) == where
        assert (await peer.ask(where, via="127.0.0.1;rport", call="c")).startswith("SIP/2.0 200 OK")
        await box.reset()
        assert place(box) == where
        assert (await peer.ask(where, via="127.0.0.1;rport", call="d")).startswith("SIP/2.0 200 OK")


# The driver alone.


@pytest.fixture
async def device() -> FakeDevice:
    return FakeDevice()


@asynccontextmanager
async def listening(device: FakeDevice) -> AsyncIterator[tuple[Driver, ListenerKey]]:
    wiring = Wiring(AddressMap(ports="ephemeral"), lambda proposal: frozenset(), lambda tree: frozenset())
    driver = Driver(device, VirtualClock(), wiring, Journal())
    await driver.start()
    try:
        key = listener(5060, transport=Transport.UDP)
        device.do(listen(5060, transport=Transport.UDP))
        await device.hear("listening")
        yield driver, key
    finally:
        await driver.stop()


async def test_a_storm_of_datagrams_is_sent_a_few_at_a_time(device: FakeDevice) -> None:
    async with listening(device) as (driver, key):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            far.bind(("127.0.0.1", 0))
            far.setblocking(False)
            device.do(*(SendDatagram(key, far.getsockname(), b"x") for _ in range(100)))
            waves = []
            while sum(waves) < 100:
                await asyncio.sleep(0)
                waves.append(arrived(far))
            assert max(waves) == SENDINGS
            await driver.settle()  # nothing is left to wait for


def arrived(sock: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while sock.recv(100):
            count += 1
    return count


async def test_the_driver_hands_over_datagrams_and_says_what_it_cannot_send(device: FakeDevice) -> None:
    async with listening(device) as (driver, key):
        async with udp_peer() as peer:
            peer.say("SIP/2.0 echo", driver.listeners[key])
            await peer.until(lambda: peer.heard == ["SIP/2.0 echo"])
        device.do(SendDatagram(key, ("192.0.2.7", 5060), b"x", "call"))
        heard = await device.hear("undeliverable")
        assert heard.detail == ("call", "dialling 192.0.2.7 is not allowed: it is outside loopback")
        device.do(SendDatagram(key, ("::1", 5060), b"x", "other"))
        heard = await device.hear("undeliverable", 2)
        assert heard.detail[0] == "other"  # type: ignore[index]
        device.do(StopListening(key), SendDatagram(key, ("127.0.0.1", 9), b"x", "late"))
        await asyncio.sleep(0)
        assert not driver.listeners
        await driver.settle()
        assert len([each for each in device.heard if each.what == "undeliverable"]) == 2
