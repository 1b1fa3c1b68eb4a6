"""tshark as a witness: what was on the wire of our own ports, with TLS taken off by a far end's key log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import peers

PATIENCE = 30.0
"""Host seconds until a packet that was sent is taken for missed."""

AGAIN = 0.05
"""Host seconds until another mark is sent while none is seen: what comes before a capture begins is lost."""

_UDP_HEADER = 8

_FIELDS = (
    *("frame.number", "tcp.stream", "tcp.srcport", "tcp.dstport", "x509af.serialNumber"),
    *("sip.Method", "sip.Status-Code", "tls.alert_message.desc"),
)


class Packet(NamedTuple):
    """What tshark reads in one TCP segment. `serials` are those of the chain that is shown in it, the leaf first."""

    number: int
    stream: int
    source: int
    target: int
    serials: tuple[str, ...]
    methods: tuple[str, ...]
    statuses: tuple[str, ...]
    alerts: tuple[str, ...]


class Capture:
    """A capture on the loopback interface, of TCP on a few ports."""

    def __init__(self, directory: Path, process: asyncio.subprocess.Process, marks: socket.socket) -> None:
        self.file = directory / "capture.pcapng"
        self._process = process
        self._marks = marks
        self._sent = self._seen = 0
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def begun(self) -> bool:
        """Wait until packets are seen; False where it ends before."""
        while not self._seen and self._process.returncode is None:
            self._mark()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._until_seen(1), AGAIN)
        return self._seen > 0

    async def end(self) -> None:
        """Return once all that was sent before is in the file."""
        try:
            if self._process.returncode is None:
                self._mark()
                await asyncio.wait_for(self._until_seen(self._sent), PATIENCE)
                self._process.terminate()
        finally:
            await self._process.wait()
            await self._reading

    async def read(self, key_log: Path, *ports: int) -> list[Packet]:
        """Return what was on the wire; `ports` are those that SIP over TLS was spoken to."""
        process = await asyncio.create_subprocess_exec(
            *(peers.require_program("tshark"), "-r", self.file, "-n", "-Y", "tcp", "-T", "fields"),
            *(word for field in _FIELDS for word in ("-e", field)),
            *(word for port in ports for word in ("-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},sip")),
            *("-o", f"tls.keylog_file:{key_log}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return [_packet(line) for line in output.decode().splitlines()]

    def _mark(self) -> None:
        self._sent += 1
        self._marks.send(bytes(self._sent))

    async def _until_seen(self, mark: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._seen >= mark or self._process.returncode is not None)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.strip():
                self._seen = int(line) - _UDP_HEADER
                await self._tell()
        await self._process.wait()
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def capture(directory: Path, *ports: int) -> AsyncIterator[Capture]:
    """Capture what is on these ports of the host until the end of the block; skips where nobody may."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marks:
        marks.bind(("127.0.0.1", 0))
        marks.connect(marks.getsockname())
        wanted = " or ".join([f"udp port {marks.getsockname()[1]}", *(f"tcp port {port}" for port in ports)])
        process = await asyncio.create_subprocess_exec(
            *(peers.require_program("tshark"), "-i", "lo", "-n", "-f", wanted, "-w", directory / "capture.pcapng"),
            *("-P", "-l", "-T", "fields", "-e", "udp.length"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running = Capture(directory, process, marks)
        try:
            if not await running.begun():
                assert process.stderr is not None
                peers.missing(f"tshark cannot capture: {(await process.stderr.read()).decode().strip()}")
            yield running
        finally:
            await running.end()


def _packet(line: str) -> Packet:
    number, stream, source, target, *words = line.split("\t")
    split = (tuple(each.split(",")) if each else () for each in words)
    return Packet(int(number), int(stream), int(source), int(target), *split)
