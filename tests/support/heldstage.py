"""Where every rotation starts and how it ends: certificate OLD in use on a connection held in each direction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import testca
from pingedbox import pinged_box, tls_port
from sippeers import Peer, Seen, peer

from sbcsim.simulator import Simulator

OLD = testca.sbc().certificate.serial
NEW = testca.sbc_renewed().certificate.serial


@dataclass
class Stage:
    """The box, its far end, and the connections that stood before anybody typed anything."""

    box: Simulator
    far: Peer
    pinged: Seen
    dialled: Seen

    async def dial(self) -> Seen:
        """Have the far end open one more connection."""
        return await self.far.dial(tls_port(self.box))

    async def is_untouched(self) -> bool:
        """Whether both connections stand as they stood, on OLD, and carry OPTIONS in both directions."""
        return await self._carries(self.pinged, self.dialled)

    async def has_rotated(self) -> None:
        """Check on the wire that new connections are shown NEW while those that stood stay on OLD, and serve."""
        newcomer = await self.dial()
        assert newcomer.serial == NEW
        assert await self.far.ping(newcomer) == 200
        assert (self.pinged.serial, self.dialled.serial) == (OLD, OLD)
        assert await self._carries(self.pinged, self.dialled, newcomer)
        assert [each.name for each in self.box.certificates() if each.type == "local"] == ["NEW"]

    async def has_not_rotated(self) -> None:
        """Check on the wire that nothing has changed, for newcomers neither."""
        assert await self.is_untouched()
        assert (await self.dial()).serial == OLD

    async def _carries(self, *expected: Seen) -> bool:
        before = self.pinged.requests
        await self.box.advance(minutes=1)
        return (
            self.pinged.requests > before
            and await self.far.ping(self.dialled) == 200
            and [each for each in self.far.connections if each.live] == [*expected]
        )


@asynccontextmanager
async def held_stage(directory: Path, *, version: str = "TLSv1.2") -> AsyncIterator[Stage]:
    """Start a box that pings its peer, and have the same peer dial in."""
    async with peer(testca.peer(), directory) as far:
        await far.listen()
        async with pinged_box(directory, far.port, testca.sbc(), version=version) as box:
            await box.advance("0s")  # the first ping has been answered
            (pinged,) = far.connections
            dialled = await far.dial(tls_port(box))
            assert await far.ping(dialled) == 200
            assert (pinged.serial, dialled.serial) == (OLD, OLD)
            yield Stage(box, far, pinged, dialled)
