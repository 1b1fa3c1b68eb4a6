"""What is true at a moment of a scenario, against what was to be: one finding for each statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sbcsim.clock import format_duration, parse_duration, to_rfc3339
from sbcsim.control.models import Alarm, Connection
from sbcsim.errors import PeerError, UserError
from sbcsim.events import PathState
from sbcsim.journal import Entry

from . import callverdict
from .clauses import AlarmClause, ClockClause, ConnectionClause, EventClause, Expect, InterruptionClause
from .loader import nearest
from .matching import EventMatch
from .moments import moment as parse_moment
from .pairing import pair
from .positions import Path
from .stage import Stage


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about the box, whether it holds, and what is true instead where it does not."""

    path: Path
    """Where the statement stands in the scenario."""
    statement: str
    ok: bool
    instead: str = ""

    @staticmethod
    def of(path: Path, statement: str, instead: str) -> Finding:
        """Return a finding that holds where nothing is true instead."""
        return Finding(path, statement, not instead, instead)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to be judged: the journal numbers from which events count, and what was last printed."""

    start: int
    step: int
    output: str


async def judge(stage: Stage, expect: Expect, moment: Moment, path: Path) -> AsyncIterator[Finding]:
    """Yield what is found about every statement of an expectation."""
    for name, ask in _ASKED.items():
        if getattr(expect, name) is not None:
            for finding in ask(stage, expect, moment, path):
                yield finding
    if expect.calls is not None or expect.carried is not None:
        async for statement, said, instead in callverdict.judge(
            stage, expect.calls, expect.carried or {}, moment.start
        ):
            yield Finding.of((*path, *statement), said, instead)
    for port, name in (expect.serves or {}).items():
        yield await _serves(stage, port, name, (*path, "serves", port))


def _connections(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    clauses = expect.connections or ()
    without, left = pair(
        [each.count for each in clauses],
        stage.sbc.connections(),
        lambda connection, number: _fits(connection, clauses[number]),
    )
    unmet = [f"{count} with {_told(clause)}" for clause, count in zip(clauses, without, strict=True) if count]
    statement = "live connections: " + (", ".join(f"{each.count} with {_told(each)}" for each in clauses) or "none")
    instead = [f"missing {'; '.join(unmet)}"] if unmet else []
    if left:
        instead.append(f"there {'is' if len(left) == 1 else 'are'} also {'; '.join(map(_shown, left))}")
    yield Finding.of((*path, "connections"), statement, ", and ".join(instead))


def _clock(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    now = stage.clock.reading().calendar
    clause = expect.clock or ClockClause()
    first = None if clause.from_ is None else parse_moment(clause.from_, stage.start)
    end = None if clause.until is None else parse_moment(clause.until, stage.start)
    good = (first is None or first <= now) and (end is None or now < end)
    bounds = [("from", first), ("before", end)]
    said = " and ".join(f"{word} {to_rfc3339(each)}" for word, each in bounds if each is not None) or "any"
    yield Finding.of((*path, "clock"), f"the time is {said}", "" if good else f"it is {to_rfc3339(now)}")


def _fits(connection: Connection, clause: ConnectionClause) -> bool:
    local = connection.local_certificate
    facts = {
        "certificate": local.name if local else "",
        "direction": connection.direction,
        "peer": connection.peer,
        "zone": connection.zone,
        "sip_sig_port": connection.sip_sig_port,
        "resumed": connection.resumed,
    }
    return all(getattr(clause, name) in (None, value) for name, value in facts.items())


def _told(clause: ConnectionClause) -> str:
    said = clause.model_dump(by_alias=True, exclude={"count"}, exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in said.items()) or "anything"


def _shown(connection: Connection) -> str:
    name = connection.local_certificate.name if connection.local_certificate else "no certificate"
    return f"#{connection.id} {connection.direction} {connection.peer or connection.remote.host} on {name}"


def _seen(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    for name, wanted in (expect.seen or {}).items():
        shown = [stage.mint.name(each.certificate) for each in stage.peers[name].connections]
        statement = f"{name} was shown {', '.join(wanted) or 'nothing'}"
        instead = "" if shown == [*wanted] else f"it was shown {', '.join(shown) or 'nothing'}"
        yield Finding.of((*path, "seen", name), statement, instead)


def _peers(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    states = {peer.name: peer.path_state for peer in stage.sbc.peers()}
    yield from _facts("peer", expect.peers or {}, states.get, (*path, "peers"), "not there")


def _certificates(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    states = {each.name: each.state for each in stage.sbc.certificates()}
    wanted = expect.certificates or {}
    yield from _facts("certificate", wanted, lambda name: states.get(name, "absent"), (*path, "certificates"))


def _files(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    there = stage.sbc.files()
    wanted = expect.files or {}
    yield from _facts("file", wanted, lambda name: "present" if name in there else "absent", (*path, "files"))


def _facts(
    what: str, wanted: Mapping[str, str], find: Callable[[str], str | None], path: Path, without: str = ""
) -> Iterator[Finding]:
    for name, state in wanted.items():
        found = find(name) or without
        instead = "" if found == state else f"it is {found}"
        yield Finding.of((*path, name), f"{what} {name} is {state}", instead)


def _configured(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    for text in expect.configured or ():
        instead = "" if _lines(stage, text) else "it has none"
        yield Finding.of((*path, "configured"), f"the configuration has a line {text}", instead)


def _not_configured(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    for text in expect.not_configured or ():
        found = _lines(stage, text)
        instead = f"it has {found[0]}" if found else ""
        yield Finding.of((*path, "notConfigured"), f"the configuration has no line {text}", instead)


def _lines(stage: Stage, text: str) -> list[str]:
    return _beginning(stage.sbc.configuration(), text)


def _beginning(lines: Iterable[str], text: str) -> list[str]:
    return [line for line in lines if line == text or line.startswith(f"{text} ")]


def _candidate(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    candidates = stage.sbc.candidates()
    for text in expect.candidate or ():
        there = any(_beginning(lines, text) for lines in candidates)
        instead = "" if there else "none has" if candidates else "no session is in configure mode"
        yield Finding.of((*path, "candidate"), f"a candidate has a line {text}", instead)


def _not_candidate(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    candidates = stage.sbc.candidates()
    for text in expect.not_candidate or ():
        there = any(not _beginning(lines, text) for lines in candidates)
        instead = "" if there else "it has one" if candidates else "no session is in configure mode"
        yield Finding.of((*path, "notCandidate"), f"a candidate has no line {text}", instead)


def _configuring(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    found = len(stage.sbc.candidates())
    instead = "" if found == expect.configuring else f"{found} are"
    yield Finding.of((*path, "configuring"), f"{expect.configuring} sessions are in configure mode", instead)


def _interruption(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    known = {peer.name for peer in stage.sbc.peers()}
    lost = _lost(stage.sbc.journal(after=moment.start), moment.start)
    for name, clause in (expect.interruption or {}).items():
        down = time_down(stage, name, moment.start)
        said = _bounds(clause)
        low, high = clause.at_least, clause.at_most
        bad = (low is not None and down < parse_duration(low)) or (high is not None and down > parse_duration(high))
        instead = f"it was down for {format_duration(down)}" if bad else ""
        if not down and name not in known:
            instead = f"there is no such peer{nearest(name, known)}"
        instead = instead or lost
        yield Finding.of((*path, "interruption", name), f"{name} was down for {said}", instead)


def _bounds(clause: InterruptionClause) -> str:
    bounds = [("at least", clause.at_least), ("at most", clause.at_most)]
    return " and ".join(f"{word} {text}" for word, text in bounds if text is not None) or "any time"


def time_down(stage: Stage, peer: str, after: int = 0) -> int:
    """Return for how many simulated microseconds the path check has held a peer for down."""
    total, since = 0, None
    for entry in stage.sbc.journal("pathState", after=after):
        event = entry.event
        if isinstance(event, PathState) and event.peer == peer:
            if since is not None:
                total += entry.at.uptime - since
            since = entry.at.uptime if event.new == "down" else None
    return total if since is None else total + stage.clock.reading().uptime - since


def _alarms(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    current = stage.sbc.alarms().current
    for index, clause in enumerate(expect.alarms or ()):
        found = [each for each in current if _is(each, clause)]
        near = [each for each in current if each.name == clause.name] or [*current]
        instead = "" if bool(found) is clause.standing else "; ".join(map(_alarm, found or near)) or "no alarm stands"
        word = "stands" if clause.standing else "does not stand"
        said = f"alarm {clause.name}"
        said += f" ({clause.description})" if clause.description else ""
        said += f", count {clause.count}," if clause.count else ""
        yield Finding.of((*path, "alarms", index), f"{said} {word}", instead)


def _is(alarm: Alarm, clause: AlarmClause) -> bool:
    described = clause.description is None or clause.description in alarm.description
    return alarm.name == clause.name and described and clause.count in (None, alarm.count)


def _alarm(alarm: Alarm) -> str:
    return f"{alarm.name} ({alarm.description}), count {alarm.count}"


def _counters(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del moment
    counted = {f"{each.zone}/{each.sip_sig_port}": each.counters for each in stage.sbc.port_counters()}
    for port, wanted in (expect.counters or {}).items():
        here = counted.get(port, {})
        for name, number in wanted.items():
            if name in here:
                instead = "" if here[name] == number else f"it is {here[name]}"
            else:
                known = ", ".join(here) or f"no port {port}"
                instead = f"there is none of that name; there are: {known}"
            yield Finding.of((*path, "counters", port, name), f"{port} {name} is {number}", instead)


def _events(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    for index, clause in enumerate(expect.events or ()):
        after = moment.step if clause.since == "step" else moment.start
        yield _event(stage, clause, after, (*path, "events", index))


def _event(stage: Stage, clause: EventClause, after: int, path: Path) -> Finding:
    match = EventMatch(clause.event, clause.where)
    entries = stage.sbc.journal(after=after)
    count = len(match.among(entries))
    least, most = clause.least, clause.most
    if least <= count and (most is None or count <= most):
        instead = "" if most is None else _lost(entries, after)
    else:
        instead = _lost(entries, after) or (f"there are {count}" if count else match.explain(entries))
    said = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    return Finding.of(path, f"{said} of {match}", instead)


def _lost(entries: Sequence[Entry], after: int) -> str:
    """Return in words that events behind a number are not in the journal any more, "" where all are."""
    first = entries[0].number if entries else after + 1
    return f"the journal does not hold any more what was before #{first}" if first > after + 1 else ""


def _output(stage: Stage, expect: Expect, moment: Moment, path: Path) -> Iterator[Finding]:
    del stage
    for text in expect.output or ():
        instead = "" if text in moment.output else f"it printed {moment.output.strip()!r}"
        yield Finding.of((*path, "output"), f"the box printed {text!r}", instead)


async def _serves(stage: Stage, port: str, name: str, path: Path) -> Finding:
    statement = f"a new connection to {port} is shown {name}"
    try:
        shown = await _shown_to_a_stranger(stage, port)
    except _NO_CONNECTION as error:
        return Finding.of(path, statement, f"there is no connection: {error}")
    return Finding.of(path, statement, "" if shown == name else f"it is shown {shown}")


async def shown_by(stage: Stage, port: str) -> str:
    """Return the name of the certificate that a new connection to a port is shown, "" where there is none."""
    try:
        return await _shown_to_a_stranger(stage, port)
    except _NO_CONNECTION:
        return ""


_NO_CONNECTION = (UserError, PeerError, OSError, TimeoutError)


async def _shown_to_a_stranger(stage: Stage, port: str) -> str:
    probe = stage.stranger()
    try:
        connection = await probe.dial(*stage.port(port))
        return stage.mint.name(connection.certificate)
    finally:
        await probe.close()


def never(stage: Stage, start: int) -> Iterator[Finding]:
    """Yield what is found about the events that the whole journal may not hold."""
    entries = stage.sbc.journal(after=start)
    for index, clause in enumerate(stage.loaded.scenario.never):
        match = EventMatch(clause.event, clause.where)
        found = match.among(entries)
        shown = f"#{found[0].number} at {found[0].at.rfc3339()}" if found else ""
        instead = f"{len(found)} times, first {shown}" if len(found) > 1 else shown and f"it happened: {shown}"
        instead = instead or _lost(entries, start)
        yield Finding.of(("never", index), f"never {match}", instead)


_ASKED: Mapping[str, Callable[[Stage, Expect, Moment, Path], Iterator[Finding]]] = {
    "clock": _clock,
    "output": _output,
    "connections": _connections,
    "seen": _seen,
    "peers": _peers,
    "interruption": _interruption,
    "certificates": _certificates,
    "configured": _configured,
    "not_configured": _not_configured,
    "candidate": _candidate,
    "not_candidate": _not_candidate,
    "configuring": _configuring,
    "files": _files,
    "alarms": _alarms,
    "counters": _counters,
    "events": _events,
}
"""Who looks into each statement of an expectation, in the order in which they are told."""
