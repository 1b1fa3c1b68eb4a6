"""What a box shows of its configuration, another box takes, in every form; earlier configurations come back exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clibox import START, FakeBox, Typist
from drafts import ADMIN, NOW
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from randomconfig import HOLDERS, PLACES, ROOT, full_trees, mended, own_leaves, simplest, trees, valid_trees
from yangdata import Oracle, libyang_fixture  # noqa: F401 - a fixture

from sbcsim.config.tree import Tree
from sbcsim.device.users import Account
from sbcsim.schema.node import Kind, Node, Path
from sbcsim.schema.types import Value

FORMS = {"braces": "", "set lines": " | display set", "XML": " | display xml"}


def committed(tree: Tree) -> FakeBox:
    """Return a box with a running configuration."""
    box = FakeBox()
    candidate = box.database.open(ADMIN)
    for path, _, value in tree.walk():
        if value is None:
            candidate.create(path)
        else:
            candidate.set(path, value)
    candidate.commit(NOW)
    box.database.close(candidate)
    assert box.database.running == tree
    return box


def shown(box: FakeBox, pipe: str = " | display set") -> str:
    return Typist(box.session()).answer(f"show configuration{pipe}")


def configuring(box: FakeBox) -> Typist:
    typist = Typist(box.session())
    assert typist.type("configure").ok
    return typist


def put(box: FakeBox, name: str, text: str) -> None:
    account = Account("admin")
    box.files.make_home(account, START)
    box.files.write(f"{account.home}/{name}", text.encode(), START)


def commit(typist: Typist) -> None:
    assert typist.answer("commit") in {"Commit complete.\n", "No modifications to commit.\n"}, typist.screen


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda node: "/".join(node.path) or "outside lists")
def test_every_leaf_of_the_model_typed_again(holder: Node) -> None:
    @settings(max_examples=examples(6))
    @given(full_trees(holder))
    def same(tree: Tree) -> None:
        dump = shown(committed(tree))
        fresh = FakeBox()
        typist = configuring(fresh)
        for line in dump.split("\n"):
            assert line in {"", "No entries found."} or typist.type(line).ok, typist.screen
        commit(typist)
        assert shown(fresh) == dump
        assert fresh.database.running == tree

    same()


def test_random_configurations_reach_every_leaf() -> None:
    """None of them is always refused, and so left out of what is tried here."""
    assert sum(len(own_leaves(holder)) for holder in HOLDERS) == sum(node.is_leaf for node in PLACES)
    for node in PLACES:
        path = _somewhere(node)
        tree = Tree(ROOT)
        if node.is_leaf:
            value = simplest(tree, node)
            tree = tree.with_value(path, (value,) if node.kind is Kind.LEAF_LIST else value)  # type: ignore[arg-type]
        else:
            tree = tree.with_entry(path)
        assert mended(tree).exists(path), node


def _somewhere(node: Node) -> Path:
    above = () if node.parent is None or node.parent.kind is Kind.ROOT else _somewhere(node.parent)
    keys = [node.children[key] for key in node.keys]
    return (*above, node.name, *(_text(key, simplest(Tree(ROOT), key)) for key in keys))


def _text(leaf: Node, value: Value) -> str:
    assert leaf.type is not None
    return leaf.type.format(value)


@pytest.mark.parametrize("way", ["merge", "override", "replace"])
@pytest.mark.parametrize("form", FORMS)
def test_loaded_again(form: str, way: str) -> None:
    @settings(max_examples=examples(12))
    @given(valid_trees(), valid_trees(), st.data())
    def same(tree: Tree, other: Tree, data: st.DataObject) -> None:
        box = committed(tree)
        text, dump = shown(box, FORMS[form]), shown(box)
        if text == "No entries found.\n":
            return
        # Into nothing, over something else, in place of what somebody has spoilt.
        target = {"merge": FakeBox(), "override": committed(other), "replace": committed(tree)}[way]
        typist = configuring(target)
        leaves = [path for path, node, _ in tree.leaves() if not node.mandatory and _in_a_list(path)]
        if way == "replace" and leaves:
            typist.session._shell.draft.delete(data.draw(st.sampled_from(leaves)))
        put(target, "text", text)
        assert typist.answer(f"load {way} text") == "", typist.screen
        assert typist.answer("show | display set") == dump

    same()


def _in_a_list(path: Path) -> bool:
    node = ROOT
    for name in path:
        node = node.children[name]
        if node.is_list:
            return True
    return False


@settings(max_examples=examples(60))
@given(valid_trees())
def test_json_says_the_same(tree: Tree) -> None:
    text = shown(committed(tree), " | display json")
    if text == "No entries found.\n":
        return
    assert sorted(_flat(json.loads(text)["data"], ROOT, ()), key=repr) == sorted(
        ((path, _plain(node, value)) for path, node, value in tree.walk()), key=repr
    )


def _plain(node: Node, value: Value | None) -> Any:
    """Return a value as RFC 7951 writes it."""
    if isinstance(value, tuple) and node.kind is not Kind.LEAF_LIST:
        return " ".join(map(str, value))
    return list(value) if isinstance(value, tuple) else value


def _flat(content: dict[str, Any], node: Node, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything in JSON, None for an entry."""
    for full_name, value in content.items():
        module, _, name = full_name.rpartition(":")
        child = node.children[name]
        assert child.module.name == (module or node.module.name)
        if name in node.keys:
            continue
        if child.is_list:
            for entry in value:
                at = (*path, name, *(_text(child.children[key], entry[key]) for key in child.keys))
                yield at, None
                yield from _flat(entry, child, at)
        elif child.is_leaf:
            yield (*path, name), value
        else:
            yield from _flat(value, child, (*path, name))


@settings(max_examples=examples(40))
@given(valid_trees())
def test_libyang_reads_the_same_in_json_and_xml(libyang: Oracle, tree: Tree) -> None:
    for path, node, _ in tree.leaves():
        if node.secret:  # an encrypted one is longer than its type allows
            tree = tree.without(path)
    box = committed(mended(tree))
    xml, text = shown(box, " | display xml"), shown(box, " | display json")
    if xml == "No entries found.\n":
        return
    inside = "\n".join(xml.split("\n")[1:-2])  # values may have several lines
    assert libyang.read(json.dumps(json.loads(text)["data"], ensure_ascii=False), json=True) == libyang.read(inside)


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(trees(), st.booleans()), min_size=1, max_size=5), st.data())
def test_earlier_configurations_come_back(steps: list[tuple[Tree, bool]], data: st.DataObject) -> None:
    box = FakeBox()
    typist = configuring(box)
    past = [shown(box)]
    for number, (tree, override) in enumerate(steps):
        text = "".join(f"{line}\n" for line in _lines(mended(tree)))
        put(box, f"step{number}", text)
        if text:
            assert typist.type(f"load {'override' if override else 'merge'} step{number}").ok, typist.screen
        answer = typist.answer("commit")
        if answer == "Commit complete.\n":
            past.append(shown(box))
        elif answer != "No modifications to commit.\n":  # one cannot get there in one step
            assert answer.startswith(("Aborted: '", "Aborted: illegal reference", "Aborted: too many")), answer
            assert shown(box) == past[-1]
            typist.type("revert no-confirm")
    if len(past) == 1:
        return
    number = data.draw(st.integers(0, len(past) - 2))
    assert typist.type(f"rollback {number}").ok
    assert typist.answer("show | display set") == past[-2 - number]
    if typist.answer("commit") == "Commit complete.\n":
        assert shown(box) == past[-2 - number]
        assert typist.type("rollback").ok
        assert typist.answer("show | display set") == past[-1]


def _lines(tree: Tree) -> list[str]:
    return shown(committed(tree)).split("\n")[:-1] if tree.root else []
