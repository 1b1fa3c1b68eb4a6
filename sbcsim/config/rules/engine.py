"""Runs the rules that a commit touches, in the order in which the box checks."""

from __future__ import annotations

from sbcsim.config.change import Touched
from sbcsim.config.index import check_references
from sbcsim.config.tree import Tree, path_order
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import LeafrefType

from .general import general, nobody_refers_to_the_deleted
from .review import GUARDS, Review, Rule, Stage, State, instances


class Rules:
    """All rules for one model."""

    def __init__(self, schema: Node) -> None:
        check_references(schema)
        self._schema = schema
        self._by_node: dict[Node, list[tuple[Stage, Rule]]] = {}
        for node in schema.walk():
            rules = [*general(node), *((stage, rule) for stage, path, rule in GUARDS if path == node.path)]
            if rules and node.config:
                self._by_node[node] = rules
        for node in schema.walk():
            kind = node.type
            if node.config and isinstance(kind, LeafrefType):
                target = schema.descend(kind.target[:-1])
                rules = self._by_node.setdefault(target, [])
                if (Stage.REFERENCES, nobody_refers_to_the_deleted) not in rules:
                    rules.append((Stage.REFERENCES, nobody_refers_to_the_deleted))

    def state(self, tree: Tree) -> State:
        """Return a tree with its indexes, made from scratch."""
        empty = Tree(tree.schema)
        everything = Touched()
        everything.add(tree.schema, ())
        return State(empty).after(tree, everything.changes(empty, tree))

    def check(self, review: Review) -> None:
        """Raise the first refusal, None if the proposal may pass."""
        agenda: dict[Stage, dict[tuple[Path, Rule], None]] = {stage: {} for stage in Stage}
        for change in review.changes:
            for node, path in instances(self._schema, change.path):
                for stage, rule in self._by_node.get(node, ()):
                    agenda[stage][path, rule] = None
        for todo in agenda.values():
            refusals = [refusal for path, rule in todo for refusal in rule(review, path)]
            if refusals:
                raise min(refusals, key=lambda refusal: path_order(self._schema, refusal.path))
