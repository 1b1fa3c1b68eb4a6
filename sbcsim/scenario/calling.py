"""What the peers of a scenario do with calls: place them, answer, hold, talk, hang up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from sbcsim.callevents import CallRouted, CallStarted
from sbcsim.errors import PeerError
from sbcsim.net.peer import CallState, PeerCall, SipPeer

from .farend import FarEndError
from .model import CallStep
from .stage import Stage


async def act(stage: Stage, step: CallStep) -> None:
    """Have somebody do something with calls; raises FarEndError where that goes another way than it is to."""
    try:
        if step.does == "place":
            await _place(stage, step)
        else:
            await _do(stage, step)
    except (PeerError, TimeoutError) as error:
        raise FarEndError(f"{step.name}: {error}") from None


async def _place(stage: Stage, step: CallStep) -> None:
    assert step.from_ is not None
    peer = stage.peers[step.from_]
    stage.calls[step.name] = placed = []
    for _ in range(step.count):
        call = await peer.call(step.to or "200")
        placed.append(call)
        if step.refused is not None:
            await _refused(call, step)
            continue
        await call.wait_for(CallState(step.until))
        if step.until == "standing":
            await _stands_there(stage, call)


async def _refused(call: PeerCall, step: CallStep) -> None:
    with suppress(PeerError):
        await call.wait_for(CallState.STANDING)
    if CallState.STANDING in call.reached:
        raise FarEndError(f"{step.name} was answered, and not refused with {step.refused}")
    if call.status != step.refused:
        raise FarEndError(f"{step.name} was refused with {call.status}, and not with {step.refused}")


async def _stands_there(stage: Stage, call: PeerCall) -> None:
    """Wait until the callee has the acknowledgement, too."""
    for peer in stage.peers.values():
        other = other_end(stage, call, peer)
        if other is not None and other.state is CallState.ANSWERED:
            await other.wait_for(CallState.STANDING)


async def _do(stage: Stage, step: CallStep) -> None:
    found = [each for call in stage.calls[step.name] if (each := _whose(stage, call, step)) is not None]
    if not found:
        raise FarEndError(f"{step.by or 'nobody'} has no call {step.name}")
    for call in found:
        await _DOINGS[step.does](call, step)


def _whose(stage: Stage, call: PeerCall, step: CallStep) -> PeerCall | None:
    """Return a call as the one has it who is to do something."""
    peers = [stage.peers[step.by]] if step.by is not None else [*stage.peers.values()]
    callee = step.by is not None or step.does in {"answer", "refuse"}
    if not callee or (step.by is not None and call in peers[0].calls):
        return call
    return next((other for peer in peers if (other := other_end(stage, call, peer)) is not None), None)


def other_end(stage: Stage, call: PeerCall, peer: SipPeer) -> PeerCall | None:
    """Return what a peer has of a call that another, or it itself, has placed; None where it has nothing of it."""
    number = gcid(stage, call)
    routed = {
        each.event.call_id
        for each in stage.sbc.journal("callRouted")
        if isinstance(each.event, CallRouted) and each.event.call == number
    }
    return next((each for each in peer.calls if not each.placed and each.call_id in routed), None)


def gcid(stage: Stage, call: PeerCall) -> int:
    """Return the number that the box has given a call, 0 for one that it has not let in."""
    started = (each.event for each in stage.sbc.journal("callStarted"))
    return next((each.call for each in started if isinstance(each, CallStarted) and each.call_id == call.call_id), 0)


async def _hang_up(call: PeerCall, step: CallStep) -> None:
    del step
    await call.hang_up()


async def _cancel(call: PeerCall, step: CallStep) -> None:
    del step
    await call.cancel()


async def _answer(call: PeerCall, step: CallStep) -> None:
    del step
    await call.answer()


async def _refuse(call: PeerCall, step: CallStep) -> None:
    await call.refuse(step.status)


async def _hold(call: PeerCall, step: CallStep) -> None:
    _judge(await call.hold(), step)


async def _resume(call: PeerCall, step: CallStep) -> None:
    _judge(await call.resume(), step)


async def _talk(call: PeerCall, step: CallStep) -> None:
    _judge(await call.request("INFO"), step)


def _judge(status: int, step: CallStep) -> None:
    if status != (step.refused or 200):
        raise FarEndError(f"{step.name}: {step.does} was answered {status}, and not {step.refused or 200}")


_DOINGS: Mapping[str, Callable[[PeerCall, CallStep], Awaitable[None]]] = {
    "hang up": _hang_up,
    "cancel": _cancel,
    "answer": _answer,
    "refuse": _refuse,
    "hold": _hold,
    "resume": _resume,
    "talk": _talk,
}
