"""When the pings of many peers are due: spread over the interval, so that thousands do not leave in one instant.

The first ping goes out at the commit that enables it, whatever else does. From the second on those of the peers that
began in the same instant are moved to a place of their own within the interval. It follows from the seed and the peer
alone, and lies before the next multiple of the interval: there everybody has been pinged as often as without.
"""

from __future__ import annotations

from sbcsim import rng
from sbcsim.clock import Instant

from .connections import PeerKey

UNMOVED = 20
"""So many peers that began in one instant stay together."""

SLOTS = 100
"""The places within an interval: peers that share one are pinged together, which spares a jump of the clock stops."""


class PingSpread:
    """Gives peers their places."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._instant = -1
        self._begun = 0

    def gap(self, key: PeerKey, interval: int, now: Instant) -> int:
        """Return how long after the first ping of a peer, which is now, the second one is due, in microseconds."""
        if now.uptime != self._instant:
            self.clear()
            self._instant = now.uptime
        self._begun += 1
        if self._begun <= UNMOVED:
            return interval
        return interval * rng.stream(self._seed, f"ping {' '.join(key)}").randint(1, SLOTS) // SLOTS

    def clear(self) -> None:
        """Forget who began when."""
        self._instant = -1
        self._begun = 0
