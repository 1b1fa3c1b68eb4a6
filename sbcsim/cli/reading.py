"""Configuration as text: braces, `set` lines or XML, read back as edits.

All three are what `show` prints in that form. Nothing of a text is used before all of it has been understood, unless
its reader wants to go on behind mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from sbcsim.config.markup import NAMESPACE
from sbcsim.errors import ScenarioError
from sbcsim.grammar import message
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import BitsType, Value
from sbcsim.schema.walk import (
    Assignment,
    Problem,
    WalkError,
    Want,
    Word,
    children,
    leaf_value,
    resolve_path,
    resolve_set,
)

from .configfile import ConfigFile, commands
from .edits import Edit
from .lexer import scan_word

Failed = Callable[[ScenarioError], None]
"""Is told of a mistake; raises it to give up, or returns to have the rest read."""

# Possessive: what has been taken for a blank or comment is not looked at again.
_FIRST_WORD = re.compile(r"(?:\s++|#[^\n]*|![^\n]*|/\*.*?\*/)*+(\S+)", re.DOTALL | re.ASCII)
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*|![^\n]*|/\*.*?\*/)|(?P<endless>/\*)|(?P<line>\n)|(?P<mark>[{};\[\]])"""
    r"""|(?P<word>(?:\\.|"(?:[^"\\]|\\.)*"|[^\s{};\[\]"\\])+)|(?P<odd>.)""",
    re.DOTALL | re.ASCII,
)
_WRAPPERS = frozenset({"config", "data"})
_NO_FILE = ""


def read(text: str, schema: Node, failed: Failed, *, file: str = _NO_FILE) -> list[Edit]:
    """Return the edits that a text in any form stands for, in its order."""
    first = _FIRST_WORD.match(text)
    word = first[1] if first else ""
    if word.startswith("<"):
        return list(_Xml(schema, file, failed).read(text))
    if word in {"set", "delete"}:
        return list(_lines(text, schema, file, failed))
    return list(_Braces(schema, file, failed).read(text))


def _lines(text: str, schema: Node, file: str, failed: Failed) -> Iterator[Edit]:
    for command, call in commands(ConfigFile(file, text), failed):
        try:
            yield from command.edits(schema, call)
        except ScenarioError as error:
            failed(error)


class _Braces:
    """Reads `name key { leaf value; }`.

    A level is an open block: the place it leads to, None where its head was wrong, and whether anything stood in it.
    """

    def __init__(self, schema: Node, file: str, failed: Failed) -> None:
        self._schema = schema
        self._file = file
        self._failed = failed
        self._line = 1
        self._words: list[Word] = []
        self._listed: list[str] | None = None
        self._levels: list[tuple[Path | None, bool]] = [((), True)]

    def read(self, text: str) -> Iterator[Edit]:
        """Yield the edits."""
        for token in _TOKEN.finditer(text):
            if token.lastgroup == "endless":
                self._fail(message("syntax.text_ends"))
                return
            if token.lastgroup == "word":
                self._word(*scan_word(token.group(), 0)[:2])
            elif token.lastgroup not in {"blank", "line"}:
                yield from self._mark(token.group())
            self._line += token.group().count("\n")
        if self._words or self._listed is not None or len(self._levels) > 1:
            self._fail(message("syntax.text_ends"))

    def _word(self, text: str, quoted: bool) -> None:
        if self._listed is not None:
            self._listed.append(text)
        else:
            self._words.append(Word(text, quoted))

    def _mark(self, mark: str) -> Iterator[Edit]:
        words, listed = self._words, self._listed
        if mark == "]" and listed is not None:
            words.append(Word(" ".join(listed), values=tuple(listed)))
            self._listed = None
        elif listed is None and words and mark == "[":
            self._listed = []
        elif listed is None and words and mark in ";{":
            place, _ = self._levels[-1]
            self._levels[-1] = (place, True)
            self._words = []
            if mark == ";":
                yield from self._leaf(place, words)
            else:
                self._levels.append((self._block(place, words), False))
        elif listed is None and not words and mark == "}" and len(self._levels) > 1:
            place, used = self._levels.pop()
            if place is not None and not used:
                yield from self._empty(place)
        else:
            self._fail(message("syntax.unexpected", text=mark))
            self._words, self._listed = [], None

    def _block(self, place: Path | None, words: list[Word]) -> Path | None:
        if place is None:
            return None
        try:
            found = resolve_path(self._schema, words, place)
        except WalkError as error:
            self._fail(_reason(error))
            return None
        if found.node.is_leaf or (found.node.is_list and not found.entry):
            self._fail(message("syntax.unexpected", text="{"))
            return None
        return found.path

    def _leaf(self, place: Path | None, words: list[Word]) -> list[Assignment]:
        if place is None:
            return []
        try:
            return resolve_set(self._schema, words, place)
        except WalkError as error:
            self._fail(_reason(error))
            return []

    def _empty(self, place: Path) -> Iterator[Assignment]:
        found = resolve_path(self._schema, [], place)
        if found.entry or found.node.presence:
            yield Assignment(place, found.node, None)

    def _fail(self, reason: str) -> None:
        self._failed(ScenarioError(reason, file=self._file, line=self._line))


@dataclass(slots=True)
class _Element:
    """An element of XML with the line it begins in; an `attribute` is the name of one that it should not have."""

    name: str
    namespace: str
    line: int
    attribute: str = ""
    text: list[str] = field(default_factory=list)
    below: list[_Element] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The text in it."""
        return "".join(self.text)

    def stands_for(self, node: Node) -> bool:
        """Tell whether this is the element of a node; one without a namespace is taken for what it is called."""
        return self.name == node.name and self.namespace in {"", NAMESPACE, node.module.namespace}


class _Xml:
    """Reads XML as `display xml` prints it. Document types, and so entities, are refused.

    What has no meaning is refused, too, rather than lost: attributes, text between elements, a leaf or entry once more.
    """

    def __init__(self, schema: Node, file: str, failed: Failed) -> None:
        self._schema = schema
        self._file = file
        self._failed = failed

    def read(self, text: str) -> Iterator[Edit]:
        """Yield the edits."""
        root = self._parse(text)
        if root is None:
            return
        if root.name not in _WRAPPERS:
            root = _Element("", "", root.line, below=[root])
        yield from self._content(self._schema, (), root)

    def _parse(self, text: str) -> _Element | None:
        parser = expat.ParserCreate("utf-8", " ")
        data = text.encode()
        open_: list[_Element] = [_Element("", "", 0)]
        line, counted = 1, 0

        def line_here() -> int:
            # Expat's own count takes a lone CR for the end of a line, as no editor does.
            nonlocal line, counted
            line, counted = line + data.count(b"\n", counted, parser.CurrentByteIndex), parser.CurrentByteIndex
            return line

        def start(name: str, attributes: dict[str, str]) -> None:
            namespace, _, local = name.rpartition(" ")
            attribute = next(iter(attributes), "").rpartition(" ")[2]
            element = _Element(local, namespace, line_here(), attribute)
            open_[-1].below.append(element)
            open_.append(element)

        def characters(data: str) -> None:
            open_[-1].text.append(data)

        def no_document_type(*_: object) -> None:
            raise ScenarioError(message("syntax.document_type"), file=self._file, line=line_here())

        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _: open_.pop()
        parser.CharacterDataHandler = characters
        parser.StartDoctypeDeclHandler = no_document_type
        try:
            parser.Parse(data, True)  # noqa: FBT003 - expat's signature
        except expat.ExpatError as error:
            reason = message("syntax.xml", problem=expat.ErrorString(error.code))
            self._failed(ScenarioError(reason, file=self._file, line=line_here()))
            return None
        except ScenarioError as error:
            self._failed(error)
            return None
        return open_[0].below[0]

    def _content(self, node: Node, path: Path, holder: _Element) -> Iterator[Edit]:
        """Yield the edits for what is in the element of a container or entry, keys left out."""
        if holder.content.strip():
            self._refuse(holder, message("syntax.unexpected", text=holder.content.split()[0]))
        named = {child.name: child for child in children(node, Want.CONFIG)}
        keys = [node.children[name] for name in node.keys]
        there: set[Path] = set()
        listed: dict[str, list[_Element]] = {}
        for element in holder.below:
            child = named.get(element.name)
            if any(element.stands_for(key) for key in keys):
                continue
            if child is None or not element.stands_for(child):
                self._fail(element, WalkError(0, Problem.UNKNOWN_ELEMENT))
            elif self._is_plain(element, child):
                if child.kind is Kind.LEAF_LIST:
                    listed.setdefault(child.name, []).append(element)
                else:
                    yield from self._one(child, path, element, there)
        for name, values in listed.items():
            yield from self._leaf(named[name], path, values)

    def _is_plain(self, element: _Element, node: Node) -> bool:
        """Refuse what an element should not have."""
        if element.attribute:
            self._refuse(element, message("syntax.unexpected", text=element.attribute))
        elif node.is_leaf and element.below:
            self._fail(element.below[0], WalkError(0, Problem.UNKNOWN_ELEMENT))
        else:
            return True
        return False

    def _one(self, node: Node, path: Path, element: _Element, there: set[Path]) -> Iterator[Edit]:
        try:
            place = (*path, node.name, *(self._key(node.children[name], element) for name in node.keys))
        except WalkError as error:
            self._fail(element, error)
            return
        if place in there:
            self._refuse(element, message("syntax.twice"))
            return
        there.add(place)
        if node.is_leaf:
            yield from self._leaf(node, path, [element])
            return
        if node.is_list or node.presence:
            yield Assignment(place, node, None)
        yield from self._content(node, place, element)

    def _key(self, leaf: Node, entry: _Element) -> str:
        """Return the key of an entry; raises WalkError where it has none, or several, or one that is wrong."""
        found = [element for element in entry.below if element.stands_for(leaf)]
        if not found:
            raise WalkError(0, Problem.INCOMPLETE)
        if len(found) > 1 or found[0].attribute or found[0].below:
            raise WalkError(0, Problem.UNKNOWN_ARGUMENT)
        value: Value = leaf_value(leaf, Word(found[0].content, quoted=True))
        return leaf.type.format(value) if leaf.type is not None else found[0].content

    def _leaf(self, leaf: Node, path: Path, elements: list[_Element]) -> Iterator[Edit]:
        texts = [each.content for each in elements]
        try:
            if leaf.kind is Kind.LEAF_LIST:
                value = leaf_value(leaf, Word(" ".join(texts), values=tuple(texts)))
                if isinstance(value, tuple) and len(value) < len(texts):
                    self._refuse(elements[-1], message("syntax.twice"))
            elif isinstance(leaf.type, BitsType):
                value = leaf_value(leaf, Word(texts[0], values=tuple(texts[0].replace(",", " ").split())))
            else:
                value = leaf_value(leaf, Word(texts[0], quoted=True))
            yield Assignment((*path, leaf.name), leaf, value)
        except WalkError as error:
            self._fail(elements[0], error)

    def _fail(self, element: _Element, error: WalkError) -> None:
        self._refuse(element, _reason(error))

    def _refuse(self, element: _Element, reason: str) -> None:
        self._failed(ScenarioError(reason, file=self._file, line=element.line))


def _reason(error: WalkError) -> str:
    match error.problem:
        case Problem.BAD_VALUE:
            return message("syntax.value", problem=error.text)
        case Problem.AMBIGUOUS:
            return message("syntax.ambiguous")
        case Problem.INCOMPLETE | Problem.NO_INPUT:
            return message("syntax.incomplete")
        case Problem.UNKNOWN_ARGUMENT:
            return message("syntax.unknown_argument")
        case Problem.UNKNOWN_ELEMENT:
            return message("syntax.unknown_element")
