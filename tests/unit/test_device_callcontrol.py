"""Calls through the box, in memory: what either side hears of what the other one says."""

from __future__ import annotations

import pytest
from callbox import BOTH_WAYS, OUT, SDP, SECOND, CallBox, ended, lines, settle

from sbcsim.sip.message import Response


def test_a_call_is_answered_talked_on_and_ended_by_the_caller() -> None:
    box = CallBox()
    assert lines(box.hear(box.request(body=SDP, extra=[("X-Odd", "1"), ("Proxy-Authorization", "Digest x")]))) == [
        "100 INVITE"
    ]
    (invite,) = box.requested(box.bob)
    assert invite.uri == "sip:200@192.0.2.20:5060"
    assert invite.headers.one("X-Odd") == "1"
    assert invite.headers.one("Proxy-Authorization") == "Digest x"
    assert invite.body == SDP
    assert invite.call_id != "a-call"
    assert invite.max_forwards == 69
    assert (invite.sender.uri, invite.sender.display) == ("sip:100@example.org", '"Alice"')
    assert invite.sender.tag not in {"", "a"}
    assert invite.contacts[0].uri == "sip:100@10.0.0.5:5070;transport=tcp"
    (call,) = box.sbc.calls()
    assert (call.state.value, call.calling, call.called) == ("establishing", "100", "200")
    (ringing,) = box.tell(box.bob, invite, 180)
    (answer,) = box.tell(box.bob, invite, 200, body=SDP, extra=[("X-Odd", "2")])
    assert isinstance(ringing, Response)
    assert isinstance(answer, Response)
    assert (ringing.status, answer.status, answer.body) == (180, 200, SDP)
    assert ringing.recipient.tag == answer.recipient.tag not in {"", "b"}
    assert answer.call_id == "a-call"
    assert answer.headers.one("X-Odd") == "2"
    assert answer.contacts[0].uri == "sip:200@10.0.0.5:5060;transport=tcp"
    assert box.requested(box.bob) == []
    tag = answer.recipient.tag
    assert box.hear(box.request("ACK", to_tag=tag, body=b"late")) == []
    (ack,) = box.requested(box.bob)
    assert (ack.method, ack.cseq.number, ack.body) == ("ACK", 1, b"late")
    assert ack.uri == "sip:200@192.0.2.20:5060"
    assert ack.recipient.tag == "b"
    (call,) = box.sbc.calls()
    assert call.state.value == "stable"
    assert box.hear(box.request("BYE", to_tag=tag, cseq=2)) == []
    (bye,) = box.requested(box.bob)
    assert (bye.method, bye.cseq.number, bye.recipient.tag) == ("BYE", 2, "b")
    assert lines(box.tell(box.bob, bye, 200)) == ["200 BYE"]
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


def test_the_callee_hangs_up_over_the_connection_that_the_box_opens_to_the_caller() -> None:
    box = CallBox()
    invite, _ = box.standing()
    box.utter(box.bob, box.within(invite, "BYE"))
    (bye,) = box.requested(box.alice)
    assert bye.uri == "sip:100@192.0.2.10:5060"
    assert (bye.sender.uri, bye.recipient.tag, bye.call_id) == ("sip:200@example.com", "a", "a-call")
    sent_before = box.bob.connections[-1]
    box.tell(box.alice, bye, 200)
    assert box.sbc.connection(sent_before) is not None
    assert ended(box) == [("callee", "BYE", 0)]
    settle(box)


@pytest.mark.parametrize("status", [302, 404, 486, 600])
def test_a_refusal_passes_with_its_words(status: int) -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    contact = [("Contact", "<sip:elsewhere@example.net>")] if status == 302 else []
    (refused,) = box.tell(box.bob, invite, status, reason="My Words", extra=[("X-Why", "so"), *contact])
    assert isinstance(refused, Response)
    assert (refused.status, refused.reason, refused.headers.one("X-Why")) == (status, "My Words", "so")
    assert [each.uri for each in refused.contacts] == (["sip:elsewhere@example.net"] if contact else [])
    assert lines(box.requested(box.bob)) == ["ACK"]
    assert box.hear(box.request("ACK", to_tag=refused.recipient.tag, branch="z9hG4bK1")) == []
    assert ended(box) == [("callee", "My Words", status)]
    settle(box)


def test_the_caller_cancels() -> None:
    box = CallBox()
    box.hear(box.request(branch="z9hG4bKc"))
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    cancel = box.request("CANCEL", branch="z9hG4bKc", extra=[("Reason", "SIP;cause=200")])
    assert lines(box.hear(cancel)) == ["200 CANCEL", "487 INVITE"]
    (gone,) = box.requested(box.bob)
    assert (gone.method, gone.headers.one("Reason"), gone.via) == ("CANCEL", "SIP;cause=200", invite.via)
    assert ended(box) == [("caller", "cancelled", 487)]
    assert box.sbc.calls() == ()
    box.tell(box.bob, gone, 200)
    box.tell(box.bob, invite, 487)
    settle(box)


def test_an_answer_that_crosses_the_cancel_is_taken_back() -> None:
    box = CallBox()
    box.hear(box.request(branch="z9hG4bKc"))
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    box.hear(box.request("CANCEL", branch="z9hG4bKc"))
    (cancel,) = box.requested(box.bob)
    box.tell(box.bob, cancel, 200)
    assert box.tell(box.bob, invite, 200) == []
    ack, bye = box.requested(box.bob)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    box.tell(box.bob, bye, 200)
    settle(box)


def test_forks_ring_and_the_first_that_answers_has_the_call() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (first,) = box.tell(box.bob, invite, 180, tag="one")
    (second,) = box.tell(box.bob, invite, 183, tag="two")
    (answer,) = box.tell(box.bob, invite, 200, tag="two")
    assert first.recipient.tag != second.recipient.tag == answer.recipient.tag
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    (ack,) = box.requested(box.bob)
    assert ack.recipient.tag == "two"
    assert box.tell(box.bob, invite, 200, tag="one") == []
    ack, bye = box.requested(box.bob)
    assert (ack.method, bye.method, bye.recipient.tag) == ("ACK", "BYE", "one")
    box.tell(box.bob, bye, 200, tag="one")
    assert len(box.sbc.calls()) == 1
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.tell(box.bob, bye, 200, tag="two")
    settle(box)


def test_the_answer_is_said_again_until_its_ack_comes_and_the_ack_where_the_answer_is() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200)
    box.sent[box.line] = b""
    box.advance("2s")
    assert lines(box.heard()) == ["200 INVITE", "200 INVITE"]
    assert box.tell(box.bob, invite, 200) == []
    assert box.requested(box.bob) == []
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    assert lines(box.requested(box.bob)) == ["ACK"]
    assert box.tell(box.bob, invite, 200) == []
    assert lines(box.requested(box.bob)) == ["ACK"]
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    assert box.requested(box.bob) == []


def test_a_caller_who_never_acknowledges_loses_the_call() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 200)
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.advance("33s")
    assert ended(box) == [("local", "no ACK", 0)]
    assert lines(box.requested(box.bob)) == ["BYE"]
    assert lines(box.requested(box.alice)) == ["BYE"]
    settle(box)


@pytest.mark.parametrize("method", ["UPDATE", "INFO", "MESSAGE", "REFER", "NOTIFY", "OPTIONS", "ODD"])
@pytest.mark.parametrize("status", [200, 415])
def test_whatever_is_asked_within_a_call_passes(method: str, status: int) -> None:
    box = CallBox()
    invite, answer = box.standing()
    assert isinstance(answer, Response)
    tag = answer.recipient.tag
    box.hear(box.request(method, to_tag=tag, cseq=2, body=b"x", extra=[("Refer-To", "<sip:x@example.net>")]))
    (asked,) = box.requested(box.bob)
    assert (asked.method, asked.body, asked.headers.one("Refer-To")) == (method, b"x", "<sip:x@example.net>")
    (told,) = box.tell(box.bob, asked, status, body=b"y")
    assert isinstance(told, Response)
    assert (told.status, told.body, told.cseq.number) == (status, b"y", 2)
    box.utter(box.bob, box.within(invite, method))
    (asked,) = box.requested(box.alice)
    assert asked.method == method
    box.tell(box.alice, asked, status)
    assert len(box.sbc.calls()) == 1


def test_a_call_is_renegotiated_from_either_side() -> None:
    box = CallBox()
    invite, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request(to_tag=tag, cseq=2, body=SDP))
    (again,) = box.requested(box.bob)
    assert (again.method, again.cseq.number, again.call_id) == ("INVITE", 2, invite.call_id)
    assert lines(box.hear(box.request("INVITE", to_tag=tag, cseq=3))) == ["500 INVITE"]
    assert lines(box.utter(box.bob, box.within(invite, "INVITE", extra=[("Contact", "<sip:200@192.0.2.20>")]))) == []
    (answered,) = box.tell(box.bob, again, 200, body=SDP)
    assert answered.cseq.number == 2
    box.hear(box.request("ACK", to_tag=tag, cseq=2, body=SDP))
    (ack,) = box.requested(box.bob)
    assert (ack.cseq.number, ack.body) == (2, SDP)


def test_a_reliable_ringing_is_acknowledged_from_end_to_end() -> None:
    box = CallBox()
    box.hear(box.request(cseq=7, extra=[("Supported", "100rel")]))
    (invite,) = box.requested(box.bob)
    assert invite.headers.one("Supported") == "100rel"
    (ringing,) = box.tell(box.bob, invite, 183, extra=[("Require", "100rel"), ("RSeq", "42")])
    assert (ringing.headers.one("RSeq"), ringing.headers.one("Require")) == ("42", "100rel")
    prack = box.request("PRACK", to_tag=ringing.recipient.tag, cseq=8, extra=[("RAck", "42 7 INVITE")])
    box.hear(prack)
    (asked,) = box.requested(box.bob)
    assert (asked.method, asked.headers.one("RAck")) == ("PRACK", "42 1 INVITE")
    assert lines(box.tell(box.bob, asked, 200)) == ["200 PRACK"]
    assert lines(box.hear(box.request("PRACK", to_tag=ringing.recipient.tag, cseq=9))) == ["400 PRACK"]
    (answer,) = box.tell(box.bob, invite, 200)
    assert answer.recipient.tag == ringing.recipient.tag


def test_two_byes_that_cross_end_one_call() -> None:
    box = CallBox()
    invite, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    assert lines(box.utter(box.bob, box.within(invite, "BYE"))) == []
    assert box.requested(box.alice) == []
    assert lines(box.tell(box.bob, bye, 481)) == ["481 BYE"]
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


def test_a_bye_that_is_challenged_ends_nothing() -> None:
    box = CallBox()
    _, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request("BYE", to_tag=tag, cseq=2))
    (bye,) = box.requested(box.bob)
    (told,) = box.tell(box.bob, bye, 407, extra=[("Proxy-Authenticate", "Digest realm=x")])
    assert told.headers.one("Proxy-Authenticate") == "Digest realm=x"
    assert ended(box) == []
    box.hear(box.request("BYE", to_tag=tag, cseq=3, extra=[("Proxy-Authorization", "Digest y")]))
    (bye,) = box.requested(box.bob)
    assert bye.headers.one("Proxy-Authorization") == "Digest y"
    box.tell(box.bob, bye, 200)
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


@pytest.mark.parametrize("status", [408, 481])
def test_a_callee_who_knows_nothing_of_the_call_ends_it_and_is_told_bye_as_well(status: int) -> None:
    box = CallBox()
    _, answer = box.standing()
    box.alice.behaviour = "answer"
    box.hear(box.request("UPDATE", to_tag=answer.recipient.tag, cseq=2))
    (update,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, update, status)) == [f"{status} UPDATE"]
    assert ended(box) == [("callee", f"{status} to UPDATE", 0)]
    assert lines(box.requested(box.alice)) == ["BYE"]
    (bye,) = box.requested(box.bob)
    assert lines([bye]) == ["BYE"]
    assert lines(box.tell(box.bob, bye, 481)) == []
    settle(box)


def test_nobody_answers_and_the_next_route_is_taken() -> None:
    box = CallBox(*SECOND)
    box.hear(box.request())
    assert lines(box.requested(box.bob)) == ["INVITE"]
    box.advance("33s")
    (invite,) = box.requested(box.carol)
    (answer,) = box.tell(box.carol, invite, 200, contact="<sip:200@192.0.2.30:5060>")
    assert answer.recipient.tag
    assert [each.peer for each in box.events("callRouted")] == ["BOB", "CAROL"]


@pytest.mark.parametrize("why", ["refused", "503", "out of service", "down"])
def test_a_way_out_that_is_of_no_use_is_left_for_the_next(why: str) -> None:
    box = CallBox(*SECOND)
    if why == "refused":
        box.bob.behaviour = "refuse"
    elif why == "503":
        box.bob.behaviour = 503
    elif why == "out of service":
        box.commit("set global callRouting routingLabel TO-BOB routingLabelRoute 1 inService outOfService")
    else:
        box.bob.behaviour = "refuse"
        box.commit(
            "set profiles services pathCheckProfile P sendInterval 10 replyTimeoutCount 1 recoveryCount 1",
            "set profiles services pathCheckProfile P transportPreference preference1 tcp",
            "set addressContext default zone OUT ipPeer BOB pathCheck profile P state enabled",
        )
        assert box.events("pathState")[-1].new == "down"
        box.bob.behaviour = "silent"
    box.hear(box.request())
    assert lines(box.requested(box.carol)) == ["INVITE"]
    assert "INVITE" not in lines(box.requested(box.bob)) or why == "503"


def test_no_way_out_is_left() -> None:
    box = CallBox()
    box.bob.behaviour = "refuse"
    assert lines(box.hear(box.request())) == ["100 INVITE", "503 INVITE"]
    assert ended(box) == [("local", "no route left: Service Unavailable", 503)]
    box.hear(box.request("ACK", branch="z9hG4bK1"))
    settle(box)


def test_a_silent_callee_is_408() -> None:
    box = CallBox()
    box.hear(box.request())
    box.sent[box.line] = b""
    box.advance("33s")
    assert lines(box.heard()) == ["408 INVITE"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"forwards": "0"}, 483),
        ({"extra": [("Contact", "<sip:a@h>, <sip:b@h>")]}, 400),
        ({"to_tag": "unknown"}, 481),
        ({"method": "BYE", "to_tag": "unknown"}, 481),
        ({"method": "BYE"}, 405),
        ({"method": "SUBSCRIBE"}, 405),
        ({"method": "CANCEL"}, 481),
    ],
)
def test_what_belongs_to_no_call_is_answered_here(request_: dict[str, object], status: int) -> None:
    box = CallBox()
    heard = box.hear(box.request(**request_))  # type: ignore[arg-type]
    assert [each.status for each in heard if isinstance(each, Response)] == [status]
    assert box.requested(box.bob) == []


@pytest.mark.parametrize("method", ["SUBSCRIBE", "REFER", "REGISTER"])
def test_who_asks_for_what_does_not_pass_outside_of_calls_is_not_told_that_it_is_allowed(method: str) -> None:
    box = CallBox()
    (refused,) = box.hear(box.request(method))
    assert method not in refused.headers.one("Allow").split(", ")


def test_calls_from_nowhere_and_to_nowhere_are_refused() -> None:
    box = CallBox("set addressContext default zone IN ipPeer EVE ipAddress 192.0.2.66")
    stranger = box.connect(("10.0.0.5", 5060), remote=("198.51.100.1", 1))
    assert lines(box.hear(box.request(), stranger)) == ["403 INVITE"]
    box.commit("delete global callRouting route")
    assert lines(box.hear(box.request(call_id="other"))) == ["404 INVITE"]
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN mode outOfService")
    assert lines(box.hear(box.request(call_id="third"))) == ["503 INVITE"]
    assert [each.status for each in box.events("callRefused")] == [403, 404, 503]


def test_the_limit_of_a_trunk_group_holds() -> None:
    box = CallBox("set addressContext default zone OUT sipTrunkGroup TG-OUT cac callLimit 1")
    _, answer = box.standing()
    assert lines(box.hear(box.request(call_id="second"))) == ["100 INVITE", "503 INVITE"]
    box.bob.behaviour = "answer"
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    box.requested(box.bob)
    box.bob.behaviour = "silent"
    assert lines(box.hear(box.request(call_id="third"))) == ["100 INVITE"]


@pytest.mark.parametrize("method", ["MESSAGE", "PUBLISH", "ODD"])
def test_what_makes_no_dialog_passes_outside_of_calls(method: str) -> None:
    box = CallBox(*SECOND)
    box.bob.behaviour = 503
    box.hear(box.request(method, body=b"hello", extra=[("Event", "x")]))
    (asked,) = box.requested(box.carol)
    assert (asked.method, asked.body, asked.headers.one("Event")) == (method, b"hello", "x")
    (told,) = box.tell(box.carol, asked, 202, body=b"well")
    assert isinstance(told, Response)
    assert (told.status, told.body) == (202, b"well")
    settle(box)


def test_what_waits_for_a_connection_is_shown() -> None:
    box = CallBox()
    box.bob.behaviour = "hang"
    box.hear(box.request())
    (row,) = box.sbc.rows(("addressContext", "default", "zone", "OUT", "sipSigConnStatus"))
    assert (row["state"], row["pduSendQueued"]) == ("connecting", 1)


def test_ports_count_calls_and_tell_how_many_a_second_begin() -> None:
    box = CallBox()

    def row(zone: str) -> dict[str, object]:
        (found,) = box.sbc.rows(("addressContext", "default", "zone", zone, "sipSigPortStatistics"))
        return dict(found)

    for number in range(89):
        box.hear(box.request(call_id=f"call-{number}"))
    assert (row("IN")["callRate"], row("IN")["origCalls"], row("IN")["termCalls"]) == (1, 89, 0)
    box.advance("1s")
    box.hear(box.request(call_id="one-more"))
    assert (row("OUT")["callRate"], row("OUT")["origCalls"], row("OUT")["termCalls"]) == (2, 0, 90)
    box.advance("60s")
    assert row("IN")["callRate"] == 0
    assert row("IN")["origCalls"] == 90


def test_an_unknown_scheme_passes_unchanged() -> None:
    box = CallBox()
    box.hear(box.request(uri="nobodyKnowsThisScheme:totallyopaquecontent"))
    (invite,) = box.requested(box.bob)
    assert invite.uri == "nobodyKnowsThisScheme:totallyopaquecontent"


def test_a_session_that_nobody_refreshes_ends() -> None:
    box = CallBox()
    box.hear(box.request(extra=[("Supported", "timer"), ("Session-Expires", "90")]))
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, extra=[("Session-Expires", "90;refresher=uac"), ("Require", "timer")])
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.requested(box.bob)
    box.advance("50s")
    box.hear(box.request("UPDATE", to_tag=answer.recipient.tag, cseq=2))
    (update,) = box.requested(box.bob)
    box.tell(box.bob, update, 200, extra=[("Session-Expires", "90;refresher=uac")])
    box.advance("50s")
    assert len(box.sbc.calls()) == 1
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.advance("50s")
    assert ended(box) == [("local", "session expired", 0)]
    assert (lines(box.requested(box.alice)), lines(box.requested(box.bob))) == (["BYE"], ["BYE"])
    settle(box)


def test_a_stable_call_outlives_its_connections_and_goes_on_over_new_ones() -> None:
    box = CallBox()
    invite, answer = box.standing()
    old = box.bob.connections[-1]
    box.sbc.close_connection(old, "certificate re-check", box.now)
    box.sbc.closed(box.line, "closed by peer", box.now)
    box.pump()
    assert len(box.sbc.calls()) == 1
    box.line = box.connect(("10.0.0.5", 5060), remote=("192.0.2.10", 40001))
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    assert box.bob.connections[-1] != old
    (bye,) = box.requested(box.bob)
    assert bye.call_id == invite.call_id
    assert lines(box.tell(box.bob, bye, 200)) == ["200 BYE"]
    settle(box)


def test_a_bye_on_a_connection_that_breaks_is_said_again_on_a_new_one() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.sbc.close_connection(box.bob.connections[-1], "certificate re-check", box.now)
    box.pump()
    (again,) = box.requested(box.bob)
    assert (again.cseq, again.via.branch == bye.via.branch) == (bye.cseq, False)
    assert lines(box.tell(box.bob, again, 200)) == ["200 BYE"]
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


def test_an_answer_whose_connection_is_gone_goes_over_the_one_that_the_box_opens() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.sbc.closed(box.line, "closed by peer", box.now)
    box.tell(box.bob, invite, 180)
    assert len(box.alice.connections) == 1
    assert len(box.sbc.calls()) == 1


def test_an_answer_within_a_call_goes_over_it_as_well() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.sbc.closed(box.line, "closed by peer", box.now)
    box.tell(box.bob, bye, 401)
    assert lines(box.alice.told) == ["401 BYE"]
    assert len(box.sbc.calls()) == 1


def test_calls_of_both_directions_share_one_connection_each_way() -> None:
    box = CallBox(*BOTH_WAYS)
    for number in range(3):
        box.hear(box.request(call_id=f"call-{number}"))
    line = box.connect(OUT, remote=("192.0.2.20", 41000))
    for number in range(3):
        box.hear(box.request(call_id=f"back-{number}", uri="sip:100@10.0.0.5:5070"), line)
    assert (len(box.bob.connections), len(box.alice.connections)) == (1, 1)
    assert lines(box.requested(box.bob)) == lines(box.requested(box.alice)) == ["INVITE"] * 3
    assert len(box.sbc.calls()) == 6


def test_an_answer_that_goes_by_another_connection_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    box = CallBox()
    box.hear(box.request(body=SDP))
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 200, body=SDP)
    box.sbc.give_up(box.now)
    given_up: list[int] = []
    give_up = box.sbc.give_up
    monkeypatch.setattr(box.sbc, "give_up", lambda now: (given_up.append(now.uptime), give_up(now)))
    box.advance("600ms")
    assert given_up == [], "who has said nothing so far"
    box.sbc.closed(box.line, "closed by peer", box.now)
    box.advance("10s")
    assert given_up == [1_500_000], "may have heard nothing, once"


def test_time_does_not_pass_while_an_ack_is_on_its_way() -> None:
    box = CallBox()
    box.hear(box.request(body=SDP))
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, body=SDP)
    assert isinstance(answer, Response)
    assert box.sbc.outstanding() == 1
    assert box.sbc.hopeful()
    tag = answer.recipient.tag
    box.hear(box.request("ACK", to_tag=tag))
    assert box.sbc.outstanding() == 0
    box.hear(box.request("INVITE", to_tag=tag, cseq=2, body=SDP))
    _, again = box.requested(box.bob)
    box.tell(box.bob, again, 200, body=SDP)
    assert box.sbc.outstanding() == 1
    box.sbc.give_up(box.now)
    assert box.sbc.outstanding() == 0, "who says nothing is not waited for any longer"
    box.hear(box.request("ACK", to_tag=tag, cseq=2))
    box.hear(box.request("INVITE", to_tag=tag, cseq=3, body=SDP))
    _, third = box.requested(box.bob)
    box.tell(box.bob, third, 200, body=SDP)
    box.hear(box.request("BYE", to_tag=tag, cseq=4))
    (bye,) = box.requested(box.bob)
    box.tell(box.bob, bye, 200)
    assert box.sbc.outstanding() == 0, "nor whose call is over"
