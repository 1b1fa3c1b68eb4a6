"""Configuration files: the `set` lines that `show configuration | display set` prints, loaded as one commit.

Mistakes are told by file, line and column, also those that only the commit finds: each path is remembered with the
line that wrote it last.
"""

from __future__ import annotations

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
from .parser import Call, Fault, LineError, Start, parse
from .redaction import without_secret
from .resolving import line_error

_CERTIFICATES = ("system", "security", "pki", "certificate")
_COMMENTS = ("!", "#", "/*")


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
            return edits_of(schema, call)
        except WalkError as error:
            mistake = without_secret(line_error(error, call.arguments), error, call.arguments, schema)
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
    lines = file.text.split("\n")
    number = 0
    while number < len(lines):
        begun, text = number, lines[number].rstrip("\r")
        number += 1
        if not text.strip() or text.lstrip().startswith(_COMMENTS):
            continue
        while True:
            goes_on = continues(text)
            command = _Command(file.name, begun + 1, text)
            if not goes_on:
                try:
                    yield command, parse(text, Start.CONF)
                    break
                except LineError as error:
                    if error.fault is not Fault.UNTERMINATED or number == len(lines):
                        failed(command.error(_reason(error), error.position))
                        break
            elif number == len(lines):
                failed(command.error("the file ends behind a backslash", len(text) - 1))
                break
            text = f"{text[:-1] + ' ' if goes_on else text}\n{lines[number].rstrip(chr(13))}"
            number += 1


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
