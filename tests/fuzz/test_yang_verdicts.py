"""The box takes a configuration exactly when libyang, reading the same YANG modules, takes it.

Where they deliberately differ is written down in `DIFFERENCES`: the box takes what people type, libyang what RFC 7950
says, and in two places the box is the stricter one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from drafts import tree
from effort import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from randomconfig import CIPHER, PLACES, fits, leaf_values, mended, paths, trees, valid_trees
from yangdata import (
    Oracle,
    box_refusal,
    element_at,
    elements,
    libyang_fixture,  # noqa: F401 - a fixture
    parent_of,
    tag,
    text,
)

from sbcsim.config.tree import Tree
from sbcsim.schema import types as t
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Type

LEAVES = [node for node in PLACES if node.is_leaf]
LISTS = [node for node in PLACES if node.is_list]
# What XML 1.0 can carry; both judges see the same characters.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12)
NUMBERS = st.integers(-(2**65), 2**65)


def members(kind: Type | None) -> Iterator[Type]:
    """Yield the types that a value may have, references and unions resolved."""
    if isinstance(kind, t.LeafrefType):
        yield from members(kind.of)
    elif isinstance(kind, t.UnionType):
        for member in kind.members:
            yield from members(member)
    elif kind is not None:
        yield kind


def of_type(*kinds: type[Type]) -> list[Node]:
    return [leaf for leaf in LEAVES if all(isinstance(each, kinds) for each in members(leaf.type))]


class Case:
    """A valid configuration as XML, and one element of it."""

    def __init__(self, tree: Tree, path: Path, node: Node) -> None:
        self.root = elements(tree)
        self.element = element_at(self.root, path)
        self.around = parent_of(self.root, self.element)
        self.node = node

    def __repr__(self) -> str:
        return text(self.root)


@st.composite
def cases(draw: Any, nodes: list[Node]) -> Case:
    """Draw a valid configuration with one of the places in it."""
    node = draw(st.sampled_from(nodes))
    path = draw(paths(node))
    tree = draw(trees())
    tree = tree.with_value(path, draw(leaf_values(node))) if node.is_leaf else tree.with_entry(path)
    tree = mended(tree)
    assume(tree.exists(path))
    return Case(unsealed(tree), path, node)


def unsealed(tree: Tree) -> Tree:
    """Return a tree with plain secrets: an encrypted one is longer than its type allows, which libyang cannot know."""
    for path, node, value in tree.leaves():
        if node.secret:
            tree = tree.with_value(path, CIPHER.opened(str(value)))
    return tree


def both_refuse(oracle: Oracle, root: ET.Element) -> None:
    document = text(root)
    verdicts = box_refusal(document), oracle.refusal(document)
    assert all(verdicts), (verdicts, document)


@settings(max_examples=examples(120))
@given(valid_trees())
def test_what_can_be_committed_is_valid(libyang: Oracle, tree: Tree) -> None:
    document = text(elements(unsealed(tree)))
    assert (box_refusal(document), libyang.refusal(document)) == ("", ""), document


@settings(max_examples=examples(120))
@given(trees())
def test_what_only_fits_its_types(libyang: Oracle, tree: Tree) -> None:
    """References lead nowhere, required leaves are missing: the verdicts agree, whatever they are."""
    document = text(elements(unsealed(tree)))
    verdicts = box_refusal(document), libyang.refusal(document)
    assert bool(verdicts[0]) == bool(verdicts[1]), (verdicts, document)


@settings(max_examples=examples(300))
@given(cases(LEAVES), st.one_of(TEXTS, NUMBERS.map(str), st.sampled_from(["A", "1", "::1", "10.0.0.1", "true"])))
def test_any_text_in_any_leaf(libyang: Oracle, case: Case, given_text: str) -> None:
    assume(not differs(case.node, given_text))
    case.element.text = given_text
    document = text(case.root)
    verdicts = box_refusal(document), libyang.refusal(document)
    assert bool(verdicts[0]) == bool(verdicts[1]), (verdicts, document)


def differs(leaf: Node, given_text: str) -> bool:
    """Tell whether a text is among those that the two read differently on purpose: see `DIFFERENCES`."""
    for kind in members(leaf.type):
        if isinstance(kind, t.EnumType | t.BoolType) and given_text not in kind.choices() and fits(kind, given_text):
            return True
        if isinstance(kind, t.IntType) and given_text.strip() != given_text:
            return True
        if isinstance(kind, t.BitsType) and ("," in given_text or not given_text.strip()):
            return True
    return leaf.secret and given_text.startswith("$8$")


# One fault each, so that there is no doubt about the verdict.

TELLING = {
    "a number out of range": (
        of_type(t.IntType),
        lambda leaf: st.one_of(NUMBERS, st.sampled_from([-1, 0, 4096, 65_536, 2**32])).map(str),
    ),
    "no number": (of_type(t.IntType), lambda leaf: TEXTS),
    "no choice": (of_type(t.EnumType, t.BoolType), lambda leaf: TEXTS),
    "no number and no choice": (of_type(t.IntType, t.EnumType), lambda leaf: st.one_of(TEXTS, NUMBERS.map(str))),
    "no address": (of_type(t.AddressType), lambda leaf: st.one_of(TEXTS, ADDRESSES)),
    "too long or too short": (of_type(t.StringType), lambda leaf: LENGTHS.map(lambda length: "x" * length)),
    "against the pattern": (of_type(t.StringType), lambda leaf: TEXTS),
    "no such bits": (of_type(t.BitsType), lambda leaf: BITS),
}
ADDRESSES = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}|([0-9a-f]{0,5}:){1,9}[0-9a-f]{0,5}|fe80::1%1", fullmatch=True)
LENGTHS = st.sampled_from([0, 24, 64, 256, 4_001])
BITS = st.lists(st.sampled_from(["sip-udp", "sip-tcp", "sip-dccp", "x"]), min_size=1, max_size=3).map(" ".join)


@pytest.mark.parametrize("fault", TELLING)
def test_a_value_that_does_not_fit(libyang: Oracle, fault: str) -> None:
    leaves, texts = TELLING[fault]

    @settings(max_examples=examples(25))
    @given(cases(leaves), st.data())
    def refused(case: Case, data: st.DataObject) -> None:
        wrong = texts(case.node).filter(lambda each: not differs(case.node, each) and not fits_xml(case.node, each))
        case.element.text = data.draw(wrong)
        both_refuse(libyang, case.root)

    refused()


def fits_xml(leaf: Node, given_text: str) -> bool:
    """Tell whether a text is a value in XML, where blanks separate bits."""
    kind = leaf.type
    assert kind is not None
    return fits(kind, ",".join(given_text.split()) if isinstance(kind, t.BitsType) else given_text)


def drop(case: Case) -> None:
    case.around.remove(case.element)


def drop_key(case: Case) -> None:
    case.element.remove(case.element[0])


def refer_to_nothing(case: Case) -> None:
    case.element.text = "nobody"


def add_unknown(case: Case) -> None:
    ET.SubElement(case.element, tag(case.node) + "x")


def add_of_another_module(case: Case) -> None:
    case.element.tag = f"{{urn:other}}{case.node.name}"


def add_inside(case: Case) -> None:
    ET.SubElement(case.element, tag(case.node)).text = case.element.text


def add_attribute(case: Case) -> None:
    case.element.set("{urn:ietf:params:xml:ns:netconf:base:1.0}operation", "delete")


def write_between(case: Case) -> None:
    case.element.text = "between"


def repeat_many(case: Case) -> None:
    most = case.node.max_elements
    assert most is not None
    there = sum(each.tag == case.element.tag for each in case.around)
    for number in range(most + 1 - there):
        case.around.append(ET.fromstring(text(case.element)))
        if case.node.is_list:
            case.around[-1][0].text = str(9 + number) if case.node.name == "sipSigPort" else f"more{number}"
        else:
            case.around[-1].text = f"10.9.0.{number}"


def status_of(case: Case) -> None:
    (status,) = [node for node in case.node.children.values() if node.name == "subject"]
    ET.SubElement(case.element, tag(status)).text = "CN=x"


def action_of(case: Case) -> None:
    ET.SubElement(case.element, tag(case.node.children["generateCSR"]))


CERTIFICATE = [node for node in LISTS if node.name == "certificate"]
FAULTS: dict[str, tuple[list[Node], Callable[[Case], None]]] = {
    "a required leaf is missing": ([leaf for leaf in LEAVES if leaf.mandatory], drop),
    "a key is missing": (LISTS, drop_key),
    "a reference leads nowhere": ([leaf for leaf in LEAVES if isinstance(leaf.type, t.LeafrefType)], refer_to_nothing),
    "an element that is not in the model": (LISTS, add_unknown),
    "an element of another module": (PLACES, add_of_another_module),
    "an element in a leaf": (LEAVES, add_inside),
    "an attribute": (PLACES, add_attribute),
    "text between elements": (LISTS, write_between),
    "too many of them": ([node for node in PLACES if node.max_elements], repeat_many),
    "operational data": (CERTIFICATE, status_of),
    "an action": (CERTIFICATE, action_of),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(libyang: Oracle, fault: str) -> None:
    nodes, break_it = FAULTS[fault]

    @settings(max_examples=examples(20))
    @given(cases(nodes))
    def refused(case: Case) -> None:
        break_it(case)
        both_refuse(libyang, case.root)

    refused()


# Where they differ on purpose.

PORT = "addressContext default zone Z sipSigPort 1"
CERTIFICATES = "system security pki certificate"
# What is valid, the leaf whose text is replaced, the text, and who takes it.
DIFFERENCES: dict[str, tuple[tuple[str, ...], str, str, tuple[bool, bool]]] = {
    "the beginning of a choice will do": ((f"set {CERTIFICATES} A state enabled",), "state", "en", (True, False)),
    "another spelling of a choice will do": (
        ("set addressContext A ipInterfaceGroup A ipInterface A action dryUp",),
        "action",
        "dryup",
        (True, False),
    ),
    "the beginning of a truth value will do": (
        ("set profiles security tlsProfile A authClient true",),
        "authClient",
        "t",
        (True, False),
    ),
    "bits may have commas between them, as they are typed": (
        (f"set {PORT} ipInterfaceGroupName G transportProtocolsAllowed sip-udp",),
        "transportProtocolsAllowed",
        "sip-udp,sip-tcp",
        (True, False),
    ),
    "at least one bit is needed": (
        (f"set {PORT} ipInterfaceGroupName G transportProtocolsAllowed sip-udp",),
        "transportProtocolsAllowed",
        "",
        (False, True),
    ),
    "an encrypted secret is as long as it is": (
        (f"set {CERTIFICATES} A passPhrase x",),
        "passPhrase",
        "$8$" + "A" * 64,
        (True, False),
    ),
    "blanks around a number are part of it": (
        ("set profiles security tlsProfile A handshakeTimer 5",),
        "handshakeTimer",
        " 5 ",
        (False, True),
    ),
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_differences(libyang: Oracle, difference: str) -> None:
    lines, leaf, written, (box, oracle) = DIFFERENCES[difference]
    root = elements(unsealed(mended(tree(*lines))))
    document = text(root)
    assert (box_refusal(document), libyang.refusal(document)) == ("", ""), document
    (element,) = [each for each in root.iter() if each.tag.endswith(f"}}{leaf}")]
    element.text = written
    document = text(root)
    assert (not box_refusal(document), not libyang.refusal(document)) == (box, oracle), document


def test_names_without_a_namespace_are_taken_for_what_they_are_called(libyang: Oracle) -> None:
    document = "<config><profiles><security><tlsProfile><name>A</name></tlsProfile></security></profiles></config>"
    assert not box_refusal(document)
    assert libyang.refusal(document)


def test_the_same_twice(libyang: Oracle) -> None:
    """A leaf, an entry, a value of a leaf-list: the later of two would silently win."""

    @settings(max_examples=examples(20))
    @given(cases(PLACES))
    def refused(case: Case) -> None:
        case.around.append(ET.fromstring(text(case.element)))
        both_refuse(libyang, case.root)

    refused()
