"""The control API's values: what goes over HTTP as JSON and what the Python API returns.

Plain frozen dataclasses, so that the Python API costs no import; `__pydantic_config__` makes pydantic read and write
them in camelCase, and their docstrings become the descriptions in the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sbcsim.journal import camel

ANSWER = {"alias_generator": camel, "populate_by_name": True, "use_attribute_docstrings": True}
"""How pydantic writes a value."""

_AS_WRITTEN = {"use_attribute_docstrings": True}


class Address(NamedTuple):
    """A host address and port; in JSON an array of the two."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SipListener:
    """One listening SIP port. `address` is where it really listens on the host."""

    __pydantic_config__ = ANSWER

    address_context: str
    zone: str
    sip_sig_port: int
    transport: Literal["udp", "tcp", "tls"]
    address: Address

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {
            "addressContext": self.address_context,
            "zone": self.zone,
            "sipSigPort": self.sip_sig_port,
            "transport": self.transport,
            "address": list(self.address),
        }


@dataclass(frozen=True, slots=True)
class ServerPorts:
    """Where one server of a pair is managed, active or not."""

    __pydantic_config__ = ANSWER

    name: str
    cli: Address
    sftp: Address

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {"name": self.name, "cli": list(self.cli), "sftp": list(self.sftp)}


@dataclass(frozen=True, slots=True)
class Ready:
    """What the ready line says: where everything listens."""

    __pydantic_config__ = _AS_WRITTEN

    version: str
    pid: int
    cli: Address | None
    """The CLI over SSH."""
    sftp: Address | None
    netconf: Address | None
    rest: Address | None
    control: str | None
    """URL of the control API."""
    cert_dir: str
    """Directory that takes certificate files, by SFTP."""
    now: datetime
    """The node's calendar."""
    sip: tuple[SipListener, ...]
    servers: tuple[ServerPorts, ...] = ()
    """The servers of a pair; `cli` and `sftp` belong to the active one."""

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data without the help of pydantic, which the ready line does not wait for."""
        return {
            "version": self.version,
            "pid": self.pid,
            "cli": _listed(self.cli),
            "sftp": _listed(self.sftp),
            "netconf": _listed(self.netconf),
            "rest": _listed(self.rest),
            "control": self.control,
            "cert_dir": self.cert_dir,
            "now": self.now.isoformat().replace("+00:00", "Z"),
            "sip": [listener.to_json() for listener in self.sip],
            "servers": [server.to_json() for server in self.servers],
        }


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens; None where it does not."""

    cli: Address
    sftp: Address
    control: Address | None
    netconf: Address | None
    rest: Address | None
    sip: tuple[SipListener, ...]
    servers: tuple[ServerPorts, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Both readings of the node's clock."""

    __pydantic_config__ = ANSWER

    mode: Literal["real", "virtual"]
    now: datetime
    """The calendar."""
    uptime: float
    """Seconds since the node started."""
    rate: float
    """Simulated seconds for each host second; 0 stands still until moved."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """What happened while the clock moved."""

    __pydantic_config__ = ANSWER

    start: datetime
    """The calendar before."""
    now: datetime
    """The calendar after."""
    uptime: float
    """Seconds since the node started, after."""
    by: str
    """The distance, as a duration."""
    due: int
    """How many timers came due."""
    coalesced: int
    """How many of the due pings were not sent because one stood for many."""
    counts: dict[str, int]
    """How many journal entries of each kind were written."""
    fired: tuple[dict[str, object], ...]
    """The journal entries that were written, without SIP messages: the newest where there were too many."""
    omitted: int
    """How many older entries `fired` leaves out; the journal still has them."""


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """The certificate that the box presented on a connection."""

    __pydantic_config__ = ANSWER

    name: str
    serial: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """The certificate that the far end presented on a connection."""

    __pydantic_config__ = ANSWER

    subject: str
    serial: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """One live TLS or TCP connection. Its certificate never changes."""

    __pydantic_config__ = ANSWER

    id: int
    direction: Literal["inbound", "outbound"]
    transport: Literal["udp", "tcp", "tls"]
    state: str
    local: Address
    """The box's own side, as simulated."""
    remote: Address
    """The far end, as simulated."""
    address_context: str
    zone: str
    sip_sig_port: int
    peer: str
    """The ipPeer this connection belongs to, "" for none."""
    tls_profile: str
    version: str
    cipher: str
    local_certificate: LocalCertificate | None
    peer_certificate: PeerCertificate | None
    resumed: bool
    since: datetime
    last_used: datetime
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """One `pki certificate` object. What its file says is null until it has been enabled once."""

    __pydantic_config__ = ANSWER

    name: str
    type: str
    """local, local-internal, remote, or "" while it has none."""
    state: str
    """enabled or disabled."""
    subject: str | None
    issuer: str | None
    serial: str | None
    not_before: datetime | None
    not_after: datetime | None
    days_to_expiry: int | None
    """Whole days left, negative after expiry."""
    used_by: tuple[str, ...]
    """The TLS profiles that name it."""
    connections: tuple[int, ...]
    """The live connections that stand on it, own or the far end's chain."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One ipPeer and what the path check knows of it."""

    __pydantic_config__ = ANSWER

    name: str
    address_context: str
    zone: str
    address: Address | None
    """Where it is dialled, null while it has no address."""
    path_check: bool
    """Whether the path check is on."""
    path_state: str
    """The state of the path check: inActive, active, up or down."""
    last_ping: datetime | None
    """When it was last pinged."""
    successes: int
    """Answered pings in a row."""
    failures: int
    """Unanswered pings in a row."""
    connection: int | None
    """The live connection that the pings use."""


@dataclass(frozen=True, slots=True)
class CallLeg:
    """One side of a call: the trunk group that it uses, and the dialog with the far end."""

    __pydantic_config__ = ANSWER

    address_context: str
    zone: str
    trunk_group: str
    peer: str
    """The ipPeer, "" for none."""
    call_id: str
    """The Call-ID of the dialog."""
    connection: int | None
    """The live connection that carries the dialog, null over UDP."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that stands."""

    __pydantic_config__ = ANSWER

    id: int
    """The GCID."""
    state: Literal["establishing", "stable"]
    ingress: CallLeg
    """The side that it came in by."""
    egress: CallLeg | None
    """The side that it goes out by, null until it has been routed."""
    calling: str
    called: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, as it stands or as the history has it."""

    __pydantic_config__ = ANSWER

    id: int
    name: str
    """The name of the event that raised it."""
    severity: str
    description: str
    subject: str
    """The object it is about."""
    state: Literal["raised", "cleared"]
    clear_type: Literal["manual", "automatic"]
    first: datetime
    last: datetime
    count: int
    acknowledged: bool
    comment: str


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms that stand and everything that was raised and cleared, oldest first."""

    __pydantic_config__ = ANSWER

    current: tuple[Alarm, ...]
    history: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each there are."""

    __pydantic_config__ = ANSWER

    connections: int
    peers: int
    certificates: int
    alarms: int
    """Alarms that stand."""
    sessions: int
    """CLI sessions."""
    journal: int
    """The number of the newest journal entry."""
    revision: int
    """The number of the newest commit."""
    calls: int
    """Calls that stand."""


@dataclass(frozen=True, slots=True)
class Status:
    """The simulator at a glance."""

    __pydantic_config__ = ANSWER

    version: str
    seed: int
    clock: ClockReading
    counts: Counts
    ports: Ready
    """The content of the ready line."""
    rude: bool = False
    """The box is mildly unkind everywhere, on purpose."""


@dataclass(frozen=True, slots=True)
class SwitchedOver:
    """The servers of the pair have changed roles."""

    __pydantic_config__ = ANSWER

    now: datetime
    active: str
    standby: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """A sipSigPort has been out of service and is back. `closed` are the connections that this ended."""

    __pydantic_config__ = ANSWER

    now: datetime
    closed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PortCounts:
    """What a sipSigPort has counted, by the names of the status tables."""

    __pydantic_config__ = ANSWER

    address_context: str
    zone: str
    sip_sig_port: int
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """A place that can go wrong."""

    __pydantic_config__ = ANSWER

    name: str
    subject: str
    """What `match` is compared with."""
    effect: str
    value: str
    """What a fault may say more precisely, empty where there is nothing to say."""
    default: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is set, with how often it was met and has fired."""

    __pydantic_config__ = ANSWER

    id: int
    point: str
    match: str
    nth: int
    times: int | None
    probability: float
    period: str
    value: str
    gap: int
    met: int
    fired: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A node as it was, to go back to: `taken` by its own calendar, `revision` the last commit before."""

    __pydantic_config__ = ANSWER

    name: str
    taken: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class ResetDone:
    """The node is back in the state just after start."""

    __pydantic_config__ = ANSWER

    now: datetime
    journal: int
    """The number of the newest journal entry; numbers go on over a reset."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused (RFC 9457)."""

    __pydantic_config__ = ANSWER

    type: str
    title: str
    status: int
    detail: str

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}


def _listed(address: Address | None) -> list[object] | None:
    return None if address is None else list(address)
