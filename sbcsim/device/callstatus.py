"""Rows of the tables about trunk groups and calls. No call stands, so what counts calls is zero."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.tree import Tree
from sbcsim.schema.node import Node
from sbcsim.schema.types import Value

from .objects import zone_keys

_UNLIMITED = -1


def trunk_groups(tree: Tree, context: str, zone: str) -> Iterator[dict[str, Value]]:
    """Yield a row for each trunk group of a zone: its state as configured, its limit, all of it free."""
    for (name,) in tree.keys(("addressContext", context, "zone", zone, "sipTrunkGroup")):
        path = ("addressContext", context, "zone", zone, "sipTrunkGroup", name)
        limit = tree.value((*path, "cac", "callLimit"))
        calls = limit if isinstance(limit, int) else _UNLIMITED
        serves = tree.value((*path, "state")) == "enabled" and tree.value((*path, "mode")) == "inService"
        yield {
            "name": name,
            # Going out of service waits for calls to end; none stands, so it never takes time.
            "state": "inService" if serves else "outOfService",
            "totalCallsAvailable": calls,
            "totalCallsInboundReserved": 0,
            "inboundCallsUsage": 0,
            "outboundCallsUsage": 0,
            "totalCallsConfigured": calls,
            "priorityCallUsage": 0,
            "totalOutboundCallsReserved": 0,
            "bwCurrentLimit": _UNLIMITED,
            "bwAvailable": _UNLIMITED,
            "bwInboundUsage": 0,
            "bwOutboundUsage": 0,
            "packetOutDetectState": "normal",
        }


def all_trunk_groups(tree: Tree) -> Iterator[dict[str, Value]]:
    """Yield the rows of every zone, with where the trunk group is, by name."""
    rows = [
        {**row, "addressContext": context, "zone": zone, "priorityBwUsage": 0}
        for context, zone in zone_keys(tree)
        for row in trunk_groups(tree, context, zone)
    ]
    yield from sorted(rows, key=lambda row: str(row["name"]))


def message_counters(tree: Tree, context: str, zone: str, table: Node) -> Iterator[dict[str, Value]]:
    """Yield a row of zeros for each trunk group of a zone."""
    for (name,) in tree.keys(("addressContext", context, "zone", zone, "sipTrunkGroup")):
        yield {leaf: name if leaf == "name" else 0 for leaf in table.children}


def call_counts(table: Node) -> Iterator[dict[str, Value]]:
    """Yield the one row that counts all calls."""
    yield {leaf: "all" if leaf == "key" else 0 for leaf in table.children}
