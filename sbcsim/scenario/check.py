"""What one part of a scenario says about another: every name is known, every time and duration can be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import ClassVar, TypeVar, get_args, get_origin, get_type_hints

from sbcsim.clock import from_rfc3339, parse_duration
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.settings import chosen
from sbcsim.errors import UserError
from sbcsim.events import kinds
from sbcsim.journal import MOMENTS, camel

from .loader import Loaded, nearest
from .matching import COMPARISONS
from .model import ClockClause, EventClause, Expect, Given, NeverClause, PeerStep, SftpStep, Step, WaitStep
from .moments import is_distance, moment
from .positions import Path

_Clause = TypeVar("_Clause", EventClause, NeverClause, WaitStep)

Problem = tuple[Path, str]
"""Where something is wrong, and what."""


def check(loaded: Loaded) -> None:
    """Look at a whole scenario; raises ScenarioError with the place of the first thing that cannot be."""
    for path, reason in _problems(loaded):
        raise loaded.error(reason, *path)


def _problems(loaded: Loaded) -> Iterator[Problem]:
    scenario = loaded.scenario
    given = scenario.given
    yield from start_problems(given)
    for index, step in enumerate(scenario.steps):
        for path, reason in step_problems(given, step):
            yield ("steps", index, *path), reason
    for index, never in enumerate(scenario.never):
        for path, reason in _event(never):
            yield ("never", index, *path), reason


def start_problems(given: Given) -> Iterator[Problem]:
    """Yield what cannot be about a start; the paths begin with `given`."""
    yield from _moment(given.clock, ("given", "clock"), None)
    for name, value in given.settings.items():
        yield from _refusal(partial(chosen, [f"{name}={value}"]), ("given", "settings", name))
    start = from_rfc3339("2026-01-01T00:00:00Z")
    for kind, specs in (
        ("authorities", given.authorities), ("certificates", given.certificates), ("peers", given.peers),
    ):  # fmt: skip
        assert isinstance(specs, Mapping)
        for name, spec in specs.items():
            path: Path = ("given", kind, name)
            yield from _moment(spec.not_before, (*path, "notBefore"), start)
            yield from _moment(spec.not_after, (*path, "notAfter"), start)
            if spec.signed_by is not None:
                yield from _known("authority", spec.signed_by, given.authorities, (*path, "signedBy"))
    for name, certificate in given.certificates.items():
        path = ("given", "certificates", name)
        for field, other in (("renews", certificate.renews), ("keyOf", certificate.key_of)):
            if other is not None:
                yield from _known("certificate", other, given.certificates, (*path, field))
        if certificate.new_key and certificate.renews is None:
            yield (*path, "newKey"), "newKey is about a renewal"
    for name, peer in given.peers.items():
        for each in peer.trusts or ():
            yield from _known("authority", each, given.authorities, ("given", "peers", name, "trusts"))
        if not given.authorities:
            yield ("given", "peers", name), "a peer needs an authority that signs its certificate"


def step_problems(given: Given, step: Step) -> Iterator[Problem]:
    """Yield what cannot be about a step that is done from this start."""
    if step.advance is not None:
        yield from _distance(step.advance, ("advance",))
    if step.sftp is not None:
        yield from _sftp(given, step.sftp)
    if step.peer is not None:
        yield from _peer(given, step.peer)
    if step.fault is not None:
        yield from _known("fault point", step.fault.point, POINTS, ("fault", "point"))
        yield from _duration(step.fault.period, ("fault", "period"))
    if step.tool is not None:
        yield from _duration(step.tool.patience, ("tool", "patience"))
    if step.wait is not None:
        yield from _duration(step.wait.patience, ("wait", "patience"))
        for path, reason in _event(step.wait):
            yield ("wait", *path), reason
    if step.switchover and given.ha == "none":
        yield ("switchover",), "a switchover needs a pair: given.ha is 1to1 or cloud"
    if step.expect is not None:
        for path, reason in expect_problems(given, step.expect):
            yield ("expect", *path), reason


def _sftp(given: Given, step: SftpStep) -> Iterator[Problem]:
    if step.put is not None:
        yield from _known("file", step.put, files(given), ("sftp", "put"))


def _peer(given: Given, step: PeerStep) -> Iterator[Problem]:
    yield from _known("peer", step.name, given.peers, ("peer", "name"))


def expect_problems(given: Given, expect: Expect) -> Iterator[Problem]:
    """Yield what cannot be about an expectation."""
    for name, shown in (expect.seen or {}).items():
        yield from _known("peer", name, given.peers, ("seen", name))
        for each in shown:
            yield from _known("certificate", each, given.certificates, ("seen", name))
    for index, clause in enumerate(expect.connections or ()):
        if clause.certificate is not None:
            yield from _known(
                "certificate", clause.certificate, given.certificates, ("connections", index, "certificate")
            )
    yield from _clock(expect.clock or ClockClause())
    for index, event in enumerate(expect.events or ()):
        for path, reason in _event(event):
            yield ("events", index, *path), reason
    for name, interruption in (expect.interruption or {}).items():
        for field, text in (("atLeast", interruption.at_least), ("atMost", interruption.at_most)):
            if text is not None:
                yield from _duration(text, ("interruption", name, field))


def _clock(clause: ClockClause) -> Iterator[Problem]:
    for field, text in (("from", clause.from_), ("until", clause.until)):
        if text is not None:
            yield from _moment(text, ("clock", field), from_rfc3339("2026-01-01T00:00:00Z"))


def _event(clause: _Clause) -> Iterator[Problem]:
    known = kinds()
    if clause.event not in known:
        yield ("event",), f'no event "{clause.event}"{nearest(clause.event, known)}'
        return
    for name, wanted in clause.where.items():
        for reason in _field(known[clause.event], clause.event, name, wanted):
            yield ("where", name), reason


def _field(holder: type, told: str, name: str, wanted: object) -> Iterator[str]:
    """Yield what is wrong with a field and what it is compared with: nothing can ever be like that."""
    head, _, rest = name.partition(".")
    types = {camel(each): hint for each, hint in get_type_hints(holder).items() if get_origin(hint) is not ClassVar}
    if head not in types:
        yield f'{told} has no field "{head}"{nearest(head, types)}'
        return
    kinds_of = [each for each in (get_args(types[head]) or (types[head],)) if each is not type(None)]
    if rest:
        if not dataclasses.is_dataclass(kinds_of[0]):
            yield f"{told} {head} holds no fields"
        else:
            assert isinstance(kinds_of[0], type)
            yield from _field(kinds_of[0], f"{told} {head}", rest, wanted)
        return
    if isinstance(wanted, Mapping) and (len(wanted) != 1 or not wanted.keys() <= COMPARISONS.keys()):
        yield f"a comparison is one of: {', '.join(sorted(COMPARISONS))}"
    elif not isinstance(wanted, Mapping) and kinds_of[0] in _TYPES:
        allowed, word = _TYPES[kinds_of[0]]
        fits = isinstance(wanted, allowed) and isinstance(wanted, bool) is (allowed is bool)
        if not fits and name not in _MOMENTS:
            yield f"{told} {head} is {word}, and never {wanted!r}"


_MOMENTS = frozenset(map(camel, MOMENTS))

_TYPES: Mapping[type, tuple[type, str]] = {
    bool: (bool, "true or false"), int: (int, "a number"), str: (str, "a text"),
}  # fmt: skip


def files(given: Given) -> dict[str, str]:
    """Return the files of a scenario by name, with the authority or certificate that is in it."""
    named = {each.file or f"{name.lower()}.pem": name for name, each in given.authorities.items()}
    return named | {each.file or f"{name.lower()}.p12": name for name, each in given.certificates.items()}


def _known(what: str, name: str, known: Iterable[str], path: Path) -> Iterator[Problem]:
    if name not in known:
        yield path, f'no {what} "{name}"{nearest(name, known)}'


def _moment(text: str, path: Path, start: int | None) -> Iterator[Problem]:
    yield from _refusal(lambda: moment(text, start), path)


def _distance(text: str, path: Path) -> Iterator[Problem]:
    yield from _refusal(lambda: parse_duration(text) if is_distance(text) else moment(text, None), path)


def _duration(text: str, path: Path) -> Iterator[Problem]:
    yield from _refusal(lambda: parse_duration(text), path)


def _refusal(read: Callable[[], object], path: Path) -> Iterator[Problem]:
    try:
        read()
    except UserError as error:
        yield path, error.text
