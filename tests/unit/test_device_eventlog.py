"""The event log files: the line format, what goes into which log, and the roll-over of files."""

from __future__ import annotations

import re

import pytest

from sbcsim.clock import DAY, HOUR, Instant, from_rfc3339
from sbcsim.device import eventlog
from sbcsim.device.eventlog import EventLog, LogSettings
from sbcsim.events import (
    AlarmRaised,
    CertificateLoaded,
    CertificateSeen,
    CertificateWarning,
    CliLine,
    Commit,
    Event,
    LogEvent,
    Login,
    Reset,
)
from sbcsim.journal import Entry

AT = Instant(0, from_rfc3339("2026-01-02T03:04:05.000006Z"))
LINE = re.compile(r"(\d{3,}) (\d{8} \d{6}\.\d{6}:1\.01\.00\.\d{5}\.[A-Z][a-z ]{7}\.[A-Z]+: .*)")


def logged(*events: Event, settings: LogSettings | None = None) -> EventLog:
    log = EventLog(AT)
    for kind in eventlog.TYPES if settings else ():
        log.configure(kind, settings, AT)
    for number, event in enumerate(events, 1):
        log.read(Entry(number, AT, event))
    return log


def texts(log: EventLog, kind: str) -> list[str]:
    return [line.split(": ", 1)[1].rstrip("\n") for line in log.lines(kind)]


def test_the_line_format_to_the_letter():
    log = logged(LogEvent("SEC", "minor", "*Tls: handshake with 192.0.2.1:5061 failed: alert"))
    rest = "01022026 030405.000006:1.01.00.00001.Minor   .SEC: *Tls: handshake with 192.0.2.1:5061 failed: alert"
    assert log.lines("security") == [f"{len(rest):03d} {rest}\n"]


@pytest.mark.parametrize("level", ["info", "minor", "major", "critical"])
def test_levels_are_padded_to_eight(level):
    (line,) = logged(LogEvent("DBG", level, "x")).lines("debug")
    assert f".{level.capitalize():<8}.DBG: x\n" in line


def test_the_length_counts_octets_of_what_follows():
    (line,) = logged(LogEvent("SEC", "info", "Zürich " + "x" * 2000)).lines("security")
    number, _, rest = line.rstrip("\n").partition(" ")
    assert int(number) == len(rest.encode())


def test_a_line_stays_one_line_whatever_is_in_it():
    log = logged(LogEvent("SEC", "info", "a\r\nb\nc"), LogEvent("SEC", "info", "d"))
    assert texts(log, "security") == ["a  b c", "d"]
    assert log.content("0000001.SEC").count(b"\n") == 2


def test_the_sequence_runs_over_all_logs():
    log = logged(LogEvent("SEC", "info", "a"), LogEvent("DBG", "minor", "b"), LogEvent("SEC", "info", "c"))
    lines = [*log.lines("security"), *log.lines("debug")]
    assert [re.findall(r"1\.01\.00\.(\d+)", line)[0] for line in lines] == ["00001", "00003", "00002"]


SEEN = CertificateSeen("CN=x", "0A", 0, "NEW")
EXPECTED = [
    ("system", "Major   .", AlarmRaised(1, "sonusX", "Major", "text", 1), "*sonusX: text"),
    ("system", "Info    .", Commit(3, "admin", "cli", ()), "*Commit 3 by admin via cli"),
    (
        "security",
        "Info    .",
        CertificateWarning("NEW", "local", 90, alarm=False),
        "certificate NEWlocal is 90 days away from expiration",
    ),
    ("security", "Info    .", CertificateLoaded(SEEN, "local"), "*Certificate NEW enabled, serial 0A"),
    ("security", "Info    .", Login("u", "::1", "cli", accepted=True), "*User u from ::1 logged in (cli)"),
    (
        "security",
        "Minor   .",
        Login("u", "::1", "cli", accepted=False, reason="locked"),
        "*User u from ::1 was refused (cli): locked",
    ),
    ("security", "Minor   .", LogEvent("SEC", "minor", "*Tls: x"), "*Tls: x"),
    ("debug", "Minor   .", LogEvent("DBG", "minor", "*Sip: x"), "*Sip: x"),
    (
        "audit",
        "Info    .",
        CliLine("u", 7, "configure", "set system", ok=True, remote="192.0.2.9"),
        "*u from 192.0.2.9 session 7: set system",
    ),
    (
        "audit",
        "Info    .",
        CliLine("u", 7, "operational", "req alarms clear history", ok=True, remote="192.0.2.9"),
        "*u from 192.0.2.9 session 7: req alarms clear history",
    ),
]


@pytest.mark.parametrize(("kind", "level", "event", "text"), EXPECTED)
def test_what_goes_where(kind, level, event, text):
    log = logged(event)
    assert texts(log, kind) == [text]
    (line,) = log.lines(kind)
    assert level in line
    match = LINE.fullmatch(line.rstrip("\n"))
    assert match is not None
    assert int(match[1]) == len(match[2].encode())
    assert sum(len(log.lines(each)) for each in eventlog.TYPES) == 1


@pytest.mark.parametrize(
    "event",
    [
        Reset(),
        CliLine("u", 1, "operational", "show status system", ok=True),
        CliLine("u", 1, "operational", "", ok=True),
        CertificateWarning("OLD", "local", 30, alarm=True),  # an alarm of its own says it
    ],
)
def test_what_leaves_no_line(event):
    log = logged(event)
    assert not any(log.lines(kind) for kind in eventlog.TYPES)


def test_there_is_one_file_for_each_type_from_the_start():
    log = EventLog(AT)
    assert [name for name, _, _ in log.files(AT)] == [
        "0000001.ACT",
        "0000001.AUD",
        "0000001.DBG",
        "0000001.PKT",
        "0000001.SEC",
        "0000001.SYS",
        "0000001.TRC",
    ]
    assert all(size == 0 and modified == AT for _, size, modified in log.files(AT))


def test_a_full_file_is_rolled_over_and_the_oldest_goes():
    settings = LogSettings(file_size=200, file_count=3)
    log = logged(*(LogEvent("SEC", "info", f"line {number}") for number in range(20)), settings=settings)
    files = [(name, size) for name, size, _ in log.files(AT) if name.endswith(".SEC")]
    assert len(files) == 3
    assert [name for name, _ in files] == ["0000005.SEC", "0000006.SEC", "0000007.SEC"]
    assert all(0 < size <= 200 for _, size in files)
    assert all(len(log.content(name)) == size for name, size in files)
    assert texts(log, "security")[-1] == "line 19"
    assert log.content("0000001.SEC") == b""


def test_a_line_longer_than_a_file_still_goes_in():
    lines = (LogEvent("SEC", "info", "x" * 100), LogEvent("SEC", "info", "y" * 100))
    log = logged(*lines, settings=LogSettings(file_size=50))
    assert [len(text) for text in texts(log, "security")] == [100, 100]


def test_clearing_begins_anew():
    log = logged(LogEvent("SEC", "info", "a"))
    log.clear(AT)
    assert log.lines("security") == []
    assert all(size == 0 for _, size, _ in log.files(AT))


def later(micros: int) -> Instant:
    return Instant(AT.uptime + micros, AT.calendar + micros)


def names(log: EventLog, kind: str, now: Instant = AT) -> list[str]:
    return [eventlog.file_name(file, kind) for file in dict(log.logs(now))[kind].files]


LEVELS = ["critical", "major", "minor", "info"]


@pytest.mark.parametrize(
    ("filter_level", "most"), [("noevents", 0), *((level, LEVELS.index(level) + 1) for level in LEVELS)]
)
def test_the_filter_lets_its_level_and_worse_ones_pass(filter_level, most):
    log = logged(*(LogEvent("SEC", level, level) for level in LEVELS), settings=LogSettings(level=filter_level))
    assert texts(log, "security") == LEVELS[:most]


def test_an_informational_alarm_counts_as_info():
    alarm = AlarmRaised(1, "sonusX", "Informational", "text", 1)
    assert texts(logged(alarm, settings=LogSettings(level="info")), "system") == ["*sonusX: text"]
    assert texts(logged(alarm, settings=LogSettings(level="minor")), "system") == []


def test_a_log_that_is_not_kept_takes_nothing():
    assert texts(logged(LogEvent("SEC", "critical", "x"), settings=LogSettings(kept=False)), "security") == []


def test_rolling_over_on_demand_begins_a_file_even_behind_an_empty_one():
    log = logged()
    log.roll_over("trace", AT)
    log.roll_over("trace", AT)
    assert names(log, "trace") == ["0000001.TRC", "0000002.TRC", "0000003.TRC"]
    assert names(log, "audit") == ["0000001.AUD"]


def test_fewer_files_are_kept_at_once():
    log = logged()
    for _ in range(4):
        log.roll_over("trace", AT)
    log.configure("trace", LogSettings(file_count=2), later(HOUR))
    found = dict(log.logs(later(HOUR)))["trace"]
    assert names(log, "trace") == ["0000004.TRC", "0000005.TRC"]
    assert (found.dropped, found.last_drop) == (3, later(HOUR))


def test_a_file_begins_by_time_once_the_one_before_has_lines():
    log = logged()
    log.configure("security", LogSettings(next_rollover=AT.calendar + HOUR, interval=HOUR), AT)
    assert names(log, "security", later(5 * HOUR)) == ["0000001.SEC"]
    log.read(Entry(1, later(5 * HOUR), LogEvent("SEC", "info", "a")))
    assert dict(log.logs(later(5 * HOUR)))["security"].settings.next_rollover == AT.calendar + 6 * HOUR
    assert names(log, "security", later(90 * DAY)) == ["0000001.SEC", "0000002.SEC"]
    assert dict(log.logs(later(90 * DAY)))["security"].current.modified == later(6 * HOUR)


def test_a_line_at_the_moment_of_the_roll_over_goes_into_the_new_file():
    log = logged(LogEvent("SEC", "info", "old"))
    log.configure("security", LogSettings(next_rollover=AT.calendar + HOUR), AT)
    log.read(Entry(2, later(HOUR), LogEvent("SEC", "info", "new")))
    log.read(Entry(3, later(9 * HOUR), LogEvent("SEC", "info", "newer")))
    assert log.content("0000001.SEC").endswith(b"old\n")
    assert log.content("0000002.SEC").count(b"\n") == 2
    assert dict(log.logs(later(9 * HOUR)))["security"].settings.next_rollover == 0
