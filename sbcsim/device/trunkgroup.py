"""sipTrunkGroups as configured, and which of a zone's a source address belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from sbcsim.config.listing import NOBODY, Listing
from sbcsim.config.tree import Branch, Tree, locate
from sbcsim.schema.node import Node, Path
from sbcsim.schema.types import Value

from .objects import zone_keys

TrunkGroupKey = tuple[str, str, str]
"""addressContext, zone, sipTrunkGroup."""

LIST = "sipTrunkGroup"


def trunk_group_path(key: TrunkGroupKey) -> Path:
    """Return the instance path of a sipTrunkGroup."""
    return (*_list_path(key[0], key[1]), key[2])


def _list_path(context: str, zone: str) -> Path:
    return ("addressContext", context, "zone", zone, LIST)


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """One sipTrunkGroup. `call_limit` is None for any number of calls, `dryup_minutes` 0 for as long as they last."""

    key: TrunkGroupKey
    enabled: bool
    in_service: bool
    action: str
    dryup_minutes: int
    call_limit: int | None

    @property
    def serves(self) -> bool:
        """Configured to take calls."""
        return self.enabled and self.in_service


def read_trunk_group(tree: Tree, key: TrunkGroupKey) -> TrunkGroup | None:
    """Return a sipTrunkGroup as configured, None where there is none."""
    place = locate(tree.schema, trunk_group_path(key))
    entry = tree.at(place)
    return None if entry is None else _read(place.node, key, entry)


# Every call asks, twice. The content of an entry is one immutable map: what was read of it stays true.
@lru_cache(maxsize=1024)
def _read(node: Node, key: TrunkGroupKey, entry: Branch) -> TrunkGroup:
    def value(leaf: str) -> Value | None:
        found: Value | None = entry.get(leaf, node.children[leaf].default)
        return found

    minutes = value("dryUpTimeout")
    admission = entry.get("cac")
    limit = None if admission is None else admission.get("callLimit")
    return TrunkGroup(
        key=key,
        enabled=value("state") == "enabled",
        in_service=value("mode") == "inService",
        action=str(value("action")).lower(),
        dryup_minutes=minutes if isinstance(minutes, int) else 0,
        call_limit=limit if isinstance(limit, int) else None,
    )


def trunk_group_keys(tree: Tree) -> Iterator[TrunkGroupKey]:
    """Yield every sipTrunkGroup of the configuration in path order."""
    for context, zone in zone_keys(tree):
        yield from zone_trunk_groups(tree, context, zone)


def zone_trunk_groups(tree: Tree, context: str, zone: str) -> Iterator[TrunkGroupKey]:
    """Yield the sipTrunkGroups of one zone by name."""
    for (name,) in tree.listing(_list_path(context, zone)):
        yield (context, zone, name)


def trunk_group_at(tree: Tree, context: str, zone: str, address: str) -> TrunkGroupKey | None:
    """Return the trunk group of a zone with the longest ingressIpPrefix that an address lies in.

    Of several with the same prefix it is the first by name; None where the address lies in no prefix at all.
    """
    name = _prefixes(tree.listing(_list_path(context, zone))).at(address)
    return None if name is None else (context, zone, name)


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """Names of trunk groups by prefix: for each IP version and length, longest first, by the bits that count."""

    by_length: tuple[tuple[int, int, Mapping[int, str]], ...]

    def at(self, address: str) -> str | None:
        found = ip_address(address)
        for version, length, names in self.by_length:
            if version == found.version:
                name = names.get(int(found) >> (found.max_prefixlen - length))
                if name is not None:
                    return name
        return None


@lru_cache(maxsize=64)
def _prefixes(groups: Listing) -> _Prefixes:
    found: dict[tuple[int, int], dict[int, str]] = {}
    for (name,) in groups:
        for address_text, length_text in groups[name,].get("ingressIpPrefix", NOBODY):
            address = ip_address(address_text)
            length = min(int(length_text), address.max_prefixlen)  # the model allows 128 with any address
            bits = int(address) >> (address.max_prefixlen - length)
            found.setdefault((address.version, length), {}).setdefault(bits, name)
    longest_first = sorted(found.items(), key=lambda item: item[0], reverse=True)
    return _Prefixes(tuple((version, length, names) for (version, length), names in longest_first))
