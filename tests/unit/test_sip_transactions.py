"""Transactions as their user sees them: what is sent when, what belongs to which, what is left at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sipcalls import HERE, TLS, UDP, answer, request, start_line

from sbcsim.clock import SECOND
from sbcsim.errors import BugError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.transactions import Outcome, Transactions, client_key, server_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Send, State, Terminated

ms = SECOND // 1000


def said(outcomes: list[Outcome]) -> list[str]:
    """Return outcomes in a few letters each."""
    texts = []
    for each in outcomes:
        match each:
            case Send(message=message):
                texts.append(f"send {start_line(message)}")
            case Deliver(message=message):
                texts.append(f"deliver {start_line(message)}")
            case Failed(why=why):
                texts.append(why.name.lower())
            case Terminated():
                texts.append("over")
    return texts


def timeline(layer: Transactions, until: int = 10**12) -> list[tuple[float, str]]:
    """Let time go on, and return what happens at which second."""
    events: list[tuple[float, str]] = []
    while (due := layer.next_due) is not None and due <= until:
        events += [(due / SECOND, text) for text in said(layer.fire(due))]
    return events


def placed(flow: Flow = UDP, method: str = "INVITE") -> tuple[Transactions, Request, Key]:
    layer = Transactions()
    sent = request(method)
    key, outcomes = layer.request(sent, flow, 0)
    assert outcomes == [Send(key, flow, sent)]
    return layer, sent, key


def taken(flow: Flow = UDP, method: str = "INVITE") -> tuple[Transactions, Request, Key]:
    layer = Transactions()
    came = request(method)
    [delivered] = layer.receive(came, flow, 0)
    assert isinstance(delivered, Deliver)
    assert delivered.key is not None
    return layer, came, delivered.key


def test_an_invite_that_nobody_answers_is_repeated_by_timer_a_until_b() -> None:
    layer, _, _ = placed()
    repeats = [(at, "send INVITE") for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert timeline(layer) == [*repeats, (32.0, "timed_out"), (32.0, "over")]
    assert layer.footprint == 0


def test_another_request_is_repeated_by_timer_e_until_f() -> None:
    layer, _, _ = placed(method="OPTIONS")
    repeats = [(at, "send OPTIONS") for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
    assert timeline(layer) == [*repeats, (32.0, "timed_out"), (32.0, "over")]


def test_a_provisional_answer_slows_the_repetition_down() -> None:
    layer, sent, _ = placed(method="OPTIONS")
    assert said(layer.receive(answer(sent, 100), UDP, 100 * ms)) == ["deliver 100 OPTIONS"]
    repeats = [(at, "send OPTIONS") for at in (0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5)]
    assert timeline(layer)[:-2] == repeats


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_nothing_is_repeated_on_a_connection(method: str) -> None:
    layer, _, _ = placed(TLS, method)
    assert timeline(layer) == [(32.0, "timed_out"), (32.0, "over")]


def test_a_refused_invite_is_acknowledged_each_time() -> None:
    layer, sent, key = placed()
    refusal = answer(sent, 486)
    assert said(layer.receive(refusal, UDP, 0)) == ["send ACK", "deliver 486 INVITE"]
    assert said(layer.receive(refusal, UDP, 5 * SECOND)) == ["send ACK"]
    assert layer.state(key) is State.COMPLETED
    assert timeline(layer) == [(32.0, "over")]
    assert layer.receive(refusal, UDP, 40 * SECOND) == []


def test_a_refused_invite_is_over_at_once_on_a_connection() -> None:
    layer, sent, _ = placed(TLS)
    assert said(layer.receive(answer(sent, 486), TLS, 0)) == ["send ACK", "deliver 486 INVITE", "over"]
    assert layer.footprint == 0


def test_the_ack_to_a_refusal() -> None:
    layer = Transactions()
    credentials = [("Proxy-Authorization", "Digest a"), ("Authorization", "Digest b"), ("Route", "<sip:p;lr>")]
    sent = request(extra=[("Require", "100rel"), *credentials], body=b"v=0\r\n")
    layer.request(sent, UDP, 0)
    send = layer.receive(answer(sent, 407, tag="t"), UDP, 0)[0]
    assert isinstance(send, Send)
    ack = send.message
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri, ack.body, str(ack.cseq)) == ("ACK", sent.uri, b"", "1 ACK")
    assert [str(via) for via in ack.vias] == [str(sent.via)]
    assert ack.recipient.tag == "t"
    for name in ("From", "Call-ID", "Route", "Authorization", "Proxy-Authorization"):
        assert ack.headers.all(name) == sent.headers.all(name)
    assert "Require" not in ack.headers
    ack.check()


def test_every_2xx_is_delivered_and_none_acknowledged_until_timer_m() -> None:
    layer, sent, key = placed()
    assert said(layer.receive(answer(sent, 180), UDP, 0)) == ["deliver 180 INVITE"]
    for tag in ("b", "b", "fork"):
        assert said(layer.receive(answer(sent, 200, tag=tag), UDP, SECOND)) == ["deliver 200 INVITE"]
    assert layer.receive(answer(sent, 486), UDP, SECOND) == []
    assert layer.state(key) is State.ACCEPTED
    assert timeline(layer) == [(33.0, "over")]


def test_an_invite_that_rings_for_ever_is_cancelled_by_timer_c() -> None:
    layer, sent, _ = placed()
    layer.receive(answer(sent, 100), UDP, 0)
    layer.receive(answer(sent, 180), UDP, 60 * SECOND)
    events = timeline(layer)
    assert events[0] == (241.0, "send CANCEL")
    assert events[-1] == (273.0, "over")
    assert (273.0, "timed_out") in events
    assert layer.footprint == 0


def test_a_cancel_waits_for_the_first_answer() -> None:
    layer, sent, key = placed()
    assert layer.cancel(key, 100 * ms, [("Reason", "SIP;cause=200")]) == []
    outcomes = layer.receive(answer(sent, 100), UDP, 200 * ms)
    assert said(outcomes) == ["deliver 100 INVITE", "send CANCEL"]
    assert isinstance(outcomes[1], Send)
    cancel = outcomes[1].message
    assert isinstance(cancel, Request)
    assert (cancel.uri, str(cancel.cseq), str(cancel.via)) == (sent.uri, "1 CANCEL", str(sent.via))
    assert cancel.headers.get("Reason") == "SIP;cause=200"
    assert (cancel.headers.get("To"), len(cancel.vias)) == (sent.headers.get("To"), 1)
    cancel.check()
    assert said(layer.receive(answer(cancel, 200), UDP, 300 * ms)) == ["deliver 200 CANCEL"]
    assert said(layer.receive(answer(sent, 487), UDP, 300 * ms)) == ["send ACK", "deliver 487 INVITE"]
    timeline(layer)
    assert layer.footprint == 0


def test_a_cancelled_invite_waits_64_times_t1_for_its_answer() -> None:
    layer, sent, key = placed(TLS)
    layer.receive(answer(sent, 180), TLS, 0)
    assert said(layer.cancel(key, SECOND)) == ["send CANCEL"]
    assert layer.cancel(key, 2 * SECOND) == []
    assert (33.0, "over") in timeline(layer)
    assert layer.cancel(key, 50 * SECOND) == []


def test_a_call_that_is_answered_while_it_is_cancelled_is_answered() -> None:
    layer, sent, key = placed()
    layer.cancel(key, 0)
    assert said(layer.receive(answer(sent, 200), UDP, 0)) == ["deliver 200 INVITE"]
    assert layer.cancel(key, 0) == []
    assert timeline(layer) == [(32.0, "over")]


def test_only_an_invite_can_be_cancelled() -> None:
    layer, _, key = placed(method="OPTIONS")
    with pytest.raises(BugError):
        layer.cancel(key, 0)
    assert layer.state(key) is State.TRYING


def test_a_branch_is_used_once() -> None:
    layer, sent, _ = placed()
    with pytest.raises(BugError):
        layer.request(sent, UDP, 0)
    with pytest.raises(BugError):
        layer.request(request("ACK", branch="z9hG4bKother"), UDP, 0)
    assert len(layer) == 1


def test_an_invite_is_answered_100_after_200_ms() -> None:
    layer, came, key = taken()
    assert layer.receive(came, UDP, 100 * ms) == []
    assert timeline(layer) == [(0.2, "send 100 INVITE")]
    assert said(layer.receive(came, UDP, SECOND)) == ["send 100 INVITE"]
    assert layer.state(key) is State.PROCEEDING


def test_that_100_has_no_tag_and_repeats_the_timestamp() -> None:
    layer = Transactions()
    layer.receive(request(extra=[("Timestamp", "54")]), UDP, 0)
    [send] = layer.fire(200 * ms)
    assert isinstance(send, Send)
    assert send.message.recipient.tag == ""
    assert send.message.headers.get("Timestamp") == "54"


def test_who_answers_early_says_no_100() -> None:
    layer, came, key = taken()
    assert said(layer.respond(key, answer(came, 180), 0)) == ["send 180 INVITE"]
    assert layer.next_due is None
    assert said(layer.receive(came, UDP, 0)) == ["send 180 INVITE"]


def test_a_refusal_is_repeated_by_timer_g_until_the_ack() -> None:
    layer, came, key = taken()
    layer.respond(key, answer(came, 486), 0)
    repeats = [(at, "send 486 INVITE") for at in (0.5, 1.5, 3.5, 7.5, 11.5)]
    assert timeline(layer, 12 * SECOND) == repeats
    assert said(layer.receive(came, UDP, 12 * SECOND)) == ["send 486 INVITE"]
    ack = request("ACK", to="<sip:bob@example.com>;tag=b")
    assert layer.receive(ack, UDP, 13 * SECOND) == []
    assert layer.receive(ack, UDP, 13 * SECOND) == []
    assert timeline(layer) == [(18.0, "over")]
    assert layer.footprint == 0


def test_a_refusal_that_nobody_acknowledges_times_out() -> None:
    for flow, count in ((UDP, 10), (TLS, 0)):
        layer, came, key = taken(flow)
        layer.respond(key, answer(came, 486), 0)
        events = timeline(layer)
        assert (len(events), events[-2:]) == (count + 2, [(32.0, "timed_out"), (32.0, "over")])


def test_a_2xx_is_repeated_by_the_user_and_knows_its_invite_until_timer_l() -> None:
    layer, came, key = taken()
    accepted = answer(came, 200)
    assert said(layer.respond(key, accepted, 0)) == ["send 200 INVITE"]
    assert layer.receive(came, UDP, SECOND) == []
    assert said(layer.respond(key, accepted, SECOND)) == ["send 200 INVITE"]
    with pytest.raises(BugError):
        layer.respond(key, answer(came, 486), SECOND)
    with pytest.raises(BugError):
        layer.respond(key, answer(came, 180), SECOND)
    assert timeline(layer) == [(32.0, "over")]
    assert layer.respond(key, accepted, 40 * SECOND) == []


def test_the_ack_to_a_2xx_belongs_to_no_transaction() -> None:
    layer, came, key = taken()
    layer.respond(key, answer(came, 200), 0)
    ack = request("ACK", branch="z9hG4bKack", to="<sip:bob@example.com>;tag=b")
    assert layer.receive(ack, UDP, 0) == [Deliver(None, ack, UDP)]
    odd = request("ACK", to="<sip:bob@example.com>;tag=b")  # a far end that gives it the branch of the INVITE
    assert layer.receive(odd, UDP, 0) == [Deliver(key, odd, UDP)]


def test_an_answer_is_repeated_with_its_request_until_timer_j() -> None:
    layer, came, key = taken(method="INFO")
    assert layer.receive(came, UDP, 0) == []
    layer.respond(key, answer(came, 200), 0)
    assert said(layer.receive(came, UDP, SECOND)) == ["send 200 INFO"]
    assert timeline(layer) == [(32.0, "over")]
    layer, came, key = taken(TLS, "INFO")
    assert said(layer.respond(key, answer(came, 200), 0)) == ["send 200 INFO", "over"]


def test_a_request_that_the_user_never_answers_is_given_up() -> None:
    layer, _, _ = taken(method="INFO")
    assert timeline(layer) == [(32.0, "timed_out"), (32.0, "over")]


@pytest.mark.parametrize(
    ("via", "goes_to"),
    [
        ("SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bK1", ("192.0.2.2", 5080)),
        ("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", ("192.0.2.2", 5060)),
        ("SIP/2.0/UDP 192.0.2.9:5080;rport;branch=z9hG4bK1", ("192.0.2.2", 40_000)),
        ("SIP/2.0/UDP 192.0.2.9:5080;maddr=192.0.2.77;branch=z9hG4bK1", ("192.0.2.77", 5080)),
    ],
)
def test_where_an_answer_goes_by_udp(via: str, goes_to: tuple[str, int]) -> None:
    layer = Transactions()
    flow = Flow("UDP", ("192.0.2.2", 40_000))
    layer.receive(request(via=via), flow, 0)
    [send] = layer.fire(SECOND)
    assert isinstance(send, Send)
    assert send.flow == replace(flow, remote=goes_to)


def test_a_cancel_finds_its_invite() -> None:
    layer, came, key = taken()
    [delivered] = layer.receive(request("CANCEL"), UDP, 0)
    assert isinstance(delivered, Deliver)
    assert delivered.cancels == key
    assert delivered.key is not None
    assert said(layer.respond(delivered.key, answer(request("CANCEL"), 200), 0)) == ["send 200 CANCEL"]
    assert said(layer.respond(key, answer(came, 487), 0)) == ["send 487 INVITE"]


@pytest.mark.parametrize(
    "cancel",
    [
        request("CANCEL", branch="z9hG4bKother"),
        request("CANCEL", via="SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bK1"),
        request("CANCEL", via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
    ],
    ids=["branch", "host", "port"],
)
def test_a_cancel_of_another_branch_or_hop_cancels_nothing(cancel: Request) -> None:
    layer, _, _ = taken()
    [delivered] = layer.receive(cancel, UDP, 0)
    assert isinstance(delivered, Deliver)
    assert delivered.cancels is None
    assert not delivered.merged


def test_two_hops_with_the_same_branch_are_two_transactions() -> None:
    layer, came, key = taken()
    [other] = layer.receive(request(via="SIP/2.0/UDP proxy.example:5060;branch=z9hG4bK1"), UDP, 0)
    assert isinstance(other, Deliver)
    assert other.key != key
    assert other.merged
    assert layer.receive(came, UDP, 0) == []


def test_a_request_that_comes_by_two_ways_is_merged() -> None:
    layer, _, _ = taken()
    [second] = layer.receive(request(branch="z9hG4bK2"), UDP, 0)
    assert isinstance(second, Deliver)
    assert second.merged
    within = request(branch="z9hG4bK3", to="<sip:bob@example.com>;tag=b")
    [third] = layer.receive(within, UDP, 0)
    assert isinstance(third, Deliver)
    assert not third.merged


def test_names_of_hops_ignore_case_and_the_method_of_a_response_counts() -> None:
    layer, sent, _ = placed()
    upper = request(via=f"SIP/2.0/UDP {HERE.upper()};branch=z9hG4bK1")
    assert server_key(upper) == server_key(sent)
    other = request("INFO")
    assert layer.receive(answer(other, 200), UDP, 0) == []
    assert client_key(answer(sent, 200)) == client_key(sent)


OLD = "SIP/2.0/UDP 192.0.2.1:5060"


@pytest.mark.parametrize("via", [OLD, f"{OLD};branch=1"], ids=["no branch", "old branch"])
def test_an_old_client_is_matched_as_rfc_2543_says(via: str) -> None:
    layer = Transactions()
    came = request(via=via)
    [delivered] = layer.receive(came, UDP, 0)
    assert isinstance(delivered, Deliver)
    key = delivered.key
    assert key is not None
    assert layer.receive(came, UDP, 0) == []
    [cancel] = layer.receive(request("CANCEL", via=via), UDP, 0)
    assert isinstance(cancel, Deliver)
    assert cancel.cancels == key
    layer.respond(key, answer(came, 487), 0)
    for other in (
        {"call_id": "other"},
        {"cseq": 2},
        {"sender": "<sip:alice@example.org>;tag=other"},
        {"uri": "sip:other@example.com"},
        {"via": "SIP/2.0/UDP 192.0.2.7:5060"},
    ):
        assert layer.receive(request("ACK", **({"via": via} | other)), UDP, 0) != []  # type: ignore[arg-type]
    assert layer.receive(request("ACK", via=via, to="<sip:bob@example.com>;tag=b"), UDP, 0) == []
    assert layer.state(key) is State.CONFIRMED


def test_what_cannot_be_sent_ends_a_request_of_ours() -> None:
    for method in ("INVITE", "OPTIONS"):
        layer, _, key = placed(TLS, method)
        assert said(layer.failed(key, 0)) == ["unreachable", "over"]
        assert layer.failed(key, 0) == []
        assert layer.footprint == 0


def test_a_lost_connection_is_told_to_all_that_goes_by_it() -> None:
    layer, _, _ = placed(TLS)
    layer.request(request("OPTIONS", branch="z9hG4bK2"), TLS, 0)
    layer.request(request("OPTIONS", branch="z9hG4bK3"), UDP, 0)
    assert said(layer.lost(TLS, 0)) == ["unreachable", "over"] * 2
    assert layer.lost(TLS, 0) == []
    assert len(layer) == 1


def test_an_answer_that_cannot_be_sent_does_not_make_the_invite_unknown() -> None:
    layer, came, key = taken(TLS)
    layer.respond(key, answer(came, 486), 0)
    assert said(layer.lost(TLS, 0)) == ["unreachable"]
    assert said(layer.receive(came, TLS, 0)) == ["send 486 INVITE"]


@pytest.mark.parametrize("status", [100, 200])
def test_a_request_whose_connection_is_gone_is_answered_all_the_same(status: int) -> None:
    layer, came, key = taken(TLS, "BYE")
    assert said(layer.lost(TLS, 0)) == []
    assert said(layer.respond(key, answer(came, status), 0))[0] == f"send {status} BYE"


def test_an_answer_on_its_way_that_cannot_be_sent_leaves_room_for_the_final_one() -> None:
    layer, came, key = taken(TLS, "BYE")
    layer.respond(key, answer(came, 100), 0)
    assert said(layer.failed(key, 0)) == ["unreachable"]
    assert said(layer.respond(key, answer(came, 200), 0))[0] == "send 200 BYE"


def test_timers_fire_at_their_own_instant_however_late_they_are_asked_for() -> None:
    punctual, late = placed()[0], placed()[0]
    timeline(punctual)
    assert said(late.fire(100 * SECOND)) == [*(["send INVITE"] * 6), "timed_out", "over"]


def test_responses_to_nothing_are_dropped() -> None:
    stray = answer(request(), 200)
    assert isinstance(stray, Response)
    assert Transactions().receive(stray, UDP, 0) == []
