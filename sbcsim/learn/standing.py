"""Which live connection uses which certificate: what no table of the box tells, and what every lesson is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sbcsim.control.models import Connection

from .coach import Coach


@dataclass(frozen=True, slots=True)
class Standing:
    """A live connection: its number, which way it goes, who is there, and since when."""

    who: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """A certificate that is enabled or in use, when it ends, how long that is, and the live connections on it."""

    name: str
    until: str
    left: str
    expired: bool
    connections: tuple[Standing, ...]


def groups(coach: Coach) -> list[Group]:
    """Return the certificates that are enabled or in use, those that end first first."""
    sbc = coach.sbc
    now = sbc.clock.now()
    ends: dict[str, datetime | None] = {
        each.name: each.not_after for each in sbc.certificates() if each.type != "remote" and each.state == "enabled"
    }
    used: dict[str, list[Standing]] = {name: [] for name in ends}
    for connection in sbc.connections():
        local = connection.local_certificate
        name = local.name if local else "no certificate"
        used.setdefault(name, []).append(_told(coach, connection))
        ends.setdefault(name, local.not_after if local else None)
    return [
        _group(name, ends[name], now, tuple(connections))
        for name, connections in sorted(used.items(), key=lambda each: (ends[each[0]] is None, ends[each[0]]))
    ]


def standing(coach: Coach) -> list[str]:
    """Return the same in lines."""
    lines: list[str] = []
    for group in groups(coach):
        lines.append(", ".join(part for part in (group.name, group.until, group.left) if part))
        lines += [f"  {each.who}, since {each.since:%Y-%m-%d %H:%M}" for each in group.connections] or ["  nobody"]
    return lines or ["no certificate is enabled, and nobody is connected"]


def _group(name: str, end: datetime | None, now: datetime, connections: tuple[Standing, ...]) -> Group:
    if end is None:
        return Group(name, "", "", expired=False, connections=connections)
    days = (end - now).days
    left = "EXPIRED" if end < now else f"{days} day{'' if days == 1 else 's'} left"
    return Group(name, f"until {end:%Y-%m-%d %H:%M}", left, expired=end < now, connections=connections)


def _told(coach: Coach, connection: Connection) -> Standing:
    way = "to" if connection.direction == "outbound" else "from"
    peer = connection.peer_certificate
    name = connection.peer or coach.stage.names.get(peer.serial if peer else "", "") or str(connection.remote.host)
    return Standing(f"#{connection.id} {way} {name}", connection.since)
