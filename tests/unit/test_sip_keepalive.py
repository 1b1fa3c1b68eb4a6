from __future__ import annotations

import pytest
from sipcalls import answer, request

from sbcsim.clock import SECOND
from sbcsim.errors import BugError
from sbcsim.rng import stream
from sbcsim.sip.errors import SipError
from sbcsim.sip.keepalive import (
    PING_OCTETS,
    TRANSITIONS,
    KeepAlives,
    KeepAliveState,
    KeepAliveTrigger,
    flow_timer,
)
from sbcsim.sip.stream import PONG_OCTETS, KeepAlive, Stream

WAYS = {
    KeepAliveState.RESTING: [],
    KeepAliveState.WAITING: [KeepAliveTrigger.PING],
    KeepAliveState.DEAD: [KeepAliveTrigger.PING, KeepAliveTrigger.SILENCE],
}


def kept(longest: int = 120 * SECOND) -> KeepAlives:
    return KeepAlives(stream(1, "keep-alives"), 0, longest)


@pytest.mark.parametrize("state", KeepAliveState)
@pytest.mark.parametrize("trigger", KeepAliveTrigger)
def test_every_transition_and_every_other(state: KeepAliveState, trigger: KeepAliveTrigger) -> None:
    alive = kept()
    for way in WAYS[state]:
        alive.move(way)
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(BugError):
            alive.move(trigger)
        assert alive.state is state
    else:
        alive.move(trigger)
        assert alive.state is after


def test_pings_come_80_to_100_percent_of_the_longest_wait_apart() -> None:
    alive, last, pauses = kept(), 0, set()
    for _ in range(50):
        due = alive.due
        assert due is not None
        assert alive.fire(due - 1) == []
        assert alive.fire(due) == [KeepAliveTrigger.PING]
        pauses.add(due - last)
        last = due + SECOND
        alive.answered(last)
    assert 96 * SECOND <= min(pauses) < max(pauses) <= 120 * SECOND
    assert len(pauses) > 40


def test_a_connection_whose_far_end_is_silent_is_dead_after_ten_seconds() -> None:
    alive = kept()
    sent = alive.due
    assert sent is not None
    alive.fire(sent)
    assert alive.due == sent + 10 * SECOND
    assert alive.fire(sent + 10 * SECOND) == [KeepAliveTrigger.SILENCE]
    assert alive.due is None
    alive.answered(sent + 11 * SECOND)
    assert (alive.state, alive.fire(10**12)) == (KeepAliveState.DEAD, [])


def test_an_answer_that_nobody_asked_for_puts_nothing_off() -> None:
    alive = kept()
    due = alive.due
    alive.answered(SECOND)
    assert alive.due == due


def test_pings_need_time_for_their_answers() -> None:
    with pytest.raises(BugError):
        kept(10 * SECOND)


def test_a_far_end_may_ask_for_another_wait() -> None:
    register = request("REGISTER")
    assert flow_timer(answer(register, 200)) is None
    assert flow_timer(answer(register, 200, extra=[("Flow-Timer", "30")])) == 30 * SECOND
    with pytest.raises(SipError):
        flow_timer(answer(register, 200, extra=[("Flow-Timer", "soon")]))


def test_pings_and_answers_are_what_a_stream_takes_them_for() -> None:
    assert Stream().feed(PING_OCTETS) == [KeepAlive.PING]
    assert Stream().feed(PONG_OCTETS + request().to_bytes())[0] is KeepAlive.PONG
