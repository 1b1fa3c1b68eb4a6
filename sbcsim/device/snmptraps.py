"""Alarms as SNMP traps: what goes to whom (sbc-model, alarms and event logs; `oam snmp`).

Of all the notifications only one has a number that its vendor documents. Names and objects of the others are known, but
not their numbers: those are taken from the arc that is reserved for documentation (RFC 5612), and `SBCSIM-MIB` names
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sbcsim.clock import SECOND
from sbcsim.config.secret import Cipher
from sbcsim.config.tree import Tree
from sbcsim.events import AlarmRaised
from sbcsim.journal import Entry
from sbcsim.schema.node import Path

from .alarms import AlarmName
from .effects import SendTrap, SnmpUser, Trap, TrapTarget

SNMP: Path = ("oam", "snmp")
TARGETS: Path = (*SNMP, "trapTarget")

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
_SECURED = {"noAuthNoPriv": (False, False), "authNoPriv": (True, False), "authPriv": (True, True)}


@dataclass(slots=True)
class Traps:
    """Reads the journal and sends a trap for every alarm that is raised; `send` takes the effects."""

    node: str
    send: Callable[[SendTrap], None]
    tree: Callable[[], Tree]
    cipher: Cipher
    timestamp: Callable[[int], str]
    _sequence: int = field(default=0, init=False)

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
        for target in trap_targets(self.tree(), self.node, self.cipher):
            self.send(SendTrap(target, trap))

    def restart(self) -> None:
        """Count anew."""
        self._sequence = 0


def trap_targets(tree: Tree, node: str, cipher: Cipher) -> Iterator[TrapTarget]:
    """Yield whom traps are sent to, by name; with `version v3only` nobody of an older version."""
    newest_only = tree.value((*SNMP, "version")) == "v3only"
    for (name,) in tree.keys(TARGETS):
        path = (*TARGETS, name)
        kind = str(tree.value((*path, "trapType")))
        if tree.value((*path, "state")) != "enabled" or (newest_only and kind != "v3"):
            continue
        port = tree.value((*path, "port"))
        assert isinstance(port, int)
        host = tree.get((*path, "ipAddress")) or tree.get((*path, "fqdn")) or ""
        user = _user(tree, path, cipher) if kind == "v3" else None
        yield TrapTarget(name, str(host), port, kind, _community(tree), user, engine_id(tree, node))


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
    name = str(tree.get((*target, "targetUserName")) or "")
    path = (*SNMP, "users", name)
    signs, encrypts = _SECURED[str(tree.value((*target, "targetSecurityLevel")))]

    def key(leaf: str, *, wanted: bool) -> bytes:
        stored = tree.get((*path, leaf)) if wanted else None
        return b"" if stored is None else _octets(cipher.opened(str(stored)))

    return SnmpUser(
        name,
        key("authKey", wanted=signs),
        str(tree.value((*path, "authProtocol"))),
        key("privKey", wanted=encrypts),
        str(tree.value((*path, "privProtocol"))),
    )


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
