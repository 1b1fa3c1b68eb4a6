"""TAB and `?`: what may follow the beginning of a line.

Keywords come from the grammar, elements and the form of values from the model, instances from the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sbcsim.config.tree import Tree
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import LeafrefType
from sbcsim.schema.walk import Candidates, WalkError, Want, Word, complete, quote

from .commands import Words, words_behind
from .lexer import UnterminatedStringError, scan_word
from .modes import Mode
from .output import described, helps, side_by_side
from .parser import Expected, LineError, expected, verbs
from .pipes import usable
from .shell import Shell
from .status import Status, operational

MOST_CHOICES = 100

_WANTS = {
    Words.CONFIGURATION: (Want.CONFIG,),
    Words.CANDIDATE: (Want.CONFIG,),
    Words.ASSIGNMENT: (Want.SET,),
    Words.STATUS: (Want.STATUS,),
    Words.TABLE: (Want.STATUS, Want.CONFIG),
    Words.ACTION: (Want.ACTION,),
}


@dataclass(frozen=True, slots=True)
class Completion:
    """The line as it shall stand now, and what to print above it, "" if nothing."""

    line: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What may stand at one place: names with help, instances or fixed values, and the form of a free value."""

    named: tuple[tuple[str, str], ...] = ()
    values: tuple[str, ...] = ()
    form: str = ""
    listed: tuple[str, ...] = ()

    def starting(self, text: str) -> Choices:
        """Return those that begin with `text`."""
        return Choices(
            tuple(pair for pair in self.named if pair[0].startswith(text)),
            tuple(value for value in self.values if value.startswith(text)),
            self.form,
            self.listed,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that could be written out."""
        return (*(name for name, _ in self.named), *(quote(value) for value in self.values))

    def lines(self) -> Iterator[str]:
        """Yield the lines of the list, at most `MOST_CHOICES` choices."""
        yield from described(self.named[:MOST_CHOICES])
        if self.values:
            yield side_by_side([quote(value) for value in self.values[:MOST_CHOICES]])
        elif self.form and not self.named:
            yield side_by_side([self.form])
        yield from (f"  {line}" for line in self.listed[:MOST_CHOICES])
        if max(len(self.named), len(self.values), len(self.listed)) > MOST_CHOICES:
            yield "  ..."


def completed(shell: Shell, line: str, *, listing: bool) -> Completion:
    """Complete the last word of a line, or list what could stand there: nothing at all is an answer, too."""
    start = 0
    try:
        start = _last_word(line)
        before = expected(line[:start], shell.mode.start)
        found = _choices(shell, before).starting(line[start:])
    except (LineError, UnterminatedStringError):
        found = Choices()
    words = found.words
    if not listing and words:
        if len(words) == 1:
            return Completion(f"{line[:start]}{words[0]} ")
        common = _common_beginning(words)
        if len(common) > len(line) - start:
            return Completion(line[:start] + common)
    lines = list(found.lines())
    return Completion(line, "\n".join([message("answer.completions"), *lines, ""]) if lines or listing else "")


def spaced(shell: Shell, line: str) -> Completion:
    """Add the Space that was typed behind a line: it writes out an abbreviation, a second one lists the choices."""
    if line[-1:] == " ":
        return completed(shell, line, listing=True)
    start = 0
    try:
        start = _last_word(line)
        word = line[start:]
        named = _choices(shell, expected(line[:start], shell.mode.start)).starting(word).named if word else ()
    except (LineError, UnterminatedStringError):
        named = ()
    if len(named) == 1:
        return Completion(f"{line[:start]}{named[0][0]} ")
    return Completion(f"{line} ")


def in_quotes(line: str) -> bool:
    """Tell whether a line ends inside a quoted string."""
    try:
        _last_word(line)
    except UnterminatedStringError:
        return True
    return False


def _common_beginning(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]


def _last_word(line: str) -> int:
    """Return where the word that ends the line begins, the line's end where it ends in a blank or bar."""
    start = at = 0
    while at < len(line):
        if line[at] in " \t\r\n\f\v|":
            at += 1
            start = at
        else:
            start = at
            _, _, at = scan_word(line, at)
    return start


def _choices(shell: Shell, before: Expected) -> Choices:
    start = shell.mode.start
    piped = before.before[:1] == ("|",)
    keywords = [word for word in before.keywords if not piped or usable(word, start)]
    named = helps(keywords, start, before.before)
    if not before.word:
        return Choices(tuple(named))
    words = words_behind(before.before, start)
    if words is Words.COMMAND and not before.words:
        return Choices(tuple(helps(verbs(start), start)))
    if words is Words.REVISION and not before.words:
        return Choices(listed=tuple(shell.box.database.history.lines()))
    if words is Words.USER and not before.words:
        return Choices(values=tuple(account.name for account in shell.box.users))
    for want in _WANTS.get(words, ()):
        try:
            below = _below(shell, words, want, before.words, before.before)
        except WalkError:
            continue
        named += [pair for pair in below.named if pair not in named]
        if below.values or below.form:
            return Choices(tuple(sorted(named)), below.values, below.form)
    return Choices(tuple(sorted(named)))


def _below(shell: Shell, words: Words, want: Want, typed: Sequence[Word], keywords: tuple[str, ...]) -> Choices:
    found = complete(shell.box.schema, typed, _base(shell, keywords), want=want)
    if found.expects_key_of is not None:
        keys = _keys(shell, found.expects_key_of, found)
        leaf = found.expects_key_of.children[found.expects_key_of.keys[found.key_index]]
        form = leaf.type.help if words is Words.ASSIGNMENT and leaf.type is not None else ""
        return Choices(values=keys, form=form)
    if found.expects_value_of is not None:
        return _values(shell, found.expects_value_of, found.path)
    return Choices(tuple((node.name, node.help) for node in found.nodes))


def _base(shell: Shell, keywords: tuple[str, ...]) -> Path:
    verb = keywords[1] if keywords[0] == "run" else keywords[0]
    if shell.mode is Mode.OPERATIONAL or keywords[0] == "run":
        return shell.view_path if verb in {"show", "set-path"} else ()
    return () if verb == "top" else shell.level


def _tree(shell: Shell) -> Tree:
    return shell.running if shell.candidate is None else shell.candidate.tree


def _keys(shell: Shell, node: Node, found: Candidates) -> tuple[str, ...]:
    """Return the existing values of the next key, given those before it."""
    path = found.path[: len(found.path) - len(found.keys)] if found.keys else found.path
    if operational(node) and not node.config:
        keys = tuple(Status(shell.box).rows(node, path))
    else:
        keys = _tree(shell).keys(path)
    at = found.key_index
    return tuple(dict.fromkeys(key[at] for key in keys if key[:at] == found.keys))


def _values(shell: Shell, leaf: Node, path: Path) -> Choices:
    kind = leaf.type
    if kind is None or leaf.secret:
        return Choices(form="<string>")
    if isinstance(kind, LeafrefType):
        existing = tuple(dict.fromkeys(_referable(_tree(shell), kind, path)))
        return Choices(values=existing, form=kind.help)
    return Choices(values=kind.choices(), form=kind.help)


def _referable(tree: Tree, kind: LeafrefType, path: Path) -> Iterator[str]:
    """Yield the keys that a reference at `path` may name: entries below the anchor share the referring leaf's."""
    node = tree.schema
    places: list[Path] = [()]
    for depth, name in enumerate(kind.target[:-1], 1):
        node = node.children[name]
        places = [(*place, name) for place in places]
        if not node.is_list:
            continue
        if depth <= len(kind.anchor):
            places = [path[: len(place) + len(node.keys)] for place in places]
        else:
            places = [(*place, *key) for place in places for key in tree.keys(place)]
    at = node.keys.index(kind.target[-1])
    for place in places:
        yield place[at - len(node.keys)]
