"""The play in seven acts. Every statement that it prints is looked up on the wire, from the peers' side."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from rich.console import Console

from sbcsim.clock import DAY, HOUR, MINUTE, VirtualClock, from_rfc3339, to_datetime
from sbcsim.errors import PeerError
from sbcsim.events import Handshake, PathPing
from sbcsim.net.peer import PeerConnection, SipPeer
from sbcsim.net.terminal import Terminal, upload
from sbcsim.simulator import Simulator

from .cast import OLD_ENDS, PASS_PHRASE, RENEWAL, SETUP, START, Cast, gather
from .telling import Row, Teller

CERT_DIR = "/opt/sonus/external"


class Story:
    """One performance: the box, its two peers, the terminal, the teller."""

    def __init__(self, sbc: Simulator, pinged: SipPeer, dialling: SipPeer, cast: Cast, tell: Teller) -> None:
        self.sbc = sbc
        self.pinged = pinged
        self.dialling = dialling
        self.cast = cast
        self.tell = tell
        self.marks: list[tuple[int, str]] = []

    async def play(self, terminal: Terminal) -> None:
        """Perform all acts."""
        await self.put_in_service(terminal)
        await self.renew(terminal)
        await self.nothing_moved()
        await self.keep_pinging()
        await self.expire()
        await self.tear_down(terminal)
        await self.look_back()

    async def put_in_service(self, terminal: Terminal) -> None:
        """Act 1: configure the box; both peers connect."""
        self.act(1, "A box in service", "Certificate OLD serves one peer that the box pings and one that dials in.")
        await self.upload("root-ca.der", self.cast.authority.certificate.der)
        await self.upload("old.p12", self.cast.old.pkcs12(PASS_PHRASE))
        for line in ("configure", *SETUP, "commit"):
            await self.type(terminal, line)
        await self.pinged.wait_for(lambda: bool(self.pinged.live) and self.pinged.live[0].requests > 0)
        connection = await self.dial()
        await self.dialling.ping(connection)
        await self.type(terminal, "run show table addressContext default zone ZONE1 peerPathchkStatus")
        self.show_connections()
        self.check("the pinged peer was shown OLD", self.shown(self.pinged) == ["OLD"])
        self.check("the peer that dialled in was shown OLD", self.shown(self.dialling) == ["OLD"])
        self.check("the path check says up", self.sbc.peers()[0].path_state == "up")

    async def renew(self, terminal: Terminal) -> None:
        """Act 2: the documented procedure, typed."""
        await self.sbc.advance(days=30)
        self.act(2, "The renewal procedure", "30 days before OLD ends: upload, enable, re-point, retire, one commit.")
        await self.upload("new.p12", self.cast.new.pkcs12(PASS_PHRASE))
        answers = [await self.type(terminal, line) for line in RENEWAL]
        self.check("the box took it: Commit complete.", "Commit complete." in answers[-1])
        self.mark("renewed")

    async def nothing_moved(self) -> None:
        """Act 3: the tool says success; the wire says otherwise."""
        await self.sbc.advance(hours=1)
        self.act(3, "Who uses it? Nobody.", "An hour later, a ping every minute. Only a connection made now gets NEW.")
        self.show_connections()
        before = self.pinged.live[0].requests
        await self.sbc.advance(minutes=1)
        self.check("the pings still run on the first connection", self.pinged.live[0].requests > before)
        self.check("which was made with OLD", self.shown(self.pinged) == ["OLD"])
        await self.dialling.ping(self.dialling.live[0])
        self.check("the inbound connection still answers, on OLD", self.shown(self.dialling) == ["OLD"])
        newcomer = await self.dial()
        self.check("a newcomer is shown NEW", self.name(newcomer) == "NEW")

    async def keep_pinging(self) -> None:
        """Act 4: pathCheck keeps the old certificate alive."""
        await self.until(from_rfc3339(OLD_ENDS) - HOUR)
        self.act(4, "Pings keep it alive", "An hour before OLD ends: a month of OPTIONS, one every 60 s.")
        await self.dialling.ping(self.dialling.live[0])
        self.check("the box still pings over the first connection", len(self.pinged.connections) == 1)
        pings = [entry.event for entry in self.sbc.journal(kind="pathPing") if isinstance(entry.event, PathPing)]
        due = sum(ping.times for ping in pings)
        self.check(
            f"{due} pings fell due; a jump sends one for many, the {len(pings)} sent were all answered there",
            due > 59 * DAY // MINUTE
            and all(ping.ok for ping in pings)
            and self.pinged.connections[0].requests == len(pings),
        )

    async def expire(self) -> None:
        """Act 5: past notAfter, and nothing happens."""
        await self.until(from_rfc3339(OLD_ENDS) + HOUR)
        self.act(5, "Expired, and in use", "An hour after OLD ended. The re-check runs once a day, not now.")
        self.mark("OLD expires")
        self.show_connections()
        await self.dialling.ping(self.dialling.connections[0])
        self.check("OPTIONS are answered on an expired certificate", self.dialling.connections[0].live)
        self.check("and so are the box's own", self.pinged.connections[0].live)

    async def tear_down(self, terminal: Terminal) -> None:
        """Act 6: certExpiryCheck ends exactly those connections; the next ping dials anew."""
        old = [self.pinged.connections[0], self.dialling.connections[0]]
        newcomer = self.dialling.connections[1]
        await self.until(from_rfc3339("2026-03-03T00:02:00Z"))
        await self.dialling.wait_for(lambda: not old[1].live)
        self.act(6, "certExpiryCheck", "Midnight: every connection that uses an expired certificate is closed.")
        self.mark("re-check closes them")
        await self.type(terminal, "run show status alarms currentStatus | match desc")
        self.check("both connections on OLD were closed", not any(each.live for each in old))
        self.check("the one on NEW was not", newcomer.live)
        await self.pinged.wait_for(lambda: bool(self.pinged.live))
        self.check("the next ping dialled anew and showed NEW", self.shown(self.pinged) == ["OLD", "NEW"])
        again = await self.dial()
        await self.dialling.ping(again)
        self.check("the peer that dials in again is shown NEW", self.name(again) == "NEW")
        self.check("the path check says up", self.sbc.peers()[0].path_state == "up")
        self.show_connections()

    async def look_back(self) -> None:
        """Act 7: ninety days on."""
        await self.until(from_rfc3339(START) + 90 * DAY)
        self.act(7, "Day 90", "Everything runs on NEW.")
        await self.type_status()
        live = [*self.pinged.live, *self.dialling.live]
        self.check("every live connection shows NEW", {self.name(each) for each in live} == {"NEW"})
        handshakes = [entry.event for entry in self.sbc.journal(kind="handshake")]
        failed = [event for event in handshakes if isinstance(event, Handshake) and not event.ok]
        self.check("no handshake failed in 90 days", not failed)
        self.tell.timeline(from_rfc3339(START), self.now(), self.rows(), self.marks)

    async def type_status(self) -> None:
        """Show the connections as the box's own table tells them: without certificates."""
        command = "show table addressContext default zone ZONE1 sipSigConnStatus"
        ports = self.sbc.ports
        async with Terminal(ports.cli.host, ports.cli.port, "admin", "admin") as terminal:
            prompt = terminal.prompt
            self.tell.typed(prompt, command, await terminal.type(command))
        self.show_connections()

    # what the acts are made of

    def act(self, number: int, title: str, text: str) -> None:
        """Begin an act."""
        self.tell.act(number, title, self.now(), text)

    def check(self, statement: str, true: bool) -> None:
        """State something looked up on the wire."""
        self.tell.check(statement, true=true)

    def mark(self, text: str) -> None:
        """Remember a moment for the timeline."""
        self.marks.append((self.now(), text))

    def now(self) -> int:
        """Return the calendar of the box."""
        return self.sbc.clock.reading().calendar

    async def until(self, calendar: int) -> None:
        """Move the clock to a moment."""
        await self.sbc.advance(to=to_datetime(calendar))

    async def type(self, terminal: Terminal, line: str) -> str:
        """Type a line at the terminal and show it with its answer."""
        prompt = terminal.prompt
        answer = await terminal.type(line)
        self.tell.typed(prompt, line.replace(PASS_PHRASE, "********"), answer)
        return answer

    async def upload(self, name: str, content: bytes) -> None:
        """Upload a file to the certificate directory."""
        ports = self.sbc.ports
        await upload((ports.sftp.host, ports.sftp.port), "admin", "admin", f"{CERT_DIR}/{name}", content)
        self.tell.uploaded(name, len(content))

    async def dial(self) -> PeerConnection:
        """Have the second peer dial the box."""
        address = self.sbc.ports.sip[0].address
        return await self.dialling.dial(address.host, address.port)

    def name(self, connection: PeerConnection) -> str:
        """Return the box's name of the certificate that a peer was shown."""
        return self.cast.name(connection.certificate.serial)

    def shown(self, peer: SipPeer) -> list[str]:
        """Return the names of the certificates that a peer was shown, connection by connection."""
        return [self.name(connection) for connection in peer.connections]

    def show_connections(self) -> None:
        """Show what the control interface knows and no vendor table tells."""
        rows = []
        for each in self.sbc.connections():
            certificate = each.local_certificate
            name = certificate.name if certificate else "-"
            until = f"{certificate.not_after:%Y-%m-%d}" if certificate else "-"
            peer = "PEER1" if each.direction == "outbound" else "peer 2"
            rows.append((each.id, each.direction, peer, name, until, f"{each.since:%Y-%m-%d %H:%M}"))
        self.tell.connections(rows)

    def rows(self) -> list[Row]:
        """Return the bars of the timeline."""
        return [
            Row(
                f"{label} #{each.number}",
                self.name(each),
                each.opened.calendar,
                None if each.closed is None else each.closed.calendar,
                each.requests + each.answers,
            )
            for label, peer in (("PEER1 pinged", self.pinged), ("peer 2 dials", self.dialling))
            for each in peer.connections
        ]


async def perform(console: Console) -> bool:
    """Perform the play once; returns whether every statement was true on the wire."""
    begun = time.monotonic()  # noqa: TID251 - the time of the audience, not of the box
    cast = gather()
    tell = Teller(console)
    async with AsyncExitStack() as stage:
        clock = VirtualClock(START)
        peers: list[SipPeer] = []
        for issued in (cast.pinged, cast.dialling):
            peer = SipPeer(issued, cast.authority.certificate, clock.reading)
            peers.append(peer)
            stage.push_async_callback(peer.close)
        port = await peers[0].listen()
        sbc = Simulator(clock=clock, maps=[f"192.0.2.10:5061=127.0.0.1:{port}"])
        await stage.enter_async_context(sbc)
        terminal = await stage.enter_async_context(Terminal(sbc.ports.cli.host, sbc.ports.cli.port, "admin", "admin"))
        story = Story(sbc, peers[0], peers[1], cast, tell)
        try:
            await story.play(terminal)
        except (PeerError, TimeoutError, OSError) as error:
            tell.check(f"the play was interrupted: {type(error).__name__} {error}", true=False)
    return tell.verdict(time.monotonic() - begun)  # noqa: TID251


def main(console: Console | None = None) -> int:
    """Perform the play; returns the exit status: 0 only if every statement was true on the wire."""
    return 0 if asyncio.run(perform(console or Console(highlight=False))) else 1
