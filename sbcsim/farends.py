"""A SIP peer and an OCSP responder for programs without an event loop: each runs in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, overload

from .clock import Clock, Instant
from .journal import Entry
from .loopthread import LoopThread, Threaded
from .net.ocspresponder import Inquiry, OcspBehaviour, OcspConduct, OcspResponder
from .net.peer import PeerConnection, SipPeer
from .net.peercall import CallMessage, CallState, PeerCall
from .net.peerconduct import Behaviour, Conduct, End
from .net.peertls import TlsTerms
from .pki.credential import Certificate
from .pki.mint import Authority, Issued
from .pki.ocsp import Answer
from .sip.message import Request, Response

_Result = TypeVar("_Result")


class _Follower(Threaded):
    """Something in a thread of its own that goes by the clock of a box, and by the beginning of time without one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._clock: Clock | None = None

    def follow(self, clock: Clock) -> None:
        """Go by this clock from now on."""
        self._clock = clock

    @property
    def follows(self) -> bool:
        """Whether there is a clock to go by."""
        return self._clock is not None

    def _do(self, function: Callable[[], _Result]) -> _Result:
        return self._thread.call(function) if self._thread.running else function()


class SyncPeerCall:
    """A call of a far end in a thread of its own; `call` is what that has of it, and what is done is done there."""

    def __init__(self, thread: LoopThread, call: PeerCall) -> None:
        self._thread = thread
        self.call = call

    def __repr__(self) -> str:
        return f"<SyncPeerCall {self.call.number} {self.call.state.value}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SyncPeerCall) and self.call is other.call

    def __hash__(self) -> int:
        return hash(self.call)

    @property
    def state(self) -> CallState:
        """Where it stands."""
        return self.call.state

    @property
    def live(self) -> bool:
        """Whether it has been answered, and nobody has ended it."""
        return self.call.live

    @property
    def status(self) -> int:
        """The last answer to its INVITE, 0 for none."""
        return self.call.status

    @property
    def ended_by(self) -> str:
        """Who ended it, box or peer; "" while nobody has."""
        return self.call.ended_by

    @property
    def why(self) -> str:
        """Why it ended, "" while it has not."""
        return self.call.why

    @property
    def on_hold(self) -> bool:
        """Whether the box's side has put it on hold."""
        return self.call.on_hold

    @property
    def messages(self) -> list[CallMessage]:
        """What has been said in it, oldest first."""
        return list(self.call.messages)

    @property
    def connections(self) -> list[PeerConnection]:
        """The connections that have carried it, oldest first."""
        return list(self.call.connections)

    @property
    def certificates(self) -> list[Certificate]:
        """The certificates that the box showed on the connections that have carried it, oldest first."""
        return self.call.certificates

    def wait_for(self, state: CallState | str, *, patience: float | None = None) -> None:
        """Wait until it has come so far; raises PeerError where it ends instead, or TimeoutError."""
        self._thread.wait(lambda: self.call.wait_for(state, patience=patience))

    def ring(self, status: int = 180) -> None:
        """Say that it rings; raises PeerError where it cannot."""
        self._thread.wait(lambda: self.call.ring(status))

    def answer(self) -> None:
        """Answer it, and wait until that has been acknowledged; raises PeerError where it cannot be."""
        self._thread.wait(self.call.answer)

    def refuse(self, status: int = 486) -> None:
        """Refuse it; raises PeerError where it cannot be."""
        self._thread.wait(lambda: self.call.refuse(status))

    def cancel(self) -> None:
        """Give it up before it is answered, and wait until it is over; raises PeerError where it cannot be."""
        self._thread.wait(self.call.cancel)

    def hang_up(self) -> None:
        """Say BYE, and wait until that is answered; raises PeerError where it cannot be."""
        self._thread.wait(self.call.hang_up)

    def request(self, method: str, *, extra: Iterable[tuple[str, str]] = (), body: bytes = b"") -> int:
        """Send any request within it, and return the status of the final answer; raises PeerError."""
        return self._thread.wait(lambda: self.call.request(method, extra=extra, body=body))

    def hold(self) -> int:
        """Put the other side on hold by a re-INVITE, and return the status of the answer."""
        return self._thread.wait(self.call.hold)

    def resume(self) -> int:
        """Take the other side off hold by a re-INVITE, and return the status of the answer."""
        return self._thread.wait(self.call.resume)


class SyncSipPeer(_Follower):
    """A far end of the box over mutual TLS, in a thread of its own: it answers, dials in and records what it saw.

    It does what `SipPeer` does, and takes no certificate that has expired by the clock of the box that it `follow`s;
    until then it judges no date.
    """

    def __init__(
        self,
        issued: Issued | None,
        anchor: Certificate | Iterable[Certificate],
        *,
        terms: TlsTerms | None = None,
        transport: Literal["tls", "tcp"] = "tls",
    ) -> None:
        super().__init__("SIP peer")
        self._peer = SipPeer(issued, anchor, self._now, terms=terms, transport=transport)
        self._dated = self._peer.terms.checks_dates
        self._peer.negotiate(checks_dates=False)
        self.host = "127.0.0.1"
        self.port = 0

    async def _open(self) -> None:
        self.port = await self._peer.listen(self.host)

    async def _close(self) -> None:
        await self._peer.close()

    def follow(self, clock: Clock) -> None:
        """Judge dates by this clock from now on."""
        super().follow(clock)
        self._do(lambda: self._peer.negotiate(checks_dates=self._dated))

    @property
    def attempts(self) -> list[PeerConnection]:
        """All connections that anybody opened, oldest first; those whose handshake failed as well."""
        return list(self._peer.attempts)

    @property
    def connections(self) -> list[PeerConnection]:
        """All connections that it ever had, oldest first, with the certificate that the box showed on each."""
        return self._peer.connections

    @property
    def live(self) -> list[PeerConnection]:
        """The connections that stand."""
        return self._peer.live

    @property
    def calls(self) -> list[SyncPeerCall]:
        """All calls that it has placed or that came in, oldest first."""
        return [SyncPeerCall(self._thread, each) for each in self._peer.calls]

    @property
    def conduct(self) -> Conduct:
        """How it behaves."""
        return self._peer.conduct

    @property
    def terms(self) -> TlsTerms:
        """What it agrees to in TLS."""
        return self._peer.terms

    def events(self, kind: str = "", *, after: int = 0) -> list[Entry]:
        """Return what it saw, oldest first: of one kind if that is given, with numbers greater than `after`."""
        kinds = frozenset([kind] if kind else ())
        return self._do(lambda: self._peer.events.after(after, kinds))

    def behave(self, what: Behaviour | Conduct = Behaviour.ANSWERS, **changes: Any) -> None:  # noqa: ANN401 - those of SipPeer.behave
        """Behave so from now on; without arguments it is a good peer again. Raises UserError, OSError."""
        self._do(lambda: self._peer.behave(what, **changes))

    def negotiate(self, **changes: Any) -> None:  # noqa: ANN401 - those of SipPeer.negotiate
        """Change what is agreed to in handshakes from now on; raises UserError for what there is not."""
        self._dated = changes.get("checks_dates", self._dated)
        self._do(lambda: self._peer.negotiate(**changes))

    def present(self, issued: Issued) -> None:
        """Show another certificate from now on; connections that stand keep theirs."""
        self._do(lambda: self._peer.present(issued))

    def trust(self, *anchors: Certificate) -> None:
        """Trust these from now on and nobody else; without arguments nobody at all."""
        self._do(lambda: self._peer.trust(*anchors))

    def dial(self, port: int, host: str = "127.0.0.1") -> PeerConnection:
        """Open a connection to a SIP port of the box; raises PeerError where the handshake fails, or OSError."""
        return self._thread.wait(lambda: self._peer.dial(host, port))

    def dial_several(self, port: int, count: int, host: str = "127.0.0.1") -> list[PeerConnection]:
        """Open several connections at once; raises what `dial` raises."""
        return self._thread.wait(lambda: self._peer.dial_several(host, port, count))

    def call(
        self,
        called: str,
        over: PeerConnection | None = None,
        *,
        calling: str = "100",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> SyncPeerCall:
        """Call a number over a connection that stands, the newest unless one is given; returns the call at once.

        Raises PeerError where no connection stands.
        """
        placed = self._thread.wait(lambda: self._peer.call(called, over, calling=calling, extra=extra, body=body))
        return SyncPeerCall(self._thread, placed)

    def ping(self, connection: PeerConnection) -> int:
        """Send OPTIONS and return the status of the answer; raises PeerError if the connection is closed instead."""
        return self._thread.wait(lambda: self._peer.ping(connection))

    def request(self, connection: PeerConnection, request: Request | bytes) -> Response:
        """Send any request and return the final response; raises PeerError if the connection is closed instead."""
        return self._thread.wait(lambda: self._peer.request(connection, request))

    def keep_alive(self, connection: PeerConnection) -> None:
        """Send a keep-alive (CRLF CRLF) and wait for its answer; raises PeerError if the connection is closed."""
        self._thread.wait(lambda: self._peer.keep_alive(connection))

    def send(self, connection: PeerConnection, data: bytes, *, past_tls: bool = False) -> None:
        """Send octets, `past_tls` without encrypting them; raises PeerError if the connection is closed."""
        self._thread.wait(lambda: self._peer.send(connection, data, past_tls=past_tls))

    def hang_up(self, connection: PeerConnection, how: End = End.CLOSE_NOTIFY) -> None:
        """End one connection, and return once it is over; one that is over stays so."""
        self._thread.wait(lambda: self._peer.hang_up(connection, how))

    def expect(self, kind: str, *, after: int = 0, **fields: object) -> Entry:
        """Return the first event of a kind with these fields; raises ExpectationError, which names the nearest."""
        return self._do(lambda: self._peer.expect(kind, after=after, **fields))

    @overload
    def wait_for(self, what: Callable[[], bool], *, patience: float | None = None) -> None: ...

    @overload
    def wait_for(self, what: str, *, after: int = 0, patience: float | None = None, **fields: object) -> Entry: ...

    def wait_for(
        self, what: Callable[[], bool] | str, *, after: int = 0, patience: float | None = None, **fields: object
    ) -> Entry | None:
        """Wait for an event of a kind with these fields and return it, or until a condition holds.

        Raises ExpectationError for an event, TimeoutError for a condition; both tell what was seen instead.
        """
        if callable(what):
            self._thread.wait(lambda: self._peer.wait_for(what, patience=patience))
            return None
        return self._thread.wait(lambda: self._peer.wait_for(what, after=after, patience=patience, **fields))

    def _now(self) -> Instant:
        return Instant(0, 0) if self._clock is None else self._clock.reading()


class SyncOcspResponder(_Follower):
    """An OCSP responder over HTTP in a thread of its own, at `url`; it does what `OcspResponder` does."""

    def __init__(self, authority: Authority) -> None:
        super().__init__("OCSP responder")
        self._beginning = Instant(0, authority.certificate.not_before)
        self._responder = OcspResponder(authority, self._now)
        self.url = ""

    async def _open(self) -> None:
        self.url = await self._responder.start()

    async def _close(self) -> None:
        await self._responder.close()

    @property
    def asked(self) -> list[Inquiry]:
        """All questions, oldest first."""
        return list(self._responder.asked)

    def behave(self, what: OcspBehaviour | OcspConduct = OcspBehaviour.ANSWERS, **changes: Any) -> None:  # noqa: ANN401 - those of OcspResponder.behave
        """Behave so from now on; without arguments it is a good responder again. Raises UserError."""
        self._do(lambda: self._responder.behave(what, **changes))

    def say(self, about: Issued | Certificate, state: Answer | None) -> None:
        """Say this of one certificate from now on; None is the truth again."""
        self._do(lambda: self._responder.say(about, state))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something happened here that makes `condition` true; raises TimeoutError."""
        self._thread.wait(lambda: self._responder.wait_for(condition))

    def _now(self) -> Instant:
        return self._beginning if self._clock is None else self._clock.reading()
