"""Rules that follow from the marks of the model: G1, G2 and G5 to G8."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.index import Target, Unique, targets, unique_key
from sbcsim.config.tree import locate
from sbcsim.errors import UserError
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import LeafrefType

from .review import Review, Rule, Stage, came_first, first, refuse, required, stays_enabled, switchable


def general(node: Node) -> Iterator[tuple[Stage, Rule]]:
    """Yield the rules that follow from what the model says about a node."""
    if any(child.mandatory and child.config for child in node.children.values()):
        yield Stage.REQUIRED, _mandatory_leaves
    if node.type is not None and isinstance(node.type, LeafrefType):
        yield Stage.REFERENCES, _reference_exists
    if node.max_elements is not None:
        yield Stage.LENGTH, _not_too_many
    if node.unique_globally:
        yield Stage.UNIQUE, _unique
    if node.locked_while_enabled:
        yield Stage.STATE, _locked_while_enabled
    if switchable(node):
        yield Stage.STATE, _disabled_before_deletion


# G6: required leaves.


def _mandatory_leaves(review: Review, path: Path) -> Iterator[UserError]:
    node = locate(review.new.schema, path).node
    for child in node.children.values():
        if child.mandatory and child.config:
            yield from required(review, path, child.name)


# G5: references.


def _reference_exists(review: Review, leaf: Path) -> Iterator[UserError]:
    value = review.new.get(leaf)
    if value is None:
        return
    node = locate(review.new.schema, leaf).node
    if not all(_is_there(review, target) for target in targets(review.new.schema, leaf, node, value)):
        yield refuse("illegal_reference", leaf)


def nobody_refers_to_the_deleted(review: Review, entry: Path) -> Iterator[UserError]:
    """G5 from the other side: what somebody refers to stays."""
    change = review.by_path.get(entry)
    if change is None or change.new is not None:
        return
    indexes = review.after.indexes
    referrers = [*indexes.referrers.at(entry)]
    name = Unique(change.node.path, entry[-len(change.node.keys) :])
    if not indexes.holders.at(name):
        referrers += indexes.referrers.at(name)
    if referrers:
        yield refuse("illegal_reference", first(review, referrers))


def _is_there(review: Review, target: Target) -> bool:
    if isinstance(target, Unique):
        return bool(review.after.indexes.holders.at(target))
    return review.new.exists(target)


# G7: lists that are too long.


def _not_too_many(review: Review, path: Path) -> Iterator[UserError]:
    place = locate(review.new.schema, path)
    change = review.by_path.get(path)
    most = place.node.max_elements
    if change is None or change.new is None or most is None:
        return
    if place.node.is_list:
        path = path[: -len(place.node.keys)]
        count = review.new.count(path)
    else:
        count = len(change.new) if isinstance(change.new, tuple) else 1
    if count > most:
        yield refuse("too_many", path, count=count, most=most)


# G8: unique values.


def _unique(review: Review, path: Path) -> Iterator[UserError]:
    change = review.by_path.get(path)
    if change is None or change.new is None:
        return
    holders = review.after.indexes.holders.at(unique_key(change, change.new))
    before = review.before.indexes.holders.at(unique_key(change, change.new))
    if not any(came_first(review, before, other, path) for other in holders):
        return
    node = change.node
    if node.is_list:
        yield refuse("not_unique", (*path, node.keys[0]), value=path[-len(node.keys)])
    else:
        assert node.type is not None
        yield refuse("not_unique", path, value=node.type.format(change.new))


# G1, G2: enabled objects.


def _locked_while_enabled(review: Review, leaf: Path) -> Iterator[UserError]:
    if review.old.value(leaf) != review.new.value(leaf) and stays_enabled(review, leaf):
        yield refuse("locked_leaf", leaf)


def _disabled_before_deletion(review: Review, entry: Path) -> Iterator[UserError]:
    change = review.by_path.get(entry)
    if change is None or change.new is not None:
        return
    last = review.last_states.get(entry)
    if (last or review.old.value((*entry, "state"))) == "enabled":
        yield refuse("still_enabled", entry)
