"""The record of every live TCP and TLS connection: which certificate it uses, from when, and what depends on it.

A record gets its certificate once, at the moment its handshake starts, and never another one; only where it takes up
an earlier session it stands on what that was born with. The table indexes the records by certificate, by sipSigPort
and by peer, so that a re-check or a bounce costs only what it closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from sbcsim.clock import Instant
from sbcsim.errors import BugError
from sbcsim.pki.credential import Certificate, Credential
from sbcsim.sip.message import Response
from sbcsim.sip.stream import Stream

from .effects import ConnectionId, Direction, Endpoint, SessionId, StartTls, Transport

if TYPE_CHECKING:
    from .ocspprofile import OcspProfile
    from .tlssessions import CachedSession

_Key = TypeVar("_Key")

PortKey = tuple[str, str, int]
"""addressContext, zone, sipSigPort index."""

PeerKey = tuple[str, str, str]
"""addressContext, zone, ipPeer name."""


class ConnectionState(Enum):
    """The states of `sipSigConnStatus` that a simulated connection passes through; CLOSED is off the table."""

    CONNECTING = "connecting"
    NEGOTIATING = "negotiating"
    WAITING_SIP_AUTH = "waitingSipAuth"
    UP = "up"
    CLOSED = "closed"


_NEXT: dict[ConnectionState, frozenset[ConnectionState]] = {
    ConnectionState.CONNECTING: frozenset({ConnectionState.NEGOTIATING, ConnectionState.UP, ConnectionState.CLOSED}),
    ConnectionState.NEGOTIATING: frozenset(
        {ConnectionState.WAITING_SIP_AUTH, ConnectionState.UP, ConnectionState.CLOSED}
    ),
    ConnectionState.WAITING_SIP_AUTH: frozenset({ConnectionState.UP, ConnectionState.CLOSED}),
    ConnectionState.UP: frozenset({ConnectionState.CLOSED}),
    ConnectionState.CLOSED: frozenset(),
}


class ConnectionRecord:
    """One connection of the box, from the dial or the accept until it is closed."""

    __slots__ = (
        "_credential",
        "_handshake_begun",
        "_state",
        "auth_seconds",
        "bytes_in",
        "bytes_out",
        "cipher",
        "declined",
        "direction",
        "id",
        "interface",
        "last_used",
        "local",
        "messages_in",
        "messages_out",
        "ocsp",
        "offered",
        "peer",
        "peer_chain",
        "port",
        "remote",
        "resumed",
        "revision",
        "session",
        "session_name",
        "since",
        "start",
        "stream",
        "times",
        "tls_profile",
        "transport",
        "validate_peer",
        "version",
        "waiting",
    )

    def __init__(
        self,
        id: ConnectionId,  # noqa: A002 - the field's own word
        direction: Direction,
        transport: Transport,
        port: PortKey,
        interface: tuple[str, str, str],
        local: Endpoint,
        remote: Endpoint,
        now: Instant,
        *,
        peer: PeerKey | None = None,
        times: int = 1,
    ) -> None:
        self.id = id
        self.direction = direction
        self.transport = transport
        self.port = port
        self.interface = interface
        self.local = local
        self.remote = remote
        self.since = now
        self.last_used = now
        self.peer = peer
        self.times = times
        self.tls_profile = ""
        self.revision = 0
        self.validate_peer = True
        self.auth_seconds: int | None = None
        """How long a far end that shows no certificate may take to prove a known peer; None where it need not."""
        self.peer_chain: tuple[Certificate, ...] = ()
        self.resumed = False
        self.start: StartTls | None = None
        """How the handshake began, while it is under way."""
        self.offered: CachedSession | None = None
        """The session that the far end may take up in this handshake."""
        self.ocsp: OcspProfile | None = None
        """Whom this handshake asks about the far end's certificates, while it is under way."""
        self.declined = ""
        """Why it may not take up the one it offered."""
        self.session: CachedSession | None = None
        self.session_name: SessionId = b""
        """What the far end knows the session by, b"" where it cannot take it up."""
        self.version = ""
        self.cipher = ""
        self.messages_in = self.messages_out = 0
        self.bytes_in = self.bytes_out = 0
        self.stream = Stream()
        self.waiting: tuple[Response, bytes] | None = None
        """An answer that goes out together with the next one, because a fault wants that."""
        self._credential: Credential | None = None
        self._handshake_begun = False
        self._state = ConnectionState.CONNECTING

    def __repr__(self) -> str:
        return f"<connection {self.id} {self.direction.value} {self.remote[0]}:{self.remote[1]} {self._state.value}>"

    @property
    def state(self) -> ConnectionState:
        """Where in its life the connection is."""
        return self._state

    @property
    def role(self) -> str:
        """`client` where the box opened the connection, else `server`."""
        return "client" if self.direction is Direction.OUTBOUND else "server"

    @property
    def credential(self) -> Credential | None:
        """The box's own certificate on this connection; it never changes once the handshake has begun."""
        return self._credential

    @property
    def address_context(self) -> str:
        """The addressContext of the sipSigPort."""
        return self.port[0]

    @property
    def zone(self) -> str:
        """The zone of the sipSigPort."""
        return self.port[1]

    @property
    def sip_sig_port(self) -> int:
        """The index of the sipSigPort."""
        return self.port[2]

    @property
    def established(self) -> bool:
        """SIP may flow: the handshake, where there is one, has succeeded."""
        return self._state is ConnectionState.UP or self._state is ConnectionState.WAITING_SIP_AUTH

    def move(self, state: ConnectionState) -> None:
        """Enter `state`; raises BugError and changes nothing when it cannot follow the present one."""
        if state not in _NEXT[self._state]:
            msg = f"connection {self.id} cannot go from {self._state.value} to {state.value}"
            raise BugError(msg)
        self._state = state

    def begin_handshake(self, tls_profile: str, credential: Credential | None, revision: int) -> None:
        """Fix the certificate for the life of the connection; raises BugError on a second call."""
        if self._handshake_begun:
            msg = f"connection {self.id} has its certificate already"
            raise BugError(msg)
        self.move(ConnectionState.NEGOTIATING)
        self._handshake_begun = True
        self.tls_profile = tls_profile
        self.revision = revision
        self._credential = credential

    def resume(self, session: CachedSession) -> None:
        """Stand on an earlier session, its certificates and those that the peer showed then."""
        if self._state is not ConnectionState.NEGOTIATING:
            msg = f"connection {self.id} cannot take up a session while {self._state.value}"
            raise BugError(msg)
        self.resumed = True
        self.session = session
        self._credential = session.credential
        self.peer_chain = session.peer_chain

    def certificates(self) -> Iterator[Certificate]:
        """Yield every certificate the connection stands on: own leaf and chain, then the peer's verified chain."""
        if self._credential is not None:
            yield self._credential.certificate
            yield from self._credential.chain
        if self.validate_peer:
            yield from self.peer_chain


class ConnectionTable:
    """All live connections by id, with the indexes."""

    def __init__(self) -> None:
        self._records: dict[ConnectionId, ConnectionRecord] = {}
        self._by_port: dict[PortKey, dict[ConnectionId, None]] = {}
        self._by_certificate: dict[str, dict[ConnectionId, None]] = {}
        self._by_peer: dict[PeerKey, dict[ConnectionId, None]] = {}
        self._next_id = 1
        self.secured = 0
        """How many TLS connections are established."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[ConnectionRecord]:
        return iter(tuple(self._records.values()))

    def take_id(self, times: int = 1) -> ConnectionId:
        """Return the next connectionId; `times` ids are used up where one dial stands for that many."""
        self._next_id += times
        return self._next_id - 1

    def add(self, record: ConnectionRecord) -> None:
        """Take a new record in."""
        self._records[record.id] = record
        self._by_port.setdefault(record.port, {})[record.id] = None
        if record.peer is not None:
            self._by_peer.setdefault(record.peer, {})[record.id] = None

    def get(self, connection: ConnectionId) -> ConnectionRecord | None:
        """Return a live record, None once it is closed."""
        return self._records.get(connection)

    def index_certificates(self, record: ConnectionRecord) -> None:
        """Make the record findable by the certificates it stands on, once its handshake has succeeded."""
        self.secured += record.transport is Transport.TLS
        for certificate in record.certificates():
            self._by_certificate.setdefault(certificate.fingerprint, {})[record.id] = None

    def remove(self, record: ConnectionRecord) -> None:
        """Forget a record and every index entry of it."""
        self.secured -= record.established and record.transport is Transport.TLS
        record.move(ConnectionState.CLOSED)
        del self._records[record.id]
        _drop(self._by_port, record.port, record.id)
        if record.peer is not None:
            _drop(self._by_peer, record.peer, record.id)
        for certificate in record.certificates():
            _drop(self._by_certificate, certificate.fingerprint, record.id)

    def on_port(self, port: PortKey) -> Sequence[ConnectionRecord]:
        """Return the connections of a sipSigPort in connectionId order."""
        return self._pick(self._by_port.get(port))

    def of_peer(self, peer: PeerKey) -> Sequence[ConnectionRecord]:
        """Return the connections that the box opened to an ipPeer, in connectionId order."""
        return self._pick(self._by_peer.get(peer))

    def using(self, fingerprint: str) -> Sequence[ConnectionRecord]:
        """Return the connections that stand on a certificate, own or the peer's, in connectionId order."""
        return self._pick(self._by_certificate.get(fingerprint))

    def uses(self, fingerprint: str) -> bool:
        """Whether any live connection stands on a certificate."""
        return fingerprint in self._by_certificate

    def restart(self) -> None:
        """Begin connectionIds anew; only when no connection is left."""
        if self._records:
            raise BugError("connection table restarted with live connections")
        self._next_id = 1

    def _pick(self, ids: dict[ConnectionId, None] | None) -> Sequence[ConnectionRecord]:
        return [self._records[connection] for connection in sorted(ids)] if ids else []


def _drop(index: dict[_Key, dict[ConnectionId, None]], key: _Key, connection: ConnectionId) -> None:
    ids = index.get(key)
    if ids is None:
        return
    ids.pop(connection, None)
    if not ids:
        del index[key]
