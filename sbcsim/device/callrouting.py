"""Where calls go: the lookup of `global callRouting` on the running configuration (sbc-model, call routing).

A route stands for the calls of a trunk group, of a calling number or of everybody, and for a beginning of the called
number; the longest beginning decides. Its label says which next hops are tried, and in which order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from sbcsim.config.listing import NOBODY, Listing
from sbcsim.config.tree import Branch, Tree, locate
from sbcsim.schema.node import Node

from .connections import PeerKey
from .objects import zone_peers
from .trunkgroup import LIST as TRUNK_GROUPS
from .trunkgroup import TrunkGroupKey, zone_trunk_groups

ANY = "Sonus_NULL"
"""What a key of a route says where it is not to matter."""

_ROUTES = ("global", "callRouting", "route")
_LABELS = ("global", "callRouting", "routingLabel")

_DIGITS = frozenset("0123456789*#")
_SEPARATORS = str.maketrans("", "", "-.() ")


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way out for a call: the trunk group that it leaves by and the peer that it goes to.

    `sequence` is the routingLabelRoute that it comes from.
    """

    sequence: int
    trunk_group: TrunkGroupKey
    peer: PeerKey


def routes(tree: Tree, trunk_group: str, called: str, calling: str = "") -> tuple[NextHop, ...]:
    """Return the next hops for a call that came in by a trunk group, in the order in which they are to be tried.

    `called` and `calling` are the user parts of the URIs. Where several routes begin the called number equally well,
    one for the trunk group goes before one for the calling number, and that before one for everybody. A route without
    a label takes no calls, and of its keys no more count than elementType, elementId1 and destinationNational.

    Of the label, routes out of service are left out and numRoutesPerCall of the others taken, by sequence: every
    routePrioritizationType is treated as `sequence`. A route to a trunk group leads to each peer of its zone, by name;
    one to a peer alone leaves by the first trunk group of the peer's zone. One whose trunk group and peer lie in
    different zones leads nowhere.
    """
    label = _table(tree.listing(_ROUTES)).label(trunk_group, number(called), number(calling))
    if label is None:
        return ()
    place = locate(tree.schema, (*_LABELS, label))
    entry = tree.at(place)
    return () if entry is None else tuple(_next_hops(tree, _label_routes(place.node, entry)))


def number(user: str) -> str:
    """Return the digits of a telephone number, without `+`, visual separators and parameters.

    A user that is no number is returned as it is, but for its escapes and parameters.
    """
    text = unquote(user.partition(";")[0])
    digits = text.removeprefix("+").translate(_SEPARATORS)
    return digits if digits and _DIGITS.issuperset(digits) else text


@dataclass(frozen=True, slots=True)
class _Table:
    """The labels by elementType, elementId1 ("" for any) and beginning of the called number ("" for any)."""

    labels: Mapping[tuple[str, str, str], str]
    longest: int

    def label(self, trunk_group: str, called: str, calling: str) -> str | None:
        elements = (
            ("trunkGroup", trunk_group),
            ("callingNumber", calling),
            ("trunkGroup", ""),
            ("callingNumber", ""),
            ("none", ""),
        )
        for length in range(min(len(called), self.longest), -1, -1):
            for element in elements:
                label = self.labels.get((*element, called[:length]))
                if label is not None:
                    return label
        return None


# Made anew when a route has changed, not for each call: a listing that nobody has touched is found by its own hash.
@lru_cache(maxsize=8)
def _table(entries: Listing) -> _Table:
    labels: dict[tuple[str, str, str], str] = {}
    for key in entries:
        label = entries[key].get("routingLabel")
        if label is None:
            continue
        kind, element, destination = key[0], key[1], key[4]
        if kind == "none" or element == ANY:
            element = ""
        elif kind == "callingNumber":
            element = number(element)
        beginning = "" if destination == ANY else number(destination)
        labels.setdefault((kind, element, beginning), label)
    return _Table(labels, max((len(beginning) for _, _, beginning in labels), default=0))


@dataclass(frozen=True, slots=True)
class _LabelRoute:
    sequence: int
    trunk_group: str | None
    peer: str | None


@lru_cache(maxsize=256)
def _label_routes(node: Node, entry: Branch) -> tuple[_LabelRoute, ...]:
    """Return the routes of a label that are tried for a call."""
    if entry.get("action", node.children["action"].default) != "routes":
        return ()
    listing: Listing = entry.get("routingLabelRoute", NOBODY)
    in_service = node.children["routingLabelRoute"].children["inService"].default
    serving = (
        _LabelRoute(int(key[0]), route.get("trunkGroup"), route.get("ipPeer"))
        for key in listing
        if (route := listing[key]).get("inService", in_service) == "inService"
    )
    return tuple(serving)[: entry.get("numRoutesPerCall", node.children["numRoutesPerCall"].default)]


def _next_hops(tree: Tree, label_routes: tuple[_LabelRoute, ...]) -> Iterator[NextHop]:
    names = _names(tree.listing(("addressContext",)))
    for route in label_routes:
        if route.trunk_group is not None:
            group = names.trunk_groups.get(route.trunk_group)
        else:
            zone = names.peers.get(route.peer or "")
            group = None if zone is None else next(zone_trunk_groups(tree, *zone[:2]), None)
        if group is None:
            continue
        if route.peer is None:
            for peer in zone_peers(tree, *group[:2]):
                yield NextHop(route.sequence, group, peer)
        else:
            found = names.peers.get(route.peer)
            if found is not None and found[:2] == group[:2]:
                yield NextHop(route.sequence, group, found)


@dataclass(frozen=True, slots=True)
class _Names:
    """Trunk groups and peers by name, which is unique over all zones."""

    trunk_groups: Mapping[str, TrunkGroupKey]
    peers: Mapping[str, PeerKey]


@lru_cache(maxsize=8)
def _names(contexts: Listing) -> _Names:
    groups: dict[str, TrunkGroupKey] = {}
    peers: dict[str, PeerKey] = {}
    for (context,) in contexts:
        zones: Listing = contexts[context,].get("zone", NOBODY)
        for (zone,) in zones:
            entry = zones[zone,]
            groups |= {name: (context, zone, name) for (name,) in entry.get(TRUNK_GROUPS, NOBODY)}
            peers |= {name: (context, zone, name) for (name,) in entry.get("ipPeer", NOBODY)}
    return _Names(groups, peers)
