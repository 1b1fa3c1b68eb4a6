"""Random configurations that fit the model: any leaves and entries, any values their types take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from sbcsim.config.secret import Cipher
from sbcsim.config.tree import Tree
from sbcsim.schema import types as t
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Type, Value, ValueProblem

ROOT = load()


def configuration(node: Node) -> Iterator[Node]:
    """Yield what can be set below a node."""
    for child in node.children.values():
        if child.config and child.kind is not Kind.ACTION and child.name not in node.keys:
            if child.is_leaf or child.is_list or child.presence:
                yield child
            yield from configuration(child)


PLACES = list(configuration(ROOT))
ODD = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


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
            texts = st.one_of(ODD, *(st.from_regex(pattern, fullmatch=True) for pattern in kind.patterns))
            return texts.filter(lambda text: fits(kind, text))
    return st.text(max_size=5).filter(lambda text: fits(kind, text)).map(kind.parse)


def fits(kind: Type, text: str) -> bool:
    try:
        kind.parse(text)
    except ValueProblem:
        return False
    return True


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
        for key in each.keys:
            kind = each.children[key].type
            assert kind is not None
            usual = [text for text in ("A", "B", "1", "2", "10.0.0.1", "8") if fits(kind, text)]
            plain = st.sampled_from(usual) if usual else st.nothing()
            path += (
                draw(plain | values(kind).map(kind.format))
                if not kind.choices()
                else draw(values(kind).map(kind.format)),
            )
    return path


@st.composite
def trees(draw: Any) -> Tree:
    """Draw a configuration."""
    tree, cipher = Tree(ROOT), Cipher()
    for node in draw(st.lists(st.sampled_from(PLACES), max_size=12)):
        path = draw(paths(node))
        if not node.is_leaf:
            tree = tree.with_entry(path)
            continue
        assert node.type is not None
        value = draw(values(node.type))
        if node.kind is Kind.LEAF_LIST:
            value = tuple(dict.fromkeys(draw(st.lists(values(node.type), min_size=1, max_size=3))))
        if node.secret:
            value = cipher.sealed(str(value))
        tree = tree.with_value(path, value)
    return tree
