"""TAB and `?`: what may follow the beginning of a line.

Keywords come from the grammar, elements and the form of values from the model, instances from the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from sbcsim.config.listing import Key, Listing, shared_beginning
from sbcsim.config.tree import Tree
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import LeafrefType
from sbcsim.schema.walk import Candidates, WalkError, Want, complete, quote

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
    """What may stand at one place: names with help, instances or fixed values, and the form of a free value.

    Of instances there are one more at most than are shown; `beginning` is what all of them have in common then.
    """

    named: tuple[tuple[str, str], ...] = ()
    values: tuple[str, ...] = ()
    form: str = ""
    listed: tuple[str, ...] = ()
    beginning: str = ""

    def starting(self, text: str) -> Choices:
        """Return those that begin with `text`."""
        return replace(
            self,
            named=tuple(pair for pair in self.named if pair[0].startswith(text)),
            values=tuple(value for value in self.values if value.startswith(text)),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that could be written out, unless it is too much to show."""
        return (*(name for name, _ in self.named), *(quote(value) for value in self.values))

    @property
    def common(self) -> str:
        """The longest beginning of all that could be written out, which needs no quotes."""
        if len(self.values) <= MOST_CHOICES:
            return shared_beginning(self.words)
        return self.beginning if quote(self.beginning) == self.beginning else ""

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
        found = _choices(shell, before, line[start:])
    except (LineError, UnterminatedStringError):
        found = Choices()
    words = found.words
    if not listing and words:
        if len(words) == 1:
            return Completion(f"{line[:start]}{words[0]} ")
        common = found.common
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
        named = _choices(shell, expected(line[:start], shell.mode.start), word).named if word else ()
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


def _choices(shell: Shell, before: Expected, text: str) -> Choices:
    """Return what begins with `text` and may follow the beginning of a line."""
    return _following(shell, before, text).starting(text)


def _following(shell: Shell, before: Expected, text: str) -> Choices:
    """Return what may follow the beginning of a line; of instances those that begin with `text`."""
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
            found = complete(shell.box.schema, before.words, _base(shell, before.before), want=want)
        except WalkError:
            continue
        below = _below(shell, words, found, text)
        named += [pair for pair in below.named if pair not in named]
        if below.values or below.form:
            return replace(below, named=tuple(sorted(named)))
    return Choices(tuple(sorted(named)))


def _below(shell: Shell, words: Words, found: Candidates, text: str) -> Choices:
    node = found.expects_key_of
    if node is not None:
        leaf = node.children[node.keys[found.key_index]]
        form = leaf.type.help if words is Words.ASSIGNMENT and leaf.type is not None else ""
        return replace(_keys(shell, node, found, text), form=form)
    if found.expects_value_of is not None:
        return _values(shell, found.expects_value_of, found.path, text)
    return Choices(tuple((node.name, node.help) for node in found.nodes))


def _base(shell: Shell, keywords: tuple[str, ...]) -> Path:
    verb = keywords[1] if keywords[0] == "run" else keywords[0]
    if shell.mode is Mode.OPERATIONAL or keywords[0] == "run":
        return shell.view_path if verb in {"show", "set-path"} else ()
    return () if verb == "top" else shell.level


def _tree(shell: Shell) -> Tree:
    return shell.running if shell.candidate is None else shell.candidate.tree


def _keys(shell: Shell, node: Node, found: Candidates, text: str) -> Choices:
    """Return the existing values of the next key, given those before it."""
    path = found.path[: len(found.path) - len(found.keys)]
    if operational(node) and not node.config:
        listing = Listing((key, None) for key in Status(shell.box).rows(node, path))
    else:
        listing = _tree(shell).listing(path)
    return _instances([listing], found.keys, text)


def _values(shell: Shell, leaf: Node, path: Path, text: str) -> Choices:
    kind = leaf.type
    if kind is None or leaf.secret:
        return Choices(form="<string>")
    if isinstance(kind, LeafrefType):
        return replace(_instances(_referable(_tree(shell), kind, path), (), text), form=kind.help)
    return Choices(values=kind.choices(), form=kind.help)


def _instances(listings: Sequence[Listing], before: Key, text: str) -> Choices:
    """Return the values of the key behind the keys `before`, of all entries in some lists."""
    values = _different(chain.from_iterable(listing.values(before, text) for listing in listings), MOST_CHOICES + 1)
    if len(values) <= MOST_CHOICES:
        return Choices(values=values)
    fitting = (listing for listing in listings if any(True for _ in listing.values(before, text)))
    return Choices(values=values, beginning=shared_beginning([each.common_beginning(before, text) for each in fitting]))


def _different(values: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the first different values, as many as `most`."""
    found: dict[str, None] = {}
    for value in values:
        found[value] = None
        if len(found) == most:
            break
    return tuple(found)


def _referable(tree: Tree, kind: LeafrefType, path: Path) -> list[Listing]:
    """Return the lists that a reference at `path` may lead into: entries below the anchor share the leaf's own."""
    node = tree.schema
    places: list[Path] = [()]
    *above, name, _ = kind.target
    for depth, step in enumerate(above, 1):
        node = node.children[step]
        places = [(*place, step) for place in places]
        if not node.is_list:
            continue
        if depth <= len(kind.anchor):
            places = [path[: len(place) + len(node.keys)] for place in places]
        else:
            places = [(*place, *key) for place in places for key in tree.listing(place)]
    return [tree.listing((*place, name)) for place in places]
