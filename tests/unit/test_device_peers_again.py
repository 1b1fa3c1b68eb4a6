"""Going back to an earlier configuration: every ipPeer is what it was, and only those that differ are read again."""

from __future__ import annotations

import pytest
from livebox import SET_PEER, ZONE, live_box

from sbcsim.config.listing import Listing
from sbcsim.device import pathcheck

MANY = tuple(f"set {ZONE} ipPeer M{number} ipAddress 192.0.2.{number} ipPort 5061" for number in range(100, 150))


def test_all_peers_are_what_they_were():
    box = live_box(*MANY)
    box.sbc.adopt_start(new=True)
    box.sbc.reset(box.clock.reading())
    before = [(each.name, each.address, each.state, each.last_ping is None) for each in box.sbc.peers()]
    box.commit(
        f"{SET_PEER}pathCheck state disabled",
        f"set {ZONE} ipPeer M110 pathCheck profile PCP state enabled",
        f"set {ZONE} ipPeer M111 ipAddress 192.0.2.99",
        f"delete {ZONE} ipPeer M112",
        f"set {ZONE} ipPeer NEW ipAddress 192.0.2.98",
    )
    between = [(each.name, each.address, each.state, each.last_ping is None) for each in box.sbc.peers()]
    assert between != before
    box.sbc.reset(box.clock.reading())
    assert [(each.name, each.address, each.state, each.last_ping is None) for each in box.sbc.peers()] == before


def test_only_what_differs_is_read_again(monkeypatch: pytest.MonkeyPatch):
    box = live_box(*MANY)
    box.sbc.adopt_start(new=True)
    box.commit(f"set {ZONE} ipPeer M111 ipAddress 192.0.2.99")
    read = []
    really = pathcheck.read_peer
    monkeypatch.setattr(pathcheck, "read_peer", lambda tree, key: (read.append(key[2]), really(tree, key))[1])
    box.sbc.reset(box.clock.reading())
    assert read == ["M111", "P"]


def test_listings_differ_where_their_contents_are_not_the_same_object():
    first = Listing([(("1",), [1]), (("2",), [2]), (("10",), [3])])
    assert first.differing(first) == []
    assert first.set(("2",), [4]).differing(first) == [("2",)]
    moved = first.delete(("2",)).set(("a",), [5]).set(("10",), [6])
    assert moved.differing(first) == first.differing(moved) == [("2",), ("10",), ("a",)]
