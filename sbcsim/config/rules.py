"""The box's own refusals: what a configuration must fulfil beyond the types of its leaves.

Every rule is one function that guards a place in the model; the engine runs it for each instance of that place which a
commit touches, so that the work grows with the change. The stages follow each other in the order in which the box
checks; of the first stage that refuses anything, the refusal that comes first in path order is the one reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sbcsim.errors import UserError
from sbcsim.grammar import message
from sbcsim.schema.node import Node, Path, SchemaPath
from sbcsim.schema.types import LeafrefType
from sbcsim.schema.walk import format_path, quote

from .change import Change, Touched
from .index import Index, Indexes, check_references, targets, unique_key
from .ports import INTERFACE, LAST_PORT, PORT, Use, affected, uses, uses_after
from .tree import Tree, locate, path_order

CERTIFICATE: SchemaPath = ("system", "security", "pki", "certificate")
TLS_PROFILE: SchemaPath = ("profiles", "security", "tlsProfile")
DEFAULT_TLS_PROFILE = "defaultTlsProfile"


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

    def after(self, tree: Tree, changes: tuple[Change, ...]) -> State:
        """Return the state of `tree`, which is this one with `changes` made."""
        indexes = self.indexes.after(tree.schema, changes)
        ports = affected(changes, self.indexes.referrers, indexes.referrers)
        return State(tree, indexes, uses_after(self.uses, self.tree, tree, ports))


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

_GUARDS: list[tuple[Stage, SchemaPath, Rule]] = []


def _guards(stage: Stage, *paths: SchemaPath) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _GUARDS.extend((stage, path, rule) for path in paths)
        return rule

    return register


class Rules:
    """All rules for one model."""

    def __init__(self, schema: Node) -> None:
        check_references(schema)
        self._schema = schema
        self._by_node: dict[Node, list[tuple[Stage, Rule]]] = {}
        for node in schema.walk():
            rules = [*_general(node), *((stage, rule) for stage, path, rule in _GUARDS if path == node.path)]
            if rules and node.config:
                self._by_node[node] = rules
        for node in schema.walk():
            kind = node.type
            if node.config and isinstance(kind, LeafrefType):
                target = schema.descend(kind.target[:-1])
                rules = self._by_node.setdefault(target, [])
                if (Stage.REFERENCES, _nobody_refers_to_the_deleted) not in rules:
                    rules.append((Stage.REFERENCES, _nobody_refers_to_the_deleted))

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
            for node, path in _instances(self._schema, change.path):
                for stage, rule in self._by_node.get(node, ()):
                    agenda[stage][path, rule] = None
        for todo in agenda.values():
            refusals = [refusal for path, rule in todo for refusal in rule(review, path)]
            if refusals:
                raise min(refusals, key=lambda refusal: path_order(self._schema, refusal.path))


def _instances(schema: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    """Yield every container, entry and leaf on the way to `path`, with its instance path."""
    node, at = schema, 0
    while at < len(path):
        node = node.children[path[at]]
        at += 1 + (len(node.keys) if node.is_list else 0)
        yield node, path[:at]


def switchable(node: Node) -> bool:
    """Whether entries of `node` are objects with a `state` of their own that can be enabled."""
    state = node.children.get("state") if node.is_list and node.config else None
    return state is not None and state.config and state.type is not None and "enabled" in state.type.choices()


def states_of(tree: Tree, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the entries at and below `path` that can be enabled, each with its state."""
    for entry, node in tree.entries(path):
        if switchable(node):
            yield entry, str(tree.value((*entry, "state")))


def _enabled(tree: Tree, entry: Path) -> bool:
    return tree.exists(entry) and tree.value((*entry, "state")) == "enabled"


def _refuse(key: str, path: Path, **fields: object) -> UserError:
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


def _general(node: Node) -> Iterator[tuple[Stage, Rule]]:
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
            yield from _required(review, path, child.name)


def _required(review: Review, entry: Path, leaf: str) -> Iterator[UserError]:
    if review.new.exists(entry) and not review.new.exists((*entry, leaf)):
        yield _refuse("not_configured", (*entry, leaf))


@_guards(Stage.REQUIRED, ("addressContext", "zone", "ipPeer", "pathCheck"))
def _enabled_path_check_has_a_profile(review: Review, path_check: Path) -> Iterator[UserError]:
    if _enabled(review.new, path_check):
        yield from _required(review, path_check, "profile")


@_guards(Stage.REQUIRED, CERTIFICATE)
def _enabled_certificate_is_complete(review: Review, certificate: Path) -> Iterator[UserError]:
    if not _enabled(review.new, certificate):
        return
    yield from _required(review, certificate, "type")
    if review.new.value((*certificate, "type")) in {"local", "remote"}:
        yield from _required(review, certificate, "fileName")


# G5: references.


def _reference_exists(review: Review, leaf: Path) -> Iterator[UserError]:
    value = review.new.get(leaf)
    if value is None:
        return
    node = locate(review.new.schema, leaf).node
    if not all(review.new.exists(target) for target in targets(review.new.schema, leaf, node, value)):
        yield _refuse("illegal_reference", leaf)


def _nobody_refers_to_the_deleted(review: Review, entry: Path) -> Iterator[UserError]:
    referrers = review.after.indexes.referrers.at(entry)
    if referrers and not review.new.exists(entry):
        yield _refuse("illegal_reference", _first(review, referrers))


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
        yield _refuse("too_many", path, count=count, most=most)


# G8: unique values.


def _unique(review: Review, path: Path) -> Iterator[UserError]:
    change = review.by_path.get(path)
    if change is None or change.new is None:
        return
    holders = review.after.indexes.holders.at(unique_key(change, change.new))
    if not any(_came_first(review, other, path) for other in holders):
        return
    node = change.node
    if node.is_list:
        yield _refuse("not_unique", (*path, node.keys[0]), value=path[-len(node.keys)])
    else:
        assert node.type is not None
        yield _refuse("not_unique", path, value=node.type.format(change.new))


def _came_first(review: Review, other: Path, path: Path) -> bool:
    """Of two that take the same, the newcomer is refused; of two newcomers the later one in path order."""
    if other == path:
        return False
    if other not in review.by_path:
        return True
    schema = review.new.schema
    return path_order(schema, other) < path_order(schema, path)


# G1 to G4 and the other rules about objects in use.


def _locked_while_enabled(review: Review, leaf: Path) -> Iterator[UserError]:
    if review.old.value(leaf) != review.new.value(leaf) and _stays_enabled(review, leaf):
        yield _refuse("locked_leaf", leaf)


@_guards(Stage.STATE, (*INTERFACE, "altMediaIpAddresses"))
def _media_addresses_stay_while_enabled(review: Review, leaf_list: Path) -> Iterator[UserError]:
    old, new = review.old.get(leaf_list) or (), review.new.get(leaf_list) or ()
    assert isinstance(old, tuple)
    assert isinstance(new, tuple)
    if not set(old) <= set(new) and _stays_enabled(review, leaf_list):
        yield _refuse("locked_leaf", leaf_list)


def _stays_enabled(review: Review, leaf: Path) -> bool:
    """Whether the object of a leaf is enabled before and after; one that is off at either end may change."""
    entry = _object_of(review.new.schema, leaf)
    return entry is not None and _enabled(review.old, entry) and _enabled(review.new, entry)


def _object_of(schema: Node, path: Path) -> Path | None:
    """Return the innermost entry above `path` that has a state of its own."""
    return next((at for node, at in reversed([*_instances(schema, path)]) if at != path and switchable(node)), None)


def _disabled_before_deletion(review: Review, entry: Path) -> Iterator[UserError]:
    change = review.by_path.get(entry)
    if change is None or change.new is not None:
        return
    last = review.last_states.get(entry)
    if (last or review.old.value((*entry, "state"))) == "enabled":
        yield _refuse("still_enabled", entry)


@_guards(
    Stage.STATE, ("addressContext", "ipInterfaceGroup", "ipInterface"), ("addressContext", "zone", "sipTrunkGroup")
)
def _out_of_service_before_disabling(review: Review, entry: Path) -> Iterator[UserError]:
    if _switched_off(review, entry) and review.new.value((*entry, "mode")) == "inService":
        yield _refuse("still_in_service", (*entry, "state"), value="disabled")


def _switched_off(review: Review, entry: Path) -> bool:
    return _enabled(review.old, entry) and review.new.exists(entry) and not _enabled(review.new, entry)


@_guards(Stage.STATE, CERTIFICATE)
def _certificate_in_use_stays_enabled(review: Review, certificate: Path) -> Iterator[UserError]:
    referrers = review.after.indexes.referrers.at(certificate)
    if referrers and _switched_off(review, certificate):
        referrer = _first(review, referrers)
        yield _refuse("certificate_in_use", (*certificate, "state"), value="disabled", referrer=referrer)


@_guards(Stage.STATE, (*TLS_PROFILE, "clientCertName"), (*TLS_PROFILE, "serverCertName"))
def _profile_names_an_enabled_local_certificate(review: Review, leaf: Path) -> Iterator[UserError]:
    name = review.new.get(leaf)
    if name is None:
        return
    certificate = (*CERTIFICATE, str(name))
    if review.new.value((*certificate, "type")) not in {"local", "local-internal"}:
        yield _refuse("certificate_not_local", leaf, value=name)
    elif not _enabled(review.new, certificate):
        yield _refuse("certificate_not_enabled", leaf, value=name)


@_guards(Stage.STATE, TLS_PROFILE)
def _default_profile_stays(review: Review, profile: Path) -> Iterator[UserError]:
    if profile[-1] == DEFAULT_TLS_PROFILE and not review.new.exists(profile):
        yield _refuse("default_profile", profile)


@_guards(Stage.STATE, PORT)
def _one_kind_of_recording(review: Review, port: Path) -> Iterator[UserError]:
    if all(review.new.value((*port, leaf)) == "enabled" for leaf in ("recorder", "siprec")):
        yield _refuse("recorder_and_siprec", (*port, "siprec"), value="enabled")


# Signaling ports that clash.


@_guards(Stage.PORTS, PORT)
def _port_is_free(review: Review, port: Path) -> Iterator[UserError]:
    for use in uses(review.new, port):
        if use[2] > LAST_PORT:
            yield _refuse("port_too_high", port, port=use[2])
            return
        others = [other for other in review.after.uses.at(use) if _has_it(review, other, port, use)]
        if others:
            other = _first(review, others)
            yield _refuse("port_in_use", port, port=use[2], zone=quote(other[3]), other=other[5])
            return


def _has_it(review: Review, other: Path, port: Path, use: Use) -> bool:
    """Whether `other` had the address and port before this commit, or comes first of two newcomers."""
    if other == port:
        return False
    before = review.before.uses.at(use)
    if (other in before) is not (port in before):
        return other in before
    schema = review.new.schema
    return path_order(schema, other) < path_order(schema, port)


@_guards(Stage.PORTS, INTERFACE)
def _ports_of_the_interface_are_free(review: Review, interface: Path) -> Iterator[UserError]:
    for leaf in review.after.indexes.referrers.at(interface[:4]):
        if leaf[-1] == "ipInterfaceGroupName":
            yield from _port_is_free(review, leaf[:-1])


def _first(review: Review, paths: Iterable[Path]) -> Path:
    return min(paths, key=lambda path: path_order(review.new.schema, path))
