"""What the rules count: the addresses of ipInterfaces by context, and the peers that are pinged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sbcsim.schema.node import Node, Path, SchemaPath
from sbcsim.schema.types import Value

from .change import Change
from .index import Index
from .ports import INTERFACE

ADDRESSES: tuple[SchemaPath, ...] = tuple(
    (*INTERFACE, leaf) for leaf in ("ipAddress", "altIpAddress", "altMediaIpAddresses")
)
PING_STATE: SchemaPath = ("addressContext", "zone", "ipPeer", "pathCheck", "state")

Key = tuple[str, ...]
"""("address", addressContext, address), or PINGED."""

PINGED: Key = ("pinged",)
PINGED_PEERS = 2000
"""How many peers the box pings."""


def keys_of(node: Node, path: Path, value: Value) -> Iterator[Key]:
    """Yield what a leaf with `value` is counted under."""
    if node.path in ADDRESSES:
        for address in value if isinstance(value, tuple) else (value,):
            yield "address", path[1], str(address)
    elif node.path == PING_STATE and value == "enabled":
        yield PINGED


def census_after(census: Index, changes: Iterable[Change]) -> Index:
    """Return the index from key to leaves of the tree in which `changes` are made."""
    for change in changes:
        if not change.node.is_leaf:
            continue
        if change.old is not None:
            for key in keys_of(change.node, change.path, change.old):
                census = census.without_path(key, change.path)
        if change.new is not None:
            for key in keys_of(change.node, change.path, change.new):
                census = census.with_path(key, change.path)
    return census
