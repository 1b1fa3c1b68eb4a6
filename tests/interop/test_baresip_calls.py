"""baresip calls baresip through the box, over TLS.

baresip shows its certificate to everybody, and asks nobody for one who dials it: so stunnel asks in front of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from baresip import Baresip, baresip
from calledbox import call_counts, called_box, dated, nothing_is_left, port_count, usage, ways
from hostports import free_port
from stunnel import Tunnel, stunnel

from sbcsim.simulator import Simulator

pytestmark = pytest.mark.interop


@dataclass
class Stage:
    """The box, and a telephone on either side."""

    box: Simulator
    caller: Baresip
    callee: Baresip
    door: int

    async def ring(self) -> None:
        """Have the callee ring."""
        self.caller.press("dial", f"sip:200@127.0.0.1:{self.door}")
        await self.callee.told("CALL_INCOMING")
        await self.caller.told("CALL_RINGING")

    async def talk(self) -> None:
        """Have the two talk to each other."""
        await self.ring()
        self.callee.press("accept")
        await self.caller.told("CALL_ESTABLISHED")
        await self.callee.told("CALL_ESTABLISHED")

    def summary(self) -> list[tuple[object, ...]]:
        """Return the rows of callSummaryStatus."""
        rows = self.box._sbc.rows(("global", "callSummaryStatus"))
        return [tuple(row[leaf] for leaf in ("GCID", "state", "callingNumber", "calledNumber")) for row in rows]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    certificates, where = dated(), ways("TLS", "TLS")
    async with AsyncExitStack() as stack:
        caller = await stack.enter_async_context(baresip(tmp_path, "100", certificates.peer))
        callee = await stack.enter_async_context(baresip(tmp_path, "200", certificates.peer))
        tunnels = []
        for peer, telephone in ((where.caller, caller), (where.callee, callee)):
            between = free_port()
            tunnels += [Tunnel(peer, between, inward=True), Tunnel(between, telephone.port, inward=False)]
        await stack.enter_async_context(stunnel(tmp_path, certificates.peer, tunnels))
        box = await stack.enter_async_context(called_box(tmp_path, where, certificates))
        yield Stage(box, caller, callee, where.near.listens)


@pytest.mark.parametrize("last", ["caller", "callee"])
async def test_a_call_is_made_answered_and_ended_by_either_side(stage: Stage, last: str) -> None:
    box = stage.box
    await stage.ring()
    (call,) = box.calls()
    assert (call.state, call.calling, call.called) == ("establishing", "100", "200")
    assert (call.ingress.peer, call.egress.peer) == ("CALLER", "CALLEE")
    assert stage.summary() == [(1, "establishing", "100", "200")]
    assert usage(box) == [(1, 0), (0, 1)]

    stage.callee.press("accept")
    await stage.caller.told("CALL_ESTABLISHED")
    await stage.callee.told("CALL_ESTABLISHED")
    await box.wait_for("callAnswered")
    (call,) = box.calls()
    assert call.state == "stable"
    assert stage.summary() == [(1, "stable", "100", "200")]
    # One connection for each leg: the caller's own, and the one that the box has opened to the callee.
    first, second = box.connections()
    assert (call.ingress.connection, call.egress.connection) == (first.id, second.id)
    assert [each.local_certificate.name for each in (first, second)] == ["OLD", "OLD"]
    assert [each.peer_certificate.subject for each in (first, second)] == ["CN=peer.example.com"] * 2
    assert [each.direction for each in (first, second)] == ["inbound", "outbound"]

    await box.advance("90s")
    hangs_up, other = (stage.caller, stage.callee) if last == "caller" else (stage.callee, stage.caller)
    hangs_up.press("hangup")
    await other.told("CALL_CLOSED")
    ended = await box.wait_for("callEnded", by=last, why="BYE", status=0)
    assert 90 <= ended.event.seconds < 120
    assert call_counts(box) == {"callAttempts": 1, "callCompletions": 1}
    assert (port_count(box, "IN", "origCalls"), port_count(box, "OUT", "termCalls")) == (1, 1)
    await nothing_is_left(box)


async def test_a_call_that_is_not_taken_is_refused_as_the_callee_says(stage: Stage) -> None:
    await stage.ring()
    stage.callee.press("hangup")
    await stage.caller.told("CALL_CLOSED")
    await stage.box.wait_for("callEnded", by="callee", status=486)
    assert call_counts(stage.box) == {"callAttempts": 1}
    await nothing_is_left(stage.box)


async def test_a_caller_gives_up(stage: Stage) -> None:
    await stage.ring()
    stage.caller.press("hangup")
    await stage.callee.told("CALL_CLOSED")
    await stage.box.wait_for("callEnded", by="caller", status=487)
    await nothing_is_left(stage.box)


async def test_a_caller_holds_the_call_and_takes_it_up_again(stage: Stage) -> None:
    await stage.talk()
    offered, answered = (each.events.count("CALL_REMOTE_SDP") for each in (stage.callee, stage.caller))
    for number, button in enumerate(("hold", "resume"), start=1):
        stage.caller.press(button)
        await stage.callee.told("CALL_REMOTE_SDP", offered + number)
        await stage.caller.told("CALL_REMOTE_SDP", answered + number)
    stage.caller.press("hangup")
    await stage.callee.told("CALL_CLOSED")
    await stage.box.wait_for("callEnded", by="caller", why="BYE")
    assert call_counts(stage.box) == {"callAttempts": 1, "callCompletions": 1, "callUpdates": 2}
    await nothing_is_left(stage.box)
