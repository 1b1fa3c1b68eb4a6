"""Faults: where they fire, when, and how often."""

from __future__ import annotations

from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.cli.reply import Reply
from sbcsim.clock import MINUTE, SECOND, Instant
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.faults import MOST, Faults
from sbcsim.device.redundancy import HaMode
from sbcsim.device.signallingpoints import DIALLED, PINGED
from sbcsim.errors import UserError
from sbcsim.journal import Journal
from sbcsim.net.faultycli import Course, FaultyCli

START = Instant(0, 1_000_000_000)


def at(seconds: int) -> Instant:
    return Instant(seconds * SECOND, START.calendar + seconds * SECOND)


@pytest.fixture
def faults() -> Faults:
    return Faults(Journal(), 7, HaMode.CLOUD)


def fired(faults: Faults, meetings: int, point: str = "sip.silence", subject: str = "OPTIONS") -> list[int]:
    return [number for number in range(1, meetings + 1) if faults.fires(point, subject, at(number)) is not None]


def test_nothing_fires_unasked(faults):
    for point in POINTS:
        assert not faults.at(point)
        assert faults.fires(point, "anything", START) is None


def test_a_fault_fires_from_the_nth_meeting_on_and_so_many_times(faults):
    fault = faults.add("sip.silence", nth=3, times=2)
    assert fired(faults, 9) == [3, 4]
    (active,) = faults
    assert (active.fault, active.met, active.fired) == (fault, 9, 2)


def test_only_what_matches_meets_it(faults):
    faults.add("sip.status", match="OPT*")
    assert faults.fires("sip.status", "INVITE", START) is None
    assert faults.fires("sip.silence", "OPTIONS", START) is None
    assert faults.fires("sip.status", "OPTIONS", START) == "503"


def test_brackets_in_a_match_stand_for_themselves(faults):
    """Command lines have them: lists are typed so."""
    line = "set addressContext default ipInterfaceGroup LIG ipInterface LIF altMediaIpAddresses [ 10.0.0.6 10.0.0.7 ]"
    faults.add("cli.drop", match="set * altMediaIpAddresses [ 10.0.0.6 *")
    faults.add("cli.delay", match=line)
    faults.add("cli.noise", match="[a-z]*")
    assert faults.fires("cli.drop", line, START) is not None
    assert faults.fires("cli.delay", line, START) is not None
    assert faults.fires("cli.noise", line, START) is None


def test_at_most_once_in_a_period_of_simulated_time(faults):
    faults.add("sip.silence", period=MINUTE)
    assert fired(faults, 150) == [1, 61, 121]


def test_each_of_several_counts_for_itself_and_the_oldest_goes_first(faults):
    faults.add("sip.status", value="500", times=1)
    faults.add("sip.status", value="404", nth=2)
    assert [faults.fires("sip.status", "OPTIONS", START) for _ in range(3)] == ["500", "404", "404"]


def test_chance_comes_from_the_seed():
    one, same, other = (Faults(Journal(), seed) for seed in (1, 1, 2))
    for faults in (one, same, other):
        faults.add("sip.silence", probability=0.5)
    first = fired(one, 64)
    assert fired(same, 64) == first
    assert fired(other, 64) != first
    one.clear()
    one.add("sip.silence", probability=0.5)
    assert fired(one, 64) == first


@given(st.floats(0, 1), st.integers(1, 20), st.one_of(st.none(), st.integers(1, 5)), st.integers(0, 30))
def test_no_fault_fires_more_often_than_it_may(probability, nth, times, meetings):
    faults = Faults(Journal(), 0)
    faults.add("sip.silence", probability=probability, nth=nth, times=times)
    numbers = fired(faults, meetings)
    assert all(number >= nth for number in numbers)
    assert len(numbers) <= (meetings if times is None else times)
    if probability == 0:
        assert not numbers
    if probability == 1:
        assert numbers == list(range(nth, meetings + 1))[:times]


def test_a_firing_is_journalled_without_the_secrets_of_its_subject():
    journal = Journal()
    faults = Faults(journal, 0)
    fault = faults.add("cli.drop", match="*secret*")
    faults.fires("cli.drop", "set passPhrase secret", START, shown="set passPhrase ***")
    ((event,),) = [[entry.event for entry in journal]]
    assert (event.fault, event.point, event.subject) == (fault.id, "cli.drop", "set passPhrase ***")


def test_a_fault_that_is_spent_may_fire_no_more(faults):
    """Pings need not be sent one by one for its sake."""
    assert not faults.may_fire(DIALLED)
    faults.add("tls.hello", probability=0)
    assert not faults.may_fire(DIALLED)
    faults.add("tcp.refused", times=1)
    faults.add("cli.drop")
    assert faults.may_fire(DIALLED)
    assert not faults.may_fire(PINGED)
    faults.fires("tcp.refused", "PEER1", START)
    assert not faults.may_fire(DIALLED)


def test_who_wants_to_know_is_told_of_each_change(faults):
    told = []
    faults.changed = lambda: told.append(len(list(faults)))
    fault = faults.add("sip.silence")
    faults.add("sip.status")
    faults.remove(fault.id)
    faults.remove(fault.id)
    faults.clear()
    assert told == [1, 2, 1, 0]


def test_a_node_that_begins_anew_counts_its_faults_anew(faults):
    """What happens behind a reset is then the same to the number as behind the start."""
    faults.add("sip.silence")
    faults.clear()
    assert faults.add("sip.silence").id == 2
    faults.restart()
    assert faults.add("sip.silence").id == 1


def test_faults_are_taken_away(faults):
    one, two = faults.add("sip.silence"), faults.add("sip.silence", value="")
    assert faults.remove(one.id)
    assert not faults.remove(one.id)
    assert [each.fault.id for each in faults] == [two.id]
    assert faults.remove(two.id)
    assert not faults.at("sip.silence")
    faults.add("sip.status")
    faults.clear()
    assert list(faults) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"point": "sip.noise"}, 'no fault point "sip.noise"; there are: ssh.accept'),
        ({"nth": 0}, "count from 1"),
        ({"times": 0}, "count from 1"),
        ({"probability": 1.1}, "from 0 to 1"),
        ({"probability": float("nan")}, "from 0 to 1"),
        ({"period": -1}, "not less than 0"),
        ({"match": "x" * 1001}, "at most 1000 characters"),
        ({"point": "cli.noise", "value": "a\x1b[2J"}, "are printable"),
        ({"value": "x"}, "sip.silence takes no value"),
        ({"point": "tls.stale"}, "tls.stale needs a value: certificate object"),
        ({"point": "cli.delay", "value": "soon"}, '"soon" is no number'),
        ({"point": "sip.status", "value": "200"}, "no status of a failure: 300 to 699"),
        ({"point": "sip.status", "value": "9" * 30}, "is no number"),
        ({"point": "sip.garble", "value": "via"}, '"via" is none of startLine, header, cseq'),
        ({"point": "sip.length", "value": "0"}, '"0" is no number of octets'),
        ({"point": "sip.delay", "value": "soon"}, '"soon" is not a duration'),
        ({"point": "sip.delay", "value": "0s"}, "between one microsecond and ten years"),
        ({"point": "box.clock", "value": "9999999h"}, "between one microsecond and ten years"),
        ({"point": "box.port", "value": "60s ZONE1/1"}, '"ZONE1/1" has not three keys'),
        ({"point": "box.port", "value": "60s "}, "ends in a space"),
        ({"point": "box.interface", "value": "default/LIG/LIF"}, "is not a duration"),
        ({"point": "tls.alert", "value": "41"}, 'tls.alert: "41" is no fatal alert: 10, 20,'),
        ({"point": "tls.alert", "value": "unknown_ca"}, "is no fatal alert"),
    ],
)
def test_what_makes_no_sense_is_refused(faults, options, text):
    with pytest.raises(UserError, match=text):
        faults.add(**({"point": "sip.silence"} | options))
    assert list(faults) == []


def test_what_one_server_alone_cannot_do_is_refused():
    for mode in (HaMode.NONE, HaMode.PAIR):
        with pytest.raises(UserError, match=r"standby\.file needs a pair of servers: --ha cloud"):
            Faults(Journal(), 0, mode).add("standby.file")
    with pytest.raises(UserError, match=r"box\.switchover needs a pair of servers: --ha 1to1 or cloud"):
        Faults(Journal(), 0).add("box.switchover")
    Faults(Journal(), 0, HaMode.PAIR).add("box.switchover")


def test_only_so_many_are_set(faults):
    for _ in range(MOST):
        faults.add("sip.silence")
    with pytest.raises(UserError, match=f"there are {MOST} faults already"):
        faults.add("sip.status")


def test_a_garbled_letter_is_another_letter():
    faults = Faults(Journal(), 0)
    faults.add("cli.garble")
    cli = FaultyCli(faults, lambda: START)
    cli.begin("show", str)
    assert cli.said(ascii_letters * 3).isalpha()
    assert cli.said("no 1 is, at: all") != "no 1 is, at: all"


def test_every_point_is_told_of(faults):
    for point in POINTS.values():
        assert point.effect.endswith(".")
        assert point.subject
        assert bool(point.value) or not point.default
        faults.add(point.name, value="" if point.default or not point.value else "x")


ANSWER = Reply("one\ntwo\n[ok]\n", "\n[edit]\nadmin@SBC1% ")


def course(point: str, value: str = "", *, reply: Reply = ANSWER, at_prompt: bool = True) -> Course:
    faults = Faults(Journal(), 0)
    faults.add(point, value=value)
    cli = FaultyCli(faults, lambda: START)
    cli.begin("show", str)
    return cli.course(reply, at_prompt=at_prompt)


def test_an_answer_that_nothing_happens_to_comes_as_it_is():
    cli = FaultyCli(Faults(Journal(), 0), lambda: START)
    cli.begin("show", str)
    assert cli.course(ANSWER, at_prompt=True) == Course(ANSWER, ANSWER.prompt)


@given(st.text(), st.text(min_size=1))
def test_pieces_are_the_whole_answer(text, prompt):
    taken = course("cli.pieces", "10", reply=Reply(text, prompt))
    said = [piece for piece, _ in taken.parts]
    assert "".join(said) + taken.reply.text + taken.prompt == text + prompt
    assert len(said) <= 7
    assert {seconds for _, seconds in taken.parts} <= {0.01}
    assert taken.reply.prompt == prompt  # what a redrawn line begins with
    if len(prompt) > 1:
        assert taken.prompt != prompt


@given(st.integers(1, 40))
def test_an_answer_is_cut_where_it_says_at_the_latest_at_its_end(limit):
    taken = course("cli.cut", str(limit))
    assert taken.drops
    assert taken.reply.text == ANSWER.text[:limit]


def test_another_prompt_takes_the_place_of_the_last_line_alone():
    assert course("cli.prompt", "$ ").prompt == "\n[edit]\n$ "
    assert course("cli.prompt", "$ ", at_prompt=False).prompt == ANSWER.prompt  # that of a question stays
