"""Configuration files: the `set` lines that `show configuration | display set` prints, loaded as one commit.

Mistakes are told by file, line and column, also those that only the commit finds: each path is remembered with the
line that wrote it last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sbcsim.clock import Instant
from sbcsim.config.transaction import Author, Candidate, Database
from sbcsim.errors import ScenarioError, UserError
from sbcsim.schema.node import Node, Path
from sbcsim.schema.walk import WalkError, resolve_path, resolve_set

from .output import explain
from .parser import Call, Fault, LineError, Start, parse
from .redaction import without_secret
from .resolving import line_error

_AUTHOR = Author(user="system", context="system", session=0, remote="", protocol="console")
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


def load(
    database: Database, files: Iterable[ConfigFile], now: Instant, supply: Callable[[str], None] | None = None
) -> None:
    """Commit the content of all files together; raises ScenarioError and changes nothing when anything is wrong.

    `supply` is called with the fileName of every certificate before the commit reads it.
    """
    candidate = database.open(_AUTHOR)
    places: dict[Path, _Command] = {}
    names: list[str] = []
    try:
        for file in files:
            names.append(file.name)
            for command, call in _commands(file):
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
            raise origin.error(refusal.text, len(origin.text) - len(origin.text.lstrip())) from None
    finally:
        database.close(candidate)


def _commands(file: ConfigFile) -> Iterator[tuple[_Command, Call]]:
    """Yield every command; one goes on in the next line behind a backslash or inside quotes."""
    lines = file.text.split("\n")
    number = 0
    while number < len(lines):
        begun, text = number, lines[number].rstrip("\r")
        number += 1
        if not text.strip() or text.lstrip().startswith(_COMMENTS):
            continue
        while True:
            goes_on = (len(text) - len(text.rstrip("\\"))) % 2 == 1
            command = _Command(file.name, begun + 1, text)
            if not goes_on:
                try:
                    yield command, parse(text, Start.CONF)
                    break
                except LineError as error:
                    if error.fault is not Fault.UNTERMINATED or number == len(lines):
                        raise command.error(_reason(error), error.position) from None
            elif number == len(lines):
                raise command.error("the file ends behind a backslash", len(text) - 1)
            text = f"{text[:-1] + ' ' if goes_on else text}\n{lines[number].rstrip(chr(13))}"
            number += 1


def _apply(candidate: Candidate, schema: Node, command: _Command, call: Call, places: dict[Path, _Command]) -> None:
    begin = len(command.text) - len(command.text.lstrip())
    words = list(call.words)
    try:
        if call.command == "set" and not call.pipes:
            for assignment in resolve_set(schema, words):
                places[assignment.path] = command
                if assignment.value is None:
                    candidate.create(assignment.path)
                elif assignment.append and isinstance(assignment.value, tuple):
                    candidate.append(assignment.path, assignment.value)
                else:
                    candidate.set(assignment.path, assignment.value)
        elif call.command == "delete" and not call.pipes:
            candidate.delete(resolve_path(schema, words).path)
        else:
            raise command.error("only set and delete stand in a configuration file", begin)
    except WalkError as error:
        mistake = without_secret(line_error(error, call.arguments), error, call.arguments, schema)
        raise command.error(_reason(mistake), mistake.position) from None
    except UserError as refusal:
        raise command.error(refusal.text, begin) from None


def _reason(error: LineError) -> str:
    return "; ".join(line.strip() for line in explain(error, Start.CONF, "")[1:])


def _origin(places: dict[Path, _Command], path: Path) -> _Command | None:
    """Return the command that wrote a path, or failing that what is next to it: below it, then above it."""
    for length in range(len(path), 0, -1):
        for written, command in places.items():
            if written[:length] == path[:length]:
                return command
    return None
