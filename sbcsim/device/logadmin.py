"""The settings of the event logs: `oam eventLog typeAdmin` put to work, and the rows of `typeStatus`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sbcsim.clock import SECOND, Instant, from_rfc3339, to_datetime
from sbcsim.config.change import Change
from sbcsim.config.tree import Tree
from sbcsim.schema.node import Path, SchemaPath
from sbcsim.schema.types import Value

from .effects import SyslogServer
from .eventlog import TYPES, EventLog, LogSettings, file_name

TYPE_ADMIN: SchemaPath = ("oam", "eventLog", "typeAdmin")
_STATE = "state"
_TIMING = frozenset({"rolloverStartTime", "rolloverInterval", "rolloverType", "rolloverAction"})


def apply_all(log: EventLog, tree: Tree, now: Instant) -> None:
    """Put the settings of every log to work."""
    for kind in TYPES:
        log.configure(kind, read_settings(tree, kind, now), now)


def apply_changes(log: EventLog, tree: Tree, changes: Iterable[Change], now: Instant) -> None:
    """Put the settings that a commit touches to work; `state rollfile` begins a new file."""
    touched: dict[str, set[str]] = {}
    rolled: list[str] = []
    for change in changes:
        if change.path[:3] != TYPE_ADMIN:
            continue
        kind, leaf = change.path[3], change.path[-1]
        touched.setdefault(kind, set()).add(leaf)
        if leaf == _STATE and change.new == "rollfile":
            rolled.append(kind)
    due = {kind: each.settings.next_rollover for kind, each in log.logs(now)}
    for kind, leaves in touched.items():
        timed = bool(leaves & _TIMING) or kind in leaves
        log.configure(kind, read_settings(tree, kind, now, None if timed else due[kind]), now)
    for kind in rolled:
        log.roll_over(kind, now)


def read_settings(tree: Tree, kind: str, now: Instant, due: int | None = None) -> LogSettings:
    """Return the settings of a log as configured; one that is not configured takes everything.

    `due` is when the next file begins by time; None for a timing that begins now.
    """
    path = (*TYPE_ADMIN, kind)
    if not tree.exists(path):
        return LogSettings()
    interval = _number(tree.value((*path, "rolloverInterval"))) * SECOND
    if tree.value((*path, "rolloverAction")) != "start":
        interval = due = 0
    elif due is None:
        due = _first_due(tree.get((*path, "rolloverStartTime")), interval, now)
    repeats = tree.value((*path, "rolloverType")) == "repetitive"
    return LogSettings(
        server=_server(tree, path),
        kept=tree.value((*path, _STATE)) != "disabled" and tree.value((*path, "saveTo")) == "disk",
        level=str(tree.value((*path, "filterLevel"))),
        file_count=_number(tree.value((*path, "fileCount"))),
        file_size=_number(tree.value((*path, "fileSize"))) * 1024,
        next_rollover=due,
        interval=interval if repeats else 0,
    )


def _server(tree: Tree, path: Path) -> SyslogServer | None:
    """Return where a log is sent. RELP is stored only, and a log without a host is sent nowhere."""
    host, protocol = tree.value((*path, "syslogRemoteHost")), str(tree.value((*path, "syslogRemoteProtocol")))
    if tree.value((*path, "syslogState")) != "enabled" or host is None or protocol == "relp":
        return None
    return SyslogServer(protocol, str(host), _number(tree.value((*path, "syslogRemotePort"))))


def status_rows(log: EventLog, now: Instant) -> Iterator[dict[str, Value]]:
    """Yield a row for each log."""
    for kind, each in log.logs(now):
        yield {
            "type": kind,
            "currentFile": file_name(each.current, kind),
            "fileRecords": len(each.current.lines),
            "fileBytes": each.current.size,
            "totalFiles": len(each.files),
            "totalFileBytes": sum(file.size for file in each.files),
            "filesDropped": each.dropped,
            "nextRollover": _shown(each.settings.next_rollover),
            "logDestination": _destination(each.settings),
            "lastFileDrop": "" if each.last_drop is None else _shown(each.last_drop.calendar),
            "infoLevelLoggingDisabled": False,
        }


def _destination(settings: LogSettings) -> str:
    places = [("localDisk", settings.kept), ("syslog", settings.server is not None)]
    return ",".join(place for place, used in places if used) or "none"


def _first_due(start: Value | None, interval: int, now: Instant) -> int:
    if start is not None:
        due = from_rfc3339(f"{start}Z")
        if due > now.calendar:
            return due
        # A start that has passed only says at which moments the intervals end.
        return due + ((now.calendar - due) // interval + 1) * interval if interval else 0
    return now.calendar + interval if interval else 0


def _number(value: Value | None) -> int:
    return value if isinstance(value, int) else 0


def _shown(calendar: int) -> str:
    return to_datetime(calendar // SECOND * SECOND).isoformat() if calendar else ""
