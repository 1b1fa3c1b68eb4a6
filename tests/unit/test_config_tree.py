"""The persistent tree: reading, editing, order."""

from __future__ import annotations

import pytest
from drafts import path_of, tree

from sbcsim.config.tree import Tree, path_order
from sbcsim.errors import BugError
from sbcsim.schema.load import load

PORT = ("addressContext", "default", "zone", "Z", "sipSigPort", "2")


def test_empty_tree_has_nothing_but_defaults():
    empty = Tree(load())
    assert empty.get((*PORT, "portNumber")) is None
    assert empty.value((*PORT, "portNumber")) == 5060
    assert not empty.exists(PORT)
    assert not empty.exists(("addressContext",))
    assert empty.keys(("addressContext",)) == ()
    assert [*empty.walk()] == []


def test_setting_a_leaf_creates_the_entries_above():
    made = Tree(load()).with_value((*PORT, "portNumber"), 5070)
    assert made.get((*PORT, "portNumber")) == 5070
    assert made.exists(PORT)
    assert made.exists(("addressContext", "default"))
    assert [path for path, _ in made.entries()] == [PORT[:2], PORT[:4], PORT]


def test_edits_leave_the_old_tree_alone():
    old = Tree(load()).with_value((*PORT, "portNumber"), 5070)
    new = old.with_value((*PORT, "portNumber"), 5080).without(PORT[:4])
    assert old.get((*PORT, "portNumber")) == 5070
    assert not new.exists(PORT[:4])
    assert new.exists(("addressContext", "default"))


def test_plain_containers_vanish_with_their_content_and_entries_stay():
    leaf = path_of("profiles services pathCheckProfile P transportPreference preference1")
    made = Tree(load()).with_value(leaf, "udp")
    assert made.exists(leaf[:-1])
    without_leaf = made.without(leaf)
    assert not without_leaf.exists(leaf[:-1])
    assert without_leaf.exists(leaf[:4])
    without_entry = without_leaf.without(leaf[:4])
    assert not without_entry.exists(("profiles",))
    assert without_entry == Tree(load())


def test_deleting_nothing_gives_the_same_tree():
    made = Tree(load()).with_entry(("addressContext", "default"))
    assert made.without(PORT) is made
    assert made.with_entry(("addressContext", "default")) is made
    assert made.without(()) == Tree(load())


def test_key_leaves_have_the_key_of_their_entry():
    made = Tree(load()).with_entry(PORT)
    assert made.get((*PORT, "index")) == 2
    assert made.exists((*PORT, "index"))
    assert not made.exists((*PORT[:-1], "3", "index"))
    assert made.get((*PORT[:-1], "3", "index")) is None


def test_keys_come_numerically_where_they_are_numbers():
    made = tree(*(f"set addressContext default zone Z sipSigPort {index}" for index in (10, 9, 100, 1)))
    assert made.keys(PORT[:-1]) == (("1",), ("9",), ("10",), ("100",))
    assert made.count(PORT[:-1]) == 4


def test_walk_is_in_schema_order():
    made = tree(
        "set system security pki certificate B type local",
        "set system security pki certificate A type local state enabled",
        "set profiles security tlsProfile T authClient false",
        "set addressContext default",
    )
    assert [" ".join(path) for path, _, value in made.walk() if value is not None] == [
        "profiles security tlsProfile T authClient",
        "system security pki certificate A state",
        "system security pki certificate A type",
        "system security pki certificate B type",
    ]
    assert len([*made.entries()]) == 4
    assert [path[-1] for path, _, _ in made.leaves(("system",))] == ["state", "type", "type"]
    assert [value for _, _, value in made.leaves(path_of("system security pki certificate A type"))] == ["local"]
    assert len([*made.leaves(path_of("system security pki certificate"))]) == 3


def test_path_order_follows_show():
    paths = [
        path_of("addressContext default zone Z sipSigPort 9"),
        path_of("addressContext default zone Z sipSigPort 10 state"),
        path_of("profiles security tlsProfile"),
        path_of("profiles security tlsProfile T"),
        path_of("system security pki certificate A"),
    ]
    assert sorted(paths, key=lambda path: path_order(load(), path)) == paths


@pytest.mark.parametrize(
    "path", [("nowhere",), ("addressContext", "default", "zone", "Z", "sipSigPortResetAll"), ("system", "serverStatus")]
)
def test_paths_outside_the_configuration_are_a_mistake_of_the_caller(path):
    with pytest.raises(BugError):
        Tree(load()).exists(path)


def test_values_go_into_leaves_only():
    with pytest.raises(BugError):
        Tree(load()).with_value(PORT, "x")
    with pytest.raises(BugError):
        Tree(load()).with_value((*PORT, "index"), 2)
    with pytest.raises(BugError):
        Tree(load()).with_entry(("profiles",))
    with pytest.raises(BugError):
        Tree(load()).get(PORT)
