"""What may stand at one place of a line.

Keywords come from the grammar, elements and the form of values from the model, instances from the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from sbcsim.config.confirmed import LONGEST_MINUTES
from sbcsim.config.listing import Key, Listing, shared_beginning
from sbcsim.config.tree import Tree
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import BitsType, BoolType, IntType, LeafrefType
from sbcsim.schema.walk import Candidates, WalkError, Want, complete, quote, resolve_path

from .commands import Words, words_behind
from .home import names
from .modes import Mode
from .output import described, helps, side_by_side
from .parser import Start, expected, parse, verbs
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

_STRINGS = frozenset({"comment", "label", "persist", "persist-id"})
_NUMBERS = frozenset(
    {"display-level", "history", "idle-timeout", "length", "screen-length", "screen-width", "up", "width"}
)
_PATTERNS = frozenset({"begin", "except", "exclude", "find", "include", "match", "until"})
_TRUTHS = frozenset(
    {"autowizard", "complete-on-space", "defaults", "ignore-leading-space", "paginate", "show-defaults", "timestamp"}
)
_FILES = frozenset({"append", "merge", "override", "replace", "save", "source"})
_NAMES = frozenset({"de-select", "select", "sort-by"})


@dataclass(frozen=True, slots=True)
class Choices:
    """What may stand at one place: names with help, instances or fixed values, and the form of a free value.

    Of instances there are one more at most than are shown; `beginning` is what all of them have in common then. With
    `commas`, several of the values may stand there with commas between them.
    """

    named: tuple[tuple[str, str], ...] = ()
    values: tuple[str, ...] = ()
    form: str = ""
    listed: tuple[str, ...] = ()
    beginning: str = ""
    commas: bool = False

    def starting(self, text: str) -> Choices:
        """Return those that begin with `text`."""
        before, comma, begun = text.rpartition(",") if self.commas else ("", "", text)
        taken = before.split(",")
        return replace(
            self,
            named=tuple(pair for pair in self.named if pair[0].startswith(text)),
            values=tuple(
                f"{before}{comma}{value}" for value in self.values if value.startswith(begun) and value not in taken
            ),
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
        elif self.form:
            yield side_by_side([self.form])
        yield from (f"  {line}" for line in self.listed[:MOST_CHOICES])
        if max(len(self.named), len(self.values), len(self.listed)) > MOST_CHOICES:
            yield "  ..."


def choices(shell: Shell, beginning: str, text: str) -> Choices:
    """Return what begins with `text` and may follow the beginning of a line; raises LineError where that is wrong."""
    return _following(shell, beginning, text).starting(text)


def _following(shell: Shell, beginning: str, text: str) -> Choices:
    """Return what may follow the beginning of a line; of instances those that begin with `text`."""
    start = shell.mode.start
    before = expected(beginning, start)
    piped = before.before[:1] == ("|",)
    keywords = [word for word in before.keywords if not piped or usable(word, start)]
    named = helps(keywords, start, before.before)
    if not before.word:
        return Choices(tuple(named))
    free = _text(shell, before.before, beginning[: before.bar])
    if free is not None:
        return replace(free, named=(*named, *free.named))
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


def _text(shell: Shell, keywords: tuple[str, ...], command: str) -> Choices | None:
    """Return what may stand behind a keyword that takes one word of its own, None behind others."""
    last = keywords[-1] if keywords else ""
    mode = Start.OPER if keywords[:1] == ("run",) else shell.mode.start
    if last in _FILES:
        return Choices(values=names(shell), form=message("form.file"))
    if last in _PATTERNS:
        return Choices(form=message("form.pattern"))
    if last in _NAMES:
        return Choices(_elements(shell, command))
    if last in _STRINGS:
        return Choices(form=message("form.string"))
    if last in _NUMBERS:
        return Choices(form=message("form.number"))
    if last == "confirmed":
        return Choices(form=IntType(((1, LONGEST_MINUTES),)).help)
    if last in _TRUTHS and mode is Start.OPER:
        return Choices(values=BoolType().choices())
    return None


def _elements(shell: Shell, command: str) -> tuple[tuple[str, str], ...]:
    """Return the elements with help that a pipe behind `command` may name: all below what that shows."""
    call = parse(command, shell.mode.start)
    shown, wants = call.innermost, _SHOWN.get(call.innermost.command, ())
    operational_path = shell.mode is Mode.OPERATIONAL or call.command == "run"
    base = shell.view_path if operational_path else () if call.command == "from_top" else shell.level
    found: dict[str, str] = {}
    for want in wants:
        try:
            top = resolve_path(shell.box.schema, shown.words, base, want=want).node
        except WalkError:
            continue
        shows = want is Want.CONFIG
        found |= {node.name: node.help for node in top.walk() if node is not top and node.config == shows}
    return tuple(sorted(found.items()))


_SHOWN = {
    "show_candidate": (Want.CONFIG,),
    "show_configuration": (Want.CONFIG,),
    "show_status": (Want.STATUS,),
    "show_table": (Want.STATUS, Want.CONFIG),
}


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
    return Choices(values=kind.choices(), form=kind.help, commas=isinstance(kind, BitsType))


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
