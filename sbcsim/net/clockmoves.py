"""Moving the clock: from one instant to the next at which something is due, while the network settles in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sbcsim.clock import Clock, Instant
from sbcsim.events import ClockMoved
from sbcsim.journal import Journal

from .device import Device
from .pump import Pump
from .settling import Settling

TURN = 0.01
"""Real seconds that a long move of the clock keeps the event loop before others have their turn."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving the clock did: how much came due, and how many pings were spared because one stood for many."""

    start: Instant
    end: Instant
    fired: int
    spared: int


class ClockMoves:
    """Moves the clock of a device, one move after the other."""

    def __init__(self, device: Device, clock: Clock, journal: Journal, pump: Pump, settling: Settling) -> None:
        self._device = device
        self._clock = clock
        self._journal = journal
        self._pump = pump
        self._settling = settling
        self._turn = asyncio.Lock()

    async def move(self, target_from: Callable[[Instant], int]) -> Moved:
        """Move the clock to an uptime that follows from where it is; raises UserError when that lies in the past."""
        async with self._turn:
            with self._pump.held():
                start = self._clock.reading()
                return await self._go(start, target_from(start))

    async def _go(self, start: Instant, target: int) -> Moved:
        self._clock.check(target)
        await self._settling.settle()
        fired = spared = 0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self._pump.running and (stop := self._device.plan(target)) is not None:
            now = self._clock.move_to(stop)
            while True:
                counts = self._device.fire_planned(now)
                fired, spared = fired + counts[0], spared + counts[1]
                if not self._device.unfinished(now):
                    break
                self._pump.pump()
                await asyncio.sleep(0)
            await self._settling.settle()
            if loop.time() - begun > TURN:
                await asyncio.sleep(0)
                begun = loop.time()
        end = self._clock.move_to(target)
        self._journal.add(end, ClockMoved(target - start.uptime, fired, spared))
        if self._device.stirred:
            await self._settling.settle()
        return Moved(start, end, fired, spared)
