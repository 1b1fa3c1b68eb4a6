from __future__ import annotations

import pytest
from sipcalls import answer, request

from sbcsim.clock import SECOND
from sbcsim.errors import BugError
from sbcsim.sip import session
from sbcsim.sip.errors import SipError
from sbcsim.sip.session import (
    TRANSITIONS,
    Agreement,
    Expired,
    Policy,
    Refresh,
    Refresher,
    SessionExpires,
    SessionState,
    SessionTimer,
    SessionTrigger,
    TooShort,
)

WAYS = {
    SessionState.OFF: [],
    SessionState.REFRESHER: [SessionTrigger.WE_REFRESH],
    SessionState.REFRESHING: [SessionTrigger.WE_REFRESH, SessionTrigger.HALF],
    SessionState.WATCHER: [SessionTrigger.THEY_REFRESH],
    SessionState.ENDED: [SessionTrigger.END],
}


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("trigger", SessionTrigger)
def test_every_transition_and_every_other(state: SessionState, trigger: SessionTrigger) -> None:
    timer = SessionTimer()
    for way in WAYS[state]:
        timer.move(way)
    assert timer.state is state
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(BugError):
            timer.move(trigger)
        assert timer.state is state
    else:
        timer.move(trigger)
        assert timer.state is after


def test_who_refreshes_does_so_after_half_of_the_interval() -> None:
    timer = SessionTimer()
    timer.agreed(Agreement(1800, ours=True), 0)
    assert timer.due == 900 * SECOND
    assert timer.fire(900 * SECOND) == [Refresh()]
    assert timer.due == 1768 * SECOND
    timer.agreed(Agreement(1800, ours=True), 901 * SECOND)
    assert timer.due == 1801 * SECOND
    assert timer.fire(10_000 * SECOND) == [Refresh(), Expired()]
    assert timer.due is None


def test_who_watches_ends_it_shortly_before_the_end() -> None:
    for seconds, ends in ((1800, 1768), (90, 60)):
        timer = SessionTimer()
        timer.agreed(Agreement(seconds, ours=False), 0)
        assert timer.fire((ends - 1) * SECOND) == []
        assert timer.fire(ends * SECOND) == [Expired()]
        timer.agreed(Agreement(90, ours=True), ends * SECOND)
        assert (timer.state, timer.due) == (SessionState.ENDED, None)


def test_a_session_without_a_timer() -> None:
    timer = SessionTimer()
    timer.agreed(Agreement(90, ours=True), 0)
    timer.agreed(None, 0)
    assert (timer.due, timer.fire(10**12)) == (None, [])
    timer.end()


def asked(expires: str = "", least: str = "", *, knows: bool = True) -> object:
    extra = [("Supported", "timer")] if knows else []
    extra += [("Session-Expires", expires)] if expires else []
    extra += [("Min-SE", least)] if least else []
    return session.take_request(request(extra=extra), Policy(interval=1200, minimum=120))


def headers(expires: str, *, caller: bool) -> tuple[tuple[str, str], ...]:
    return (("Session-Expires", expires), *((("Require", "timer"),) if caller else ()))


@pytest.mark.parametrize(
    ("expires", "knows", "refresher"),
    [
        ("1000", False, "uas"),
        ("1000", True, "uac"),
        ("1000;refresher=uac", True, "uac"),
        ("1000;refresher=uas", True, "uas"),
        ("1000 ; other=x ; REFRESHER = UAS", True, "uas"),
    ],
)
def test_who_refreshes_by_table_2_of_the_rfc(expires: str, knows: bool, refresher: str) -> None:
    expected = headers(f"1000;refresher={refresher}", caller=refresher == "uac")
    assert asked(expires, knows=knows) == Agreement(1000, refresher == "uas", expected)


def test_we_may_rather_refresh_ourselves() -> None:
    came = request(extra=[("Supported", "timer"), ("x", "1000")])
    agreed = session.take_request(came, Policy(ourselves=True))
    assert agreed == Agreement(1000, ours=True, headers=headers("1000;refresher=uas", caller=False))


@pytest.mark.parametrize(
    ("expires", "least", "seconds"),
    [
        ("", "", 1200),
        ("", "1500", 1500),
        ("4000", "", 1200),
        ("4000", "1500", 1500),
        ("120", "", 120),
        ("1400", "1300", 1300),
    ],
)
def test_the_interval(expires: str, least: str, seconds: int) -> None:
    agreed = asked(expires, least)
    assert isinstance(agreed, Agreement)
    assert agreed.seconds == seconds


def test_an_interval_that_is_too_short() -> None:
    assert asked("119") == TooShort((("Min-SE", "120"),))
    agreed = asked("119", knows=False)  # no 422 for who knows nothing of timers
    assert isinstance(agreed, Agreement)
    assert agreed.seconds == 119
    with pytest.raises(SipError):
        asked("89", knows=False)


def test_no_timer_of_our_own() -> None:
    none = Policy(interval=0)
    assert session.offer(none) == ()
    assert session.take_request(request(extra=[("Supported", "timer")]), none) is None
    agreed = session.take_request(request(extra=[("Session-Expires", "500")]), none)
    assert agreed == Agreement(500, ours=True, headers=headers("500;refresher=uas", caller=False))


def test_what_we_ask_for() -> None:
    assert session.offer(Policy()) == (("Session-Expires", "1800"),)
    assert session.offer(Policy(interval=100, ourselves=True), 3000) == (
        ("Session-Expires", "3000;refresher=uac"),
        ("Min-SE", "3000"),
    )


def test_what_the_far_end_agrees_to() -> None:
    invite = request()
    assert session.take_response(answer(invite, 200)) is None
    for refresher in Refresher:
        response = answer(invite, 200, extra=[("x", f"600;refresher={refresher.value}")])
        assert session.take_response(response) == Agreement(600, ours=refresher is Refresher.UAC)
    for value in ("600", "0;refresher=uac"):
        with pytest.raises(SipError):
            session.take_response(answer(invite, 200, extra=[("Session-Expires", value)]))


def test_both_sides_agree() -> None:
    """Whatever is asked and answered, exactly one refreshes, and both wait for the same interval."""
    for ask in (Policy(), Policy(ourselves=True), Policy(interval=90)):
        for take in (Policy(), Policy(ourselves=True), Policy(interval=0), Policy(interval=400, minimum=400)):
            minimum = 90
            for _ in range(2):
                invite = request(extra=[("Supported", "timer"), *session.offer(ask, minimum)])
                there = session.take_request(invite, take)
                if isinstance(there, TooShort):
                    minimum = session.take_refusal(answer(invite, 422, extra=there.headers))
            assert isinstance(there, Agreement)
            here = session.take_response(answer(invite, 200, extra=there.headers))
            assert here is not None
            assert (here.seconds, here.ours) == (there.seconds, not there.ours)


def test_a_refusal_says_how_long_it_has_to_be() -> None:
    invite = request()
    assert session.take_refusal(answer(invite, 422, extra=[("Min-SE", "3600;x=y")])) == 3600
    with pytest.raises(SipError):
        session.take_refusal(answer(invite, 422))


@pytest.mark.parametrize(
    "value", ["", "x", "1800;refresher", "1800;refresher=both", "4294967296", "1800 x", "9" * 5000]
)
def test_malformed(value: str) -> None:
    with pytest.raises(SipError):
        session.session_expires(request(extra=[("Session-Expires", value)]))


def test_text() -> None:
    assert str(SessionExpires(90)) == "90"
    assert session.session_expires(request()) is None
    assert session.min_se(request(extra=[("Min-SE", "5")])) == 90
    with pytest.raises(SipError):
        session.min_se(request(extra=[("Min-SE", "soon")]))
