"""YAML with positions: plain data, and for every value in it the line and column where it stands.

Scalars mean what YAML 1.2 says they mean: `no` and `on` are words, 010 is ten, 12:30 and 2026-01-01 are texts.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from sbcsim.errors import ScenarioError

Place = tuple[int, int]
"""Line and column, both from 1."""
Path = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST: Final = 50
_WORDS: Final = {"": None, "null": None, "~": None, "true": True, "false": False}
_WHOLE: Final = re.compile(r"[-+]?[0-9]+")
_DECIMAL: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class Document:
    """One YAML document: `data`, and where each value of it stands."""

    def __init__(self, text: str, file: str) -> None:
        """Read a document; raises ScenarioError with the place of what is no YAML, or no mapping."""
        self.file = file
        self._places: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._seen: set[int] = set()
        root = _compose(text, file)
        if not isinstance(root, yaml.MappingNode):
            raise ScenarioError("a scenario is a mapping of names to values", file=file, line=1, column=1)
        self.data = self._mapping(root, ())

    def place(self, path: Path) -> Place:
        """Return where a value stands, or the nearest that it would stand in."""
        while path not in self._places:
            path = path[:-1]
        return self._places[path]

    def depth(self, path: Path) -> int:
        """Return how many steps of a path lead to something that stands here."""
        while path not in self._places:
            path = path[:-1]
        return len(path)

    def key_place(self, path: Path) -> Place:
        """Return where the key of a value stands; for what has none, where the value does."""
        return self._keys.get(path) or self.place(path)

    def error(self, reason: str, path: Path, *, at_key: bool = False) -> ScenarioError:
        """Return the error that says what is wrong at a path."""
        line, column = self.key_place(path) if at_key else self.place(path)
        return ScenarioError(reason, file=self.file, line=line, column=column)

    def _value(self, node: yaml.Node, path: Path) -> object:
        line, column = _place(node)
        if len(path) > _DEEPEST:
            raise ScenarioError(f"more than {_DEEPEST} levels", file=self.file, line=line, column=column)
        if id(node) in self._seen:  # an alias: a few of them can stand for billions of values
            raise ScenarioError("aliases are not taken: write it out", file=self.file, line=line, column=column)
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        self._places[path] = line, column
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, (*path, index)) for index, each in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return node.value if node.style else _plain(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        self._places[path] = _place(node)
        data: dict[str, object] = {}
        for key, value in node.value:
            line, column = _place(key)
            if not isinstance(key, yaml.ScalarNode):
                raise ScenarioError("a key is a word", file=self.file, line=line, column=column)
            if key.value in data:
                raise ScenarioError(f'"{key.value}" stands here twice', file=self.file, line=line, column=column)
            inner = (*path, key.value)
            self._keys[inner] = line, column
            data[key.value] = self._value(value, inner)
        return data


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ScenarioError(f"no YAML: {error.problem or error.context}", file=file, line=line, column=column) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ScenarioError("no YAML: a character that no text has", file=file, line=line) from None


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _plain(text: str) -> object:
    """Return what an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text) if len(text) < 30 else text
    return float(text) if _DECIMAL.fullmatch(text) else text
