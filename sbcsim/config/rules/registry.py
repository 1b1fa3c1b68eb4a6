"""The registry of rules: what each is called, when it is checked, what it says, and which places it guards."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from sbcsim.errors import BugError, UserError
from sbcsim.schema.node import Kind, Node, Path, SchemaPath

from .review import Review


class Stage(Enum):
    """When a rule is checked."""

    REQUIRED = 0
    REFERENCES = 1
    LENGTH = 2
    UNIQUE = 3
    STATE = 4
    PORTS = 5


Check = Callable[[Review, Path], Iterator[UserError]]
"""Yields the refusals for one touched instance of a place that the rule guards."""

Places = Callable[[Node], Iterable[Node]]
"""Which nodes of a model a rule guards."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, named after its function. `texts` are the keys, below `refusal`, of all that it can say."""

    name: str
    stage: Stage
    texts: tuple[str, ...]
    places: Places
    check: Check

    @property
    def summary(self) -> str:
        """What the rule demands, in a sentence."""
        return (inspect.getdoc(self.check) or "").partition("\n")[0]


RULES: dict[str, Rule] = {}
"""Every rule by name, in the order in which they were registered."""


def rule(stage: Stage, *texts: str, at: Places) -> Callable[[Check], Check]:
    """Register a function as a rule."""

    def register(check: Check) -> Check:
        if check.__name__ in RULES:
            raise BugError(f"two rules are called {check.__name__}")
        RULES[check.__name__] = Rule(check.__name__, stage, texts, at, check)
        return check

    return register


def paths(*places: SchemaPath) -> Places:
    """Return the nodes at schema paths."""
    return lambda schema: [schema.descend(path) for path in places]


def every(wanted: Callable[[Node], bool]) -> Places:
    """Return the configured nodes that fit a description."""
    return lambda schema: [node for node in _configured(schema) if wanted(node)]


def _configured(node: Node) -> Iterator[Node]:
    """Yield what the configuration can have below a node: no status data, no inputs of actions."""
    for child in node.children.values():
        if child.config and child.kind is not Kind.ACTION:
            yield child
            yield from _configured(child)
