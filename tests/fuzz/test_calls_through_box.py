"""Calls through the box over networks that lose, double and reorder, or whose connections break: no call is stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from boxnetwork import THINGS, BoxNetwork
from callagent import CALLEE_DOES, CALLER_DOES, Agent, Weather, do
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.clock import SECOND

MODEST = settings(max_examples=examples(60), deadline=None)

DOES = (*sorted({*CALLER_DOES, *CALLEE_DOES, "break all"}), *["pick_up"] * 6, *["INVITE"] * 2)
"""Most calls are to be answered: what is found wrong is found within them."""

STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([0, 50, 300, 1000, 5000, 40_000]), st.sampled_from(DOES)),
    max_size=14,
)
WEATHERS = st.builds(
    Weather,
    lost=st.sampled_from([0, 5, 20, 50, 100]),
    doubled=st.sampled_from([0, 20, 60]),
    delay=st.sampled_from([0, SECOND // 5, 3 * SECOND]),
)


def step(network: BoxNetwork, agent: Agent, what: str) -> Callable[[int], None]:
    """Return something that an agent does."""
    if what == "call":
        return lambda now: network.call(agent, now)
    if what == "break all":
        return lambda _now: network.break_all(agent)
    return lambda now: do(agent, what, now)


def nothing_is_left(network: BoxNetwork) -> None:
    """Nobody remembers anything."""
    the_box_remembers_nothing(network)
    assert [agent.footprint for agent in network.agents] == [0, 0, 0], network.told
    for agent in network.agents:
        assert len(set(agent.history)) == len(agent.history), network.told


def the_box_remembers_nothing(network: BoxNetwork) -> None:
    """Nothing is left in the box, and each call that has begun has ended once."""
    sbc = network.box.sbc
    assert network.footprint == 0, network.told
    assert sbc.calls() == ()
    for zone, group in (("IN", "TG-IN"), ("OUT", "TG-OUT")):
        assert sbc._chassis.calls.usage("default", zone, group) == (0, 0)
    begun = Counter(each.call for each in network.box.events("callStarted"))
    over = Counter(each.call for each in network.box.events("callEnded"))
    assert begun == over
    assert set(begun.values()) <= {1}


def the_box_forgets_all(network: BoxNetwork) -> None:
    """Let time go on, and end the calls of which only the agents could know that they are over."""
    network.run(network.now + 600 * SECOND)
    for each in network.box.sbc.calls():
        network.box.sbc._telephony.calls.clear([each], "test", network.box.now)
    network.run(network.now + 200 * SECOND)
    the_box_remembers_nothing(network)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@MODEST
@given(steps=STEPS, weather=WEATHERS, seed=st.integers(0, 2**32))
def test_everything_ends(transport: str, steps: list[tuple[int, int, str]], weather: Weather, seed: int) -> None:
    network = BoxNetwork(weather, seed, transport)
    network.call(network.agents[0], 0)
    for number, pause, what in steps:
        network.at(network.now + pause * SECOND // 1000, step(network, network.agents[number], what))
    network.run(network.now + 100 * SECOND)
    for _ in range(3):  # who could not hang up yet, as its 2xx was not acknowledged, can now
        for agent in network.agents:
            network.at(network.now, agent.hang_up)
        network.run(network.now + 150 * SECOND)
    nothing_is_left(network)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@MODEST
@given(steps=STEPS, weather=WEATHERS, mangled=st.sampled_from([2, 10, 30]), seed=st.integers(0, 2**32))
def test_the_box_outlives_whatever_is_said(
    transport: str, steps: list[tuple[int, int, str]], weather: Weather, mangled: int, seed: int
) -> None:
    """Agents may misunderstand each other here, but the box does not fail, and forgets them."""
    network = BoxNetwork(weather, seed, transport, mangled=mangled)
    network.call(network.agents[0], 0)
    for number, pause, what in steps:
        network.at(network.now + pause * SECOND // 1000, step(network, network.agents[number], what))
    the_box_forgets_all(network)


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                ("sip.silence", ""),
                ("sip.status", "503"),
                ("sip.status", "481"),
                ("sip.duplicate", ""),
                ("sip.split", ""),
                ("sip.merge", ""),
                ("sip.delay", "1s"),
                ("sip.delay", "40s"),
                ("sip.close", ""),
                ("sip.garble", "startLine"),
                ("sip.garble", "cseq"),
                ("sip.length", "10"),
            ]
        ),
        st.sampled_from(["INVITE", "BYE", "CANCEL", "UPDATE", "PRACK", "ACK", "*"]),
        st.sampled_from([1, 2, None]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@MODEST
@given(steps=STEPS, faults=FAULTS, seed=st.integers(0, 2**32))
def test_the_box_outlives_its_own_faults(
    transport: str,
    steps: list[tuple[int, int, str]],
    faults: list[tuple[tuple[str, str], str, int | None]],
    seed: int,
) -> None:
    network = BoxNetwork(Weather(), seed, transport)
    network.rough = True
    for (point, value), method, times in faults:
        network.box.sbc.faults.add(point, match=method, value=value, times=times)
    network.call(network.agents[0], 0)
    for number, pause, what in steps:
        network.at(network.now + pause * SECOND // 1000, step(network, network.agents[number], what))
    network.box.sbc.faults.clear()
    the_box_forgets_all(network)


OPERATORS = st.lists(
    st.one_of(
        st.just("switchover"),
        st.tuples(st.sampled_from(THINGS), st.sampled_from(["up", "force", "dry"])).map(" ".join),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@MODEST
@given(steps=STEPS, operators=OPERATORS, seed=st.integers(0, 2**32))
def test_the_box_outlives_its_operators(
    transport: str, steps: list[tuple[int, int, str]], operators: list[str], seed: int
) -> None:
    network = BoxNetwork(Weather(), seed, transport)
    network.rough = True  # agents whose connections are closed forget their calls, and are asked about them
    network.call(network.agents[0], 0)
    for number, (agent, pause, what) in enumerate(steps):
        network.at(network.now + pause * SECOND // 1000, step(network, network.agents[agent], what))
        if number % 2 and number // 2 < len(operators):
            network.operate(operators[number // 2])
    for thing in reversed(THINGS):
        network.operate(f"{thing} up")
    the_box_forgets_all(network)


BAD = [
    Weather(),
    Weather(doubled=100),
    Weather(delay=SECOND),
    Weather(lost=20),
    Weather(lost=30, doubled=50, delay=2 * SECOND),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weather", BAD, ids=str)
def test_a_call_comes_about_however_bad_the_network(weather: Weather, seed: int) -> None:
    """Repetition makes up for what is lost: all three agree that there is one call, and that it ends."""
    network = BoxNetwork(weather, seed)
    caller, callee, _ = network.agents
    network.call(caller, 0)
    network.at(8 * SECOND, lambda now: callee.ring(now, reliable=True))
    network.at(20 * SECOND, callee.pick_up)
    network.run(45 * SECOND)
    assert [len(agent.history) for agent in network.agents] == [1, 1, 0], network.told
    assert [call.state.value for call in network.box.sbc.calls()] == ["stable"]
    network.at(45 * SECOND, lambda now: caller.ask(now, "INFO"))
    network.at(60 * SECOND, lambda now: callee.ask(now, "INVITE"))
    network.at(100 * SECOND, callee.hang_up)
    network.run(240 * SECOND)
    nothing_is_left(network)


def test_a_call_that_both_sides_keep_up_lives_on_through_broken_connections() -> None:
    network = BoxNetwork(Weather(), 0, "TCP")
    caller, callee, _ = network.agents
    network.call(caller, 0)
    network.at(SECOND, callee.pick_up)
    for minute in range(1, 10):
        network.at((60 * minute + 10) * SECOND, lambda _now: network.break_all(callee))
        network.at((60 * minute + 20) * SECOND, lambda _now: network.break_all(caller))
    assert [len(agent.calls) for agent in network.agents] == [1, 1, 0]
    network.at(700 * SECOND, caller.hang_up)
    network.run(800 * SECOND)
    nothing_is_left(network)
