"""From a host name to where it is reached (RFC 3263 4.2), with whatever the DNS has answered so far.

Nothing is asked here: `locate` says what has to be asked next, and is called again with the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - only the type: the stream is given


@dataclass(frozen=True, slots=True)
class Question:
    """What the DNS is asked: the name, without a dot at its end, and "A", "AAAA" or "SRV"."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """One SRV record (RFC 2782); the target "" means that the service is not offered there."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the DNS has answered. `failure` says why there is none; without it no record means that none exists.

    `seconds` is how long the answer may be kept.
    """

    addresses: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    seconds: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Unlocated:
    """Why there is no way to a name."""

    reason: str


Step = Question | tuple[str, int] | Unlocated
"""What to ask next, or how it ended."""

_SERVICES = {"TLS": "_sips._tcp", "TCP": "_sip._tcp", "UDP": "_sip._udp"}
_USUAL_PORTS = {"TLS": 5061, "TCP": 5060, "UDP": 5060}


def locate(
    name: str,
    port: int,
    transport: str,
    types: Sequence[str],
    answers: Mapping[Question, Answer],
    draw: Random,
) -> Step:
    """Return where `name` is reached over "TLS", "TCP" or "UDP", or what has to be asked first.

    Port 0 asks for SRV records, and for the usual port where there are none. `types` are the kinds of addresses to
    look for, in order. `draw` settles what weights leave open; it has to begin anew with every call.
    """
    if port:
        return _address(name, port, types, answers, draw)
    question = Question(f"{_SERVICES[transport]}.{name}", "SRV")
    answer = answers.get(question)
    if answer is None:
        return question
    if answer.failure:
        return Unlocated(f"{question.name} does not resolve: {answer.failure}")
    if not answer.services:
        return _address(name, _USUAL_PORTS[transport], types, answers, draw)
    found: Step = Unlocated(f"{question.name} is not offered")
    for service in in_order(answer.services, draw):
        if service.target:
            found = _address(service.target, service.port, types, answers, draw)
            if not isinstance(found, Unlocated):
                return found
    return found


def in_order(services: Iterable[Service], draw: Random) -> list[Service]:
    """Return services by priority, those of the same one in an order drawn by weight (RFC 2782)."""
    waiting = sorted(services)
    ordered: list[Service] = []
    while waiting:
        equals = [each for each in waiting if each.priority == waiting[0].priority]
        mark = draw.randint(0, sum(each.weight for each in equals))
        for each in equals:
            mark -= each.weight
            if mark <= 0:
                break
        ordered.append(each)
        waiting.remove(each)
    return ordered


def _address(name: str, port: int, types: Sequence[str], answers: Mapping[Question, Answer], draw: Random) -> Step:
    for kind in types:
        question = Question(name, kind)
        answer = answers.get(question)
        if answer is None:
            return question
        if answer.failure:
            return Unlocated(f"{name} does not resolve: {answer.failure}")
        if answer.addresses:
            return (draw.choice(sorted(answer.addresses)), port)
    return Unlocated(f"{name} has no address")
