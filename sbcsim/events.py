"""Everything that happens, as frozen values; the journal records them.

No secret ever enters an event. Times are calendar microseconds (`sbcsim.clock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `kind` is the name by which journals are filtered."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """A certificate as it appeared in an event. `name` is the configuration object, "" for a peer's own."""

    subject: str
    serial: str
    not_after: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Login(Event):
    """Somebody logged in, or tried to. `service` is cli, sftp or control."""

    kind: ClassVar[str] = "login"
    user: str
    remote: str
    service: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Logout(Event):
    """A session ended."""

    kind: ClassVar[str] = "logout"
    user: str
    remote: str
    service: str


@dataclass(frozen=True, slots=True)
class CliSession(Event):
    """A CLI session has begun, with or without a terminal, or `ended` and let go of its candidate.

    `protocol` is ssh, or console for the lines that whoever runs the simulator types.
    """

    kind: ClassVar[str] = "cliSession"
    user: str
    session: int
    terminal: bool
    ended: bool
    remote: str
    protocol: str


@dataclass(frozen=True, slots=True)
class CliLine(Event):
    """One CLI line, with secrets replaced, and how it ended. `answers` are those that its questions were given."""

    kind: ClassVar[str] = "cli"
    user: str
    session: int
    mode: str
    line: str
    ok: bool
    remote: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SftpOperation(Event):
    """One file operation. `operation` is put, get, remove, rename, mkdir, rmdir.

    `sha256` is that of the whole file behind a put, `target` where a rename leads.
    """

    kind: ClassVar[str] = "sftp"
    user: str
    operation: str
    path: str
    size: int
    ok: bool
    reason: str = ""
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Commit(Event):
    """A commit became the running configuration. `changes` are `set`-like lines with secrets replaced."""

    kind: ClassVar[str] = "commit"
    revision: int
    user: str
    context: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommitRefused(Event):
    """A commit was refused; nothing changed."""

    kind: ClassVar[str] = "commitRefused"
    user: str
    context: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmedCommit(Event):
    """What became of a confirmed commit of `user`: it is pending, permanent, aborted, or rolled back by itself."""

    kind: ClassVar[str] = "confirmedCommit"
    user: str
    context: str
    state: str
    minutes: int


@dataclass(frozen=True, slots=True)
class ListenerOpened(Event):
    """A sipSigPort listens. `bound` is where on the host."""

    kind: ClassVar[str] = "listenerOpened"
    sip_sig_port: str
    transport: str
    local: str
    bound: str


@dataclass(frozen=True, slots=True)
class ListenerClosed(Event):
    """A sipSigPort stopped listening."""

    kind: ClassVar[str] = "listenerClosed"
    sip_sig_port: str
    transport: str
    local: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """A TCP connection stands; over TLS the handshake begins now."""

    kind: ClassVar[str] = "connectionOpened"
    connection: int
    direction: str
    sip_sig_port: str
    local: str
    remote: str


@dataclass(frozen=True, slots=True)
class DialFailed(Event):
    """The box could not open a connection. `times` counts the attempts a coalesced ping stands for."""

    kind: ClassVar[str] = "dialFailed"
    connection: int
    sip_sig_port: str
    remote: str
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Handshake(Event):
    """A TLS handshake ended. `alert_sent` and `alert_received` are TLS alert numbers (RFC 8446 6), 0 for none.

    `declined` says why a session that the client offered to take up was not.
    """

    kind: ClassVar[str] = "handshake"
    connection: int
    direction: str
    ok: bool
    version: str
    cipher: str
    resumed: bool
    local_certificate: CertificateSeen | None
    peer_certificate: CertificateSeen | None
    alert_sent: int = 0
    alert_received: int = 0
    reason: str = ""
    times: int = 1
    declined: str = ""


@dataclass(frozen=True, slots=True)
class AlertReceived(Event):
    """The far end sent a TLS alert: a fatal one on an established connection, or a warning."""

    kind: ClassVar[str] = "alertReceived"
    connection: int
    alert: int
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class ConnectionClosed(Event):
    """A connection ended. `by` is local or remote; `reason` says why in one phrase."""

    kind: ClassVar[str] = "connectionClosed"
    connection: int
    direction: str
    by: str
    reason: str
    local_certificate: str = ""


@dataclass(frozen=True, slots=True)
class SipMessage(Event):
    """One SIP message on the wire. `summary` is the start line; `times` counts what a coalesced one stands for.

    Over UDP there is no connection (0), and `remote` says where it came from or went to.
    """

    kind: ClassVar[str] = "sip"
    connection: int
    direction: str
    summary: str
    call_id: str
    size: int
    times: int = 1
    remote: str = ""


@dataclass(frozen=True, slots=True)
class SipRefused(Event):
    """Bytes from a peer that were not SIP as we accept it. Over UDP `connection` is 0 and `remote` the sender."""

    kind: ClassVar[str] = "sipRefused"
    connection: int
    reason: str
    answered: int
    closed: bool
    remote: str = ""


@dataclass(frozen=True, slots=True)
class PathPing(Event):
    """The outcome of a path check ping. `times` is the number of due pings that this one stood for."""

    kind: ClassVar[str] = "pathPing"
    peer: str
    zone: str
    ok: bool
    reason: str
    connection: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class PathState(Event):
    """A path check state changed (inActive, active, up, down)."""

    kind: ClassVar[str] = "pathState"
    peer: str
    zone: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class CertificateLoaded(Event):
    """An enabled certificate was read and is ready for new connections."""

    kind: ClassVar[str] = "certificateLoaded"
    certificate: CertificateSeen
    type: str


@dataclass(frozen=True, slots=True)
class CertificateReplaced(Event):
    """A tlsProfile shows another certificate from now on, as `role` server or client.

    For `window` microseconds no TLS session is set up with that profile.
    """

    kind: ClassVar[str] = "certificateReplaced"
    profile: str
    role: str
    old: str
    new: str
    window: int


@dataclass(frozen=True, slots=True)
class ReplacementEnded(Event):
    """TLS sessions are set up with a tlsProfile again."""

    kind: ClassVar[str] = "replacementEnded"
    profile: str


@dataclass(frozen=True, slots=True)
class CertificateCheck(Event):
    """certExpiryCheck looked at the live connections. `checked` were live, `failed` were closed."""

    kind: ClassVar[str] = "certificateCheck"
    checked: int
    failed: int


@dataclass(frozen=True, slots=True)
class OcspAnswered(Event):
    """A question about a certificate, or `times` alike, has ended. `answer` is good, revoked, unknown, or a refusal.

    It is empty where there is none; `reason` says why, or why it is not believed.
    """

    kind: ClassVar[str] = "ocsp"
    profile: str
    certificate: CertificateSeen
    responder: str
    answer: str
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class CertificateWarning(Event):
    """The daily job spoke about one certificate; `alarm` is False for an INFO event."""

    kind: ClassVar[str] = "certificateWarning"
    name: str
    type: str
    days: int
    alarm: bool


@dataclass(frozen=True, slots=True)
class AlarmRaised(Event):
    """An alarm was raised or repeated."""

    kind: ClassVar[str] = "alarmRaised"
    alarm: int
    name: str
    severity: str
    description: str
    count: int
    objects: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmCleared(Event):
    """An alarm was cleared. `by` is a user, or "automatic"."""

    kind: ClassVar[str] = "alarmCleared"
    alarm: int
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class PortState(Event):
    """A sipSigPort, ipInterface or sipTrunkGroup went in or out of service, or drains."""

    kind: ClassVar[str] = "portState"
    object: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switchover(Event):
    """The servers of a pair have changed roles: `active` has taken over from `standby`, and why."""

    kind: ClassVar[str] = "switchover"
    active: str
    standby: str
    reason: str


@dataclass(frozen=True, slots=True)
class FaultFired(Event):
    """Something goes wrong on purpose: the number of the fault, its point and value, and what it has hit."""

    kind: ClassVar[str] = "faultFired"
    fault: int
    point: str
    subject: str
    value: str


@dataclass(frozen=True, slots=True)
class Synchronised(Event):
    """The standby server has caught up, and could take over."""

    kind: ClassVar[str] = "synchronised"
    standby: str


@dataclass(frozen=True, slots=True)
class LogEvent(Event):
    """An event that exists only in the box's event logs. `level` is info, minor, major or critical."""

    kind: ClassVar[str] = "log"
    subsystem: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class ClockMoved(Event):
    """Somebody moved the clock. `by` is in microseconds, `fired` what came due, `coalesced` the pings spared."""

    kind: ClassVar[str] = "clockMoved"
    by: int
    fired: int
    coalesced: int


@dataclass(frozen=True, slots=True)
class Controlled(Event):
    """Whoever runs the simulator does something to it from outside, with what arguments; what follows is what it does.

    `action` is bounce, closeConnection, dropSnapshot, fault, noFault, rate, reset, restore, snapshot or switchover;
    moves of the clock are events of their own.
    """

    kind: ClassVar[str] = "control"
    action: str
    arguments: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reset(Event):
    """The node is back in the state just after start, or that of a `snapshot`."""

    kind: ClassVar[str] = "reset"
    snapshot: str = ""
