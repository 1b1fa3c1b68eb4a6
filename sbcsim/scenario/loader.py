"""Scenario files: read, with their includes and variables, checked, and every mistake told with its place.

`include` names files whose `given`, `variables` and `never` come first; `${NAME}` stands for a variable, `$$` for a
dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as FilePath
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError

from sbcsim.errors import ScenarioError

from .clauses import NeverClause
from .given import Given
from .model import Scenario
from .part import Part, Text, Texts
from .positions import Document, Path

SUFFIX = ".scenario.yaml"
"""How the name of a scenario file ends."""

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|\$)")
_MOST_INCLUDES = 20

_Kind = TypeVar("_Kind", bound=BaseModel)

Reader = Callable[[FilePath], str]
"""Returns the text of a file; raises ScenarioError where there is none."""


class Play(Part):
    """What a file holds that is played: it begins with a start, and may build on other files."""

    include: Texts = ()
    variables: Mapping[str, Text] = Field(default_factory=dict)
    given: Given = Given()


_Play = TypeVar("_Play", bound=Play)


class Fragment(Play):
    """What a file may hold that others include."""

    never: tuple[NeverClause, ...] = ()


class File(Play, Scenario):
    """What a scenario file may hold."""


@dataclass(frozen=True, slots=True)
class ConfigurationLine:
    """A line of the configuration, and where it stands."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario, with the file that it was read from and the places of its parts."""

    path: FilePath
    scenario: Scenario
    document: Document
    configuration: tuple[ConfigurationLine, ...] = field(repr=False)
    included: tuple[Document, ...] = field(default=(), repr=False)
    """What it includes, deepest first."""

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        return self.path.name.removesuffix(SUFFIX)

    def seed(self, chosen: int | None) -> int:
        """Return the seed of its box: the one that is chosen, else its own, else 0."""
        return next(seed for seed in (chosen, self.scenario.given.seed, 0) if seed is not None)

    def line(self, *path: str | int) -> int:
        """Return the line in which a part of the scenario begins."""
        return self.document.place(path)[0]

    def error(self, reason: str, *path: str | int) -> ScenarioError:
        """Return the error that says what is wrong with a part of the scenario, in the file which says it."""
        document, path = self._said(path)
        return document.error(reason, path)

    def _said(self, path: Path) -> tuple[Document, Path]:
        if path[:1] == ("given",):
            return max((self.document, *reversed(self.included)), key=lambda each: each.depth(path)), path
        if path[:1] == ("never",):
            number = int(path[1])
            for each in self.included:
                here = each.data.get("never", ())
                assert isinstance(here, Sized)
                if number < len(here):
                    return each, ("never", number, *path[2:])
                number -= len(here)
            return self.document, ("never", number, *path[2:])
        return self.document, path


@dataclass(frozen=True, slots=True)
class Contents(Generic[_Play]):
    """What a file tells itself, and what of it comes together with the files that it includes."""

    own: _Play
    given: Given
    never: tuple[NeverClause, ...]
    document: Document
    configuration: tuple[ConfigurationLine, ...]
    included: tuple[Document, ...]


def from_disk(file: FilePath) -> str:
    """Return the text of a file; raises ScenarioError."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ScenarioError("not UTF-8 text", file=str(file), line=line) from None
    except OSError as error:
        raise ScenarioError(error.strerror or str(error), file=str(file)) from None


def load(file: FilePath, read: Reader = from_disk) -> Loaded:
    """Read a scenario file; raises ScenarioError with file, line and column for the first mistake in it."""
    contents = read_as(File, file, read)
    never = (*contents.never, *contents.own.never)
    scenario = contents.own.model_copy(update={"given": contents.given, "never": never})
    return Loaded(file, scenario, contents.document, contents.configuration, contents.included)


def read_as(kind: type[_Play], file: FilePath, read: Reader = from_disk) -> Contents[_Play]:
    """Read a file that begins with a start, whatever it goes on with; raises ScenarioError as `load` does."""
    document = Document(read(file), str(file))
    included = _includes(file, document, [file], read)
    variables = {name: text for each in included for name, text in _variables(each).items()} | _variables(document)
    fragments = [(each, _validated(Fragment, each, variables)) for each in included]
    own = _validated(kind, document, variables)
    given: Given = own.given
    never: tuple[NeverClause, ...] = ()
    lines = list(_configuration(document, given))
    for each, fragment in reversed(fragments):
        given = _merged(fragment.given, given)
        never = (*fragment.never, *never)
        lines = [*_configuration(each, fragment.given), *lines]
    return Contents(own, given, never, document, tuple(lines), tuple(included))


def find(paths: Iterable[FilePath]) -> list[FilePath]:
    """Return the scenario files at some paths, those in directories in the order of their names."""
    found: dict[FilePath, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob(f"*{SUFFIX}"))
            if not inside:
                raise ScenarioError(f"no file *{SUFFIX} in this directory", file=str(path))
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise ScenarioError("no such file", file=str(path))
    return list(found)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: what was meant, or what there is."""
    names = list(known)
    close = get_close_matches(word, names, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; there are: {', '.join(names)}" if names else ""


def _includes(file: FilePath, document: Document, above: list[FilePath], read: Reader) -> list[Document]:
    """Return what a file includes, deepest first."""
    given = document.data.get("include", [])
    names = given if isinstance(given, list) else [given]
    found: list[Document] = []
    for index, name in enumerate(names):
        place: Path = ("include", index) if isinstance(given, list) else ("include",)
        if not isinstance(name, str):
            raise document.error("a file is included by its name", place)
        inner = file.parent / name
        if inner in above or len(above) == _MOST_INCLUDES:
            raise document.error(f"{name} includes itself", place)
        try:
            fragment = Document(read(inner), str(inner))
        except ScenarioError as error:
            if error.line:
                raise
            raise document.error(f"{name}: {error.reason}", place) from None
        found += [*_includes(inner, fragment, [*above, inner], read), fragment]
    return found


def _variables(document: Document) -> dict[str, str]:
    given = document.data.get("variables", {})
    if not isinstance(given, dict):
        raise document.error("variables are a mapping of names to texts", ("variables",))
    return {name: str(value) for name, value in given.items()}


def _replaced(document: Document, value: object, variables: Mapping[str, str], path: Path) -> object:
    if isinstance(value, dict):
        return {key: _replaced(document, each, variables, (*path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(document, each, variables, (*path, index)) for index, each in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if found[1] not in variables:
            raise document.error(f'no variable "{found[1]}"{nearest(found[1], variables)}', path)
        return variables[found[1]]

    return _VARIABLE.sub(replacement, value)


def _validated(kind: type[_Kind], document: Document, variables: Mapping[str, str]) -> _Kind:
    data = _replaced(document, document.data, variables, ())
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path: Path = first["loc"]
        if first["type"] == "extra_forbidden":
            reason = f'unknown name "{path[-1]}"{nearest(str(path[-1]), _names(kind, path[:-1]))}'
            raise document.error(reason, path, at_key=True) from None
        if first["type"] == "missing":
            raise document.error(f'"{path[-1]}" is missing', path[:-1]) from None
        reason = first["msg"].removeprefix("Value error, ")
        where = ".".join(map(str, path))
        raise document.error(f"{where}: {reason}" if where else reason, path) from None


def _names(kind: Any, path: Path) -> list[str]:  # noqa: ANN401 - annotations are anything
    """Return the names that are known at a path of a model."""
    for step in path:
        kind = _model(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
            kind = fields.get(str(step))
        else:
            kind = get_args(kind)[-1 if isinstance(step, str) else 0] if get_args(kind) else None
    kind = _model(kind)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _model(kind: Any) -> Any:  # noqa: ANN401 - annotations are anything
    """Take off what says only that a value may be missing, or is looked at before."""
    while get_origin(kind) in {Annotated, Union, UnionType}:
        kind = next(each for each in get_args(kind) if each is not NoneType)
    return kind


def _merged(first: Given, then: Given) -> Given:
    """Return a start with what another says in place of, or besides, what it says itself."""
    update: dict[str, object] = {}
    for name in then.model_fields_set:
        value, before = getattr(then, name), getattr(first, name)
        if isinstance(value, Mapping):
            value = {**before, **value}
        elif name == "configuration":
            value = (*before, *value)
        update[name] = value
    return first.model_copy(update=update)


def _configuration(document: Document, given: Given) -> Iterable[ConfigurationLine]:
    path = ("given", "configuration")
    if "configuration" not in given.model_fields_set:
        return
    line, _ = document.place(path)
    written = document.data["given"]["configuration"]  # type: ignore[index]
    if isinstance(written, list):
        for index, text in enumerate(given.configuration):
            yield ConfigurationLine(text, document.file, document.place((*path, index))[0])
        return
    # The lines of a block begin in the line behind its sign; a text on one line is where it stands.
    offset = 1 if "\n" in written else 0
    numbers = [
        line + offset + index
        for index, each in enumerate(written.splitlines())
        if each.strip() and not each.lstrip().startswith("#")
    ]
    for number, text in zip(numbers, given.configuration, strict=True):
        yield ConfigurationLine(text, document.file, number)
