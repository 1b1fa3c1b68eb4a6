"""REGISTER and OPTIONS of access zones, and calls to those who have registered, in memory."""

from __future__ import annotations

import pytest
from callbox import CallBox, lines

from sbcsim.device.redundancy import HaMode
from sbcsim.device.settings import Settings
from sbcsim.sip.message import Request, Response

ACCESS = "set addressContext default zone IN remoteDeviceType accessDevice"
BACK = "set global callRouting routingLabel TO-BOB routingLabelRoute 1 trunkGroup TG-OUT ipPeer BOB"
PHONE = "<sip:100@192.0.2.10:5062;transport=tcp>"


@pytest.fixture
def box() -> CallBox:
    return CallBox(ACCESS)


def register(box: CallBox, *, contact: str = PHONE, call_id: str = "r", **more: object) -> Request:
    """Send a REGISTER of the caller, and return what the registrar sees of it."""
    extra = [("Contact", contact), *more.get("extra", ())]  # type: ignore[misc]
    box.hear(box.request("REGISTER", uri="sip:example.com", call_id=call_id, extra=extra))
    (seen,) = box.requested(box.bob)
    return seen


def accepted(box: CallBox, seen: Request, seconds: int = 600) -> Response:
    """Have the registrar accept a REGISTER, and return what the caller hears."""
    contacts = [("Contact", f"<{each.uri}>;expires={seconds}") for each in seen.contacts]
    (heard,) = box.tell(box.bob, seen, 200, contact="", extra=contacts)
    assert isinstance(heard, Response)
    return heard


def registered(box: CallBox) -> int:
    rows = box.sbc.rows(("addressContext", "default", "zoneStatus"))
    return next(int(row["activeSipRegCount"]) for row in rows if row["name"] == "IN")  # type: ignore[arg-type]


def test_an_endpoint_registers_and_is_called(box: CallBox) -> None:
    seen = register(box)
    assert seen.uri == "sip:192.0.2.20:5060"
    (ours,) = seen.contacts
    assert ours.uri.startswith("sip:100-")
    assert ours.uri.endswith("@10.0.0.5:5070;transport=tcp")
    assert registered(box) == 0
    heard = accepted(box, seen)
    assert [(each.uri, each.parameters) for each in heard.contacts] == [
        ("sip:100@192.0.2.10:5062;transport=tcp", (("expires", "600"),))
    ]
    assert registered(box) == 1
    line = box.connect(("10.0.0.5", 5070), remote=("192.0.2.20", 41000))
    box.hear(box.request("INVITE", uri=ours.uri, call_id="from-the-core"), line)
    (invite,) = box.requested(box.alice)
    assert invite.uri == "sip:100@192.0.2.10:5062;transport=tcp"
    (call,) = box.sbc.calls()
    assert call.egress is not None
    assert call.egress.trunk_group == "TG-IN"


def test_a_refresh_keeps_its_name_and_the_end_of_its_time_ends_it(box: CallBox) -> None:
    first = register(box)
    accepted(box, first)
    box.advance("9m")
    again = register(box, call_id="again")
    assert again.contacts == first.contacts
    accepted(box, again)
    box.advance("9m")
    assert registered(box) == 1
    box.advance("61s")
    assert registered(box) == 0
    box.advance("40s")
    assert box.footprint() == 0


@pytest.mark.parametrize("contact", ["*", f"{PHONE};expires=0"])
def test_an_endpoint_takes_its_registration_back(box: CallBox, contact: str) -> None:
    accepted(box, register(box))
    seen = register(box, contact=contact, call_id="back", extra=[("Expires", "0")])
    assert (seen.headers.one("Contact") == "*") is (contact == "*")
    box.tell(box.bob, seen, 200, contact="")
    assert registered(box) == 0
    box.advance("40s")
    assert box.footprint() == 0


def test_a_registration_that_is_challenged_or_refused_binds_nothing(box: CallBox) -> None:
    seen = register(box)
    (heard,) = box.tell(box.bob, seen, 401, extra=[("WWW-Authenticate", "Digest realm=x")])
    assert heard.headers.one("WWW-Authenticate") == "Digest realm=x"
    assert registered(box) == 0
    seen = register(box, call_id="again", extra=[("Authorization", "Digest y")])
    assert seen.headers.one("Authorization") == "Digest y"
    box.bob.behaviour = "refuse"
    box.advance("40s")
    assert box.footprint() == 0


def test_registrations_survive_a_switchover_of_a_pair() -> None:
    box = CallBox(ACCESS, settings=Settings(ha=HaMode.PAIR))
    accepted(box, register(box))
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert registered(box) == 1


def test_ports_count_registrations(box: CallBox) -> None:
    accepted(box, register(box))
    counters = box.sbc.port_counters()
    assert counters["default", "IN", 1]["inRegs"] == counters["default", "OUT", 2]["outRegs"] == 1


def test_elsewhere_nobody_registers() -> None:
    box = CallBox()
    assert lines(box.hear(box.request("REGISTER", uri="sip:example.com"))) == ["405 REGISTER"]


def test_options_of_an_access_zone_to_a_user_pass_and_those_to_the_box_do_not(box: CallBox) -> None:
    assert lines(box.hear(box.request("OPTIONS", uri="sip:10.0.0.5:5060"))) == ["200 OPTIONS"]
    assert box.requested(box.bob) == []
    box.hear(box.request("OPTIONS", uri="sip:200@example.com", call_id="to-a-user"))
    (seen,) = box.requested(box.bob)
    assert (seen.method, seen.uri) == ("OPTIONS", "sip:200@192.0.2.20:5060")
    (heard,) = box.tell(box.bob, seen, 200, contact="", extra=[("Allow", "X")])
    assert heard.headers.one("Allow") == "X"


def test_the_registrar_asks_whether_an_endpoint_is_still_there(box: CallBox) -> None:
    seen = register(box)
    accepted(box, seen)
    line = box.connect(("10.0.0.5", 5070), remote=("192.0.2.20", 41000))
    box.hear(box.request("OPTIONS", uri=seen.contacts[0].uri, call_id="there?"), line)
    (asked,) = box.requested(box.alice)
    assert (asked.method, asked.uri) == ("OPTIONS", "sip:100@192.0.2.10:5062;transport=tcp")


@pytest.mark.parametrize("contact", ["<sip:a@h", ";;,;", "<sip:100@192.0.2.10>, sip:b?c@h"])
def test_a_contact_that_cannot_be_read_is_refused(box: CallBox, contact: str) -> None:
    register = box.request("REGISTER", uri="sip:example.com", extra=[("Contact", contact)])
    assert lines(box.hear(register)) == ["400 REGISTER"]
    assert box.requested(box.bob) == []
    box.advance("40s")
    assert box.footprint() == 0


def test_of_two_registrations_at_once_the_one_that_is_refused_takes_nothing_from_the_other(box: CallBox) -> None:
    first, second = register(box, call_id="one"), register(box, call_id="two")
    box.tell(box.bob, first, 500)
    assert [each.uri for each in accepted(box, second).contacts] == ["sip:100@192.0.2.10:5062;transport=tcp"]
    assert registered(box) == 1


def test_who_takes_back_what_was_never_bound_leaves_nothing_behind(box: CallBox) -> None:
    seen = register(box, contact=f"{PHONE};expires=0")
    box.tell(box.bob, seen, 200, contact="")
    box.advance("40s")
    assert box.footprint() == 0


def test_a_registration_under_way_in_a_switchover_leaves_nothing_behind() -> None:
    box = CallBox(ACCESS, settings=Settings(ha=HaMode.PAIR))
    register(box)
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert box.footprint() == 0
