"""By which way the messages of calls go: what waits for a connection, whose connection it is, where somebody is."""

from __future__ import annotations

from callbox import CALLEE, CallBox, ended, lines, settle

from sbcsim.sip.stream import Stream

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
