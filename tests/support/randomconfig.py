"""Random configurations that fit the model: any leaves and entries, any values their types take.

`trees` obeys the types only; `valid_trees` could be committed: what is refused is completed, or left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from drafts import ADMIN, NOW
from hypothesis import strategies as st
from hypothesis.vendor.pretty import for_type_by_name

from sbcsim.config.index import Unique, targets
from sbcsim.config.secret import Cipher
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree, locate
from sbcsim.errors import UserError
from sbcsim.schema import types as t
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Type, Value, ValueProblem

# Left alone, hypothesis prints a node by its fields: the whole model, again and again.
for_type_by_name(Node.__module__, Node.__name__, lambda node, printer, _: printer.text(repr(node)))

ROOT = load()
DATABASE = Database(ROOT)
CIPHER = Cipher()


def configuration(node: Node) -> Iterator[Node]:
    """Yield what can be set below a node."""
    for child in node.children.values():
        if child.config and child.kind is not Kind.ACTION and child.name not in node.keys:
            if child.is_leaf or child.is_list or child.presence:
                yield child
            yield from configuration(child)


PLACES = list(configuration(ROOT))
_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters="\t\n\r")
_SIMPLE = ("A", "a.p12", "http://a", "10.0.0.1", "::1", "2026-01-30T10:00:00", "80:00:0b:3f:04", ":".join(["0a"] * 16))
_LONGEST = 20


# Strategies are kept: making one costs more than drawing from it.


@cache
def values(kind: Type) -> st.SearchStrategy[Value]:
    """Return what a leaf of a type may hold."""
    match kind:
        case t.LeafrefType():
            return values(kind.of)
        case t.UnionType():
            return st.one_of([values(member) for member in kind.members])
        case t.EnumType():
            return st.sampled_from(kind.names)
        case t.BoolType():
            return st.booleans()
        case t.BitsType():
            return st.sets(st.sampled_from(kind.names), min_size=1).map(lambda given: kind.parse(",".join(given)))
        case t.IntType():
            return st.one_of([st.integers(low, high) for low, high in kind.ranges])
        case t.AddressType():
            found = st.ip_addresses(v=kind.version or None).map(str)
            return found.map(kind.parse)
        case t.StringType():
            return _texts(kind).filter(lambda text: fits(kind, text))
    return st.text(max_size=5).filter(lambda text: fits(kind, text)).map(kind.parse)


def _texts(kind: t.StringType) -> st.SearchStrategy[str]:
    """Return texts that mostly fit."""
    low, high = kind.lengths[0] if kind.lengths else (0, _LONGEST)
    simple = st.sampled_from([text for text in _SIMPLE if fits(kind, text)])
    if low > _LONGEST:
        return simple
    free = st.text(_CHARACTERS, min_size=low, max_size=min(high, _LONGEST))
    return st.one_of(simple, free, *(st.from_regex(each, fullmatch=True) for each in kind.patterns))


def fits(kind: Type, text: str) -> bool:
    try:
        kind.parse(text)
    except ValueProblem:
        return False
    return True


@cache
def leaf_values(node: Node) -> st.SearchStrategy[Value]:
    """Return what a leaf or leaf-list may hold; secrets are encrypted, as they are kept."""
    assert node.type is not None
    if node.kind is Kind.LEAF_LIST:
        return st.lists(values(node.type), min_size=1, max_size=3).map(lambda given: tuple(dict.fromkeys(given)))
    return values(node.type).map(lambda value: CIPHER.sealed(str(value)) if node.secret else value)


@st.composite
def paths(draw: Any, node: Node) -> Path:
    """Draw an instance path of a node, with few different keys, so that entries have several leaves."""
    chain: list[Node] = []
    at: Node | None = node
    while at is not None and at.kind is not Kind.ROOT:
        chain.append(at)
        at = at.parent
    path: Path = ()
    for each in reversed(chain):
        path += (each.name,)
        path += tuple(draw(_keys(each.children[key])) for key in each.keys)
    return path


@cache
def _keys(leaf: Node) -> st.SearchStrategy[str]:
    kind = leaf.type
    assert kind is not None
    usual = [text for text in ("A", "B", "1", "2", "10.0.0.1", "8") if fits(kind, text)]
    texts = values(kind).map(kind.format)
    return st.sampled_from(usual) | texts if usual and not kind.choices() else texts


@st.composite
def trees(draw: Any) -> Tree:
    """Draw a configuration."""
    tree = Tree(ROOT)
    for node in draw(st.lists(st.sampled_from(PLACES), max_size=12)):
        path = draw(paths(node))
        if not node.is_leaf:
            tree = tree.with_entry(path)
            continue
        tree = tree.with_value(path, draw(leaf_values(node)))
    return tree


@st.composite
def valid_trees(draw: Any) -> Tree:
    """Draw a configuration that a box would take."""
    return mended(draw(trees()))


HOLDERS = [ROOT, *(node for node in PLACES if node.is_list)]
"""What leaves stand in: the entries of each list, or none at all."""


def own_leaves(holder: Node) -> list[Node]:
    """Return the leaves that every entry of a list has, those in its containers included; of the root, the rest."""
    return [leaf for leaf in PLACES if leaf.is_leaf and _holder(leaf) is holder]


def _holder(node: Node) -> Node:
    above = node.parent
    while above is not None and not above.is_list and above.kind is not Kind.ROOT:
        above = above.parent
    assert above is not None
    return above


@st.composite
def full_trees(draw: Any, holder: Node) -> Tree:
    """Draw a configuration in which two entries of a list have all their leaves, as far as the rules allow."""
    tree = Tree(ROOT)
    for entry in draw(st.lists(paths(holder), min_size=1, max_size=2, unique=True)):
        tree = tree.with_entry(entry) if entry else tree
        for leaf in own_leaves(holder):
            tree = tree.with_value((*entry, *leaf.path[len(holder.path) :]), draw(leaf_values(leaf)))
    return mended(tree)


def refusal(tree: Tree) -> UserError | None:
    """Return what a box without configuration would answer to the commit of a tree, None when it would take it."""
    candidate = DATABASE.open(ADMIN)
    try:
        for path, _, value in tree.walk():
            if value is None:
                candidate.create(path)
            else:
                candidate.set(path, value)
        candidate.check(NOW)
    except UserError as refused:
        return refused
    finally:
        DATABASE.close(candidate)
    return None


def mended(tree: Tree) -> Tree:
    """Return a tree that can be committed: what is missing is added, what is refused all the same is left out."""
    remedies = 0
    while (refused := refusal(tree)) is not None:
        remedies += 1
        added = _with_missing(tree, refused) if remedies < _PATIENCE else None
        tree = added or _without_refused(tree, refused.path)
    return tree


_PATIENCE = 200
"""Remedies after which nothing is added any more: what is added may be refused in turn."""
_CERTIFICATE = ("system", "security", "pki", "certificate")


def _with_missing(tree: Tree, refused: UserError) -> Tree | None:
    """Return the tree with what a refusal asks for, None where it asks for nothing that could be added."""
    path, node = refused.path, locate(ROOT, refused.path).node
    if not node.is_leaf:
        return None
    value = tree.get(path)
    if value is None:
        added = simplest(tree, node)
        return tree.with_value(path, CIPHER.sealed(str(added)) if node.secret else added)
    if not isinstance(node.type, t.LeafrefType):
        return None
    if refused.app_tag == "instance-required":
        for target in targets(ROOT, path, node, value):
            entry = _place_of(tree, target) if isinstance(target, Unique) else target
            tree = tree.with_entry(entry)
        return tree
    if node.type.target[:-1] == _CERTIFICATE:
        certificate = (*_CERTIFICATE, str(value))
        return tree.with_value((*certificate, "type"), "local").with_value((*certificate, "state"), "enabled")
    return None


def simplest(tree: Tree, node: Node) -> Value:
    """Return a value for a leaf that must have one."""
    kind = node.type
    while isinstance(kind, t.LeafrefType):
        kind = kind.of
    if isinstance(kind, t.IntType):
        taken = {value for _, other, value in tree.leaves() if other is node}
        return next(number for low, high in kind.ranges for number in range(low, high + 1) if number not in taken)
    assert kind is not None
    return kind.parse(next(text for text in (*kind.choices(), *_SIMPLE) if fits(kind, text)))


def _place_of(tree: Tree, target: Unique) -> Path:
    """Return where to put an entry that is known by its name only: into a zone that is there, or a new one."""
    zone = next(
        (path for path, node in tree.entries() if node.path == target.path[:2]),
        ("addressContext", "default", "zone", "A"),
    )
    assert isinstance(target.value, tuple)
    return (*zone, target.path[-1], *target.value)


def _without_refused(tree: Tree, path: Path) -> Tree:
    place = locate(ROOT, path)
    if place.is_key or place.node.mandatory:
        return tree.without(path[:-1])
    if place.node.is_list and not place.entry:
        return tree.without((*path, *tree.keys(path)[-1]))
    while not tree.exists(path):
        path = path[:-1]
    return tree.without(path)
