"""What a bounce, a dry-up and a switchover do to calls, in memory; replacements stand in test_device_replacement."""

from __future__ import annotations

import pytest
from callbox import CONFIGURATION, IN, CallBox, ended, lines

from sbcsim.clock import MINUTE
from sbcsim.device.redundancy import HaMode, RestartCause
from sbcsim.device.settings import Settings
from sbcsim.sip.message import Request

PORT_IN = "set addressContext default zone IN sipSigPort 1"
PORT_OUT = "set addressContext default zone OUT sipSigPort 2"


@pytest.mark.parametrize("port", [PORT_IN, PORT_OUT])
@pytest.mark.parametrize("how", ["mode outOfService", "mode outOfService state disabled", "state disabled"])
def test_a_forced_bounce_clears_calls_with_a_bye_on_each_side_that_can_be_reached(port: str, how: str) -> None:
    box = CallBox()
    box.standing()
    box.bob.behaviour = box.alice.behaviour = "answer"
    box.sent[box.line] = b""
    box.commit(f"{port} action force {how}")
    assert [(by, status) for by, _, status in ended(box)] == [("local", 0)]
    assert ended(box)[0][1].startswith("sipSigPort ")
    assert lines(box.requested(box.bob)) == ["BYE"]
    # Nobody is dialled for a farewell on the port that goes: there the caller hears it on the connection that is his.
    told = lines(box.requested(box.alice)) if port == PORT_OUT else lines(box.heard())
    assert told == ["BYE"]
    assert box.sbc.calls() == ()
    box.advance("40s")
    assert box.footprint() == 0


def test_a_call_that_is_being_set_up_is_refused_by_a_bounce() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    box.sent[box.line] = b""
    box.commit(f"{PORT_OUT} action force mode outOfService")
    assert lines(box.heard()) == ["503 INVITE"]
    assert lines(box.requested(box.bob)) == ["CANCEL"]
    box.advance("40s")
    assert box.footprint() == 0


def test_a_dry_up_refuses_new_calls_lets_stable_ones_talk_and_ends_them_when_its_time_is_over() -> None:
    box = CallBox()
    _, answer = box.standing()
    tag = answer.recipient.tag
    box.commit(f"{PORT_IN} action dryup dryUpTimeout 5 mode outOfService")
    assert lines(box.hear(box.request(call_id="new"))) == ["503 INVITE"]
    box.hear(box.request("INFO", to_tag=tag, cseq=2))
    (info,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, info, 200)) == ["200 INFO"]
    box.advance("4m")
    assert len(box.sbc.calls()) == 1
    box.bob.behaviour = box.alice.behaviour = "answer"
    box.advance("1m")
    assert ended(box) == [("local", "sipSigPort dry-up ended", 0)]
    assert lines(box.requested(box.bob)) == ["BYE"]
    assert box.now.uptime == 5 * MINUTE


def test_a_call_that_a_dry_up_turns_away_is_told_once_and_one_that_is_in_already_is_not() -> None:
    box = CallBox()
    invite = box.request()
    box.hear(invite)
    box.commit(f"{PORT_IN} action dryup dryUpTimeout 5 mode outOfService")
    assert lines(box.hear(invite)) == ["100 INVITE"], "the INVITE that is in already, once more"
    late = box.request(call_id="late")
    assert lines(box.hear(late)) == ["503 INVITE"]
    assert lines(box.hear(late)) == ["503 INVITE"]
    (refused,) = box.events("callRefused")
    assert (refused.status, refused.why, refused.call_id) == (503, "sipSigPort IN/1 dries up", "late")
    assert len(box.sbc.calls()) == 1


def test_stable_calls_survive_a_switchover_and_those_in_set_up_do_not() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    invite, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request(call_id="second"))
    box.requested(box.bob)
    old = box.bob.connections[-1]
    box.hear(box.request("INFO", to_tag=tag, cseq=2))
    box.requested(box.bob)
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert ended(box) == [("local", "switchover", 0)]
    (call,) = box.sbc.calls()
    assert call.state.value == "stable"
    assert box.requested(box.bob) == []
    box.line = box.connect(("10.0.0.5", 5060), remote=("192.0.2.10", 40001))
    box.hear(box.request("INVITE", to_tag=tag, cseq=3))
    (again,) = box.requested(box.bob)
    assert (again.method, again.call_id) == ("INVITE", invite.call_id)
    assert box.bob.connections[-1] != old
    assert lines(box.tell(box.bob, again, 200)) == ["200 INVITE"]
    box.hear(box.request("ACK", to_tag=tag, cseq=3))
    box.requested(box.bob)
    box.hear(box.request("BYE", to_tag=tag, cseq=4))
    (bye,) = box.requested(box.bob)
    box.tell(box.bob, bye, 200)
    box.advance("40s")
    assert box.footprint() == 0


@pytest.mark.parametrize("what", ["reset", "restart"])
def test_a_reset_and_a_restart_leave_no_call(what: str) -> None:
    box = CallBox()
    box.sbc.adopt_start()
    box.standing()
    box.hear(box.request(call_id="rings"))
    box.requested(box.bob)
    if what == "reset":
        box.sbc.reset(box.now)
    else:
        box.sbc.restart(RestartCause.SOFT, box.now)
    box.pump()
    assert box.sbc.calls() == ()
    assert box.footprint() == 0
    assert [box.sbc._chassis.calls.usage("default", zone) for zone in ("IN", "OUT")] == [(0, 0), (0, 0)]
    assert box.requested(box.bob) == box.requested(box.alice) == []
    # What a reset has told is forgotten with all the rest.
    assert ended(box) == ([] if what == "reset" else [("local", RestartCause.SOFT.value, 0)] * 2)
    box.line = box.connect(("10.0.0.5", 5060), remote=("192.0.2.10", 40001))
    box.standing()
    assert box.sbc.calls()[0].id == 1


FORCED = "set addressContext default zone IN sipTrunkGroup TG-IN action force mode outOfService"


@pytest.mark.parametrize("acknowledged", [True, False])
def test_who_owes_an_ack_is_told_bye_behind_it_and_the_other_one_is_acknowledged_before(acknowledged: bool) -> None:
    box = CallBox()
    invite, answer = box.answered()
    box.commit(FORCED)
    assert ended(box) == [("local", "mode outOfService", 0)]
    ack, bye = box.requested(box.bob)
    assert (ack.method, ack.cseq.number, bye.method) == ("ACK", invite.cseq.number, "BYE")
    box.tell(box.bob, bye, 200)
    assert box.requested(box.alice) == []
    box.alice.behaviour = "answer"
    if acknowledged:
        box.hear(box.request("ACK", to_tag=answer.recipient.tag))
        assert box.requested(box.bob) == []
    else:
        box.advance("31s")
        assert box.requested(box.alice) == []
        box.advance("1s")
    assert lines(box.requested(box.alice)) == ["BYE"]
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.advance("40s")
    assert (box.footprint(), box.requested(box.alice)) == (0, [])


def test_who_owes_an_ack_and_hangs_up_is_told_nothing_more() -> None:
    box = CallBox()
    _, answer = box.answered()
    box.commit(FORCED)
    box.bob.behaviour = box.alice.behaviour = "answer"
    assert lines(box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))) == ["200 BYE"]
    box.advance("80s")
    assert (box.footprint(), box.requested(box.alice)) == (0, [])


def test_who_owes_an_ack_when_his_port_closes_is_told_bye_at_once() -> None:
    box = CallBox()
    box.answered()
    box.sent[box.line] = b""
    box.commit(f"{PORT_IN} action force mode outOfService")
    assert lines(box.heard()) == ["BYE"]
    assert lines(box.requested(box.bob)) == ["ACK", "BYE"]
    box.bob.behaviour = "answer"
    box.advance("80s")
    assert box.footprint() == 0


def test_who_owes_an_ack_at_a_switchover_behind_the_end_of_his_call_is_forgotten() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    box.answered()
    box.commit(FORCED)
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert box.footprint() == 0


@pytest.mark.parametrize("transport", ["sip-udp", "sip-tcp"])
def test_an_invite_leaves_over_the_transport_of_the_port_and_is_said_again_by_udp_alone(transport: str) -> None:
    box = CallBox(f"{PORT_OUT} state disabled")
    box.commit(f"{PORT_OUT} transportProtocolsAllowed {transport}")
    box.commit(f"{PORT_OUT} state enabled")
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    assert invite.via.transport == transport.removeprefix("sip-").upper()
    box.advance("600ms")
    again = transport == "sip-udp"
    assert lines(box.requested(box.bob)) == ["INVITE"] * again
    counts = box.sbc._chassis.message_counts.row(("default", "OUT", "TG-OUT"))
    assert (counts["sndInvite"], counts["invReTransmit"]) == (1 + again, again)


def test_an_interface_that_waits_for_its_calls_takes_no_new_ones() -> None:
    box = CallBox()
    _, answer = box.standing()
    interface = "set addressContext default ipInterfaceGroup G ipInterface I"
    box.commit(f"{interface} action dryUp dryupTimeout 10 mode outOfService")
    assert lines(box.hear(box.request(call_id="new"))) == ["503 INVITE"]
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.tell(box.bob, bye, 200)
    assert not box.listening


def test_calls_of_a_port_that_drains_end_with_a_switchover() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    box.standing()
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.commit(f"{PORT_OUT} action dryup mode outOfService")
    assert len(box.sbc.calls()) == 1
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert ended(box) == [("local", "sipSigPort out of service", 0)]
    assert lines(box.requested(box.alice)) == ["BYE"]
    assert box.sbc.calls() == ()


def test_a_trunk_group_that_drains_goes_on_with_that_behind_a_switchover() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    box.standing()
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.commit("set addressContext default zone OUT sipTrunkGroup TG-OUT dryUpTimeout 5 mode outOfService")
    box.advance("3m")
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert len(box.sbc.calls()) == 1
    box.line = box.connect(IN, remote=("192.0.2.10", 40001))
    assert lines(box.hear(box.request(call_id="new"))) == ["100 INVITE", "503 INVITE"]
    box.advance("2m")
    assert [(by, why) for by, why, status in ended(box) if not status] == [("local", "dry-up ended")]
    assert lines(box.requested(box.bob)) == ["BYE"]


def test_who_has_dialled_anew_is_reached_there() -> None:
    # Alice is no ipPeer here: nobody can dial her.
    configuration = [line for line in CONFIGURATION if "ipPeer ALICE" not in line]
    prefix = "set addressContext default zone IN sipTrunkGroup TG-IN ingressIpPrefix 192.0.2.10 32"
    box = CallBox(prefix, configuration=configuration)
    invite, answer = box.standing()
    old = box.line
    box.sbc.closed(old, "closed by peer", box.now)
    assert [(call.ingress.connection, call.egress.connection) for call in box.sbc.calls()] == [(0, 2)]
    box.line = box.connect(IN, remote=("192.0.2.10", 40001))
    box.hear(box.request("INFO", to_tag=answer.recipient.tag, cseq=2))
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    assert [call.ingress.connection for call in box.sbc.calls()] == [box.line]
    (bye,) = box.utter(box.bob, box.within(invite, "BYE"))[:1]
    assert isinstance(bye, Request)
    assert bye.method == "BYE"
    assert bye.target.host == "192.0.2.10"


def test_a_call_tells_the_connection_that_carries_it_now() -> None:
    box = CallBox()
    _, answer = box.standing()
    (call,) = box.sbc.calls()
    first = box.bob.connections[-1]
    assert (call.ingress.connection, call.egress.connection) == (box.line, first)
    box.sbc.closed(first, "closed by peer", box.now)
    assert [call.egress.connection for call in box.sbc.calls()] == [0]
    box.hear(box.request("INFO", to_tag=answer.recipient.tag, cseq=2))
    second = box.bob.connections[-1]
    assert second != first
    assert [call.egress.connection for call in box.sbc.calls()] == [second]
