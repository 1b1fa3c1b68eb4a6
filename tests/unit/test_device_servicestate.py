"""The state machine of what goes out of service call by call: every row, every illegal one, and what starts them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest

from sbcsim.clock import Instant
from sbcsim.device.servicestate import TRANSITIONS, Services, ServiceState, ServiceTrigger, trigger_for
from sbcsim.device.timetable import Timetable
from sbcsim.errors import BugError

OUT, IN, DRAINING = ServiceState.OUT_OF_SERVICE, ServiceState.IN_SERVICE, ServiceState.DRAINING
EVERYTHING = list(product(ServiceState, ServiceTrigger))
KEY = ("default", "Z", "TG")
NOW = Instant(0, 0)


@dataclass(frozen=True)
class Config:
    enabled: bool = True
    in_service: bool = True
    action: str = "dryup"
    dryup_minutes: int = 5


SERVING = Config()
DRYUP_OUT = Config(in_service=False)
FORCE_OUT = Config(in_service=False, action="force")
DISABLED = Config(enabled=False, in_service=False)


class Node:
    """As much of a chassis as services need, with what they told and ended."""

    def __init__(self) -> None:
        self.timetable = Timetable()
        self.told: list[tuple] = []
        self.ended: list[tuple] = []
        self.used: set[tuple] = {KEY}
        self.services = Services(self, "sipTrunkGroup", "dryup", lambda key: key in self.used, self.end)

    def emit(self, now, event) -> None:
        self.told.append(event)

    def end(self, key, reason, now) -> None:
        self.ended.append((key, reason, self.services.state(key)))

    def due(self) -> int | None:
        return self.timetable.next_due()


def node_in(state: ServiceState) -> Node:
    node = Node()
    if state is not OUT:
        node.services.configure(KEY, SERVING, "start", NOW)
    if state is DRAINING:
        node.services.configure(KEY, DRYUP_OUT, "mode", NOW)
    assert node.services.state(KEY) is state
    node.told.clear()
    return node


@pytest.mark.parametrize(("state", "trigger"), TRANSITIONS)
def test_every_transition(state, trigger):
    node = node_in(state)
    node.services._move(KEY, trigger, "why", NOW)
    after = node.services.state(KEY)
    assert after is TRANSITIONS[state, trigger]
    event = node.told[0]
    assert (event.object, event.old, event.new, event.reason) == (
        "sipTrunkGroup default/Z/TG",
        state.value,
        after.value,
        "why",
    )
    assert node.ended == ([(KEY, "why", OUT)] if after is OUT else [])


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in EVERYTHING if pair not in TRANSITIONS])
def test_everything_else_raises_and_changes_nothing(state, trigger):
    node = node_in(state)
    due = node.due()
    with pytest.raises(BugError, match="sipTrunkGroup default/Z/TG cannot be"):
        node.services._move(KEY, trigger, "why", NOW)
    assert (node.services.state(KEY), node.told, node.ended, node.due()) == (state, [], [], due)


def test_the_table_has_a_way_out_of_and_into_every_state():
    assert {state for state, _ in TRANSITIONS} == set(TRANSITIONS.values()) == set(ServiceState)
    assert {trigger for _, trigger in TRANSITIONS} == set(ServiceTrigger)


CHANGES = (None, SERVING, DRYUP_OUT, FORCE_OUT, DISABLED)


@pytest.mark.parametrize(("state", "new", "in_use"), list(product(ServiceState, CHANGES, (False, True))))
def test_a_change_never_asks_for_an_illegal_transition(state, new, in_use):
    trigger = trigger_for(state, new, in_use=in_use)
    assert trigger is None or (state, trigger) in TRANSITIONS


@pytest.mark.parametrize(
    ("state", "new", "in_use", "trigger"),
    [
        (OUT, SERVING, False, ServiceTrigger.START),
        (OUT, DRYUP_OUT, True, None),
        (OUT, None, False, None),
        (IN, SERVING, True, None),
        (IN, DRYUP_OUT, True, ServiceTrigger.DRAIN),
        (IN, DRYUP_OUT, False, ServiceTrigger.FORCE),
        (IN, FORCE_OUT, True, ServiceTrigger.FORCE),
        (IN, DISABLED, True, ServiceTrigger.FORCE),
        (IN, None, True, ServiceTrigger.FORCE),
        (DRAINING, SERVING, True, ServiceTrigger.RESUME),
        (DRAINING, DRYUP_OUT, True, None),
        (DRAINING, FORCE_OUT, True, ServiceTrigger.FORCE),
        (DRAINING, DISABLED, True, ServiceTrigger.FORCE),
        (DRAINING, None, True, ServiceTrigger.FORCE),
    ],
)
def test_what_a_change_of_configuration_does(state, new, in_use, trigger):
    assert trigger_for(state, new, in_use=in_use) is trigger


@pytest.mark.parametrize(("minutes", "due"), [(5, 5 * 60_000_000), (0, None)])
def test_a_dry_up_has_an_end_or_none(minutes, due):
    node = node_in(IN)
    node.services.configure(KEY, Config(in_service=False, dryup_minutes=minutes), "mode", NOW)
    assert node.due() == due


@pytest.mark.parametrize(
    "trigger", [trigger for state, trigger in TRANSITIONS if state is DRAINING], ids=lambda trigger: trigger.name
)
def test_whatever_ends_a_dry_up_takes_its_timer_along(trigger):
    node = node_in(DRAINING)
    assert node.due() is not None
    node.services._move(KEY, trigger, "why", NOW)
    assert node.due() is None


def test_only_what_no_call_uses_any_more_goes_when_calls_end():
    node = node_in(DRAINING)
    node.services.calls_ended(NOW)
    assert node.services.state(KEY) is DRAINING
    node.used.clear()
    node.services.calls_ended(NOW)
    assert node.ended == [(KEY, "last call ended", OUT)]
    node.services.calls_ended(NOW)
    assert len(node.ended) == 1


def test_what_goes_may_take_others_along():
    node = node_in(DRAINING)
    other = ("default", "Z", "AA")
    node.used.add(other)
    node.services.configure(other, SERVING, "start", NOW)
    node.services.configure(other, DRYUP_OUT, "mode", NOW)

    def end(key, reason, now) -> None:
        node.ended.append(key)
        node.used.clear()
        node.services.calls_ended(now)

    node.services._ended = end
    node.used.discard(other)
    node.services.calls_ended(NOW)
    assert node.ended == [other, KEY]


def test_clearing_says_nothing_and_leaves_nothing():
    node = node_in(DRAINING)
    node.services.clear()
    assert (node.services.state(KEY), node.due(), node.told, node.ended) == (OUT, None, [], [])


def test_what_is_adopted_stands_as_configured_without_a_word():
    node = Node()
    node.services.adopt(KEY, SERVING)
    node.services.adopt(("default", "Z", "OTHER"), DRYUP_OUT)
    assert node.services.state(KEY) is IN
    assert node.services.state(("default", "Z", "OTHER")) is OUT
    assert node.told == []
