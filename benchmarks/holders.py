"""Who holds a crowd of TLS connections, in a process of its own: `python -m benchmarks.holders KIND DIRECTORY ...`.

`box` is the simulated SBC: it pings the peers of its configuration and takes whoever dials in. `bare` does the same on
pyOpenSSL alone: it dials the ports that it is given. Both are told by their parent to `serve`, to let all connections
`expire`, to connect to who is pinged `again`, or to `count`; they tell how long that took, and how long another task
had to wait at most. `far` is the far end of both. All of them look for garbage as rarely as `sbcsim run` does.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import cast

from OpenSSL import SSL

from sbcsim.collector import collect_rarely
from sbcsim.simulator import Simulator

from . import bare
from .load import options
from .processes import PATIENCE, say, take_line
from .testbed import HOST, NO_CHECK_TIME, box_files, memory_context
from .time_travel import RENEWAL
from .timing import MILLISECOND

BEAT = 0.001
"""How often the other task would like to run."""

FILES = 20_000
"""Open files that a process may need."""

IN_SERVICE = ("configure", "set addressContext default zone Z sipSigPort 1 mode inService", "commit")
BEFORE, RECHECK = "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z"
"""The box's first certificate has ended a day before; the re-check finds out."""


class Heartbeat:
    """Another task of the event loop, which would like to run every millisecond.

    Its longest wait counts in processor time of the loop's thread, so that other processes of the host are no part of
    it: on a quiet host that is how long it waits.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = time.perf_counter()
        self._longest = 0.0
        self._last = time.thread_time()
        self._beat()

    def begin(self) -> None:
        """Measure from here on."""
        self._start, self._longest, self._last = time.perf_counter(), 0.0, time.thread_time()

    def say(self, **more: object) -> None:
        """Tell the parent what was measured: seconds, and milliseconds that the task had to wait at most."""
        seconds = time.perf_counter() - self._start
        self._count()
        say(seconds=seconds, longest=self._longest / MILLISECOND, **more)
        self.begin()

    def _beat(self) -> None:
        self._count()
        self._loop.call_later(BEAT, self._beat)

    def _count(self) -> None:
        now = time.thread_time()
        self._longest = max(self._longest, now - self._last)
        self._last = now


class Crowd:
    """Connections of bare pyOpenSSL, dialled and accepted."""

    def __init__(self, directory: Path, name: str) -> None:
        self.context = memory_context(directory, name)
        store = self.context.get_cert_store()
        assert store is not None
        store.set_flags(NO_CHECK_TIME)  # the clock of the box is not the host's
        self.live: set[Held] = set()
        self.answered = 0
        self._changed = asyncio.Event()

    async def listen(self) -> int:
        """Take connections on a free port, which is returned."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Held(self, dials=False), HOST, 0, backlog=4096)
        return int(server.sockets[0].getsockname()[1])

    async def dial(self, ports: list[int], at_once: int) -> None:
        """Dial these ports, `at_once` at a time; each connection asks and has its answer before its place is free."""
        loop, places = asyncio.get_running_loop(), asyncio.Semaphore(at_once)

        async def one(port: int) -> None:
            async with places:
                _, held = await loop.create_connection(lambda: Held(self, dials=True), HOST, port)
                await held.met

        await asyncio.gather(*map(one, ports))

    async def close(self) -> None:
        """Say goodbye on every connection, and wait until all are gone."""
        for held in tuple(self.live):
            held.close()
        await self.empty()

    async def empty(self) -> None:
        """Wait until no connection is left."""
        async with asyncio.timeout(PATIENCE):
            while self.live:
                self._changed.clear()
                await self._changed.wait()

    def gone(self, held: Held) -> None:
        """Forget a connection."""
        self.live.discard(held)
        self._changed.set()


class Held(asyncio.Protocol):
    """One connection: whoever dials asks once, whoever is dialled answers."""

    def __init__(self, crowd: Crowd, *, dials: bool) -> None:
        self._crowd = crowd
        self._dials = dials
        self._tls = SSL.Connection(crowd.context, None)
        (self._tls.set_connect_state if dials else self._tls.set_accept_state)()
        self._transport: asyncio.Transport | None = None
        self._up = False
        self.met: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hear that TCP stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._crowd.live.add(self)
        if self._dials:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or with what came."""
        self._tls.bio_write(data)
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that it is over."""
        if self._dials and not self.met.done():
            self.met.set_exception(exc or ConnectionError("closed before it was answered"))
        self._crowd.gone(self)

    def close(self) -> None:
        """Say goodbye."""
        with suppress(SSL.Error):
            self._tls.shutdown()
        self._flush()
        assert self._transport is not None
        self._transport.close()

    def _go_on(self) -> None:
        try:
            if not self._up:
                self._tls.do_handshake()
                self._up = True
                if self._dials:
                    self._tls.send(options(5061))
            while data := self._tls.recv(16384):
                if data.startswith(b"SIP/2.0 200"):
                    self.met.set_result(None)
                else:
                    self._tls.send(_ECHO.answer(data))
        except SSL.WantReadError:
            self._flush()
        except SSL.Error:  # close_notify
            self.close()

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):
            assert self._transport is not None
            self._transport.write(self._tls.bio_read(65536))


_ECHO = bare.Echo(Counter())


async def hold_box(directory: Path) -> None:
    async with Simulator(directory / "box.cli", files=box_files(directory)) as sbc:
        heart = Heartbeat()
        heart.say()
        while line := await asyncio.to_thread(take_line):
            if line == "serve":
                for each in IN_SERVICE:
                    sbc.cli(each)
                await sbc.advance("3m")
                up = sum(peer.path_state == "up" for peer in sbc.peers())
                heart.say(tls=next(each.address.port for each in sbc.ports.sip if each.transport == "tls"), up=up)
            elif line == "expire":
                for each in RENEWAL:
                    sbc.cli(each)
                await sbc.advance(to=BEFORE)
                heart.begin()
                await sbc.advance(to=RECHECK)
            elif line == "again":
                heart.begin()
                await sbc.advance("71s")  # every peer has had its ping by then
            if line != "serve":
                heart.say(connections=sbc.status().counts.connections)


async def hold_bare(directory: Path, *ports: int) -> None:
    crowd, heart = Crowd(directory, "box"), Heartbeat()
    port = await crowd.listen()
    heart.say()
    while line := await asyncio.to_thread(take_line):
        if line != "count":
            heart.begin()
        if line == "expire":
            await crowd.close()
        elif line != "count":
            await crowd.dial([*ports], len(ports))
        heart.say(tls=port, up=len(ports), connections=len(crowd.live))


async def hold_far(directory: Path, number: int) -> None:
    """Be `number` peers that are pinged; a line `PORT NUMBER AT_ONCE` has that port dialled so many times."""
    crowd, heart = Crowd(directory, "peer"), Heartbeat()
    heart.say(ports=[await crowd.listen() for _ in range(number)])
    while line := await asyncio.to_thread(take_line):
        port, times, at_once = map(int, line.split())
        heart.begin()
        await crowd.dial([port] * times, at_once)
        heart.say()


if __name__ == "__main__":
    _, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, _most) if _most > 0 else FILES, _most))
    _kinds: dict[str, Callable[..., Coroutine[None, None, None]]] = {
        "box": hold_box, "bare": hold_bare, "far": hold_far,
    }  # fmt: skip
    collect_rarely()
    asyncio.run(_kinds[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:])))
