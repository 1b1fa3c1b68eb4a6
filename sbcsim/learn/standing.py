"""Which live connection uses which certificate: what no table of the box tells, and what every lesson is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sbcsim.control.models import Connection

from .coach import Coach


def standing(coach: Coach) -> list[str]:
    """Return in lines the certificates that are enabled or in use, each with the live connections on it."""
    return [*_lines(coach)]


def _lines(coach: Coach) -> Iterator[str]:
    sbc = coach.sbc
    now = sbc.clock.now()
    ends: dict[str, datetime | None] = {
        each.name: each.not_after for each in sbc.certificates() if each.type != "remote" and each.state == "enabled"
    }
    groups: dict[str, list[Connection]] = {name: [] for name in ends}
    for connection in sbc.connections():
        local = connection.local_certificate
        name = local.name if local else "no certificate"
        groups.setdefault(name, []).append(connection)
        if local:
            ends.setdefault(name, local.not_after)
    for name, connections in sorted(groups.items(), key=lambda each: _order(ends.get(each[0]))):
        yield f"{name}{_until(ends.get(name), now)}"
        yield from (_line(coach, each) for each in connections)
        if not connections:
            yield "  nobody"
    if not groups:
        yield "no certificate is enabled, and nobody is connected"


def _order(end: datetime | None) -> tuple[bool, datetime | None]:
    """What ends first comes first, and what has no certificate at all comes last."""
    return (end is None, end)


def _until(end: datetime | None, now: datetime) -> str:
    if end is None:
        return ""
    days = (end - now).days
    left = "EXPIRED" if end < now else f"{days} day{'' if days == 1 else 's'} left"
    return f"  until {end:%Y-%m-%d %H:%M}, {left}"


def _line(coach: Coach, connection: Connection) -> str:
    way = "to" if connection.direction == "outbound" else "from"
    peer = connection.peer_certificate
    name = connection.peer or coach.stage.names.get(peer.serial if peer else "", "") or str(connection.remote.host)
    return f"  #{connection.id} {way} {name}, since {connection.since:%Y-%m-%d %H:%M}"
