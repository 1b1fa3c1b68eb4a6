"""Rows of the tables about trunk groups and calls."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.tree import Tree
from sbcsim.schema.node import Node
from sbcsim.schema.types import Value

from .calls import CallCounts, Calls, CallState
from .messagecounts import MessageCounts
from .objects import zone_keys
from .trunkgroup import zone_trunk_groups

_UNLIMITED = -1


def trunk_groups(tree: Tree, calls: Calls, context: str, zone: str) -> Iterator[dict[str, Value]]:
    """Yield a row for each trunk group of a zone: its state as configured, its limit, what calls use of it."""
    for (name,) in tree.keys(("addressContext", context, "zone", zone, "sipTrunkGroup")):
        path = ("addressContext", context, "zone", zone, "sipTrunkGroup", name)
        limit = tree.value((*path, "cac", "callLimit"))
        configured = limit if isinstance(limit, int) else _UNLIMITED
        inbound, outbound = calls.usage(context, zone, name)
        free = _UNLIMITED if configured == _UNLIMITED else max(0, configured - inbound - outbound)
        serves = tree.value((*path, "state")) == "enabled" and tree.value((*path, "mode")) == "inService"
        yield {
            "name": name,
            "state": "inService" if serves else "outOfService",
            "totalCallsAvailable": free,
            "totalCallsInboundReserved": 0,
            "inboundCallsUsage": inbound,
            "outboundCallsUsage": outbound,
            "totalCallsConfigured": configured,
            "priorityCallUsage": 0,
            "totalOutboundCallsReserved": 0,
            "bwCurrentLimit": _UNLIMITED,
            "bwAvailable": _UNLIMITED,
            "bwInboundUsage": 0,
            "bwOutboundUsage": 0,
            "packetOutDetectState": "normal",
        }


def all_trunk_groups(tree: Tree, calls: Calls) -> Iterator[dict[str, Value]]:
    """Yield the rows of every zone, with where the trunk group is, by name."""
    rows = [
        {**row, "addressContext": context, "zone": zone, "priorityBwUsage": 0}
        for context, zone in zone_keys(tree)
        for row in trunk_groups(tree, calls, context, zone)
    ]
    yield from sorted(rows, key=lambda row: str(row["name"]))


def message_counters(
    tree: Tree, counts: MessageCounts, context: str, zone: str, table: Node
) -> Iterator[dict[str, Value]]:
    """Yield a row for each trunk group of a zone; a leaf that nothing counts stays at zero."""
    for key in zone_trunk_groups(tree, context, zone):
        counted = counts.row(key)
        yield {leaf: key[2] if leaf == "name" else counted.get(leaf, 0) for leaf in table.children}


def call_counts(table: Node, calls: Calls, counts: CallCounts) -> Iterator[dict[str, Value]]:
    """Yield the one row that counts all calls."""
    stable = sum(call.state is CallState.STABLE for call in calls)
    counted = {
        "callAttempts": counts.attempts,
        "callCompletions": counts.completions,
        "activeCalls": len(calls),
        "stableCalls": stable,
        "callUpdates": counts.updates,
        "totalCalls": len(calls),
    }
    yield {leaf: "all" if leaf == "key" else counted.get(leaf, 0) for leaf in table.children}


def call_summaries(calls: Calls) -> Iterator[dict[str, Value]]:
    """Yield a row for each call that stands."""
    for index, call in enumerate(calls, start=1):
        yield {
            "GCID": call.id,
            "state": call.state.value,
            "callingNumber": call.calling,
            "calledNumber": call.called,
            "callIndex": index,
        }
