"""What is true of calls at a moment of a scenario, at the box, at their two ends, and in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from functools import partial

from sbcsim.callevents import CallAnswered, CallEnded
from sbcsim.net.peer import CallState, PeerCall, SipPeer

from .clauses import CallsClause, EndedClause
from .pairing import pair
from .positions import Path
from .stage import Stage

PATIENCE = 2.0
"""Host seconds in which the two ends of a call come to know what the box knows."""

Statement = tuple[Path, str, str]
"""Where it stands within the expectation, what it says, and what is true instead: "" where it holds."""


async def judge(
    stage: Stage, clause: CallsClause | None, carried: Mapping[str, tuple[str, ...]], start: int
) -> AsyncIterator[Statement]:
    """Yield what is found about calls; `start` is the journal number behind which they count."""
    await _agreed(stage)
    for statement in (*_counts(stage, clause or CallsClause(lost=None), start), *_carried(stage, carried)):
        yield statement


def lost(stage: Stage, start: int = 0) -> int:
    """Return how many calls had been answered, and are gone though neither end has hung up."""
    standing, gone = set[int](), 0
    for entry in stage.sbc.journal(("callAnswered", "callEnded"), after=start):
        match entry.event:
            case CallAnswered(call=number):
                gone += number in standing  # numbers begin anew where a box does, and nobody has told what became of it
                standing.add(number)
            case CallEnded(call=number, by=by) if number in standing:
                standing.discard(number)
                gone += by == "local"
    return gone + len(standing - {call.id for call in stage.sbc.calls()})


async def _agreed(stage: Stage) -> None:
    """Wait until no end takes a call for live that the box does not, or have it judged as it is."""
    for peer in stage.peers.values():
        with suppress(TimeoutError):
            await peer.wait_for(partial(_agrees, stage, peer), patience=PATIENCE)


def _agrees(stage: Stage, peer: SipPeer) -> bool:
    return not any(call.live for call in _loose(stage, peer.calls))


def _loose(stage: Stage, calls: list[PeerCall]) -> list[PeerCall]:
    known = {leg.call_id for call in stage.sbc.calls() for leg in (call.ingress, call.egress) if leg is not None}
    return [call for call in calls if call.state is not CallState.ENDED and call.call_id not in known]


def _counts(stage: Stage, clause: CallsClause, start: int) -> Iterator[Statement]:
    calls = stage.sbc.calls()
    states = [call.state for call in calls]
    if clause.standing is not None:
        yield ("calls", "standing"), f"{clause.standing} calls stand", _standing(stage, clause.standing)
    if clause.establishing is not None:
        yield _count("establishing", "calls are being set up", clause.establishing, states.count("establishing"))
    if clause.answered is not None:
        found = len(stage.sbc.journal("callAnswered", after=start))
        yield _count("answered", "calls have been answered", clause.answered, found)
    ended = [each.event for each in stage.sbc.journal("callEnded", after=start) if isinstance(each.event, CallEnded)]
    if clause.refused is not None:
        found = len(stage.sbc.journal("callRefused", after=start)) + sum(each.status not in {0, 487} for each in ended)
        yield _count("refused", "calls have been refused", clause.refused, found)
    if clause.lost is not None:
        yield _count("lost", "calls have been lost", clause.lost, lost(stage, start))
    if clause.ended is not None:
        yield ("calls", "ended"), *_ended(clause.ended, ended)


def _count(name: str, said: str, wanted: int, found: int) -> Statement:
    return ("calls", name), f"{wanted} {said}", "" if found == wanted else f"{found} {said}"


def _standing(stage: Stage, wanted: int) -> str:
    """Return what is true instead of so many calls that the box and both ends take for live."""
    stable = [call for call in stage.sbc.calls() if call.state == "stable"]
    if len(stable) != wanted:
        return f"the box has {len(stable)}"
    for name, peer in stage.peers.items():
        loose = [call for call in _loose(stage, peer.calls) if call.live]
        if loose:
            return f"{name} takes {len(loose)} for live of which the box knows nothing"
    live = {each.call_id for peer in stage.peers.values() for each in peer.calls if each.live}
    halves = [call.id for call in stable for leg in (call.ingress, call.egress) if leg and leg.call_id not in live]
    return f"call {halves[0]} is over for one of its ends" if halves else ""


def _ended(clauses: tuple[EndedClause, ...], ended: list[CallEnded]) -> tuple[str, str]:
    without, left = pair([each.count for each in clauses], ended, lambda event, number: _is(event, clauses[number]))
    unmet = [f"{count} {_told(clause)}" for clause, count in zip(clauses, without, strict=True) if count]
    said = ", ".join(f"{each.count} {_told(each)}" for each in clauses) or "none"
    instead = [f"missing {'; '.join(unmet)}"] if unmet else []
    if left:
        instead.append(f"there {'is' if len(left) == 1 else 'are'} also {'; '.join(map(_shown, left))}")
    return f"calls have ended: {said}", ", and ".join(instead)


def _is(event: CallEnded, clause: EndedClause) -> bool:
    why = clause.why is None or clause.why in event.why
    return why and clause.by in (None, event.by) and clause.status in (None, event.status)


def _told(clause: EndedClause) -> str:
    said = clause.model_dump(exclude={"count"}, exclude_none=True)
    return " ".join(f"{name} {value}" for name, value in said.items()) or "in any way"


def _shown(event: CallEnded) -> str:
    return f"call {event.call} by {event.by}: {event.why}" + (f", {event.status}" if event.status else "")


def _carried(stage: Stage, carried: Mapping[str, tuple[str, ...]]) -> Iterator[Statement]:
    for name, wanted in carried.items():
        shown = {tuple(stage.mint.name(each) for each in call.certificates) for call in stage.calls.get(name, ())}
        instead = "" if shown == {wanted} else "; ".join(", ".join(each) or "none" for each in shown) or "no such call"
        yield ("carried", name), f"{name} was carried under {', '.join(wanted)}", instead and f"it was {instead}"
