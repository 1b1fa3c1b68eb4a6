"""Far ends that call each other through the box: what they do happens on the wire, and what they saw is on record."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from random import Random  # noqa: TID251 - the type of what a seed gives

import pytest
import testca
from callpair import CONTENT, CallPair, call_pair

from sbcsim.errors import BugError, PeerError
from sbcsim.net.peercall import TRANSITIONS, CallState, CallTrigger
from sbcsim.rng import stream
from sbcsim.sip.message import Message, Request
from sbcsim.synchronous import SyncSimulator
from sbcsim.testing import Behaviour, Callee, End, PeerCall, SyncSipPeer


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[CallPair]:
    async with call_pair(tmp_path) as pair:
        yield pair


def said(call: PeerCall) -> list[str]:
    """Return what was said in a call, from the far end's side."""
    return [f"{'>' if each.direction == 'out' else '<'}{_told(each.message)}" for each in call.messages]


def _told(message: Message) -> str:
    return message.method if isinstance(message, Request) else str(message.status)


async def test_a_call_is_answered_talks_and_ends(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    assert (placed.called, placed.calling, taken.called, taken.calling) == ("200", "100", "200", "100")
    assert placed.call_id != taken.call_id
    await placed.hang_up()
    await taken.wait_for("ended")
    assert said(placed) == [">INVITE", "<100", "<180", "<200", ">ACK", ">BYE", "<200"]
    assert said(taken) == ["<INVITE", ">180", ">200", "<ACK", "<BYE", ">200"]
    assert (placed.ended_by, placed.why, taken.ended_by, taken.why) == ("peer", "BYE", "box", "BYE")
    pair.bob.expect("call", state="ended", by="box", why="BYE")
    assert pair.box.calls() == []
    ended = pair.box.expect("callEnded").event
    assert (ended.by, ended.why, ended.status) == ("caller", "BYE", 0)


async def test_each_call_knows_the_certificates_that_carried_it(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    own = pair.line.certificate
    assert (placed.certificates, taken.certificates) == ([own], [own])
    assert placed.connections == [pair.line]


async def test_the_callee_hangs_up(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    await taken.hang_up()
    await placed.wait_for("ended")
    assert (placed.ended_by, taken.ended_by) == ("box", "peer")
    assert pair.box.expect("callEnded").event.by == "callee"


async def test_a_call_rings_until_somebody_picks_up(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.RINGS)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("ringing")
    (ringing,) = pair.bob.calls
    await ringing.answer()
    await placed.wait_for("standing")
    with pytest.raises(PeerError, match="cannot be answered: it is standing"):
        await ringing.answer()
    with pytest.raises(PeerError, match="cannot be cancelled: it is standing"):
        await placed.cancel()


async def test_a_call_is_cancelled_while_it_rings(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.RINGS)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("ringing")
    await placed.cancel()
    await pair.bob.calls[0].wait_for("ended")
    assert (placed.ended_by, placed.why, placed.status) == ("peer", "cancelled", 487)
    assert (pair.bob.calls[0].ended_by, pair.bob.calls[0].why) == ("box", "cancelled")
    assert pair.box.expect("callEnded").event.by == "caller"


@pytest.mark.parametrize("answered_first", [True, False])
async def test_an_answer_and_a_cancel_that_cross_leave_no_call(pair: CallPair, answered_first: bool) -> None:
    pair.bob.behave(Behaviour.RINGS)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("ringing")
    (ringing,) = pair.bob.calls
    doings = [ringing.answer(), placed.cancel()]
    await asyncio.gather(*(doings if answered_first else reversed(doings)))
    await ringing.wait_for("ended")
    await placed.wait_for("ended")
    await pair.box.settle()
    assert pair.box.calls() == []
    await pair.box.advance(seconds=40)
    assert pair.box._sbc._telephony.calls.footprint == 0


async def test_a_callee_that_hangs_up_over_a_connection_that_ends(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.HANGS_UP)
    placed = await pair.alice.call("200", pair.line)
    await pair.bob.wait_for("call", state="answered")
    await pair.bob.hang_up(pair.bob.live[0])
    await pair.box.advance(seconds=40)
    await placed.wait_for("standing")
    assert [call.state for call in pair.box.calls()] in ([], ["stable"])


async def test_a_call_is_refused(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.TAKES_NO_CALL)
    placed = await pair.alice.call("200", pair.line)
    with pytest.raises(PeerError, match="call 1 was ended by the box: 486 Busy Here"):
        await placed.wait_for("standing")
    pair.bob.behave(Behaviour.RINGS)
    second = await pair.alice.call("200", pair.line)
    await second.wait_for("ringing")
    await pair.bob.calls[-1].refuse(603)
    await second.wait_for("ended")
    assert [each.status for each in pair.alice.calls] == [486, 603]
    assert pair.alice.expect("call", state="ended", status=603).event.why == "603 Decline"


async def test_a_status_refuses_calls_as_any_other_request(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.UNAVAILABLE)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("ended")
    assert (placed.status, pair.bob.calls[0].status) == (503, 503)


async def test_an_answer_that_comes_late(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.ANSWERS_LATE, rings=0.01)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("standing")
    assert said(placed) == [">INVITE", "<100", "<180", "<200", ">ACK"]


async def test_a_callee_that_hangs_up_at_once(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.HANGS_UP)
    placed = await pair.alice.call("200", pair.line)
    await placed.wait_for("ended")
    assert (placed.ended_by, placed.why) == ("box", "BYE")


async def test_a_callee_that_says_nothing_at_all(pair: CallPair) -> None:
    pair.bob.behave(Behaviour.HEARS_NO_CALL)
    placed = await pair.alice.call("200", pair.line)
    await pair.bob.wait_for("call", state="calling")
    await pair.box.advance(seconds=40)
    with pytest.raises(PeerError, match="408 Request Timeout"):
        await placed.wait_for("standing")
    assert said(pair.bob.calls[0])[0] == "<INVITE"
    assert not any(each.startswith(">") for each in said(pair.bob.calls[0]))
    assert pair.bob.conduct.calls is Callee.SILENT


async def test_hold_and_resume_pass_with_their_descriptions_untouched(pair: CallPair) -> None:
    placed, taken = await pair.standing()
    assert await placed.hold() == 200
    assert taken.on_hold
    assert await placed.resume() == 200
    assert not taken.on_hold
    assert await taken.hold() == 200
    assert placed.on_hold
    ours = [each.message.body for each in placed.messages if each.direction == "out" and each.message.body]
    theirs = [each.message.body for each in taken.messages if each.direction == "in" and each.message.body]
    assert theirs[:3] == ours[:3]
    assert b"a=sendonly" in ours[1]


@pytest.mark.parametrize("method", ["INFO", "UPDATE", "NOTIFY", "MESSAGE"])
async def test_any_request_within_a_call(pair: CallPair, method: str) -> None:
    placed, taken = await pair.standing()
    assert await placed.request(method, body=b"x", extra=[("Content-Type", "text/plain")]) == 200
    assert await taken.request(method) == 200
    pair.bob.expect("request", method=method)


async def test_a_caller_on_a_connection_of_his_own(pair: CallPair) -> None:
    port = next(each.address for each in pair.box.ports.sip if each.zone == "IN" and each.transport == "tls")
    own = await pair.alice.dial(*port)
    placed = await pair.alice.call("sip:200@example.com", own, extra=[("Subject", "a test")], body=b"")
    await placed.wait_for("standing")
    (invite, *_) = pair.bob.calls[0].messages
    assert invite.message.headers.get("Subject") == "a test"
    await pair.alice.hang_up(own)
    assert placed.live
    await placed.hang_up()
    assert placed.connections == [own, pair.line]
    await pair.bob.calls[0].wait_for("ended")


async def test_nobody_calls_without_a_connection(pair: CallPair) -> None:
    await pair.alice.hang_up(pair.line)
    with pytest.raises(PeerError, match="no connection stands to call over"):
        await pair.alice.call("200")
    with pytest.raises(PeerError, match="the connection is closed"):
        await pair.alice.call("200", pair.line)


async def test_many_calls_at_once_each_on_record(pair: CallPair) -> None:
    placed = [await pair.alice.call(f"2{number:02}", pair.line) for number in range(50)]
    for each in placed:
        await each.wait_for("standing")
    assert [each.called for each in pair.bob.calls] == [f"2{number:02}" for number in range(50)]
    for each in placed:
        await each.hang_up()
    await pair.bob.wait_for(lambda: all(each.state is CallState.ENDED for each in pair.bob.calls))
    assert pair.box.calls() == []


async def test_forgotten_connections_take_their_calls_along(pair: CallPair) -> None:
    await pair.standing()
    await pair.alice.hang_up(pair.line)
    await pair.alice.forget([pair.line])
    assert pair.alice.calls == []


def test_every_state_can_end_and_an_illegal_move_changes_nothing() -> None:
    assert {state for state, trigger in TRANSITIONS if trigger is CallTrigger.END} == {*CallState}
    call = PeerCall(1, False, "", "", None, None, [], None, state=CallState.STANDING)  # type: ignore[arg-type]
    with pytest.raises(BugError, match="cannot take our 2xx while standing"):
        call.move(CallTrigger.ACCEPT)
    assert call.state is CallState.STANDING


def test_calls_without_an_event_loop(tmp_path: Path) -> None:
    file = tmp_path / "box.cli"
    own = "set addressContext default zone IN ipPeer ALICE"
    file.write_text("\n".join((*CONTENT, f"{own} pathCheck state disabled", "")))
    files = {"ca.der": testca.authority().certificate.der, "old.p12": testca.sbc().pkcs12("secret")}
    far = [SyncSipPeer(testca.peer(), testca.authority().certificate) for _ in range(2)]
    alice, bob = far
    with alice, bob, SyncSimulator(file, files=files, maps=[f"192.0.2.20:5061=127.0.0.1:{bob.port}"]) as box:
        bob.behave(Behaviour.RINGS)
        alice.dial(next(each.address.port for each in box.ports.sip if each.zone == "IN"))
        placed = alice.call("200")
        placed.wait_for("ringing")
        (taken,) = bob.calls
        taken.ring(183)
        taken.answer()
        placed.wait_for("standing")
        assert (placed.hold(), taken.on_hold, placed.resume(), placed.request("INFO")) == (200, True, 200, 200)
        assert alice.calls == [placed]
        assert len({placed, *alice.calls}) == 1
        assert (placed.live, placed.status, placed.connections) == (True, 200, alice.live)
        assert placed.certificates == [alice.live[0].certificate]
        assert len(placed.messages) > 10
        placed.hang_up()
        taken.wait_for("ended")
        assert (placed.ended_by, placed.why, placed.state.value) == ("peer", "BYE", "ended")
        refused = alice.call("200")
        refused.wait_for("ringing")
        bob.calls[-1].refuse()
        refused.wait_for("ended")
        given_up = alice.call("200")
        given_up.wait_for("ringing")
        given_up.cancel()
        assert [each.status for each in alice.calls] == [200, 486, 487]


async def test_nothing_that_is_said_waits_for_the_far_end_to_acknowledge_what_came_before(tmp_path: Path) -> None:
    """Without TCP_NODELAY the second of two small writes waits 40 ms."""
    set_on: list[int] = []
    adopt = asyncio.SelectorEventLoop.connect_accepted_socket

    async def noted(loop: asyncio.SelectorEventLoop, factory: object, sock: socket.socket, **how: object) -> object:
        made = await adopt(loop, factory, sock, **how)  # type: ignore[arg-type]
        set_on.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.SelectorEventLoop, "connect_accepted_socket", noted)
        async with call_pair(tmp_path) as pair:
            await pair.alice.dial(*pair.box.ports.sip[0].address)
    assert len(set_on) == 3
    assert all(set_on)


@pytest.mark.parametrize("seed", range(2))
async def test_calls_outlive_connections_that_come_and_go(tmp_path: Path, seed: int) -> None:
    random = stream(seed, "connections")
    async with call_pair(tmp_path) as pair:
        for _ in range(40):
            await _anything(pair, random)
            if random.randrange(5) == 0:
                end = random.choice((pair.alice, pair.bob))
                before = pair.box.events.last
                await end.hang_up(end.live[-1], random.choice(tuple(End)))
                await pair.box.wait_for("connectionClosed", after=before, by="remote")
                await pair.box.advance(seconds=61)
                await end.wait_for(lambda end=end: bool(end.live))  # type: ignore[misc]
                pair.line = pair.alice.live[-1]
        for end in (pair.alice, pair.bob):
            for call in end.calls:
                await _finish(call)
        await pair.box.settle()
        await pair.box.advance(seconds=240)
        assert pair.box.calls() == []
        assert pair.box._sbc._telephony.calls.footprint == 0
        # Where the connection went before any answer to the INVITE had come, the caller knows of no call.
        unheard = {each.call_id for each in pair.alice.calls if each.why == "it could not be sent"}
        known = {each.event.call for each in pair.box.journal("callStarted") if each.event.call_id not in unheard}
        answered = known & {each.event.call for each in pair.box.journal("callAnswered")}
        assert answered
        ended = [each.event for each in pair.box.journal("callEnded") if each.event.call in answered]
        assert [each for each in ended if each.by == "local"] == []


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_both_ends_do_with_calls_nothing_is_left_of_them(tmp_path: Path, seed: int) -> None:
    random = stream(seed, "calls")
    async with call_pair(tmp_path) as pair:
        pair.bob.behave(Behaviour.RINGS)
        for _ in range(60):
            await _anything(pair, random)
        await pair.box.settle()
        for end in (pair.alice, pair.bob):
            for call in end.calls:
                await _finish(call)
        await pair.alice.wait_for(lambda: all(each.state is CallState.ENDED for each in pair.alice.calls))
        await pair.bob.wait_for(lambda: all(each.state is CallState.ENDED for each in pair.bob.calls))
        await pair.box.settle()
        assert pair.box.calls() == []
        await pair.box.advance(seconds=240)
        assert pair.box._sbc._telephony.calls.footprint == 0
        assert {each.event.by for each in pair.box.journal("callEnded")} <= {"caller", "callee"}


async def _anything(pair: CallPair, random: Random) -> None:
    """Have one of the ends do something with one of its calls, or place one."""
    placed = [each for each in pair.alice.calls if each.state is not CallState.ENDED]
    if not placed or random.randrange(3) == 0:
        await pair.alice.call("200", pair.line)
        return
    call = random.choice(placed)
    other = next((each for each in pair.bob.calls if each.invite.sender.uri and each.live), call)
    doing = random.choice(("cancel", "answer", "refuse", "hold", "hang up", "info", "both"))
    with suppress(PeerError):  # what may not be done now is not done
        if doing == "cancel":
            await call.cancel()
        elif doing in {"answer", "refuse"} and pair.bob.calls:
            taken = random.choice(pair.bob.calls)
            await (taken.answer() if doing == "answer" else taken.refuse())
        elif doing == "hold":
            await random.choice((call, other)).hold()
        elif doing == "hang up":
            await random.choice((call, other)).hang_up()
        elif doing == "info":
            await other.request("INFO")
        else:
            await asyncio.gather(call.hold(), other.hold(), call.hang_up(), return_exceptions=True)


async def _finish(call: PeerCall) -> None:
    with suppress(PeerError):
        if call.placed and call.state in {CallState.CALLING, CallState.RINGING}:
            await call.cancel()
        elif call.live:
            await call.hang_up()
