"""By which way the messages of calls go: what waits for a connection, whose connection it is, where somebody is."""

from __future__ import annotations

from dataclasses import replace

from callbox import CALLEE, CALLER, IN, OUT, CallBox, ended, lines, settle

from sbcsim.device.effects import Transport
from sbcsim.sip.datagram import read
from sbcsim.sip.message import Message, Request
from sbcsim.sip.options import respond
from sbcsim.sip.stream import Stream

ACCESS = "set addressContext default zone IN remoteDeviceType accessDevice"
PORT_IN = "set addressContext default zone IN sipSigPort 1"
PORT_OUT = "set addressContext default zone OUT sipSigPort 2"
PORT_FOUR = "set addressContext default zone OUT sipSigPort 4"


def slow_callee() -> CallBox:
    """Return a box whose callee lets a minute go by before a connection to him comes up."""
    box = CallBox(f"{PORT_OUT} state disabled")
    box.commit(f"{PORT_OUT} tcpConnectTimeout 60 state enabled")
    box.bob.behaviour = "hang"
    return box


def comes_up(box: CallBox) -> None:
    """Have the connection that the box dials to the callee come up."""
    (dialled,) = [each for each in box.sbc.connections() if each.remote == CALLEE]
    box.bob.behaviour = "silent"
    box.dialled[dialled.id] = box.bob
    box.streams[dialled.id] = Stream()
    box.bob.connections.append(dialled.id)
    box.sbc.dialed(dialled.id, ("127.0.0.1", 50000), box.now)
    box.pump()


def counted(box: CallBox) -> dict[str, int]:
    """Return what is counted for the trunk group of the callee."""
    row = box.sbc.rows(("addressContext", "default", "zone", "OUT", "sipCurrentStatistics"))
    return {
        leaf: int(value) for leaf, value in row[0].items() if leaf != "name" and str(value).isdigit() and int(value)
    }  # type: ignore[arg-type]


# What waits for a connection to come up.


def test_an_invite_that_nobody_answered_in_time_does_not_ring_when_the_connection_comes_up() -> None:
    box = slow_callee()
    assert lines(box.hear(box.request())) == ["100 INVITE"]
    box.advance("40s")
    assert ended(box) == [("local", "no route left: Request Timeout", 408)]
    comes_up(box)
    assert box.requested(box.bob) == []
    settle(box)


def test_an_invite_that_was_cancelled_before_it_went_out_goes_out_no_more() -> None:
    box = slow_callee()
    box.hear(box.request(branch="z9hG4bKc"))
    assert lines(box.hear(box.request("CANCEL", branch="z9hG4bKc"))) == ["200 CANCEL", "487 INVITE"]
    box.hear(box.request("ACK", branch="z9hG4bKc"))
    assert box.footprint() == 0  # nothing is waited for
    comes_up(box)
    assert box.requested(box.bob) == []


def test_a_renegotiation_that_was_cancelled_before_it_went_out_ends_no_call() -> None:
    box = slow_callee()
    box.bob.behaviour = "silent"
    _, answer = box.standing()
    box.bob.behaviour = "hang"
    box.sbc.closed(box.bob.connections[-1], "closed by peer", box.now)
    box.hear(box.request("INVITE", to_tag=answer.recipient.tag, cseq=2, branch="z9hG4bKre"))
    cancel = box.request("CANCEL", to_tag=answer.recipient.tag, cseq=2, branch="z9hG4bKre")
    assert lines(box.hear(cancel)) == ["200 CANCEL", "487 INVITE"]
    comes_up(box)
    assert box.requested(box.bob) == []
    assert ended(box) == []
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=3))
    assert lines(box.requested(box.bob)) == ["BYE"]


def test_what_waits_beside_a_cancelled_invite_still_goes_out() -> None:
    box = slow_callee()
    box.hear(box.request(branch="z9hG4bKone", call_id="one"))
    box.hear(box.request(branch="z9hG4bKtwo", call_id="two"))
    box.hear(box.request("CANCEL", branch="z9hG4bKone", call_id="one"))
    comes_up(box)
    (invite,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, invite, 200)) == ["200 INVITE"]


def test_a_message_counts_when_it_goes_out_and_not_when_it_is_made() -> None:
    box = slow_callee()
    box.hear(box.request())
    assert "sndInvite" not in counted(box)
    comes_up(box)
    assert counted(box)["sndInvite"] == 1


def test_an_invite_that_finds_no_connection_is_not_counted() -> None:
    box = CallBox()
    box.bob.behaviour = "refuse"
    assert lines(box.hear(box.request())) == ["100 INVITE", "503 INVITE"]
    assert counted(box) == {}


def test_an_answer_behind_the_end_of_its_trunk_group_is_not_counted_for_the_next_of_that_name() -> None:
    box = CallBox()
    box.standing()
    group = "addressContext default zone OUT sipTrunkGroup TG-OUT"
    box.commit(f"set {group} mode outOfService action force", f"set {group} state disabled")
    (bye,) = box.requested(box.bob)
    box.commit("delete global callRouting routingLabel TO-BOB routingLabelRoute 1", f"delete {group}")
    box.tell(box.bob, bye, 200)
    box.commit(f"set {group} mode inService state enabled")
    assert counted(box) == {}


# Whose connection it is.


def two_ports(*more: str) -> CallBox:
    """Return a box that has rung the callee, in vain, from its sipSigPort 4, while the usual one was disabled."""
    on_four = (
        f"{PORT_FOUR} ipInterfaceGroupName G portNumber 5090",
        f"{PORT_FOUR} transportProtocolsAllowed sip-tcp state enabled",
    )
    box = CallBox(*on_four, f"{PORT_OUT} state disabled", *more)
    box.hear(box.request(call_id="one"))
    (invite,) = box.requested(box.bob)
    assert invite.via.port == 5090
    box.tell(box.bob, invite, 486)
    box.requested(box.bob)
    box.commit(f"{PORT_OUT} state enabled")
    return box


def test_a_call_goes_over_a_connection_of_its_own_port() -> None:
    box = two_ports()
    box.hear(box.request(call_id="two"))
    (invite,) = box.requested(box.bob)
    assert invite.via.port == 5070
    (call,) = box.sbc.calls()
    assert call.egress is not None
    carrier = next(each for each in box.sbc.connections() if each.id == call.egress.connection)
    assert (call.egress.port, carrier.port) == (("default", "OUT", 2), ("default", "OUT", 2))
    box.tell(box.bob, invite, 200)
    box.commit(f"{PORT_FOUR} mode outOfService")
    assert [each.id for each in box.sbc.calls()] == [call.id]
    assert carrier.id in {each.id for each in box.sbc.connections()}


def test_a_ping_goes_over_a_connection_of_its_own_port_which_is_that_of_the_calls() -> None:
    profile = "set profiles services pathCheckProfile P"
    box = two_ports(f"{profile} sendInterval 60", f"{profile} transportPreference preference1 tcp")
    box.bob.behaviour = "answer"
    box.commit("set addressContext default zone OUT ipPeer BOB pathCheck profile P state enabled")
    (ping,) = box.requested(box.bob)
    assert (ping.method, ping.via.port) == ("OPTIONS", 5070)
    box.bob.behaviour = "silent"
    box.hear(box.request(call_id="two"))
    assert lines(box.requested(box.bob)) == ["INVITE"]
    own = [each.port[2] for each in box.sbc.connections() if each.remote == CALLEE]
    assert own == [4, 2]


# Where somebody is who cannot be dialled.


def stranger_calls(*more: str, udp: bool = False) -> CallBox:
    """Return a box whose zone of callers takes calls of strangers, by UDP too if wished."""
    box = CallBox("set addressContext default zone IN sipTrunkGroup TG-IN ingressIpPrefix 198.51.100.0 24", *more)
    if udp:
        box.commit(f"{PORT_IN} state disabled")
        box.commit(f"{PORT_IN} transportProtocolsAllowed sip-udp,sip-tcp")
        box.commit(f"{PORT_IN} state enabled")
    return box


def dials_in(box: CallBox, number: int) -> int:
    """Have the stranger open a connection."""
    return box.connect(IN, remote=("198.51.100.1", number))


def leaves(box: CallBox, line: int) -> None:
    """Have the stranger close a connection."""
    box.sbc.closed(line, "closed by peer", box.now)
    box.pump()


def hears(box: CallBox, line: int) -> list[Message]:
    """Return what the stranger hears on a connection."""
    return box._read(box.sent.pop(line, b""))


def stranger_stands(box: CallBox, line: int) -> tuple[Request, str]:
    """Set up a call of the stranger; returns the INVITE that the callee has seen, and our tag towards the stranger."""
    box.hear(box.request(), line)
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 200)
    tag = hears(box, line)[-1].recipient.tag
    box.hear(box.request("ACK", to_tag=tag), line)
    box.requested(box.bob)
    return invite, tag


CONTACT = ("Contact", "<sip:100@198.51.100.1:5062;transport=tcp>")


def test_who_answers_on_a_new_connection_is_reached_there() -> None:
    box = stranger_calls()
    first = dials_in(box, 40000)
    invite, _ = stranger_stands(box, first)
    box.utter(box.bob, box.within(invite, "INVITE", extra=[("Contact", "<sip:200@192.0.2.20:5060>")]))
    (again,) = hears(box, first)
    assert isinstance(again, Request)
    box.say(first, respond(again, 100, source=CALLER, to_tag="").to_bytes())
    leaves(box, first)
    second = dials_in(box, 40001)
    box.say(second, respond(again, 200, source=CALLER, to_tag="", extra=[CONTACT]).to_bytes())
    box.utter(box.bob, box.within(invite, "ACK"))
    assert lines(hears(box, second)) == ["ACK"]
    box.utter(box.bob, box.within(invite, "BYE", cseq=2))
    assert lines(hears(box, second)) == ["BYE"]


def test_who_acknowledges_on_a_new_connection_is_reached_there() -> None:
    box = stranger_calls()
    first = dials_in(box, 40000)
    box.hear(box.request(), first)
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 200)
    tag = hears(box, first)[-1].recipient.tag
    leaves(box, first)
    second = dials_in(box, 40001)
    box.hear(box.request("ACK", to_tag=tag), second)
    box.utter(box.bob, box.within(invite, "BYE"))
    assert lines(hears(box, second)) == ["BYE"]


def test_a_caller_who_has_spoken_on_another_connection_is_not_given_up_with_that_of_his_invite() -> None:
    box = stranger_calls()
    first = dials_in(box, 40000)
    box.hear(box.request(), first)
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 183)
    tag = hears(box, first)[-1].recipient.tag
    second = dials_in(box, 40001)
    box.hear(box.request("INFO", to_tag=tag, cseq=2), second)
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    hears(box, second)
    leaves(box, first)
    assert ended(box) == []
    box.tell(box.bob, invite, 200)
    assert lines(hears(box, second)) == ["200 INVITE"]


def test_an_answer_goes_by_the_newer_connection_of_who_cannot_be_dialled() -> None:
    box = stranger_calls()
    first = dials_in(box, 40000)
    _, tag = stranger_stands(box, first)
    box.hear(box.request("INVITE", to_tag=tag, cseq=2), first)
    (again,) = box.requested(box.bob)
    second = dials_in(box, 40001)
    box.hear(box.request("INFO", to_tag=tag, cseq=3), second)
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    hears(box, second)
    leaves(box, first)
    box.tell(box.bob, again, 200)
    assert lines(hears(box, second)) == ["200 INVITE"]


def register(box: CallBox, line: int, call_id: str) -> str:
    """Register the stranger, and return the name by which the registrar reaches him."""
    box.hear(box.request("REGISTER", uri="sip:example.com", call_id=call_id, extra=[CONTACT]), line)
    (seen,) = box.requested(box.bob)
    (ours,) = seen.contacts
    box.tell(box.bob, seen, 200, contact="", extra=[("Contact", f"<{ours.uri}>;expires=600")])
    hears(box, line)
    return ours.uri


def test_an_endpoint_is_reached_where_it_has_registered_last() -> None:
    box = stranger_calls(ACCESS)
    first = dials_in(box, 40000)
    ours = register(box, first, "r1")
    core = box.connect(OUT, remote=("192.0.2.20", 41000))
    box.hear(box.request("INVITE", uri=ours, call_id="c"), core)
    (invite,) = hears(box, first)
    assert isinstance(invite, Request)
    box.say(first, respond(invite, 200, source=IN, to_tag="e", extra=[CONTACT]).to_bytes())
    tag = hears(box, core)[-1].recipient.tag
    box.hear(box.request("ACK", to_tag=tag, call_id="c"), core)
    leaves(box, first)
    second = dials_in(box, 40001)
    assert register(box, second, "r2") == ours
    box.hear(box.request("BYE", to_tag=tag, call_id="c", cseq=2), core)
    assert lines(hears(box, second)) == ["BYE"]


def test_an_endpoint_that_rings_is_cancelled_where_it_has_registered_last() -> None:
    box = stranger_calls(ACCESS)
    first = dials_in(box, 40000)
    ours = register(box, first, "r1")
    core = box.connect(OUT, remote=("192.0.2.20", 41000))
    box.hear(box.request("INVITE", uri=ours, call_id="c", branch="z9hG4bKc"), core)
    (invite,) = hears(box, first)
    assert isinstance(invite, Request)
    box.say(first, respond(invite, 180, source=IN, to_tag="e", extra=[CONTACT]).to_bytes())
    leaves(box, first)
    second = dials_in(box, 40001)
    register(box, second, "r2")
    box.hear(box.request("CANCEL", uri=ours, call_id="c", branch="z9hG4bKc"), core)
    assert lines(hears(box, second)) == ["CANCEL"]


def test_an_endpoint_that_has_called_is_reached_where_it_has_registered_last() -> None:
    box = stranger_calls(ACCESS)
    first = dials_in(box, 40000)
    register(box, first, "r1")
    invite = box.request(extra=[CONTACT])
    sender = invite.headers.replaced("From", "<sip:200@example.com>;tag=a")  # as in the To of its REGISTER
    box.hear(replace(invite, headers=sender), first)
    (seen,) = box.requested(box.bob)
    box.tell(box.bob, seen, 200)
    tag = hears(box, first)[-1].recipient.tag
    box.hear(box.request("ACK", to_tag=tag), first)
    box.requested(box.bob)
    leaves(box, first)
    second = dials_in(box, 40001)
    register(box, second, "r2")
    box.utter(box.bob, box.within(seen, "BYE"))
    assert lines(hears(box, second)) == ["BYE"]


STRANGER, ELSEWHERE = ("198.51.100.1", 5060), ("198.51.100.2", 5060)


def says_by_udp(box: CallBox, source: tuple[str, int], method: str, tag: str = "", cseq: int = 1) -> None:
    """Have the stranger say something in a datagram."""
    contact = ("Contact", f"<sip:100@{source[0]}:5060>")
    said = box.request(method, to_tag=tag, cseq=cseq, extra=[contact])
    via = f"SIP/2.0/UDP {source[0]}:5060;branch={said.via.branch}"
    said = replace(said, headers=said.headers.replaced("Via", via))
    box.say_by_udp(said.to_bytes(), remote=source, address=IN)


def stands_by_udp(box: CallBox) -> tuple[Request, str]:
    """Set up a call of the stranger by UDP; returns as `stranger_stands` does."""
    says_by_udp(box, STRANGER, "INVITE")
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 200)
    tag = read(box.datagrams[-1].data).recipient.tag
    says_by_udp(box, STRANGER, "ACK", tag)
    box.requested(box.bob)
    box.datagrams.clear()
    return invite, tag


def test_who_is_called_by_udp_and_has_spoken_by_tcp_is_still_where_his_datagrams_went() -> None:
    box = stranger_calls(udp=True)
    invite, tag = stands_by_udp(box)
    listener = next(each for each in box.sbc.listeners() if each.address == IN and each.transport is Transport.TCP)
    line = box.sbc.accepted(listener, IN, ("198.51.100.1", 43210), box.now)
    box.hear(box.request("INFO", to_tag=tag, cseq=2), line)
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    box.utter(box.bob, box.within(invite, "BYE"))
    assert [each.remote for each in box.datagrams] == [STRANGER]


def test_a_stranger_who_has_moved_is_sent_datagrams_where_he_is_now() -> None:
    box = stranger_calls(udp=True)
    invite, tag = stands_by_udp(box)
    says_by_udp(box, ELSEWHERE, "INVITE", tag, 2)
    (again,) = box.requested(box.bob)
    box.tell(box.bob, again, 200)
    says_by_udp(box, ELSEWHERE, "ACK", tag, 2)
    box.datagrams.clear()
    box.utter(box.bob, box.within(invite, "BYE"))
    assert [(each.remote, read(each.data).uri) for each in box.datagrams] == [(ELSEWHERE, "sip:100@198.51.100.2:5060")]


def registers_by_udp(box: CallBox, source: tuple[str, int], call_id: str) -> str:
    """Register the stranger by UDP, and return the name by which the registrar reaches him."""
    contact = ("Contact", "<sip:100@198.51.100.1:5062>")
    said = box.request("REGISTER", uri="sip:example.com", call_id=call_id, extra=[contact])
    via = f"SIP/2.0/UDP {source[0]}:5060;branch={said.via.branch}"
    said = replace(said, headers=said.headers.replaced("Via", via))
    box.say_by_udp(said.to_bytes(), remote=source, address=IN)
    (seen,) = box.requested(box.bob)
    (ours,) = seen.contacts
    box.tell(box.bob, seen, 200, contact="", extra=[("Contact", f"<{ours.uri}>;expires=600")])
    box.datagrams.clear()
    return ours.uri


def test_an_endpoint_is_sent_datagrams_where_it_has_registered_last_until_it_speaks_from_elsewhere() -> None:
    box = stranger_calls(ACCESS, udp=True)
    ours = registers_by_udp(box, STRANGER, "r1")
    core = box.connect(OUT, remote=("192.0.2.20", 41000))
    box.hear(box.request("INVITE", uri=ours, call_id="c"), core)
    (invite,) = [read(each.data) for each in box.datagrams]
    assert isinstance(invite, Request)
    answer = respond(invite, 200, source=IN, to_tag="e", extra=[("Contact", "<sip:100@198.51.100.1:5062>")])
    box.say_by_udp(answer.to_bytes(), remote=STRANGER, address=IN)
    tag = hears(box, core)[-1].recipient.tag
    box.hear(box.request("ACK", to_tag=tag, call_id="c"), core)
    assert registers_by_udp(box, ELSEWHERE, "r2") == ours
    box.hear(box.request("INFO", to_tag=tag, call_id="c", cseq=2), core)
    assert [each.remote for each in box.datagrams] == [ELSEWHERE]
    fields = box.within(invite, "INFO", tag="e").headers.replaced(
        "Via", "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKe"
    )
    said = Request(method="INFO", uri=ours, headers=fields)
    box.say_by_udp(said.to_bytes(), remote=("198.51.100.3", 5060), address=IN)
    box.datagrams.clear()
    box.hear(box.request("BYE", to_tag=tag, call_id="c", cseq=3), core)
    assert [each.remote for each in box.datagrams] == [("198.51.100.3", 5060)]


# Where a datagram goes.

OVER_SIX = "<sip:200@[2001:db8::1]:5060>"


def callee_by_udp(box: CallBox, *, addresses: str = "") -> CallBox:
    """Have the callee of a box reached by UDP."""
    box.commit(f"{PORT_OUT} state disabled")
    box.commit(f"{PORT_OUT} {addresses} transportProtocolsAllowed sip-udp")
    box.commit(f"{PORT_OUT} state enabled")
    return box


def acknowledged(box: CallBox, contact: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """Set up a call whose callee says where he is; returns from where the ACK goes to where."""
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    answer = respond(invite, 200, source=CALLEE, to_tag="b", extra=[("Contact", contact)])
    box.sent[box.line] = b""
    box.say_by_udp(answer.to_bytes(), remote=CALLEE, address=OUT)
    (heard,) = box.heard()
    box.datagrams.clear()
    box.hear(box.request("ACK", to_tag=heard.recipient.tag))
    if box.requested(box.bob):
        return OUT, CALLEE
    (sent,) = box.datagrams
    return sent.listener.address, sent.remote


def test_a_datagram_leaves_from_the_address_of_the_family_that_it_goes_to() -> None:
    box = CallBox()
    interface = "set addressContext default ipInterfaceGroup G ipInterface I"
    box.commit(
        f"{PORT_OUT} state disabled",
        f"{PORT_IN} state disabled",
        f"{interface} state disabled mode outOfService action force",
    )
    box.commit(f"{interface} altIpAddress 2001:db8::5 altPrefix 64")
    box.commit(f"{interface} mode inService state enabled", f"{PORT_IN} state enabled")
    callee_by_udp(box, addresses="ipAddressV4 10.0.0.5 ipAddressV6 2001:db8::5")
    box.line = box.connect(IN, remote=("192.0.2.10", 40000))
    assert acknowledged(box, OVER_SIX) == (("2001:db8::5", 5070), ("2001:db8::1", 5060))


def test_a_datagram_for_a_family_that_the_port_does_not_have_goes_where_the_callee_was() -> None:
    assert acknowledged(callee_by_udp(CallBox()), OVER_SIX) == (OUT, CALLEE)


def test_a_datagram_goes_to_the_maddr_of_a_contact() -> None:
    box = callee_by_udp(CallBox())
    assert acknowledged(box, "<sip:200@192.0.2.20:5062;maddr=192.0.2.77>") == (OUT, ("192.0.2.77", 5062))


def test_an_invite_goes_to_the_peer_of_its_route_whatever_maddr_it_has_come_with() -> None:
    box = callee_by_udp(CallBox())
    box.hear(box.request(uri="sip:200@example.com;maddr=10.0.0.5;user=phone"))
    (invite,) = box.requested(box.bob)
    assert invite.uri == "sip:200@192.0.2.20:5060;user=phone"
