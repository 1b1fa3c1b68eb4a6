"""The settings of the event logs at work, their table, and the files that users fetch."""

from __future__ import annotations

import pytest
from inmemory import AUTHOR, Box

from sbcsim.device.eventlog import DIRECTORY, TYPES
from sbcsim.events import LogEvent

SECURITY = "set oam eventLog typeAdmin security "


@pytest.fixture
def box() -> Box:
    box = Box(start="2026-01-01T00:00:00Z")
    box.commit(f"{SECURITY}filterLevel minor")
    return box


def write(box: Box, *levels: str) -> None:
    for level in levels:
        box.sbc.journal.add(box.now, LogEvent("SEC", level, level))


def written(box: Box) -> list[str]:
    return [line.split(": ", 1)[1].rstrip("\n") for line in box.sbc.event_log.lines("security")]


def row(box: Box):
    return next(row for row in box.sbc.rows(("oam", "eventLog", "typeStatus")) if row["type"] == "security")


def files(box: Box) -> list[str]:
    return [name for name, _ in box.sbc.files.entries(DIRECTORY) if name.endswith(".SEC")]


def test_a_log_without_settings_takes_everything(box):
    box.commit("delete oam eventLog typeAdmin security")
    write(box, "info")
    assert written(box) == ["info"]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ("filterLevel minor", ["minor", "critical"]),
        ("filterLevel noevents", []),
        ("state disabled", []),
        ("saveTo none", []),
        ("state rollfile", ["minor", "critical"]),
    ],
)
def test_what_is_written(box, settings, kept):
    box.commit(SECURITY + settings)
    write(box, "info", "minor", "critical")
    assert written(box) == kept
    assert row(box)["logDestination"] == ("none" if settings in {"state disabled", "saveTo none"} else "localDisk")


def test_rollfile_begins_a_file_and_goes_on_logging(box):
    write(box, "minor")
    box.commit(f"{SECURITY}state rollfile")
    write(box, "major")
    assert files(box) == ["0000001.SEC", "0000002.SEC"]
    assert box.sbc.files.read(f"{DIRECTORY}/0000002.SEC").endswith(b"major\n")


def test_roll_over_now(box):
    assert box.sbc.request(("oam", "eventLog", "typeAdmin", "security"), "rolloverLogNow", {}, AUTHOR, box.now) == []
    assert files(box) == ["0000001.SEC", "0000002.SEC"]


def test_fewer_and_smaller_files(box):
    box.commit(f"{SECURITY}fileCount 2 fileSize 256")
    for _ in range(600):
        box.sbc.journal.add(box.now, LogEvent("SEC", "major", "x" * 1000))
    assert files(box) == ["0000002.SEC", "0000003.SEC"]
    assert (row(box)["filesDropped"], row(box)["lastFileDrop"]) == (1, "2026-01-01T00:00:00+00:00")
    assert all(each.size <= 256 * 1024 for _, each in box.sbc.files.entries(DIRECTORY))


def test_files_begin_by_time(box):
    box.commit(f"{SECURITY}rolloverInterval 3600 rolloverType repetitive rolloverAction start")
    assert row(box)["nextRollover"] == "2026-01-01T01:00:00+00:00"
    write(box, "minor")
    box.advance("150m")
    assert files(box) == ["0000001.SEC", "0000002.SEC"]
    assert row(box)["nextRollover"] == "2026-01-01T03:00:00+00:00"
    box.commit(f"{SECURITY}fileCount 7")
    assert row(box)["nextRollover"] == "2026-01-01T03:00:00+00:00"
    box.commit(f"{SECURITY}rolloverAction stop")
    assert row(box)["nextRollover"] == ""


@pytest.mark.parametrize(
    ("start", "interval", "due"),
    [
        ("2026-01-05T10:00:00", 0, "2026-01-05T10:00:00+00:00"),
        ("2026-01-05T10:00:00", 86400, "2026-01-05T10:00:00+00:00"),
        ("2025-12-31T10:00:00", 86400, "2026-01-01T10:00:00+00:00"),
        ("2025-12-31T10:00:00", 0, ""),
    ],
)
def test_the_start_time_says_when(box, start, interval, due):
    box.commit(f"{SECURITY}rolloverStartTime {start} rolloverInterval {interval} rolloverAction start")
    assert row(box)["nextRollover"] == due


def test_the_table_tells_of_the_file_in_use(box):
    write(box, "major", "minor")
    found = row(box)
    size = len(box.sbc.files.read(f"{DIRECTORY}/0000001.SEC"))
    assert (found["currentFile"], found["fileRecords"], found["fileBytes"]) == ("0000001.SEC", 2, size)
    assert (found["totalFiles"], found["totalFileBytes"]) == (1, size)
    assert [each["type"] for each in box.sbc.rows(("oam", "eventLog", "typeStatus"))] == list(TYPES)


def test_a_reset_returns_to_the_settings_of_the_start(box):
    box.sbc.adopt_start()
    box.commit(f"{SECURITY}state disabled")
    box.sbc.reset(box.now)
    write(box, "minor")
    assert written(box) == ["minor"]
