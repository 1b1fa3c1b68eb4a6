"""A SIP peer over UDP that shares no code with the box: it reads SIP as plain text and answers when it likes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

PATIENCE = 10.0
"""Host seconds until something that must happen is taken for missing."""

_COPIED = re.compile(r"(?mi)^(?:Via|From|To|Call-ID|CSeq): .*$")


class UdpPeer(asyncio.DatagramProtocol):
    """Takes datagrams; `heard` is all it got, as text. It answers requests except the next `deaf` ones."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.sources: list[tuple[str, int]] = []
        self.deaf = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        text = data.decode()
        self.heard.append(text)
        self.sources.append(source)
        self._changed.set()
        if text.startswith("SIP/2.0"):
            return
        if self.deaf:
            self.deaf -= 1
            return
        lines = [line.rstrip() for line in _COPIED.findall(text)]
        lines = [f"{line};tag=peer" if line.startswith("To:") else line for line in lines]
        self.say("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0\r\n\r\n"]), source)

    def say(self, text: str, target: tuple[str, int]) -> None:
        """Send a datagram."""
        assert self._transport is not None
        self._transport.sendto(text.encode(), target)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for something that the peer hears."""
        async with asyncio.timeout(PATIENCE):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def ask(self, target: tuple[str, int], *, via: str, call: str) -> str:
        """Send OPTIONS and return the answer."""
        before = len(self.heard)
        lines = ["OPTIONS sip:box SIP/2.0", f"Via: SIP/2.0/UDP {via};branch=z9hG4bK{call}"]
        lines += [f"From: <sip:peer@127.0.0.1>;tag={call}", "To: <sip:box>", f"Call-ID: {call}", "CSeq: 1 OPTIONS"]
        self.say("\r\n".join([*lines, "Max-Forwards: 70", "", ""]), target)
        await self.until(lambda: len(self.heard) > before)
        return self.heard[before]


@asynccontextmanager
async def udp_peer() -> AsyncIterator[UdpPeer]:
    """Return a peer on a free port of the host."""
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(UdpPeer, ("127.0.0.1", 0))
    try:
        yield peer
    finally:
        transport.close()
