"""The calls that stand, by what they use: a plain list of calls beside the index, and what asking costs."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from opcodes import instructions

from sbcsim.clock import Instant
from sbcsim.device.calls import Call, Calls, CallState, Leg

NOW = Instant(0, 0)
ZONES = ("Y", "Z")
GROUPS = ("TG1", "TG2")
PORTS = (1, 2)
INTERFACES = ("LIF1", "LIF2")


@st.composite
def legs(draw) -> Leg:
    zone = draw(st.sampled_from(ZONES))
    port = draw(st.sampled_from((None, *PORTS)))
    interface = draw(st.sampled_from((None, *INTERFACES)))
    return Leg(
        "default",
        zone,
        draw(st.sampled_from(GROUPS)),
        "P",
        "id@far",
        port=None if port is None else ("default", zone, port),
        interface=None if interface is None else ("default", "LIG", interface),
    )


def call(number: int, ingress: Leg, egress: Leg | None = None) -> Call:
    return Call(number, CallState.ESTABLISHING, ingress, egress, "100", "200", NOW)


class Standing(RuleBasedStateMachine):
    """Calls come, get another leg or state, and end."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls()
        self.plain: dict[int, Call] = {}

    @rule(number=st.integers(1, 6), ingress=legs(), egress=st.none() | legs())
    def put(self, number, ingress, egress):
        self.plain[number] = call(number, ingress, egress)
        self.calls.put(self.plain[number])

    @rule(number=st.integers(1, 6))
    def end(self, number):
        self.plain.pop(number, None)
        self.calls.end(number)

    def using(self, test) -> tuple[Call, ...]:
        found = sorted(self.plain.items())
        return tuple(each for _, each in found if any(leg and test(leg) for leg in (each.ingress, each.egress)))

    @invariant()
    def the_index_says_what_the_list_says(self):
        assert sorted(self.calls, key=lambda each: each.id) == [self.plain[number] for number in sorted(self.plain)]
        assert len(self.calls) == len(self.plain)
        everything = self.plain.values()
        for zone in ZONES:
            for group in (None, *GROUPS):
                usage = tuple(
                    sum(
                        leg is not None and leg.zone == zone and group in {None, leg.trunk_group}
                        for leg in (getattr(each, side) for each in everything)
                    )
                    for side in ("ingress", "egress")
                )
                assert self.calls.usage("default", zone, group) == usage
                if group is not None:
                    key = ("default", zone, group)
                    assert self.calls.by_trunk_group(key) == self.using(lambda leg, key=key: leg.key == key)
            for index in PORTS:
                port = ("default", zone, index)
                assert self.calls.on_port(port) == self.using(lambda leg, port=port: leg.port == port)
        for name in INTERFACES:
            interface = ("default", "LIG", name)
            found = self.using(lambda leg, interface=interface: leg.interface == interface)
            assert self.calls.interface_in_use(interface) is bool(found)


Standing.TestCase.settings = settings(max_examples=40, stateful_step_count=20)
TestStanding = Standing.TestCase


def leg(group: str, port: int = 1, interface: str = "LIF1") -> Leg:
    return Leg("default", "Z", group, "", "id", port=("default", "Z", port), interface=("default", "LIG", interface))


@pytest.mark.parametrize(
    "ask",
    [
        lambda calls: calls.usage("default", "Z", "TG1"),
        lambda calls: calls.by_trunk_group(("default", "Z", "TG1")),
        lambda calls: calls.on_port(("default", "Z", 1)),
        lambda calls: calls.interface_in_use(("default", "LIG", "LIF1")),
        lambda calls: calls.put(call(1, leg("TG1"), leg("TG1"))),
    ],
)
def test_asking_costs_nothing_of_other_calls(ask):
    costs = []
    for others in (1, 1000):
        calls = Calls()
        calls.put(call(1, leg("TG1")))
        for number in range(2, others + 2):
            calls.put(call(number, leg("TG2", 2, "LIF2")))
        costs.append(instructions(lambda calls=calls: ask(calls)))
    assert costs[0] == costs[1]


def test_a_call_that_comes_in_and_goes_out_by_one_trunk_group_uses_it_twice_and_is_found_once():
    calls = Calls()
    both = call(1, leg("TG1"), leg("TG1"))
    calls.put(both)
    assert calls.usage("default", "Z", "TG1") == (1, 1)
    assert calls.by_trunk_group(("default", "Z", "TG1")) == calls.on_port(("default", "Z", 1)) == (both,)
