"""The calls into OpenSSL that pyOpenSSL has no method for: the only untyped ones of the project.

What is missing there: a verification time for one connection, the numbers of the alerts, the leaf of a chain that was
refused, a certificate and key that are converted once and not for each connection, buffers that can be made small
again, a server without a certificate that can still say so over TLS 1.3; and for resumption the tickets of TLS 1.3, a
way to give none, and a session id context for one connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypeAlias

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL, crypto

from sbcsim.clock import SECOND
from sbcsim.device.effects import Notice
from sbcsim.pki.credential import Certificate, CertificateError, Credential
from sbcsim.pki.names import carries

Pointer: TypeAlias = Any
"""A value of C, as the untyped binding hands it over."""

_binding = Binding()
_ffi: Any = _binding.ffi
_lib: Any = _binding.lib

_FATAL = 2
"""AlertLevel."""

_CLOSE_NOTIFY, _USER_CANCELED, _NO_RENEGOTIATION = 0, 90, 100
"""AlertDescriptions of level warning; over TLS 1.3 every other one is fatal, whatever its level says."""

_HANDSHAKE, _NEW_SESSION_TICKET = 22, b"\x04"
"""ContentType, and the HandshakeType with which such a message begins."""

MODE_NO_AUTO_CHAIN = 0x8
"""SSL_MODE_NO_AUTO_CHAIN: never fill up the chain we show from our trust anchors."""

EXPIRED: int = _lib.X509_V_ERR_CERT_HAS_EXPIRED
NOT_YET_VALID: int = _lib.X509_V_ERR_CERT_NOT_YET_VALID
NAME_MISMATCH: int = _lib.X509_V_ERR_HOSTNAME_MISMATCH
REVOKED: int = _lib.X509_V_ERR_CERT_REVOKED
INVALID_PURPOSE: int = _lib.X509_V_ERR_INVALID_PURPOSE
UNKNOWN_ISSUER: frozenset[int] = frozenset(
    {
        _lib.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
        _lib.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        _lib.X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        _lib.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        _lib.X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        _lib.X509_V_ERR_CERT_UNTRUSTED,
    }
)
"""Verification errors that mean: no path to a trust anchor."""


class Tolerance(Enum):
    """Which faults of a peer's chain are let pass."""

    NONE = "none"
    PURPOSE = "invalid purpose"
    ANYTHING = "anything"

    def covers(self, error: int) -> bool:
        """Whether a verification error is let pass."""
        return self is Tolerance.ANYTHING or (self is Tolerance.PURPOSE and error == INVALID_PURPOSE)


@dataclass(frozen=True, slots=True)
class Material:
    """A credential in the form that OpenSSL takes."""

    certificate: crypto.X509
    key: crypto.PKey

    @staticmethod
    def of(credential: Credential) -> Material:
        """Convert a credential; costs about a tenth of a millisecond."""
        return Material(
            crypto.X509.from_cryptography(credential.certificate.x509),
            crypto.PKey.from_cryptography_key(credential.key),
        )


Ask = Callable[[Sequence[bytes]], bool]
"""Given the certificates of a far end, leaf first, tells whether one of them is revoked; may take its time."""


class Heard(threading.local):
    """What OpenSSL said during the last call of ours in this thread, and what we wanted of it."""

    def __init__(self) -> None:
        self.alert_sent = 0
        self.alert_received = 0
        self.verify_error = 0
        self.leaf: bytes | None = None
        self.noticed: list[tuple[Notice, int]] = []
        self.tickets: list[bytes] = []
        """The NewSessionTicket messages that were sent over TLS 1.3, without their header."""
        self.names: tuple[str, ...] = ()
        self.ask: Ask | None = None
        self.path: list[bytes] = []
        """The certificates that were found good so far, the anchor first; only where somebody is to be asked."""


class Watcher:
    """Hears what OpenSSL says while one of our calls is under way: alerts in both directions, a chain refused, tickets.

    OpenSSL calls back only from inside a call of ours and in its thread, so one watcher serves all sessions of one
    event loop: `begin` before the call, read `heard` after it.
    """

    def __init__(self) -> None:
        self.heard = Heard()
        # OpenSSL keeps plain pointers to these: they must live as long as any context that was given them.
        self._on_state = _ffi.callback("void (*)(const SSL *, int, int)", self._state)
        self._on_verify = {
            tolerance: _ffi.callback("int (*)(int, X509_STORE_CTX *)", partial(self._verify, tolerance))
            for tolerance in Tolerance
        }
        self._on_certificate = _ffi.callback("int (*)(SSL *, void *)", _go_on)
        self._on_server_name = _ffi.callback("int (*)(SSL *, int *, void *)", _without_ticket)
        self._on_message = _ffi.callback("void (*)(int, int, int, const void *, size_t, SSL *, void *)", self._message)

    def begin(self, names: tuple[str, ...] = (), ask: Ask | None = None) -> Heard:
        """Forget what was heard, and return where it will be heard from now on.

        A far end's certificate must carry one of `names`, if there are any, and stand before `ask`, if that is given.
        """
        heard = self.heard
        heard.alert_sent = heard.alert_received = heard.verify_error = 0
        heard.leaf = None
        heard.names, heard.ask = names, ask
        if heard.path:
            heard.path = []
        if heard.noticed or heard.tickets:
            heard.noticed, heard.tickets = [], []
        return heard

    def watch(self, context: SSL.Context) -> None:
        """Hear the alerts of all connections of a context."""
        _lib.SSL_CTX_set_info_callback(context._context, self._on_state)  # noqa: SLF001 - pyOpenSSL's would wrap it

    def watch_tickets(self, context: SSL.Context) -> None:
        """Hear of the tickets of TLS 1.3 that connections opened in a context give away."""
        _lib.SSL_CTX_set_msg_callback(context._context, self._on_message)  # noqa: SLF001 - no other way in

    def issue_no_tickets(self, context: SSL.Context) -> None:
        """Have the servers opened in a context give no tickets, which over TLS 1.3 the options alone do not do."""
        _lib.SSL_CTX_set_tlsext_servername_callback(context._context, self._on_server_name)  # noqa: SLF001

    def judge(self, connection: SSL.Connection, mode: int, tolerance: Tolerance) -> None:
        """Set what a connection asks of its peer's certificate, and hear why a chain is refused."""
        _lib.SSL_set_verify(_ssl(connection), mode, self._on_verify[tolerance])

    def go_on_without_certificate(self, connection: SSL.Connection) -> None:
        """Let a server that has no certificate negotiate up to the point where it needs one (alert 40)."""
        _lib.SSL_set_cert_cb(_ssl(connection), self._on_certificate, _ffi.NULL)

    def _state(self, connection: Pointer, where: int, value: int) -> None:
        if where & SSL.SSL_CB_ALERT != SSL.SSL_CB_ALERT:
            return
        level, alert = value >> 8, value & 0xFF
        newest = _lib.SSL_version(connection) == SSL.TLS1_3_VERSION
        fatal = level == _FATAL or (newest and alert not in {_CLOSE_NOTIFY, _USER_CANCELED})
        heard = self.heard
        if where & SSL.SSL_CB_READ:
            if fatal:
                heard.alert_received = alert
            elif alert != _CLOSE_NOTIFY:
                heard.noticed.append((Notice.WARNING, alert))
        elif fatal:
            heard.alert_sent = alert
        elif alert == _NO_RENEGOTIATION:  # which OpenSSL says to a ClientHello that comes too late
            heard.noticed.append((Notice.HELLO, alert))

    def _message(
        self, sent: int, _version: int, kind: int, data: Pointer, size: int, _connection: Pointer, _argument: Pointer
    ) -> None:
        if sent and kind == _HANDSHAKE:
            message = _ffi.buffer(data, size)
            if message[:1] == _NEW_SESSION_TICKET:
                self.heard.tickets.append(message[4:])

    def _verify(self, tolerance: Tolerance, accepted: int, store: Pointer) -> int:
        # OpenSSL asks about every fault that it finds, and once more about each certificate at the end, the leaf last.
        heard = self.heard
        if not accepted:
            error = _lib.X509_STORE_CTX_get_error(store)
            return 1 if tolerance.covers(error) else _refuse(heard, store, error)
        if heard.names or heard.ask is not None:
            return self._found_good(heard, store)
        return 1

    def _found_good(self, heard: Heard, store: Pointer) -> int:
        """Judge a certificate whose signature and dates are good by what else is wanted of it."""
        depth = _lib.X509_STORE_CTX_get_error_depth(store)
        if heard.ask is not None:
            der = _der(_lib.X509_STORE_CTX_get_current_cert(store))
            assert der is not None
            heard.path.append(der)
        if depth:
            return 1
        chain, heard.path = heard.path[::-1], []
        if heard.names and not _carries_one(_der(_lib.X509_STORE_CTX_get0_cert(store)), heard.names):
            return _refuse(heard, store, NAME_MISMATCH)
        if heard.ask is not None and heard.ask(chain):
            return _refuse(heard, store, REVOKED)
        return 1


def set_verify_time(connection: SSL.Connection, at: int) -> None:
    """Judge the peer's certificates at calendar time `at` instead of the host's.

    Certificates count in whole seconds. A begun second counts as the next one, so that a certificate is expired as
    soon as its last second has passed.
    """
    parameters = _lib.SSL_get0_param(_ssl(connection))
    _lib.X509_VERIFY_PARAM_set_time(parameters, -(-at // SECOND))


def connection(context: SSL.Context, session_id_context: bytes) -> SSL.Connection:
    """Return a connection with a session id context of its own."""
    # OpenSSL copies it out of the Context when a connection begins there, or comes there with that of its own Context.
    _lib.SSL_CTX_set_session_id_context(context._context, session_id_context, len(session_id_context))  # noqa: SLF001
    return SSL.Connection(context, None)


def move(connection: SSL.Connection, context: SSL.Context, session_id_context: bytes) -> None:
    """Move a connection to another Context for the rest of its life; its sessions stay those of the first."""
    _lib.SSL_CTX_set_session_id_context(context._context, session_id_context, len(session_id_context))  # noqa: SLF001
    connection.set_context(context)


def use_material(connection: SSL.Connection, material: Material) -> None:
    """Put our certificate and key on one connection; raises SSL.Error where OpenSSL will not use them."""
    ssl = _ssl(connection)
    certificate, key = material.certificate._x509, material.key._pkey  # noqa: SLF001 - the only way in
    if _lib.SSL_use_certificate(ssl, certificate) != 1 or _lib.SSL_use_PrivateKey(ssl, key) != 1:
        _raise_first()


def renew_buffers(connection: SSL.Connection) -> None:
    """Put new memory buffers under a connection; nothing may wait in the old ones.

    OpenSSL's never shrink: those that a handshake went through keep 5 KiB for as long as the connection lives.
    """
    incoming, outgoing = _lib.BIO_new(_lib.BIO_s_mem()), _lib.BIO_new(_lib.BIO_s_mem())
    if _ffi.NULL in {incoming, outgoing}:
        raise MemoryError("no memory buffers")
    _lib.SSL_set_bio(_ssl(connection), incoming, outgoing)  # which frees the old ones
    connection._into_ssl, connection._from_ssl = incoming, outgoing  # noqa: SLF001 - where pyOpenSSL keeps them


def resumed(connection: SSL.Connection) -> bool:
    """Whether the handshake took up an earlier session."""
    return bool(_lib.SSL_session_reused(_ssl(connection)))


def verified_chain(connection: SSL.Connection) -> list[bytes]:
    """Return the path that was found for the far end's certificate, that itself first, in DER form."""
    stack = _lib.SSL_get0_verified_chain(_ssl(connection))
    if stack == _ffi.NULL:
        return []
    found = (_der(_lib.sk_X509_value(stack, index)) for index in range(_lib.sk_X509_num(stack)))
    return [each for each in found if each is not None]


def describe_verify_error(code: int) -> str:
    """Return OpenSSL's words for a verification error."""
    text: bytes = _ffi.string(_lib.X509_verify_cert_error_string(code))
    return text.decode("ascii")


def trust(context: SSL.Context, anchors: tuple[Certificate, ...]) -> None:
    """Make every one of `anchors` an end of a path by itself, and name them to clients that we ask for theirs."""
    store = context.get_cert_store()
    if store is None:  # an allocation inside OpenSSL failed
        raise MemoryError("no certificate store")
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor.x509))
        context.add_client_ca(anchor.x509)


def _ssl(connection: SSL.Connection) -> Pointer:
    return connection._ssl  # noqa: SLF001 - the only way in


def _refuse(heard: Heard, store: Pointer, error: int) -> int:
    heard.verify_error = error
    heard.leaf = _der(_lib.X509_STORE_CTX_get0_cert(store))
    _lib.X509_STORE_CTX_set_error(store, error)  # which alert is sent
    return 0


def _carries_one(der: bytes | None, names: tuple[str, ...]) -> bool:
    try:
        certificate = None if der is None else Certificate.from_der(der)
    except CertificateError:
        return False
    return certificate is not None and any(carries(certificate, name) for name in names)


def _without_ticket(connection: Pointer, _alert: Pointer, _argument: Pointer) -> int:
    # OpenSSL gives up the tickets that it was about to give when it finds them forbidden after this callback.
    _lib.SSL_set_options(connection, SSL.OP_NO_TICKET)
    return int(_lib.SSL_TLSEXT_ERR_OK)


def _go_on(_connection: Pointer, _argument: Pointer) -> int:
    return 1


def _der(certificate: Pointer) -> bytes | None:
    if certificate == _ffi.NULL:
        return None
    bio = _ffi.gc(_lib.BIO_new(_lib.BIO_s_mem()), _lib.BIO_free)
    if _lib.i2d_X509_bio(bio, certificate) != 1:
        return None
    data = _ffi.new("char **")
    size = _lib.BIO_get_mem_data(bio, data)
    return bytes(_ffi.buffer(data[0], size))


def _raise_first() -> None:
    reasons: list[tuple[str, str, str]] = []
    while code := _lib.ERR_get_error():
        reason = _lib.ERR_reason_error_string(code)
        reasons.append(("SSL routines", "", _ffi.string(reason).decode("ascii") if reason != _ffi.NULL else str(code)))
    raise SSL.Error(reasons)
