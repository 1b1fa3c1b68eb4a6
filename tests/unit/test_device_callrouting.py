"""Where calls go: lines as they are typed, a naive model beside the lookup, and what a lookup costs."""

from __future__ import annotations

import pytest
from drafts import ADMIN, NOW, edit
from hypothesis import given
from hypothesis import strategies as st
from opcodes import instructions

from sbcsim.config.transaction import Database
from sbcsim.config.tree import Tree
from sbcsim.device.callrouting import NextHop, number, routes
from sbcsim.schema.load import load

ZONE = "set addressContext default zone"
ROUTE = "set global callRouting route"
LABEL = "set global callRouting routingLabel"
REST = "1 all all ALL none Sonus_NULL routingLabel"

IN = ("default", "IN", "TG_IN")
OUT = ("default", "OUT", "TG_OUT")
P1, P2 = ("default", "OUT", "P1"), ("default", "OUT", "P2")
FAR = ("far", "FAR", "P9")
TG_FAR = ("far", "FAR", "TG_FAR")

BASE = (
    f"{ZONE} IN id 1 sipTrunkGroup TG_IN state enabled",
    f"{ZONE} OUT id 2 sipTrunkGroup TG_OUT state enabled",
    f"{ZONE} OUT sipTrunkGroup TG_OUT2 state enabled",
    f"{ZONE} OUT ipPeer P2 ipAddress 192.0.2.2",
    f"{ZONE} OUT ipPeer P1 ipAddress 192.0.2.1",
    "set addressContext far zone FAR id 3 ipPeer P9 ipAddress 192.0.2.9",
    "set addressContext far zone FAR sipTrunkGroup TG_FAR state enabled",
    f"{LABEL} RL routingLabelRoute 1 routeType ipPeer ipPeer P1",
    f"{LABEL} RL2 routingLabelRoute 1 routeType ipPeer ipPeer P2",
    f"{LABEL} RL3 routingLabelRoute 1 routeType ipPeer ipPeer P9",
)


def configured(*lines: str) -> Tree:
    database = Database(load())
    candidate = database.open(ADMIN)
    edit(candidate, *BASE, *lines)
    candidate.commit(NOW)
    return database.running


def peers(tree: Tree, called: str, calling: str = "", trunk_group: str = "TG_IN") -> list[str]:
    return [hop.peer[2] for hop in routes(tree, trunk_group, called, calling)]


def test_a_route_as_it_is_typed():
    tree = configured(f"{ROUTE} trunkGroup TG_IN SBC1 standard Sonus_NULL {REST} RL")
    assert routes(tree, "TG_IN", "+15551234") == (NextHop(1, OUT, P1),)
    assert routes(tree, "TG_OUT", "+15551234") == ()


def test_no_route_at_all():
    assert routes(configured(), "TG_IN", "100") == ()


def test_the_longest_beginning_decides():
    tree = configured(
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard Sonus_NULL {REST} RL",
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 49 {REST} RL2",
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 4930 {REST} RL3",
    )
    found = {called: peers(tree, called) for called in ("", "4", "49", "4940", "4930", "493012", "alice")}
    assert found == {
        "": ["P1"],
        "4": ["P1"],
        "49": ["P2"],
        "4940": ["P2"],
        "4930": ["P9"],
        "493012": ["P9"],
        "alice": ["P1"],
    }


def test_a_longer_beginning_for_everybody_goes_before_a_shorter_one_for_the_trunk_group():
    tree = configured(
        f"{ROUTE} trunkGroup TG_IN Sonus_NULL standard 49 {REST} RL",
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 493 {REST} RL2",
    )
    assert peers(tree, "4930") == ["P2"]


def test_of_beginnings_of_one_length_the_trunk_group_s_goes_first_then_the_calling_number_s():
    lines = (
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 49 {REST} RL",
        f"{ROUTE} callingNumber 555-100 Sonus_NULL standard 49 {REST} RL2",
        f"{ROUTE} trunkGroup TG_IN Sonus_NULL standard 49 {REST} RL3",
    )
    assert peers(configured(*lines), "4930", "+555100") == ["P9"]
    assert peers(configured(*lines[:2]), "4930", "+555100") == ["P2"]
    assert peers(configured(*lines[:2]), "4930", "555101") == ["P1"]


def test_an_element_that_is_null_stands_for_every_one_of_its_kind():
    tree = configured(
        f"{ROUTE} trunkGroup Sonus_NULL Sonus_NULL standard 1 {REST} RL",
        f"{ROUTE} callingNumber Sonus_NULL Sonus_NULL standard 2 {REST} RL2",
    )
    assert peers(tree, "100", trunk_group="ANY_OTHER") == ["P1"]
    assert peers(tree, "200", "anybody") == ["P2"]


def test_a_route_without_a_label_takes_no_calls():
    tree = configured(
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 49 {REST} RL",
        f"{ROUTE} none Sonus_NULL Sonus_NULL standard 4930 1 all all ALL none Sonus_NULL",
    )
    assert peers(tree, "4930") == ["P1"]


def test_a_label_whose_action_is_a_script_leads_nowhere():
    tree = configured(f"{LABEL} RL action script", f"{ROUTE} none x x standard Sonus_NULL {REST} RL")
    assert routes(tree, "TG_IN", "1") == ()


def test_routes_come_by_sequence_without_those_out_of_service_and_no_more_than_a_call_may_try():
    lines = (
        f"{ROUTE} none x x standard Sonus_NULL {REST} RL",
        f"{LABEL} RL routingLabelRoute 10 routeType ipPeer ipPeer P9",
        f"{LABEL} RL routingLabelRoute 2 routeType ipPeer ipPeer P2",
    )
    assert peers(configured(*lines), "1") == ["P1", "P2", "P9"]
    assert peers(configured(*lines, f"{LABEL} RL routePrioritizationType roundRobin"), "1") == ["P1", "P2", "P9"]
    assert peers(configured(*lines, f"{LABEL} RL numRoutesPerCall 2"), "1") == ["P1", "P2"]
    out = f"{LABEL} RL routingLabelRoute 1 inService outOfService"
    assert peers(configured(*lines, out, f"{LABEL} RL numRoutesPerCall 2"), "1") == ["P2", "P9"]


@pytest.mark.parametrize(
    ("route", "hops"),
    [
        ("routeType trunkGroup trunkGroup TG_OUT", [(OUT, P1), (OUT, P2)]),
        ("routeType ipPeer ipPeer P2", [(OUT, P2)]),
        ("routeType ipPeer ipPeer P9", [(TG_FAR, FAR)]),
        ("routeType trunkGroup trunkGroup TG_OUT2 ipPeer P2", [(("default", "OUT", "TG_OUT2"), P2)]),
        ("routeType trunkGroup trunkGroup TG_OUT ipPeer P9", []),
        ("routeType trunkGroup trunkGroup TG_IN", []),
        ("routeType ipPeer ipPeer LONELY", []),
    ],
)
def test_what_a_route_names(route, hops):
    tree = configured(
        f"{ZONE} NO_GROUP id 9 ipPeer LONELY ipAddress 192.0.2.50",
        f"{LABEL} NEW routingLabelRoute 7 {route}",
        f"{ROUTE} none x x standard Sonus_NULL {REST} NEW",
    )
    assert routes(tree, "TG_IN", "1") == tuple(NextHop(7, group, peer) for group, peer in hops)


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("+1-555.123(4)", "15551234"),
        ("%2B1%20555", "1555"),
        ("+49;phone-context=example.com", "49"),
        ("*21#", "*21#"),
        ("a-b.c", "a-b.c"),
        ("+alice", "+alice"),
        ("+", "+"),
        ("", ""),
        ("-.-", "-.-"),
        ("%ff+1", "\ufffd+1"),
    ],
)
def test_digits_of_a_number_and_users_that_are_none(user, found):
    assert number(user) == found


def test_a_route_for_a_user_that_is_no_number_and_one_written_with_separators():
    tree = configured(
        f"{ROUTE} none x x username alice {REST} RL",
        f"{ROUTE} none x x standard +49-30 {REST} RL2",
    )
    assert peers(tree, "alice.b") == ["P1"]
    assert peers(tree, "bob") == []
    assert peers(tree, "+49 (30) 12") == ["P2"]


# Beside a naive model: plain dictionaries, every route looked at for every call.

DESTINATIONS = ("Sonus_NULL", "1", "12", "+12", "12-3", "bob")
KINDS = (("none", "Sonus_NULL"), ("trunkGroup", "TG_IN"), ("trunkGroup", "Sonus_NULL"), ("callingNumber", "77"))
LABELS = ("L1", "L2", "L3")

routing = st.fixed_dictionaries(
    {
        "routes": st.dictionaries(
            st.tuples(st.sampled_from(KINDS), st.sampled_from(DESTINATIONS)),
            st.sampled_from((*LABELS, None)),
            max_size=8,
        ),
        "labels": st.fixed_dictionaries(
            dict.fromkeys(
                LABELS,
                st.tuples(
                    st.dictionaries(
                        st.integers(1, 20), st.tuples(st.sampled_from(("P1", "P2", "P9")), st.booleans()), max_size=4
                    ),
                    st.integers(1, 3),
                ),
            )
        ),
    }
)


def tree_of(config) -> Tree:
    tree = configured()
    for ((kind, element), destination), label in config["routes"].items():
        key = (kind, element, "Sonus_NULL", "standard", destination, "1", "all", "all", "ALL", "none", "Sonus_NULL")
        path = ("global", "callRouting", "route", *key)
        tree = tree.with_entry(path) if label is None else tree.with_value((*path, "routingLabel"), label)
    for name, (entries, most) in config["labels"].items():
        at = ("global", "callRouting", "routingLabel", name)
        tree = tree.with_value((*at, "numRoutesPerCall"), most)
        for sequence, (peer, serves) in entries.items():
            route = (*at, "routingLabelRoute", str(sequence))
            tree = tree.with_value((*route, "ipPeer"), peer)
            tree = tree.with_value((*route, "inService"), "inService" if serves else "outOfService")
    return tree


def model(config, trunk_group: str, called: str, calling: str) -> list[tuple[int, str]]:
    def plain(text: str) -> str:
        return "" if text == "Sonus_NULL" else "".join(c for c in text if c not in "+-") if text != "bob" else text

    ranks = {
        ("trunkGroup", trunk_group): 0,
        ("callingNumber", calling): 1,
        ("trunkGroup", "Sonus_NULL"): 2,
        ("none", "Sonus_NULL"): 3,
    }
    fitting = [
        (-len(plain(destination)), ranks[who], destination, label)
        for (who, destination), label in config["routes"].items()
        if who in ranks and plain(called).startswith(plain(destination)) and label is not None
    ]
    if not fitting:
        return []
    # Keys are in order numerically, then by name: 12 stands before +12.
    best = min(fitting, key=lambda each: (*each[:2], not each[2].isdecimal(), each[2]))
    entries, most = config["labels"][best[3]]
    return [(at, peer) for at, (peer, serves) in sorted(entries.items()) if serves][:most]


@given(
    config=routing,
    trunk_group=st.sampled_from(("TG_IN", "TG_OUT")),
    called=st.sampled_from(("", "1", "+12", "123", "1-2-3-4", "bob", "bobby", "9")),
    calling=st.sampled_from(("77", "78")),
)
def test_the_lookup_beside_a_naive_model(config, trunk_group, called, calling):
    found = [(hop.sequence, hop.peer[2]) for hop in routes(tree_of(config), trunk_group, called, calling)]
    assert found == model(config, trunk_group, called, calling)


def test_a_lookup_costs_nothing_of_what_stands_elsewhere():
    base = configured(f"{ROUTE} none x x standard Sonus_NULL {REST} RL")

    def large(size: int) -> Tree:
        tree = base
        for index in range(size):
            zone = ("addressContext", "default", "zone", f"Z{index}")
            tree = tree.with_value((*zone, "ipPeer", f"Q{index}", "ipAddress"), "192.0.2.1")
            tree = tree.with_value((*zone, "sipTrunkGroup", f"G{index}", "state"), "enabled")
            key = ("none", "x", "x", "standard", f"77{index}", "1", "all", "all", "ALL", "none", "Sonus_NULL")
            tree = tree.with_value(("global", "callRouting", "route", *key, "routingLabel"), "RL2")
        return tree

    costs = []
    for size in (10, 1000):
        tree = large(size)
        routes(tree, "TG_IN", "5")
        costs.append(instructions(lambda tree=tree: routes(tree, "TG_IN", "5")))
    assert costs[0] == costs[1]
    # A change elsewhere leaves the index of the routes as it is, and is seen where it matters.
    changed = tree.with_value(("addressContext", "default", "zone", "OUT", "ipPeer", "P0", "ipAddress"), "192.0.2.7")
    changed = changed.with_value(
        ("global", "callRouting", "routingLabel", "RL", "routingLabelRoute", "0", "ipPeer"), "P0"
    )
    assert peers(changed, "5") == ["P0", "P1"]
    assert peers(tree, "5") == ["P1"]
