"""The box and one far end of its TLS that may do as it likes: whatever the two of them leave behind, in words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import testca
from boxes import LINES, certificate_files
from farend import FarEnd
from OpenSSL import SSL
from pingedbox import VERSIONS, tls_port
from tlsbox import SET_PROFILE, commit, counters

from sbcsim.events import AlertReceived, ConnectionClosed, DialFailed, Handshake, LogEvent
from sbcsim.net.ocspresponder import OcspResponder
from sbcsim.simulator import Simulator

ZONE = "addressContext default zone Z"
PEERS = (
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 1 recoveryCount 1",
    f"set {ZONE} ipPeer P ipAddress 192.0.2.10 ipPort 5061",
)
PING = f"set {ZONE} ipPeer P pathCheck profile PCP state enabled"
SOMEBODY_HERE = "set addressContext default zone Z ipPeer HERE ipAddress 127.0.0.1 ipPort 5061"
SERVER, CLIENT = "server", "client"
"""What the box is."""

Does = Callable[["Meeting", FarEnd], Awaitable[None]]


class Meeting:
    """The box in one role; the far end comes to it, or is pinged, each time that they `meet`."""

    def __init__(self, box: Simulator, role: str) -> None:
        self.box = box
        self.role = role
        self.fars: list[FarEnd] = []
        self.responder: OcspResponder | None = None
        """Who is asked about certificates, if anybody is."""
        self._from = box.events.last
        self._next: tuple[Does, SSL.Context, asyncio.Future[FarEnd]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pinged = False

    async def meet(self, does: Does, settings: SSL.Context) -> FarEnd:
        """Have a far end do something on a new connection; return it once that is done."""
        if self.role == SERVER:
            far = await FarEnd.dial(tls_port(self.box), settings)
            self.fars.append(far)
            await does(self, far)
            return far
        done = self.expect(does, settings)
        if self._pinged:
            await self.box.advance(seconds=60 - self.box.status().clock.uptime % 60)  # to the next ping
        else:
            self._pinged = True
            commit(self.box, PING)
        async with asyncio.timeout(20):
            return await done

    def expect(self, does: Does, settings: SSL.Context) -> asyncio.Future[FarEnd]:
        """Have a far end do something on the next connection that the box opens; the result comes when it is done."""
        done: asyncio.Future[FarEnd] = asyncio.get_running_loop().create_future()
        self._next = does, settings, done
        return done

    @property
    def asked(self) -> bool:
        """Whether the responder has been asked about a certificate."""
        return self.responder is not None and bool(self.responder.asked)

    async def until_asked(self) -> None:
        """Wait until the responder has been asked about a certificate."""
        assert self.responder is not None
        await self.responder.wait_for(lambda: self.asked)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what the journal says fulfils a condition, and until the box has come to rest."""
        changed = asyncio.Event()
        unsubscribe = self.box.events.subscribe(lambda _entry: changed.set())
        try:
            async with asyncio.timeout(10):
                while not condition():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass  # what is missing stands in the comparison that follows
        finally:
            unsubscribe()
        await self.box.advance(seconds=0)

    def forget(self) -> None:
        """Tell from now on what happens from now on."""
        self._from = self.box.events.last

    @property
    def tells(self) -> list[str]:
        """What the journal says of handshakes, alerts and ends, in the order of events."""
        return [told for entry in self.box.events.after(self._from) if (told := _told(entry.event))]

    @property
    def logs(self) -> list[str]:
        """What the event logs say of TLS and SIP, with log and level, without the address of the far end."""
        events = [entry.event for entry in self.box.events.after(self._from)]
        logged = [event for event in events if isinstance(event, LogEvent) and re.match(r"\*(Tls|Sip):", event.text)]
        return [
            f"{event.subsystem} {event.level} {re.sub(r'(127.0.0.1|192.0.2.10):[0-9]+', 'FAR', event.text)}"
            for event in logged
        ]

    @property
    def alarms(self) -> list[str]:
        """The names of the alarms that stand."""
        return [alarm.name for alarm in self.box.alarms().current]

    @property
    def counters(self) -> dict[str, int]:
        """The TLS counters of the port that are not 0."""
        return counters(self.box)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let the far end do what it is to do."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        if self._next is None:
            writer.transport.abort()
            return
        (does, settings, done), self._next = self._next, None
        far = FarEnd(reader, writer, settings, server=True)
        self.fars.append(far)
        try:
            await does(self, far)
        except BaseException as error:  # noqa: BLE001 - for whoever waits
            done.set_exception(error)
        else:
            done.set_result(far)

    async def end(self) -> None:
        """Close what the far ends have left open."""
        for far in self.fars:
            far.close()
        if self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def meeting(
    directory: Path,
    role: str,
    version: str,
    *lines: str,
    port: int = 0,
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> AsyncIterator[Meeting]:
    """Return a box that speaks one version, and a far end; `port` is where the box dials to instead, if not 0.

    Whatever goes wrong inside the box without anybody asking fails the test.
    """
    mistakes: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, mistake: mistakes.append(mistake))
    found: list[Meeting] = []

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await found[0].accept(reader, writer)

    server = await asyncio.start_server(accepted, "127.0.0.1")
    port = port or server.sockets[0].getsockname()[1]
    configuration = directory / "box.cli"
    configuration.write_text("\n".join((*LINES, *PEERS, f"{SET_PROFILE}{VERSIONS[version]}", *lines)) + "\n")
    box = Simulator(
        configuration,
        clock=f"virtual@{testca.START}",
        files=certificate_files() | dict(files),
        maps=[f"192.0.2.10:5061=127.0.0.1:{port}"],
    )
    try:
        async with box:
            found.append(Meeting(box, role))
            try:
                yield found[0]
            finally:
                await found[0].end()
    finally:
        server.close()
    assert not mistakes


def _told(event: object) -> str:
    match event:
        case Handshake(ok=True):
            return f"secured {event.version}" + (", resumed" if event.resumed else "")
        case Handshake():
            sent = f", sent {event.alert_sent}" if event.alert_sent else ""
            received = f", received {event.alert_received}" if event.alert_received else ""
            return f"failed: {event.reason}{sent}{received}"
        case AlertReceived():
            return f"alert {event.alert}: {event.reason}"
        case ConnectionClosed():
            return f"closed {event.by}: {event.reason}"
        case DialFailed():
            return f"not dialled: {event.reason}"
    return ""
