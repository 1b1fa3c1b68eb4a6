"""The journal: numbers, bounds, filters, readers, and every kind of event as JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest
from eventsamples import SEEN, sample
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.clock import Instant
from sbcsim.eventkinds import MODULES, kinds
from sbcsim.events import Commit, Event, Handshake, Logout, Reset
from sbcsim.journal import Journal, camel, to_json

AT = Instant(1_500_000, 1_767_225_601_500_000)
KINDS = kinds()


def filled(limit: int, count: int) -> Journal:
    journal = Journal(limit)
    for number in range(count):
        journal.add(AT, Reset() if number % 2 else Logout(f"user {number}", "::1", "cli"))
    return journal


# The journal.


def test_numbers_begin_at_1_and_never_repeat():
    journal = filled(10, 3)
    assert [entry.number for entry in journal] == [1, 2, 3]
    journal.clear()
    assert (len(journal), journal.last) == (0, 3)
    assert journal.add(AT, Reset()).number == 4
    assert journal.after(0)[0].number == 4


def test_the_oldest_go_when_the_journal_is_full():
    journal = filled(3, 10)
    assert len(journal) == 3
    assert [entry.number for entry in journal] == [8, 9, 10]
    assert [entry.number for entry in journal.after(0)] == [8, 9, 10]


def test_an_empty_journal_has_nothing_after_anything():
    journal = Journal()
    assert journal.last == 0
    assert journal.after(0) == []


@given(st.integers(1, 12), st.integers(0, 30), st.integers(-2, 32), st.booleans(), st.none() | st.integers(0, 12))
def test_after_is_a_filter_over_all_entries(limit, count, number, resets_only, most):
    journal = filled(limit, count)
    wanted = frozenset({"reset"} if resets_only else ())
    naive = [entry for entry in journal if entry.number > number and (not wanted or entry.kind in wanted)]
    assert journal.after(number, wanted, most) == naive[:most]


def test_readers_see_every_later_entry_until_they_leave():
    journal = filled(2, 2)
    seen = []
    leave = journal.subscribe(lambda entry: seen.append(entry.number))
    journal.add(AT, Reset())
    leave()
    journal.add(AT, Reset())
    assert seen == [3]


def test_a_reader_may_leave_while_it_is_told():
    journal = Journal()
    seen = []

    def once(entry):
        seen.append(entry.number)
        leave()

    leave = journal.subscribe(once)
    journal.subscribe(lambda entry: seen.append(-entry.number))
    journal.add(AT, Reset())
    journal.add(AT, Reset())
    assert seen == [1, -1, -2]


def test_what_a_reader_adds_is_told_behind_what_it_was_told_of():
    journal = Journal()
    seen = []
    journal.subscribe(lambda entry: journal.add(AT, Reset()) if entry.kind == "logout" else None)
    journal.subscribe(lambda entry: seen.append(entry.number))
    for name in ("one", "two"):
        journal.add(AT, Logout(name, "::1", "cli"))
    assert seen == [1, 2, 3, 4]
    assert [entry.kind for entry in journal] == ["logout", "reset"] * 2


def test_a_reader_that_fails_is_not_told_again():
    journal = Journal()
    seen = []

    def fail(entry):
        seen.append(entry.number)
        if entry.kind == "logout":
            journal.add(AT, Reset())
            raise RuntimeError

    journal.subscribe(fail)
    with pytest.raises(RuntimeError):
        journal.add(AT, Logout("one", "::1", "cli"))
    journal.add(AT, Reset())
    assert seen == [1, 3]
    assert [entry.number for entry in journal] == [1, 2, 3]


def test_iterating_is_safe_while_entries_come_in():
    journal = filled(3, 3)
    for _ in journal:
        journal.add(AT, Reset())
    assert journal.last == 6


# The events.


def test_every_kind_has_its_own_name():
    # A slotted dataclass leaves its draft among the subclasses; what is of no kind is the ground of a far end's events.
    assert len(KINDS) == len({each.__qualname__ for each in Event.__subclasses__() if each.kind})
    assert all(any(getattr(module, each.__name__, None) is each for module in MODULES) for each in KINDS.values())
    assert list(KINDS) == sorted(KINDS)
    assert "" not in KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_plain_json_with_camel_case_names(kind):
    event = sample(KINDS[kind])
    journal = Journal()
    data = journal.add(AT, event).to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["kind"] == kind
    assert (data["number"], data["time"], data["uptime"]) == (1, "2026-01-01T00:00:01.500000Z", 1.5)
    names = [camel(field.name) for field in dataclasses.fields(event)]
    assert [*data][4:] == names
    assert not any("_" in name for name in data)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_frozen_and_slotted(kind):
    event = sample(KINDS[kind])
    assert not hasattr(event, "__dict__")
    assert hash(event) == hash(sample(KINDS[kind]))
    for field in dataclasses.fields(event):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)


def test_certificates_in_events_tell_their_end_as_a_time():
    event = Handshake(1, "inbound", True, "TLSv1.3", "AES", False, SEEN, None)
    data = to_json(event)
    assert data["localCertificate"] == {
        "subject": "CN=sbc",
        "serial": "0A",
        "notAfter": "2026-01-01T00:00:00Z",
        "name": "OLD",
    }
    assert data["peerCertificate"] is None


def test_tuples_become_lists():
    assert to_json(Commit(1, "admin", "cli", ("set a 1",)))["changes"] == ["set a 1"]
