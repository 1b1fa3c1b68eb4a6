"""Event logs sent to a syslog server on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sbcsim.simulator import Simulator

PATIENCE = 20.0
MOVE = "set system admin SBC1 location L{n}"


class Server(asyncio.Protocol):
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.data = b""
        self.came = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.came.set()

    def datagram_received(self, data: bytes, address: object) -> None:
        self.data_received(data + b"\n")

    async def until(self, done: Callable[[bytes], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not done(self.data):
                self.came.clear()
                await self.came.wait()


def commit(box: Simulator, *lines: str) -> None:
    for line in ("configure", *lines, "commit", "exit"):
        assert "[error]" not in box.cli(line)


def settings(protocol: str, port: int) -> str:
    where = f"syslogRemoteHost 127.0.0.1 syslogRemoteProtocol {protocol} syslogRemotePort {port}"
    return f"set oam eventLog typeAdmin system filterLevel info syslogState enabled {where}"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_every_line_arrives(protocol: str) -> None:
    loop, server = asyncio.get_running_loop(), Server()
    if protocol == "tcp":
        listener = await loop.create_server(lambda: server, "127.0.0.1")
        port = listener.sockets[0].getsockname()[1]
    else:
        listener, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
        port = listener.get_extra_info("sockname")[1]
    try:
        async with Simulator() as box:
            commit(box, settings(protocol, port))
            for n in range(3):
                commit(box, MOVE.format(n=n))
            await server.until(lambda data: data.count(b"\n") >= 3)
    finally:
        listener.close()
    lines = server.data.decode().splitlines()
    assert [line.partition(" - ")[0] for line in lines] == ["<134>1 2026-01-01T00:00:00Z SBC1 sbc"] * 3
    assert all(line.startswith("CFG - *Commit ", line.index(" - ") + 3) for line in lines)


async def test_a_server_that_is_not_there_costs_one_line_in_the_log() -> None:
    listener = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1")
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    async with Simulator() as box:
        lost = asyncio.Event()
        box.events.subscribe(lambda entry: lost.set() if entry.kind == "log" else None)
        commit(box, settings("tcp", port))
        for n in range(3):
            commit(box, MOVE.format(n=n))
            await asyncio.wait_for(lost.wait(), PATIENCE)
        (entry,) = box.journal(kind="log")
        assert entry.event.text == f"syslog server 127.0.0.1:{port} cannot be reached: connection refused"


async def test_nothing_is_sent_outside_loopback() -> None:
    async with Simulator() as box:
        lost = asyncio.Event()
        box.events.subscribe(lambda entry: lost.set() if entry.kind == "log" else None)
        commit(box, settings("udp", 514).replace("127.0.0.1", "192.0.2.30"))
        commit(box, MOVE.format(n=1))
        await asyncio.wait_for(lost.wait(), PATIENCE)
        assert "not allowed: it is outside loopback" in box.journal(kind="log")[0].event.text
