"""When things are due: the order of the queues, and what a jump coalesces, against a simulation that spares nothing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.clock import Order
from sbcsim.device.timetable import Timetable


class Walk:
    """A timetable with settled peers, moved as a driver moves it; `sent` is (uptime, peer, times)."""

    def __init__(self, periods: Sequence[int], acting: Sequence[int] = (), looking: Sequence[int] = ()) -> None:
        self.timetable = Timetable()
        self.periods = periods
        self.now = 0
        self.sent: list[tuple[int, int, int]] = []
        self.fired: list[tuple[int, Hashable]] = []
        for peer, period in enumerate(periods):
            self.timetable.keepalives.set(peer, period, Order.PING)
        for due in acting:
            self.timetable.acting.set(("acts", due), due, Order.PORT)
        for due in looking:
            self.timetable.looking.set(("looks", due), due, Order.WARNING)

    def jump(self, target: int, steps: int = 1_000_000) -> None:
        """Move to `target`, or be interrupted after some steps."""
        while (due := self.timetable.plan(target, None, lambda peer: self.periods[peer])) is not None:
            if not steps:
                return
            steps -= 1
            assert due <= target
            self.now = due = max(due, self.now)
            while (timer := self.timetable.pop(due, keepalives=False)) is not None:
                self.fired.append((due, timer.key))
            for ping in self.timetable.take_planned(due):
                self._send(ping.key, ping.times)
        self.now = target

    def flow(self, target: int) -> None:
        """Let time flow to `target`: everything at its own instant."""
        while (due := self.timetable.next_due()) is not None and due <= target:
            self.now = due = max(due, self.now)
            while (timer := self.timetable.pop(due, keepalives=True)) is not None:
                if isinstance(timer.key, int):
                    self._send(timer.key, 1)
                else:
                    self.fired.append((due, timer.key))
        self.now = target

    def _send(self, peer: Hashable, times: int) -> None:
        assert isinstance(peer, int)
        self.sent.append((self.now, peer, times))
        self.timetable.keepalives.set(peer, self.now + self.periods[peer], Order.PING)

    def stood_for(self) -> list[tuple[int, int]]:
        """Return every (uptime, peer) that was due, from what was sent."""
        return sorted((at - back * self.periods[peer], peer) for at, peer, times in self.sent for back in range(times))


def every_due(periods: Sequence[int], target: int) -> list[tuple[int, int]]:
    return sorted((due, peer) for peer, period in enumerate(periods) for due in range(period, target + 1, period))


periods = st.lists(st.integers(1, 40), min_size=0, max_size=6)
instants = st.lists(st.integers(1, 300), unique=True, max_size=6)
cuts = st.lists(st.integers(1, 299), max_size=4).map(sorted)


@given(periods, instants, instants)
def test_every_ping_is_sent_or_stood_for_and_none_across_an_event_that_acts(periods, acting, looking):
    walk = Walk(periods, acting, looking)
    walk.jump(300)
    assert walk.stood_for() == every_due(periods, 300)
    for at, peer, times in walk.sent:
        first = at - (times - 1) * periods[peer]
        assert not any(first < event <= at for event in acting)
    assert sorted(at for at, _ in walk.fired) == sorted([*acting, *looking])
    assert [at for at, _ in walk.fired] == sorted(at for at, _ in walk.fired)


@given(periods, instants)
def test_one_ping_of_each_peer_serves_a_stretch(periods, acting):
    walk = Walk(periods, acting)
    walk.jump(300)
    stretches = len(acting) + 1
    assert all(sum(1 for _, each, _ in walk.sent if each == peer) <= stretches for peer in range(len(periods)))


@given(periods, instants, instants, cuts)
def test_a_jump_in_pieces_stands_for_the_same_and_leaves_the_same_due(periods, acting, looking, cuts):
    whole, pieces, flowed = (Walk(periods, acting, looking) for _ in range(3))
    whole.jump(300)
    for cut in [*cuts, 300]:
        pieces.jump(cut)
    flowed.flow(300)
    assert whole.stood_for() == pieces.stood_for() == flowed.stood_for()
    assert whole.fired == pieces.fired == flowed.fired
    for peer in range(len(periods)):
        due = {walk.timetable.keepalives.due(peer) for walk in (whole, pieces, flowed)}
        assert due == {300 // periods[peer] * periods[peer] + periods[peer]}


@given(periods, instants, st.integers(0, 5), st.integers(0, 400))
def test_a_jump_that_was_broken_off_loses_no_ping(periods, acting, steps, more):
    walk = Walk(periods, acting)
    walk.jump(500, steps)
    target = walk.now + more
    walk.jump(target)
    for peer, period in enumerate(periods):
        # What was due before the jump was broken off may go out later than it was due, and those after it with it.
        times = sum(times for _, each, times in walk.sent if each == peer)
        assert target // period - 1 <= times <= target // period


@given(periods.filter(bool), instants, st.integers(0, 5))
def test_after_a_jump_that_was_broken_off_time_flows_on(periods, acting, steps):
    walk = Walk(periods, acting)
    walk.jump(500, steps)
    stopped = walk.now
    walk.flow(600)
    for peer, period in enumerate(periods):
        late = [at for at, each, _ in walk.sent if each == peer and at > stopped]
        assert late == list(range(late[0], 601, period))
        assert late[0] <= stopped + period


def test_pings_come_behind_what_is_due_at_the_same_instant():
    walk = Walk([10], acting=[20])
    walk.jump(20)
    assert walk.sent == [(10, 0, 1), (20, 0, 1)]
    assert walk.fired == [(20, ("acts", 20))]


def test_what_only_looks_cuts_no_stretch_until_it_will_act():
    timetable = Timetable()
    timetable.keepalives.set("peer", 10, Order.PING)
    timetable.looking.set("recheck", 25, Order.CERTIFICATE)
    assert timetable.plan(50, None, lambda _: 10) == 25
    assert timetable.pop(25, keepalives=False)
    assert timetable.plan(50, None, lambda _: 10) == 50
    (ping,) = timetable.take_planned(50)
    assert (ping.at, ping.times) == (50, 5)

    timetable = Timetable()
    timetable.keepalives.set("peer", 10, Order.PING)
    timetable.looking.set("recheck", 25, Order.CERTIFICATE)
    assert timetable.plan(50, 25, lambda _: 10) == 20
    (ping,) = timetable.take_planned(20)
    assert (ping.at, ping.times) == (20, 2)


def test_who_settles_in_the_middle_of_a_stretch_is_not_left_behind():
    timetable = Timetable()
    timetable.keepalives.set("early", 10, Order.PING)
    assert timetable.plan(100, None, lambda _: 10) == 100
    timetable.keepalives.set("late", 15, Order.PING)
    assert timetable.plan(100, None, lambda _: 10) == 95
    assert [(ping.key, ping.times) for ping in timetable.take_planned(100)] == [("late", 9), ("early", 10)]


def test_flowing_time_fires_all_queues_in_order():
    timetable = Timetable()
    timetable.keepalives.set("ping", 5, Order.PING)
    timetable.acting.set("time-out", 5, Order.TIMEOUT)
    timetable.looking.set("check", 5, Order.CERTIFICATE)
    timetable.looking.set("later", 6, Order.WARNING)
    assert timetable.next_due() == 5
    order = []
    while (timer := timetable.pop(5, keepalives=True)) is not None:
        order.append(timer.key)
    assert order == ["check", "time-out", "ping"]
    assert timetable.next_due() == 6


@pytest.mark.parametrize("planned", [False, True])
def test_a_cancelled_keepalive_is_not_sent(planned):
    timetable = Timetable()
    timetable.keepalives.set("peer", 10, Order.PING)
    timetable.keepalives.set("other", 10, Order.PING)
    if planned:
        timetable.plan(50, None, lambda _: 10)
    timetable.cancel("peer")
    assert timetable.plan(50, None, lambda _: 10) == 50
    assert [ping.key for ping in timetable.take_planned(50)] == ["other"]


def test_clearing_forgets_plans_too():
    timetable = Timetable()
    timetable.keepalives.set("peer", 10, Order.PING)
    timetable.plan(50, None, lambda _: 10)
    timetable.clear()
    assert timetable.next_due() is None
    assert timetable.plan(60, None, lambda _: 10) is None


def test_another_target_is_another_move_and_so_is_the_same_one_after_a_reset():
    timetable = Timetable()
    assert [timetable.head_for(target) for target in (0, 50, 50, 60)] == [True, True, False, True]
    timetable.clear()
    assert timetable.head_for(60)
