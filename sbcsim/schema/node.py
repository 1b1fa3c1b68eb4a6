"""Schema nodes: what may stand in the configuration, the status data and the actions.

Nodes are compiled from `grammar/yang/*.yang` once per process (`load.py`) and never change. The tree of nodes is
the only place that knows element names: the grammar of the CLI has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from .types import Type, Value

SchemaPath = tuple[str, ...]
"""Element names from the root, without keys: ("profiles", "security", "tlsProfile")."""

Path = tuple[str, ...]
"""Instance path from the root: element names, the keys of a list entry right behind its list's name.

("system", "security", "pki", "certificate", "NEW", "state"); several keys follow each other:
("addressContext", "default", "zone", "Z", "sipTrunkGroup", "T", "ingressIpPrefix", "10.0.0.0", "8").
"""


class Kind(Enum):
    """The YANG statement a node comes from (RFC 7950 section 7)."""

    ROOT = "root"
    CONTAINER = "container"
    LIST = "list"
    LEAF = "leaf"
    LEAF_LIST = "leaf-list"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Module:
    """A YANG module: its name, XML namespace, prefix and revision date."""

    name: str
    namespace: str
    prefix: str
    revision: str


@dataclass(slots=True, eq=False)
class Node:
    """One schema node. Built by `load.py`, read by everybody, changed by nobody.

    `children` are in schema order (for a list with its keys first). `type`, `default`, `secret` and the like only
    mean something for leaves and leaf-lists, `keys` and `max_elements` for lists, `output` for actions (whose
    inputs are their `children`).
    """

    kind: Kind
    name: str
    module: Module
    parent: Node | None = None
    help: str = ""
    config: bool = True
    children: dict[str, Node] = field(default_factory=dict)
    type: Type | None = None
    default: Value | None = None
    mandatory: bool = False
    units: str = ""
    keys: tuple[str, ...] = ()
    max_elements: int | None = None
    unique_globally: bool = False
    """The value (for a list: the key) may stand only once in the whole configuration (refusal G8)."""
    presence: bool = False
    secret: bool = False
    locked_while_enabled: bool = False
    """The leaf may not change while the object it belongs to is enabled (refusal G1)."""
    hidden: bool = False
    """Accepted, but not offered in completion and help."""
    no_auto_display: bool = False
    question: str = ""
    """The key of what is asked on a terminal before the action is run, "" where nothing is."""
    columns: tuple[str, ...] = ()
    """The leaves that status views and tables of this list show, where that is not simply its children's order."""
    output: dict[str, Node] = field(default_factory=dict)
    path: SchemaPath = ()

    def __repr__(self) -> str:
        return f"<{self.kind.value} {'/'.join(self.path) or '/'}>"

    @property
    def is_leaf(self) -> bool:
        """A leaf or a leaf-list."""
        return self.kind is Kind.LEAF or self.kind is Kind.LEAF_LIST

    @property
    def is_list(self) -> bool:
        """A keyed list."""
        return self.kind is Kind.LIST

    def descend(self, path: SchemaPath) -> Node:
        """Return the node at a schema path below this one; raises KeyError."""
        node = self
        for name in path:
            node = node.children[name]
        return node

    def walk(self) -> Iterator[Node]:
        """Yield this node and everything below it, parents first, in schema order."""
        yield self
        for child in self.children.values():
            yield from child.walk()
