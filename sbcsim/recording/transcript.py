"""A recording as readable text: the same for two runs in which the same happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sbcsim.clock import to_rfc3339

from .facts import Fact, facts, named
from .file import Header, Recording
from .order import settled
from .words import sentence


def told(recording: Recording, leave_out: frozenset[str] = frozenset()) -> list[Fact]:
    """Return the facts of a transcript: normalised, in their order, with named ids; without some kinds of event."""
    flowing = frozenset({"clockMoved"}) if recording.flows else frozenset()
    return named(settled(facts(recording, leave_out | flowing)))


def transcript(recording: Recording, leave_out: frozenset[str] = frozenset()) -> str:
    """Return a recording as text, without some kinds of event."""
    return "".join(
        f"{line}\n" for line in (*_head(recording.header, flows=recording.flows), *_body(told(recording, leave_out)))
    )


def _head(header: Header, *, flows: bool) -> Sequence[str]:
    time = "time flows" if flows else "time stands still until it is moved"
    lines = [f"sbcsim transcript: seed {header.seed}, redundancy {header.ha}, {header.mode} clock, {time}"]
    if not flows:
        lines.append(f"start {to_rfc3339(header.start)}")
    lines += [f"setting {setting}" for setting in header.settings]
    if header.missing:
        lines.append(f"{header.missing} entries before these are missing")
    return lines


def _body(ordered: Iterable[Fact]) -> Iterable[str]:
    at = ""
    for fact in ordered:
        if fact.at != at:
            at = fact.at
            yield ""
            yield at
        yield from (f"  {line}" for line in sentence(fact))
