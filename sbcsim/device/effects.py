"""What the device wants done outside, as values; `net` carries them out and reports back by the device's inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sbcsim.pki.credential import Credential, TrustAnchors
from sbcsim.sip.locating import Question

ConnectionId = int
Endpoint = tuple[str, int]
"""Simulated address and port."""

SessionId = bytes
"""What a far end knows a TLS session by: its session id, or the SHA-256 of its ticket."""


class Transport(Enum):
    """How SIP is carried; the value is the box's word for it (sipSigConnStatus, pathCheckProfile)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls-tcp"


class Direction(Enum):
    """Who opened a connection."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Closing(Enum):
    """How a connection is ended: close_notify and FIN, FIN alone, or RST because its state is gone."""

    GRACEFUL = "graceful"
    CUT = "cut"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class ListenerKey:
    """One socket of a sipSigPort: it listens for connections, or takes datagrams."""

    address_context: str
    zone: str
    sip_sig_port: int
    transport: Transport
    address: Endpoint


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The part of a tlsProfile that shapes a TLS context; equal settings share one context.

    `versions` are "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"; `ciphers` OpenSSL names in order of preference.
    """

    versions: frozenset[str]
    ciphers: tuple[str, ...]
    require_certificate: bool
    validate_peer: bool
    tolerate_purpose: bool


class Spoiling(Enum):
    """What goes wrong in a handshake on purpose."""

    HELLO = "reset behind the ClientHello"
    FLIGHT = "reset behind the server's certificate"
    ALERT = "ended by an alert on purpose"
    SECURED = "reset right behind the handshake"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """How a handshake is spoiled, with the number of the alert where it is one."""

    how: Spoiling
    alert: int = 0


@dataclass(frozen=True, slots=True)
class Listen:
    """Open a listening socket."""

    listener: ListenerKey


@dataclass(frozen=True, slots=True)
class StopListening:
    """Close a listening socket; the connections it accepted stay."""

    listener: ListenerKey


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a TCP connection to `remote` from the address of a sipSigPort.

    With `refused` it fails for that reason, and nobody is dialled.
    """

    connection: ConnectionId
    local: str
    remote: Endpoint
    refused: str = ""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Begin the handshake on a standing TCP connection, judging certificates at calendar time `at` (microseconds).

    `credential` is None where the profile names none: a server then fails every handshake (alert 40), a client
    answers a certificate request with an empty list. `names` are those of which the far end's certificate must carry
    one, none where it may carry any. `lifetime` is for how many seconds a client may take the session up again, 0 for
    not at all. With `asks` the handshake shows the far end's certificates, and waits for the `OcspVerdict` on them.
    `spoiled` says what goes wrong with it on purpose.
    """

    connection: ConnectionId
    direction: Direction
    settings: TlsSettings
    credential: Credential | None
    anchors: TrustAnchors
    at: int
    names: tuple[str, ...] = ()
    lifetime: int = 0
    asks: bool = False
    spoiled: Spoiled | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Write application bytes to an established connection."""

    connection: ConnectionId
    data: bytes


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send one datagram from a listening socket. `call_id` names the ping that has failed if it cannot be sent.

    What `answers` goes to somebody who has just asked, and so to wherever that was.
    """

    listener: ListenerKey
    remote: Endpoint
    data: bytes
    call_id: str = ""
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """Ask the DNS one question."""

    question: Question


@dataclass(frozen=True, slots=True)
class Close:
    """End a connection. The device has already forgotten it; nothing more is reported about it."""

    connection: ConnectionId
    how: Closing


@dataclass(frozen=True, slots=True)
class OcspVerdict:
    """Let a handshake that waits go on; it fails where one of the far end's certificates is revoked."""

    connection: ConnectionId
    revoked: bool


@dataclass(frozen=True, slots=True)
class AskOcsp:
    """Send a question to an OCSP responder by HTTP; `server` is what the host in the URL stands for."""

    number: int
    server: Endpoint
    url: str
    question: bytes


@dataclass(frozen=True, slots=True)
class DropOcsp:
    """Wait no longer for the answer to a question."""

    number: int


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """Where a log is sent as well, by `tcp` or `udp`; the host is an address or a name."""

    protocol: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SendSyslog:
    """Send one syslog message."""

    server: SyslogServer
    message: bytes


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """A user of SNMP version 3 with localized keys, b"" for a service that is not used."""

    name: str
    auth_key: bytes = field(repr=False)
    auth_protocol: str
    priv_key: bytes = field(repr=False)
    priv_protocol: str


@dataclass(frozen=True, slots=True)
class TrapTarget:
    """Whom traps are sent to: `kind` is v1, v2, v3 or inform; the host is an address or a name."""

    name: str
    host: str
    port: int
    kind: str
    community: str
    user: SnmpUser | None
    engine_id: bytes


@dataclass(frozen=True, slots=True)
class Trap:
    """One notification: its number, the uptime in hundredths of a second, and numbers of objects with their values."""

    oid: str
    uptime: int
    objects: tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class SendTrap:
    """Send a trap to a target."""

    target: TrapTarget
    trap: Trap


Effect = (
    Listen
    | StopListening
    | Dial
    | StartTls
    | OcspVerdict
    | Send
    | SendDatagram
    | Lookup
    | Close
    | AskOcsp
    | DropOcsp
    | SendSyslog
    | SendTrap
)


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """What `net` learned from a successful handshake. `peer_chain` is DER, leaf first, as verified up to its anchor.

    The chain is empty where the peer showed no certificate, as in every resumption; unverified (as sent) where the
    settings do not validate. `sessions` are the names under which the client may take the session up again, `home` is
    where `net` finds it then: nobody else looks at that.
    """

    version: str
    cipher: str
    resumed: bool
    peer_chain: tuple[bytes, ...]
    sessions: tuple[SessionId, ...] = ()
    home: object = None


class HandshakeFailure(Enum):
    """Why a handshake failed, in the terms of the TLS counters."""

    NO_COMMON_CIPHER = "no shared cipher suite"
    NO_COMMON_VERSION = "no shared protocol version"
    NO_LOCAL_CERTIFICATE = "no certificate configured"
    NO_PEER_CERTIFICATE = "peer presented no certificate"
    PEER_EXPIRED = "peer certificate expired"
    PEER_NOT_YET_VALID = "peer certificate not yet valid"
    PEER_UNKNOWN_CA = "peer certificate issuer unknown"
    PEER_INVALID = "peer certificate invalid"
    PEER_NAME = "peer certificate carries another name"
    PEER_REVOKED = "peer certificate revoked"
    ALERT_RECEIVED = "alert received"
    CLOSED = "connection closed during handshake"
    PROTOCOL = "TLS protocol error"


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """What `net` learned from a failed handshake. Alerts are TLS alert numbers, 0 for none."""

    failure: HandshakeFailure
    reason: str
    alert_sent: int = 0
    alert_received: int = 0
    peer_leaf: bytes | None = None


class Ending(Enum):
    """How an established connection came to an end that was not our doing."""

    CLOSED = "closed by peer"
    CUT = "closed by peer without close_notify"
    RESET = "reset by peer"
    ALERT = "fatal alert received"
    UNREADABLE = "what came in cannot be read"
    UNSENT = "nothing can be sent"


class Notice(Enum):
    """What a far end did inside TLS that ends nothing."""

    WARNING = "warning alert"
    HELLO = "ClientHello on an established connection"
