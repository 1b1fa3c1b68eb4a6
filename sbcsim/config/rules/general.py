"""Rules that follow from the marks of the model, in the order of the stages: G6, G5, G7, G8, G1 and G2."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.index import Target, Unique, targets, unique_key
from sbcsim.config.objects import switchable
from sbcsim.config.tree import locate
from sbcsim.errors import UserError
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import LeafrefType

from .registry import Stage, every, rule
from .review import Review, came_first, changed_while_enabled, first, refuse, required


def _has_required_leaves(node: Node) -> bool:
    return any(child.mandatory and child.config for child in node.children.values())


def _refers(node: Node) -> bool:
    return isinstance(node.type, LeafrefType)


def _referred(schema: Node) -> list[Node]:
    found = (schema.descend(node.type.target[:-1]) for node in schema.walk() if isinstance(node.type, LeafrefType))
    return [*dict.fromkeys(found)]


@rule(Stage.REQUIRED, "not_configured", at=every(_has_required_leaves))
def required_leaves_are_configured(review: Review, path: Path) -> Iterator[UserError]:
    """An entry has every leaf that the model requires."""
    node = locate(review.new.schema, path).node
    for child in node.children.values():
        if child.mandatory and child.config:
            yield from required(review, path, child.name)


@rule(Stage.REFERENCES, "illegal_reference", at=every(_refers))
def references_lead_somewhere(review: Review, leaf: Path) -> Iterator[UserError]:
    """What a leaf refers to is there."""
    value = review.new.get(leaf)
    if value is None:
        return
    node = locate(review.new.schema, leaf).node
    if not all(_is_there(review, target) for target in targets(review.new.schema, leaf, node, value)):
        yield refuse("illegal_reference", leaf)


def _is_there(review: Review, target: Target) -> bool:
    if isinstance(target, Unique):
        return bool(review.after.indexes.holders.at(target))
    return review.new.exists(target)


@rule(Stage.REFERENCES, "illegal_reference", at=_referred)
def nobody_refers_to_the_deleted(review: Review, entry: Path) -> Iterator[UserError]:
    """While a leaf refers to it, it is not deleted."""
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


@rule(Stage.LENGTH, "too_many", at=every(lambda node: node.max_elements is not None))
def lists_are_not_too_long(review: Review, path: Path) -> Iterator[UserError]:
    """A list or leaf-list has no more entries than the model allows."""
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


@rule(Stage.UNIQUE, "not_unique", at=every(lambda node: node.unique_globally))
def names_and_ids_are_unique(review: Review, path: Path) -> Iterator[UserError]:
    """What the model calls unique stands only once in the whole configuration."""
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


@rule(Stage.STATE, "locked_leaf", at=every(lambda node: node.locked_while_enabled))
def locked_leaves_stay_while_enabled(review: Review, leaf: Path) -> Iterator[UserError]:
    """A locked leaf does not change while its object stays enabled."""
    if review.old.value(leaf) != review.new.value(leaf) and changed_while_enabled(review, leaf):
        yield refuse("locked_leaf", leaf)


@rule(Stage.STATE, "still_enabled", at=every(switchable))
def objects_are_disabled_before_deletion(review: Review, entry: Path) -> Iterator[UserError]:
    """It is disabled, in the same commit or before, when it is deleted."""
    change = review.by_path.get(entry)
    if change is None or change.new is not None:
        return
    last = review.trail.last_states.get(entry)
    if (last or review.old.value((*entry, "state"))) == "enabled":
        yield refuse("still_enabled", entry)
