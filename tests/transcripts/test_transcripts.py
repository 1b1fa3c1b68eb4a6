"""The golden transcripts, typed into a session in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from clibox import SCREEN, START, Typist
from transcripts import FILES, TYPED, box_of, moment, others_commit, read, typed_before, without_times

from sbcsim.cli.session import Session


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_transcript(file: Path) -> None:
    case = read(file)
    box = box_of(case)
    own = box.login(since=moment(case["since"]) if "since" in case else START)
    typist = Typist(Session(box, own, SCREEN, START))
    if case["mode"] != "greeting":
        for line in typed_before(case):
            assert typist.type(line).ok, typist.screen
        if "committed" in case:
            others_commit(box, case)
        typist.screen = typist.prompt.rpartition("\n")[2]
    for line in TYPED.findall(case["screen"]):
        if line.endswith("?"):
            found = typist.session.complete(line[:-1], typist.now, listing=True)
            typist.screen += f"{line}\n{found.text}{typist.prompt.rpartition(chr(10))[2]}"
        elif line:
            typist.type(line)
    assert without_times(typist.screen) == without_times(case["screen"])


def test_there_are_transcripts() -> None:
    assert len(FILES) >= 20
