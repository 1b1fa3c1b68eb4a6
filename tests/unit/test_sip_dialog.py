"""Dialogs: the table row by row, and what each side makes of requests, responses, forks and routes."""

from __future__ import annotations

import pytest
from sipcalls import WITHIN, answer, request

from sbcsim.errors import BugError
from sbcsim.sip.dialog import (
    TRANSITIONS,
    Dialog,
    DialogId,
    DialogState,
    DialogTrigger,
    Refused,
    knows_nothing,
    received_id,
)
from sbcsim.sip.dialogs import Dialogs
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.via import hop

VIA = hop("UDP", ("192.0.2.1", 5060), "next")


def caller(status: int = 200, **how: object) -> Dialog:
    invite = request(cseq=5)
    return Dialog.of_caller(invite, answer(invite, status, **how))  # type: ignore[arg-type]


def callee(status: int = 200, **how: object) -> Dialog:
    invite = request(cseq=5, **how)  # type: ignore[arg-type]
    return Dialog.of_callee(invite, answer(invite, status))


def theirs(method: str, cseq: int, contact: str = "") -> Request:
    """Return a request of the far end of `callee()`."""
    extra = [("Contact", f"<{contact}>")] if contact else []
    return request(method, cseq=cseq, to=WITHIN, branch=f"z9hG4bK{method}{cseq}", extra=extra)


def reached() -> dict[DialogState, list[DialogTrigger]]:
    ways: dict[DialogState, list[DialogTrigger]] = {DialogState.INITIAL: []}
    waiting = [DialogState.INITIAL]
    while waiting:
        here = waiting.pop(0)
        for (before, trigger), after in TRANSITIONS.items():
            if before is here and after not in ways:
                ways[after] = [*ways[here], trigger]
                waiting.append(after)
    return ways


WAYS = reached()


def in_state(state: DialogState) -> Dialog:
    dialog = Dialog(DialogId("c", "a", "b"), caller=True, local="", remote="", routes=(), target="sip:b@h")
    for trigger in WAYS[state]:
        dialog.move(trigger)
    assert dialog.state is state
    return dialog


@pytest.mark.parametrize("state", DialogState)
@pytest.mark.parametrize("trigger", DialogTrigger)
def test_every_transition_and_every_other(state: DialogState, trigger: DialogTrigger) -> None:
    dialog = in_state(state)
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        with pytest.raises(BugError):
            dialog.move(trigger)
        assert dialog.state is state
    else:
        assert dialog.move(trigger) is state
        assert dialog.state is after


def test_what_a_caller_knows() -> None:
    invite = request(cseq=5)
    routes = [("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")]
    dialog = Dialog.of_caller(invite, answer(invite, 180, tag="t", contact="<sip:bob@192.0.2.77>", extra=routes))
    assert (dialog.id, dialog.caller, dialog.state) == (DialogId("call", "a", "t"), True, DialogState.EARLY)
    assert (dialog.local, dialog.remote) == ("<sip:alice@example.org>;tag=a", "<sip:bob@example.com>;tag=t")
    assert (dialog.target, dialog.routes) == ("sip:bob@192.0.2.77", ("<sip:p1;lr>", "<sip:p2;lr>"))
    assert (dialog.local_cseq, dialog.remote_cseq) == (5, None)
    assert dialog.next_hop == "sip:p1;lr"


def test_what_a_callee_knows() -> None:
    routes = [("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")]
    dialog = callee(180, extra=routes)
    assert (dialog.id, dialog.caller, dialog.state) == (DialogId("call", "b", "a"), False, DialogState.EARLY)
    assert (dialog.local, dialog.remote) == (WITHIN, "<sip:alice@example.org>;tag=a")
    assert (dialog.target, dialog.routes) == ("sip:alice@192.0.2.1:5060", ("<sip:p2;lr>", "<sip:p1;lr>"))
    assert (dialog.local_cseq, dialog.remote_cseq) == (0, 5)


def test_a_request_in_a_dialog() -> None:
    dialog = caller(extra=[("Record-Route", "<sip:p1;lr>")])
    sent = dialog.request("INFO", VIA, [("Odd", "x")], b"body")
    sent.check()
    assert (sent.method, sent.uri, str(sent.cseq)) == ("INFO", "sip:bob@192.0.2.2:5060", "6 INFO")
    assert (sent.headers.get("Route"), sent.headers.get("Odd"), sent.body) == ("<sip:p1;lr>", "x", b"body")
    assert (sent.sender.tag, sent.recipient.tag, sent.call_id, sent.max_forwards) == ("a", "b", "call", 70)
    assert str(dialog.request("UPDATE", VIA).cseq) == "7 UPDATE"
    assert str(dialog.request("ACK", VIA).cseq) == "5 ACK"
    assert str(dialog.request("ACK", VIA, cseq=6).cseq) == "6 ACK"
    assert str(dialog.request("BYE", VIA).cseq) == "8 BYE"


def test_a_request_past_a_strict_router() -> None:
    dialog = caller(extra=[("Record-Route", "<sip:p2;lr>"), ("Record-Route", "<sip:p1>")])
    sent = dialog.request("BYE", VIA)
    assert sent.uri == dialog.next_hop == "sip:p1"
    assert sent.headers.all("Route") == ["<sip:p2;lr>", "<sip:bob@192.0.2.2:5060>"]


def test_a_dialog_needs_one_contact() -> None:
    invite = request()
    for contact in ("", "*", "<sip:a@h>, <sip:b@h>"):
        with pytest.raises(SipError):
            Dialog.of_caller(invite, answer(invite, 200, contact=contact))


def test_requests_come_in_order() -> None:
    dialog = callee()
    assert dialog.take(theirs("INFO", 9)) is None
    for late in (5, 8, 9):
        assert dialog.take(theirs("INFO", late)) == Refused(500, "request out of order")
    assert dialog.remote_cseq == 9
    assert dialog.take(theirs("ACK", 5)) is None
    assert caller().take(request("INFO", cseq=1, to=WITHIN)) is None


def test_invites_of_both_sides_at_once() -> None:
    dialog = callee()
    sent = dialog.request("INVITE", VIA)
    refused = dialog.take(theirs("INVITE", 6))
    assert refused == Refused(491, "INVITE of both sides at once")
    assert dialog.take(theirs("UPDATE", 7)) is None
    dialog.answered_there(answer(sent, 491))
    assert dialog.take(theirs("INVITE", 8)) is None
    assert dialog.take(theirs("INVITE", 9)) == Refused(500, "another INVITE is not answered yet", retry=True)


def test_the_first_invite_is_open_until_it_is_answered() -> None:
    assert caller(180).take(request("INVITE", cseq=1, to=WITHIN)) == Refused(491, "INVITE of both sides at once")
    dialog = callee(180)
    assert isinstance(dialog.take(theirs("INVITE", 6)), Refused)
    assert dialog.take(theirs("UPDATE", 7)) is None
    dialog.answered_here(answer(request(cseq=5), 200))
    assert dialog.take(theirs("INVITE", 8)) is None


def test_one_invite_at_a_time_of_ours() -> None:
    dialog = caller()
    sent = dialog.request("INVITE", VIA)
    with pytest.raises(BugError):
        dialog.request("INVITE", VIA)
    assert dialog.local_cseq == 6
    dialog.answered_there(answer(sent, 200))
    assert str(dialog.request("INVITE", VIA).cseq) == "7 INVITE"


@pytest.mark.parametrize(("method", "status", "moves"), [("INVITE", 200, True), ("UPDATE", 200, True),
                                                         ("REFER", 202, True), ("NOTIFY", 200, True),
                                                         ("SUBSCRIBE", 200, True), ("INVITE", 488, False),
                                                         ("NOTIFY", 481, False), ("INFO", 200, False)])  # fmt: skip
def test_a_refresh_moves_the_target_once_it_is_accepted(method: str, status: int, moves: bool) -> None:
    dialog, came = callee(), theirs(method, 6, "sip:alice@192.0.2.50")
    before = dialog.target
    assert dialog.take(came) is None
    assert dialog.target == before
    dialog.answered_here(answer(came, 180))
    assert dialog.target == before
    dialog.answered_here(answer(came, status))
    assert dialog.target == ("sip:alice@192.0.2.50" if moves else before)
    dialog = caller()
    before, sent = dialog.target, dialog.request(method, VIA)
    dialog.answered_there(answer(sent, status, contact="<sip:bob@192.0.2.60>"))
    assert dialog.target == ("sip:bob@192.0.2.60" if moves else before)


def test_several_requests_that_may_move_the_target_are_open_but_one_invite() -> None:
    dialog = callee()
    for number in (6, 7):
        assert dialog.take(theirs("NOTIFY", number, f"sip:n{number}@192.0.2.50")) is None
    sent = [dialog.request("NOTIFY", VIA), dialog.request("NOTIFY", VIA), dialog.request("INVITE", VIA)]
    assert not dialog.pending("NOTIFY")
    assert isinstance(dialog.take(theirs("INVITE", 8)), Refused)
    for number in (6, 7):
        dialog.answered_here(answer(theirs("NOTIFY", number), 200))
        assert dialog.target == f"sip:n{number}@192.0.2.50"
    dialog.unanswered(sent[0])
    dialog.answered_there(answer(sent[1], 200, contact="<sip:bob@192.0.2.60>"))
    assert dialog.target == "sip:bob@192.0.2.60"
    dialog.answered_there(answer(sent[1], 200, contact="<sip:bob@192.0.2.61>"))
    assert dialog.target == "sip:bob@192.0.2.60"


def test_only_the_first_invite_moves_the_target_before_it_is_accepted() -> None:
    dialog = caller(180)
    update = dialog.request("UPDATE", VIA)
    dialog.answered_there(answer(update, 180, contact="<sip:bob@192.0.2.60>"))
    assert dialog.target == "sip:bob@192.0.2.2:5060"
    dialog.answered_there(answer(request(cseq=5), 183, contact="<sip:bob@192.0.2.61>"))
    assert dialog.target == "sip:bob@192.0.2.61"


def test_the_2xx_that_makes_a_dialog_says_by_which_way_it_goes_on() -> None:
    """And no other: neither a re-INVITE nor a late copy changes the route set (RFC 3261 12.2, 13.2.2.4)."""
    dialog, invite = caller(180, extra=[("Record-Route", "<sip:early;lr>")]), request(cseq=5)
    dialog.answered_there(answer(invite, 183, extra=[("Record-Route", "<sip:again;lr>")]))
    assert dialog.routes == ("<sip:early;lr>",)
    dialog.answered_there(answer(invite, 200, extra=[("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")]))
    assert dialog.routes == ("<sip:p1;lr>", "<sip:p2;lr>")
    other = [("Record-Route", "<sip:other;lr>")]
    dialog.answered_there(answer(invite, 200, extra=other))
    dialog.answered_there(answer(dialog.request("INVITE", VIA), 200, extra=other))
    assert dialog.request("BYE", VIA).headers.all("Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]


def test_a_2xx_without_a_route_has_the_requests_go_straight() -> None:
    dialog = caller(180, extra=[("Record-Route", "<sip:early;lr>")])
    dialog.answered_there(answer(request(cseq=5), 200))
    assert (dialog.routes, dialog.next_hop) == ((), dialog.target)


@pytest.mark.parametrize("name", ["Contact", "Record-Route"])
def test_a_2xx_that_says_wrongly_where_it_comes_from_counts_all_the_same(name: str) -> None:
    """So that it can be acknowledged, and the dialog be ended, by the way that was known before."""
    dialog = caller(180)
    before = dialog.target
    bad = {"contact": "<sip:a@h>, <sip:b@h>"} if name == "Contact" else {"extra": [("Record-Route", "<sip:>")]}
    with pytest.raises(SipError):
        dialog.answered_there(answer(request(cseq=5), 200, **bad))  # type: ignore[arg-type]
    assert (dialog.state, dialog.target, dialog.routes) == (DialogState.CONFIRMED, before, ())
    dialog.answered_there(answer(request(cseq=5), 200, **bad))  # type: ignore[arg-type]
    for method in ("INVITE", "UPDATE"):
        with pytest.raises(SipError):
            dialog.answered_there(answer(dialog.request(method, VIA), 200, contact="<sip:a@h>, <sip:b@h>"))
        assert dialog.target == before
        assert not dialog.pending(method)


def test_a_late_copy_of_a_response_moves_nothing_back() -> None:
    dialog, invite = caller(), request(cseq=5)
    dialog.answered_there(answer(dialog.request("UPDATE", VIA), 200, contact="<sip:bob@192.0.2.60>"))
    for status in (183, 200):
        dialog.answered_there(answer(invite, status))
    assert dialog.target == "sip:bob@192.0.2.60"


def test_no_invite_of_ours_while_one_of_the_far_end_is_open() -> None:
    dialog = callee(180)
    assert dialog.pending("INVITE")
    with pytest.raises(BugError):
        dialog.request("INVITE", VIA)
    dialog.request("UPDATE", VIA)


def test_a_bye_of_the_far_end() -> None:
    dialog, bye = callee(), theirs("BYE", 6)
    assert dialog.take(bye) is None
    assert dialog.state is DialogState.ENDING
    assert dialog.take(theirs("INFO", 7)) == Refused(481, "dialog is over")
    dialog.answered_here(answer(bye, 200))
    assert dialog.state is DialogState.TERMINATED
    assert dialog.take(theirs("BYE", 8)) == Refused(481, "dialog is over")
    with pytest.raises(BugError):
        dialog.request("INFO", VIA)


def test_a_bye_that_is_asked_for_credentials_is_said_again() -> None:
    dialog = caller()
    for status, state in ((407, DialogState.CONFIRMED), (200, DialogState.TERMINATED)):
        bye = dialog.request("BYE", VIA)
        assert dialog.state is DialogState.ENDING
        dialog.answered_there(answer(bye, status))
        assert dialog.state is state


def test_byes_that_cross() -> None:
    dialog = callee()
    ours, came = dialog.request("BYE", VIA), theirs("BYE", 6)
    assert dialog.take(came) is None
    dialog.answered_here(answer(came, 200))
    dialog.answered_there(answer(ours, 481))
    assert dialog.state is DialogState.TERMINATED
    with pytest.raises(BugError):
        dialog.request("BYE", VIA)


def test_of_byes_that_cross_one_may_be_asked_for_credentials() -> None:
    for first in (True, False):
        dialog = callee()
        ours, came = dialog.request("BYE", VIA), theirs("BYE", 6)
        assert dialog.take(came) is None
        for challenge in (first, not first):
            if challenge:
                dialog.answered_there(answer(ours, 407))
            else:
                dialog.answered_here(answer(came, 200))
        assert dialog.state is DialogState.TERMINATED


def test_an_early_dialog_takes_a_bye_but_sends_none() -> None:
    dialog = caller(180)
    with pytest.raises(BugError):
        dialog.request("BYE", VIA)
    assert (dialog.local_cseq, dialog.state) == (5, DialogState.EARLY)
    bye = request("BYE", cseq=1, to=WITHIN)
    assert dialog.take(bye) is None
    dialog.answered_here(answer(bye, 200))
    assert dialog.state is DialogState.TERMINATED


@pytest.mark.parametrize(
    ("method", "status", "lost"),
    [
        ("INFO", 481, True),
        ("INVITE", 408, True),
        ("INFO", 500, False),
        ("PRACK", 481, False),
        ("REFER", 481, False),
        ("OPTIONS", 408, False),
    ],
)
def test_answers_behind_which_bye_is_said(method: str, status: int, lost: bool) -> None:
    dialog = caller()
    dialog.answered_there(answer(dialog.request(method, VIA), status))
    assert knows_nothing(method, status) == lost
    dialog.answered_there(answer(dialog.request("BYE", VIA), 481))
    assert dialog.state is DialogState.TERMINATED


def test_the_contacts_of_other_answers_are_of_no_interest() -> None:
    dialog = caller()
    dialog.answered_there(answer(dialog.request("OPTIONS", VIA), 200, contact="<sip:a@h>, <sip:b@h>"))
    assert dialog.target == "sip:bob@192.0.2.2:5060"


def test_silence_behind_a_bye_ends_a_dialog() -> None:
    dialog = caller()
    dialog.unanswered(dialog.request("UPDATE", VIA))
    dialog.unanswered(dialog.request("UPDATE", VIA))
    assert dialog.state is DialogState.CONFIRMED
    dialog.unanswered(dialog.request("BYE", VIA))
    assert dialog.state is DialogState.TERMINATED


def test_numbers_run_out() -> None:
    dialog = caller()
    dialog.local_cseq = 2**31 - 1
    with pytest.raises(BugError):
        dialog.request("INFO", VIA)


def test_old_clients_have_no_tags() -> None:
    invite = request(sender="<sip:alice@example.org>")
    dialog = Dialog.of_callee(invite, answer(invite, 200))
    assert dialog.id == DialogId("call", "b", "")
    assert received_id(request("BYE", sender="<sip:alice@example.org>", to=WITHIN)) == dialog.id


def test_each_fork_has_its_dialog() -> None:
    dialogs, invite = Dialogs(), request()
    assert dialogs.called(invite, answer(invite, 100, tag="")) is None
    first, second = (dialogs.called(invite, answer(invite, 180, tag=tag)) for tag in ("b", "c"))
    assert first is not second
    assert dialogs.called(invite, answer(invite, 183, tag="b")) is first
    assert dialogs.forks(invite) == [first, second]
    assert dialogs.called(invite, answer(invite, 200, tag="c")) is second
    late = dialogs.called(invite, answer(invite, 200, tag="d"))
    assert late is not None
    assert late.state is DialogState.CONFIRMED
    assert dialogs.over(invite) == [first]
    assert list(dialogs) == [second, late]


def test_a_refusal_ends_all_forks() -> None:
    dialogs, invite = Dialogs(), request()
    for tag in ("b", "c"):
        dialogs.called(invite, answer(invite, 180, tag=tag))
    assert dialogs.called(invite, answer(invite, 486, tag="other")) is None
    assert dialogs.called(invite, answer(invite, 486, tag="b")) is not None
    assert len(dialogs.over(invite)) == 2
    assert len(dialogs) == 0
    assert dialogs.forks(invite) == []


def test_a_late_copy_of_a_2xx_finds_its_dialog_even_if_that_is_over() -> None:
    dialogs, invite = Dialogs(), request()
    dialog = dialogs.called(invite, answer(invite, 200))
    assert dialog is not None
    dialog.move(DialogTrigger.LOST)
    dialogs.forget(dialog)
    assert dialogs.called(invite, answer(invite, 200)) is dialog
    assert dialogs.over(invite) == [dialog]
    assert len(dialogs) == 0


def test_a_callee_has_one_dialog() -> None:
    dialogs, invite = Dialogs(), request()
    assert dialogs.answered(invite, answer(invite, 100, tag="")) is None
    dialog = dialogs.answered(invite, answer(invite, 180))
    assert dialog is not None
    assert dialogs.answered(invite, answer(invite, 200)) is dialog
    assert dialog.state is DialogState.CONFIRMED
    assert dialogs.find(theirs("BYE", 6)) is dialog
    assert dialogs.find(request("BYE", to="<sip:bob@example.com>;tag=other")) is None
    with pytest.raises(BugError):
        dialogs.forget(dialog)
    dialog.move(DialogTrigger.LOST)
    dialogs.forget(dialog)
    with pytest.raises(BugError):
        dialogs.forget(dialog)
    assert len(dialogs) == 0
    assert dialogs.forks(request(sender=WITHIN)) == []


def test_responses_find_their_dialog() -> None:
    dialogs, invite = Dialogs(), request()
    dialog = dialogs.called(invite, answer(invite, 200))
    assert dialog is not None
    info = dialog.request("INFO", VIA)
    back = answer(info, 200)
    assert isinstance(back, Response)
    assert dialogs.find(back) is dialog
