"""The event log files: the journal in the box's line format, one open file for each type of log.

A file that has reached its size is closed and the next number begins; the oldest goes when there are too many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sbcsim.clock import SECOND, Instant, to_datetime
from sbcsim.events import (
    AlarmRaised,
    CertificateLoaded,
    CertificateWarning,
    CliLine,
    Commit,
    Entry,
    Event,
    LogEvent,
    Login,
)

DIRECTORY = "/var/log/sonus/sbx/evlog"
FILE_SIZE = 2048 * 1024
FILE_COUNT = 32

TYPES = {
    "system": "SYS",
    "debug": "DBG",
    "trace": "TRC",
    "acct": "ACT",
    "security": "SEC",
    "audit": "AUD",
    "packet": "PKT",
}
"""Type of log to file extension. Nothing is traced, captured or accounted: the files of those types stay empty."""

_BY_EXTENSION = {extension: kind for kind, extension in TYPES.items()}


@dataclass(slots=True)
class LogFile:
    """One file of an event log."""

    number: int
    modified: Instant
    size: int = 0
    lines: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """What goes into a log before it is formatted."""

    kind: str
    level: str
    subsystem: str
    text: str


def _alarm(event: AlarmRaised) -> Line:
    return Line("system", event.severity, "ALARM", f"*{event.name}: {event.description}")


def _commit(event: Commit) -> Line:
    return Line("system", "Info", "CFG", f"*Commit {event.revision} by {event.user} via {event.context}")


def _warning(event: CertificateWarning) -> Line | None:
    if event.alarm:
        return None
    # The type word is glued to the name, as the vendor prints it.
    text = f"certificate {event.name}{event.type} is {event.days} days away from expiration"
    return Line("security", "Info", "PKI", text)


def _loaded(event: CertificateLoaded) -> Line:
    name, serial = event.certificate.name, event.certificate.serial
    return Line("security", "Info", "PKI", f"*Certificate {name} enabled, serial {serial}")


def _login(event: Login) -> Line:
    outcome = "logged in" if event.accepted else "was refused"
    level = "Info" if event.accepted else "Minor"
    return Line("security", level, "AUTH", f"*User {event.user} from {event.remote} {outcome} ({event.service})")


def _command(event: CliLine) -> Line | None:
    verb = event.line.partition(" ")[0]
    action = bool(verb) and "request".startswith(verb)  # verbs may be abbreviated
    if event.mode != "configure" and not action:
        return None
    return Line("audit", "Info", "CLI", f"*{event.user} from {event.remote} session {event.session}: {event.line}")


def _log(event: LogEvent) -> Line:
    return Line(_BY_EXTENSION.get(event.subsystem, "debug"), event.level.capitalize(), event.subsystem, event.text)


_WRITERS: dict[type[Event], Callable[..., Line | None]] = {
    AlarmRaised: _alarm,
    Commit: _commit,
    CertificateWarning: _warning,
    CertificateLoaded: _loaded,
    Login: _login,
    CliLine: _command,
    LogEvent: _log,
}


class EventLog:
    """Reads the journal and keeps the files."""

    def __init__(self, now: Instant) -> None:
        self._files: dict[str, deque[LogFile]] = {}
        self._sequence = 0
        self.clear(now)

    def read(self, entry: Entry) -> None:
        """Take one journal entry; most kinds leave no line."""
        write = _WRITERS.get(type(entry.event))
        line = None if write is None else write(entry.event)
        if line is not None:
            self._append(line, entry.at)

    def files(self) -> Iterator[tuple[str, int, Instant]]:
        """Yield name, size and time of every file, by name."""
        found = [
            (_file_name(file, kind), file.size, file.modified) for kind, files in self._files.items() for file in files
        ]
        yield from sorted(found, key=lambda each: each[0])

    def content(self, name: str) -> bytes:
        """Return the content of a file, nothing where it has been rolled over meanwhile."""
        for kind, files in self._files.items():
            for file in files:
                if _file_name(file, kind) == name:
                    return b"".join(file.lines)
        return b""

    def lines(self, kind: str) -> list[str]:
        """Return every line of a log type, oldest first."""
        return [line.decode() for file in self._files[kind] for line in file.lines]

    def clear(self, now: Instant) -> None:
        """Begin with one empty file for each type."""
        self._sequence = 0
        self._files = {kind: deque([LogFile(1, now)], maxlen=FILE_COUNT) for kind in TYPES}

    def _append(self, line: Line, at: Instant) -> None:
        files = self._files[line.kind]
        self._sequence += 1
        data = _format(line, self._sequence, at)
        if files[-1].size and files[-1].size + len(data) > FILE_SIZE:
            files.append(LogFile(files[-1].number + 1, at))
        file = files[-1]
        file.lines.append(data)
        file.size += len(data)
        file.modified = at


def _format(line: Line, sequence: int, at: Instant) -> bytes:
    moment = to_datetime(at.calendar)
    micros = at.calendar % SECOND
    text = line.text.replace("\r", " ").replace("\n", " ")
    rest = (
        f"{moment:%m%d%Y} {moment:%H%M%S}.{micros:06d}:1.01.00.{sequence:05d}.{line.level:<8}.{line.subsystem}: {text}"
    )
    return f"{len(rest.encode()):03d} {rest}\n".encode()


def _file_name(file: LogFile, kind: str) -> str:
    return f"{file.number:07d}.{TYPES[kind]}"
