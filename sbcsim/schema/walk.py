"""Words to schema nodes and instance paths: what a user may type after `set`, `show`, `request` and the like.

Element names may be abbreviated as long as they stay unique, an exact name wins over longer ones; keys are never
abbreviated. Nothing here knows which entries exist. Every refusal is a `WalkError`, which says what is wrong with
which word; the texts are the command line's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from .node import Kind, Node, Path
from .types import BitsType, StringType, Type, Value, ValueProblem

ENCRYPTED = "$8$"
"""What the text of an encrypted secret begins with."""

HIDDEN = "********"
"""What stands where a secret would."""

_ENCRYPTED_TEXT = StringType()  # of any length
_NEEDS_QUOTES = frozenset(" \t\r\n\"';{}[]!#|")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})


class Problem(Enum):
    """What is wrong with a word."""

    UNKNOWN_ELEMENT = "no such element here"
    AMBIGUOUS = "an abbreviation of several elements"
    INCOMPLETE = "something has to follow"
    NO_INPUT = "an input of the action is missing"
    BAD_VALUE = "the value or key does not fit its type"
    UNKNOWN_ARGUMENT = "nothing may follow here"


class Want(Enum):
    """Which part of the model a path leads through."""

    CONFIG = "configuration"
    STATUS = "operational data"
    ACTION = "actions"
    SET = "configuration, several leaves on one line"


class WalkError(Exception):
    """A word does not fit the model.

    `index` is that of the word, the number of words if something is missing at the end. `text` is the type's refusal
    for BAD_VALUE. `choices` are the candidates of an ambiguous name, or the leaf, list or input whose value is missing.
    """

    def __init__(self, index: int, problem: Problem, *, text: str = "", choices: tuple[Node, ...] = ()) -> None:
        super().__init__(f"word {index}: {text or problem.value}")
        self.index = index
        self.problem = problem
        self.text = text
        self.choices = choices


class Word(NamedTuple):
    """One word of a line; `values` holds the words of `[ a b ]`, whose `text` is as typed."""

    text: str
    quoted: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where words lead: `entry` tells a list's entry from the list; `value` is the one value of a leaf-list named."""

    node: Node
    path: Path
    entry: bool = False
    value: str | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One thing that a `set` line asks for; `value` None creates the entry or container at `path`.

    With `append` the value is a tuple to be added to the leaf-list, else it replaces what was there.
    """

    path: Path
    node: Node
    value: Value | None
    append: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """An action with its inputs, defaults filled in; inputs inside containers are named `alarm id`."""

    path: Path
    node: Node
    inputs: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may follow the words so far.

    `nodes` are element names. `expects_key_of` is the list whose key number `key_index` comes next, `keys` holds
    those typed before it. `expects_value_of` is the leaf whose value comes next. `path` is the instance path so far.
    """

    path: Path
    nodes: tuple[Node, ...] = ()
    expects_key_of: Node | None = None
    keys: tuple[str, ...] = ()
    expects_value_of: Node | None = None

    @property
    def key_index(self) -> int:
        """The number of the key that comes next."""
        return len(self.keys)


def node_for(root: Node, path: Path) -> Node:
    """Return the schema node of an instance path; a list with and without keys gives the list's node."""
    return _locate(root, path).node


def resolve_path(
    root: Node, words: Sequence[Word], base: Path = (), *, want: Want = Want.CONFIG, values: bool = False
) -> Resolved:
    """Resolve the path of one container, list, entry or leaf.

    With `values` one value may follow the name of a leaf-list, as in `delete`.
    """
    walk = _Walk(root, words, base, want)
    while walk.more:
        node = walk.place.node
        if not node.is_leaf:
            walk.step()
            continue
        if not values or node.kind is not Kind.LEAF_LIST or walk.index != len(words) - 1:
            raise WalkError(walk.index, Problem.UNKNOWN_ARGUMENT)
        value = leaf_value(node, walk.take(), len(words) - 1)
        if not isinstance(value, tuple) or len(value) != 1:
            raise WalkError(len(words) - 1, Problem.UNKNOWN_ARGUMENT)
        return Resolved(node, walk.place.path, value=value[0])
    place = walk.place
    if place.keys and place.lacks_key:
        raise WalkError(len(words), Problem.INCOMPLETE, choices=(place.node,))
    return Resolved(place.node, place.path, entry=bool(place.keys))


def resolve_set(root: Node, words: Sequence[Word], base: Path = ()) -> list[Assignment]:
    """Resolve a `set` line: leaves with values, then perhaps a child with leaves of its own, and so on downward."""
    walk = _Walk(root, words, base, Want.SET)
    assignments: list[Assignment] = []
    ends_in_value = False
    while walk.more:
        above = walk.place
        walk.step()
        leaf, path = walk.place.node, walk.place.path
        ends_in_value = leaf.is_leaf
        if ends_in_value:
            word = walk.take()
            append = leaf.kind is Kind.LEAF_LIST and word.values is None
            assignments.append(Assignment(path, leaf, leaf_value(leaf, word, walk.index - 1), append))
            walk.place = above
    place = walk.place
    if ends_in_value:
        return assignments
    if not words or place.lacks_key or not (place.keys or place.node.presence):
        raise WalkError(len(words), Problem.INCOMPLETE, choices=(place.node,) if place.lacks_key else ())
    return [*assignments, Assignment(place.path, place.node, None)]


def resolve_request(
    root: Node, words: Sequence[Word], base: Path = (), answers: Mapping[Node, Word] = MappingProxyType({})
) -> Request:
    """Resolve a `request` line: the path of an action, then its inputs by name, containers of them in braces or not.

    `answers` are inputs that were asked for.
    """
    walk = _Walk(root, words, base, Want.ACTION)
    while walk.more and walk.place.node.kind is not Kind.ACTION:
        walk.step()
    action, path = walk.place.node, walk.place.path
    if action.kind is not Kind.ACTION:
        raise WalkError(len(words), Problem.INCOMPLETE, choices=(action,) if walk.place.lacks_key else ())
    inputs = {_input_name(action, leaf): leaf_value(leaf, word, len(words)) for leaf, word in answers.items()}
    while walk.more:
        above = walk.place
        if walk.brace():
            continue
        if not above.node.children:
            raise WalkError(walk.index, Problem.UNKNOWN_ARGUMENT)
        walk.step()
        leaf = walk.place.node
        if leaf.is_leaf:
            inputs[_input_name(action, leaf)] = leaf_value(leaf, walk.take(), walk.index - 1)
            walk.place = above
    if walk.open_braces:
        raise WalkError(len(words), Problem.INCOMPLETE)
    return Request(path, action, _with_defaults(action, inputs, len(words)))


def complete(root: Node, words: Sequence[Word], base: Path = (), *, want: Want = Want.CONFIG) -> Candidates:
    """Return what may follow `words`, which are complete; hidden elements are left out."""
    walk = _Walk(root, words, base, want)
    takes_values = want is Want.SET
    while walk.more:
        above = walk.place
        if above.node.is_leaf:
            raise WalkError(walk.index, Problem.UNKNOWN_ARGUMENT)
        if takes_values and want is Want.ACTION and walk.brace():
            continue
        walk.step()
        takes_values = takes_values or walk.place.node.kind is Kind.ACTION
        if walk.place.node.is_leaf and takes_values and walk.more:
            leaf_value(walk.place.node, walk.take(), walk.index - 1)
            walk.place = above
    place = walk.place
    if place.lacks_key:
        return Candidates(place.path, expects_key_of=place.node, keys=place.keys)
    if place.node.is_leaf:
        follows = takes_values or (want is Want.CONFIG and place.node.kind is Kind.LEAF_LIST)
        return Candidates(place.path, expects_value_of=place.node if follows else None)
    return Candidates(place.path, nodes=tuple(child for child in children(place.node, want) if not child.hidden))


def children(node: Node, want: Want) -> tuple[Node, ...]:
    """Return the children of a node that belong or lead to the wanted part of the model; keys are not among them."""
    return _children(node, Want.CONFIG if want is Want.SET else want)


def matching(nodes: Sequence[Node], text: str) -> tuple[Node, ...]:
    """Return those that `text` names or abbreviates: the exact one alone, else all that begin with it."""
    exact = tuple(node for node in nodes if node.name == text)
    return exact or tuple(node for node in nodes if text and node.name.startswith(text) and not node.hidden)


def leaf_value(leaf: Node, word: Word, index: int = 0) -> Value:
    """Return what `word` means for a leaf or, as a tuple, for a leaf-list; raises WalkError BAD_VALUE.

    No refusal repeats a secret.
    """
    kind = leaf.type
    if kind is None:
        raise WalkError(index, Problem.UNKNOWN_ARGUMENT)
    try:
        if leaf.kind is Kind.LEAF_LIST:
            return _listed(kind, (word.text,) if word.values is None else word.values)
        if word.values is None:
            return (_ENCRYPTED_TEXT if leaf.secret and word.text.startswith(ENCRYPTED) else kind).parse(word.text)
        if isinstance(kind, BitsType):
            return kind.collect(word.values, word.text)
        raise ValueProblem("invalid", word.text)
    except ValueProblem as problem:
        told = ValueProblem(problem.kind, HIDDEN) if leaf.secret and word.text else problem
        raise WalkError(index, Problem.BAD_VALUE, text=told.text, choices=(leaf,)) from None


def quote(text: str) -> str:
    """Return a word as the box prints it and reads it back: in double quotes only where that is needed."""
    # In braces a comment begins with /*.
    if text and not text.startswith("/*") and not any(character in _NEEDS_QUOTES for character in text):
        return text.replace("\\", "\\\\")
    return f'"{text.translate(_ESCAPES)}"'


def format_path(path: Path) -> str:
    """Return the words of an instance path, joined by blanks, keys quoted where needed."""
    return " ".join(map(quote, path))


class _Place(NamedTuple):
    """A position in the model: for a list, `keys` holds those given so far."""

    node: Node
    path: Path
    keys: tuple[str, ...] = ()

    @property
    def lacks_key(self) -> bool:
        return len(self.keys) < len(self.node.keys)


class _Walk:
    """Goes down the model word by word."""

    def __init__(self, root: Node, words: Sequence[Word], base: Path, want: Want) -> None:
        self.place = _locate(root, base)
        self.index = 0
        self.open_braces = 0
        self._words = words
        self._want = want

    @property
    def more(self) -> bool:
        return self.index < len(self._words)

    def step(self) -> None:
        """Consume the next key or element name."""
        word, place = self._words[self.index], self.place
        if place.lacks_key:
            key = _key_word(place.node, place.node.keys[len(place.keys)], word, self.index)
            self.place = _Place(place.node, (*place.path, key), (*place.keys, key))
        else:
            node = self._child(place.node, word)
            self.place = _Place(node, (*place.path, node.name))
        self.index += 1

    def take(self) -> Word:
        """Consume the value of the leaf just reached."""
        if not self.more:
            raise WalkError(self.index, Problem.INCOMPLETE, choices=(self.place.node,))
        self.index += 1
        return self._words[self.index - 1]

    def brace(self) -> bool:
        """Consume a brace around the inputs of an action, if there is one."""
        word, node = self._words[self.index], self.place.node
        if word.quoted or word.text not in {"{", "}"} or node.kind is not Kind.CONTAINER:
            return False
        if word.text == "{":
            self.open_braces += 1
        elif self.open_braces and node.parent is not None:
            self.open_braces -= 1
            self.place = _Place(node.parent, self.place.path[:-1])
        else:
            return False
        self.index += 1
        return True

    def _child(self, node: Node, word: Word) -> Node:
        if word.values is not None:
            raise WalkError(self.index, Problem.UNKNOWN_ELEMENT)
        exact = _named(node, self._want).get(word.text)
        found = (exact,) if exact else matching(children(node, self._want), word.text)
        if len(found) > 1:
            raise WalkError(self.index, Problem.AMBIGUOUS, choices=found)
        if not found:
            raise WalkError(self.index, Problem.UNKNOWN_ELEMENT)
        return found[0]


def _locate(root: Node, path: Path) -> _Place:
    node, index, keys = root, 0, path[:0]
    while index < len(path):
        child = node.children.get(path[index])
        if child is None:
            raise WalkError(index, Problem.UNKNOWN_ELEMENT)
        node, index = child, index + 1
        keys = path[index : index + len(node.keys)]
        if keys and len(keys) < len(node.keys):
            raise WalkError(len(path), Problem.INCOMPLETE, choices=(node,))
        index += len(keys)
    return _Place(node, path, keys)


@cache
def _named(node: Node, want: Want) -> dict[str, Node]:
    return {child.name: child for child in children(node, want)}


@cache
def _children(node: Node, want: Want) -> tuple[Node, ...]:
    return tuple(child for child in node.children.values() if child.name not in node.keys and _belongs(child, want))


def _belongs(node: Node, want: Want) -> bool:
    if want is Want.ACTION:
        return (
            node.kind is Kind.ACTION or _inside_action(node) or any(_belongs(c, want) for c in node.children.values())
        )
    if node.kind is Kind.ACTION:
        return False
    if want is Want.STATUS:
        if node.is_leaf:
            return not node.config or (node.parent is not None and node.name in node.parent.columns)
        return any(_belongs(child, want) for child in node.children.values())
    return node.config


def _inside_action(node: Node) -> bool:
    above = node.parent
    while above is not None and above.kind is not Kind.ACTION:
        above = above.parent
    return above is not None


def _key_word(node: Node, name: str, word: Word, index: int) -> str:
    leaf = node.children[name]
    value = leaf_value(leaf, word, index)
    text = leaf.type.format(value) if leaf.type is not None else word.text
    if text != word.text and leaf.type is not None and leaf.type.choices():
        # Abbreviation is for values; a key must be typed in full.
        raise WalkError(index, Problem.BAD_VALUE, text=ValueProblem("invalid", word.text).text, choices=(leaf,))
    return text


def _listed(kind: Type, words: tuple[str, ...]) -> tuple[str | int, ...]:
    values = (kind.parse(word) for word in words)
    return tuple(dict.fromkeys(value for value in values if not isinstance(value, tuple)))


def _input_name(action: Node, leaf: Node) -> str:
    return " ".join(leaf.path[len(action.path) :])


def _with_defaults(action: Node, given: dict[str, Value], end: int) -> dict[str, Value]:
    inputs: dict[str, Value] = {}
    for leaf in action.walk():
        if not leaf.is_leaf:
            continue
        value = given.get(_input_name(action, leaf), leaf.default)
        if value is not None:
            inputs[_input_name(action, leaf)] = value
        elif leaf.mandatory:
            raise WalkError(end, Problem.NO_INPUT, choices=(leaf,))
    return inputs
