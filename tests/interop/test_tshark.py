"""A rotation as a stranger sees it who watches the wire and knows nothing but the keys of the far end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import testca
from pingedbox import CLIENT, DELETE, DISABLE, IMPORT, SERVER, VERSIONS, ZONE, pinged_box, tls_port
from sippeers import peer
from sshlines import terminal, upload
from tshark import Packet, capture

pytestmark = pytest.mark.interop

OLD, NEW = (int(each.certificate.serial, 16) for each in (testca.sbc(), testca.sbc_renewed()))
PING = f"set {ZONE} ipPeer PEER1 pathCheck state"
CLOSE_NOTIFY = "0"


class Stream(NamedTuple):
    """One connection as it was on the wire: the serial that the box showed, and the requests answered with 200."""

    serial: int
    pings: int
    begin: int
    last_ping: int
    box_says: tuple[str, ...]
    """The alerts that the box sent."""


def streams(packets: Sequence[Packet], to: int, *, box: bool) -> list[Stream]:
    """Return the connections to a port, of the box or of its far end, in the order in which they began."""
    numbers = dict.fromkeys(packet.stream for packet in packets if packet.target == to)
    return [
        _stream([each for each in packets if each.stream == number], lambda each: (each.source == to) == box)
        for number in numbers
    ]


def _stream(packets: list[Packet], by_box: Callable[[Packet], bool]) -> Stream:
    ((leaf, *_),) = [each.serials for each in packets if each.serials and by_box(each)]
    pings = [each.number for each in packets for method in each.methods if method == "OPTIONS"]
    answers = [status for each in packets for status in each.statuses]
    assert answers == ["200"] * len(pings)
    alerts = tuple(alert for each in packets if by_box(each) for alert in each.alerts)
    return Stream(int(leaf, 16), len(pings), packets[0].number, max(pings), alerts)


@pytest.mark.parametrize("version", VERSIONS)
async def test_on_the_wire_one_stream_shows_the_old_serial_and_carries_the_pings_until_the_recheck(
    version: str, tmp_path: Path
) -> None:
    async with peer(testca.peer(), tmp_path) as far:
        far.log_keys(tmp_path / "keys.log")
        await far.listen()
        async with (
            pinged_box(tmp_path, far.port, testca.sbc(), f"{PING} disabled", version=version) as box,
            terminal(box) as typed,
            capture(tmp_path, far.port, tls_port(box)) as captured,
        ):
            await upload(box, "new.p12", testca.sbc_renewed().pkcs12(testca.PASS_PHRASE))
            await typed.type_all("configure", f"{PING} enabled", "commit")
            for _ in range(3):  # one at a time, so that each ping is really sent
                await box.advance(minutes=1)
            before = await far.dial(tls_port(box))
            assert await far.ping(before) == 200

            await typed.type_all(IMPORT, SERVER, CLIENT, DISABLE, DELETE, "commit")
            for _ in range(3):
                await box.advance(minutes=1)
            after = await far.dial(tls_port(box))
            assert await far.ping(after) == await far.ping(before) == 200

            await box.advance(days=61)  # past the end of OLD and the re-check behind it
            await far.until(lambda: not before.live)
            await box.advance(minutes=2)
            assert await far.ping(after) == 200
            assert await far.ping(await far.dial(tls_port(box))) == 200
            pinged = [each for each in far.connections if each.requests]

            port = tls_port(box)

        packets = await captured.read(tmp_path / "keys.log", far.port, port)
    outbound, inbound = streams(packets, far.port, box=False), streams(packets, port, box=True)
    assert [each.serial for each in outbound] == [OLD, NEW]
    assert [each.serial for each in inbound] == [OLD, NEW, NEW]
    # What the far end counted was on the wire, and all of it.
    assert [each.pings for each in outbound] == [each.requests for each in pinged]
    assert outbound[0].pings >= 6
    assert outbound[0].last_ping < outbound[1].begin
    assert [each.pings for each in inbound] == [2, 2, 1]
    # The re-check closes what stands on the old certificate with close_notify, in both directions, and nothing else.
    assert outbound[0].box_says == inbound[0].box_says == (CLOSE_NOTIFY,)
