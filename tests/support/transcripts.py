"""Golden transcripts: what a user sees, to the letter, times left out.

A file holds how sure it is, the start configuration (loaded unchecked), lines typed before, lines that somebody else
commits then, rows of status tables, and the screen.
What stands behind a prompt or a question on the screen is typed; a `?` at the end of a line is the key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from clibox import FakeBox, Typist

from sbcsim.clock import Instant, from_rfc3339
from sbcsim.config.transaction import Author, Database
from sbcsim.schema.walk import Word, resolve_set

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.toml"))
TYPED = re.compile(r"^(?:admin@SBC1[>%] |.* \[yes,(?:no|NO)\] )(.*)$", re.MULTILINE)
_TIME = re.compile(r"(?<=^\[ok\])\[[^]]*\]$|(?<=^\[error\])\[[^]]*\]$", re.MULTILINE)


def read(file: Path) -> dict[str, Any]:
    """Return a transcript."""
    return tomllib.loads(file.read_text())


def without_times(screen: str) -> str:
    """Return a screen with the times of its status lines left out."""
    return _TIME.sub("[TIME]", screen)


def moment(text: str) -> Instant:
    """Return an instant."""
    return Instant(0, from_rfc3339(text))


def box_of(case: dict[str, Any]) -> FakeBox:
    """Return the box that a transcript begins with, others logged in."""
    box = FakeBox()
    box.database = Database(box.schema, _start(box, case.get("start", ())))
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
    return box


def typed_before(case: dict[str, Any]) -> list[str]:
    """Return the lines that are typed before the screen begins."""
    return [*(["configure"] if case["mode"] == "configure" else []), *case.get("typed", ())]


def others_commit(box: FakeBox, case: dict[str, Any]) -> None:
    """Have somebody else commit what the transcript says."""
    other = Typist(box.session())
    for line in ("configure", *case["committed"], "commit"):
        assert other.type(line).ok, other.screen


def _start(box: FakeBox, lines: list[str]) -> Any:
    candidate = box.database.open(Author("system", "system", 0, "", ""))
    for line in lines:
        for assignment in resolve_set(box.schema, [Word(word) for word in line.split()[1:]]):
            if assignment.value is None:
                candidate.create(assignment.path)
            else:
                candidate.set(assignment.path, assignment.value)
    return candidate.tree
