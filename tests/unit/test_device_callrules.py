"""Far ends that break rules, cross each other or vanish in the middle: no call hangs, and nothing is left of any."""

from __future__ import annotations

import pytest
from callbox import BOTH_WAYS, CALLEE, CALLER, IN, OUT, SDP, SECOND, CallBox, ended, lines, settle

from sbcsim.device.effects import Transport
from sbcsim.device.redundancy import HaMode, RestartCause
from sbcsim.device.settings import Settings
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.options import respond

PORT_IN = "set addressContext default zone IN sipSigPort 1"
PORT_OUT = "set addressContext default zone OUT sipSigPort 2"
TWO_CONTACTS = "<sip:a@192.0.2.20>, <sip:b@192.0.2.20>"
BY_UDP = f"{PORT_OUT} transportProtocolsAllowed sip-udp"


def callee_by_udp(*more: str) -> CallBox:
    """Return a box whose callee is reached by UDP."""
    box = CallBox(f"{PORT_OUT} state disabled", *more)
    box.commit(BY_UDP)
    box.commit(f"{PORT_OUT} state enabled")
    return box


def tell_by_udp(box: CallBox, request: Request, status: int, **extra: str) -> list[Message]:
    """Have the callee answer in a datagram; returns what the caller hears. `extra` are headers."""
    fields = {"Contact": "<sip:200@192.0.2.20:5060>"} if 100 < status < 300 else {}
    fields |= {name.replace("_", "-"): value for name, value in extra.items()}
    return say_by_udp(box, respond(request, status, source=CALLEE, to_tag="b", extra=fields.items()))


def say_by_udp(box: CallBox, message: Message) -> list[Message]:
    """Have the callee send a datagram."""
    box.sent[box.line] = b""
    listener = next(each for each in box.listening if each.address == OUT and each.transport is Transport.UDP)
    box.sbc.datagram(listener, CALLEE, message.to_bytes(), box.now)
    box.pump()
    return box.heard()


# What begins a call.


@pytest.mark.parametrize("route", ["garbage", "<sip:>", "<sip:h:99999;lr>"])
def test_a_route_that_is_no_address_is_refused_with_the_invite(route: str) -> None:
    box = CallBox()
    assert lines(box.hear(box.request(extra=[("Record-Route", route)]))) == ["400 INVITE"]
    assert box.requested(box.bob) == []
    settle(box)


@pytest.mark.parametrize("route", ["garbage", "<sip:>"])
def test_a_callee_behind_a_route_that_is_no_address_has_no_call(route: str) -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, invite, 180, extra=[("Record-Route", route)])) == ["180 INVITE"]
    assert lines(box.tell(box.bob, invite, 200, extra=[("Record-Route", route)])) == ["502 INVITE"]
    settle(box)


def test_a_route_that_is_recorded_behind_the_ringing_is_taken() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    (answer,) = box.tell(box.bob, invite, 200, extra=[("Record-Route", "<sip:proxy.example.com;lr>")])
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    ack, bye = box.requested(box.bob)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert ack.headers.all("Route") == bye.headers.all("Route") == ["<sip:proxy.example.com;lr>"]


def test_an_answer_without_a_tag_is_no_answer() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    answer = respond(invite, 200, source=CALLEE, to_tag="b", extra=[("Contact", "<sip:200@192.0.2.20>")])
    tagless = Response(status=200, reason="OK", headers=answer.headers.replaced("To", invite.headers.one("To")))
    assert lines(box.utter(box.bob, tagless)) == ["502 INVITE"]
    assert ended(box) == [("local", "no route left: Bad Gateway", 502)]
    settle(box)


@pytest.mark.parametrize("how", ["Contact", "Record-Route"])
def test_an_answer_that_says_wrongly_where_it_comes_from_is_taken_back_by_the_way_of_the_ringing(how: str) -> None:
    """Every 2xx is acknowledged (RFC 3261 13.2.2.4), and nobody is left with a call that the caller does not have."""
    bad = {"contact": TWO_CONTACTS} if how == "Contact" else {"extra": [("Record-Route", "<sip:>")]}
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    assert lines(box.tell(box.bob, invite, 200, **bad)) == ["502 INVITE"]  # type: ignore[arg-type]
    ack, bye = box.requested(box.bob)
    assert (ack.method, ack.cseq.number, ack.uri) == ("ACK", invite.cseq.number, "sip:200@192.0.2.20:5060")
    assert (bye.method, bye.uri) == ("BYE", "sip:200@192.0.2.20:5060")
    assert box.tell(box.bob, invite, 200, **bad) == []  # type: ignore[arg-type]
    assert lines(box.requested(box.bob)) == ["ACK"]
    box.tell(box.bob, bye, 200)
    assert ended(box) == [("local", "no route left: Bad Gateway", 502)]
    settle(box)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CSeq", "2 INVITE"), ("Call-ID", "another"), ("From", "<sip:100@example.org>;tag=another")],
)
def test_an_answer_to_something_else_is_none(name: str, value: str) -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    right = respond(invite, 200, source=CALLEE, to_tag="b", extra=[("Contact", "<sip:200@192.0.2.20>")])
    wrong = Response(status=200, reason="OK", headers=right.headers.replaced(name, value))
    assert box.utter(box.bob, wrong) == []
    assert lines(box.utter(box.bob, right)) == ["200 INVITE"]


def test_a_stranger_who_leaves_while_it_rings_is_forgotten() -> None:
    prefix = "set addressContext default zone IN sipTrunkGroup TG-IN ingressIpPrefix 198.51.100.0 24"
    box = CallBox(prefix)
    stranger = box.connect(IN, remote=("198.51.100.1", 40000))
    assert lines(box.hear(box.request(), stranger)) == ["100 INVITE"]
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    box.sbc.closed(stranger, "closed by peer", box.now)
    box.pump()
    (cancel,) = box.requested(box.bob)
    assert ended(box) == [("local", "caller unreachable", 0)]
    box.tell(box.bob, cancel, 200)
    box.tell(box.bob, invite, 487)
    settle(box)


def test_a_route_that_was_left_counts_no_more_for_the_limit_of_its_trunk_group() -> None:
    box = CallBox(*SECOND, "set addressContext default zone OUT sipTrunkGroup TG-OUT cac callLimit 1")
    box.bob.behaviour = 503
    assert lines(box.hear(box.request())) == ["100 INVITE"]
    assert lines(box.requested(box.carol)) == ["INVITE"]


def test_a_callee_of_the_next_route_is_another_fork_for_the_caller() -> None:
    """Its reliable responses are numbered anew, so its dialog must be another one (RFC 3262 4)."""
    box = CallBox(*SECOND)
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (first,) = box.tell(box.bob, invite, 180)
    box.tell(box.bob, invite, 503)
    (invite,) = box.requested(box.carol)
    (second,) = box.tell(box.carol, invite, 180, contact="<sip:200@192.0.2.30:5060>")
    assert first.recipient.tag != second.recipient.tag


def test_a_cancel_goes_by_another_connection_where_that_of_the_invite_is_gone() -> None:
    box = CallBox()
    box.hear(box.request(branch="z9hG4bKc"))
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    box.sbc.close_connection(box.bob.connections[-1], "certificate re-check", box.now)
    assert lines(box.hear(box.request("CANCEL", branch="z9hG4bKc"))) == ["200 CANCEL", "487 INVITE"]
    (cancel,) = box.requested(box.bob)
    assert (cancel.method, cancel.via) == ("CANCEL", invite.via)
    box.tell(box.bob, cancel, 200)
    box.tell(box.bob, invite, 487)
    settle(box)


def test_a_number_with_an_at_sign_makes_no_contact_that_cannot_be_read() -> None:
    box = CallBox()
    box.hear(box.request(uri="tel:20@0"))
    (invite,) = box.requested(box.bob)
    (ringing,) = box.tell(box.bob, invite, 180)
    assert ringing.contacts[0].uri == "sip:20%400@10.0.0.5:5060;transport=tcp"


@pytest.mark.parametrize(
    ("uri", "extra", "to_callee", "to_caller"),
    [
        ("sips:200@10.0.0.5:5060", [("Contact", "<sips:100@192.0.2.10>")], "sips", "sips"),
        ("sip:200@10.0.0.5:5060", [("Contact", "<SIPS:100@192.0.2.10>")], "sip", "sips"),
        ("sip:200@10.0.0.5:5060", [("Record-Route", "<sips:proxy.example.org;lr>, <sip:h;lr>")], "sip", "sips"),
        ("sip:200@10.0.0.5:5060", [("Record-Route", "<sip:h;lr>, <sips:proxy.example.org;lr>")], "sip", "sip"),
        ("sip:200@10.0.0.5:5060", [], "sip", "sip"),
        ("tel:200", [], "sip", "sip"),
    ],
)
def test_the_contact_is_as_secure_as_the_call_on_its_side(
    uri: str, extra: list[tuple[str, str]], to_callee: str, to_caller: str
) -> None:
    """RFC 3261 8.1.1.8, 12.1.1 and 12.2.1.1."""
    box = CallBox()
    box.hear(box.request(uri=uri, extra=extra))
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200)
    tag = answer.recipient.tag
    box.hear(box.request("ACK", to_tag=tag))
    box.hear(box.request("UPDATE", to_tag=tag, cseq=2, extra=[each for each in extra if each[0] == "Contact"]))
    _, update = box.requested(box.bob)
    (updated,) = box.tell(box.bob, update, 200)
    for asked in (invite, update):
        assert asked.contacts[0].uri == f"{to_callee}:100@10.0.0.5:5070;transport=tcp"
    for told in (answer, updated):
        assert told.contacts[0].uri == f"{to_caller}:200@10.0.0.5:5060;transport=tcp"


def test_a_callee_who_says_that_he_is_to_be_reached_securely_hears_that_of_the_box_as_well() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, contact="<sips:200@192.0.2.20>")
    assert (invite.contacts[0].uri[:4], answer.contacts[0].uri[:4]) == ("sip:", "sip:")
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.hear(box.request("UPDATE", to_tag=answer.recipient.tag, cseq=2))
    _, update = box.requested(box.bob)
    assert (update.uri, update.contacts[0].uri[:5]) == ("sips:200@192.0.2.20", "sips:")


@pytest.mark.parametrize("what", ["cancel", "bounce", "switchover", "restart", "caller leaves", "time"])
def test_a_call_whose_connection_does_not_come_up_leaves_nothing_behind(what: str) -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    box.bob.behaviour = "hang"
    assert lines(box.hear(box.request(branch="z9hG4bKc"))) == ["100 INVITE"]
    if what == "cancel":
        assert lines(box.hear(box.request("CANCEL", branch="z9hG4bKc"))) == ["200 CANCEL", "487 INVITE"]
    elif what == "bounce":
        box.sent[box.line] = b""
        box.commit(f"{PORT_OUT} action force mode outOfService")
        assert lines(box.heard()) == ["503 INVITE"]
    elif what == "switchover":
        assert box.sbc.switch_over("test", box.now) == ""
    elif what == "restart":
        box.sbc.restart(RestartCause.SOFT, box.now)
    elif what == "caller leaves":
        box.sbc.closed(box.line, "closed by peer", box.now)
    box.pump()
    settle(box)


def test_the_words_of_a_refusal_pass_as_they_are_and_are_plain_in_the_journal() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    words = "nicht da \udcff\x07 \N{SNOWMAN}"
    (refused,) = box.tell(box.bob, invite, 486, reason=words)
    assert isinstance(refused, Response)
    assert refused.reason == words
    assert ended(box) == [("callee", "nicht da ?? \N{SNOWMAN}", 486)]


# What is asked while it rings.


def test_an_invite_that_cannot_be_read_does_not_spoil_the_dialog_that_rings() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (ringing,) = box.tell(box.bob, invite, 180)
    tag = ringing.recipient.tag
    bad = [("Contact", "<sip:a@h>, <sip:b@h>")]
    assert lines(box.hear(box.request(to_tag=tag, cseq=1, extra=bad))) == ["400 INVITE"]
    box.tell(box.bob, invite, 200)
    box.hear(box.request("ACK", to_tag=tag))
    box.requested(box.bob)
    assert lines(box.hear(box.request("BYE", to_tag=tag, cseq=2))) == []
    (bye,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, bye, 200)) == ["200 BYE"]
    settle(box)


@pytest.mark.parametrize("how", ["481", "silence"])
def test_a_callee_that_does_not_take_an_update_while_it_rings_can_still_answer(how: str) -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (ringing,) = box.tell(box.bob, invite, 180)
    tag = ringing.recipient.tag
    box.hear(box.request("UPDATE", to_tag=tag, cseq=2))
    (update,) = box.requested(box.bob)
    if how == "silence":
        box.advance("33s")
    else:
        assert lines(box.tell(box.bob, update, 481)) == ["481 UPDATE"]
    assert lines(box.tell(box.bob, invite, 200)) == ["200 INVITE"]
    box.hear(box.request("ACK", to_tag=tag))
    box.requested(box.bob)
    box.hear(box.request("BYE", to_tag=tag, cseq=3))
    (bye,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, bye, 200)) == ["200 BYE"]
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


def test_what_a_fork_that_lost_does_not_answer_ends_no_call() -> None:
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (first,) = box.tell(box.bob, invite, 180, tag="one")
    box.hear(box.request("UPDATE", to_tag=first.recipient.tag, cseq=2))
    (update,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, tag="two")
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.tell(box.bob, update, 481, tag="one")
    assert ended(box) == []
    box.advance("40s")
    assert len(box.sbc.calls()) == 1


def test_what_a_callee_asks_while_it_rings_is_answered_though_the_next_route_is_tried() -> None:
    box = CallBox(*SECOND)
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    box.tell(box.bob, invite, 180)
    box.utter(box.bob, box.within(invite, "UPDATE", extra=[("Contact", "<sip:200@192.0.2.20:5060>")]))
    (update,) = box.requested(box.alice)
    box.tell(box.bob, invite, 503)
    (invite,) = box.requested(box.carol)
    box.tell(box.alice, update, 200, contact="<sip:100@192.0.2.10:5060>")
    assert lines(box.bob.told) == ["200 UPDATE"]
    (answer,) = box.tell(box.carol, invite, 200, contact="<sip:200@192.0.2.30:5060>")
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.requested(box.carol)
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.carol)
    box.tell(box.carol, bye, 200)
    settle(box)


# What ends a call.


def test_a_bye_that_is_challenged_when_the_box_has_ended_the_call_changes_nothing() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN state disabled mode outOfService")
    assert [by for by, _, _ in ended(box)] == ["local"]
    assert lines(box.tell(box.bob, bye, 401)) == ["200 BYE"]
    settle(box)


def test_a_bye_that_is_challenged_when_the_other_side_has_hung_up_too_ends_the_call() -> None:
    box = CallBox()
    invite, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    box.utter(box.bob, box.within(invite, "BYE"))
    assert lines(box.bob.told) == ["200 BYE"]
    assert len(ended(box)) == 1
    assert lines(box.tell(box.bob, bye, 401)) == ["200 BYE"]
    settle(box)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_answer_that_is_said_again_while_a_bye_is_on_its_way_hears_the_ack_of_the_caller(acknowledged: bool) -> None:
    """And no other, as that one may carry the answer to an offer (RFC 3261 13.2.2.4)."""
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, body=SDP)
    tag = answer.recipient.tag
    ack = box.request("ACK", to_tag=tag, body=b"answer", extra=[("Content-Type", "application/sdp")])
    if acknowledged:
        box.hear(ack)
    box.hear(box.request("BYE", to_tag=tag, cseq=2))
    *_, bye = box.requested(box.bob)
    assert box.tell(box.bob, invite, 200, body=SDP) == []
    if not acknowledged:
        assert box.requested(box.bob) == []
        box.hear(ack)
    (again,) = box.requested(box.bob)
    assert (again.method, again.body) == ("ACK", b"answer")
    assert lines(box.tell(box.bob, bye, 200)) == ["200 BYE"]
    settle(box)


@pytest.mark.parametrize("status", [200, 401, 481, 0])
def test_a_bye_that_crosses_one_of_the_box_is_answered_on_either_side(status: int) -> None:
    box = CallBox()
    invite, answer = box.standing()
    tag = answer.recipient.tag
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN action force mode outOfService")
    (to_caller,), (to_callee,) = box.requested(box.alice), box.requested(box.bob)
    assert lines([to_caller, to_callee]) == ["BYE", "BYE"]
    assert lines(box.hear(box.request("INFO", to_tag=tag, cseq=2))) == ["481 INFO"]
    assert lines(box.hear(box.request("BYE", to_tag=tag, cseq=1))) == ["500 BYE"]
    assert lines(box.hear(box.request("BYE", to_tag=tag, cseq=3))) == ["200 BYE"]
    assert lines(box.hear(box.request("BYE", to_tag=tag, cseq=4))) == ["481 BYE"]
    box.utter(box.bob, box.within(invite, "BYE"))
    assert lines(box.bob.told) == ["200 BYE"]
    if status:
        box.tell(box.bob, to_callee, status)
        box.tell(box.alice, to_caller, status)
    assert ended(box) == [("local", "mode outOfService", 0)]
    settle(box)


@pytest.mark.parametrize("status", [200, 401])
def test_who_says_bye_twice_has_hung_up_once(status: int) -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=2))
    (bye,) = box.requested(box.bob)
    assert lines(box.hear(box.request("BYE", to_tag=answer.recipient.tag, cseq=3))) == ["200 BYE"]
    assert lines(box.tell(box.bob, bye, status)) == [f"{status} BYE"]
    assert ended(box) == [("caller", "BYE", 0)]
    settle(box)


@pytest.mark.parametrize("caller", ["dialled before", "dialled for that", "dialled twice for that"])
def test_both_sides_hear_of_an_end_that_takes_their_interface_out_of_service(caller: str) -> None:
    """Also the caller, who has to be dialled for that, and once more where the first time comes to nothing."""
    box = CallBox()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = box.tell(box.bob, invite, 200, extra=[("Session-Expires", "90;refresher=uac")])
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.requested(box.bob)
    interface = "set addressContext default ipInterfaceGroup G ipInterface I"
    box.commit(f"{interface} action dryUp dryupTimeout 10 mode outOfService")
    assert len(box.sbc.calls()) == 1
    if caller == "dialled before":
        box.utter(box.bob, box.within(invite, "INFO"))
        (info,) = box.requested(box.alice)
        box.tell(box.alice, info, 200)
    box.alice.behaviour = box.bob.behaviour = "answer"
    if caller == "dialled twice for that":
        box.alice.refusals = 1
        box.sbc.closed(box.line, "closed by peer", box.now)
    box.advance("70s")
    assert [event.new for event in box.events("portState") if "ipInterface" in event.object][-1] == "outOfService"
    assert ended(box) == [("local", "session expired", 0)]
    assert lines(box.requested(box.bob)) == ["BYE"]
    assert lines(box.requested(box.alice)) == ["BYE"]
    settle(box)


def test_a_switchover_forgets_those_who_are_being_told_of_an_end() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    box.standing()
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN state disabled mode outOfService")
    assert lines(box.requested(box.bob)) == ["BYE"]
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert box.footprint() == 0


def test_a_switchover_forgets_what_has_been_acknowledged() -> None:
    box = CallBox(settings=Settings(ha=HaMode.PAIR))
    _, answer = box.standing()
    before = box.footprint()
    assert box.sbc.switch_over("test", box.now) == ""
    box.pump()
    assert box.footprint() < before
    box.advance("40s")
    assert len(box.sbc.calls()) == 1
    kept = box.footprint()
    box.line = box.connect(IN, remote=("192.0.2.10", 40001))
    box.hear(box.request("INFO", to_tag=answer.recipient.tag, cseq=2))
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    box.advance("40s")
    assert box.footprint() == kept


# What is asked within a call.


def test_what_nobody_answers_leaves_nothing_behind() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.advance("40s")
    box.utter(box.bob, box.request("OPTIONS"))
    box.hear(box.request("NOTIFY", to_tag=answer.recipient.tag, cseq=2))
    box.requested(box.bob)
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.advance("40s")
    assert ended(box) == []  # that is about a subscription
    box.bob.behaviour = "silent"
    box.hear(box.request("UPDATE", to_tag=answer.recipient.tag, cseq=3))
    assert lines(box.requested(box.bob)) == ["UPDATE"]
    box.advance("33s")
    assert ended(box) == [("callee", "408 to UPDATE", 0)]
    assert lines(box.requested(box.alice)) == lines(box.requested(box.bob)) == ["BYE"]
    box.advance("40s")
    settle(box)


def test_an_answer_that_comes_behind_the_end_of_the_call_is_acknowledged_and_goes_no_further() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request(to_tag=answer.recipient.tag, cseq=2, body=SDP))
    (again,) = box.requested(box.bob)
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN state disabled mode outOfService")
    (bye,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, again, 200, body=SDP)) == ["487 INVITE"]
    assert lines(box.requested(box.bob)) == ["ACK"]
    assert box.tell(box.bob, again, 200, body=SDP) == []
    assert lines(box.requested(box.bob)) == ["ACK"]
    box.tell(box.bob, bye, 200)
    settle(box)


def test_a_side_that_does_not_answer_is_told_of_the_end_as_well_as_the_other() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("UPDATE", to_tag=answer.recipient.tag, cseq=2))
    assert lines(box.requested(box.bob)) == ["UPDATE"]
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.advance("33s")
    assert ended(box) == [("callee", "408 to UPDATE", 0)]
    assert (lines(box.requested(box.alice)), lines(box.requested(box.bob))) == (["BYE"], ["BYE"])
    settle(box)


def test_what_is_asked_on_connections_that_break_on_both_sides_leaves_nothing_behind() -> None:
    box = CallBox()
    _, answer = box.standing()
    box.hear(box.request("INFO", to_tag=answer.recipient.tag, cseq=2))
    (info,) = box.requested(box.bob)
    box.sbc.closed(box.line, "closed by peer", box.now)
    box.sbc.closed(box.bob.connections[-1], "closed by peer", box.now)
    box.pump()
    (again,) = box.requested(box.bob)
    assert again.cseq == info.cseq
    box.tell(box.bob, again, 200)
    box.alice.behaviour = box.bob.behaviour = "answer"
    box.commit("set addressContext default zone IN sipTrunkGroup TG-IN state disabled mode outOfService")
    settle(box)


def test_a_message_that_nobody_answers_leaves_nothing_behind() -> None:
    box = CallBox()
    box.hear(box.request("MESSAGE"))
    assert lines(box.requested(box.bob)) == ["MESSAGE"]
    settle(box)


def test_a_copy_of_an_answer_is_known_while_the_next_request_is_open() -> None:
    box = CallBox()
    _, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request(to_tag=tag, cseq=2, body=SDP))
    (second,) = box.requested(box.bob)
    box.tell(box.bob, second, 200, body=SDP)
    box.hear(box.request("ACK", to_tag=tag, cseq=2))
    box.requested(box.bob)
    box.hear(box.request(to_tag=tag, cseq=3, body=SDP))
    (third,) = box.requested(box.bob)
    assert box.tell(box.bob, second, 200, body=SDP) == []
    assert lines(box.requested(box.bob)) == ["ACK"]
    assert lines(box.tell(box.bob, third, 200, body=SDP)) == ["200 INVITE"]
    box.hear(box.request("ACK", to_tag=tag, cseq=3))
    box.requested(box.bob)
    box.hear(box.request("BYE", to_tag=tag, cseq=4))
    (bye,) = box.requested(box.bob)
    box.tell(box.bob, bye, 200)
    settle(box)


def test_a_refused_invite_is_not_said_again_where_its_ack_cannot_be_sent() -> None:
    box = callee_by_udp()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = tell_by_udp(box, invite, 200)
    tag = answer.recipient.tag
    box.hear(box.request("ACK", to_tag=tag))
    box.requested(box.bob)
    box.hear(box.request(to_tag=tag, cseq=2))
    (again,) = box.requested(box.bob)
    box.bob.behaviour = "refuse"
    assert lines(tell_by_udp(box, again, 488)) == ["488 INVITE"]
    box.bob.behaviour = "silent"
    assert box.requested(box.bob) == []
    box.advance("1s")
    assert box.requested(box.bob) == []
    assert len(box.sbc.calls()) == 1


def test_a_provisional_answer_that_cannot_be_read_ends_nothing() -> None:
    box = callee_by_udp()
    box.hear(box.request())
    (invite,) = box.requested(box.bob)
    (answer,) = tell_by_udp(box, invite, 200)
    tag = answer.recipient.tag
    box.hear(box.request("ACK", to_tag=tag))
    box.requested(box.bob)
    box.hear(box.request("INVITE", to_tag=tag, cseq=2))
    (again,) = box.requested(box.bob)
    assert tell_by_udp(box, again, 183, Contact="<sip:a@h>, <sip:b@h>") == []
    assert lines(tell_by_udp(box, again, 200)) == ["200 INVITE"]


@pytest.mark.parametrize("method", ["INFO", "UPDATE", "MESSAGE"])
def test_nothing_but_an_invite_is_told_how_far_it_has_come(method: str) -> None:
    box = CallBox()
    _, answer = box.standing()
    tag = "" if method == "MESSAGE" else answer.recipient.tag
    box.hear(box.request(method, to_tag=tag, cseq=2, call_id="a-call" if tag else "m"))
    (asked,) = box.requested(box.bob)
    assert box.tell(box.bob, asked, 183) == []
    assert lines(box.tell(box.bob, asked, 200)) == [f"200 {method}"]


@pytest.mark.parametrize("method", ["UPDATE", "REFER", "NOTIFY", "SUBSCRIBE"])
def test_who_says_in_a_call_that_he_has_moved_is_asked_there(method: str) -> None:
    """On either side: with what he asks, and with what he answers (RFC 5057 5.4)."""
    box = CallBox(*BOTH_WAYS)
    invite, answer = box.standing()
    tag = answer.recipient.tag
    box.utter(box.bob, box.within(invite, method, extra=[("Contact", "<sip:200@192.0.2.20:5060;moved>")]))
    (passed,) = box.requested(box.alice)
    box.tell(box.alice, passed, 200, contact="<sip:100@192.0.2.10:5060;moved>")
    box.hear(box.request("INFO", to_tag=tag, cseq=2))
    box.utter(box.bob, box.within(invite, "INFO", cseq=2))
    (to_callee,), (to_caller,) = box.requested(box.bob), box.requested(box.alice)
    assert (to_callee.uri, to_caller.uri) == ("sip:200@192.0.2.20:5060;moved", "sip:100@192.0.2.10:5060;moved")


def test_a_renegotiation_whose_answer_says_wrongly_where_it_comes_from_is_acknowledged_and_changes_nothing() -> None:
    box = CallBox()
    _, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request(to_tag=tag, cseq=2, body=SDP))
    (again,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, again, 200, contact=TWO_CONTACTS, body=SDP)) == ["502 INVITE"]
    for _ in range(2):
        (ack,) = box.requested(box.bob)
        assert (ack.method, ack.cseq.number, ack.uri) == ("ACK", again.cseq.number, "sip:200@192.0.2.20:5060")
        assert box.tell(box.bob, again, 200, contact=TWO_CONTACTS, body=SDP) == []
    box.requested(box.bob)
    box.advance("40s")
    assert len(box.sbc.calls()) == 1
    box.hear(box.request(to_tag=tag, cseq=3, body=SDP))
    (third,) = box.requested(box.bob)
    assert lines(box.tell(box.bob, third, 200, body=SDP)) == ["200 INVITE"]


@pytest.mark.parametrize("answered", [False, True])
def test_a_prack_of_a_renegotiation_speaks_of_the_number_on_the_other_side(answered: bool) -> None:
    """Also one that the final answer has overtaken."""
    box = CallBox()
    _, answer = box.standing()
    tag = answer.recipient.tag
    box.hear(box.request("INFO", to_tag=tag, cseq=5))
    (info,) = box.requested(box.bob)
    box.tell(box.bob, info, 200)
    box.hear(box.request(to_tag=tag, cseq=17))
    (again,) = box.requested(box.bob)
    box.tell(box.bob, again, 183, extra=[("Require", "100rel"), ("RSeq", "9")])
    if answered:
        assert lines(box.tell(box.bob, again, 200)) == ["200 INVITE"]
        box.hear(box.request("ACK", to_tag=tag, cseq=17))
        box.requested(box.bob)
    for cseq, (asked, passed) in enumerate([(17, again.cseq.number), (1, 1), (16, 16)], 18):
        box.hear(box.request("PRACK", to_tag=tag, cseq=cseq, extra=[("RAck", f"9 {asked} INVITE")]))
        (prack,) = box.requested(box.bob)
        assert prack.headers.one("RAck") == f"9 {passed} INVITE"


@pytest.mark.parametrize("answered", [False, True])
def test_a_prack_of_the_callee_speaks_of_the_number_on_the_side_of_the_caller(answered: bool) -> None:
    box = CallBox(*BOTH_WAYS)
    invite, _ = box.standing()
    box.utter(box.bob, box.within(invite, "INVITE", cseq=7, extra=[("Contact", "<sip:200@192.0.2.20:5060>")]))
    (again,) = box.requested(box.alice)
    reliable = [("Require", "100rel"), ("RSeq", "9")]
    box.tell(box.alice, again, 183, contact="<sip:100@192.0.2.10:5060>", extra=reliable)
    if answered:
        box.tell(box.alice, again, 200, contact="<sip:100@192.0.2.10:5060>")
    box.utter(box.bob, box.within(invite, "PRACK", cseq=8, extra=[("RAck", "9 7 INVITE")]))
    (prack,) = box.requested(box.alice)
    assert prack.headers.one("RAck") == f"9 {again.cseq.number} INVITE" != "9 7 INVITE"


# What a port does that drains.


def test_an_invite_that_is_known_is_not_refused_when_it_comes_again_on_a_port_that_drains() -> None:
    box = CallBox()
    box.commit(f"{PORT_IN} mode outOfService state disabled")
    box.commit(f"{PORT_IN} transportProtocolsAllowed sip-udp")
    box.commit(f"{PORT_IN} mode inService state enabled")
    invite = box.request().to_bytes().replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP")
    box.say_by_udp(invite, CALLER)
    box.commit(f"{PORT_IN} action dryup dryUpTimeout 5 mode outOfService")
    box.say_by_udp(invite, CALLER)
    box.say_by_udp(invite.replace(b"a-call", b"new").replace(b"z9hG4bK", b"z9hG4bKnew"), CALLER)
    assert [each.status for each in box.alice.told] == [100, 100, 503]


def test_calls_between_two_sides_that_are_one_peer_on_one_port() -> None:
    box = CallBox(*BOTH_WAYS, "set global callRouting routingLabel TO-BOB routingLabelRoute 1 trunkGroup TG-IN")
    box.commit("set global callRouting routingLabel TO-BOB routingLabelRoute 1 ipPeer ALICE")
    box.hear(box.request())
    (invite,) = box.requested(box.alice)
    (answer,) = box.tell(box.alice, invite, 200)
    box.hear(box.request("ACK", to_tag=answer.recipient.tag))
    box.requested(box.alice)
    box.alice.behaviour = "answer"
    box.sent[box.line] = b""
    box.commit(f"{PORT_IN} action force mode outOfService")
    assert lines([*box.requested(box.alice), *box.heard()]) == ["BYE", "BYE"]
    settle(box)
