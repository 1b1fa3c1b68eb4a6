"""Which calls are let in and whose they are, and which ways out are open."""

from __future__ import annotations

import pytest
from inmemory import AUTHOR, Box, FarEnd

from sbcsim.device.admission import Admission, Ingress, Refusal
from sbcsim.device.callrouting import NextHop
from sbcsim.device.calls import Call, CallState, Leg
from sbcsim.device.trunkgroup import read_trunk_group

ZONE = "set addressContext default zone Z"
GROUP = f"{ZONE} sipTrunkGroup"
SERVING = "state enabled mode inService"
PORT = ("default", "Z", 1)
A, B, C = (("default", "Z", name) for name in ("A", "B", "C"))
PEER = ("default", "Z", "P")

BASE = (
    "set system admin SBC1 actualSystemName SBC1",
    "set profiles services pathCheckProfile PCP sendInterval 60 replyTimeoutCount 1 recoveryCount 1",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        f"{ZONE} id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 transportProtocolsAllowed sip-tcp "
        "mode inService state enabled"
    ),
    f"{ZONE} ipPeer P ipAddress 192.0.2.10 ipPort 5060",
    f"{GROUP} A {SERVING}",
    f"{GROUP} B {SERVING}",
    f"{GROUP} B ingressIpPrefix 198.51.100.0 24",
    f"{GROUP} C {SERVING}",
    f"{GROUP} C ingressIpPrefix 198.51.100.128 25",
)


@pytest.fixture
def box() -> Box:
    box = Box()
    box.far_ends["192.0.2.10", 5060] = FarEnd()
    box.commit(*BASE)
    return box


def admission(box: Box) -> Admission:
    chassis = box.sbc._chassis

    def serves(key) -> bool:
        group = read_trunk_group(chassis.tree, key)
        return group is not None and group.serves

    return Admission(chassis, box.sbc._signalling._directory, box.sbc._paths, serves, lambda _key: True)


def ingress(box: Box, source: str):
    return admission(box).ingress(PORT, source)


def egress(box: Box, group=A, peer=PEER):
    return admission(box).egress(NextHop(1, group, peer))


def use(box: Box, number: int, ingress, egress=None) -> None:
    legs = [None if key is None else Leg(*key, "P", f"{number}@far") for key in (ingress, egress)]
    box.sbc._chassis.calls.put(Call(number, CallState.STABLE, *legs, "100", "200", box.now))


@pytest.mark.parametrize(
    ("source", "group", "peer"),
    [
        ("192.0.2.10", A, PEER),
        ("198.51.100.1", B, None),
        ("198.51.100.200", C, None),
    ],
)
def test_whose_call_it_is(box, source, group, peer):
    assert ingress(box, source) == Ingress(group, peer)


def test_a_peer_in_a_prefix_has_the_trunk_group_of_the_prefix(box):
    box.commit(f"{ZONE} ipPeer Q ipAddress 198.51.100.129")
    assert ingress(box, "198.51.100.129") == Ingress(C, ("default", "Z", "Q"))


def test_of_several_peers_at_one_address_the_default_one_else_the_first_by_name(box):
    box.commit(f"{ZONE} ipPeer R ipAddress 192.0.2.10", f"{ZONE} ipPeer Q ipAddress 192.0.2.10")
    assert ingress(box, "192.0.2.10").peer == PEER
    box.commit(f"{ZONE} ipPeer R defaultForIp true")
    assert ingress(box, "192.0.2.10").peer == ("default", "Z", "R")


def test_nobody_of_the_zone(box):
    assert ingress(box, "203.0.113.1") == Refusal(403, "203.0.113.1 is no peer of zone Z, and in no ingressIpPrefix")
    box.commit("set addressContext default zone Y id 3 ipPeer Q ipAddress 203.0.113.1")
    assert ingress(box, "203.0.113.1").status == 403
    assert admission(box).ingress(("default", "Y", 1), "203.0.113.1") == Refusal(403, "zone Y has no trunk group")


@pytest.mark.parametrize(
    "lines",
    [
        (f"{GROUP} A action force mode outOfService",),
        (f"{GROUP} A action force mode outOfService", f"{GROUP} A state disabled"),
    ],
)
def test_a_trunk_group_out_of_service_takes_no_calls_either_way(box, lines):
    box.commit(*lines)
    refusal = Refusal(503, "trunk group A is not in service")
    assert ingress(box, "192.0.2.10") == egress(box) == refusal
    box.commit(f"{GROUP} A {SERVING}")
    assert ingress(box, "192.0.2.10") == Ingress(A, PEER)
    assert egress(box) is None


def test_a_limit_counts_calls_of_both_directions(box):
    box.commit(f"{GROUP} A cac callLimit 2")
    use(box, 1, A)
    assert egress(box) is None
    use(box, 2, B, A)
    assert ingress(box, "192.0.2.10") == egress(box) == Refusal(503, "trunk group A has reached its callLimit of 2")
    assert egress(box, B) is None
    box.sbc._chassis.calls.end(1)
    assert egress(box) is None
    box.commit(f"{GROUP} A cac callLimit 0")
    assert egress(box).status == 503


def test_a_way_out_that_is_not_configured_any_more(box):
    assert egress(box, ("default", "Z", "NONE")) == Refusal(503, "trunk group NONE is not in service")
    assert egress(box, A, ("default", "Z", "NONE")) == Refusal(503, "there is no peer NONE")


def test_a_peer_that_is_down_gets_no_calls_but_may_make_them(box):
    box.commit(f"{ZONE} ipPeer P pathCheck profile PCP state enabled")
    assert egress(box) is None
    box.far_ends["192.0.2.10", 5060].behaviour = "refuse"
    box.sbc.close_connection(box.sbc.connections()[0].id, "gone", box.now)
    box.advance("2m")
    assert box.sbc._paths.get(PEER).state.value == "down"
    assert egress(box) == Refusal(503, "peer P is down")
    assert ingress(box, "192.0.2.10") == Ingress(A, PEER)
    box.commit(f"{ZONE} ipPeer P pathCheck state disabled")
    assert egress(box) is None


@pytest.mark.parametrize("which", ["localAdminState", "remoteAdminState"])
def test_a_peer_that_is_blocked_by_hand_gets_no_calls(box, which):
    def order(state: str) -> None:
        path = ("addressContext", "default", "zone", "Z", "ipPeer", "P", "pathCheck")
        box.sbc.request(path, which, {"state": state}, AUTHOR, box.now)

    order("down")
    assert egress(box) == Refusal(503, "peer P is blocked")
    assert ingress(box, "192.0.2.10") == Ingress(A, PEER)
    order("up")
    assert egress(box) is None
