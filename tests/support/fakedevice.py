"""A device without a brain: it does what a test tells it and remembers what it was told, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sbcsim.clock import Instant
from sbcsim.device.effects import (
    ConnectionId,
    Direction,
    Effect,
    Ending,
    Endpoint,
    HandshakeDone,
    HandshakeFailed,
    Listen,
    ListenerKey,
    Notice,
    Send,
    SendDatagram,
    SessionId,
    StartTls,
    TlsSettings,
    Transport,
)
from sbcsim.pki.credential import Credential, TrustAnchors
from sbcsim.pki.mint import Authority, Issued
from sbcsim.sip.locating import Answer, Question

MODERN = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256")


def settings(
    *versions: str,
    ciphers: tuple[str, ...] = MODERN,
    require_certificate: bool = True,
    validate_peer: bool = True,
    tolerate_purpose: bool = False,
) -> TlsSettings:
    """Return settings as a tlsProfile gives them."""
    allowed = frozenset(versions or ("TLSv1.2", "TLSv1.3"))
    return TlsSettings(allowed, ciphers, require_certificate, validate_peer, tolerate_purpose)


def credential(issued: Issued, name: str = "OWN") -> Credential:
    """Return a credential that shows its chain without the root."""
    return Credential(name, issued.certificate, issued.chain[:-1], issued.key)


def anchors(*authorities: Authority) -> TrustAnchors:
    """Return trust anchors."""
    return TrustAnchors(tuple(each.certificate for each in authorities))


def listener(port: int = 5061, address: str = "127.0.0.1", transport: Transport = Transport.TLS) -> ListenerKey:
    """Return the key of a listener."""
    return ListenerKey("default", "ZONE", 1, transport, (address, port))


class Heard(NamedTuple):
    """One thing that the device was told."""

    what: str
    connection: int
    detail: object = None
    alert: int = 0


class FakeDevice:
    """Fulfils `sbcsim.net.device.Device`."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.effects: list[Effect] = []
        self.wake: Callable[[], None] | None = None
        self.bound: dict[ListenerKey, str] = {}
        self.opened: list[tuple[ConnectionId, Endpoint, Endpoint]] = []
        self.tls: TlsSettings | None = settings()
        self.credential: Credential | None = None
        self.anchors = TrustAnchors()
        self.at = 0
        self.echo = True
        self.timers: dict[int, Callable[[Instant], None]] = {}
        self.fired: list[Instant] = []
        self.owed = 0
        self.silent = False
        self.hopeless = False
        self.lifetime = 0
        self.asks = False
        self.allow = True
        self.endings: list[Ending] = []
        self.homes: dict[SessionId, object] = {}
        self.given_up = 0
        self._numbers = 0
        self._news = asyncio.Event()

    def do(self, *effects: Effect) -> None:
        """Ask for effects, as a commit would."""
        self.effects += effects
        if self.wake is not None:
            self.wake()

    async def hear(self, what: str, count: int = 1) -> Heard:
        """Wait until something was heard `count` times; return the last of them."""
        async with asyncio.timeout(10):
            while len(found := [each for each in self.heard if each.what == what]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def note(self, what: str, connection: int, detail: object = None, alert: int = 0) -> None:
        """Remember something."""
        self.heard.append(Heard(what, connection, detail, alert))
        self._news.set()

    def start_tls(self, connection: ConnectionId, direction: Direction) -> None:
        """Begin a handshake as configured."""
        if self.tls is not None:
            lifetime = self.lifetime if direction is Direction.INBOUND else 0
            self.effects.append(
                StartTls(
                    connection, direction, self.tls, self.credential, self.anchors, self.at, (), lifetime, self.asks
                )
            )

    # What the driver reports.

    def accepted(self, listener: ListenerKey, local: Endpoint, remote: Endpoint, now: Instant) -> ConnectionId:
        self._numbers += 1
        self.opened.append((self._numbers, local, remote))
        self.note("accepted", self._numbers, listener)
        self.start_tls(self._numbers, Direction.INBOUND)
        return self._numbers

    def dialed(self, connection: ConnectionId, local: Endpoint, now: Instant) -> None:
        self.opened.append((connection, local, ("", 0)))
        self.note("dialed", connection)
        self.start_tls(connection, Direction.OUTBOUND)

    def dial_failed(self, connection: ConnectionId, reason: str, now: Instant) -> None:
        self.note("dial_failed", connection, reason)

    def certificates_shown(self, connection: ConnectionId, chain: Sequence[bytes], now: Instant) -> None:
        self.note("shown", connection, tuple(chain))

    def ocsp_answered(self, number: int, data: bytes | None, reason: str, now: Instant) -> None:
        self.note("ocsp", number, (data, reason))

    def session_offered(self, connection: ConnectionId, offers: tuple[SessionId, ...], now: Instant) -> object:
        self.note("offered", connection, offers)
        return next((self.homes[name] for name in offers if name in self.homes), None) if self.allow else None

    def handshake_done(self, connection: ConnectionId, result: HandshakeDone, now: Instant) -> None:
        self.homes.update(dict.fromkeys(result.sessions, result.home))
        self.note("done", connection, result)

    def handshake_failed(self, connection: ConnectionId, result: HandshakeFailed, now: Instant) -> None:
        self.note("failed", connection, result)

    def received(self, connection: ConnectionId, data: bytes, now: Instant) -> None:
        self.note("data", connection, data)
        if self.echo:
            self.effects.append(Send(connection, data))

    def datagram(self, listener: ListenerKey, remote: Endpoint, data: bytes, now: Instant) -> None:
        self.note("datagram", 0, (remote, data))
        if self.echo:
            self.effects.append(SendDatagram(listener, remote, data, answers=True))

    def undeliverable(self, call_id: str, reason: str, now: Instant) -> None:
        self.note("undeliverable", 0, (call_id, reason))

    def looked_up(self, question: Question, answer: Answer, now: Instant) -> None:
        self.note("looked_up", 0, (question, answer))

    def noticed(self, connection: ConnectionId, notice: Notice, alert: int, now: Instant) -> None:
        self.note("noticed", connection, notice, alert)

    def closed(
        self, connection: ConnectionId, reason: str, now: Instant, alert: int = 0, ending: Ending = Ending.CLOSED
    ) -> None:
        self.endings.append(ending)
        self.note("closed", connection, reason, alert)

    def listening(self, listener: ListenerKey, bound: str, now: Instant) -> None:
        self.bound[listener] = bound
        self.note("listening", 0, listener)

    def take_effects(self) -> Sequence[Effect]:
        effects, self.effects = self.effects, []
        return effects

    # Time.

    @property
    def stirred(self) -> bool:
        return False

    @property
    def closing(self) -> bool:
        return False

    def next_due(self) -> int | None:
        return min(self.timers, default=None)

    def fire(self, now: Instant) -> int:
        count = 0
        while (due := self.next_due()) is not None and due <= now.uptime:
            self.fired.append(now)
            self.timers.pop(due)(now)
            self.note("fired", 0, due)
            count += 1
        return count

    def plan(self, target: int) -> int | None:
        due = self.next_due()
        return due if due is not None and due <= target else None

    def fire_planned(self, now: Instant) -> tuple[int, int]:
        return self.fire(now), 0

    def unfinished(self, now: Instant) -> bool:
        return False

    def outstanding(self) -> int:
        return self.owed

    def hopeful(self) -> bool:
        return self.owed > 0 and not self.silent

    def resigned(self) -> bool:
        return self.owed > 0 and self.hopeless

    def give_up(self, now: Instant) -> None:
        self.given_up += 1
        self.owed = 0


def listen(port: int = 5061, **more: object) -> Listen:
    """Return the effect that opens a listener."""
    return Listen(listener(port, **more))  # type: ignore[arg-type]
