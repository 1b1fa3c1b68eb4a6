"""A device in memory: the real Sbc and configuration, with far ends that are plain objects instead of sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sbcsim.clock import VirtualClock, parse_duration
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Author, Database
from sbcsim.config.tree import Tree
from sbcsim.device.effects import (
    AskOcsp,
    Close,
    Closing,
    Dial,
    Direction,
    DropOcsp,
    Effect,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    Listen,
    ListenerKey,
    Lookup,
    OcspVerdict,
    Send,
    SendDatagram,
    SendSyslog,
    SendTrap,
    SessionId,
    StartTls,
    StopListening,
    Transport,
)
from sbcsim.device.sbc import Sbc
from sbcsim.device.settings import Settings
from sbcsim.events import Event
from sbcsim.pki.credential import Certificate, CertificateError
from sbcsim.schema import load
from sbcsim.schema.walk import Word, resolve_set
from sbcsim.sip.datagram import read
from sbcsim.sip.locating import Answer, Question
from sbcsim.sip.message import Request, Response
from sbcsim.sip.options import respond
from sbcsim.sip.stream import Stream

AUTHOR = Author(user="admin", context="cli", session=1, remote="127.0.0.1", protocol="ssh")


@dataclass
class FarEnd:
    """A peer that the box dials.

    `behaviour` is answer, silent, refuse, hang, owe (answers go to `owed`) or a status to answer with. One that is
    `late` refuses a certificate as over TLS 1.3: when the box's own handshake is over. Over UDP the next `lost`
    datagrams do not arrive; one that would refuse says that nobody can be sent anything there. The next `refusals`
    connections are refused.
    """

    chain: tuple[bytes, ...] = ()
    late: bool = False
    lost: int = 0
    refusals: int = 0
    behaviour: str | int = "answer"
    seen: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    requests: int = 0
    asked: list[Request] = field(default_factory=list)
    told: list[Response] = field(default_factory=list)
    owed: list[tuple[int, bytes]] = field(default_factory=list)
    owed_datagrams: list[tuple[ListenerKey, bytes]] = field(default_factory=list)


class Box:
    """The device with its configuration, a virtual clock, and far ends by address."""

    def __init__(
        self, *, start: str = "2026-01-01T00:00:00Z", settings: Settings | None = None, tree: Tree | None = None
    ) -> None:
        self.clock = VirtualClock(start)
        self.database = Database(load.load(), tree, cipher=Cipher(0))
        self.sbc = Sbc(self.database, self.clock, settings=settings)
        self.far_ends: dict[tuple[str, int], FarEnd] = {}
        self.listening: set[ListenerKey] = set()
        self.effects: deque[Effect] = deque()
        self.dialled: dict[int, FarEnd] = {}
        self.streams: dict[int, Stream] = {}
        self.sent: dict[int, bytes] = {}
        self.datagrams: list[SendDatagram] = []
        """What has gone out by UDP to others than far ends."""
        self.closed: list[int] = []
        self.closings: dict[int, Closing] = {}
        self.syslog: list[SendSyslog] = []
        self.traps: list[SendTrap] = []
        self.streams_in: dict[int, tuple[bytes, ...]] = {}
        self.offers: dict[int, tuple[SessionId, ...]] = {}
        self.given: dict[int, SessionId] = {}
        """The last name of the session of an inbound connection."""
        self.version = "TLSv1.2"
        self.responders: dict[str, Callable[[bytes], bytes | str | None]] = {}
        """OCSP responders by URL: what one answers, why it cannot be reached, or None while it is silent."""
        self.dropped: list[int] = []
        self.asking: dict[int, StartTls] = {}
        """Handshakes that wait for an `OcspVerdict`."""
        self.slow_handshakes = False
        self.handshaking: dict[int, StartTls] = {}
        self.dns: dict[Question, Answer] = {}
        self.asked: list[Question] = []
        self.slow_dns = False
        self.sbc.start(self.now)
        self.pump()

    @property
    def now(self):
        return self.clock.reading()

    def commit(self, *lines: str):
        """Apply `set` and `delete` lines in one commit and let everything settle; a list is `[one,other]`."""
        candidate = self.database.open(AUTHOR)
        try:
            for line in lines:
                verb, *words = line.split()
                path_words = [_word(word) for word in words]
                if verb == "delete":
                    candidate.delete(tuple(words))
                    continue
                for each in resolve_set(self.database.schema, path_words):
                    if each.value is None:
                        candidate.create(each.path)
                    else:
                        candidate.set(each.path, each.value)
            record = candidate.commit(self.now)
        finally:
            self.database.close(candidate)
        self.pump()
        return record

    def put(self, name: str, data: bytes) -> None:
        self.sbc.files.write(f"/opt/sonus/external/{name}", data, self.now)

    def events(self, kind: str) -> list[Event]:
        return [entry.event for entry in self.sbc.journal if entry.kind == kind]

    def advance(self, text: str) -> None:
        self.advance_by(parse_duration(text))

    def advance_by(self, micros: int) -> None:
        """Jump as the driver does: step to each instant, settle, give up on who stays silent."""
        target = self.now.uptime + micros
        while (due := self.sbc.plan(target)) is not None:
            self.clock.move_to(max(due, self.now.uptime))
            self.sbc.fire_planned(self.now)
            self.pump()
            if self.sbc.outstanding():
                self.sbc.give_up(self.now)
                self.pump()
        self.clock.move_to(target)

    def pump(self) -> None:
        """Carry out every effect until nothing is left to do."""
        self.effects.extend(self.sbc.take_effects())
        while self.effects:
            self._do(self.effects.popleft())
            self.effects.extend(self.sbc.take_effects())

    def connect(
        self,
        address: tuple[str, int],
        chain: tuple[bytes, ...] = (),
        remote=("127.0.0.1", 40000),
        offers: tuple[SessionId, ...] = (),
    ) -> int:
        """Dial in to a listener as a peer with a certificate chain, and perhaps with earlier sessions."""
        listener = next(each for each in self.sbc.listeners() if each.address == address)
        number = self.sbc.accepted(listener, address, remote, self.now)
        self.streams_in[number] = chain
        self.offers[number] = offers
        self.pump()
        return number

    def say(self, connection: int, data: bytes) -> bytes:
        """Send octets on an inbound connection and return what came back."""
        self.sent[connection] = b""
        self.sbc.received(connection, data, self.now)
        self.pump()
        return self.sent[connection]

    def say_by_udp(self, data: bytes, remote=("127.0.0.1", 40000), address=("10.0.0.5", 5060)) -> list[SendDatagram]:
        """Send a datagram to a sipSigPort and return what came back to whom."""
        listener = next(each for each in self.listening if each.address == address and each.transport is Transport.UDP)
        self.datagrams.clear()
        self.sbc.datagram(listener, remote, data, self.now)
        self.pump()
        return list(self.datagrams)

    def finish_handshake(self, connection: int) -> None:
        """Let a handshake end that began while `slow_handshakes` was set."""
        self._judge(self.handshaking.pop(connection))
        self.pump()

    def pay(self, far: FarEnd) -> None:
        """Let a far end send the answers that it owes."""
        for connection, data in far.owed:
            self.sbc.received(connection, data, self.now)
        far.owed.clear()
        for listener, data in far.owed_datagrams:
            self.sbc.datagram(listener, self._at(far), data, self.now)
        far.owed_datagrams.clear()
        self.pump()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Listen():
                self.listening.add(effect.listener)
                self.sbc.listening(effect.listener, "127.0.0.1:1", self.now)
            case StopListening():
                self.listening.discard(effect.listener)
            case Dial():
                self._dial(effect)
            case StartTls():
                self._handshake(effect)
            case Send():
                self._send(effect)
            case SendDatagram():
                self._send_datagram(effect)
            case Lookup(question):
                self._look_up(question)
            case SendSyslog():
                self.syslog.append(effect)
            case SendTrap():
                self.traps.append(effect)
            case AskOcsp():
                self._ask(effect)
            case DropOcsp():
                self.dropped.append(effect.number)
            case OcspVerdict():
                self._heed(effect)
            case Close():
                self.closed.append(effect.connection)
                self.closings[effect.connection] = effect.how

    def _dial(self, effect: Dial) -> None:
        far = self.far_ends.get(effect.remote)
        if far is None or far.behaviour == "refuse" or far.refusals:
            if far is not None:
                far.refusals = max(far.refusals - 1, 0)
            self.sbc.dial_failed(effect.connection, "connection refused", self.now)
            return
        if far.behaviour == "hang":
            return
        self.dialled[effect.connection] = far
        self.streams[effect.connection] = Stream()
        far.connections.append(effect.connection)
        self.sbc.dialed(effect.connection, ("127.0.0.1", 50000), self.now)

    def _handshake(self, effect: StartTls) -> None:
        if self.slow_handshakes:
            self.handshaking[effect.connection] = effect
        else:
            self._judge(effect)

    def _judge(self, effect: StartTls) -> None:
        inbound = effect.direction is Direction.INBOUND
        if inbound and self._take_up(effect):
            return
        chain = self.streams_in.get(effect.connection, ()) if inbound else self.dialled[effect.connection].chain
        failure = _failure(effect, chain)
        if failure is not None and failure.alert_received and not inbound and self.dialled[effect.connection].late:
            del self.dialled[effect.connection]
            self.sbc.handshake_done(effect.connection, HandshakeDone("TLSv1.3", "AES", False, chain), self.now)
            self.sbc.closed(effect.connection, failure.reason, self.now, failure.alert_received)
            return
        if failure is not None:
            self.sbc.handshake_failed(effect.connection, failure, self.now)
            return
        if effect.asks and effect.connection not in self.asking:
            self.asking[effect.connection] = effect
            self.sbc.certificates_shown(effect.connection, chain, self.now)
            return
        if not inbound and effect.credential is not None:
            self.dialled[effect.connection].seen.append(effect.credential.certificate.serial)
        named = self._name(effect) if inbound and effect.lifetime else ()
        home = f"home of {effect.connection}" if named else None
        done = HandshakeDone(self.version if inbound else "TLSv1.2", "AES", False, chain, named, home)
        self.sbc.handshake_done(effect.connection, done, self.now)

    def _ask(self, effect: AskOcsp) -> None:
        responder = self.responders.get(effect.url)
        answer = "connection refused" if responder is None else responder(effect.question)
        if isinstance(answer, str):
            self.sbc.ocsp_answered(effect.number, None, answer, self.now)
        elif answer is not None:
            self.sbc.ocsp_answered(effect.number, answer, "", self.now)

    def _heed(self, effect: OcspVerdict) -> None:
        start = self.asking.get(effect.connection)
        if start is None:
            return
        if not effect.revoked:
            self._judge(start)
        else:
            failed = HandshakeFailed(HandshakeFailure.PEER_REVOKED, "certificate revoked", alert_sent=44)
            self.sbc.handshake_failed(effect.connection, failed, self.now)
        del self.asking[effect.connection]

    def _take_up(self, effect: StartTls) -> bool:
        offers = self.offers.get(effect.connection, ())
        if not effect.lifetime or not offers:
            return False
        home = self.sbc.session_offered(effect.connection, offers, self.now)
        if home is None:
            return False
        self.given[effect.connection] = offers[0]
        named = self._name(effect) if self.version == "TLSv1.3" else ()
        self.sbc.handshake_done(effect.connection, HandshakeDone(self.version, "AES", True, (), named, home), self.now)
        return True

    def _name(self, effect: StartTls) -> tuple[SessionId, ...]:
        name = self.given[effect.connection] = f"session of {effect.connection}".encode()
        return (name,)

    def _send(self, effect: Send) -> None:
        far = self.dialled.get(effect.connection)
        if far is None:
            self.sent[effect.connection] = self.sent.get(effect.connection, b"") + effect.data
            return
        for request in self.streams[effect.connection].feed(effect.data):
            if isinstance(request, Response):
                far.told.append(request)
                continue
            assert isinstance(request, Request)
            far.requests += 1
            far.asked.append(request)
            if far.behaviour in {"silent", "hang"} or request.method == "ACK":
                continue
            status = far.behaviour if isinstance(far.behaviour, int) else 200
            answer = respond(request, status, source=("127.0.0.1", 1), to_tag="t")
            if far.behaviour == "owe":
                far.owed.append((effect.connection, answer.to_bytes()))
            else:
                self.sbc.received(effect.connection, answer.to_bytes(), self.now)

    def _send_datagram(self, effect: SendDatagram) -> None:
        far = self.far_ends.get(effect.remote)
        if far is None:
            self.datagrams.append(effect)
            return
        if far.behaviour == "refuse":
            self.sbc.undeliverable(effect.call_id, "network is unreachable", self.now)
            return
        if far.lost:
            far.lost -= 1
            return
        request = read(effect.data)
        if isinstance(request, Response):
            far.told.append(request)
            return
        assert isinstance(request, Request)
        far.requests += 1
        far.asked.append(request)
        if far.behaviour in {"silent", "hang"}:
            return
        status = far.behaviour if isinstance(far.behaviour, int) else 200
        answer = respond(request, status, source=effect.remote, to_tag="t").to_bytes()
        if far.behaviour == "owe":
            far.owed_datagrams.append((effect.listener, answer))
        else:
            self.sbc.datagram(effect.listener, effect.remote, answer, self.now)

    def _look_up(self, question: Question) -> None:
        self.asked.append(question)
        if self.slow_dns:
            return
        self.sbc.looked_up(question, self.dns.get(question, Answer()), self.now)

    def _at(self, far: FarEnd) -> tuple[str, int]:
        return next(address for address, each in self.far_ends.items() if each is far)


def _word(text: str) -> Word:
    values = tuple(text[1:-1].split(",")) if text.startswith("[") else None
    return Word(text, quoted=False, values=values)


def _failure(effect: StartTls, chain: tuple[bytes, ...]) -> HandshakeFailed | None:
    """Judge both sides' certificates as TLS would; what is no certificate passes, for the device to stumble over."""
    own = effect.credential
    if own is None and effect.direction is Direction.INBOUND:
        return HandshakeFailed(HandshakeFailure.NO_LOCAL_CERTIFICATE, "no certificate configured", alert_sent=40)
    if own is not None and own.certificate.expired(effect.at):
        return HandshakeFailed(HandshakeFailure.ALERT_RECEIVED, "alert certificate_expired", alert_received=45)
    if not chain and effect.settings.require_certificate:
        return HandshakeFailed(HandshakeFailure.NO_PEER_CERTIFICATE, "no certificate", alert_sent=40)
    if not effect.settings.validate_peer:
        return None
    try:
        certificates = [Certificate.from_der(der) for der in chain]
    except CertificateError:
        return None
    if chain and not any(each in effect.anchors for each in certificates):
        return HandshakeFailed(HandshakeFailure.PEER_UNKNOWN_CA, "unknown ca", alert_sent=48, peer_leaf=chain[0])
    if any(each.expired(effect.at) for each in certificates):
        return HandshakeFailed(HandshakeFailure.PEER_EXPIRED, "expired", alert_sent=45, peer_leaf=chain[0])
    if any(each.not_yet_valid(effect.at) for each in certificates):
        return HandshakeFailed(HandshakeFailure.PEER_NOT_YET_VALID, "not yet", alert_sent=42, peer_leaf=chain[0])
    return None
