"""sipTrunkGroups as they are read, and which one a source address belongs to."""

from __future__ import annotations

import ipaddress

import pytest
from drafts import ADMIN, NOW, edit
from hypothesis import given
from hypothesis import strategies as st

from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.device.trunkgroup import (
    TrunkGroup,
    read_trunk_group,
    trunk_group_at,
    trunk_group_keys,
    trunk_group_path,
    zone_trunk_groups,
)
from sbcsim.schema.load import load

ZONE = "set addressContext default zone"
KEY = ("default", "Z", "TG1")


def configured(*lines: str) -> Tree:
    database = Database(load())
    candidate = database.open(ADMIN)
    edit(candidate, f"{ZONE} Z id 1", *lines)
    candidate.commit(NOW)
    return database.running


def test_a_trunk_group_by_default():
    tree = configured(f"{ZONE} Z sipTrunkGroup TG1")
    assert read_trunk_group(tree, KEY) == TrunkGroup(
        key=KEY, enabled=False, in_service=False, action="dryup", dryup_minutes=5, call_limit=None
    )
    assert tree.exists(trunk_group_path(KEY))


def test_a_trunk_group_with_everything():
    tree = configured(
        f"{ZONE} Z sipTrunkGroup TG1 state enabled mode inService action force dryUpTimeout 0 cac callLimit 30"
    )
    group = read_trunk_group(tree, KEY)
    assert group == TrunkGroup(key=KEY, enabled=True, in_service=True, action="force", dryup_minutes=0, call_limit=30)
    assert group.serves
    assert read_trunk_group(tree, ("default", "Z", "TG2")) is None
    assert read_trunk_group(tree, ("none", "Z", "TG1")) is None


def test_a_limit_that_is_taken_back_is_none():
    tree = configured(f"{ZONE} Z sipTrunkGroup TG1 cac callLimit unlimited")
    assert read_trunk_group(tree, KEY).call_limit is None
    assert read_trunk_group(configured(f"{ZONE} Z sipTrunkGroup TG1 cac callLimit 0"), KEY).call_limit == 0


@pytest.mark.parametrize(("state", "mode"), [("enabled", "outOfService"), ("disabled", "inService")])
def test_it_serves_only_where_it_is_enabled_and_in_service(state, mode):
    assert not read_trunk_group(configured(f"{ZONE} Z sipTrunkGroup TG1 state {state} mode {mode}"), KEY).serves


def test_keys_come_by_zone_and_name():
    tree = configured(
        f"{ZONE} Z sipTrunkGroup TG2",
        f"{ZONE} Z sipTrunkGroup TG1",
        f"{ZONE} A id 2 sipTrunkGroup TG3",
        "set addressContext other zone B id 3 sipTrunkGroup TG4",
    )
    assert list(zone_trunk_groups(tree, "default", "Z")) == [("default", "Z", "TG1"), ("default", "Z", "TG2")]
    assert [key[2] for key in trunk_group_keys(tree)] == ["TG3", "TG1", "TG2", "TG4"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.1.2.3", "TG_HOST"),
        ("10.1.2.4", "TG_A"),
        ("10.9.0.1", "TG_WIDE"),
        ("11.0.0.1", None),
        ("2001:db8::1", "TG_SIX"),
        ("2001:db9::1", None),
    ],
)
def test_the_longest_prefix_and_of_equal_ones_the_first_by_name(address, name):
    group = f"{ZONE} Z sipTrunkGroup"
    tree = configured(
        f"{group} TG_WIDE ingressIpPrefix 10.0.0.0 8",
        f"{group} TG_B ingressIpPrefix 10.1.2.0 24",
        f"{group} TG_A ingressIpPrefix 10.1.2.77 24",
        f"{group} TG_HOST ingressIpPrefix 10.1.2.3 128",
        f"{group} TG_SIX ingressIpPrefix 2001:db8:: 32",
    )
    assert trunk_group_at(tree, "default", "Z", address) == (name and ("default", "Z", name))
    assert trunk_group_at(tree, "default", "OTHER", address) is None


ADDRESSES = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)


@given(
    prefixes=st.dictionaries(st.tuples(ADDRESSES, st.integers(0, 32)), st.sampled_from(("A", "B", "C")), max_size=8),
    data=st.data(),
)
def test_a_match_beside_networks_asked_one_by_one(prefixes, data):
    tree = configured()
    for (address, length), name in prefixes.items():
        path = ("addressContext", "default", "zone", "Z", "sipTrunkGroup", name, "ingressIpPrefix")
        tree = tree.with_entry((*path, str(address), str(length)))
    known = [address for address, _ in prefixes]
    source = data.draw(st.sampled_from(known) | ADDRESSES if known else ADDRESSES)
    fitting = [
        (-length, name)
        for (address, length), name in prefixes.items()
        if source in ipaddress.ip_network((address, length), strict=False)
    ]
    expected = ("default", "Z", min(fitting)[1]) if fitting else None
    assert trunk_group_at(tree, "default", "Z", str(source)) == expected
