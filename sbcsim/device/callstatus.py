"""Rows of the tables about trunk groups and calls."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.config.tree import Tree
from sbcsim.schema.node import Node
from sbcsim.schema.types import Value

from .calls import CallCounts, Calls, CallState
from .messagecounts import MessageCounts
from .objects import zone_keys
from .servicestate import ServiceState
from .trunkgroup import read_trunk_group, zone_trunk_groups
from .trunkgroups import TrunkGroups

_UNLIMITED = -1

_STATES = {
    ServiceState.OUT_OF_SERVICE: "outOfService",
    ServiceState.IN_SERVICE: "inService",
    ServiceState.DRAINING: "oosPending",
}
"""What the tables call the states of a trunk group."""


def trunk_groups(tree: Tree, calls: Calls, groups: TrunkGroups, context: str, zone: str) -> Iterator[dict[str, Value]]:
    """Yield a row for each trunk group of a zone: its state, its limit, what calls use of it."""
    for key in zone_trunk_groups(tree, context, zone):
        config = read_trunk_group(tree, key)
        assert config is not None
        limit = config.call_limit
        inbound, outbound = calls.usage(*key)
        yield {
            "name": key[2],
            "state": _STATES[groups.state(key)],
            "totalCallsAvailable": _UNLIMITED if limit is None else max(0, limit - inbound - outbound),
            "totalCallsInboundReserved": 0,
            "inboundCallsUsage": inbound,
            "outboundCallsUsage": outbound,
            "totalCallsConfigured": _UNLIMITED if limit is None else limit,
            "priorityCallUsage": 0,
            "totalOutboundCallsReserved": 0,
            "bwCurrentLimit": _UNLIMITED,
            "bwAvailable": _UNLIMITED,
            "bwInboundUsage": 0,
            "bwOutboundUsage": 0,
            "packetOutDetectState": "normal",
        }


def all_trunk_groups(tree: Tree, calls: Calls, groups: TrunkGroups) -> Iterator[dict[str, Value]]:
    """Yield the rows of every zone, with where the trunk group is, by name."""
    rows = [
        {**row, "addressContext": context, "zone": zone, "priorityBwUsage": 0}
        for context, zone in zone_keys(tree)
        for row in trunk_groups(tree, calls, groups, context, zone)
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
