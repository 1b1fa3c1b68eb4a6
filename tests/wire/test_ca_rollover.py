"""The rollover of an authority on the wire: both anchors side by side, then the old one retired, in time or not."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sippeers
import testca
from pingedbox import VERSIONS, ZONE, pinged_box, tls_port
from sshlines import upload
from tlsbox import commit

from sbcsim.pki.mint import Issued
from sbcsim.simulator import Simulator

NEW_ANCHOR = "set system security pki certificate CA2 fileName ca2.pem type remote state enabled"
OLD_ANCHOR_OFF = "set system security pki certificate CA state disabled"
OLD_ANCHOR_ON = "set system security pki certificate CA state enabled"


def moved() -> Issued:
    """Return the certificate of a peer that the new authority has signed."""
    return testca.stranger().issue("moved.example.com", not_before="2025-12-01T00:00:00Z")


@pytest.fixture
async def staying(tmp_path: Path) -> AsyncIterator[sippeers.Peer]:
    """A peer whose certificate is the old authority's; the box pings it, and it dials in."""
    async with sippeers.peer(testca.peer(), tmp_path) as peer:
        yield await peer.listen()


@pytest.fixture
async def mover(tmp_path: Path) -> AsyncIterator[sippeers.Peer]:
    """A peer whose certificate is the new authority's."""
    async with sippeers.peer(moved(), tmp_path) as peer:
        yield peer


@pytest.fixture(params=VERSIONS)
async def box(tmp_path: Path, staying: sippeers.Peer, request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    box = pinged_box(tmp_path, staying.port, testca.sbc("2027-01-01T00:00:00Z"), version=request.param)
    async with box:
        await upload(box, "ca2.pem", testca.stranger().certificate.pem().encode())
        await staying.until(lambda: len(staying.connections) == 1 and staying.connections[0].requests > 0)
        yield box


async def refused(peer: sippeers.Peer, box: Simulator) -> bool:
    """Dial in, and tell whether the box says that it does not know the authority."""
    try:
        seen = await peer.dial(tls_port(box))
        end = "" if await peer.ping(seen) else seen.end  # over TLS 1.3 a client hears of it when it reads
    except ssl.SSLError as error:
        end = str(error.reason)
    if not end:
        return False
    assert "UNKNOWN_CA" in end or end == "cut"
    assert box.journal("handshake")[-1].event.alert_sent == 48
    return True


async def test_both_anchors_side_by_side_let_every_peer_in(
    box: Simulator, staying: sippeers.Peer, mover: sippeers.Peer
) -> None:
    assert await refused(mover, box)
    commit(box, NEW_ANCHOR)
    assert not await refused(mover, box)
    assert not await refused(staying, box)
    await box.advance(days=2)
    assert len(box.connections()) == 3
    assert staying.connections[0].live


async def test_an_anchor_that_is_retired_too_early(
    box: Simulator, staying: sippeers.Peer, mover: sippeers.Peer
) -> None:
    commit(box, NEW_ANCHOR)
    kept = await staying.dial(tls_port(box))
    safe = await mover.dial(tls_port(box))
    pinged = staying.connections[0]
    await box.advance(hours=3)
    commit(box, OLD_ANCHOR_OFF)

    assert await refused(staying, box), "new handshakes fail at once"
    assert not await refused(mover, box)
    await box.advance(hours=20, minutes=59)
    assert (kept.live, pinged.live) == (True, True), "live ones go on"
    assert await staying.ping(kept) == 200

    await box.advance(minutes=1)
    await staying.until(lambda: not kept.live and not pinged.live)
    assert (kept.end, pinged.end) == ("close_notify", "close_notify")
    assert safe.live
    told = box.cli("show status alarms currentStatus | match desc")
    assert told.count(": untrusted") == 2
    await box.advance(minutes=5)
    dialled = [entry.event for entry in box.journal("handshake") if entry.event.direction == "outbound"][1:]
    assert {(each.ok, each.alert_sent) for each in dialled} == {(False, 48)}
    assert [peer.path_state for peer in box.peers()] == ["down"]

    commit(box, OLD_ANCHOR_ON)
    assert not await refused(staying, box)
    await box.advance(minutes=2)
    assert [peer.path_state for peer in box.peers()] == ["up"]


async def test_an_anchor_that_is_retired_when_everybody_has_moved(
    box: Simulator, staying: sippeers.Peer, mover: sippeers.Peer
) -> None:
    commit(box, NEW_ANCHOR)
    safe = await mover.dial(tls_port(box))
    commit(box, f"set {ZONE} ipPeer PEER1 pathCheck state disabled", f"delete {ZONE} ipPeer PEER1")
    commit(box, OLD_ANCHOR_OFF, "delete system security pki certificate CA")
    await box.advance(days=3)
    assert safe.live
    assert await mover.ping(safe) == 200
    assert "untrusted" not in box.cli("show status alarms currentStatus")
