"""What a rule is given, and how one is registered on the place in the model that it guards."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sbcsim.config.census import census_after
from sbcsim.config.change import Change
from sbcsim.config.index import Index, Indexes
from sbcsim.config.ports import affected, uses_after
from sbcsim.config.tree import Tree, path_order
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path, SchemaPath
from sbcsim.schema.walk import format_path


class Stage(Enum):
    """When a rule is checked."""

    REQUIRED = 0
    REFERENCES = 1
    LENGTH = 2
    UNIQUE = 3
    STATE = 4
    PORTS = 5


@dataclass(frozen=True, slots=True)
class State:
    """A tree with the indexes that the rules look things up in."""

    tree: Tree
    indexes: Indexes = field(default_factory=Indexes)
    uses: Index = field(default_factory=Index)
    census: Index = field(default_factory=Index)

    def after(self, tree: Tree, changes: tuple[Change, ...]) -> State:
        """Return the state of `tree`, which is this one with `changes` made."""
        indexes = self.indexes.after(tree.schema, changes)
        ports = affected(changes, self.indexes.referrers, indexes.referrers)
        uses = uses_after(self.uses, self.tree, tree, ports)
        return State(tree, indexes, uses, census_after(self.census, changes))


@dataclass(frozen=True, slots=True)
class Review:
    """What the rules judge. `last_states` has, for entries deleted in the candidate, the last `state` before that."""

    old: Tree
    new: Tree
    changes: tuple[Change, ...]
    before: State
    after: State
    last_states: Mapping[Path, str]
    by_path: dict[Path, Change] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_path", {change.path: change for change in self.changes})


Rule = Callable[[Review, Path], Iterator[UserError]]
"""Yields the refusals for one touched instance of the place that the rule guards."""

GUARDS: list[tuple[Stage, SchemaPath, Rule]] = []


def guards(stage: Stage, *paths: SchemaPath) -> Callable[[Rule], Rule]:
    """Register a rule on the places it guards."""

    def register(rule: Rule) -> Rule:
        GUARDS.extend((stage, path, rule) for path in paths)
        return rule

    return register


def instances(schema: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    """Yield every container, entry and leaf on the way to `path`, with its instance path."""
    node, at = schema, 0
    while at < len(path):
        node = node.children[path[at]]
        at += 1 + (len(node.keys) if node.is_list else 0)
        yield node, path[:at]


def switchable(node: Node) -> bool:
    """Whether entries of `node` are objects with a `state` of their own, disabled until they are enabled."""
    state = node.children.get("state") if node.is_list and node.config else None
    return state is not None and state.config and state.default == "disabled"


def states_of(tree: Tree, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the entries at and below `path` that can be enabled, each with its state."""
    for entry, node in tree.entries(path):
        if switchable(node):
            yield entry, str(tree.value((*entry, "state")))


def enabled(tree: Tree, entry: Path) -> bool:
    """Whether an object is there and enabled."""
    return tree.exists(entry) and tree.value((*entry, "state")) == "enabled"


def refuse(key: str, path: Path, **fields: object) -> UserError:
    """Return the refusal of that key in the message catalogue; paths among the fields are spelt as words."""
    shown = {name: format_path(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    text = message(f"refusal.{key}", path=format_path(path), **shown)
    return UserError(text, path=path, tag=_TAGS.get(key, "operation-failed"), app_tag=_APP_TAGS.get(key))


# RFC 6241 appendix A and RFC 7950 section 15.
_TAGS = {"illegal_reference": "data-missing", "not_configured": "data-missing"}
_APP_TAGS = {
    "illegal_reference": "instance-required",
    "too_many": "too-many-elements",
    "not_unique": "data-not-unique",
}


def required(review: Review, entry: Path, leaf: str) -> Iterator[UserError]:
    """G6: refuse an entry without one of its leaves."""
    if review.new.exists(entry) and not review.new.exists((*entry, leaf)):
        yield refuse("not_configured", (*entry, leaf))


def switched_off(review: Review, entry: Path) -> bool:
    """Whether an object that stays goes from enabled to disabled."""
    return enabled(review.old, entry) and review.new.exists(entry) and not enabled(review.new, entry)


def stays_enabled(review: Review, leaf: Path) -> bool:
    """Whether the object of a leaf is enabled before and after; one that is off at either end may change."""
    entry = object_of(review.new.schema, leaf)
    return entry is not None and enabled(review.old, entry) and enabled(review.new, entry)


def object_of(schema: Node, path: Path) -> Path | None:
    """Return the innermost entry above `path` that has a state of its own."""
    return next((at for node, at in reversed([*instances(schema, path)]) if at != path and switchable(node)), None)


def came_first(review: Review, before: Container[Path], other: Path, path: Path) -> bool:
    """Of two that take the same, whether `other` had it `before` and `path` not, or of equals stands first."""
    if other == path:
        return False
    if (other in before) is not (path in before):
        return other in before
    schema = review.new.schema
    return path_order(schema, other) < path_order(schema, path)


def first(review: Review, paths: Iterable[Path]) -> Path:
    """Return the first of several in path order."""
    return min(paths, key=lambda path: path_order(review.new.schema, path))
