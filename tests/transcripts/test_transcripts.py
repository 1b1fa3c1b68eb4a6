"""The golden transcripts, typed into a session in memory, as far as nothing but the lines matters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clibox import Typist
from inmemory import Box
from transcripts import (
    FAR_END,
    START,
    TRANSCRIPTS,
    Stroke,
    Transcript,
    certificates,
    commit_elsewhere,
    configuration,
    furnish,
    without_times,
)

from sbcsim.cli.session import Session, Terminal
from sbcsim.clock import from_rfc3339


@pytest.mark.parametrize("case", [case for case in TRANSCRIPTS if case.alone], ids=lambda case: case.name)
def test_transcript(case: Transcript) -> None:
    box = Box(start=case.since, settings=case.chosen, tree=configuration(case))
    for name, content in certificates(case).items():
        box.put(name, content)
    furnish(box.sbc, case)
    login = box.sbc.sessions.open(case.user, box.now, context="cli", remote=FAR_END)
    typist = Typist(Session(box.sbc, login.author, Terminal(80, case.height, keys=True), box.now), box.now)
    box.advance_by(from_rfc3339(START) - from_rfc3339(case.since))
    typist.now = box.now
    for line in case.prepared:
        assert typist.type(line).ok, typist.screen
    if case.committed:
        commit_elsewhere(box.sbc, case.committed)
    typist.screen = typist.prompt.rpartition("\n")[2]
    (strokes,) = case.strokes()
    for stroke in strokes:
        strike(typist, stroke)
    assert without_times(typist.screen) == without_times(case.screen)


def test_there_are_transcripts() -> None:
    numbers = {case.name.partition("-")[0] for case in TRANSCRIPTS}
    assert {f"T{number:02}" for number in range(1, 21)} <= numbers


def strike(typist: Typist, stroke: Stroke) -> None:
    """Type what a transcript says at one place."""
    session, now = typist.session, typist.now
    typist.screen += stroke.shown
    match stroke.end:
        case "list":
            found = session.complete(stroke.line, now, listing=True)
            typist.screen += f"\n{found.text}{typist.prompt.rpartition(chr(10))[2]}"
        case "page":
            typist.screen += "\n"  # where a terminal erases the marker
            reply = session.key(stroke.line, now)
            typist.show(replace(reply, text=reply.text.rpartition("\r")[2]))
        case "interrupt":
            typist.show(session.interrupt(now))
        case "input":
            typist.show(session.end_of_input(now))
        case _:
            typist.screen += "\n"
            typist.show(session.line(stroke.line, now))
