"""The SIP messages of a trunk group: which leaf counts what."""

from __future__ import annotations

import pytest

from sbcsim.device.messagecounts import LEAVES, MessageCounts
from sbcsim.schema.load import load
from sbcsim.sip.message import Headers, Request, Response

KEY, OTHER = ("default", "Z", "TG1"), ("default", "Z", "TG2")
TABLE = load().descend(("addressContext", "zone", "sipCurrentStatistics"))


def request(method: str) -> Request:
    return Request(method=method, uri="sip:far", headers=Headers([("CSeq", f"1 {method}")]))


def answer(status: int, method: str) -> Response:
    return Response(status=status, headers=Headers([("CSeq", f"1 {method}")]))


def counting() -> MessageCounts:
    counts = MessageCounts()
    counts.expect(KEY)
    counts.expect(OTHER)
    return counts


def counted(counts: MessageCounts, key=KEY) -> dict[str, int]:
    return {leaf: value for leaf, value in counts.row(key).items() if value}


def test_every_leaf_of_the_table_has_a_counter():
    assert set(LEAVES) == set(TABLE.children) - {"name"}
    assert set(MessageCounts().row(KEY)) == set(LEAVES)


REQUESTS = (
    ("INVITE", "Invite"),
    ("ACK", "Ack"),
    ("PRACK", "Prack"),
    ("INFO", "Info"),
    ("REFER", "Refer"),
    ("BYE", "Bye"),
    ("CANCEL", "Cancel"),
    ("REGISTER", "Register"),
    ("UPDATE", "Update"),
    ("SUBSCRIBE", "Subscriber"),
    ("NOTIFY", "Notify"),
    ("OPTIONS", "Option"),
    ("MESSAGE", "Message"),
    ("PUBLISH", "Publish"),
)
ANSWERS = (
    (100, "INVITE", "1xx"),
    (179, "INVITE", "1xx"),
    (180, "INVITE", "18x"),
    (189, "INVITE", "18x"),
    (199, "INVITE", "1xx"),
    (183, "UPDATE", "18x"),
    (200, "INVITE", "2xx"),
    (299, "BYE", "NonInv2xx"),
    (302, "INVITE", "3xx"),
    (302, "OPTIONS", "3xx"),
    (486, "INVITE", "4xx"),
    (503, "INVITE", "5xx"),
    (603, "INVITE", "6xx"),
    (481, "BYE", "NonInvErr"),
    (500, "PRACK", "NonInvErr"),
    (699, "INFO", "NonInvErr"),
)


@pytest.mark.parametrize(
    ("message", "leaf"),
    [(request(method), leaf) for method, leaf in REQUESTS]
    + [(answer(status, method), leaf) for status, method, leaf in ANSWERS],
)
def test_a_message_counts_once_by_its_way(message, leaf):
    counts = counting()
    counts.received(KEY, message)
    assert counted(counts) == {f"rcv{leaf}": 1}
    counts.sent(KEY, message)
    counts.sent(KEY, message)
    assert counted(counts) == {f"rcv{leaf}": 1, f"snd{leaf}": 2}
    assert counted(counts, OTHER) == {}


def test_a_request_of_unknown_kind_counts_where_it_comes_in():
    counts = counting()
    counts.received(KEY, request("BREW"))
    counts.sent(KEY, request("BREW"))
    assert counted(counts) == {"rcvUnknownMsg": 1}


@pytest.mark.parametrize(
    ("method", "leaf"),
    [
        ("INVITE", "invReTransmit"),
        ("REGISTER", "regReTransmit"),
        ("BYE", "byeRetransmit"),
        ("CANCEL", "cancelReTransmit"),
        ("OPTIONS", "otherReTransmit"),
        ("BREW", "otherReTransmit"),
    ],
)
def test_a_request_that_goes_out_again(method, leaf):
    counts = counting()
    counts.retransmitted(KEY, method)
    assert counted(counts) == {leaf: 1}


def test_counters_are_forgotten_one_by_one_and_all_at_once():
    counts = counting()
    for key in (KEY, OTHER):
        counts.received(key, request("BYE"))
    counts.forget(KEY)
    counts.forget(KEY)
    assert (counted(counts), counted(counts, OTHER)) == ({}, {"rcvBye": 1})
    counts.clear()
    assert counted(counts, OTHER) == {}


def test_what_comes_for_a_trunk_group_that_is_gone_counts_for_nobody():
    counts = counting()
    counts.received(KEY, request("BYE"))
    counts.forget(KEY)
    counts.received(KEY, answer(200, "BYE"))
    counts.sent(KEY, request("BREW"))
    counts.retransmitted(KEY, "BYE")
    assert counted(counts) == {}
    counts.expect(KEY)
    assert counted(counts) == {}
    counts.received(KEY, answer(200, "BYE"))
    assert counted(counts) == {"rcvNonInv2xx": 1}


def test_counters_that_begin_anew_count_on():
    counts = counting()
    counts.clear()
    counts.received(KEY, request("BYE"))
    assert counted(counts) == {"rcvBye": 1}
