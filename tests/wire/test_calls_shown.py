"""What the Python API, the control API and the journal tell of calls, against what both far ends saw on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from callpair import IN, OUT, CallPair, call_pair
from tlsbox import commit

from sbcsim.clock import from_rfc3339, to_datetime
from sbcsim.testing import Behaviour, PeerCall


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[CallPair]:
    async with call_pair(tmp_path) as pair:
        yield pair


@pytest.fixture
async def client(pair: CallPair) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=str(pair.box.ready().control), trust_env=False) as client:
        yield client


async def ids(client: httpx.AsyncClient, **query: object) -> list[int]:
    """Return the ids of the calls that fit a query."""
    answer = await client.get("/v1/calls", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


def number(pair: CallPair, call: PeerCall) -> int:
    """Return the id that the box gives the connection which carries a call for a far end, by the address there."""
    side = "ALICE" if call.placed else "BOB"
    (found,) = [each.id for each in pair.box.connections() if each.peer == side and each.direction == "outbound"]
    return found


async def test_every_field_of_a_call_is_what_its_ends_saw(pair: CallPair, client: httpx.AsyncClient) -> None:
    await pair.box.advance(minutes=5)
    placed, taken = await pair.standing()
    await pair.box.advance(minutes=1)
    (call,) = pair.box.calls()
    assert (call.id, call.state, call.calling, call.called) == (1, "stable", placed.calling, taken.called)
    assert call.since == to_datetime(from_rfc3339("2026-01-01T00:05:00Z"))
    for leg, end, zone, group, peer in (
        (call.ingress, placed, "IN", "TG-IN", "ALICE"),
        (call.egress, taken, "OUT", "TG-OUT", "BOB"),
    ):
        assert leg is not None
        assert (leg.address_context, leg.zone, leg.trunk_group, leg.peer) == ("default", zone, group, peer)
        assert (leg.call_id, leg.connection) == (end.call_id, number(pair, end))
    told = (await client.get("/v1/calls")).json()
    assert told == [
        {
            "id": 1,
            "state": "stable",
            "ingress": {
                "addressContext": "default",
                "zone": "IN",
                "trunkGroup": "TG-IN",
                "peer": "ALICE",
                "callId": placed.call_id,
                "connection": number(pair, placed),
            },
            "egress": {
                "addressContext": "default",
                "zone": "OUT",
                "trunkGroup": "TG-OUT",
                "peer": "BOB",
                "callId": taken.call_id,
                "connection": number(pair, taken),
            },
            "calling": "100",
            "called": "200",
            "since": "2026-01-01T00:05:00Z",
        }
    ]


async def test_calls_are_found_by_each_filter(pair: CallPair, client: httpx.AsyncClient) -> None:
    await pair.standing()
    pair.bob.behave(Behaviour.RINGS)
    ringing = await pair.alice.call("201", pair.line)
    await ringing.wait_for("ringing")
    assert await ids(client) == [1, 2]
    assert await ids(client, state="stable") == [1]
    assert await ids(client, state="establishing") == [2]
    inbound, outbound = number(pair, pair.alice.calls[0]), number(pair, pair.bob.calls[0])
    for name, there, nowhere in (
        ("addressContext", ["default"], "other"),
        ("zone", ["IN", "OUT"], "defaultSigZone"),
        ("trunkGroup", ["TG-IN", "TG-OUT"], "TG"),
        ("peer", ["ALICE", "BOB"], "CAROL"),
        ("connection", [inbound, outbound], 999),
    ):
        for value in there:
            assert await ids(client, **{name: value}) == [1, 2], (name, value)
        assert await ids(client, **{name: nowhere}) == []
    assert await ids(client, zone="IN", peer="BOB") == [], "both are said of one side"
    assert await ids(client, zone="OUT", peer="BOB", state="stable") == [1]
    refused = await client.get("/v1/calls", params={"state": "ringing"})
    assert refused.status_code == 400


async def test_a_call_without_its_connections_and_with_new_ones(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    await pair.alice.hang_up(pair.line)
    await pair.bob.hang_up(taken.connection)
    for _ in range(2):
        await pair.box.wait_for("connectionClosed", by="remote")
    await pair.box.settle()
    (call,) = pair.box.calls()
    assert call.egress is not None
    assert (call.state, call.ingress.connection, call.egress.connection) == ("stable", None, None)
    await pair.box.advance(minutes=1)
    assert await taken.request("INFO") == 200
    (call,) = pair.box.calls()
    assert call.egress is not None
    assert (call.ingress.connection, call.egress.connection) == (number(pair, placed), number(pair, taken))


async def test_every_event_of_a_call_that_is_answered(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    await pair.box.advance(seconds=75)
    await taken.hang_up()
    await placed.wait_for("ended")
    box = pair.box
    started = box.expect("callStarted", call=1, calling="100", called="200", trunk_group="TG-IN")
    assert started.event.call_id == placed.call_id
    routed = box.expect("callRouted", after=started.number, call=1, trunk_group="TG-OUT", peer="BOB")
    assert routed.event.call_id == taken.call_id
    answered = box.expect("callAnswered", after=routed.number, call=1)
    box.expect("callEnded", after=answered.number, call=1, by="callee", why="BYE", status=0, seconds=75)
    assert box.journal("callRefused") == []


async def test_calls_that_come_to_nothing_say_why(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.TAKES_NO_CALL)
    refused = await pair.alice.call("200", pair.line)
    await refused.wait_for("ended")
    pair.box.expect("callEnded", call=1, by="callee", why="Busy Here", status=486, seconds=0)
    commit(pair.box, f"set {OUT} ipPeer BOB pathCheck state disabled", f"set {OUT} sipTrunkGroup TG-OUT action force")
    commit(pair.box, f"set {OUT} sipTrunkGroup TG-OUT mode outOfService")
    nowhere = await pair.alice.call("200", pair.line)
    await nowhere.wait_for("ended")
    pair.box.expect("callEnded", call=2, by="local", status=503, why=lambda why: why.startswith("no route left"))
    commit(pair.box, f"set {IN} sipSigPort 1 action dryup mode outOfService")
    late = await pair.alice.call("200", pair.line)
    await late.wait_for("ended")
    told = pair.box.expect("callRefused", status=503, why="sipSigPort IN/1 dries up", call_id=late.call_id)
    assert told.event.remote == "192.0.2.10:5061"
    assert [each.status for each in pair.alice.calls] == [486, 503, 503]
