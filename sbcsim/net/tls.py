"""TLS over memory buffers: bytes in, bytes and outcomes out. No sockets here; `tcp.py` owns those.

The rules:
- our certificate and key are put on each connection when its handshake starts, and stay;
- the peer's certificates are judged at simulated time inside the handshake, so that the alert is the right one;
- as server, a session is taken up only where the device allows it once it has heard what the client offers; as client
  none ever is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from sbcsim.clock import DAY, SECOND
from sbcsim.device.effects import (
    ConnectionId,
    Direction,
    Ending,
    HandshakeDone,
    HandshakeFailed,
    HandshakeFailure,
    Notice,
    SessionId,
    StartTls,
    TlsSettings,
)
from sbcsim.errors import BugError
from sbcsim.pki.credential import Credential, TrustAnchors
from sbcsim.pki.mint import Authority

from . import hello, openssl
from .alerts import TlsEndedError, alert_text
from .openssl import Material, Tolerance, Watcher
from .tlscontexts import Cache, Contexts, Place

Ask = Callable[[ConnectionId, Sequence[bytes]], bool]
"""Given the certificates of a far end, leaf first, returns whether one is revoked, however long that takes."""

Choose = Callable[[ConnectionId, tuple[SessionId, ...]], object]
"""Given the sessions that a client offers, returns the `home` of the one that it may take up, None for none."""

MAX_MATERIALS = 256
"""Credentials kept in OpenSSL's form."""

RECORD = 16384
"""The most plain bytes that one TLS record carries."""

_NO_VERSION = {"unsupported protocol", "no protocols available", "version too low", "version too high"}
_NO_CIPHER = {
    "no shared cipher", "no ciphers available", "no suitable signature algorithm", "no shared signature algorithms",
    "no suitable key share", "no suitable groups",
}  # fmt: skip


class TlsEngine:
    """Makes TLS sessions for one event loop and keeps what they share."""

    def __init__(self, choose: Choose | None = None, ask: Ask | None = None) -> None:
        self.ask: Ask = ask or (lambda connection, chain: False)  # noqa: ARG005 - nobody to ask
        self.watcher = Watcher()
        self.contexts = Contexts(self.watcher)
        self.choose: Choose = choose or (lambda connection, offers: None)  # noqa: ARG005 - a client of nobody's sessions
        self._materials: Cache[Credential, Material] = Cache(MAX_MATERIALS)

    def session(self, start: StartTls) -> TlsSession:
        """Begin a handshake; the certificate stays on the session for its whole life."""
        return TlsSession(self, start)

    def open(self, start: StartTls, home: object) -> tuple[SSL.Connection, Place, str]:
        """Return a connection that shows its credential, its place, and why OpenSSL will not show that, if so."""
        credential, refusal = start.credential, ""
        if credential is not None:
            try:
                connection, place = self.contexts.open(start, credential.chain, home)
                openssl.use_material(connection, self._materials.find(credential, lambda: Material.of(credential)))
            except SSL.Error as error:  # a key or signature too weak for the security level
                refusal = f"own certificate cannot be used: {_reason(error)}"
            else:
                return connection, place, ""
        return *self.contexts.open(start, ()), refusal


class TlsSession:
    """One TLS connection: a handshake driven by `step`, then `read` and `write`, at the end `close`.

    After each of them `output` returns what has to go to the far end, and `noticed` is what the far end did beside
    that ended nothing, with the numbers of alerts. A server opens its side when the ClientHello has come in: what that
    offers decides where.
    """

    __slots__ = (
        "_connection", "_engine", "_hello", "_place", "_refusal", "_session_id", "_start", "_ticket", "_unsent",
        "noticed",
    )  # fmt: skip

    def __init__(self, engine: TlsEngine, start: StartTls) -> None:
        self._engine = engine
        self._start = start
        self._hello = self._unsent = self._session_id = self._ticket = b""
        self.noticed: Sequence[tuple[Notice, int]] = ()
        self._connection: SSL.Connection | None = None
        if not self._resumable:
            self._open(None)

    def feed(self, data: bytes | memoryview) -> None:
        """Take in bytes from the far end."""
        if self._connection is None:
            self._hello += data
        else:
            self._connection.bio_write(data)

    def output(self) -> bytes:
        """Return the bytes that have to be sent now."""
        if self._unsent:  # of a step, after which nothing else can be there
            unsent, self._unsent = self._unsent, b""
            return unsent
        return self._drain()

    def step(self) -> HandshakeDone | HandshakeFailed | None:
        """Go on with the handshake as far as the bytes allow; None while the far end has to speak."""
        if self._connection is None and not self._greet():
            return None
        heard = self._watcher.begin(self._start.names, self._ask)
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return None
        except SSL.Error as error:
            return self._failed(error)
        finally:
            self.noticed = heard.noticed or ()
            self._take_flight()
        resumed = openssl.resumed(self._tls)
        version = self._tls.get_protocol_version_name()
        sessions = self._sessions(version, resumed=resumed)
        return HandshakeDone(
            version=version,
            cipher=self._tls.get_cipher_name() or "",
            resumed=resumed,
            peer_chain=() if resumed else self._peer_chain(),
            sessions=sessions,
            home=self._place if sessions else None,
        )

    def read(self) -> bytes | None:
        """Return the next plain bytes, None when there are none yet; raises TlsEndedError when the far end is done."""
        heard = self._watcher.begin()
        try:
            return self._tls.recv(RECORD)
        except SSL.WantReadError:
            return None
        except SSL.ZeroReturnError:
            raise TlsEndedError(Ending.CLOSED) from None
        except SSL.Error as error:
            alert = heard.alert_received
            if alert:
                raise TlsEndedError(Ending.ALERT, f"peer sent alert {alert_text(alert)}", alert) from None
            raise TlsEndedError(Ending.UNREADABLE, f"TLS error: {_reason(error)}") from error
        finally:
            self.noticed = heard.noticed or ()

    def trim(self) -> None:
        """Give back what the handshake needed; `read` must have returned None and `output` been taken since."""
        openssl.renew_buffers(self._tls)

    def write(self, data: bytes) -> None:
        """Encrypt plain bytes; raises TlsEndedError where the session cannot carry any more."""
        try:
            self._tls.sendall(data)
        except SSL.Error as error:
            raise TlsEndedError(Ending.UNSENT, f"TLS error: {_reason(error)}") from error

    def close(self) -> None:
        """Say close_notify, once; a session that has broken down has nothing more to say."""
        connection = self._connection
        if connection is None or connection.get_shutdown() & SSL.SENT_SHUTDOWN:
            return
        try:
            connection.shutdown()
        except SSL.Error:
            connection.set_shutdown(SSL.SENT_SHUTDOWN)

    def let_go(self) -> None:
        """Leave the connection without a word, and what can be taken up of it as it is."""
        if self._connection is not None:  # one that is freed without an end would end its session in the cache
            self._connection.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)

    resets = False
    """Whether a handshake that has failed ends in a reset instead of a FIN."""

    @property
    def waits(self) -> bool:
        """Whether a step may take long, because somebody is asked about the far end's certificates.

        Then it belongs into a thread, and until it is over nothing else may be called here.
        """
        return self._start.asks

    @property
    def _ask(self) -> openssl.Ask | None:
        return partial(self._engine.ask, self._start.connection) if self._start.asks else None

    @property
    def _watcher(self) -> Watcher:
        return self._engine.watcher

    @property
    def _server(self) -> bool:
        return self._start.direction is Direction.INBOUND

    @property
    def _resumable(self) -> bool:
        return self._server and self._start.lifetime > 0

    @property
    def _tls(self) -> SSL.Connection:
        assert self._connection is not None
        return self._connection

    def _greet(self) -> bool:
        """Open the connection once the ClientHello is complete; False until then."""
        offers = hello.offered(self._hello)
        if offers is None:
            return False
        self._open(self._engine.choose(self._start.connection, offers) if offers else None)
        self.feed(self._hello)
        self._hello = b""
        return True

    def _open(self, home: object) -> None:
        start, engine = self._start, self._engine
        connection, self._place, self._refusal = engine.open(start, home)
        if self._server and (start.credential is None or self._refusal):
            self._watcher.go_on_without_certificate(connection)
        openssl.set_verify_time(connection, start.at)
        self._watcher.judge(connection, _mode(start.settings, server=self._server), _tolerance(start.settings))
        if self._server:
            connection.set_accept_state()
        else:
            connection.set_options(SSL.OP_NO_TICKET)
            connection.set_connect_state()
        self._connection = connection

    def _drain(self) -> bytes:
        if self._connection is None:
            return b""
        pieces: list[bytes] = []
        try:
            while True:
                piece = self._connection.bio_read(4 * RECORD)
                pieces.append(piece)
                if len(piece) < 4 * RECORD:
                    break
        except SSL.WantReadError:  # pyOpenSSL's word for: nothing there
            pass
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take_flight(self) -> None:
        """Below TLS 1.3 a server names the session in the clear; nothing but its own bytes tells how."""
        if self._resumable:
            self._unsent = self._drain()
            session_id, ticket = hello.named(self._unsent)
            self._session_id = session_id or self._session_id
            self._ticket = ticket or self._ticket

    def _sessions(self, version: str, *, resumed: bool) -> tuple[SessionId, ...]:
        """Return the names under which the client may take up the session that it has now."""
        if not self._resumable:
            return ()
        if version == "TLSv1.3":
            tickets = [hello.ticket_in(body, version_1_3=True) for body in self._watcher.heard.tickets]
        else:
            tickets = [self._ticket] if self._ticket else []
        if tickets:
            return tuple(map(hello.ticket_name, tickets))
        # One that is resumed by a ticket is shown whatever session id the client has thought of.
        if resumed or version == "TLSv1.3" or not self._session_id:
            return ()
        self._place.home.kept += 1
        return (self._session_id,)

    def _peer_chain(self) -> tuple[bytes, ...]:
        if self._start.settings.validate_peer:
            chain = openssl.verified_chain(self._tls)
            # Behind an anchor that is no root OpenSSL may go on with what the peer sent: the path ends at the anchor.
            while len(chain) > 1 and hashlib.sha256(chain[-1]).hexdigest() not in self._start.anchors.fingerprints:
                chain.pop()
            return tuple(chain)
        leaf = self._tls.get_peer_certificate()
        if leaf is None:
            return ()
        # OpenSSL leaves the leaf out of what a client sent and has it in what a server sent.
        sent = [_dump(each) for each in self._tls.get_peer_cert_chain() or []]
        first = _dump(leaf)
        return (first, *(each for each in sent if each != first))

    def _failed(self, error: SSL.Error) -> HandshakeFailed:
        heard = self._watcher.heard
        failure, reason = self._cause(error)
        leaf = heard.leaf
        if leaf is None and (seen := self._tls.get_peer_certificate()) is not None:
            leaf = _dump(seen)
        return HandshakeFailed(failure, reason, heard.alert_sent, heard.alert_received, leaf)

    def _cause(self, error: SSL.Error) -> tuple[HandshakeFailure, str]:
        heard, reason = self._watcher.heard, _reason(error)
        if heard.verify_error:
            return _verify_failure(heard.verify_error), openssl.describe_verify_error(heard.verify_error)
        if heard.alert_received:
            return HandshakeFailure.ALERT_RECEIVED, f"peer sent alert {alert_text(heard.alert_received)}"
        if isinstance(error, SSL.ZeroReturnError | SSL.SysCallError):
            return HandshakeFailure.CLOSED, HandshakeFailure.CLOSED.value
        if reason == "peer did not return a certificate":
            return HandshakeFailure.NO_PEER_CERTIFICATE, HandshakeFailure.NO_PEER_CERTIFICATE.value
        if reason in _NO_VERSION:
            return HandshakeFailure.NO_COMMON_VERSION, HandshakeFailure.NO_COMMON_VERSION.value
        if reason in _NO_CIPHER:
            if self._server and (self._start.credential is None or self._refusal):
                missing = HandshakeFailure.NO_LOCAL_CERTIFICATE
                return missing, self._refusal or missing.value
            return HandshakeFailure.NO_COMMON_CIPHER, HandshakeFailure.NO_COMMON_CIPHER.value
        return HandshakeFailure.PROTOCOL, reason


def _mode(settings: TlsSettings, *, server: bool) -> int:
    if not server:
        return SSL.VERIFY_PEER
    if settings.require_certificate:
        return SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    return SSL.VERIFY_NONE


def _tolerance(settings: TlsSettings) -> Tolerance:
    if not settings.validate_peer:
        return Tolerance.ANYTHING
    return Tolerance.PURPOSE if settings.tolerate_purpose else Tolerance.NONE


def _verify_failure(code: int) -> HandshakeFailure:
    if code == openssl.EXPIRED:
        return HandshakeFailure.PEER_EXPIRED
    if code == openssl.NOT_YET_VALID:
        return HandshakeFailure.PEER_NOT_YET_VALID
    if code == openssl.NAME_MISMATCH:
        return HandshakeFailure.PEER_NAME
    if code == openssl.REVOKED:
        return HandshakeFailure.PEER_REVOKED
    if code in openssl.UNKNOWN_ISSUER:
        return HandshakeFailure.PEER_UNKNOWN_CA
    return HandshakeFailure.PEER_INVALID


def _reason(error: SSL.Error) -> str:
    """Return the first reason of OpenSSL's error queue."""
    queue = error.args[0] if error.args else None
    if isinstance(queue, list) and queue:
        return str(queue[0][-1])
    return str(error.args[-1]) if error.args else type(error).__name__


def _dump(certificate: crypto.X509) -> bytes:
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


@lru_cache(maxsize=1)
def self_check() -> None:
    """Make sure, once a process, that certificates are judged at the time we say; raises BugError if they are not.

    The setting goes through a binding that pyOpenSSL does not document. Were it to stop working, every handshake
    would silently be judged by the host's clock.
    """
    begin, end = 0, 365 * DAY  # 1970: expired by any host's clock
    authority = Authority("sbcsim self-check", not_before=begin, not_after=end)
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue("sbcsim self-check", key=key)
    credential = Credential("self-check", issued.certificate, (), key)
    settings = TlsSettings(
        frozenset({"TLSv1.2"}), ("ECDHE-ECDSA-AES128-GCM-SHA256",),
        require_certificate=True, validate_peer=True, tolerate_purpose=False,
    )  # fmt: skip
    engine = TlsEngine()
    for at, expected in ((end - DAY, None), (end + DAY, HandshakeFailure.PEER_EXPIRED)):
        pair = [
            engine.session(StartTls(0, each, settings, credential, TrustAnchors((authority.certificate,)), moment))
            for each, moment in ((Direction.OUTBOUND, at), (Direction.INBOUND, end - SECOND))
        ]
        outcome = _shake(*pair)
        if (outcome.failure if isinstance(outcome, HandshakeFailed) else None) is not expected:
            raise BugError("this build of OpenSSL does not judge certificates at the time it is told")


def _shake(client: TlsSession, server: TlsSession) -> HandshakeDone | HandshakeFailed | None:
    outcome: HandshakeDone | HandshakeFailed | None = None
    for _flight in range(4):
        outcome = client.step()
        if outcome is not None:
            break
        server.feed(client.output())
        server.step()
        client.feed(server.output())
    return outcome
