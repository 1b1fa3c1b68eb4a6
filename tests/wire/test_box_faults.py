"""Faults that what the journal tells sets off: when they are carried out, and what does not set them off."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import boxes
import pytest
import testca
from handshakefaults import ping, pinged
from sippeers import peer
from sshlines import terminal
from tlsbox import SET_PROFILE, commit, tls_box
from udppeer import udp_peer

from sbcsim import Simulator


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with tls_box(tmp_path) as box:
        yield box


def subjects(box: Simulator) -> list[str]:
    return [entry.event.subject for entry in box.journal("faultFired")]


async def test_what_a_fault_causes_does_not_set_it_off_again(box, tmp_path) -> None:
    """A restart has the box dial its peer anew, so a restart behind each handshake would never end."""
    box.faults.add("box.restart", match="handshake")
    async with pinged(box, tmp_path) as far:
        assert subjects(box) == ["handshake"]
        assert len(far.connections) == 2
        assert len(far.live) == 1
        await box.advance("1m")
        await box.close_connection(box.connections()[0].id)
        await box.advance("1m")  # this one was the peer's and the tester's doing
        assert subjects(box) == ["handshake"] * 2


async def test_whatever_is_told_sets_off_a_fault_but_nothing_does_so_endlessly(box) -> None:
    for point in ("box.restart", "box.port", "box.interface", "box.clock"):
        box.faults.add(point, match="*")
    commit(box, SET_PROFILE + "handshakeTimer 7")
    await box.advance("1h")
    fired = subjects(box)
    assert "faultFired" not in fired
    assert len(fired) < 60
    box.faults.clear()
    await box.advance("0s")
    assert box.missing() == []
    assert len(box.ports.sip) == 1


async def test_a_tool_hears_of_its_commit_before_the_box_restarts(box) -> None:
    box.faults.add("box.restart", match="commit", times=1)
    async with terminal(box) as cli:
        await cli.type_all("configure", SET_PROFILE + "handshakeTimer 7")
        cli._process.stdin.write("commit\r")
        assert "Commit complete." in await cli._process.stdout.read()
        await cli._process.wait_closed()
    (fired,), committed = box.journal("faultFired"), box.journal("commit")[-1]
    assert fired.number > committed.number
    assert fired.at == committed.at


async def test_a_reset_ends_an_outage_and_what_was_told_before_it(box) -> None:
    box.faults.add("box.port", match="commit", value="1h")
    commit(box, SET_PROFILE + "handshakeTimer 7")
    await box.advance("0s")
    assert box.ports.sip == ()
    commit(box, SET_PROFILE + "handshakeTimer 8")
    await box.reset()
    await box.advance("0s")
    assert list(box.faults) == []
    assert len(box.ports.sip) == 1
    assert box.journal("faultFired") == []
    await box.advance("2h")
    assert len(box.ports.sip) == 1


async def test_nobody_listens_to_the_journal_where_no_such_fault_is_set(box) -> None:
    readers = len(box.events._readers)
    box.faults.add("sip.silence")
    assert len(box.events._readers) == readers
    fault = box.faults.add("box.restart", match="nothing")
    box.faults.add("box.clock", match="nothing")
    assert len(box.events._readers) == readers + 1
    box.faults.remove(fault.id)
    assert len(box.events._readers) == readers + 1
    box.faults.clear()
    assert len(box.events._readers) == readers


async def test_a_step_of_the_clock_brings_dates_of_certificates_nearer(tmp_path) -> None:
    """The peer's dial fails because its certificate begins later; when that date has come, nobody waits for long."""
    late = testca.peer(not_before="2026-01-11T00:00:00Z")
    async with tls_box(tmp_path) as box, peer(late, tmp_path) as far:
        await far.listen()
        ping(box, far.port)
        await box.advance("10m")
        assert [each.path_state for each in box.peers()] == ["down"]
        box.faults.add("box.clock", match="clockMoved", times=1, value="10d")
        await box.advance("1s")
        await box.advance("2m")
        assert [each.path_state for each in box.peers()] == ["up"]


async def test_pings_before_a_re_check_that_runs_late_stand_for_no_ping_behind_it(tmp_path) -> None:
    """The re-check closes the connection at 02:00: the pings up to that minute succeed on it, the next one dials."""
    async with tls_box(tmp_path) as box, pinged(box, tmp_path) as far:
        box.faults.add("recheck.late", nth=60, times=1, value="2h")
        moved = await box.advance(to="2026-03-02T12:00:30Z")
        assert moved.coalesced > 60_000
        (fired,) = box.journal("faultFired")
        assert fired.at.rfc3339() == "2026-03-02T00:00:00Z"
        first, second = far.connections
        assert (first.live, second.live) == (False, True)
        pings = [entry for entry in box.journal("pathPing") if entry.event.ok]
        on_first = sum(entry.event.times for entry in pings if entry.event.connection in {0, 1})
        assert on_first == (60 * 24 + 2) * 60  # from 00:00 on 1 January, and the one at 02:00 dials anew
        assert sum(entry.event.times for entry in pings) == on_first + 10 * 60 + 1


async def test_pings_are_sent_one_by_one_where_their_events_may_set_something_off(box, tmp_path) -> None:
    async with pinged(box, tmp_path):
        box.faults.add("box.clock", match="commit")
        assert (await box.advance("1h")).coalesced > 50
        box.faults.add("box.clock", match="pathPing", nth=30, times=1, value="2h")
        moved = await box.advance("1h")
        assert moved.coalesced < 35
        assert (moved.now - moved.start).total_seconds() == 3 * 3600


async def test_pings_are_sent_one_by_one_while_a_fault_may_meet_them(box, tmp_path) -> None:
    async with pinged(box, tmp_path) as far:
        assert (await box.advance("1h")).coalesced > 50
        box.faults.add("sip.unsent", nth=30, times=1)
        before = far.connections[0].requests
        assert (await box.advance("1h")).coalesced < 35
        assert far.connections[0].requests >= before + 29
        failed = [entry for entry in box.journal("pathPing") if not entry.event.ok]
        assert [entry.event.times for entry in failed] == [1]


@pytest.fixture
async def udp_box(tmp_path: Path) -> AsyncIterator[Simulator]:
    lines = [line.replace("sip-tls-tcp tlsProfileName TLS", "sip-udp") for line in boxes.LINES]
    (tmp_path / "udp.cli").write_text("\n".join(lines) + "\n")
    async with Simulator(tmp_path / "udp.cli", files=boxes.certificate_files()) as box:
        yield box


async def test_answers_over_udp_meet_faults_but_those_of_connections(udp_box) -> None:
    async with udp_peer() as far:

        async def ask(call: str) -> str:
            return await far.ask(udp_box.ports.sip[0].address, via=f"127.0.0.1:{far.port}", call=call)

        udp_box.faults.add("sip.garble", value="cseq", times=1)
        assert "CSeq" not in await ask("a")
        udp_box.faults.add("sip.length", times=1)
        assert "Content-Length: 10\r\n" in await ask("b")
        udp_box.faults.add("sip.delay", value="3s", times=1)
        asking = asyncio.create_task(ask("c"))
        await udp_box.wait_for("faultFired", point="sip.delay")
        await udp_box.advance("2s")
        assert len(far.heard) == 2
        await udp_box.advance("1s")
        assert (await asking).startswith("SIP/2.0 200 ")
        udp_box.faults.add("sip.close")
        udp_box.faults.add("sip.merge")
        assert (await ask("d")).startswith("SIP/2.0 200 ")
        assert len(subjects(udp_box)) == 3


async def test_pings_over_udp_meet_faults(udp_box) -> None:
    async with udp_peer() as far:
        ping(udp_box, far.port)
        await udp_box.advance("1s")
        udp_box.faults.add("sip.unsent", match="P", times=1)
        await udp_box.advance("118s")
        assert len(far.heard) == 1
        udp_box.faults.add("sip.ignored", match="P", times=1)
        await udp_box.advance("1m")
        reasons = [entry.event.reason for entry in udp_box.journal("pathPing")]
        assert reasons[:2] == ["200", "no answer"]
        assert len({re.search("Call-ID: (.*)\r", text)[1] for text in far.heard}) == 2
        await udp_box.advance("1m")
        assert [each.path_state for each in udp_box.peers()] == ["up"]
