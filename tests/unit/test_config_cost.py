"""What a commit costs follows the change, not the configuration: counted in instructions, so no clock is involved."""

from __future__ import annotations

from functools import cache, partial

import pytest
from drafts import ADMIN, NOW, ZONE, edit
from opcodes import instructions

from sbcsim.config.rules import Rules
from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.schema.load import load
from sbcsim.schema.node import Path

RULES = Rules(load())
SMALL, LARGE = 30, 3_000

ZONES: Path = ("addressContext", "default", "zone")
PEER = f"{ZONE} Z1 ipPeer"
CERTIFICATE = "system security pki certificate"


@cache
def furnished(size: int) -> Database:
    """Return a database with `size` peers, zones, interfaces, certificates and routes."""
    tree = Tree(load()).with_entry(("profiles", "services", "pathCheckProfile", "PCP"))
    tree = tree.with_entry(("profiles", "services", "pathCheckProfile", "FREE"))
    group: Path = ("addressContext", "default", "ipInterfaceGroup", "LIG1")
    tree = tree.with_value((*group, "ipInterface", "LIF1", "ipAddress"), "198.51.100.5")
    tree = tree.with_value((*group, "ipInterface", "LIF1", "state"), "enabled")
    for number in range(size):
        peer = (*ZONES, "Z1", "ipPeer", f"P{number}")
        tree = tree.with_value((*peer, "ipAddress"), f"10.0.{number >> 8}.{number & 255}")
        tree = tree.with_value((*peer, "pathCheck", "profile"), "PCP")
        if number < 1_900:
            tree = tree.with_value((*peer, "pathCheck", "state"), "enabled")
        tree = tree.with_value((*ZONES, f"Z{number}", "id"), number + 1)
        certificate = ("system", "security", "pki", "certificate", f"C{number}")
        tree = tree.with_value((*certificate, "type"), "remote")
        tree = tree.with_value((*certificate, "fileName"), f"c{number}.pem")
        interface = ("addressContext", "default", "ipInterfaceGroup", f"G{number}", "ipInterface", "I")
        tree = tree.with_value((*interface, "ipAddress"), f"10.1.{number >> 8}.{number & 255}")
        label = ("global", "callRouting", "routingLabel", f"L{number}", "routingLabelRoute", "1", "ipPeer")
        tree = tree.with_value(label, "P0")
        port = (*ZONES, f"Z{number}", "sipSigPort", "1")
        tree = tree.with_value((*port, "ipInterfaceGroupName"), "LIG1")
        tree = tree.with_value((*port, "portNumber"), 10_000 + number)
    return Database(load(), tree)


def cost(made: Database, *lines: str) -> int:
    """Return what a commit of `lines` takes; it is dropped again."""
    start, history = made._state, made.history.copy()
    candidate = edit(made.open(ADMIN), *lines)
    counted = instructions(lambda: candidate.commit(NOW))
    assert made.running != start.tree
    made.close(candidate)
    made._state, made.history = start, history
    return counted


@pytest.mark.parametrize(
    "lines",
    [
        (f"set {PEER} P7 ipPort 5070",),
        (f"set {PEER} P7 pathCheck profile FREE",),
        (f"set {PEER} NEW ipAddress 192.0.2.1 pathCheck profile PCP state enabled",),
        (f"delete {PEER} P7",),
        (f"delete {PEER} P7 pathCheck",),
        (f"set {ZONE} NEW id 4000",),
        (f"delete {ZONE} Z9",),
        (f"set {CERTIFICATE} C7 state enabled",),
        (f"set {CERTIFICATE} NEW type local fileName new.p12 state enabled",),
        (f"delete {CERTIFICATE} C7",),
        ("delete profiles services pathCheckProfile FREE",),
        ("set addressContext default ipInterfaceGroup G7 ipInterface I ipAddress 192.0.2.7",),
        ("set addressContext default ipInterfaceGroup LIG1 ipInterface LIF1 mode inService",),
        (f"set {ZONE} Z1 sipSigPort 1 portNumber 5070",),
        (f"set {ZONE} Z2 sipSigPort 1 ipInterfaceGroupName LIG1 portNumber 5070",),
        ("delete global callRouting routingLabel L7",),
        ("set global callRouting routingLabel NEW routingLabelRoute 1 routeType ipPeer ipPeer P0",),
    ],
)
def test_a_commit_costs_what_its_change_does(lines: tuple[str, ...]) -> None:
    small, large = (cost(furnished(size), *lines) for size in (SMALL, LARGE))
    assert large <= 1.1 * small, (small, large)


def test_the_count_sees_a_walk_of_the_whole_tree() -> None:
    small, large = (instructions(partial(RULES.state, furnished(size).running)) for size in (SMALL, 10 * SMALL))
    assert large > 8 * small
