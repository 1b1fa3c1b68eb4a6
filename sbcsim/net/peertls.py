"""TLS of the far ends that tests are made with: OpenSSL under asyncio's streams, with a say in every alert.

It shares nothing with the TLS engine of the box (`tls`, `openssl`), so that what it saw is evidence. Certificates are
judged inside the handshake, at simulated time, so that the box is sent the alert that a real far end would send.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL, crypto

from sbcsim.clock import Instant
from sbcsim.errors import UserError
from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Issued, RevocationList
from sbcsim.pki.names import carries

Pointer: TypeAlias = Any
"""A value of C, as the untyped binding hands it over."""

_binding = Binding()
_ffi: Any = _binding.ffi
_lib: Any = _binding.lib

Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
"""Versions of the protocol."""

_VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION, "TLSv1.1": SSL.TLS1_1_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}  # fmt: skip
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: the host's clock is not the simulated one."""

_READ = 1 << 16


class Refusal(Enum):
    """The alerts with which a far end can refuse the box's certificate; the value is the number of the alert.

    These are all that OpenSSL sends over a certificate. Others, such as access_denied, it never sends.
    """

    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    UNKNOWN_CA = 48
    DECRYPT_ERROR = 51
    INTERNAL_ERROR = 80


_NOBODYS_ERROR = 0x7FFF
"""A verification error that OpenSSL does not know, for which it sends certificate_unknown."""

_ERRORS: dict[Refusal, int] = {
    Refusal.HANDSHAKE_FAILURE: _lib.X509_V_ERR_APPLICATION_VERIFICATION,
    Refusal.BAD_CERTIFICATE: _lib.X509_V_ERR_CERT_REJECTED,
    Refusal.UNSUPPORTED_CERTIFICATE: _lib.X509_V_ERR_INVALID_PURPOSE,
    Refusal.CERTIFICATE_REVOKED: _lib.X509_V_ERR_CERT_REVOKED,
    Refusal.CERTIFICATE_EXPIRED: _lib.X509_V_ERR_CERT_HAS_EXPIRED,
    Refusal.CERTIFICATE_UNKNOWN: _NOBODYS_ERROR,
    Refusal.UNKNOWN_CA: _lib.X509_V_ERR_CERT_CHAIN_TOO_LONG,
    Refusal.DECRYPT_ERROR: _lib.X509_V_ERR_CERT_SIGNATURE_FAILURE,
    Refusal.INTERNAL_ERROR: _lib.X509_V_ERR_OUT_OF_MEM,
}


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """What a far end agrees to; as it is made here, what a good one does.

    `suites` are OpenSSL's names, in order of preference. `asks` says whether the box, where it dials, is asked for a
    certificate: "require" one, "request" one and do without, "never". `checks` is whether certificates are judged
    at all, `checks_dates` whether by simulated time as well; `names` are those of which the box's must carry one.
    `crls` are lists of what is revoked. `resumes` lets sessions be taken up again, in both directions.
    """

    versions: tuple[Version, ...] = ("TLSv1.2", "TLSv1.3")
    suites: tuple[str, ...] = ()
    asks: Literal["require", "request", "never"] = "require"
    checks: bool = True
    checks_dates: bool = True
    names: tuple[str, ...] = ()
    crls: tuple[RevocationList, ...] = ()
    resumes: bool = False

    def __post_init__(self) -> None:
        unknown = [each for each in self.versions if each not in _VERSIONS]
        if unknown or not self.versions:
            raise UserError(f"no version {', '.join(unknown)}; there are {', '.join(_VERSIONS)}")


def context(terms: TlsTerms, issued: Issued | None, anchors: tuple[Certificate, ...], *, server: bool) -> SSL.Context:
    """Return the settings of all connections of one kind; raises UserError where OpenSSL will not have them.

    The chain is sent as it stands in `issued`, without a self-signed root.
    """
    made = SSL.Context(SSL.TLS_METHOD)
    order = list(_VERSIONS)
    made.set_min_proto_version(_VERSIONS[min(terms.versions, key=order.index)])
    made.set_max_proto_version(_VERSIONS[max(terms.versions, key=order.index)])
    try:
        _choose_suites(made, terms.suites)
        if issued is not None:
            _show(made, issued)
    except SSL.Error as error:
        raise UserError(f"OpenSSL will not have it: {_words(error)}") from error
    store = made.get_cert_store()
    assert store is not None
    store.set_flags(_NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN)
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor.x509))
        made.add_client_ca(anchor.x509)
    if terms.crls:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
        for each in terms.crls:
            store.add_crl(each.x509)
    if terms.resumes:
        made.set_session_cache_mode(SSL.SESS_CACHE_BOTH)
        made.set_session_id(b"sbcsim peer")
    else:
        made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        made.set_options(SSL.OP_NO_TICKET)
    made.set_info_callback(_hear)
    made.set_verify(_mode(terms, server=server))
    return made


def _mode(terms: TlsTerms, *, server: bool) -> int:
    if server and terms.asks == "never":
        return SSL.VERIFY_NONE
    if server and terms.asks == "request":
        return SSL.VERIFY_PEER
    return SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT


def _choose_suites(made: SSL.Context, suites: tuple[str, ...]) -> None:
    # What is too weak is for the box to say: the far end takes old keys, hashes and versions.
    newest = [each for each in suites if each.startswith("TLS_")]
    older = [each for each in suites if each not in newest]
    made.set_cipher_list(":".join([*(older or ["DEFAULT"]), "@SECLEVEL=0"]).encode())
    if newest:
        made.set_tls13_ciphersuites(":".join(newest).encode())


def _show(made: SSL.Context, issued: Issued) -> None:
    made.use_certificate(issued.certificate.x509)
    made.use_privatekey(issued.key)
    for each in issued.chain:
        if not each.self_signed:
            made.add_extra_chain_cert(each.x509)


@dataclass(frozen=True, slots=True)
class Judge:
    """What is made of a certificate that the box shows, beyond what OpenSSL itself finds."""

    terms: TlsTerms
    refusal: Refusal | None
    now: Callable[[], Instant]

    def fault(self, certificate: Certificate, depth: int) -> int:
        """Return the verification error of a certificate that is good otherwise, 0 for none."""
        at = self.now().calendar
        if self.terms.checks_dates and certificate.expired(at):
            return int(_lib.X509_V_ERR_CERT_HAS_EXPIRED)
        if self.terms.checks_dates and certificate.not_yet_valid(at):
            return int(_lib.X509_V_ERR_CERT_NOT_YET_VALID)
        names = self.terms.names
        if not depth and names and not any(carries(certificate, each) for each in names):
            return int(_lib.X509_V_ERR_HOSTNAME_MISMATCH)
        return 0


class PlainStream:
    """TCP without TLS, and what both have in common. `end` is how the box ended it, "" as long as it has not."""

    transport = "TCP"
    """As a Via names it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.end = ""
        self.reason = ""
        self.alert_sent = 0
        self.alert_received = 0
        self.shown: tuple[Certificate, ...] = ()
        self.version = ""
        self.suite = ""
        self.resumed = False
        host, port = writer.get_extra_info("sockname")[:2]
        self.local: tuple[str, int] = (host, port)
        host, port = writer.get_extra_info("peername")[:2]
        self.remote: tuple[str, int] = (host, port)

    async def handshake(self) -> bool:
        """Come to terms; whether that succeeded. `reason` says why not."""
        return True

    async def read(self) -> bytes:
        """Return what came in, b"" at the end."""
        return await self._hear_raw()

    def write(self, data: bytes) -> None:
        """Send octets."""
        self._writer.write(data)

    def write_raw(self, data: bytes) -> None:
        """Send octets as they are, past TLS."""
        self._writer.write(data)

    def farewell(self) -> None:
        """Say that nothing more comes."""

    def close(self) -> None:
        """Send FIN, once everything is sent."""
        self._writer.close()

    def half_close(self) -> None:
        """Send FIN, and go on listening: who closes with octets unread resets."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Reset TCP."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def hear_out(self) -> None:
        """Take in whatever comes until the box ends TCP: who closes before that resets it."""
        while await self._hear_raw():
            pass

    async def _hear_raw(self) -> bytes:
        try:
            data = await self._reader.read(_READ)
        except ConnectionError:
            self.end = self.end or "reset"
            return b""
        if not data:
            self.end = self.end or "fin"
        return data


class TlsStream(PlainStream):
    """TLS on one connection."""

    transport = "TLS"

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: SSL.Context,
        judge: Judge,
        *,
        server: bool,
        session: SSL.Session | None = None,
    ) -> None:
        super().__init__(reader, writer)
        self.settings = settings
        self._judge = judge
        self._mistake: BaseException | None = None
        self._tls = SSL.Connection(settings, None)
        self._tls.set_app_data(self)
        # OpenSSL keeps a plain pointer to it: it must live as long as the connection.
        self._on_verify = _ffi.callback("int (*)(int, X509_STORE_CTX *)", self._verify)
        _lib.SSL_set_verify(self._tls._ssl, settings.get_verify_mode(), self._on_verify)  # noqa: SLF001 - the way in
        if session is not None:
            self._tls.set_session(session)
        if server:
            self._tls.set_accept_state()
        else:
            self._tls.set_connect_state()

    @property
    def session(self) -> SSL.Session | None:
        """The session, to be taken up again on another connection."""
        return self._tls.get_session()

    async def handshake(self) -> bool:
        """Go through the handshake; whether it succeeded."""
        while True:
            try:
                with self._flushed():
                    self._tls.do_handshake()
            except SSL.WantReadError:
                data = await self._hear_raw()
                if not data:
                    self.reason = f"{'reset' if self.end == 'reset' else 'closed'} during the handshake"
                    return False
                self._tls.bio_write(data)
            except SSL.Error as error:
                self.reason = self.reason or _words(error)
                return False
            else:
                break
        self.version = self._tls.get_protocol_version_name()
        self.suite = self._tls.get_cipher_name() or ""
        self.resumed = bool(_lib.SSL_session_reused(self._tls._ssl))  # noqa: SLF001 - pyOpenSSL has no method
        self.shown = self._shown_chain()
        return True

    async def read(self) -> bytes:
        """Return what came in, b"" at the end; `end` and `reason` say how it came to that."""
        while True:
            try:
                with self._flushed():
                    return self._tls.recv(_READ)
            except SSL.WantReadError:
                data = await self._hear_raw()
                if not data:
                    return b""
                self._tls.bio_write(data)
            except SSL.ZeroReturnError:
                self.end = "close_notify"
                return b""
            except SSL.Error as error:
                self.end = "alert" if self.alert_received else "error"
                self.reason = _words(error)
                return b""

    def write(self, data: bytes) -> None:
        """Send octets over TLS."""
        with self._flushed():
            self._tls.sendall(data)

    def farewell(self) -> None:
        """Send close_notify."""
        try:
            with self._flushed():
                self._tls.shutdown()
        except SSL.Error:
            pass  # in the middle of a handshake there is nothing to say goodbye to

    def heard(self, where: int, value: int) -> None:
        """Note an alert in either direction."""
        if where & SSL.SSL_CB_ALERT != SSL.SSL_CB_ALERT or not value & 0xFF:
            return
        if where & SSL.SSL_CB_READ:
            self.alert_received = value & 0xFF
        else:
            self.alert_sent = value & 0xFF

    def _verify(self, accepted: int, store: Pointer) -> int:
        # An exception must not cross OpenSSL: it is raised behind the call.
        try:
            return self._judged(bool(accepted), store)
        except Exception as mistake:  # noqa: BLE001 - see above
            self._mistake = mistake
            return 0

    def _judged(self, accepted: bool, store: Pointer) -> int:
        judge = self._judge
        if judge.refusal is not None:
            error = _ERRORS[judge.refusal]
        elif not judge.terms.checks:
            error = 0
        elif not accepted:
            error = int(_lib.X509_STORE_CTX_get_error(store))
        else:
            depth = _lib.X509_STORE_CTX_get_error_depth(store)
            error = judge.fault(_certificate(_lib.X509_STORE_CTX_get_current_cert(store)), depth)
        if not error:
            return 1
        self.shown = (_certificate(_lib.X509_STORE_CTX_get0_cert(store)),)
        self.reason = "on purpose" if judge.refusal is not None else _verification(error)
        _lib.X509_STORE_CTX_set_error(store, error)  # which alert is sent
        return 0

    def _shown_chain(self) -> tuple[Certificate, ...]:
        leaf = self._tls.get_peer_certificate(as_cryptography=True)
        if leaf is None:
            return ()
        sent = self._tls.get_peer_cert_chain(as_cryptography=True) or []
        found = [leaf, *(each for each in sent if each != leaf)]  # a client finds the first among them, a server not
        return tuple(Certificate.from_x509(each) for each in found)

    @contextmanager
    def _flushed(self) -> Iterator[None]:
        """Send what OpenSSL wants to send after one of its calls, however that ends."""
        try:
            yield
        finally:
            while True:
                try:
                    self._writer.write(self._tls.bio_read(_READ))
                except SSL.WantReadError:
                    break
            if self._mistake is not None:
                mistake, self._mistake = self._mistake, None
                raise mistake


def _hear(connection: SSL.Connection, where: int, value: int) -> None:
    stream = connection.get_app_data()
    if stream is not None:
        stream.heard(where, value)


def _certificate(pointer: Pointer) -> Certificate:
    _lib.X509_up_ref(pointer)
    wrapped = crypto.X509._from_raw_x509_ptr(pointer)  # noqa: SLF001 - as pyOpenSSL's own callback does
    return Certificate.from_x509(wrapped.to_cryptography())


def _verification(error: int) -> str:
    text: bytes = _ffi.string(_lib.X509_verify_cert_error_string(error))
    return text.decode("ascii")


def _words(error: SSL.Error) -> str:
    if isinstance(error, SSL.SysCallError):
        return str(error.args[-1])
    reasons = error.args[0] if error.args else []
    return "; ".join(str(each[-1]) for each in reasons) or type(error).__name__
