"""What a rule is given: the configuration before and after a commit, each with its indexes; and how it refuses."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from sbcsim.config.census import census_after
from sbcsim.config.change import Change
from sbcsim.config.index import Index, Indexes
from sbcsim.config.objects import enabled, object_of
from sbcsim.config.ports import affected, uses_after
from sbcsim.config.trail import Trail
from sbcsim.config.tree import Tree, path_order
from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Path
from sbcsim.schema.walk import format_path


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
    """What the rules judge: two configurations, what differs, and how the candidate came about."""

    old: Tree
    new: Tree
    changes: tuple[Change, ...]
    before: State
    after: State
    trail: Trail
    by_path: dict[Path, Change] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_path", {change.path: change for change in self.changes})


def refuse(key: str, path: Path, **fields: object) -> UserError:
    """Return the refusal of that key in the message catalogue; paths among the fields are spelt as words."""
    shown = {name: format_path(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    text = message(f"refusal.{key}", path=format_path(path), **shown)
    return UserError(text, path=path, tag=_TAGS.get(key, "operation-failed"), app_tag=_APP_TAGS.get(key))


# RFC 6241 appendix A and RFC 7950 section 15.
_TAGS = {"illegal_reference": "data-missing", "not_configured": "missing-element"}
_APP_TAGS = {
    "illegal_reference": "instance-required",
    "too_many": "too-many-elements",
    "not_unique": "data-not-unique",
}


def required(review: Review, entry: Path, leaf: str) -> Iterator[UserError]:
    """Refuse an entry without one of its leaves."""
    if review.new.exists(entry) and not review.new.exists((*entry, leaf)):
        yield refuse("not_configured", (*entry, leaf))


def switched_off(review: Review, entry: Path) -> bool:
    """Whether an object that stays goes from enabled to disabled."""
    return enabled(review.old, entry) and review.new.exists(entry) and not enabled(review.new, entry)


def changed_while_enabled(review: Review, leaf: Path) -> bool:
    """Whether a leaf was edited whose object is enabled before and after; one off at either end may change."""
    entry = object_of(review.new.schema, leaf)
    on = entry is not None and enabled(review.old, entry) and enabled(review.new, entry)
    return on and leaf not in review.trail.rolled_back


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
