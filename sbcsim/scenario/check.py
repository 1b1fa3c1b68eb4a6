"""What one part of a scenario says about another: every name is known, every time and duration can be read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import NoneType, UnionType
from typing import ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from sbcsim.addresses import format_endpoint, usual_address
from sbcsim.clock import from_rfc3339, parse_duration
from sbcsim.device.alarms import AlarmName
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.settings import chosen
from sbcsim.errors import UserError
from sbcsim.eventkinds import kinds
from sbcsim.journal import MOMENTS, camel

from .clauses import ClockClause, EventClause, Expect, NeverClause
from .given import Given
from .loader import Loaded, nearest
from .matching import COMPARISONS
from .model import SftpStep, Step, ToolStep, WaitStep
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
    typed = words(scenario.steps)
    for index, step in enumerate(scenario.steps):
        for path, reason in step_problems(given, step, typed):
            yield ("steps", index, *path), reason
    for index, path, reason in _call_problems(scenario.steps):
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
    yield from _places(given)


def _places(given: Given) -> Iterator[Problem]:
    places: dict[tuple[str, int], str] = {}
    for name, peer in given.peers.items():
        place = usual_address(peer.address), peer.port
        if not place[0]:
            yield ("given", "peers", name, "address"), f'"{peer.address}" is not an IP address'
        elif places.setdefault(place, name) != name:
            yield ("given", "peers", name), f"{places[place]} is at {format_endpoint(place)} already"
        for each in peer.trusts or ():
            yield from _known("authority", each, given.authorities, ("given", "peers", name, "trusts"))
        if not given.authorities:
            yield ("given", "peers", name), "a peer needs an authority that signs its certificate"


def words(steps: Iterable[Step]) -> frozenset[str]:
    """Return the words that steps type, and the files that they bring under names of their own."""
    found: set[str] = set()
    for step in steps:
        found.update(word.strip('"') for line in step.cli or () for word in line.split())
        if step.sftp is not None:
            found.update(each for each in (step.sftp.as_, step.sftp.remove) if each is not None)
    return frozenset(found)


def step_problems(given: Given, step: Step, typed: frozenset[str]) -> Iterator[Problem]:
    """Yield what cannot be about a step that is done from this start; `typed` are the words of all steps."""
    if step.advance is not None:
        yield from _distance(step.advance, ("advance",))
    if step.sftp is not None:
        yield from _sftp(given, step.sftp)
    yield from _peers(given, step)
    if step.fault is not None:
        yield from _known("fault point", step.fault.point, POINTS, ("fault", "point"))
        yield from _duration(step.fault.period, ("fault", "period"))
    if step.tool is not None:
        yield from _tool(given, step.tool)
    if step.wait is not None:
        yield from _duration(step.wait.patience, ("wait", "patience"))
        for path, reason in _event(step.wait):
            yield ("wait", *path), reason
    if step.switchover and given.ha == "none":
        yield ("switchover",), "a switchover needs a pair: given.ha is 1to1 or cloud"
    if step.expect is not None:
        for path, reason in expect_problems(given, step.expect, typed):
            yield ("expect", *path), reason


def _call_problems(steps: Iterable[Step]) -> Iterator[tuple[int, Path, str]]:
    """Yield what cannot be about calls because of the steps before."""
    placed: set[str] = set()
    for index, step in enumerate(steps):
        call, expect = step.call, step.expect
        if call is not None and call.does == "place":
            placed.add(call.name)
        elif call is not None:
            for path, reason in _known("call", call.name, placed, ("call", "name")):
                yield index, path, reason
        if expect is None:
            continue
        for name in expect.carried or ():
            for path, reason in _known("call", name, placed, ("expect", "carried", name)):
                yield index, path, reason
        if expect.calls is not None and not placed:
            yield index, ("expect", "calls"), "no step has placed a call so far"


def _sftp(given: Given, step: SftpStep) -> Iterator[Problem]:
    if step.put is not None:
        yield from _known("file", step.put, files(given), ("sftp", "put"))


def _tool(given: Given, step: ToolStep) -> Iterator[Problem]:
    yield from _duration(step.patience, ("tool", "patience"))
    for field, name in (("old", step.old), ("new", step.new)):
        if name is not None:
            yield from _known("certificate", name, given.certificates, ("tool", field))


def _peers(given: Given, step: Step) -> Iterator[Problem]:
    """Yield the peers that are to do something, and that nobody knows."""
    if step.peer is not None:
        yield from _known("peer", step.peer.name, given.peers, ("peer", "name"))
    if step.call is not None:
        for field, name in (("from", step.call.from_), ("by", step.call.by)):
            if name is not None:
                yield from _known("peer", name, given.peers, ("call", field))


def expect_problems(given: Given, expect: Expect, typed: frozenset[str]) -> Iterator[Problem]:
    """Yield what cannot be about an expectation, or always is; `typed` are the words of all steps."""
    yield from _names(given, expect)
    yield from _absent(given, expect, typed)
    if expect.clock is not None:
        yield from _clock(expect.clock)
    for index, event in enumerate(expect.events or ()):
        for path, reason in _event(event):
            yield ("events", index, *path), reason
    for name, interruption in (expect.interruption or {}).items():
        for field, text in (("atLeast", interruption.at_least), ("atMost", interruption.at_most)):
            if text is not None:
                yield from _duration(text, ("interruption", name, field))


def _names(given: Given, expect: Expect) -> Iterator[Problem]:
    for name, shown in (expect.seen or {}).items():
        yield from _known("peer", name, given.peers, ("seen", name))
        for each in shown:
            yield from _known("certificate", each, given.certificates, ("seen", name))
    for name, carried in (expect.carried or {}).items():
        for each in carried:
            yield from _known("certificate", each, given.certificates, ("carried", name))
    for index, clause in enumerate(expect.connections or ()):
        if clause.certificate is not None:
            yield from _known(
                "certificate", clause.certificate, given.certificates, ("connections", index, "certificate")
            )
    for index, alarm in enumerate(expect.alarms or ()):
        yield from _known("alarm", alarm.name, [each.event for each in AlarmName], ("alarms", index, "name"))


def _absent(given: Given, expect: Expect, typed: frozenset[str]) -> Iterator[Problem]:
    """Yield the names that nobody has brought up: what they stand for is absent always."""
    configured = {word for line in given.configuration for word in line.split()}
    for field, what, states, known in (
        ("certificates", "certificate", expect.certificates, {**given.certificates, **given.authorities}),
        ("files", "file", expect.files, files(given)),
    ):
        for name, state in (states or {}).items():
            if state == "absent" and name not in typed | configured:
                yield from _known(what, name, known, (field, name))
    for field, lines in (("notConfigured", expect.not_configured), ("notCandidate", expect.not_candidate)):
        if any(line != "set" and not line.startswith("set ") for line in lines or ()):
            yield (field,), "the lines of a configuration begin with set"


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
    hint = types[head]
    optional = get_origin(hint) in {Union, UnionType}
    kind = next(each for each in get_args(hint) if each is not NoneType) if optional else hint
    told = f"{told} {head}"
    if rest:
        if dataclasses.is_dataclass(kind):
            assert isinstance(kind, type)
            yield from _field(kind, told, rest, wanted)
        else:
            yield f"{told} holds no fields"
        return
    allowed, word = (str, "a time") if head in _MOMENTS else _TYPES.get(kind, (object, ""))
    if dataclasses.is_dataclass(kind):
        allowed, word = NoneType, f"held in fields: name one, such as {head}.{dataclasses.fields(kind)[0].name}"
    if isinstance(wanted, Mapping):
        yield from _comparison(told, wanted, allowed, word)
    elif not _can_be(wanted, allowed) and not (optional and wanted is None):
        yield f"{told} is {word}, and never {wanted!r}"


def _comparison(told: str, wanted: Mapping[str, object], allowed: type, word: str) -> Iterator[str]:
    """Yield what is wrong with a comparison of a field: it holds never, or always."""
    if len(wanted) != 1 or not wanted.keys() <= COMPARISONS.keys():
        yield f"a comparison is one of: {', '.join(sorted(COMPARISONS))}"
        return
    ((name, other),) = wanted.items()
    if name in {"above", "below"} and (allowed not in {int, str} or not _can_be(other, allowed)):
        yield f"{told} is {word}, and never {name} {other!r}"
    elif name == "contains" and (allowed not in {str, list, object} or (allowed is str and not _can_be(other, str))):
        yield f"{told} is {word}, and never contains {other!r}"
    elif name == "oneOf" and not (isinstance(other, list) and other):
        yield "oneOf takes a list"
    elif name == "matches":
        yield from _refusal_of_pattern(other)
    elif name in {"not", "oneOf"}:
        for each in other if isinstance(other, list) and name == "oneOf" else [other]:
            if each is not None and not _can_be(each, allowed):
                yield f"{told} is {word}, and never {each!r}"


def _refusal_of_pattern(pattern: object) -> Iterator[str]:
    if not isinstance(pattern, str):
        yield "matches takes a regular expression, in quotation marks"
        return
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{pattern!r} is no regular expression: {error}"


def _can_be(value: object, allowed: type) -> bool:
    return isinstance(value, allowed) and (allowed is object or isinstance(value, bool) is (allowed is bool))


_MOMENTS = frozenset(map(camel, MOMENTS))

_TYPES: Mapping[object, tuple[type, str]] = {
    bool: (bool, "true or false"), int: (int, "a number"), str: (str, "a text"), tuple[str, ...]: (list, "a list"),
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
