"""Calls over networks that lose, double and reorder: nobody breaks a rule, nothing hangs, nothing is left."""

from __future__ import annotations

import pytest
from callagent import CALLEE_DOES, CALLER_DOES, Network, Weather, do
from hypothesis import given, settings
from hypothesis import strategies as st

from sbcsim.clock import SECOND
from sbcsim.sip.dialog import DialogState
from sbcsim.sip.session import Policy

MODEST = settings(max_examples=80, deadline=None)

STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([0, 50, 300, 1000, 5000, 40_000]),
        st.sampled_from(sorted({*CALLER_DOES, *CALLEE_DOES})),
    ),
    max_size=12,
)
WEATHERS = st.builds(
    Weather,
    lost=st.sampled_from([0, 5, 20, 50, 100]),
    doubled=st.sampled_from([0, 20, 60]),
    delay=st.sampled_from([0, SECOND // 5, 3 * SECOND]),
)
SHORT = Policy(interval=90)


@MODEST
@given(STEPS, WEATHERS, st.integers(2, 3), st.integers(0, 2**32))
def test_everything_ends(steps: list[tuple[int, int, str]], weather: Weather, agents: int, seed: int) -> None:
    network = Network(weather, seed, agents, SHORT)
    network.agents[0].call(0)
    for number, pause, what in steps:
        agent = network.agents[number % agents]
        network.at(network.now + pause * SECOND // 1000, lambda now, agent=agent, what=what: do(agent, what, now))  # type: ignore[misc]
    network.run(network.now + 100 * SECOND)
    for _ in range(3):  # who could not hang up yet, as its 2xx was not acknowledged, can now
        for agent in network.agents:
            network.at(network.now, agent.hang_up)
        network.run(network.now + 150 * SECOND)
    assert [agent.footprint for agent in network.agents] == [0] * agents, network.told
    assert [agent.layer.footprint for agent in network.agents] == [0] * agents
    assert [agent.next_due for agent in network.agents] == [None] * agents
    for agent in network.agents:  # no late copy of anything makes a call again
        assert len(set(agent.history)) == len(agent.history), network.told


@MODEST
@given(WEATHERS.filter(lambda weather: weather.lost == 100), st.integers(0, 2**32))
def test_a_call_that_nobody_hears_of_ends(weather: Weather, seed: int) -> None:
    network = Network(weather, seed)
    network.agents[0].call(0)
    network.run(40 * SECOND)
    assert network.agents[0].footprint == 0
    assert len(network.told) == 7


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
    """Repetition makes up for what is lost: both sides agree that there is one call, and that it ends."""
    network = Network(weather, seed)
    caller, callee = network.agents
    caller.call(0)
    network.at(8 * SECOND, lambda now: callee.ring(now, reliable=True))
    network.at(20 * SECOND, callee.pick_up)
    network.run(45 * SECOND)
    assert [len(agent.history) for agent in network.agents] == [1, 1]
    for agent in network.agents:
        assert [call.dialog.state for call in agent.calls] == [DialogState.CONFIRMED]
    network.at(45 * SECOND, lambda now: caller.ask(now, "INFO"))
    network.at(60 * SECOND, lambda now: callee.ask(now, "INVITE"))
    network.at(100 * SECOND, callee.hang_up)
    network.run(200 * SECOND)
    assert [agent.footprint for agent in network.agents] == [0, 0]


def test_a_call_that_both_sides_keep_up_is_refreshed() -> None:
    network = Network(Weather(), 0, policy=SHORT)
    caller, callee = network.agents
    caller.call(0)
    network.at(SECOND, callee.pick_up)
    network.run(3600 * SECOND)
    assert [len(agent.calls) for agent in network.agents] == [1, 1]
    updates = [line for line in network.told if " UPDATE " in line]
    assert len(updates) == 79  # every 45 seconds, from the 46th on
    assert {line.split()[1] for line in updates} == {caller.address[0]}


@pytest.mark.parametrize("survivor", [0, 1])
def test_a_call_whose_other_side_has_died_ends_by_the_session_timer(survivor: int) -> None:
    network = Network(Weather(), 0, policy=SHORT)
    caller, callee = network.agents
    caller.call(0)
    network.at(SECOND, callee.pick_up)
    network.run(10 * SECOND)
    network.weather = Weather(lost=100)
    network.run(200 * SECOND)
    assert network.agents[survivor].footprint == 0
    assert any(" BYE " in line for line in network.told) or survivor == 0


def test_invites_of_both_sides_at_once_refuse_each_other() -> None:
    network = Network(Weather(delay=SECOND // 10), 1)
    caller, callee = network.agents
    caller.call(0)
    network.at(SECOND, callee.pick_up)
    network.run(5 * SECOND)
    caller.ask(network.now, "INVITE")
    callee.ask(network.now, "INVITE")
    network.run(10 * SECOND)
    assert sum("491" in line for line in network.told) == 2
    assert [len(agent.calls) for agent in network.agents] == [1, 1]


def test_two_forks_that_both_pick_up_are_two_calls() -> None:
    network = Network(Weather(), 0, agents=3)
    caller, *callees = network.agents
    caller.call(0)
    for callee in callees:
        network.at(network.now + SECOND, callee.ring)
        network.at(network.now + SECOND, callee.pick_up)
    network.run(30 * SECOND)
    assert len(caller.calls) == 2
    assert len({call.dialog.id.remote_tag for call in caller.calls}) == 2
    caller.hang_up(network.now)
    network.run(100 * SECOND)
    assert [agent.footprint for agent in network.agents] == [0, 0, 0]


def test_a_fork_that_rings_on_is_given_up_with_the_invite() -> None:
    network = Network(Weather(), 0, agents=3)
    caller, one, other = network.agents
    caller.call(0)
    network.at(SECOND, one.ring)
    network.at(SECOND, other.ring)
    network.at(2 * SECOND, one.pick_up)
    network.run(20 * SECOND)
    assert [dialog.state for dialog in caller.dialogs] == [DialogState.CONFIRMED, DialogState.EARLY]
    network.run(50 * SECOND)
    assert [dialog.state for dialog in caller.dialogs] == [DialogState.CONFIRMED]


def test_a_cancelled_call_is_over_on_both_sides() -> None:
    network = Network(Weather(), 0)
    caller, callee = network.agents
    caller.call(0)
    network.at(SECOND, callee.ring)
    network.at(2 * SECOND, caller.cancel)
    network.run(60 * SECOND)
    assert [agent.footprint for agent in network.agents] == [0, 0]
    assert [line.split(" ", 2)[2] for line in network.told if "SIP/2.0 487" in line or "CANCEL" in line] == [
        "CANCEL sip:group.example SIP/2.0",
        "SIP/2.0 487 Request Terminated",
    ]
    assert (caller.history, callee.history) == ([], [])


def test_a_call_that_ends_at_once_does_not_come_back() -> None:
    """A copy of the 2xx may come when the BYE has been answered already."""
    for seed in range(20):
        network = Network(Weather(doubled=100, delay=3 * SECOND), seed)
        caller, callee = network.agents
        caller.call(0)
        network.at(4 * SECOND, callee.pick_up)
        for _ in range(40):
            network.at(network.now + SECOND // 4, caller.hang_up)
        network.run(200 * SECOND)
        assert [len(agent.history) for agent in network.agents] == [1, 1]
        assert [agent.footprint for agent in network.agents] == [0, 0]
