"""The order of a transcript: the same for two runs in which the same happened, however the host mixed it.

What moves the whole box (a commit, the clock, whoever runs the simulator) keeps its place. In between, and at each
instant, comes first what users did, then what came of it. Sessions that overlap, and whatever comes of something, may
have been mixed in any way: those are sorted by what they say. What is in one strand keeps its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from .facts import Fact, neutral

_BARRIERS = frozenset({"commit", "clockMoved", "control", "reset", "switchover"})
_DONE_BY_USERS = frozenset({"session", "login"})
_LATE = frozenset({"logout"})
"""Told when the network has told the box, which may be while others go on already."""


def settled(facts: Iterable[Fact]) -> list[Fact]:
    """Return facts in the order of a transcript."""
    every = _pulled_back(list(facts))
    connections: dict[str, str] = {}
    for fact in every:
        if fact.strand[0] == "connection":
            connections[fact.strand[1]] = f"{connections.get(fact.strand[1], '')}|{neutral(fact)}"
    ordered: list[Fact] = []
    segment: list[Fact] = []
    for fact in every:
        if fact.kind in _BARRIERS or (segment and segment[-1].at != fact.at):
            ordered += _settled(segment, connections)
            segment = []
        if fact.kind in _BARRIERS:
            ordered.append(fact)
        else:
            segment.append(fact)
    return ordered + _settled(segment, connections)


def _is_late(fact: Fact) -> bool:
    return fact.kind in _LATE or (fact.kind == "cliSession" and fact.value("ended") == "yes")


def _pulled_back(facts: list[Fact]) -> list[Fact]:
    """Put the end of a session right behind what it did last at the same instant, a logout whenever that was."""
    found: list[Fact] = []
    for fact in facts:
        place = len(found)
        if _is_late(fact):
            behind = (index for index in range(len(found) - 1, -1, -1) if found[index].strand == fact.strand)
            last = next(behind, None)
            if last is not None and (found[last].at == fact.at or fact.kind in _LATE):
                place = last + 1
                fact = replace(fact, at=found[last].at)  # noqa: PLW2901 - where it is told
        found.insert(place, fact)
    return found


def _settled(segment: list[Fact], connections: Mapping[str, str]) -> list[Fact]:
    users = [fact for fact in segment if fact.strand[0] in _DONE_BY_USERS]
    rest = [fact for fact in segment if fact.strand[0] not in _DONE_BY_USERS]
    groups = (*_overlapping(users), rest)
    return [*chain.from_iterable(_sorted(group, connections) for group in groups)]


def _overlapping(facts: list[Fact]) -> Iterator[list[Fact]]:
    """Yield facts in groups: a strand that has ended before another begins is in an earlier one."""
    last = {fact.strand: index for index, fact in enumerate(facts)}
    group: list[Fact] = []
    end = -1
    for index, fact in enumerate(facts):
        if index > end and group:
            yield group
            group = []
        end = max(end, last[fact.strand])
        group.append(fact)
    if group:
        yield group


def _sorted(facts: list[Fact], connections: Mapping[str, str]) -> list[Fact]:
    strands: dict[tuple[str, ...], list[Fact]] = {}
    for fact in facts:
        strands.setdefault(fact.strand, []).append(fact)
    by_what_they_say = sorted(strands.values(), key=lambda strand: [neutral(fact, connections) for fact in strand])
    return [*chain.from_iterable(by_what_they_say)]
