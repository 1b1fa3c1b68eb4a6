"""The alarm tables: rows, repetition, clearing by the box and by hand, history."""

from __future__ import annotations

import pytest

from sbcsim.clock import Instant
from sbcsim.device import alarms as module
from sbcsim.device.alarms import AlarmName, Alarms

DOWN, SOON, RECHECK = AlarmName.PATH_DOWN, AlarmName.CERTIFICATE_EXPIRE_SOON, AlarmName.CERTIFICATE_RECHECK_FAILED


def at(second: int) -> Instant:
    return Instant(second, second)


class Table(Alarms):
    """The tables with the events that they emitted."""

    def __init__(self) -> None:
        self.events: list[str] = []
        super().__init__(lambda _now, event: self.events.append(event.kind))


@pytest.fixture
def table() -> Table:
    table = Table()
    table.raise_alarm(DOWN, "P", "P is down", at(1))
    table.raise_alarm(DOWN, "Q", "Q is down", at(2))
    table.raise_alarm(SOON, "P", "P ends", at(3))
    return table


def rows(table: Table) -> list[tuple[int, str, int]]:
    return [(alarm.id, alarm.description, alarm.count) for alarm in table.current]


def history(table: Table) -> list[tuple[int, str, int]]:
    return [(alarm.id, alarm.state, alarm.count) for alarm in table.history]


@pytest.mark.parametrize("name", list(AlarmName))
def test_every_name_has_the_words_of_the_table(name):
    assert name.event.startswith("sonus")
    assert name.severity in {"Critical", "Major", "Minor", "Informational"}
    assert isinstance(name.automatic, bool)


def test_another_object_or_another_name_is_another_row(table):
    assert rows(table) == [(1, "P is down", 1), (2, "Q is down", 1), (3, "P ends", 1)]


def test_the_same_again_counts_up_the_row_and_moves_its_time(table):
    table.raise_alarm(DOWN, "P", "P is still down", at(9))
    assert rows(table)[0] == (1, "P is still down", 2)
    assert (table.current[0].first, table.current[0].last) == (at(1), at(9))
    assert history(table) == [(1, "raised", 2), (2, "raised", 1), (3, "raised", 1)]
    assert table.events == ["alarmRaised"] * 4


def test_a_repetition_keeps_what_an_operator_noted(table):
    assert table.comment(1, "known")
    assert table.acknowledge(1, acknowledged=True)
    table.raise_alarm(DOWN, "P", "P is down", at(9))
    assert (table.current[0].comment, table.current[0].acknowledged) == ("known", True)


def test_the_box_clears_its_own_and_a_later_one_is_a_new_row(table):
    table.clear(DOWN, "P", at(5))
    assert [row[0] for row in rows(table)] == [2, 3]
    assert history(table)[0] == (1, "cleared", 1)
    table.clear(DOWN, "P", at(6))
    table.raise_alarm(DOWN, "P", "again", at(7))
    assert rows(table)[-1] == (4, "again", 1)
    assert table.events[3:] == ["alarmCleared", "alarmRaised"]


def test_an_event_that_is_only_reported_never_stands(table):
    table.report(AlarmName.PATH_UP, "P", "P is up", at(4))
    assert len(rows(table)) == 3
    assert history(table)[-1] == (4, "raised", 1)


@pytest.mark.parametrize(
    ("alarm_id", "matching", "left"),
    [(1, False, [2, 3]), (1, True, [3]), (0, False, []), (0, True, []), (3, True, [1, 2])],
)
def test_clearing_by_hand(table, alarm_id, matching, left):
    assert table.clear_by_id(alarm_id, "admin", at(5), matching=matching)
    assert [row[0] for row in rows(table)] == left
    assert sorted(number for number, state, _ in history(table) if state == "cleared") == sorted({1, 2, 3} - set(left))


def test_clearing_what_is_not_there(table):
    assert not table.clear_by_id(9, "admin", at(5))
    assert not table.clear_by_id(9, "admin", at(5), matching=True)
    assert len(rows(table)) == 3
    assert Table().clear_by_id(0, "admin", at(5))


def test_notes_on_what_is_not_there(table):
    assert not table.comment(9, "x")
    assert not table.acknowledge(9, acknowledged=True)


def test_acknowledging_can_be_taken_back(table):
    table.acknowledge(2, acknowledged=True)
    assert [alarm.acknowledged for alarm in table.current] == [False, True, False]
    table.acknowledge(2, acknowledged=False)
    assert not any(alarm.acknowledged for alarm in table.current)


def test_clearing_the_history_leaves_what_stands(table):
    table.clear_history()
    assert table.history == ()
    assert len(rows(table)) == 3
    table.clear(DOWN, "P", at(5))
    assert history(table) == [(1, "cleared", 1)]


def test_both_tables_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "TABLE_LIMIT", 5)
    table = Table()
    for number in range(20):
        table.raise_alarm(RECHECK, f"connection {number}", "failed", at(number))
    assert [alarm.id for alarm in table.current] == [16, 17, 18, 19, 20]
    assert [alarm.id for alarm in table.history] == [16, 17, 18, 19, 20]


def test_a_restart_numbers_from_1(table):
    table.restart()
    assert (rows(table), history(table)) == ([], [])
    table.raise_alarm(DOWN, "P", "x", at(1))
    assert rows(table) == [(1, "x", 1)]


def test_a_moment_without_some_alarms_is_as_if_they_had_not_been_raised(table):
    table.clear(DOWN, "P", at(4))
    table.raise_alarm(DOWN, "P", "P is down", at(5))
    moment = table.moment()
    table.restart(moment.without(alarm for alarm in moment.current.values() if alarm.name is DOWN))
    assert (rows(table), history(table)) == ([(3, "P ends", 1)], [(1, "cleared", 1), (3, "raised", 1)])
    table.raise_alarm(DOWN, "Q", "Q is down", at(6))
    assert rows(table)[-1] == (4, "Q is down", 1)
