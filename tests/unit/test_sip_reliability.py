from __future__ import annotations

import pytest
from sipcalls import WITHIN, answer, request

from sbcsim.clock import SECOND
from sbcsim.errors import BugError
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.reliability import (
    TRANSITIONS,
    Hearing,
    HearingTrigger,
    ProvisionalOrder,
    RAck,
    ReliableProvisionals,
    Repeat,
    Unacknowledged,
    Unheard,
    lists,
    parse_rack,
    rack_of,
)

INVITE = request(cseq=7)


def times(source: Unacknowledged | ReliableProvisionals) -> list[tuple[float, str]]:
    events: list[tuple[float, str]] = []
    while (due := source.due) is not None:
        events += [(due / SECOND, "again" if isinstance(each, Repeat) else "unheard") for each in source.fire(due)]
    return events


@pytest.mark.parametrize("state", Hearing)
@pytest.mark.parametrize("trigger", HearingTrigger)
def test_every_transition_and_every_other(state: Hearing, trigger: HearingTrigger) -> None:
    one = Unacknowledged(answer(INVITE, 200), 0)
    ways = {
        Hearing.ACKNOWLEDGED: HearingTrigger.ACKNOWLEDGE,
        Hearing.WITHDRAWN: HearingTrigger.WITHDRAW,
        Hearing.GIVEN_UP: HearingTrigger.GIVE_UP,
    }
    if state in ways:
        one.move(ways[state])
    assert one.state is state
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(BugError):
            one.move(trigger)
        assert one.state is state
    else:
        one.move(trigger)
        assert one.state is after
    assert (one.due is None) == (one.state is not Hearing.WAITING)


def test_a_2xx_is_repeated_every_four_seconds_at_last() -> None:
    repeats = [(at, "again") for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
    assert times(Unacknowledged(answer(INVITE, 200), 0)) == [*repeats, (32.0, "unheard")]


def test_an_acknowledgement_ends_it() -> None:
    one = Unacknowledged(answer(INVITE, 200), 0)
    assert one.fire(SECOND) == [Repeat(one.response)]
    one.move(HearingTrigger.ACKNOWLEDGE)
    assert (one.due, one.fire(100 * SECOND)) == (None, [])


def test_however_late_it_is_asked_it_says_what_was_due() -> None:
    one = Unacknowledged(answer(INVITE, 200), 0)
    assert one.fire(100 * SECOND)[-1] == Unheard(one.response)
    assert one.state is Hearing.GIVEN_UP


def ringing(said: list[Repeat]) -> Response:
    [repeat] = said
    return repeat.response


def prack(rack: object, cseq: int = 8) -> Request:
    return request("PRACK", cseq=cseq, to=WITHIN, extra=[("RAck", str(rack))])


def test_a_reliable_provisional_is_repeated_with_growing_waits() -> None:
    out = ReliableProvisionals(1)
    first = ringing(out.say(answer(INVITE, 180), 0))
    assert rack_of(first) == RAck(1, 7, "INVITE")
    repeats = [(at, "again") for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert times(out) == [*repeats, (32.0, "unheard")]
    assert out.say(answer(INVITE, 183), 0) == []


def test_reliable_provisionals_wait_for_each_other() -> None:
    out = ReliableProvisionals(2**31 - 1)
    first = ringing(out.say(answer(INVITE, 180), 0))
    assert out.say(answer(INVITE, 183), SECOND) == []
    for wrong in (RAck(3, 7, "INVITE"), RAck(2**31 - 1, 8, "INVITE"), RAck(2**31 - 1, 7, "UPDATE")):
        assert out.acknowledged(prack(wrong), SECOND) is None
    said = out.acknowledged(prack(rack_of(first)), SECOND)
    assert said is not None
    second = ringing(said)
    assert second.status == 183
    assert rack_of(second) == RAck(2**31, 7, "INVITE")
    assert out.acknowledged(prack(rack_of(first), 9), SECOND) is None
    assert out.acknowledged(prack(rack_of(second), 10), SECOND) == []
    assert out.due is None


def test_a_final_response_withdraws_what_waits() -> None:
    out = ReliableProvisionals(1)
    first = ringing(out.say(answer(INVITE, 180), 0))
    out.say(answer(INVITE, 183), 0)
    out.withdraw()
    assert (out.due, out.fire(50 * SECOND)) == (None, [])
    assert out.acknowledged(prack(rack_of(first)), 0) is None
    out.withdraw()


def test_what_cannot_be_sent_reliably() -> None:
    for status in (100, 200, 486):
        with pytest.raises(BugError):
            ReliableProvisionals(1).say(answer(INVITE, status), 0)
    for first in (0, 2**31):
        with pytest.raises(BugError):
            ReliableProvisionals(first)


def reliable(rseq: object, status: int = 180, require: str = "100rel") -> Response:
    return answer(INVITE, status, extra=[("RSeq", str(rseq)), ("Require", require)])


def test_a_caller_takes_them_in_order() -> None:
    order = ProvisionalOrder()
    taken = [order.take(reliable(rseq)) for rseq in (40, 40, 42, 41, 41, 42, 40)]
    assert [rack and rack.rseq for rack in taken] == [40, None, None, 41, None, 42, None]
    with pytest.raises(BugError):
        order.take(answer(INVITE, 180))


def test_what_is_reliable() -> None:
    assert rack_of(reliable(3)) == RAck(3, 7, "INVITE")
    assert rack_of(reliable(3, require="foo, 100REL")) == RAck(3, 7, "INVITE")
    assert rack_of(reliable(3, require="foo")) is None
    assert rack_of(reliable(3, status=200)) is None
    for rseq in ("x", "4294967296"):
        with pytest.raises(SipError):
            rack_of(reliable(rseq))


def test_rack() -> None:
    assert parse_rack("776656  1 INVITE") == RAck(776656, 1, "INVITE")
    assert str(RAck(2, 3, "INVITE")) == "2 3 INVITE"
    for text in ("", "1 2", "1 2 A B", "x 2 A", "4294967296 1 A", "1 2147483648 A", "1" * 5000):
        with pytest.raises(SipError):
            parse_rack(text)


def test_lists() -> None:
    came = request(extra=[("k", "a, 100Rel"), ("Supported", "timer")])
    assert lists(came, "Supported", "100rel")
    assert lists(came, "Supported", "timer")
    assert not lists(came, "Require", "timer")
