"""Journal entries without what differs from run to run: host ports, numbers of the journal, instants of the host.

Ids are left as they are here: they are named when the order is settled (`naming`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sbcsim.clock import format_duration, from_rfc3339

from .file import Data, Recording

Fields = tuple[tuple[str, str], ...]
"""Names and values, nested ones with dotted names."""

_COMMON = frozenset({"number", "time", "uptime", "kind"})
_DROPPED = {
    "sip": frozenset({"callId", "size"}),  # drawn by the far end; as long as its port has digits
    "callStarted": frozenset({"callId"}),
    "callRouted": frozenset({"callId"}),
    "callRefused": frozenset({"callId"}),
    "connectionOpened": frozenset({"local"}),
    "cli": frozenset({"remote"}),  # that of its session
}
_IDS = {"connection": "connection", "session": "session", "alarm": "alarm"}
_PLACE = re.compile(r"(?<![\w.:])(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):(\d{1,5})(?!\d)")
_EPHEMERAL = 32_768
"""From here on systems hand out ports by themselves."""
_MENTIONED = re.compile(r"\bconnection (\d+)\b")


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry, normalised. `at` is the time since start, "" where it flows; `strand` what it belongs to."""

    number: int
    at: str
    kind: str
    strand: tuple[str, ...]
    fields: Fields

    def value(self, name: str) -> str:
        """Return the value of a field, "" where it has none."""
        return next((value for key, value in self.fields if key == name), "")


def facts(recording: Recording, leave_out: frozenset[str] = frozenset()) -> list[Fact]:
    """Return the entries of a recording in their order, without those of some kinds."""
    header, flows = recording.header, recording.flows
    entries = [entry for entry in recording.entries if entry["kind"] not in leave_out and not _said_twice(entry)]
    ports = _host_ports(entries)
    found = []
    for entry in entries:
        kind = str(entry["kind"])
        dropped = _DROPPED.get(kind, frozenset()) | _COMMON
        flat = _flat("", {name: value for name, value in entry.items() if name not in dropped})
        fields = tuple((name, _without_ports(value, ports)) for name, value in flat)
        at = "" if flows else "+" + format_duration(from_rfc3339(entry["time"]) - header.start)
        found.append(Fact(int(entry["number"]), at, kind, _strand(kind, entry), fields))
    return found


def neutral(fact: Fact, told: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return what a fact says without any id: what concurrent things are sorted by.

    `told` says what else there is to say of a connection that is mentioned, by its id.
    """
    said = ["#" if _is_id(name, value) else value for name, value in fact.fields]
    mentioned = (_MENTIONED.sub(lambda number: f"connection #{told.get(number[1], '')}", value) for value in said)
    return " ".join((fact.kind, *mentioned))


def named(ordered: Iterable[Fact]) -> list[Fact]:
    """Return facts with ids counted in the order of their appearance: c1, s1, a1; a reset begins no count anew."""
    names: dict[tuple[str, str], str] = {}
    counts = {"connection": 0, "session": 0, "alarm": 0}

    def name(what: str, number: str) -> str:
        if number == "0":
            return ""
        if (what, number) not in names:
            counts[what] += 1
            names[what, number] = f"{what[0]}{counts[what]}"
        return names[what, number]

    found = []
    for fact in ordered:
        if fact.kind == "reset":
            names.clear()  # the box counts anew
        fields = tuple(
            (key, name(_IDS[key], value))
            if _is_id(key, value)
            else (key, _MENTIONED.sub(lambda said: f"connection {name('connection', said[1])}", value))
            for key, value in fact.fields
        )
        found.append(replace(fact, fields=fields))
    return found


def _is_id(name: str, value: str) -> bool:
    # A warning says of `alarm` whether it is one, not which.
    return name in _IDS and value.isdecimal()


def _said_twice(entry: Data) -> bool:
    """Whether the end of a CLI session has told it already, and at its time."""
    return bool(entry["kind"] == "logout" and entry["service"] == "cli")


def _flat(prefix: str, data: Data) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", "\n".join(_text(each) for each in value)
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "=".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _host_ports(entries: Iterable[Data]) -> frozenset[str]:
    """Return the ports of the host that sockets had: of loopback, or handed out by the system."""
    places = (
        str(entry[name])
        for entry in entries
        for name in ("bound", "remote", "local")
        if isinstance(entry.get(name), str)
    )
    found = (_PLACE.fullmatch(place) for place in places)
    return frozenset(each[2] for each in found if each is not None and _of_host(each[1], each[2]))


def _of_host(address: str, port: str) -> bool:
    return int(port) >= _EPHEMERAL or ((address.startswith("127.") or address == "[::1]") and int(port) > 1023)


def _without_ports(text: str, ports: frozenset[str]) -> str:
    text = _PLACE.sub(lambda place: f"{place[1]}:port" if _of_host(place[1], place[2]) else place[0], text)
    return re.sub(r"\b\d{4,5}\b", lambda word: "port" if word[0] in ports else word[0], text)


def _strand(kind: str, entry: Data) -> tuple[str, ...]:
    """Return what an entry belongs to: entries of one strand follow each other, those of several may happen at once."""
    if kind in {"cli", "cliSession"}:
        return ("session", str(entry["session"]))
    if kind in {"login", "logout", "sftp"}:
        return ("login", str(entry.get("service", "sftp")), str(entry["user"]))
    if entry.get("call"):
        return ("call", str(entry["call"]))
    if entry.get("connection"):
        return ("connection", str(entry["connection"]))
    for name in ("peer", "alarm", "sipSigPort", "object"):
        if entry.get(name) and entry[name] is not True:
            return (name, str(entry.get("zone", "")), str(entry[name]))
    return ("box",)
