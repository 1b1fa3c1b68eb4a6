"""Alarms as SNMP traps: what goes to whom (sbc-model, alarms and event logs; `oam snmp`).

Of all the notifications only one has a number that its vendor documents. Names and objects of the others are known, but
not their numbers: those are taken from the arc that is reserved for documentation (RFC 5612), and `SBCSIM-MIB` names
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sbcsim.addresses import format_endpoint
from sbcsim.clock import SECOND, Instant
from sbcsim.config.secret import Cipher
from sbcsim.config.traps import SNMP, TARGETS, USERS, wanted_keys
from sbcsim.config.tree import Tree
from sbcsim.errors import UserError
from sbcsim.events import AlarmRaised, Event, LogEvent
from sbcsim.journal import Entry
from sbcsim.schema.node import Path
from sbcsim.schema.types import ValueProblem

from .alarms import AlarmName
from .effects import Endpoint, SendTrap, SnmpUser, Trap, TrapTarget

VENDOR = "1.3.6.1.4.1.2879"
DOCUMENTATION = "1.3.6.1.4.1.32473.2879"

NOTIFICATIONS = {
    AlarmName.CERTIFICATE_EXPIRE_SOON: f"{VENDOR}.2.8.1.2.1.12.0.21",
    AlarmName.CERTIFICATE_RECHECK_FAILED: f"{DOCUMENTATION}.0.1",
    AlarmName.PATH_DOWN: f"{DOCUMENTATION}.0.2",
    AlarmName.PATH_UP: f"{DOCUMENTATION}.0.3",
    AlarmName.SWITCHOVER: f"{DOCUMENTATION}.0.4",
}
"""The number of each notification."""

OBJECTS = {
    "sonusAlarmNodeID": f"{DOCUMENTATION}.1.1.0",
    "sonusAlarmLevel": f"{DOCUMENTATION}.1.2.0",
    "sonusAlarmSequenceId": f"{DOCUMENTATION}.1.3.0",
    "sonusAlarmTime": f"{DOCUMENTATION}.1.4.0",
    "sonusAlarmDescription": f"{DOCUMENTATION}.1.5.0",
    "sonusSecurityCertName": f"{DOCUMENTATION}.1.6.0",
    "sonusSecurityCertExpiryDaysLeft": f"{DOCUMENTATION}.1.7.0",
}
"""The number of each object that a trap carries, in order."""

DEFAULT_COMMUNITY = "public"
"""Where no communityString is configured."""

_ENTERPRISE = 2879
_TEXT_FORMAT = b"\x04"  # RFC 3411, SnmpEngineID: administratively assigned text
_BY_EVENT = {name.event: name for name in AlarmName}
_HUNDREDTH = SECOND // 100


@dataclass(slots=True)
class Traps:
    """Reads the journal and sends a trap for every alarm that is raised; `send` takes the effects.

    `emit` takes what the event log is told of a target whose user has a key that is of no use: once each time that
    begins, as of one that cannot be reached.
    """

    node: str
    send: Callable[[SendTrap], None]
    tree: Callable[[], Tree]
    cipher: Cipher
    timestamp: Callable[[int], str]
    emit: Callable[[Instant, Event], object]
    _sequence: int = field(default=0, init=False)
    _unserved: set[str] = field(default_factory=set, init=False)
    """The targets that the last trap could not go to."""

    def read(self, entry: Entry) -> None:
        """Send the traps of one entry of the journal."""
        event = entry.event
        if not isinstance(event, AlarmRaised):
            return
        self._sequence += 1
        values: dict[str, str | int] = {
            "sonusAlarmNodeID": self.node,
            "sonusAlarmLevel": event.severity,
            "sonusAlarmSequenceId": self._sequence,
            "sonusAlarmTime": self.timestamp(entry.at.calendar),
            "sonusAlarmDescription": event.description,
            **dict(event.objects),
        }
        trap = Trap(
            NOTIFICATIONS[_BY_EVENT[event.name]],
            entry.at.uptime // _HUNDREDTH,
            tuple((OBJECTS[name], value) for name, value in values.items()),
        )
        self._send(trap, entry.at)

    def restart(self) -> None:
        """Count and tell anew."""
        self._sequence = 0
        self._unserved.clear()

    def _send(self, trap: Trap, now: Instant) -> None:
        tree, unserved = self.tree(), set()
        for name in _enabled_targets(tree):
            path = (*TARGETS, name)
            host, port = _endpoint(tree, path)
            kind = str(tree.value((*path, "trapType")))
            try:
                user = _user(tree, path, self.cipher) if kind == "v3" else None
            except UserError as error:
                unserved.add(name)
                if name not in self._unserved:
                    text = f"trap target {name} at {format_endpoint((host, port))} gets no traps: {error.text}"
                    self.emit(now, LogEvent("LOG", "minor", text))
                continue
            target = TrapTarget(name, host, port, kind, _community(tree), user, engine_id(tree, self.node))
            self.send(SendTrap(target, trap))
        self._unserved = unserved


def _enabled_targets(tree: Tree) -> Iterator[str]:
    """Yield the names of those whom traps are sent to; with `version v3only` nobody of an older version."""
    newest_only = tree.value((*SNMP, "version")) == "v3only"
    for (name,) in tree.keys(TARGETS):
        path = (*TARGETS, name)
        older = tree.value((*path, "trapType")) != "v3"
        if tree.value((*path, "state")) == "enabled" and not (newest_only and older):
            yield name


def _endpoint(tree: Tree, target: Path) -> Endpoint:
    port = tree.value((*target, "port"))
    assert isinstance(port, int)
    return str(tree.get((*target, "ipAddress")) or tree.get((*target, "fqdn")) or ""), port


def engine_id(tree: Tree, node: str) -> bytes:
    """Return the engine ID: as configured, or made of the vendor's number and the name of the node (RFC 3411)."""
    configured = tree.get((*SNMP, "localEngineId"))
    if configured is not None:
        return _octets(str(configured))
    return (_ENTERPRISE | 1 << 31).to_bytes(4, "big") + _TEXT_FORMAT + node.encode()[:27]


def _community(tree: Tree) -> str:
    for (index,) in tree.keys((*SNMP, "communityString")):
        name = tree.get((*SNMP, "communityString", index, "snmpCommunityName"))
        if name is not None:
            return str(name)
    return DEFAULT_COMMUNITY


def _user(tree: Tree, target: Path, cipher: Cipher) -> SnmpUser:
    """Return the user of a target; raises UserError for a key that its level wants and that is of no use.

    Without it, nothing is sent: unsigned and in clear is not what was asked for.
    """
    name = str(tree.get((*target, "targetUserName")) or "")
    path = (*USERS, name)
    wanted = wanted_keys(tree, target)

    def key(leaf: str) -> bytes:
        if leaf not in wanted:
            return b""
        stored = tree.get((*path, leaf))
        if stored is None:
            raise UserError(f"{leaf} of user {name} is not configured")
        # An encrypted word is committed as it is, whatever it stands for, and may come from another box.
        key_type = tree.schema.descend((*USERS, leaf)).type
        assert key_type is not None
        try:
            return _octets(str(key_type.parse(cipher.opened(str(stored)))))
        except ValueProblem:
            raise UserError(f"{leaf} of user {name} cannot be read") from None

    return SnmpUser(
        name,
        key("authKey"),
        str(tree.value((*path, "authProtocol"))),
        key("privKey"),
        str(tree.value((*path, "privProtocol"))),
    )


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
