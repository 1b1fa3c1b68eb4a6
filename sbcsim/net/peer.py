"""A SIP peer over mutual TLS that is not the box: it answers, dials in, misbehaves, and records what it was shown.

    peer = SipPeer(ca.issue("peer.example.com"), ca.certificate, box.clock.reading)
    port = await peer.listen()                       # the box dials
    kept = await peer.dial(*box.ports.sip[0].address)
    peer.behave(Behaviour.UNAVAILABLE)
    await peer.wait_for("request", method="OPTIONS")

It stands on `peertls`, not on the box's own TLS engine, so that what it saw is evidence. Dates are judged at simulated
time: the peer refuses a certificate that has expired by the clock it is given.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from typing import Any, Literal, overload

from OpenSSL import SSL

from sbcsim.clock import Instant
from sbcsim.errors import PeerError, UserError
from sbcsim.expectation import Expectation, ExpectationError, expect
from sbcsim.journal import Entry, Journal
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Issued
from sbcsim.sip import options
from sbcsim.sip.message import Request, Response

from .patience import Changes
from .peercall import CallState, PeerCall
from .peercalls import PeerCalls
from .peerconduct import Behaviour, Callee, Conduct, End, Opening
from .peerconnection import PeerConnection
from .peerconversation import PING_OCTETS, Conversation
from .peerevents import Direction, EndSeen, HandshakeSeen, ResponseSeen, peer_kinds
from .peerlistener import Listener
from .peertls import Judge, PlainStream, TlsStream, TlsTerms, context

__all__ = [
    "Behaviour",
    "CallState",
    "Callee",
    "Conduct",
    "End",
    "Opening",
    "PeerCall",
    "PeerConnection",
    "SipPeer",
    "TlsTerms",
]

_HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class SipPeer:
    """A far end of the box.

    `attempts` are all connections that anybody opened, `connections` those whose handshake succeeded, both oldest
    first. `calls` are all calls. `events` is the journal of what it saw: the kinds are handshake, request, response,
    call, keepAlive, nonsense, end. `conduct` is how it behaves, `terms` what it agrees to in TLS. Over the transport
    "tcp" it needs no certificate.
    """

    patience = 10.0
    """Host seconds that `wait_for` waits at most."""

    def __init__(
        self,
        issued: Issued | None,
        anchor: Certificate | Iterable[Certificate],
        now: Callable[[], Instant],
        *,
        terms: TlsTerms | None = None,
        transport: Literal["tls", "tcp"] = "tls",
    ) -> None:
        """Show `issued`, trust one anchor or several, and judge dates by `now`, e.g. `box.clock.reading`."""
        self.attempts: list[PeerConnection] = []
        self.events = Journal()
        self.conduct = Conduct()
        self.terms = TlsTerms() if terms is None else terms
        self.transport = transport
        self.port = 0
        self._numbers = count(1)
        self._issued = issued
        self._anchors = (anchor,) if isinstance(anchor, Certificate) else tuple(anchor)
        self._now = now
        self._changes = Changes()
        self._contexts: dict[bool, SSL.Context] = {}
        self._session: SSL.Session | None = None
        self._listener: Listener | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening: set[PlainStream] = set()
        self._calls = PeerCalls(self.events, now, self._changes, lambda: self.live, self._spawn)

    @property
    def connections(self) -> list[PeerConnection]:
        """The connections whose handshake succeeded, oldest first."""
        return [each for each in self.attempts if each.established]

    @property
    def live(self) -> list[PeerConnection]:
        """The connections that stand."""
        return [each for each in self.attempts if each.live]

    @property
    def calls(self) -> list[PeerCall]:
        """All calls that it has placed or that came in, oldest first."""
        return list(self._calls.all)

    # What it is and how it behaves; all of it may change at any time.

    def behave(self, what: Behaviour | Conduct = Behaviour.ANSWERS, **changes: Any) -> None:  # noqa: ANN401 - fields of Conduct
        """Behave so from now on, with `changes` to the conduct; without arguments it is a good peer again.

        Raises UserError for a change that there is not, and OSError where its port has been taken meanwhile.
        """
        try:
            conduct = replace(what.value if isinstance(what, Behaviour) else what, **changes)
        except TypeError:
            known = ", ".join(Conduct.__slots__)
            raise UserError(f"no such conduct: {', '.join(changes)}; there are {known}") from None
        self.conduct = conduct
        if self._listener is not None:
            self._listener.take_up(listens=conduct.listens)
        self._changes.tell()

    def negotiate(self, **changes: Any) -> None:  # noqa: ANN401 - fields of TlsTerms
        """Change what is agreed to in handshakes from now on: `negotiate(versions=("TLSv1.2",))`.

        Raises UserError for what there is not, or OpenSSL has not.
        """
        try:
            terms = replace(self.terms, **changes)
        except TypeError:
            known = ", ".join(TlsTerms.__slots__)
            raise UserError(f"no such term: {', '.join(changes)}; there are {known}") from None
        self._settle(terms, self._issued, self._anchors)

    def present(self, issued: Issued) -> None:
        """Show another certificate from now on; connections that stand keep theirs.

        Raises UserError where OpenSSL will not show it, as where the key is not the certificate's.
        """
        self._settle(self.terms, issued, self._anchors)

    def trust(self, *anchors: Certificate) -> None:
        """Trust these from now on and nobody else; without arguments nobody at all."""
        self._settle(self.terms, self._issued, anchors)

    # Connections.

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Wait for the box to dial; returns the port. Raises UserError where OpenSSL refuses certificate or terms."""
        if self.transport == "tls":
            self._context(server=True)
        self._listener = Listener(host, port, lambda sock: self._spawn(self._accepted(sock)))
        self.port = self._listener.port
        self._listener.take_up(listens=self.conduct.listens)
        return self.port

    async def dial(self, host: str, port: int) -> PeerConnection:
        """Open a connection to the box; raises PeerError where the handshake fails, OSError where nobody is there.

        Raises UserError where OpenSSL refuses certificate or terms. Over TLS 1.3 the box judges the peer's certificate
        only behind the handshake: `ping` tells.
        """
        if self.transport == "tls":
            self._context(server=False)  # before there is anything to close where it cannot be had
        reader, writer = await asyncio.open_connection(host, port)
        connection = self._begin(reader, writer, "dialled")
        failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._spawn(self._live(connection, failure))
        reason = await failure
        if reason:
            raise PeerError(reason, layer="tls")
        return connection

    async def dial_several(self, host: str, port: int, count: int) -> list[PeerConnection]:
        """Open several connections to the box at once; raises what `dial` raises."""
        return list(await asyncio.gather(*(self.dial(host, port) for _ in range(count))))

    async def call(
        self,
        called: str,
        over: PeerConnection | None = None,
        *,
        calling: str = "100",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> PeerCall:
        """Call a number, or a URI, and return the call, whose INVITE is on its way.

        It goes over a connection that stands, the newest unless one is given. `extra` are further headers, `body` is
        the session description; one for audio unless given. Raises PeerError where no connection stands.
        """
        connection = over or next(reversed(self.live), None)
        if connection is None:
            raise PeerError("no connection stands to call over", layer="tcp")
        return self._calls.place(called, calling, connection, extra, body)

    async def ping(self, connection: PeerConnection) -> int:
        """Send OPTIONS and return the status of the answer; raises PeerError if the connection is closed instead."""
        word = f"{connection.number:04d}{connection.requests + 1:08d}"
        transport = self.transport.upper()
        request = options.ping(
            connection.remote, connection.local, transport, call_id=word, branch=word, tag=word, cseq=1
        )
        return (await self.request(connection, request)).status

    async def request(self, connection: PeerConnection, request: Request | bytes) -> Response:
        """Send a request, as octets if it is to be anything but usual, and return the next final response.

        Raises PeerError if the connection is closed instead.
        """
        after = self.events.last
        await self.send(connection, request if isinstance(request, bytes) else request.to_bytes())
        connection.requests += 1
        found: list[Response] = []

        def answered() -> bool:
            found[:] = [
                entry.event.message
                for entry in self.events.after(after, frozenset({"response"}))
                if isinstance(entry.event, ResponseSeen)
                and entry.event.connection == connection.number
                and entry.event.status >= 200
            ]
            return bool(found) or not connection.live

        await self.wait_for(answered)
        if not found:
            raise PeerError("the connection was closed instead of an answer", layer="tcp")
        return found[0]

    async def keep_alive(self, connection: PeerConnection) -> None:
        """Send a keep-alive (CRLF CRLF) and wait for its answer; raises PeerError if the connection is closed."""
        before = connection.pongs
        await self.send(connection, PING_OCTETS)
        await self.wait_for(lambda: connection.pongs > before or not connection.live)
        if connection.pongs == before:
            raise PeerError("the connection was closed instead of an answer", layer="tcp")

    async def send(self, connection: PeerConnection, data: bytes, *, past_tls: bool = False) -> None:
        """Send octets, `past_tls` without encrypting them; raises PeerError if the connection is closed."""
        if not connection.live:
            raise PeerError("the connection is closed", layer="tcp")
        if past_tls:
            connection.stream.write_raw(data)
        else:
            connection.stream.write(data)

    async def hang_up(self, connection: PeerConnection, how: End = End.CLOSE_NOTIFY) -> None:
        """End one connection, and return once it is over; one that is over stays so."""
        if connection.live:
            connection.finish(how)
        await self.wait_for(lambda: connection.closed is not None)

    # What it saw.

    def expect(self, kind: str, *, after: int = 0, **fields: object) -> Entry:
        """Return the first event of a kind with these fields; raises ExpectationError, which names the nearest."""
        return expect(self.events, kind, after, fields, peer_kinds())

    @overload
    async def wait_for(self, what: Callable[[], bool], *, patience: float | None = None) -> None: ...

    @overload
    async def wait_for(
        self, what: str, *, after: int = 0, patience: float | None = None, **fields: object
    ) -> Entry: ...

    async def wait_for(
        self, what: Callable[[], bool] | str, *, after: int = 0, patience: float | None = None, **fields: object
    ) -> Entry | None:
        """Wait for an event of a kind with these fields and return it, or until a condition holds.

        Raises ExpectationError for an event, TimeoutError for a condition, after `patience` host seconds; both tell
        what was seen instead.
        """
        patience = self.patience if patience is None else patience
        if callable(what):
            await self._changes.until(what, patience, self._told)
            return None
        wanted = Expectation.of(what, fields, peer_kinds())
        found: list[Entry] = []

        def happened() -> bool:
            first = wanted.first(self.events.after(after, wanted.kinds))
            found[:] = [] if first is None else [first]
            return bool(found)

        try:
            await self._changes.until(happened, patience)
        except TimeoutError:
            raise ExpectationError(wanted.explain(self.events.after(after))) from None
        return found[0]

    async def forget(self, connections: Iterable[PeerConnection]) -> None:
        """Forget connections once they are over, and the calls that were on them; raises TimeoutError, see `wait_for`.

        Their events stay.
        """
        gone = [*connections]
        await self.wait_for(lambda: all(each.closed is not None for each in gone))
        self.attempts[:] = [each for each in self.attempts if each not in gone]
        self._calls.forget(gone)

    async def close(self) -> None:
        """Close everything; no task or socket is left."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await asyncio.sleep(0)  # who is cancelled before his first step lets go of nothing
        self._calls.close()
        for connection in self.live:
            connection.finish(End.CLOSE_NOTIFY)
        for stream in tuple(self._opening):
            stream.reset()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # Within.

    async def _accepted(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        if transport.get_extra_info("peername") is None:
            transport.abort()  # reset before we looked
            return
        await self._live(self._begin(reader, writer, "accepted"), None)

    def _begin(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> PeerConnection:
        stream = self._stream(reader, writer, server=direction == "accepted")
        connection = PeerConnection(next(self._numbers), direction, stream, self._now())
        self.attempts.append(connection)
        self._opening.add(stream)
        self._changes.tell()
        return connection

    def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, server: bool) -> PlainStream:
        if self.transport == "tcp":
            return PlainStream(reader, writer)
        judge = Judge(self.terms, self.conduct.refuses, self._now)
        session = None if server else self._session
        return TlsStream(reader, writer, self._context(server=server), judge, server=server, session=session)

    def _context(self, *, server: bool) -> SSL.Context:
        if server not in self._contexts:
            self._contexts[server] = context(self.terms, self._issued, self._anchors, server=server)
        return self._contexts[server]

    def _settle(self, terms: TlsTerms, issued: Issued | None, anchors: tuple[Certificate, ...]) -> None:
        """Go on with other settings, or with those there were where these cannot be had."""
        if self.transport == "tls":
            self._contexts = {server: context(terms, issued, anchors, server=server) for server in (False, True)}
        self.terms, self._issued, self._anchors = terms, issued, anchors
        self._session = None

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine of ours
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, connection: PeerConnection, failure: asyncio.Future[str] | None) -> None:
        """See a connection through from its handshake to its end."""
        stream = connection.stream
        try:
            connection.established = await self._open(stream)
            self._opening.discard(stream)
            self._note_handshake(connection)
            if failure is not None:
                failure.set_result(connection.failure)
            if connection.established:
                await self._converse(connection)
            else:
                await stream.hear_out()
        except asyncio.CancelledError:
            pass  # by `close`
        finally:
            self._opening.discard(stream)
            if failure is not None and not failure.done():
                failure.set_result("the peer was closed")
            self._over(connection)

    async def _open(self, stream: PlainStream) -> bool:
        match self.conduct.opening:
            case Opening.SHAKES:
                return await stream.handshake()
            case Opening.STALLS:
                await stream.hear_out()
                stream.reason = "never finished the handshake, on purpose"
            case Opening.CLOSES:
                stream.half_close()
                stream.reason = "closed at once, on purpose"
            case Opening.RESETS:
                stream.reset()
                stream.reason = "reset at once, on purpose"
            case Opening.SPEAKS_HTTP:
                stream.write_raw(_HTTP)
                stream.reason = "spoke HTTP, on purpose"
        return False

    async def _converse(self, connection: PeerConnection) -> None:
        talk = Conversation(
            connection, lambda: self.conduct, self.events, self._now, self._changes, self._spawn, self._calls
        )
        while data := await connection.stream.read():
            talk.take(data)
            self._changes.tell()
            self._keep_session(connection.stream)

    def _keep_session(self, stream: PlainStream) -> None:
        # Only what we dialled under the terms of today can be taken up again.
        if self.terms.resumes and isinstance(stream, TlsStream) and stream.settings is self._contexts.get(False):
            self._session = stream.session or self._session

    def _note_handshake(self, connection: PeerConnection) -> None:
        shown = connection.shown
        event = HandshakeSeen(
            connection.number,
            connection.direction,
            connection.established,
            serial=shown[0].serial if shown else "",
            version=connection.version,
            suite=connection.suite,
            resumed=connection.resumed,
            alert_sent=connection.alert_sent,
            alert_received=connection.alert_received,
            reason=connection.reason,
            shown=shown,
        )
        self.events.add(self._now(), event)
        self._changes.tell()

    def _over(self, connection: PeerConnection) -> None:
        stream = connection.stream
        if not connection.ended_by:
            connection.ended_by, connection.end = "box", stream.end
        connection.closed = self._now()
        stream.close()
        if connection.established:
            event = EndSeen(
                connection.number, connection.end, connection.ended_by, connection.alert_received, connection.reason
            )
            self.events.add(connection.closed, event)
            self._calls.lost(connection)
        self._changes.tell()

    def _told(self) -> str:
        """Return what was seen, in words."""
        counts = ", ".join(f"{count} {kind}" for kind, count in self.events.counts.most_common()) or "nothing"
        return f"seen: {counts}; connections: {self.attempts or 'none'}"
