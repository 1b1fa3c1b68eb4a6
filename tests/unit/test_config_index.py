"""What the rules look up backwards, and the models that cannot be looked up."""

from __future__ import annotations

import pytest
from drafts import ADMIN, CERTIFICATE, NOW, PROFILE, edit, path_of, tree

from sbcsim import grammar
from sbcsim.config.index import Index, check_references, targets
from sbcsim.config.render import set_lines
from sbcsim.config.rules import Rules
from sbcsim.config.transaction import Database
from sbcsim.errors import BugError
from sbcsim.schema.load import load
from sbcsim.schema.node import Kind, Module, Node
from sbcsim.schema.types import LeafrefType, StringType

A, B = ("a",), ("b",)


def test_index_is_immutable_and_forgets_empty_keys() -> None:
    empty = Index()
    one = empty.with_path("k", A)
    two = one.with_path("k", B)
    assert (set(empty.at("k")), set(one.at("k")), set(two.at("k"))) == (set(), {A}, {A, B})
    assert two.without_path("k", A).without_path("k", B) == empty
    assert one.without_path("k", B) is one


def test_referrers_of_a_tree() -> None:
    made = tree(f"set {PROFILE} T1 serverCertName C", f"set {PROFILE} T2 clientCertName C")
    referrers = Rules(load()).state(made).indexes.referrers
    assert set(referrers.at(path_of(f"{CERTIFICATE} C"))) == {
        path_of(f"{PROFILE} T1 serverCertName"),
        path_of(f"{PROFILE} T2 clientCertName"),
    }


def test_targets_stay_within_the_same_context() -> None:
    leaf = path_of("addressContext other zone Z sipSigPort 1 ipInterfaceGroupName")
    node = load().descend(("addressContext", "zone", "sipSigPort", "ipInterfaceGroupName"))
    assert [*targets(load(), leaf, node, "G")] == [("addressContext", "other", "ipInterfaceGroup", "G")]
    with pytest.raises(BugError):
        [*targets(load(), leaf, load(), "G")]


def model(target: tuple[str, ...]) -> Node:
    """Return a model with an inner list in an outer one and a leaf that refers to `target`."""
    module = Module("m", "urn:m", "m", "2026-01-01")
    root = Node(Kind.ROOT, "", module)

    def add(parent: Node, kind: Kind, name: str, **more: object) -> Node:
        node = Node(kind, name, module, parent, path=(*parent.path, name), **more)  # type: ignore[arg-type]
        parent.children[name] = node
        return node

    outer = add(root, Kind.LIST, "outer", keys=("name",))
    inner = add(outer, Kind.LIST, "inner", keys=("name",))
    add(outer, Kind.LEAF, "name", type=StringType())
    add(outer, Kind.LEAF, "other", type=StringType())
    add(inner, Kind.LEAF, "name", type=StringType())
    add(root, Kind.LEAF, "reference", type=LeafrefType(target, (), StringType()))
    return root


def test_a_reference_must_be_to_the_key_of_a_list_in_reach() -> None:
    check_references(model(("outer", "name")))
    for target in (("outer", "other"), ("outer", "inner", "name")):
        with pytest.raises(BugError):
            check_references(model(target))


def test_the_factory_configuration_is_valid_and_prints_itself() -> None:
    lines = [line for line in grammar.read_text("factory.cli").splitlines() if line.startswith("set ")]
    made = Database(load())
    candidate = edit(made.open(ADMIN), *lines)
    assert candidate.commit(NOW) is not None
    assert tree(*set_lines(made.running)) == made.running
