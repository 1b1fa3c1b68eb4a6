"""TLS over memory buffers: bytes in, bytes and outcomes out. No sockets here; `tcp.py` owns those.

The rules:
- a `Context` of OpenSSL is made for a set of settings, anchors and intermediate certificates, and never changed;
- our certificate and key are put on each connection when its handshake starts, and stay;
- the peer's certificates are judged at simulated time inside the handshake, so that the alert is the right one;
- no session is ever resumed: each connection shows both certificates.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TypeVar

from OpenSSL import SSL, crypto

from sbcsim.clock import DAY, SECOND
from sbcsim.device.effects import Direction, HandshakeDone, HandshakeFailed, HandshakeFailure, StartTls, TlsSettings
from sbcsim.errors import BugError, PeerError
from sbcsim.pki.credential import Certificate, Credential, TrustAnchors
from sbcsim.pki.mint import Authority

from . import openssl
from .openssl import Material, Tolerance, Watcher

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

VERSIONS = {
    "TLSv1": (SSL.TLS1_VERSION, SSL.OP_NO_TLSv1),
    "TLSv1.1": (SSL.TLS1_1_VERSION, SSL.OP_NO_TLSv1_1),
    "TLSv1.2": (SSL.TLS1_2_VERSION, SSL.OP_NO_TLSv1_2),
    "TLSv1.3": (SSL.TLS1_3_VERSION, SSL.OP_NO_TLSv1_3),
}
"""Every version that a profile can allow, oldest first."""

OLD_VERSIONS = frozenset({"TLSv1", "TLSv1.1"})
"""Versions that OpenSSL only speaks at security level 0, because they need SHA-1."""

NEVER_SHARED = "PSK-AES128-GCM-SHA256"
"""Stands where a profile names no suite below TLS 1.3: nobody has a pre-shared key, so none is shared (alert 40)."""

MAX_CONTEXTS = 64
"""Contexts kept ready; each costs a quarter of a millisecond and some 100 kB to make anew."""

MAX_MATERIALS = 256
"""Credentials kept in OpenSSL's form."""

RECORD = 16384
"""The most plain bytes that one TLS record carries."""

ALERT_NAMES = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked",
    45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
    49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
    71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""RFC 8446 section 6 and the older alerts of RFC 5246."""

_NO_VERSION = {"unsupported protocol", "no protocols available", "version too low", "version too high"}
_NO_CIPHER = {
    "no shared cipher", "no ciphers available", "no suitable signature algorithm", "no shared signature algorithms",
    "no suitable key share", "no suitable groups",
}  # fmt: skip


class TlsEndedError(PeerError):
    """The far end ended an established TLS session; `alert` is what it sent, 0 for close_notify."""

    def __init__(self, reason: str, alert: int = 0) -> None:
        super().__init__(reason, layer="tls")
        self.alert = alert


def alert_text(alert: int) -> str:
    """Return an alert as `certificate_expired (45)`."""
    return f"{ALERT_NAMES.get(alert, 'alert')} ({alert})"


class _Cache(OrderedDict[_Key, _Value]):
    """The most recently used values, at most `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def find(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return the value of `key`, made if it is not there."""
        value = self.get(key)
        if value is None:
            value = self[key] = make()
            if len(self) > self._limit:
                self.popitem(last=False)
        else:
            self.move_to_end(key)
        return value


class TlsEngine:
    """Makes TLS sessions for one event loop and keeps the contexts that they share."""

    def __init__(self) -> None:
        self.watcher = Watcher()
        self._contexts: _Cache[tuple[TlsSettings, TrustAnchors, tuple[Certificate, ...]], SSL.Context] = _Cache(
            MAX_CONTEXTS
        )
        self._materials: _Cache[Credential, Material] = _Cache(MAX_MATERIALS)

    def session(self, start: StartTls) -> TlsSession:
        """Begin a handshake; the certificate stays on the session for its whole life."""
        settings, credential = start.settings, start.credential
        connection, refusal = self._connection(settings, start.anchors, credential)
        server = start.direction is Direction.INBOUND
        if server and (credential is None or refusal):
            self.watcher.go_on_without_certificate(connection)
        openssl.set_verify_time(connection, start.at)
        self.watcher.judge(connection, _mode(settings, server=server), _tolerance(settings))
        if server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return TlsSession(connection, self.watcher, start, refusal)

    def _connection(
        self, settings: TlsSettings, anchors: TrustAnchors, credential: Credential | None
    ) -> tuple[SSL.Connection, str]:
        """Return a connection that shows a credential, and why OpenSSL will not show it, "" where it will."""
        refusal = ""
        if credential is not None:
            try:
                connection = SSL.Connection(self._shared(settings, anchors, credential.chain), None)
                openssl.use_material(connection, self._materials.find(credential, lambda: Material.of(credential)))
            except SSL.Error as error:  # a key or signature too weak for the security level
                refusal = f"own certificate cannot be used: {_reason(error)}"
            else:
                return connection, ""
        return SSL.Connection(self._shared(settings, anchors, ()), None), refusal

    def _shared(self, settings: TlsSettings, anchors: TrustAnchors, chain: tuple[Certificate, ...]) -> SSL.Context:
        return self._contexts.find((settings, anchors, chain), lambda: self._context(settings, anchors, chain))

    def _context(self, settings: TlsSettings, anchors: TrustAnchors, chain: tuple[Certificate, ...]) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        allowed = [name for name in VERSIONS if name in settings.versions]
        if allowed:
            context.set_min_proto_version(VERSIONS[allowed[0]][0])
            context.set_max_proto_version(VERSIONS[allowed[-1]][0])
        options = SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE
        for name, (_version, switch) in VERSIONS.items():
            if name not in settings.versions:
                options |= switch
        context.set_options(options)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS | openssl.MODE_NO_AUTO_CHAIN)
        _set_ciphers(context, settings)
        openssl.trust(context, anchors.certificates)
        for each in chain:
            context.add_extra_chain_cert(each.x509)
        self.watcher.watch(context)
        return context


class TlsSession:
    """One TLS connection: a handshake driven by `step`, then `read` and `write`, at the end `close`.

    After each of them `output` returns what has to go to the far end.
    """

    __slots__ = ("_anchors", "_connection", "_credential", "_names", "_refusal", "_server", "_settings", "_watcher")

    def __init__(self, connection: SSL.Connection, watcher: Watcher, start: StartTls, refusal: str) -> None:
        self._connection = connection
        self._watcher = watcher
        self._server = start.direction is Direction.INBOUND
        self._settings = start.settings
        self._anchors = start.anchors
        self._credential = start.credential
        self._names = start.names
        self._refusal = refusal

    def feed(self, data: bytes | memoryview) -> None:
        """Take in bytes from the far end."""
        self._connection.bio_write(data)

    def output(self) -> bytes:
        """Return the bytes that have to be sent now."""
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

    def step(self) -> HandshakeDone | HandshakeFailed | None:
        """Go on with the handshake as far as the bytes allow; None while the far end has to speak."""
        self._watcher.begin(self._names)
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return None
        except SSL.Error as error:
            return self._failed(error)
        return HandshakeDone(
            version=self._connection.get_protocol_version_name(),
            cipher=self._connection.get_cipher_name() or "",
            resumed=openssl.resumed(self._connection),
            peer_chain=self._peer_chain(),
        )

    def read(self) -> bytes | None:
        """Return the next plain bytes, None when there are none yet; raises TlsEndedError when the far end is done."""
        self._watcher.begin()
        try:
            return self._connection.recv(RECORD)
        except SSL.WantReadError:
            return None
        except SSL.ZeroReturnError:
            raise TlsEndedError("closed by peer") from None
        except SSL.Error as error:
            alert = self._watcher.alert_received
            if alert:
                raise TlsEndedError(f"peer sent alert {alert_text(alert)}", alert) from None
            raise TlsEndedError(f"TLS error: {_reason(error)}") from error

    def trim(self) -> None:
        """Give back what the handshake needed; `read` must have returned None and `output` been taken since."""
        openssl.renew_buffers(self._connection)

    def write(self, data: bytes) -> None:
        """Encrypt plain bytes; raises TlsEndedError where the session cannot carry any more."""
        try:
            self._connection.sendall(data)
        except SSL.Error as error:
            raise TlsEndedError(f"TLS error: {_reason(error)}") from error

    def close(self) -> None:
        """Say close_notify, once; a session that has broken down has nothing more to say."""
        if self._connection.get_shutdown() & SSL.SENT_SHUTDOWN:
            return
        try:
            self._connection.shutdown()
        except SSL.Error:
            self._connection.set_shutdown(SSL.SENT_SHUTDOWN)

    def _peer_chain(self) -> tuple[bytes, ...]:
        leaf = self._connection.get_peer_certificate()
        if leaf is None:
            return ()
        if self._settings.validate_peer:
            chain = [_dump(each) for each in self._connection.get_verified_chain() or [leaf]]
            # Behind an anchor that is no root OpenSSL may go on with what the peer sent: the path ends at the anchor.
            while len(chain) > 1 and hashlib.sha256(chain[-1]).hexdigest() not in self._anchors.fingerprints:
                chain.pop()
            return tuple(chain)
        # OpenSSL leaves the leaf out of what a client sent and has it in what a server sent.
        sent = [_dump(each) for each in self._connection.get_peer_cert_chain() or []]
        first = _dump(leaf)
        return (first, *(each for each in sent if each != first))

    def _failed(self, error: SSL.Error) -> HandshakeFailed:
        heard = self._watcher
        failure, reason = self._cause(error)
        leaf = heard.leaf
        if leaf is None and (seen := self._connection.get_peer_certificate()) is not None:
            leaf = _dump(seen)
        return HandshakeFailed(failure, reason, heard.alert_sent, heard.alert_received, leaf)

    def _cause(self, error: SSL.Error) -> tuple[HandshakeFailure, str]:
        heard, reason = self._watcher, _reason(error)
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
            if self._server and (self._credential is None or self._refusal):
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


def _set_ciphers(context: SSL.Context, settings: TlsSettings) -> None:
    # OpenSSL keeps two lists: the suites of TLS 1.3, all three of them unless the profile names some, and the others.
    older = [name for name in settings.ciphers if not name.startswith("TLS_")]
    newer = [name for name in settings.ciphers if name.startswith("TLS_")]
    level = ["@SECLEVEL=0"] if OLD_VERSIONS & settings.versions else []
    context.set_cipher_list(":".join([*(older or [NEVER_SHARED]), *level]).encode("ascii"))
    if newer:
        context.set_tls13_ciphersuites(":".join(newer).encode("ascii"))


def _verify_failure(code: int) -> HandshakeFailure:
    if code == openssl.EXPIRED:
        return HandshakeFailure.PEER_EXPIRED
    if code == openssl.NOT_YET_VALID:
        return HandshakeFailure.PEER_NOT_YET_VALID
    if code == openssl.NAME_MISMATCH:
        return HandshakeFailure.PEER_NAME
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
    issued = authority.issue("sbcsim self-check")
    credential = Credential("self-check", issued.certificate, (), issued.key)
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
