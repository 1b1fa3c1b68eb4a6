"""peerNameVerify: which names a far end's certificate has to carry, in both directions."""

import pytest
import testca
from inmemory import FarEnd
from livebox import LISTENER, PEER, PINGING, SET_PEER, SET_PROFILE, ZONE, chain, live_box

from sbcsim.device.settings import Settings

VERIFIED = f"{SET_PROFILE}peerNameVerify enabled"
ADDRESS = "192.0.2.10"


def wanted(*lines, remote=ADDRESS, settings=None):
    """Return what a handshake that somebody at an address begins asks of his certificate."""
    box = live_box(VERIFIED, *lines, settings=settings)
    box.slow_handshakes = True
    return box.handshaking[box.connect(LISTENER, chain(testca.peer()), (remote, 40000))].names


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([], (ADDRESS,)),
        ([f"{SET_PEER}policy sip fqdn sip.example.com"], ("sip.example.com",)),
        (
            [f"{SET_PEER}policy sip fqdn sip.example.com", f"{SET_PEER}pathCheck hostName ping.example.com"],
            ("ping.example.com",),
        ),
        ([f"set {ZONE} ipPeer Q ipAddress {ADDRESS} policy sip fqdn q.example.com"], (ADDRESS, "q.example.com")),
        ([f"set {ZONE} ipPeer Q ipAddress {ADDRESS}"], (ADDRESS,)),
    ],
)
def test_the_name_of_whoever_has_the_address_in_order_of_preference(lines, names):
    assert wanted(*lines) == names


def test_nobody_known_there_may_carry_any_name():
    assert wanted(remote="192.0.2.99") == ()
    assert wanted("set addressContext default zone Y id 9 ipPeer Q ipAddress 192.0.2.99", remote="192.0.2.99") == ()


def test_a_peer_that_is_known_by_its_host_name_is_found_by_what_that_resolves_to():
    lines = [f"set {ZONE} ipPeer Q pathCheck hostName q.example.com"]
    settings = Settings(hosts={"q.example.com": "192.0.2.77"})
    assert wanted(*lines, remote="192.0.2.77", settings=settings) == ("q.example.com",)


def test_a_profile_that_does_not_verify_names_asks_for_none():
    box = live_box()
    box.slow_handshakes = True
    assert box.handshaking[box.connect(LISTENER, chain(testca.peer()), (ADDRESS, 40000))].names == ()


def test_the_box_asks_it_of_whom_it_dials_as_well():
    box = live_box(VERIFIED, f"{SET_PEER}policy sip fqdn sip.example.com")
    box.far_ends[PEER] = FarEnd(chain=chain(testca.peer()))
    box.slow_handshakes = True
    box.advance("1m")
    (record,) = box.sbc.connections()
    box.sbc.close_connection(record.id, "test", box.now)
    box.advance("1m")
    assert [each.names for each in box.handshaking.values()] == [("sip.example.com",)]


@pytest.mark.parametrize("lines", [[f"delete {ZONE} ipPeer P"], [f"{SET_PEER}ipAddress 192.0.2.11"]])
def test_who_is_gone_or_has_moved_is_not_known_there_any_more(lines):
    box = live_box(VERIFIED)
    box.commit(*lines)
    box.slow_handshakes = True
    assert box.handshaking[box.connect(LISTENER, chain(testca.peer()), (ADDRESS, 40000))].names == ()


def test_after_a_reset_the_directory_is_that_of_the_start():
    box = live_box(VERIFIED)
    box.sbc.adopt_start()
    box.commit(f"set {ZONE} ipPeer Q ipAddress 192.0.2.77", PINGING)
    box.sbc.reset(box.now)
    box.pump()
    box.slow_handshakes = True
    names = [
        box.handshaking[box.connect(LISTENER, chain(testca.peer()), (address, 40000))].names
        for address in (ADDRESS, "192.0.2.77")
    ]
    assert names == [(ADDRESS,), ()]
