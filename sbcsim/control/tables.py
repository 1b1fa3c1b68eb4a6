"""The control API's answers as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from rich.table import Table
from rich.text import Text

Data = Mapping[str, Any]
"""One JSON object."""

_NOTHING = "-"
_GOOD = frozenset({"up", "enabled"})
_BAD = frozenset({"down", "Critical", "Major"})


def connections(rows: Iterable[Data]) -> Table:
    """Return the live connections."""
    return _table(
        rows,
        {
            "id": lambda row: row["id"],
            "dir": lambda row: row["direction"],
            "local": lambda row: address(row["local"]),
            "remote": lambda row: address(row["remote"]),
            "port": lambda row: f"{row['zone']}/{row['sipSigPort']}",
            "peer": lambda row: row["peer"],
            "state": lambda row: row["state"],
            "certificate": lambda row: _certificate(row["localCertificate"]),
            "peer certificate": lambda row: (row["peerCertificate"] or {}).get("subject"),
            "since": lambda row: row["since"],
            "in/out": lambda row: f"{row['messagesIn']}/{row['messagesOut']}",
        },
    )


def peers(rows: Iterable[Data]) -> Table:
    """Return the ipPeers."""
    return _table(
        rows,
        {
            "peer": lambda row: row["name"],
            "zone": lambda row: row["zone"],
            "address": lambda row: row["address"] and address(row["address"]),
            "path": lambda row: row["pathState"],
            "last ping": lambda row: row["lastPing"],
            "ok/failed": lambda row: f"{row['successes']}/{row['failures']}",
            "connection": lambda row: row["connection"],
        },
    )


def certificates(rows: Iterable[Data]) -> Table:
    """Return the certificate objects."""
    return _table(
        rows,
        {
            "name": lambda row: row["name"],
            "type": lambda row: row["type"],
            "state": lambda row: row["state"],
            "serial": lambda row: row["serial"],
            "subject": lambda row: row["subject"],
            "not after": lambda row: row["notAfter"],
            "days": lambda row: row["daysToExpiry"],
            "used by": lambda row: "\n".join(row["usedBy"]),
            "connections": lambda row: " ".join(map(str, row["connections"])),
        },
    )


def calls(rows: Iterable[Data]) -> Table:
    """Return the live calls."""
    return _table(
        rows,
        {
            "id": lambda row: row["id"],
            "state": lambda row: row["state"],
            "calling": lambda row: row["calling"],
            "called": lambda row: row["called"],
            "in by": lambda row: _leg(row["ingress"]),
            "out by": lambda row: _leg(row["egress"]),
            "since": lambda row: row["since"],
        },
    )


def alarms(rows: Iterable[Data]) -> Table:
    """Return alarms, current ones or history."""
    return _table(
        rows,
        {
            "id": lambda row: row["id"],
            "last": lambda row: row["last"],
            "state": lambda row: row["state"],
            "severity": lambda row: row["severity"],
            "name": lambda row: row["name"],
            "description": lambda row: row["description"],
            "count": lambda row: row["count"],
        },
    )


def faults(rows: Iterable[Data]) -> Table:
    """Return faults."""
    names = ("id", "point", "match", "value", "nth", "times", "probability", "period", "gap", "met", "fired")
    return _table(rows, {name: itemgetter(name) for name in names})


def points(rows: Iterable[Data]) -> Table:
    """Return places that can go wrong."""
    return _table(rows, {name: itemgetter(name) for name in ("name", "subject", "effect", "value", "default")})


def snapshots(rows: Iterable[Data]) -> Table:
    """Return snapshots of the node."""
    return _table(
        rows,
        {
            "name": lambda row: row["name"],
            "taken": lambda row: row["taken"],
            "revision": lambda row: row["revision"],
        },
    )


def facts(data: Data) -> Table:
    """Return one object as names and values, nested ones with dotted names."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _flat("", data):
        table.add_row(Text(name, style="bold"), _cell(value))
    return table


def upright(table: Table) -> Table:
    """Return a table with a line for each of its cells that says something, for a screen it is too wide for."""
    turned = Table(show_header=False, box=None, pad_edge=False)
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        if turned.row_count:
            turned.add_row("", "")
        for column, cell in zip(table.columns, cells, strict=True):
            if str(cell) != _NOTHING:
                turned.add_row(Text(str(column.header), style="bold"), cell)
    return turned


def address(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return a JSON address as `host:port`."""
    host, port = value
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _table(rows: Iterable[Data], columns: Mapping[str, Callable[[Data], object]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(read(row)) for read in columns.values()))
    return table


def _cell(value: object) -> Text:
    text = _NOTHING if value is None or value == "" else str(value)
    return Text(text, style="green" if text in _GOOD else "red" if text in _BAD else "")


def _leg(value: Data | None) -> str | None:
    if value is None:
        return None
    return f"{value['zone']}/{value['trunkGroup']}{' ' if value['peer'] else ''}{value['peer']}"


def _certificate(value: Data | None) -> str | None:
    return None if value is None else f"{value['name']} ({value['serial'][-8:]}) until {value['notAfter'][:10]}"


def _flat(prefix: str, data: Data) -> Iterable[tuple[str, object]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, item in enumerate(value):
                yield from _flat(f"{prefix}{name}.{number}.", item)
        elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
            yield prefix + name, address(value)
        else:
            yield prefix + name, value
