"""Runs the rules that a commit touches, in the order in which the box checks."""

from __future__ import annotations

from collections.abc import Iterable

from sbcsim.config.change import Touched
from sbcsim.config.index import check_references
from sbcsim.config.objects import instances
from sbcsim.config.tree import Tree, path_order
from sbcsim.errors import BugError
from sbcsim.schema.node import Node, Path

from .registry import RULES, Check, Rule, Stage
from .review import Review, State


class Rules:
    """The rules at work on one model: all of them, unless told which."""

    def __init__(self, schema: Node, rules: Iterable[Rule] | None = None) -> None:
        check_references(schema)
        self._schema = schema
        self._by_node: dict[Node, list[Rule]] = {}
        for rule in RULES.values() if rules is None else rules:
            places = [*rule.places(schema)]
            if not places:
                raise BugError(f"the rule {rule.name} guards nothing")
            for node in places:
                self._by_node.setdefault(node, []).append(rule)

    def state(self, tree: Tree) -> State:
        """Return a tree with its indexes, made from scratch."""
        empty = Tree(tree.schema)
        everything = Touched()
        everything.add(tree.schema, ())
        return State(empty).after(tree, everything.changes(empty, tree))

    def check(self, review: Review) -> None:
        """Raise the first refusal, None if the proposal may pass."""
        agenda: dict[Stage, dict[tuple[Path, Check], None]] = {stage: {} for stage in Stage}
        for change in review.changes:
            for node, path in instances(self._schema, change.path):
                for rule in self._by_node.get(node, ()):
                    agenda[rule.stage][path, rule.check] = None
        for todo in agenda.values():
            refusals = [refusal for path, check in todo for refusal in check(review, path)]
            if refusals:
                raise min(refusals, key=lambda refusal: path_order(self._schema, refusal.path))
