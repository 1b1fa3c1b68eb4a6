"""The state machine of a sipSigPort: every transition, every illegal one, and what a change of configuration is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from sbcsim.device.effects import Transport
from sbcsim.device.listeners import TRANSITIONS, Port, PortState, PortTrigger, trigger_for
from sbcsim.device.objects import SipSigPort
from sbcsim.errors import BugError

SERVING = SipSigPort(
    key=("default", "Z", 1),
    group=("default", "LIG"),
    interface=("default", "LIG", "LIF"),
    addresses=("10.0.0.5",),
    number=5060,
    enabled=True,
    in_service=True,
    action="force",
    dryup_minutes=60,
    transports=("sip-udp", "sip-tcp", "sip-tls-tcp"),
    tls_profile="TLS",
    connect_seconds=5,
)
OUT = replace(SERVING, in_service=False)
DRYUP_OUT = replace(OUT, action="dryup")
DISABLED = replace(SERVING, enabled=False, action="dryup")
NO_INTERFACE = replace(SERVING, interface=None, action="dryup")

EVERYTHING = list(product(PortState, PortTrigger))


def port_in(state: PortState) -> Port:
    port = Port(SERVING)
    port.state = state
    return port


@pytest.mark.parametrize(("state", "trigger"), TRANSITIONS)
def test_every_transition(state, trigger):
    port = port_in(state)
    assert port.move(trigger) is state
    assert port.state is TRANSITIONS[state, trigger]


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in EVERYTHING if pair not in TRANSITIONS])
def test_everything_else_raises_and_changes_nothing(state, trigger):
    port = port_in(state)
    with pytest.raises(BugError, match="sipSigPort default/Z/1 cannot be"):
        port.move(trigger)
    assert port.state is state


def test_the_table_has_a_way_out_of_and_into_every_state():
    assert {state for state, _ in TRANSITIONS} == set(TRANSITIONS.values()) == set(PortState)
    assert {trigger for _, trigger in TRANSITIONS} == set(PortTrigger)


@pytest.mark.parametrize("state", list(PortState))
@pytest.mark.parametrize("new", [None, SERVING, OUT, DRYUP_OUT, DISABLED, NO_INTERFACE])
def test_a_change_never_asks_for_an_illegal_transition(state, new):
    trigger = trigger_for(state, SERVING, new)
    assert trigger is None or (state, trigger) in TRANSITIONS


@pytest.mark.parametrize(
    ("state", "new", "trigger"),
    [
        (PortState.DOWN, SERVING, PortTrigger.START),
        (PortState.DOWN, OUT, None),
        (PortState.DOWN, None, None),
        (PortState.IN_SERVICE, SERVING, None),
        (PortState.IN_SERVICE, OUT, PortTrigger.FORCE),
        (PortState.IN_SERVICE, DRYUP_OUT, PortTrigger.DRAIN),
        (PortState.IN_SERVICE, DISABLED, PortTrigger.FORCE),
        (PortState.IN_SERVICE, NO_INTERFACE, PortTrigger.FORCE),
        (PortState.IN_SERVICE, None, PortTrigger.FORCE),
        (PortState.DRAINING, SERVING, PortTrigger.RESUME),
        (PortState.DRAINING, DRYUP_OUT, None),
        (PortState.DRAINING, OUT, PortTrigger.FORCE),
        (PortState.DRAINING, DISABLED, PortTrigger.FORCE),
        (PortState.DRAINING, None, PortTrigger.FORCE),
    ],
)
def test_what_a_change_of_configuration_does(state, new, trigger):
    assert trigger_for(state, SERVING, new) is trigger


def test_tls_listens_one_above_and_the_others_where_they_are_told():
    found = [(listener.transport, listener.address) for listener in SERVING.listeners()]
    here, above = ("10.0.0.5", 5060), ("10.0.0.5", 5061)
    assert found == [(Transport.UDP, here), (Transport.TCP, here), (Transport.TLS, above)]
    assert all(SERVING.allows(transport) for transport in Transport)
    assert not replace(SERVING, transports=("sip-tcp", "sip-sctp")).allows(Transport.UDP)


def test_only_a_port_in_service_sends():
    assert [state for state in PortState if port_in(state).sends] == [PortState.IN_SERVICE]
