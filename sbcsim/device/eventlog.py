"""The event log files: the journal in the box's line format, one open file for each type of log.

A file that has reached its size is closed and the next number begins; the oldest goes when there are too many. The
same happens by time and on demand. What is due by time happens when somebody next writes or looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sbcsim.clock import SECOND, Instant, to_datetime
from sbcsim.events import AlarmRaised, CertificateLoaded, CertificateWarning, CliLine, Commit, Event, LogEvent, Login
from sbcsim.journal import Entry

from .effects import SendSyslog, SyslogServer
from .syslog import syslog_message

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


_RANKS = {"Critical": 1, "Major": 2, "Minor": 3, "Info": 4, "Informational": 4}
_MOST = {"noevents": 0, "critical": 1, "major": 2, "minor": 3, "info": 4}
"""How much each level of a filter lets pass, by the rank of the lines' levels."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What an operator may choose for one type of log. `next_rollover` and `interval` are 0 for never (again).

    `kept`: it goes into files; `server`: it is sent there, whether it is kept or not.
    """

    kept: bool = True
    server: SyslogServer | None = None
    level: str = "info"
    file_count: int = FILE_COUNT
    file_size: int = FILE_SIZE
    next_rollover: int = 0
    interval: int = 0

    def takes(self, line: Line) -> bool:
        """Whether a line is of interest."""
        return _RANKS[line.level] <= _MOST[self.level]


@dataclass(slots=True)
class Log:
    """One type of log: its files, oldest first, its settings, and what was dropped."""

    files: deque[LogFile]
    settings: LogSettings = field(default_factory=LogSettings)
    dropped: int = 0
    last_drop: Instant | None = None

    @property
    def current(self) -> LogFile:
        """The file in use."""
        return self.files[-1]

    def catch_up(self, now: Instant) -> None:
        """Begin the file that was due by time; one that is still empty goes on."""
        settings = self.settings
        due = settings.next_rollover
        if not due or due > now.calendar:
            return
        later = due + ((now.calendar - due) // settings.interval + 1) * settings.interval if settings.interval else 0
        self.settings = replace(settings, next_rollover=later)
        if self.current.lines:
            self.roll_over(Instant(now.uptime - now.calendar + due, due))

    def roll_over(self, now: Instant) -> None:
        """Begin a new file."""
        self.files.append(LogFile(self.current.number + 1, now))
        self.trim(now)

    def trim(self, now: Instant) -> None:
        """Drop the oldest files while there are too many."""
        while len(self.files) > self.settings.file_count:
            self.files.popleft()
            self.dropped += 1
            self.last_drop = now


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
    who = f"*User {event.user} from {event.remote}"
    if event.accepted:
        return Line("security", "Info", "AUTH", f"{who} logged in ({event.service})")
    return Line("security", "Minor", "AUTH", f"{who} was refused ({event.service}): {event.reason}")


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

    def __init__(self, now: Instant, host: str = "SBC1") -> None:
        self.send: Callable[[SendSyslog], None] | None = None
        """How a line gets to a syslog server."""
        self._host = host
        self._logs: dict[str, Log] = {}
        self._sequence = 0
        self.clear(now)

    def read(self, entry: Entry) -> None:
        """Take one journal entry; most kinds leave no line."""
        write = _WRITERS.get(type(entry.event))
        line = None if write is None else write(entry.event)
        if line is not None:
            self._append(line, entry.at)

    def configure(self, kind: str, settings: LogSettings, now: Instant) -> None:
        """Let a log obey other settings from now on."""
        log = self._logs[kind]
        log.catch_up(now)
        log.settings = settings
        log.trim(now)

    def roll_over(self, kind: str, now: Instant) -> None:
        """Begin a new file of a log."""
        log = self._logs[kind]
        log.catch_up(now)
        log.roll_over(now)

    def logs(self, now: Instant) -> Iterator[tuple[str, Log]]:
        """Yield every type of log with its files as they are now."""
        for kind, log in self._logs.items():
            log.catch_up(now)
            yield kind, log

    def files(self, now: Instant) -> Iterator[tuple[str, int, Instant]]:
        """Yield name, size and time of every file, by name."""
        found = [
            (file_name(file, kind), file.size, file.modified) for kind, log in self.logs(now) for file in log.files
        ]
        yield from sorted(found, key=lambda each: each[0])

    def content(self, name: str) -> bytes:
        """Return the content of a file, nothing where it has been rolled over meanwhile."""
        for kind, log in self._logs.items():
            for file in log.files:
                if file_name(file, kind) == name:
                    return b"".join(file.lines)
        return b""

    def lines(self, kind: str) -> list[str]:
        """Return every line of a log type, oldest first."""
        return [line.decode() for file in self._logs[kind].files for line in file.lines]

    def clear(self, now: Instant) -> None:
        """Begin with one empty file for each type."""
        self._sequence = 0
        self._logs = {kind: Log(deque([LogFile(1, now)])) for kind in TYPES}

    def _append(self, line: Line, at: Instant) -> None:
        log = self._logs[line.kind]
        settings = log.settings
        if not settings.takes(line):
            return
        if settings.server is not None and self.send is not None:
            self.send(
                SendSyslog(settings.server, syslog_message(line.level, line.subsystem, line.text, self._host, at))
            )
        if not settings.kept:
            return
        log.catch_up(at)
        self._sequence += 1
        data = _format(line, self._sequence, at)
        if log.current.size and log.current.size + len(data) > log.settings.file_size:
            log.roll_over(at)
        file = log.current
        file.lines.append(data)
        file.size += len(data)
        file.modified = at


def _format(line: Line, sequence: int, at: Instant) -> bytes:
    second, micros = divmod(at.calendar, SECOND)
    text = line.text.replace("\r", " ").replace("\n", " ")
    rest = f"{_moment(second)}.{micros:06d}:1.01.00.{sequence:05d}.{line.level:<8}.{line.subsystem}: {text}"
    return f"{len(rest.encode()):03d} {rest}\n".encode()


@lru_cache(maxsize=16)
def _moment(second: int) -> str:
    return f"{to_datetime(second * SECOND):%m%d%Y %H%M%S}"


def file_name(file: LogFile, kind: str) -> str:
    """Return the name of a file: a seven-digit counter and the extension of its type."""
    return f"{file.number:07d}.{TYPES[kind]}"
