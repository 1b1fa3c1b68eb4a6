"""ipInterfaces in a box: what drains, what closes, and when."""

from __future__ import annotations

import pytest
import testca
from livebox import LISTENER, SET_PORT, chain, live_box

from sbcsim.clock import MINUTE
from sbcsim.device.calls import Call, CallState, Leg
from sbcsim.device.listeners import PortState
from sbcsim.device.redundancy import RestartCause

INTERFACE = "set addressContext default ipInterfaceGroup LIG ipInterface LIF"
KEY = ("default", "LIG", "LIF")
PORT = ("default", "Z", 1)
OUT = f"{INTERFACE} mode outOfService"
PATH = "ipInterface default/LIG/LIF"


@pytest.fixture
def box():
    box = live_box()
    box.connect(LISTENER, chain(testca.peer()))
    return box


def use(box, number: int = 1) -> None:
    leg = Leg("default", "Z", "TG", "P", f"{number}@far", port=PORT, interface=KEY)
    box.sbc._chassis.calls.put(Call(number, CallState.STABLE, leg, None, "100", "200", box.now))


def hang_up(box, number: int = 1) -> None:
    box.sbc._chassis.calls.end(number)
    box.sbc._ports.interfaces.calls_ended(box.now)
    box.pump()


def told(box) -> list[tuple[str, str, str]]:
    """Return the changes of the interface since the box came up."""
    events = [event for event in box.events("portState") if event.object == PATH]
    return [(event.old, event.new, event.reason) for event in events][1:]


def shown(box) -> tuple[str, str]:
    row = box.sbc.rows(("addressContext", "default", "ipInterfaceGroup", "LIG", "ipInterfaceStatus"))[0]
    return row["operState"], row["oosReason"]


def stands(box) -> bool:
    """Whether the port on the interface works, with its sockets and connections; all of it or nothing."""
    port = next(iter(box.sbc._ports))
    facts = {port.state is PortState.IN_SERVICE, bool(box.listening), bool(box.sbc.connections())}
    assert len(facts) == 1, facts
    return facts.pop()


DRAINING = ("inService", "draining", "configuration")


def test_an_interface_without_calls_goes_at_once(box):
    assert shown(box) == ("resAllocated", "notApplicable")
    assert stands(box)
    box.commit(OUT)
    assert told(box) == [("inService", "outOfService", "configuration")]
    assert shown(box) == ("admnDisabled", "admin")
    assert not stands(box)


def test_an_interface_that_dries_up_keeps_everything_until_its_time_is_over(box):
    use(box)
    box.commit(f"{INTERFACE} dryupTimeout 20", OUT)
    assert told(box) == [DRAINING]
    assert shown(box) == ("deallocDryup", "admin")
    box.advance_by(20 * MINUTE - 1)
    assert stands(box)
    box.advance_by(1)
    assert told(box) == [DRAINING, ("draining", "outOfService", "dry-up ended")]
    assert shown(box) == ("admnDisabled", "admin")
    assert not stands(box)


def test_an_interface_is_dry_with_the_last_call(box):
    use(box, 1)
    use(box, 2)
    box.commit(OUT)
    hang_up(box, 2)
    assert stands(box)
    hang_up(box, 1)
    assert told(box) == [DRAINING, ("draining", "outOfService", "last call ended")]
    assert not stands(box)


def test_calls_elsewhere_do_not_count(box):
    leg = Leg("default", "Z", "TG", "P", "9@far", port=PORT, interface=("default", "LIG", "OTHER"))
    box.sbc._chassis.calls.put(Call(9, CallState.STABLE, leg, None, "100", "200", box.now))
    box.commit(OUT)
    assert not stands(box)


@pytest.mark.parametrize(
    "lines",
    [
        (f"{INTERFACE} action force", OUT),
        (f"{OUT} state disabled",),
        (f"{SET_PORT}mode outOfService state disabled",),
    ],
)
def test_what_goes_at_once_though_calls_stand(box, lines):
    use(box)
    box.commit(*lines)
    assert not stands(box)


@pytest.mark.parametrize(
    "line", [f"{INTERFACE} state disabled", f"{INTERFACE} action force", f"{SET_PORT}mode outOfService state disabled"]
)
def test_the_dry_up_of_an_interface_is_cut_short(box, line):
    use(box)
    box.commit(OUT)
    box.commit(line)
    assert not stands(box)


def test_back_in_service_before_the_end_bounces_nothing(box):
    use(box)
    before = [record.id for record in box.sbc.connections()]
    box.commit(OUT)
    box.commit(f"{INTERFACE} mode inService")
    assert told(box) == [DRAINING, ("draining", "inService", "configuration")]
    assert shown(box) == ("resAllocated", "notApplicable")
    box.advance("2h")
    assert [record.id for record in box.sbc.connections()] == before
    assert stands(box)


def test_a_port_does_not_begin_on_an_interface_that_drains(box):
    use(box)
    box.commit(f"{SET_PORT}mode outOfService")
    box.commit(OUT)
    box.commit(f"{SET_PORT}mode inService")
    assert shown(box)[0] == "deallocDryup"
    assert not stands(box)


def test_what_else_is_configured_of_a_port_meanwhile_closes_nothing(box):
    use(box)
    box.commit(OUT)
    box.commit(f"{SET_PORT}dscpValue 7")
    assert stands(box)


def test_a_restart_forgets_the_dry_up(box):
    use(box)
    box.commit(OUT)
    box.sbc.restart(RestartCause.SYSTEM, box.now)
    box.pump()
    assert shown(box) == ("admnDisabled", "admin")
    assert not stands(box)
    box.advance("2h")
    assert told(box) == [DRAINING]


def test_an_interface_that_was_in_service_at_the_start_drains_like_any_other(box):
    box.sbc.restart(RestartCause.SYSTEM, box.now)
    box.pump()
    box.connect(LISTENER, chain(testca.peer()))
    use(box)
    box.commit(OUT)
    assert told(box) == [DRAINING]
    assert stands(box)
