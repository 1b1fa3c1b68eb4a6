"""Golden transcripts: what a user sees, to the letter, times left out.

A file holds the start configuration (loaded unchecked), lines typed before, lines that somebody else commits then,
rows of status tables, and the screen.
What stands behind a prompt or a question on the screen is typed; a `?` at the end of a line is the key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from clibox import SCREEN, START, FakeBox, Typist

from sbcsim.cli.session import Session
from sbcsim.clock import Instant, from_rfc3339
from sbcsim.config.transaction import Author, Database
from sbcsim.schema.walk import Word, resolve_set

FILES = sorted(Path(__file__).parent.glob("*.toml"))
TIME = re.compile(r"(?<=^\[ok\])\[[^]]*\]$|(?<=^\[error\])\[[^]]*\]$", re.MULTILINE)
TYPED = re.compile(r"^(?:admin@SBC1[>%] |.* \[yes,(?:no|NO)\] )(.*)$", re.MULTILINE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_transcript(file: Path) -> None:
    case = tomllib.loads(file.read_text())
    typist = prepared(case)
    wanted = case["screen"]
    for line in TYPED.findall(wanted):
        if line.endswith("?"):
            found = typist.session.complete(line[:-1], typist.now, listing=True)
            typist.screen += f"{line}\n{found.text}{typist.prompt.rpartition(chr(10))[2]}"
        elif line:
            typist.type(line)
    assert TIME.sub("[TIME]", typist.screen) == TIME.sub("[TIME]", wanted)


def test_there_are_transcripts() -> None:
    assert len(FILES) >= 20


def prepared(case: dict[str, Any]) -> Typist:
    """Return a typist whose screen shows nothing but the prompt (or the greeting, if that is what is looked at)."""
    box = FakeBox()
    box.database = Database(box.schema, start(box, case.get("start", ())))
    for path, rows in case.get("rows", {}).items():
        box.tables[tuple(path.split())] = rows
    number = case.get("others", 0)
    for other in (case.get("exclusive"), *case.get("logins", ())):
        if other is None:
            continue
        for _ in range(number):
            box.sessions.close(box.login().session)
        number = 0
        author = box.login(other["remote"], since=moment(other["since"]), context=other.get("context", "cli"))
        login = box.sessions.get(author.session)
        assert login is not None
        login.mode = other.get("mode", "")
        if other is case.get("exclusive"):
            box.database.open(author, exclusive=True)
    own = box.login(since=moment(case["since"]) if "since" in case else START)
    typist = Typist(Session(box, own, SCREEN, START))
    if case["mode"] == "greeting":
        return typist
    for line in (["configure"] if case["mode"] == "configure" else []) + list(case.get("typed", ())):
        assert typist.type(line).ok, typist.screen
    if "committed" in case:
        other = Typist(box.session())
        for line in ("configure", *case["committed"], "commit"):
            assert other.type(line).ok, other.screen
    typist.screen = typist.prompt.rpartition("\n")[2]
    return typist


def moment(text: str) -> Instant:
    return Instant(0, from_rfc3339(text))


def start(box: FakeBox, lines: list[str]) -> Any:
    candidate = box.database.open(Author("system", "system", 0, "", ""))
    for line in lines:
        for assignment in resolve_set(box.schema, [Word(word) for word in line.split()[1:]]):
            if assignment.value is None:
                candidate.create(assignment.path)
            else:
                candidate.set(assignment.path, assignment.value)
    return candidate.tree
