"""Configuration files: the `set` lines that `show configuration | display set` prints, loaded as one commit.

Mistakes are told by file, line and column, also those that only the commit finds: each path is remembered with the
line that wrote it last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sbcsim.clock import Instant
from sbcsim.config.transaction import SYSTEM, Candidate, Database
from sbcsim.errors import ScenarioError, UserError
from sbcsim.schema.node import Node, Path
from sbcsim.schema.walk import Assignment, WalkError

from .edits import Edit, apply, edits_of
from .lexer import continues
from .output import Place, explain
from .parser import Call, LineError, Start, parse
from .resolving import line_error

_CERTIFICATES = ("system", "security", "pki", "certificate")
_COMMENTS = ("!", "#", "/*")
_ESCAPED = re.compile(r"\\.")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of CLI lines; `name` is what errors show."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Command:
    """One command of a file, which may go over several lines, with the line it begins in."""

    file: str
    line: int
    text: str

    def error(self, reason: str, position: int = 0) -> ScenarioError:
        """Return the error for a mistake at a position of the command, counted from 0."""
        before = self.text[:position]
        line = self.line + before.count("\n")
        return ScenarioError(reason, file=self.file, line=line, column=len(before) - before.rfind("\n"))

    def edits(self, schema: Node, call: Call) -> list[Edit]:
        """Return the edits that the command asks for; raises ScenarioError."""
        if call.command not in {"set", "delete"} or call.pipes:
            raise self.error("only set and delete stand in a configuration file", self.begin)
        try:
            return edits_of(schema, call, self.line)
        except WalkError as error:
            mistake = line_error(error, call.arguments)
            raise self.error(_reason(mistake), mistake.position) from None

    @property
    def begin(self) -> int:
        """Where the command begins, blanks left out."""
        return len(self.text) - len(self.text.lstrip())


def load(
    database: Database, files: Iterable[ConfigFile], now: Instant, supply: Callable[[str], None] | None = None
) -> None:
    """Commit the content of all files together; raises ScenarioError and changes nothing when anything is wrong.

    `supply` is called with the fileName of every certificate before the commit reads it.
    """
    candidate = database.open(SYSTEM)
    places: dict[Path, _Command] = {}
    names: list[str] = []
    try:
        for file in files:
            names.append(file.name)
            for command, call in commands(file):
                _apply(candidate, database.schema, command, call, places)
        if supply is not None:
            for (name,) in candidate.tree.keys(_CERTIFICATES):
                file_name = candidate.tree.get((*_CERTIFICATES, name, "fileName"))
                if file_name is not None:
                    supply(str(file_name))
        try:
            candidate.commit(now)
        except UserError as refusal:
            origin = _origin(places, refusal.path)
            if origin is None:
                raise ScenarioError(refusal.text, file=", ".join(names)) from None
            raise origin.error(refusal.text, origin.begin) from None
    finally:
        database.close(candidate)


def _give_up(error: ScenarioError) -> None:
    raise error


def commands(file: ConfigFile, failed: Callable[[ScenarioError], None] = _give_up) -> Iterator[tuple[_Command, Call]]:
    """Yield every command; one goes on in the next line behind a backslash or inside quotes.

    `failed` is told of mistakes; when it does not raise, what follows the mistake is read.
    """
    for command in _cut(file):
        if continues(command.text):
            failed(command.error("the file ends behind a backslash", len(command.text) - 1))
            continue
        try:
            call = parse(command.text, Start.CONF)
        except LineError as error:
            failed(command.error(_reason(error), error.position))
            continue
        yield command, call


def _cut(file: ConfigFile) -> Iterator[_Command]:
    """Yield the text of every command. Each line is looked at once, however many belong together."""
    begun, quoted = 0, False
    pieces: list[str] = []
    for number, ended in enumerate(file.text.split("\n"), 1):
        line = ended.rstrip("\r")
        if not pieces:
            if not line.strip() or line.lstrip().startswith(_COMMENTS):
                continue
            begun = number
        if _ESCAPED.sub("", line).count('"') % 2:
            quoted = not quoted
        pieces.append(line)
        if continues(line):
            continue
        if not quoted:
            yield _Command(file.name, begun, _joined(pieces))
            pieces = []
    if pieces:
        yield _Command(file.name, begun, _joined(pieces))


def _joined(lines: list[str]) -> str:
    """Return lines as one text, in which a blank stands for the backslash at the end of one that goes on."""
    return "\n".join([*(f"{line[:-1]} " if continues(line) else line for line in lines[:-1]), lines[-1]])


def _apply(candidate: Candidate, schema: Node, command: _Command, call: Call, places: dict[Path, _Command]) -> None:
    for edit in command.edits(schema, call):
        if isinstance(edit, Assignment):
            places[edit.path] = command
        try:
            apply(candidate, edit)
        except UserError as refusal:
            raise command.error(refusal.text, command.begin) from None


def _reason(error: LineError) -> str:
    return "; ".join(line.strip() for line in explain(error, Start.CONF, Place())[1:])


def _origin(places: dict[Path, _Command], path: Path) -> _Command | None:
    """Return the command that wrote a path, or failing that what is next to it: below it, then above it."""
    for length in range(len(path), 0, -1):
        for written, command in places.items():
            if written[:length] == path[:length]:
                return command
    return None
