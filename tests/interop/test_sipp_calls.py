"""SIPp calls SIPp through the box: INVITE, re-INVITE, UPDATE, BYE from either side, and CANCEL."""

from __future__ import annotations

from pathlib import Path

import pytest
from calledbox import IN, ROUTE, Transport, call_counts, ends, messages, nothing_is_left, port_count
from sippcalls import EVERYTHING_CALLEE, EVERYTHING_CALLER
from sippstage import SippStage, sipp_stage

pytestmark = pytest.mark.interop

REPEATS = {"rcv1xx", "snd1xx", "invReTransmit", "byeRetransmit", "cancelReTransmit", "otherReTransmit"}
"""What a slow host adds: repetitions, and a 100 where a re-INVITE has waited."""


async def all_succeed(stage: SippStage, talk: int, called: int, cancel: int) -> None:
    """Make so many calls of each plan, mixed, and look what the box has counted and told."""
    box, answered, count = stage.box, talk + called, talk + called + cancel
    plan = ["talk"] * (talk // cancel) + ["called"] * (called // cancel) + ["cancel"]
    async with stage.called(count) as callee, stage.calls(count, plan) as caller:
        await caller.succeeded()
        await callee.succeeded()

    assert len(box.journal("callStarted")) == len(box.journal("callRouted")) == count
    assert len(box.journal("callAnswered")) == answered
    assert ends(box) == {("caller", "BYE", 0): talk, ("callee", "BYE", 0): called, ("caller", "cancelled", 487): cancel}
    assert (port_count(box, "IN", "origCalls"), port_count(box, "IN", "termCalls")) == (count, 0)
    assert (port_count(box, "OUT", "origCalls"), port_count(box, "OUT", "termCalls")) == (0, count)
    assert call_counts(box) == {"callAttempts": count, "callCompletions": answered, "callUpdates": 2 * answered}
    near = {
        "rcvInvite": count + answered, "rcvAck": 2 * answered + cancel, "rcvUpdate": answered, "rcvCancel": cancel,
        "rcvBye": talk, "sndBye": called, "snd1xx": count, "snd18x": count, "snd2xx": 2 * answered, "snd4xx": cancel,
        "sndNonInv2xx": answered + talk + cancel, "rcvNonInv2xx": called,
    }  # fmt: skip
    far = {
        "sndInvite": count + answered, "sndAck": 2 * answered + cancel, "sndUpdate": answered, "sndCancel": cancel,
        "sndBye": talk, "rcvBye": called, "rcv18x": count, "rcv2xx": 2 * answered, "rcv4xx": cancel,
        "rcvNonInv2xx": answered + talk + cancel, "sndNonInv2xx": called,
    }  # fmt: skip
    for zone, expected in (("IN", near), ("OUT", far)):
        seen = messages(box, zone)
        assert seen.keys() - REPEATS == expected.keys() - REPEATS
        assert [leaf for leaf, least in expected.items() if seen[leaf] < least] == []
    await nothing_is_left(box)


async def test_five_hundred_calls_over_mutual_tls_on_both_sides(tmp_path: Path) -> None:
    async with sipp_stage(tmp_path, "TLS", "TLS") as stage:
        await all_succeed(stage, 300, 100, 100)
        # One connection that the caller has opened, and one that the box has opened to either peer.
        shaken = [entry.event for entry in stage.box.journal("handshake")]
        assert sorted((each.direction, each.ok) for each in shaken) == [
            ("inbound", True), ("outbound", True), ("outbound", True),
        ]  # fmt: skip


@pytest.mark.parametrize(("near", "far"), [("UDP", "UDP"), ("TCP", "TCP"), ("UDP", "TLS"), ("TLS", "UDP")])
async def test_calls_over_other_transports(tmp_path: Path, near: Transport, far: Transport) -> None:
    async with sipp_stage(tmp_path, near, far) as stage:
        await all_succeed(stage, 60, 20, 20)


NO_PEER = (
    f"set {IN} sipTrunkGroup TG-IN ingressIpPrefix 127.0.0.0 8",
    f"delete {ROUTE.format('TG-OUT')}",
    "delete global callRouting routingLabel TO-CALLER",
    f"delete {IN} ipPeer CALLER",
)


@pytest.mark.parametrize("near", ["UDP", "TLS"])
async def test_a_caller_who_is_no_peer_is_reached_where_he_came_from(tmp_path: Path, near: Transport) -> None:
    async with sipp_stage(tmp_path, near, "TCP", *NO_PEER) as stage:
        await all_succeed(stage, 60, 20, 20)
        assert {entry.event.direction for entry in stage.box.journal("handshake")} <= {"inbound"}


async def test_everything_else_passes_in_a_dialog(tmp_path: Path) -> None:
    async with sipp_stage(tmp_path, "UDP", "TLS") as stage:
        box, count = stage.box, 20
        async with (
            stage.called(count, scenario=EVERYTHING_CALLEE) as callee,
            stage.calls(count, ["all"], scenario=EVERYTHING_CALLER) as caller,
        ):
            await caller.succeeded()
            await callee.succeeded()
        assert ends(box) == {("caller", "BYE", 0): count}
        # Both sides have refreshed the session: an UPDATE of the caller, the second re-INVITE of the callee.
        assert call_counts(box) == {"callAttempts": count, "callCompletions": count, "callUpdates": 2 * count}
        for zone, there, back in (("IN", "rcv", "snd"), ("OUT", "snd", "rcv")):
            seen = messages(box, zone)
            passed = [seen[there + kind] for kind in ("Prack", "Info", "Refer", "Message", "Update", "Bye")]
            assert (passed, seen[f"{back}Notify"], seen[f"{back}NonInvErr"]) == ([count] * 6, count, count)
            assert (seen[f"{back}Invite"], seen[f"{there}4xx"]) == (2 * count, count)
        await nothing_is_left(box)
