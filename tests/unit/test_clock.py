"""Simulated time: readings and flow, the texts of times and durations, and the order in which things come due."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.clock import (
    DAY,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    Clock,
    Mode,
    Order,
    TimerQueue,
    VirtualClock,
    format_duration,
    from_datetime,
    from_rfc3339,
    parse_duration,
    to_datetime,
    to_rfc3339,
)
from sbcsim.errors import BugError, UserError

NEW_YEAR = 1_767_225_600 * SECOND
SECOND_YEAR, LAST_YEAR = datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9999-01-01")


class Host:
    """A host clock that a test turns by hand."""

    def __init__(self) -> None:
        self.micros = 5_000

    def __call__(self) -> int:
        return self.micros


def real(host: Host, **options: float) -> Clock:
    return Clock(Mode.REAL, NEW_YEAR, host, **options)


# Readings and flow.


def test_a_virtual_clock_stands_still_until_it_is_moved():
    clock = VirtualClock("2026-01-01T00:00:00Z")
    assert clock.mode is Mode.VIRTUAL
    assert clock.rate == 0
    assert clock.reading().uptime == 0
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    moved = clock.move_to(3 * DAY)
    assert moved == clock.reading()
    assert (moved.uptime, moved.rfc3339()) == (3 * DAY, "2026-01-04T00:00:00Z")


@pytest.mark.parametrize(
    "start",
    ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC), NEW_YEAR],
)
def test_a_virtual_clock_starts_from_text_a_datetime_or_microseconds(start):
    assert VirtualClock(start).reading().calendar == NEW_YEAR


def test_a_real_clock_flows_with_the_host_from_where_it_was_made():
    host = Host()
    clock = real(host)
    host.micros += 7 * SECOND
    assert clock.reading().uptime == 7 * SECOND
    assert clock.reading().calendar == NEW_YEAR + 7 * SECOND


def test_moving_a_flowing_clock_adds_to_the_flow():
    host = Host()
    clock = real(host)
    host.micros += SECOND
    clock.move_to(HOUR)
    host.micros += SECOND
    assert clock.reading().uptime == HOUR + SECOND


@pytest.mark.parametrize("mode", list(Mode))
def test_the_clock_refuses_to_go_back_and_stays_where_it_is(mode):
    clock = Clock(mode, NEW_YEAR, Host())
    clock.move_to(MINUTE)
    with pytest.raises(UserError, match="cannot go backwards"):
        clock.move_to(MINUTE - 1)
    assert clock.reading().uptime == MINUTE
    assert clock.move_to(MINUTE).uptime == MINUTE


def test_the_clock_refuses_to_leave_the_calendar():
    clock = VirtualClock("9999-12-31T00:00:00Z")
    with pytest.raises(UserError, match="year 9999"):
        clock.move_to(DAY)
    assert clock.reading().uptime == 0
    assert clock.move_to(DAY - 1).calendar == LATEST


def test_held_time_stands_still_and_goes_on_without_a_gap():
    host = Host()
    clock = real(host)
    host.micros += SECOND
    clock.hold()
    host.micros += HOUR
    assert clock.reading().uptime == SECOND
    clock.move_to(2 * SECOND)
    clock.release()
    assert clock.reading().uptime == 2 * SECOND
    host.micros += SECOND
    assert clock.reading().uptime == 3 * SECOND


def test_holds_nest():
    host = Host()
    clock = real(host)
    clock.hold()
    clock.hold()
    clock.release()
    host.micros += SECOND
    assert clock.reading().uptime == 0
    clock.release()
    host.micros += SECOND
    assert clock.reading().uptime == SECOND


def test_releasing_what_is_not_held_is_a_bug():
    with pytest.raises(BugError):
        VirtualClock().release()


def test_the_rate_scales_the_flow_from_now_on():
    host = Host()
    clock = real(host)
    host.micros += SECOND
    clock.set_rate(60)
    assert clock.reading().uptime == SECOND
    host.micros += SECOND
    assert clock.reading().uptime == 61 * SECOND
    clock.set_rate(0)
    host.micros += HOUR
    assert clock.reading().uptime == 61 * SECOND
    clock.set_rate(0.5)
    host.micros += 2 * SECOND
    assert clock.reading().uptime == 62 * SECOND
    assert clock.rate == 0.5


def test_a_rate_set_while_the_clock_is_held_begins_at_the_release():
    host = Host()
    clock = real(host)
    clock.hold()
    clock.set_rate(10)
    host.micros += SECOND
    clock.release()
    host.micros += SECOND
    assert clock.reading().uptime == 10 * SECOND


@pytest.mark.parametrize("rate", [-1, -0.001, 1_000_001, float("inf"), float("nan")])
def test_an_impossible_rate_is_refused(rate):
    clock = VirtualClock()
    with pytest.raises(UserError, match="out of range"):
        clock.set_rate(rate)
    assert clock.rate == 0


def test_a_restart_begins_at_uptime_0_again():
    host = Host()
    clock = real(host)
    clock.move_to(DAY)
    host.micros += SECOND
    clock.restart(NEW_YEAR)
    assert (clock.reading().uptime, clock.reading().calendar) == (0, NEW_YEAR)
    host.micros += SECOND
    assert clock.reading().uptime == SECOND


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=20), st.sampled_from([0, 0.25, 1, 60])
)
def test_whatever_happens_both_readings_go_forward_together(steps, rate):
    host = Host()
    clock = real(host, rate=rate)
    before = clock.reading()
    for flow, move in steps:
        host.micros += flow
        clock.move_to(clock.reading().uptime + move)
        after = clock.reading()
        assert after.uptime >= before.uptime + move
        assert after.uptime - before.uptime == after.calendar - before.calendar
        before = after


# Texts.


@given(st.datetimes(timezones=st.just(UTC)))
def test_rfc3339_texts_are_read_back(moment):
    calendar = from_datetime(moment)
    assert to_datetime(calendar) == moment
    assert from_rfc3339(to_rfc3339(calendar)) == calendar


@given(st.datetimes(SECOND_YEAR, LAST_YEAR), st.integers(-1439, 1439))
def test_an_offset_names_the_same_moment(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert from_rfc3339(moment.isoformat()) == from_datetime(moment) == from_datetime(moment.astimezone(UTC))


def test_a_naive_datetime_is_taken_as_utc():
    assert from_datetime(datetime.fromisoformat("2026-01-01T00:00:00")) == NEW_YEAR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "20260101T000000Z",
        "2026-W01-4T00:00:00Z",
        "2026-01-01T00:00:00,5Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:30:00Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+25:00",
        "٢٠٢٦-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_anything_else_is_refused_as_a_time(text):
    with pytest.raises(UserError):
        from_rfc3339(text)


@pytest.mark.parametrize("text", ["2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.000Z"])
def test_the_liberties_of_rfc3339_are_taken(text):
    assert from_rfc3339(text) == NEW_YEAR


@given(st.integers(0, 10**18))
def test_durations_are_read_back(duration):
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("31d", 31 * DAY),
        ("1h30m", 90 * MINUTE),
        ("1h 30m", 90 * MINUTE),
        ("90s", 90 * SECOND),
        ("0.5d", 12 * HOUR),
        ("1.5ms", 1500),
        ("2w", 14 * DAY),
        ("0s", 0),
        ("0.0000001s", 0),
    ],
)
def test_durations(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", " ", "5", "d", "1x", "-1d", "1d!", "1.d", ".5d", "1d2", "1e3s", "٣d", "9" * 5000 + "d"]
)
def test_anything_else_is_refused_as_a_duration(text):
    with pytest.raises(UserError, match="is not a duration"):
        parse_duration(text)


@given(st.text("0123456789.smhdwu ", max_size=30))
def test_a_duration_is_a_number_or_a_refusal(text):
    with suppress(UserError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize(
    ("duration", "text"), [(0, "0s"), (31 * DAY, "31d"), (90 * MINUTE, "1h30m"), (1_250_000, "1s250ms"), (7, "7us")]
)
def test_durations_are_printed_by_their_largest_units(duration, text):
    assert format_duration(duration) == text


# What is due.


def drain(queue: TimerQueue, until: int) -> list[object]:
    fired = []
    while (timer := queue.pop(until)) is not None:
        fired.append(timer.key)
    return fired


def test_timers_fire_by_time_then_order_then_insertion():
    queue = TimerQueue()
    queue.set("ping", 10, Order.PING)
    queue.set("second time-out", 10, Order.TIMEOUT)
    queue.set("third time-out", 10, Order.TIMEOUT)
    queue.set("port", 10, Order.PORT)
    queue.set("check", 10, Order.CERTIFICATE)
    queue.set("warning", 10, Order.WARNING)
    queue.set("early", 9, Order.PING)
    assert drain(queue, 10) == [
        "early",
        "warning",
        "check",
        "port",
        "second time-out",
        "third time-out",
        "ping",
    ]
    assert queue.peek() is None


def test_nothing_fires_before_it_is_due():
    queue = TimerQueue()
    queue.set("a", 10, Order.PING)
    assert queue.pop(9) is None
    assert queue.due("a") == 10
    assert len(queue) == 1


def test_setting_again_replaces():
    queue = TimerQueue()
    queue.set("a", 10, Order.PING)
    queue.set("a", 30, Order.PING)
    assert len(queue) == 1
    assert drain(queue, 20) == []
    assert drain(queue, 30) == ["a"]
    assert queue.due("a") is None


def test_a_cancelled_timer_never_fires():
    queue = TimerQueue()
    queue.set("a", 10, Order.PING)
    queue.set("b", 20, Order.PING)
    queue.cancel("a")
    queue.cancel("a")
    queue.cancel("never set")
    head = queue.peek()
    assert head is not None
    assert head.key == "b"
    assert drain(queue, 100) == ["b"]


def test_clearing_forgets_everything():
    queue = TimerQueue()
    queue.set("a", 10, Order.PING)
    queue.clear()
    assert len(queue) == 0
    assert drain(queue, 100) == []
    queue.cancel("a")


def test_cancelled_timers_do_not_pile_up_while_time_stands_still():
    queue = TimerQueue()
    queue.set("far", 1, Order.TIMEOUT)
    for number in range(10_000):
        queue.set(("handshake", number), 5, Order.TIMEOUT)
        queue.cancel(("handshake", number))
    assert queue.footprint < 200


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "set", "set", "cancel", "pop"]),
            st.integers(0, 8),
            st.integers(0, 20),
            st.sampled_from(list(Order)),
        ),
        max_size=200,
    )
)
def test_the_queue_behaves_like_a_sorted_list(steps):
    queue = TimerQueue()
    naive: dict[int, tuple[int, int, int]] = {}
    for count, (what, key, due, order) in enumerate(steps):
        if what == "set":
            queue.set(key, due, order)
            naive[key] = (due, order.value, count)
        elif what == "cancel":
            queue.cancel(key)
            naive.pop(key, None)
        else:
            waiting = sorted((rank, each) for each, rank in naive.items() if rank[0] <= due)
            timer = queue.pop(due)
            assert (timer and timer.key) == (waiting[0][1] if waiting else None)
            if waiting:
                del naive[waiting[0][1]]
        assert len(queue) == len(naive)
        assert all(queue.due(each) == naive[each][0] for each in naive)
